//! The worker: brings tasks from the engine to their handlers and outcomes back to the engine.
//!
//! A task's way: [`poller`] (fetch and lock) → [`dispatch`] (what is it to us?) → [`slots`] (wait for one) →
//! [`invocation`] (run the handler) → [`decision`] (journal the outcome) → [`delivery`] (tell the engine). Beside it go
//! [`keeper`] (extends locks), [`sweep`] (finds what is locked under ids that we no longer use) and [`breaker`].

mod activity;
mod bpmn_error;
mod breaker;
mod decision;
mod delivery;
mod dispatch;
mod engine_calls;
mod health;
mod held;
mod invocation;
mod keeper;
mod lanes;
mod poller;
mod rejection;
mod release;
mod slots;
mod sweep;

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{bpmn_error::Unlisted, breaker::Breakers, dispatch::Waiting, health::Health, held::Held, slots::Slots};
use crate::{
    cases::Recorder,
    engine::{Engine, EngineError, TaskQuery},
    journal::Journal,
    plugins::Catalog,
    sandbox::{HttpPort, Sandbox},
    task::{EngineName, FetchOrder, Route, TaskId, WorkerId},
};

pub use activity::{Activity, LastFailure, RouteActivity};
pub use health::Backoff;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Invocations at once (`worker.max-concurrent`).
    pub max_concurrent: NonZeroUsize,
    /// Outcome calls at once (`worker.max-deliveries`).
    pub max_deliveries: NonZeroUsize,
    /// How long the engine may park a fetch (`worker.poll`).
    pub poll: Duration,
    /// How much measured work to fetch ahead (`worker.fetch-ahead`).
    pub fetch_ahead: Duration,
    /// The most tasks of one fetch (`worker.max-batch`).
    pub max_batch: NonZeroUsize,
    /// Waits after errors (`worker.backoff`).
    pub backoff: Backoff,
    /// How long running invocations may go on after the stop (`worker.shutdown-timeout`).
    pub shutdown_timeout: Duration,
    /// Whether tasks of higher priority come first (`engine.use-priority`).
    pub use_priority: bool,
    /// In which order tasks are fetched (`worker.fetch-order`).
    pub order: FetchOrder,
    /// The beginning of every worker id; unique per process start.
    pub id_prefix: String,
}

/// What the workers of a host share: each works for one engine, all within the limits of the host.
#[derive(Clone)]
pub struct Shared {
    /// Where outcomes are kept, by engine.
    pub journal: Journal,
    /// Where handlers run.
    pub sandbox: Arc<Sandbox>,
    /// The plugins that serve, of all engines.
    pub catalog: watch::Receiver<Catalog>,
    /// What is going on, over all engines.
    pub activity: Activity,
    /// What makes recordings of invocations, if any can be wanted.
    pub recorder: Option<Arc<Recorder>>,
    /// A permit for each invocation that may run (`worker.max-concurrent`).
    pub invocations: Arc<Semaphore>,
    /// The way of handlers to other servers.
    pub http: Arc<dyn HttpPort>,
}

/// What the parts of a worker share.
struct Desk {
    engine_name: EngineName,
    engine: Arc<dyn Engine>,
    journal: Journal,
    sandbox: Arc<Sandbox>,
    catalog: watch::Receiver<Catalog>,
    options: WorkerOptions,
    held: Held,
    slots: Arc<Slots<Waiting>>,
    deliveries: Semaphore,
    breakers: Breakers,
    health: Health,
    activity: Activity,
    recorder: Option<Arc<Recorder>>,
    unlisted_errors: Unlisted,
    /// Over all workers; the slots are those of this one.
    invocations: Arc<Semaphore>,
    http: Arc<dyn HttpPort>,
    /// Retries that this host has caused: when to look for them, as the engine itself looks every 30 s only.
    due: watch::Sender<BTreeSet<(Instant, Route)>>,
    /// Worker ids that are no longer fetched under.
    retired: Mutex<Vec<Retired>>,
    /// Owns every task that is spawned for a task of the engine.
    tracker: TaskTracker,
    /// Cancelled: fetch no more.
    stop: CancellationToken,
    /// Cancelled: stop what still runs.
    halt: CancellationToken,
    /// Cancelled: leave what is undelivered to the journal.
    abandon: CancellationToken,
    /// For unique worker ids.
    ids: AtomicU64,
}

impl Desk {
    fn new_worker_id(&self) -> WorkerId {
        WorkerId::new(format!("{}-{}", self.options.id_prefix, self.ids.fetch_add(1, Relaxed)))
    }

    /// Looks for tasks of a route at this moment, whatever is parked.
    fn look_at(&self, when: Instant, route: Route) {
        self.due.send_modify(|due| {
            due.insert((when, route));
        });
    }

    /// The id of this host, or of an earlier process with its state directory, under which the engine has locked a
    /// task; `None` if it is somebody else's or nobody's.
    async fn our_id_that_holds(&self, task: &TaskId) -> Result<Option<WorkerId>, EngineError> {
        let query = TaskQuery { id: Some(task.clone()), locked: Some(true), ..TaskQuery::default() };
        let holder = self.engine.tasks(&query).await?.into_iter().find_map(|found| found.worker_id);
        Ok(holder.filter(|holder| self.journal.workers(&self.engine_name).contains(holder)))
    }

    /// Whether the engine answers what is asked of its database when nothing is special about it.
    async fn engine_is_well(&self) -> bool {
        let nothing = TaskQuery { id: Some(TaskId::new(NO_TASK)), ..TaskQuery::default() };
        let is_well = self.engine.tasks(&nothing).await.is_ok();
        if is_well {
            self.health.answered();
        }
        is_well
    }

    fn retire(&self, retired: Retired) {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(retired);
    }
}

/// A worker id under which nothing is fetched any more.
#[derive(Debug, Clone)]
struct Retired {
    worker: WorkerId,
    /// Until when something may still turn up under it.
    until: Instant,
    /// The answer that would have brought its one task had more bytes than this, which are all that is read.
    too_large: Option<usize>,
}

/// The id of no task.
const NO_TASK: &str = "none";

/// A running worker.
pub struct Worker {
    desk: Arc<Desk>,
    parts: Vec<(&'static str, JoinHandle<()>)>,
    poller: JoinHandle<()>,
}

/// How a shutdown ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Outcomes that are journalled and not yet delivered; the next start delivers them.
    pub undelivered: usize,
}

impl Worker {
    /// Starts a worker of one engine: delivers what the journal holds, releases what an earlier process left locked, and
    /// begins to fetch for the plugins in the catalog that work for this engine.
    pub fn start(engine_name: EngineName, engine: Arc<dyn Engine>, shared: Shared, options: WorkerOptions) -> Self {
        let Shared { journal, sandbox, catalog, activity, recorder, invocations, http } = shared;
        let halt = CancellationToken::new();
        let desk = Arc::new(Desk {
            held: Held::new(halt.clone()),
            slots: Arc::new(Slots::new(options.max_concurrent)),
            deliveries: Semaphore::new(options.max_deliveries.get()),
            breakers: Breakers::default(),
            health: Health::new(engine_name.clone()),
            activity,
            recorder,
            invocations,
            http,
            unlisted_errors: Unlisted::default(),
            due: watch::Sender::default(),
            retired: Mutex::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            halt,
            abandon: CancellationToken::new(),
            ids: AtomicU64::new(0),
            engine_name,
            engine,
            journal,
            sandbox,
            catalog,
            options,
        });
        sweep::retire_predecessors(&desk);
        delivery::resume(&desk);
        let parts = vec![
            ("lock keeper", tokio::spawn(keeper::run(desk.clone()))),
            ("dispatcher", tokio::spawn(invocation::start(desk.clone()))),
            ("sweeper", tokio::spawn(sweep::run(desk.clone()))),
        ];
        let poller = tokio::spawn(poller::run(desk.clone()));
        Self { desk, parts, poller }
    }

    /// Stops: fetches no more, releases what never started, lets what runs finish until the deadline, delivers.
    pub async fn shutdown(self) -> Stopped {
        let Self { desk, parts, poller } = self;
        let deadline = tokio::time::Instant::now() + desk.options.shutdown_timeout;
        desk.stop.cancel();
        join("poller", poller).await;
        for waiting in desk.slots.drain(|_| true) {
            dispatch::give_back(&desk, waiting);
        }
        if tokio::time::timeout_at(deadline, desk.held.until(|held| held.len() == 0)).await.is_err() {
            tracing::warn!(
                held = desk.held.len(),
                "the shutdown timeout is over: what still runs is cancelled and released"
            );
            desk.halt.cancel();
            let rest = tokio::time::timeout(LAST_WORDS, desk.held.until(|held| held.len() == 0));
            if rest.await.is_err() {
                tracing::warn!("the engine does not take every outcome in time: the next start delivers them");
            }
        }
        desk.abandon.cancel();
        desk.halt.cancel();
        for (name, part) in parts {
            join(name, part).await;
        }
        desk.tracker.close();
        if tokio::time::timeout(LAST_WORDS, desk.tracker.wait()).await.is_err() {
            tracing::warn!("some work for the engine did not end in time");
        }
        sweep::last(&desk).await;
        Stopped {
            undelivered: desk.journal.entries(&desk.engine_name).iter().filter(|entry| entry.is_pending()).count(),
        }
    }
}

/// How long the calls of a shutdown may take that come after its deadline: releases, the last deliveries.
const LAST_WORDS: Duration = Duration::from_secs(3);

async fn join(name: &str, part: JoinHandle<()>) {
    if let Err(error) = part.await {
        tracing::error!(part = name, %error, "a part of the worker failed");
    }
}
