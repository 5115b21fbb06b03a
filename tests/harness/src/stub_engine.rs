//! A scripted engine: the external-task part of the REST interface on a free loopback port, with its tasks in memory,
//! for tests that need no Java. It answers in the words of a recorded Operaton, records every request, and can
//! misbehave on demand ([`Fault`], [`Mode`]).
//!
//! Like a real engine it finishes a request whose client has left, notices expired locks and passed retry times for
//! parked polls only at its tick of 30 s, and wakes them for new and unlocked tasks at once.

mod answer;
mod connection;
mod filter;
mod http;
mod store;
#[cfg(test)]
mod store_tests;
mod task;
mod values;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use connection::{Connection, CuttableListener};
use store::Store;
pub use task::{TaskSpec, TaskState};

/// How often the engine looks by itself whether a parked poll can be answered.
const SERVER_TICK: Duration = Duration::from_secs(30);

/// For how long [`StubEngine::take_over`] locks: longer than any test.
const TAKEN_OVER: Duration = Duration::from_secs(60 * 60);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path from `/engine-rest` on, still encoded, with its query.
    pub path: String,
    /// The body; null if there was none, or none in JSON.
    pub body: Value,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// When it had been read.
    pub at: Instant,
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer comes, and nothing is applied.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The content type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The connection breaks, and nothing was applied.
    CutBeforeApplying,
    /// The connection breaks when all is applied: only the answer is lost.
    CutAfterApplying,
    /// The request is applied and answered this much later.
    Delay(Duration),
}

impl Fault {
    /// An answer in the engine's own JSON.
    pub fn error(status: u16, kind: &str, message: &str, code: Option<i64>) -> Self {
        let body = serde_json::json!({"type": kind, "message": message, "code": code});
        Self::Answer { status, content_type: "application/json".to_owned(), body: body.to_string() }
    }
}

/// How the engine behaves until told otherwise.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    /// As an engine does.
    #[default]
    Normal,
    /// An HTML page comes for every request, as from a proxy or another application.
    Html {
        /// With this HTTP status.
        status: u16,
    },
    /// Requests need these credentials; without them comes a 401 with no body.
    BasicAuth {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// Every connection breaks before anything is applied, those of parked polls too: the engine is out of reach.
    CutEverything,
}

/// Everything that the engine and its requests share.
struct Shared {
    store: Mutex<Store>,
    script: Mutex<Script>,
    /// Counts changes of tasks and requests, for those who await a state.
    changes: watch::Sender<u64>,
    /// Counts what wakes parked polls.
    wakes: watch::Sender<u64>,
    parked: AtomicUsize,
}

#[derive(Default)]
struct Script {
    mode: Mode,
    faults: Vec<PlannedFault>,
    requests: Vec<Recorded>,
}

struct PlannedFault {
    path_contains: String,
    remaining: usize,
    fault: Fault,
}

/// While it lives, a fetchAndLock is under way.
struct Parked<'a>(&'a Shared);

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.parked.fetch_sub(1, Ordering::SeqCst);
        self.0.changed();
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mode(&self) -> Mode {
        self.script().mode.clone()
    }

    fn record(&self, request: Recorded) {
        self.script().requests.push(request);
        self.changed();
    }

    /// The first planned fault that a path fits, counted down.
    fn take_fault(&self, path: &str) -> Option<Fault> {
        let mut script = self.script();
        let index = script.faults.iter().position(|planned| path.contains(&planned.path_contains))?;
        let planned = script.faults.get_mut(index)?;
        let fault = planned.fault.clone();
        planned.remaining -= 1;
        if planned.remaining == 0 {
            script.faults.remove(index);
        }
        drop(script);
        self.changed();
        Some(fault)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn wake_parked(&self) {
        self.wakes.send_modify(|count| *count += 1);
    }

    fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.subscribe()
    }

    fn park(&self) -> Parked<'_> {
        self.parked.fetch_add(1, Ordering::SeqCst);
        self.changed();
        Parked(self)
    }
}

/// A running scripted engine; dropping it ends it and closes its port.
pub struct StubEngine {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for StubEngine {
    fn drop(&mut self) {
        self.server.abort();
        // Connections outlive the listener, so they are told to break.
        self.set_mode(Mode::CutEverything);
    }
}

impl StubEngine {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts on a given address, so that a test can bring an engine up late: see [`StubEngine::free_address`].
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the scripted engine cannot listen on {address}"))?;
        let address = listener.local_addr().context("the scripted engine's own address")?;
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            script: Mutex::default(),
            changes: watch::Sender::new(0),
            wakes: watch::Sender::new(0),
            parked: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(http::handle).with_state(Arc::clone(&shared));
        let service = router.into_make_service_with_connect_info::<Connection>();
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            drop(axum::serve(CuttableListener(listener), service).await);
        });
        Ok(Self { shared, address, server })
    }

    /// A loopback address that nobody listens on at the moment.
    ///
    /// # Errors
    /// No port can be bound.
    pub fn free_address() -> Result<SocketAddr> {
        crate::free_loopback_address()
    }

    /// The base URL that clients are given, ending in `/engine-rest`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, http::BASE_PATH)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Creates a task, wakes parked polls, and answers its id.
    pub fn add_task(&self, spec: TaskSpec) -> String {
        let id = self.shared.store().add(spec, Instant::now());
        self.shared.changed();
        self.shared.wake_parked();
        id
    }

    /// Where a task is.
    pub fn state(&self, id: &str) -> TaskState {
        self.shared.store().state(id, Instant::now())
    }

    /// Every task that there ever was, by id, with its state.
    pub fn states(&self) -> BTreeMap<String, TaskState> {
        self.shared.store().states(Instant::now())
    }

    /// The process instance of a task that has not ended.
    pub fn instance_of(&self, id: &str) -> Option<String> {
        self.shared.store().task(id).map(|task| task.instance.clone())
    }

    /// How often a fetch handed out a task that has not ended.
    pub fn times_fetched(&self, id: &str) -> u32 {
        self.shared.store().task(id).map_or(0, |task| task.fetched)
    }

    /// The variables of a process instance, as they were written. They stay readable when its task has ended.
    pub fn variables(&self, instance: &str) -> Option<Value> {
        self.shared.store().instance_variables(instance).cloned().map(Value::Object)
    }

    /// The variables of a task's own scope; none once it has ended.
    pub fn local_variables(&self, id: &str) -> Option<Value> {
        self.shared.store().task(id).map(|task| Value::Object(task.local.clone()))
    }

    /// The process goes another way: the task disappears, and every call about it gets a 404.
    pub fn cancel_task(&self, id: &str) {
        self.shared.store().cancel(id);
        self.shared.changed();
    }

    /// Gives a task's lock to another worker, for an hour.
    pub fn take_over(&self, id: &str, worker: &str) {
        self.shared.store().take_over(id, worker, Instant::now() + TAKEN_OVER);
        self.shared.changed();
    }

    /// Lets a task's lock expire now, whatever its time was. The worker's id stays, as in a real engine.
    pub fn expire_lock(&self, id: &str) {
        let holder = self.shared.store().task(id).and_then(|task| task.holder().map(str::to_owned));
        if let Some(holder) = holder {
            self.shared.store().take_over(id, &holder, Instant::now());
        }
        self.shared.changed();
    }

    /// Sets a task's retries, as an operator does who resolves an incident.
    pub fn set_retries(&self, id: &str, retries: u32) {
        // A task that has ended has no retries any more: nothing to do then.
        drop(self.shared.store().set_retries(id, &serde_json::json!({"retries": retries})));
        self.shared.changed();
    }

    /// Has parked polls look again at once, as the server's tick does every 30 s.
    pub fn tick(&self) {
        self.shared.wake_parked();
    }

    /// How the engine behaves from now on.
    pub fn set_mode(&self, mode: Mode) {
        self.shared.script().mode = mode;
        self.shared.wake_parked();
    }

    /// Plans a fault for the next `count` requests whose path contains a text. Faults are taken in the order of their
    /// planning; each request gets at most one.
    pub fn fault(&self, path_contains: &str, count: usize, fault: Fault) {
        if count > 0 {
            let planned = PlannedFault { path_contains: path_contains.to_owned(), remaining: count, fault };
            self.shared.script().faults.push(planned);
        }
    }

    /// How many planned faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.shared.script().faults.iter().map(|planned| planned.remaining).sum()
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.shared.script().faults.clear();
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.script().requests.clone()
    }

    /// The requests so far whose path contains a text.
    pub fn requests_to(&self, path_contains: &str) -> Vec<Recorded> {
        let script = self.shared.script();
        script.requests.iter().filter(|request| request.path.contains(path_contains)).cloned().collect()
    }

    /// How many fetchAndLock requests are open now, those of clients that have left included.
    pub fn parked(&self) -> usize {
        self.shared.parked.load(Ordering::SeqCst)
    }

    /// Waits until a task is in a state that is looked for.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows the last state and the requests about the task.
    pub async fn await_state(
        &self,
        id: &str,
        deadline: Duration,
        matches: impl Fn(&TaskState) -> bool,
    ) -> Result<TaskState> {
        self.await_change(deadline, || Some(self.state(id)).filter(&matches)).await.with_context(|| {
            let calls: Vec<String> =
                self.requests_to(id).iter().map(|request| format!("{} {}", request.path, request.body)).collect();
            let state = self.state(id);
            format!("task {id}: the awaited state did not come; it is {state:?}; calls about it: {calls:#?}")
        })
    }

    /// Waits until a task is completed; its variables.
    ///
    /// # Errors
    /// It ended otherwise, or did not within `deadline`.
    pub async fn await_completed(&self, id: &str, deadline: Duration) -> Result<Value> {
        match self.await_state(id, deadline, TaskState::is_ended).await? {
            TaskState::Completed { variables, .. } => Ok(variables),
            other => bail!("task {id}: expected completed, found {other:?}"),
        }
    }

    /// Waits until every task is in a state that is looked for.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows up to ten tasks that are not.
    pub async fn await_all(&self, deadline: Duration, matches: impl Fn(&TaskState) -> bool) -> Result<()> {
        let others =
            || -> Vec<(String, TaskState)> { self.states().into_iter().filter(|(_, state)| !matches(state)).collect() };
        self.await_change(deadline, || others().is_empty().then_some(())).await.with_context(|| {
            let mut others = others();
            let count = others.len();
            others.truncate(10);
            format!("{count} tasks are not in the awaited state, such as {others:#?}")
        })
    }

    /// Waits until the recorded requests are as looked for.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows the last ten requests.
    pub async fn await_requests(&self, deadline: Duration, matches: impl Fn(&[Recorded]) -> bool) -> Result<()> {
        self.await_change(deadline, || matches(&self.shared.script().requests).then_some(())).await.with_context(|| {
            let requests = self.requests();
            let last: Vec<String> = requests
                .iter()
                .skip(requests.len().saturating_sub(10))
                .map(|request| format!("{} {} {}", request.method, request.path, request.body))
                .collect();
            format!("the awaited requests did not come; the last of {}: {last:#?}", requests.len())
        })
    }

    /// Waits until this many fetchAndLock requests are open.
    ///
    /// # Errors
    /// Not within `deadline`.
    pub async fn await_parked(&self, count: usize, deadline: Duration) -> Result<()> {
        self.await_change(deadline, || (self.parked() == count).then_some(()))
            .await
            .with_context(|| format!("expected {count} open fetchAndLock requests, found {}", self.parked()))
    }

    /// Looks after every change until something is found.
    async fn await_change<T>(&self, deadline: Duration, look: impl Fn() -> Option<T>) -> Result<T> {
        let mut changes = self.shared.changes.subscribe();
        // A lock expires and a retry time passes without any change, so it also looks by the clock.
        const LOOK_AGAIN: Duration = Duration::from_millis(100);
        let found = tokio::time::timeout(deadline, async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                // Whether a change or the clock woke it does not matter.
                drop(tokio::time::timeout(LOOK_AGAIN, changes.changed()).await);
            }
        });
        found.await.with_context(|| format!("waited {deadline:?}"))
    }
}
