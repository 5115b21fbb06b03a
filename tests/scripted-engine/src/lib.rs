//! A scripted engine: Fetchlock's embedded engine on a free loopback port, which records every request and misbehaves on
//! demand ([`Fault`], [`Mode`]), for tests that need no Java.

#![deny(missing_docs)]

mod connection;
mod http;
mod observed;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use fetchlock::engine::embedded::{EmbeddedEngine, EmbeddedOptions, NewInstance};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use connection::{Connection, CuttableListener};
use observed::Observed;
pub use observed::TaskState;

/// What a task is made of. Only the topic must be given: [`TaskSpec::new`].
#[derive(Debug, Clone, Default)]
pub struct TaskSpec {
    /// The topic under which it is fetched.
    pub topic: String,
    /// The variables of its process instance, as the REST interface writes them:
    /// `{"amount": {"type": "Long", "value": 5}}`.
    pub variables: Value,
    /// The extension properties of the task's activity, `{"name": "text"}`.
    pub extension_properties: Value,
    /// The business key of the process instance.
    pub business_key: Option<String>,
    /// The key of its process definition; that of its topic if there is none.
    pub definition_key: Option<String>,
    /// The version tag of its process definition.
    pub version_tag: Option<String>,
    /// Its tenant.
    pub tenant: Option<String>,
}

impl TaskSpec {
    /// A task of `topic` with these variables and no more.
    pub fn new(topic: &str, variables: Value) -> Self {
        Self { topic: topic.to_owned(), variables, ..Self::default() }
    }
}

/// For how long [`ScriptedEngine::take_over`] locks: longer than any test.
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
    /// This status comes with the wish to be left alone for so long, in whole seconds, and nothing is applied.
    RetryAfter {
        /// The HTTP status.
        status: u16,
        /// How long.
        after: Duration,
    },
    /// The connection breaks, and nothing was applied.
    CutBeforeApplying,
    /// The connection breaks when all is applied: only the answer is lost.
    CutAfterApplying,
    /// The request is applied and answered this much later.
    Delay(Duration),
    /// The request is applied, and what is in the list of the answer is in it twice.
    TellTwice,
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
    /// Requests need this header `Authorization`; without it comes a 401 with no body.
    Authorization(
        /// The header's value.
        String,
    ),
    /// Every connection breaks before anything is applied, those of parked polls too: the engine is out of reach.
    CutEverything,
}

/// Everything that the engine and its requests share.
struct Shared {
    engine: EmbeddedEngine,
    router: Router,
    observed: Mutex<Observed>,
    script: Mutex<Script>,
    /// Counts changes of tasks and requests, for those who await a state.
    changes: watch::Sender<u64>,
    parked: AtomicUsize,
}

#[derive(Default)]
struct Script {
    mode: Mode,
    faults: Vec<PlannedFault>,
    rewrites: Vec<(String, String)>,
    requests: Vec<Recorded>,
}

struct PlannedFault {
    path_contains: String,
    body_contains: String,
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
    fn observed(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The first planned fault that a request fits, counted down.
    fn take_fault(&self, path: &str, body: &str) -> Option<Fault> {
        let mut script = self.script();
        let fits =
            |planned: &PlannedFault| path.contains(&planned.path_contains) && body.contains(&planned.body_contains);
        let index = script.faults.iter().position(fits)?;
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

    fn rewritten(&self, body: Bytes) -> Bytes {
        let script = self.script();
        if script.rewrites.is_empty() {
            return body;
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        script.rewrites.iter().fold(text, |text, (from, to)| text.replace(from, to)).into()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn park(&self) -> Parked<'_> {
        self.parked.fetch_add(1, Ordering::SeqCst);
        self.changed();
        Parked(self)
    }
}

/// A running scripted engine; dropping it ends it and closes its port.
pub struct ScriptedEngine {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
    _running: DropGuard,
}

impl Drop for ScriptedEngine {
    fn drop(&mut self) {
        self.server.abort();
        // Connections outlive the listener, so they are told to break.
        self.set_mode(Mode::CutEverything);
    }
}

impl ScriptedEngine {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts on a given address, so that a test can bring an engine up late: see [`ScriptedEngine::free_address`].
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        Self::serve(address, &EmbeddedOptions::default()).await
    }

    async fn serve(address: SocketAddr, options: &EmbeddedOptions) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the scripted engine cannot listen on {address}"))?;
        let address = listener.local_addr().context("the scripted engine's own address")?;
        let stop = CancellationToken::new();
        // Its parking task ends with the guard.
        let (engine, _parking) = EmbeddedEngine::open(options, stop.clone())?;
        let shared = Arc::new(Shared {
            router: engine.router(),
            engine,
            observed: Mutex::default(),
            script: Mutex::default(),
            changes: watch::Sender::new(0),
            parked: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(http::handle).with_state(Arc::clone(&shared));
        let service = router.into_make_service_with_connect_info::<Connection>();
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            drop(axum::serve(CuttableListener(listener), service).await);
        });
        Ok(Self { shared, address, server, _running: stop.drop_guard() })
    }

    /// A loopback address that nobody listens on at the moment.
    ///
    /// # Errors
    /// No port can be bound.
    pub fn free_address() -> Result<SocketAddr> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
        listener.local_addr().context("the address of a bound port")
    }

    /// Starts on a free loopback port as an engine whose flag `fetch-and-lock-unique-worker-request` is on: a fetch
    /// that is to be parked cancels an older one of the same worker id.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start_with_unique_worker_requests() -> Result<Self> {
        let options = EmbeddedOptions { unique_worker_requests: true, ..EmbeddedOptions::default() };
        Self::serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &options).await
    }

    /// The base URL that clients are given, ending in `/engine-rest`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, http::BASE_PATH)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Creates a task, which wakes parked polls, and answers its id.
    ///
    /// # Panics
    /// The engine refuses a variable.
    pub fn add_task(&self, spec: TaskSpec) -> String {
        let properties = spec.extension_properties.as_object().into_iter().flatten();
        let mut new = NewInstance::of_topic(spec.topic);
        new.business_key = spec.business_key;
        new.definition_key = spec.definition_key;
        new.version_tag = spec.version_tag;
        new.tenant = spec.tenant;
        new.extension_properties =
            properties.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
        let variables = if spec.variables.is_null() { json!({}) } else { spec.variables };
        let id = {
            // Held, so that nobody fetches it before it is known here.
            let mut observed = self.shared.observed();
            let id = self.shared.engine.add(new, variables).expect("variables as the engine takes them");
            observed.added(&id);
            id
        };
        self.shared.changed();
        id
    }

    /// Where a task is.
    pub fn state(&self, id: &str) -> TaskState {
        self.shared.observed().state(id)
    }

    /// Every task that there ever was, by id, with its state.
    pub fn states(&self) -> BTreeMap<String, TaskState> {
        self.shared.observed().states()
    }

    /// How often a fetch handed out a task.
    pub fn times_fetched(&self, id: &str) -> u32 {
        self.shared.observed().times_fetched(id)
    }

    /// The process goes another way: the task disappears, and every call about it gets a 404.
    pub fn cancel_task(&self, id: &str) {
        self.shared.engine.cancel(id);
        self.shared.observed().set(id, TaskState::Gone);
        self.shared.changed();
    }

    /// Gives a task's lock to another worker, for an hour.
    pub fn take_over(&self, id: &str, worker: &str) {
        self.force_lock(id, worker, TAKEN_OVER);
    }

    /// Lets a task's lock expire now, whatever its time was. The worker's id stays, as in a real engine.
    pub fn expire_lock(&self, id: &str) {
        if let TaskState::Locked { worker, .. } = self.state(id) {
            self.force_lock(id, &worker, Duration::ZERO);
        }
    }

    fn force_lock(&self, id: &str, worker: &str, time: Duration) {
        self.shared.engine.force_lock(id, worker, time);
        let until = Instant::now() + time;
        self.shared.observed().set(id, TaskState::Locked { worker: worker.to_owned(), until });
        self.shared.changed();
    }

    /// Sets a task's retries, as an operator does who resolves an incident.
    pub fn set_retries(&self, id: &str, retries: u32) {
        self.shared.engine.set_retries(id, retries);
        self.shared.changed();
    }

    /// Has parked polls look again at once, as the server's tick does every 30 s.
    pub fn tick(&self) {
        self.shared.engine.tick();
    }

    /// How the engine behaves from now on.
    pub fn set_mode(&self, mode: Mode) {
        let gone = matches!(mode, Mode::CutEverything);
        self.shared.script().mode = mode;
        if gone {
            // Their answers meet the cut.
            self.shared.engine.reject_parked();
        }
    }

    /// Has every answer from now on say one text where it says another: what other engines answer, and this one never
    /// would.
    pub fn rewrite(&self, from: &str, to: &str) {
        self.shared.script().rewrites.push((from.to_owned(), to.to_owned()));
    }

    /// Plans a fault for the next `count` requests whose path contains a text. Faults are taken in the order of their
    /// planning; each request gets at most one.
    pub fn fault(&self, path_contains: &str, count: usize, fault: Fault) {
        self.fault_on(path_contains, "", count, fault);
    }

    /// The same for those requests whose body, as it was sent, contains a text too.
    pub fn fault_on(&self, path_contains: &str, body_contains: &str, count: usize, fault: Fault) {
        if count > 0 {
            let (path_contains, body_contains) = (path_contains.to_owned(), body_contains.to_owned());
            self.shared.script().faults.push(PlannedFault { path_contains, body_contains, remaining: count, fault });
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
