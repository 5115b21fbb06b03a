//! The lanes: long-polling requests that keep the slots filled. A topic is in one parked request at a time; topics that
//! come into want later get a request of their own, so that a parked one is never cancelled (a cancelled one goes on
//! parking at the engine and locks tasks for nobody).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{Id, JoinError, JoinSet};

use super::{Desk, breaker::Gate, dispatch, health::Waits};
use crate::{
    engine::{AfterFetch, EngineError, FetchRequest},
    task::{LockedTask, Subscription, Topic, WorkerId},
};

/// The requests under way of a host at one engine. Each wake at the engine queries every parked request again, on one
/// thread, at about 10 ms each.
const MAX_REQUESTS: usize = 8;

/// How long the last of [`MAX_REQUESTS`] may be parked: it must come home soon to take further topics along.
const LAST_REQUEST_POLL: Duration = Duration::from_secs(1);

/// Under a backlog a fetch waits until one part in so many of the capacity is free: a fetch costs the engine 5 to
/// 14 ms whatever its size.
const REFILL_PART: usize = 4;

/// But no longer than this, so that slow handlers do not leave slots empty.
const LINGER: Duration = Duration::from_millis(100);

/// A topic is not fetched more often than this. After idling the first task is there at once all the same; a stream of
/// tasks comes in small batches instead of one fetch each.
const FETCH_GAP: Duration = Duration::from_millis(20);

/// After a stop, how long a request may still come home before it is given up.
const HOMECOMING: Duration = Duration::from_secs(1);

/// When nothing else calls for a look.
const IDLE_LOOK: Duration = Duration::from_secs(60);

/// A request that is under way.
struct Request {
    worker: WorkerId,
    subscriptions: Vec<Subscription>,
    asked: usize,
    parked: bool,
}

/// How a request came home.
struct Homecoming {
    result: Result<Vec<LockedTask>, EngineError>,
    arrived: Instant,
}

/// What the last fetches of a topic told.
#[derive(Default)]
struct Lane {
    last_fetch: Option<Instant>,
    /// The last fetch brought as much as was asked for.
    backlog: bool,
    /// Since when there is room again, under a backlog.
    room_since: Option<Instant>,
}

struct Poller {
    desk: Arc<Desk>,
    under_way: HashMap<Id, Request>,
    requests: JoinSet<Homecoming>,
    /// Ids that no request uses at the moment.
    idle_ids: Vec<WorkerId>,
    lanes: BTreeMap<Topic, Lane>,
    /// Topics whose retries should be ready at the engine, until they have been fetched.
    due: BTreeSet<Topic>,
    /// The most tasks to ask for; less than the setting after an answer that was too large to be read.
    batch: usize,
    /// After errors: the waits, and until when to wait now.
    backoff: Option<(Waits, Instant)>,
}

/// Fetches until the stop, and brings home what is under way.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut poller = Poller {
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
        let catalog = self.desk.catalog.borrow();
        self.desk.slots.serve(catalog.plugins().map(|plugin| (plugin.topic.clone(), plugin.settings.max_concurrent)));
        self.lanes.retain(|topic, _| catalog.get(topic).is_some());
        self.due.retain(|topic| catalog.get(topic).is_some());
    }

    /// Sends what requests there is reason for. Returns when to look again at the latest.
    async fn start_requests(&mut self) -> Instant {
        let now = Instant::now();
        let mut look_again = now + IDLE_LOOK;
        if let Some((_, until)) = &self.backoff
            && *until > now
        {
            return *until;
        }
        if !self.journal_is_sound().await {
            return now + self.back_off(Waits::next);
        }
        self.take_due(now, &mut look_again);
        let (wanted, covered) = self.wanted(now, &mut look_again);
        // A parked request does not see that the time of a retry is over; one that is answered at once does.
        let quick = covered.into_iter().filter(|(it, _)| self.due.contains(&it.topic)).collect();
        for group in groups(quick) {
            if self.under_way.len() < MAX_REQUESTS {
                self.send(group, Duration::ZERO).await;
            }
        }
        let mut groups = groups(wanted);
        while !groups.is_empty() && self.under_way.len() < MAX_REQUESTS {
            if self.under_way.len() + 1 == MAX_REQUESTS {
                // The last one takes all the rest, and comes home soon.
                let all = groups.drain(..).flatten().collect();
                self.send(all, LAST_REQUEST_POLL.min(self.desk.options.poll)).await;
            } else {
                let group = groups.remove(0);
                self.send(group, self.desk.options.poll).await;
            }
        }
        look_again
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

    /// Notes the topics whose retries should be ready at the engine by now.
    fn take_due(&mut self, now: Instant, look_again: &mut Instant) {
        self.desk.due.send_if_modified(|due| {
            while due.first().is_some_and(|(when, _)| *when <= now) {
                self.due.extend(due.pop_first().map(|(_, topic)| topic));
            }
            // The poller itself need not hear of this.
            false
        });
        if let Some((when, _)) = self.desk.due.borrow().first() {
            *look_again = (*look_again).min(*when);
        }
    }

    /// The topics that can take tasks, each with how many: those to be fetched now, and those for which a request is
    /// parked already.
    #[allow(clippy::type_complexity)]
    fn wanted(
        &mut self,
        now: Instant,
        look_again: &mut Instant,
    ) -> (Vec<(Subscription, usize)>, Vec<(Subscription, usize)>) {
        let desk = self.desk.clone();
        let rooms = desk.slots.rooms(desk.options.fetch_ahead);
        let (mut wanted, mut covered) = (Vec::new(), Vec::new());
        let catalog = desk.catalog.borrow();
        for plugin in catalog.plugins() {
            let Some(room) = rooms.get(&plugin.topic) else { continue };
            let tasks = match desk.breakers.gate(&plugin.topic, now) {
                Gate::Open => room.tasks,
                Gate::Probe => room.tasks.min(1),
                Gate::Closed(until) => {
                    *look_again = until.map_or(*look_again, |until| (*look_again).min(until));
                    continue;
                }
            };
            let lane = self.lanes.entry(plugin.topic.clone()).or_default();
            if tasks == 0 {
                lane.room_since = None;
                continue;
            }
            let subscription = plugin.settings.subscription.clone();
            // A request with other variables or another filter does not count: this version never asked for it.
            if self.under_way.values().any(|request| request.parked && request.subscriptions.contains(&subscription)) {
                covered.push((subscription, tasks));
                continue;
            }
            if let Some(not_before) = lane.not_before(tasks, room.capacity, now) {
                *look_again = (*look_again).min(not_before);
                continue;
            }
            wanted.push((subscription, tasks));
        }
        (wanted, covered)
    }

    async fn send(&mut self, group: Vec<(Subscription, usize)>, poll: Duration) {
        let desk = self.desk.clone();
        let Some(worker) = self.worker_id().await else { return };
        // Any of the topics may bring all tasks of the answer.
        let least = group.iter().map(|(_, room)| *room).min().unwrap_or(0);
        let asked = least.min(self.batch);
        let subscriptions: Vec<Subscription> = group.into_iter().map(|(subscription, _)| subscription).collect();
        let now = Instant::now();
        for subscription in &subscriptions {
            let lane = self.lanes.entry(subscription.topic.clone()).or_default();
            self.due.remove(&subscription.topic);
            lane.last_fetch = Some(now);
            lane.room_since = None;
        }
        let request = FetchRequest {
            worker_id: worker.clone(),
            max_tasks: asked,
            use_priority: desk.options.use_priority,
            poll,
            subscriptions: subscriptions.clone(),
        };
        let sent = self.requests.spawn(async move {
            let result = desk.engine.fetch_and_lock(&request).await;
            Homecoming { result, arrived: Instant::now() }
        });
        self.under_way.insert(sent.id(), Request { worker, subscriptions, asked, parked: !poll.is_zero() });
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
        if let Some((_, until)) = &mut self.backoff {
            *until = Instant::now();
        }
    }

    fn back_off(&mut self, next: impl FnOnce(&mut Waits) -> Duration) -> Duration {
        let mut waits = match self.backoff.take() {
            Some((waits, _)) => waits,
            None => self.desk.options.backoff.waits(),
        };
        let wait = next(&mut waits);
        self.backoff = Some((waits, Instant::now() + wait));
        wait
    }

    fn came_home(&mut self, home: Result<(Id, Homecoming), JoinError>) {
        let (id, result, arrived) = match home {
            Ok((id, Homecoming { result, arrived })) => (id, result, arrived),
            Err(error) => {
                tracing::error!(%error, "a fetch failed inside the host");
                if let Some(request) = self.under_way.remove(&error.id()) {
                    self.retire(request.worker);
                }
                return;
            }
        };
        let Some(request) = self.under_way.remove(&id) else { return };
        match result {
            Ok(tasks) => {
                self.desk.health.fetched();
                self.backoff = None;
                self.batch = (self.batch * 2).min(self.desk.options.max_batch.get());
                self.idle_ids.push(request.worker.clone());
                let full = tasks.len() >= request.asked;
                for subscription in &request.subscriptions {
                    self.lanes.entry(subscription.topic.clone()).or_default().backlog = full;
                }
                dispatch::take_in(&self.desk, tasks, &request.subscriptions, arrived);
            }
            Err(error) => {
                match error.treatment().fetch {
                    AfterFetch::Again => {}
                    AfterFetch::Fewer => self.batch = (request.asked / 2).max(1),
                }
                let wait = self.back_off(|waits| waits.after(&error));
                self.desk.health.failed(&error, wait);
                if error.may_have_been_done() {
                    self.retire(request.worker);
                } else {
                    self.idle_ids.push(request.worker);
                }
            }
        }
    }

    /// Fetches no more under an id whose last answer was lost: its request may still be parked at the engine.
    fn retire(&self, worker: WorkerId) {
        self.desk.retire(worker, Instant::now() + self.desk.options.poll);
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

impl Lane {
    /// Until when this topic should not be fetched although it has room.
    fn not_before(&mut self, room: usize, capacity: usize, now: Instant) -> Option<Instant> {
        let gap = self.last_fetch.map(|last| last + FETCH_GAP).filter(|until| *until > now);
        if !self.backlog || room >= capacity.div_ceil(REFILL_PART) {
            return gap;
        }
        let since = *self.room_since.get_or_insert(now);
        let linger = Some(since + LINGER).filter(|until| *until > now);
        gap.max(linger)
    }
}

/// Puts topics with about equal room together: a request may bring all its tasks from one of its topics, so it asks for
/// what the least of them can take.
fn groups(topics: Vec<(Subscription, usize)>) -> Vec<Vec<(Subscription, usize)>> {
    let mut groups: BTreeMap<u32, Vec<(Subscription, usize)>> = BTreeMap::new();
    for (subscription, room) in topics {
        groups.entry(room.max(1).ilog2()).or_default().push((subscription, room));
    }
    groups.into_values().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(topic: &str) -> Subscription {
        Subscription {
            topic: Topic::new(topic),
            lock_duration: Duration::from_secs(60),
            variables: None,
            local_variables: false,
            filter: Default::default(),
        }
    }

    #[test]
    fn topics_with_equal_room_share_a_request_and_a_limited_one_does_not_slow_them() {
        let topics = vec![(subscription("a"), 64), (subscription("b"), 2), (subscription("c"), 64)];
        let groups: Vec<Vec<String>> = groups(topics)
            .into_iter()
            .map(|group| group.into_iter().map(|(it, _)| it.topic.to_string()).collect())
            .collect();
        assert_eq!(groups, [vec!["a", "c"], vec!["b"]]);
    }

    #[test]
    fn without_a_backlog_a_topic_with_room_is_fetched_at_once() {
        let now = Instant::now();
        assert_eq!(Lane::default().not_before(1, 64, now), None);
    }

    #[test]
    fn under_a_backlog_a_fetch_waits_for_a_batch_but_not_for_ever() {
        let now = Instant::now();
        let mut lane = Lane { backlog: true, ..Lane::default() };
        assert_eq!(lane.not_before(1, 64, now), Some(now + LINGER));
        assert_eq!(lane.not_before(16, 64, now), None);
        assert_eq!(lane.not_before(1, 64, now + LINGER), None);
    }

    #[test]
    fn a_stream_of_tasks_does_not_cost_a_fetch_each() {
        let now = Instant::now();
        let mut lane = Lane { last_fetch: Some(now), ..Lane::default() };
        assert_eq!(lane.not_before(64, 64, now), Some(now + FETCH_GAP));
        assert_eq!(lane.not_before(64, 64, now + FETCH_GAP), None);
    }
}
