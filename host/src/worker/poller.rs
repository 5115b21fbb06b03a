//! The poller: long-polling requests that keep the slots filled. A route (a topic and one of its plugins) is in one
//! parked request at a time; those that come into want later get a request of their own, so that a parked one is never
//! cancelled (a cancelled one goes on parking at the engine and locks tasks for nobody).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{Id, JoinError, JoinSet};

use super::{
    Desk, Retired,
    breaker::Gate,
    dispatch::{self, Asked, Sense},
    health::Waits,
    lanes::{Lane, Want, groups},
};
use crate::{
    engine::{AfterFetch, EngineError, FetchRequest},
    task::{LockedTask, Route, WorkerId},
};

/// The requests under way of a host at one engine. Each wake at the engine queries every parked request again, on one
/// thread, at about 10 ms each.
const MAX_REQUESTS: usize = 8;

/// How long a request may be parked that must come home soon to make room for others: the last of [`MAX_REQUESTS`], and
/// all of them if a topic has more plugins than there are requests.
const BRIEF_POLL: Duration = Duration::from_secs(1);

/// After a stop, how long a request may still come home before it is given up.
const HOMECOMING: Duration = Duration::from_secs(1);

/// When nothing else calls for a look.
const IDLE_LOOK: Duration = Duration::from_secs(60);

/// A request that is under way.
struct Request {
    worker: WorkerId,
    asked: Vec<Asked>,
    max_tasks: usize,
    sent: Instant,
    parked: bool,
}

/// How a request came home.
struct Homecoming {
    result: Result<Vec<LockedTask>, EngineError>,
    arrived: Instant,
    /// The engine rejects what was asked for, and is well otherwise.
    is_our_fault: bool,
}

/// The routes that can take tasks.
#[derive(Default)]
struct Wanted {
    /// Those to be fetched now.
    now: Vec<Want>,
    /// Those to be fetched now, each in a request of its own.
    alone: Vec<Want>,
    /// Those for which a request is parked already.
    covered: Vec<Want>,
}

struct Poller {
    desk: Arc<Desk>,
    under_way: HashMap<Id, Request>,
    requests: JoinSet<Homecoming>,
    /// Ids that no request uses at the moment.
    idle_ids: Vec<WorkerId>,
    lanes: BTreeMap<Route, Lane>,
    /// Routes whose retries should be ready at the engine, until they have been fetched.
    due: BTreeSet<Route>,
    /// How long requests are parked.
    poll: Duration,
    /// The most tasks to ask for; less than the setting after an answer that was too large to be read.
    batch: usize,
    backoff: Option<Pause>,
}

/// What is waited for after errors.
struct Pause {
    waits: Waits,
    /// When the error came that the present wait follows.
    began: Instant,
    until: Instant,
}

/// Fetches until the stop, and brings home what is under way.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut poller = Poller {
        poll: desk.options.poll,
        batch: desk.options.max_batch.get(),
        desk,
        under_way: HashMap::new(),
        requests: JoinSet::new(),
        idle_ids: Vec::new(),
        lanes: BTreeMap::new(),
        due: BTreeSet::new(),
        backoff: None,
    };
    poller.fetch_until_stopped().await;
    poller.bring_home().await;
}

impl Poller {
    async fn fetch_until_stopped(&mut self) {
        let desk = self.desk.clone();
        let mut slots = desk.slots.subscribe();
        let mut catalog = desk.catalog.clone();
        let mut due = desk.due.subscribe();
        let mut recoveries = desk.health.recoveries();
        self.serve();
        loop {
            let look_again = self.start_requests().await;
            tokio::select! {
                () = desk.stop.cancelled() => return,
                Some(home) = self.requests.join_next_with_id() => self.came_home(home),
                Ok(()) = slots.changed() => {}
                Ok(()) = catalog.changed() => self.serve(),
                Ok(()) = due.changed() => {}
                Ok(()) = recoveries.changed() => self.wait_no_longer(),
                () = tokio::time::sleep_until(look_again.into()) => {}
            }
        }
    }

    /// Takes a changed catalog over.
    fn serve(&mut self) {
        let desk = self.desk.clone();
        let catalog = desk.catalog.borrow();
        let own = || catalog.plugins_for(&desk.engine_name);
        desk.slots.serve(own().map(|plugin| (plugin.route.clone(), plugin.settings.max_concurrent)));
        let serves = |route: &Route| catalog.get(&desk.engine_name, route).is_some();
        self.lanes.retain(|route, _| serves(route));
        self.due.retain(serves);
        // Each of the plugins of a topic needs a request of its own.
        let plugins: Vec<_> = own().collect();
        let most = plugins.chunk_by(|one, other| one.route.topic == other.route.topic).map(<[_]>::len).max();
        let crowded = most.is_some_and(|most| most > MAX_REQUESTS);
        self.poll = if crowded { BRIEF_POLL.min(desk.options.poll) } else { desk.options.poll };
    }

    /// Sends what requests there is reason for. Returns when to look again at the latest.
    async fn start_requests(&mut self) -> Instant {
        let now = Instant::now();
        let mut look_again = now + IDLE_LOOK;
        if let Some(pause) = &self.backoff
            && pause.until > now
        {
            return pause.until;
        }
        if !self.journal_is_sound().await {
            return now + self.back_off(Waits::next);
        }
        self.take_due(now, &mut look_again);
        let Wanted { now: wanted, alone, covered } = self.wanted(now, &mut look_again);
        // A parked request does not see that the time of a retry is over; one that is answered at once does.
        let quick = covered.into_iter().filter(|want| self.due.contains(&want.asked.route)).collect();
        for group in groups(quick).into_iter().chain(alone.into_iter().map(|want| vec![want])) {
            if self.under_way.len() < MAX_REQUESTS {
                self.send(group, Duration::ZERO).await;
            }
        }
        let mut groups = groups(wanted);
        while !groups.is_empty() && self.under_way.len() < MAX_REQUESTS {
            if self.under_way.len() + 1 == MAX_REQUESTS {
                // The last one takes all the rest, and comes home soon.
                let all = self.one_of_each_topic(groups.drain(..).flatten().collect());
                self.send(all, BRIEF_POLL.min(self.poll)).await;
            } else {
                let group = groups.remove(0);
                self.send(group, self.poll).await;
            }
        }
        look_again
    }

    /// Of each topic the route that has waited longest for a fetch.
    fn one_of_each_topic(&self, mut wants: Vec<Want>) -> Vec<Want> {
        wants.sort_by_key(|want| self.lanes.get(&want.asked.route).and_then(|lane| lane.last_fetch));
        let mut topics = BTreeSet::new();
        wants.retain(|want| topics.insert(want.asked.route.topic.clone()));
        wants
    }

    /// Nothing is fetched that could be decided and not kept. Everybody who waits is told when that is over.
    async fn journal_is_sound(&self) -> bool {
        if self.desk.journal.is_sound() {
            return true;
        }
        let sound = self.desk.journal.check().await.is_ok();
        if sound {
            self.desk.slots.look_again();
        }
        sound
    }

    /// Notes the routes whose retries should be ready at the engine by now.
    fn take_due(&mut self, now: Instant, look_again: &mut Instant) {
        self.desk.due.send_if_modified(|due| {
            while due.first().is_some_and(|(when, _)| *when <= now) {
                self.due.extend(due.pop_first().map(|(_, route)| route));
            }
            // The poller itself need not hear of this.
            false
        });
        if let Some((when, _)) = self.desk.due.borrow().first() {
            *look_again = (*look_again).min(*when);
        }
    }

    /// The routes that can take tasks.
    fn wanted(&mut self, now: Instant, look_again: &mut Instant) -> Wanted {
        let desk = self.desk.clone();
        let rooms = desk.slots.rooms(desk.options.fetch_ahead);
        let mut wanted = Wanted::default();
        let catalog = desk.catalog.borrow();
        for plugin in catalog.plugins_for(&desk.engine_name) {
            let Some(room) = rooms.get(&plugin.route) else { continue };
            let tasks = match desk.breakers.gate(&plugin.route, now) {
                Gate::Open => room.tasks,
                Gate::Probe => room.tasks.min(1),
                Gate::Closed(until) => {
                    *look_again = until.map_or(*look_again, |until| (*look_again).min(until));
                    continue;
                }
            };
            let lane = self.lanes.entry(plugin.route.clone()).or_default();
            if tasks == 0 {
                lane.full();
                continue;
            }
            let asked = Asked { route: plugin.route.clone(), subscription: plugin.settings.subscription.clone() };
            let is_suspect = lane.is_suspect(&asked.subscription);
            // A request with other variables or another filter does not count: this version never asked for it.
            let mut under_way = self.under_way.values().filter(|request| request.asked.contains(&asked));
            if is_suspect && under_way.next().is_some() {
                continue;
            }
            if under_way.any(|request| request.parked) {
                wanted.covered.push(Want { asked, room: tasks });
                continue;
            }
            if let Some(not_before) = lane.not_before(tasks, room.capacity, now) {
                *look_again = (*look_again).min(not_before);
                continue;
            }
            let wants = if is_suspect { &mut wanted.alone } else { &mut wanted.now };
            wants.push(Want { asked, room: tasks });
        }
        wanted
    }

    async fn send(&mut self, group: Vec<Want>, poll: Duration) {
        let desk = self.desk.clone();
        let Some(worker) = self.worker_id().await else { return };
        // An engine in trouble is not polled: once it is well again it says so at once, not when a long poll ends.
        let poll = if self.backoff.is_some() { Duration::ZERO } else { poll };
        // Any of the topics may bring all tasks of the answer.
        let least = group.iter().map(|want| want.room).min().unwrap_or(0);
        let max_tasks = least.min(self.batch);
        let asked: Vec<Asked> = group.into_iter().map(|want| want.asked).collect();
        let now = Instant::now();
        for Asked { route, .. } in &asked {
            self.lanes.entry(route.clone()).or_default().fetched(now);
            self.due.remove(route);
        }
        let request = FetchRequest {
            worker_id: worker.clone(),
            max_tasks,
            use_priority: desk.options.use_priority,
            order: desk.options.order,
            poll,
            subscriptions: asked.iter().map(|it| it.subscription.clone()).collect(),
        };
        let sent = self.requests.spawn(async move {
            let result = desk.engine.fetch_and_lock(&request).await;
            let arrived = Instant::now();
            let rejected = |error: &EngineError| error.treatment().fetch == AfterFetch::Alone;
            let is_our_fault = result.as_ref().is_err_and(rejected) && desk.engine_is_well().await;
            Homecoming { result, arrived, is_our_fault }
        });
        self.under_way.insert(sent.id(), Request { worker, asked, max_tasks, sent: now, parked: !poll.is_zero() });
    }

    /// An id that no other request uses: two polls of one id cancel each other where the engine's
    /// `fetch-and-lock-unique-worker-request` is on.
    async fn worker_id(&mut self) -> Option<WorkerId> {
        if let Some(id) = self.idle_ids.pop() {
            return Some(id);
        }
        let id = self.desk.new_worker_id();
        // Before the first fetch, so that a successor finds what this process leaves locked.
        match self.desk.journal.remember_worker(&self.desk.engine_name, &id).await {
            Ok(()) => Some(id),
            Err(error) => {
                tracing::debug!(%error, "no worker id without the journal");
                None
            }
        }
    }

    /// The engine answered somebody. Should it not take fetches all the same, the waits go on growing.
    fn wait_no_longer(&mut self) {
        if let Some(pause) = &mut self.backoff {
            pause.until = Instant::now();
        }
    }

    fn back_off(&mut self, next: impl FnOnce(&mut Waits) -> Duration) -> Duration {
        let mut waits = match self.backoff.take() {
            Some(pause) => pause.waits,
            None => self.desk.options.backoff.waits(),
        };
        let wait = next(&mut waits);
        let began = Instant::now();
        self.backoff = Some(Pause { waits, began, until: began + wait });
        wait
    }

    /// The wait after the error of a request. All that were under way at an error meet the same trouble: the waits grow
    /// once for them, and not with each.
    fn back_off_after(&mut self, error: &EngineError, sent: Instant) -> Duration {
        match &mut self.backoff {
            Some(pause) if sent <= pause.began => {
                let now = Instant::now();
                pause.until = pause.until.max(now + error.retry_after().unwrap_or_default());
                pause.until - now
            }
            _ => self.back_off(|waits| waits.after(error)),
        }
    }

    fn came_home(&mut self, home: Result<(Id, Homecoming), JoinError>) {
        let (id, home) = match home {
            Ok(home) => home,
            Err(error) => {
                tracing::error!(%error, "a fetch failed inside the host");
                if let Some(request) = self.under_way.remove(&error.id()) {
                    self.retire(request.worker);
                }
                return;
            }
        };
        let Some(request) = self.under_way.remove(&id) else { return };
        match home.result {
            Ok(tasks) => self.answered(request, tasks, home.arrived),
            Err(error) if home.is_our_fault => self.rejected(request, &error),
            Err(error) => self.failed(request, &error),
        }
    }

    fn answered(&mut self, request: Request, tasks: Vec<LockedTask>, arrived: Instant) {
        self.desk.health.fetched();
        self.backoff = None;
        self.batch = (self.batch * 2).min(self.desk.options.max_batch.get());
        self.idle_ids.push(request.worker);
        let full = tasks.len() >= request.max_tasks;
        let sense = dispatch::take_in(&self.desk, tasks, &request.asked, arrived);
        for asked in &request.asked {
            let lane = self.lanes.entry(asked.route.clone()).or_default();
            lane.answered(asked, full);
            if sense == Sense::Odd {
                lane.rest(arrived);
            }
        }
    }

    /// What was asked for is rejected by an engine that is well otherwise: whose fault it is shows when each is asked
    /// for alone.
    fn rejected(&mut self, request: Request, error: &EngineError) {
        let now = Instant::now();
        self.desk.health.answered();
        self.idle_ids.push(request.worker);
        let is_alone = request.asked.len() == 1;
        for asked in &request.asked {
            let lane = self.lanes.entry(asked.route.clone()).or_default();
            if is_alone {
                lane.rejected(asked, error, self.desk.options.backoff.initial, now);
            } else {
                lane.suspect(asked, now);
            }
        }
    }

    fn failed(&mut self, request: Request, error: &EngineError) {
        match error.treatment().fetch {
            AfterFetch::Again | AfterFetch::Alone => {}
            AfterFetch::Fewer => self.batch = (request.max_tasks / 2).max(1),
        }
        let wait = self.back_off_after(error, request.sent);
        self.desk.health.failed(error, wait);
        match error {
            // Its one task would come again and again, and nothing else could be fetched beside it.
            EngineError::TooLarge { limit } if request.max_tasks == 1 => {
                let until = Instant::now();
                self.desk.retire(Retired { worker: request.worker, until, too_large: Some(*limit) });
            }
            error if error.may_have_been_done() => self.retire(request.worker),
            _ => self.idle_ids.push(request.worker),
        }
    }

    /// Fetches no more under an id whose last answer was lost: its request may still be parked at the engine.
    fn retire(&self, worker: WorkerId) {
        let until = Instant::now() + self.desk.options.poll;
        self.desk.retire(Retired { worker, until, too_large: None });
    }

    /// Takes what still comes home after the stop, so that it can be given back.
    async fn bring_home(&mut self) {
        let deadline = tokio::time::Instant::now() + HOMECOMING;
        while let Ok(Some(home)) = tokio::time::timeout_at(deadline, self.requests.join_next_with_id()).await {
            self.came_home(home);
        }
        self.requests.abort_all();
        for request in std::mem::take(&mut self.under_way).into_values() {
            self.retire(request.worker);
        }
    }
}
