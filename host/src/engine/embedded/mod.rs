//! The embedded engine: the external-task part of a BPMN engine's REST interface, in memory, for development, tests and
//! benchmarks. It has no BPMN: `POST /process-definition/key/TOPIC/start` makes an instance of one task, of topic TOPIC.
//!
//! What it answers, and with which words, was read from a recorded Operaton and is compared with a running one by the
//! tests; where a real engine is strange, it is strange in the same way. It differs in what it says itself: no BPMN, no
//! logins, one node, and values that Java would serialise in its own way are kept as JSON.
//!
//! [`state`] holds what there is; the rules are methods of it in files by what they are about; `http` is the interface;
//! `parking` holds the long polls; `storage` the optional data directory.

mod batch;
mod conditions;
mod date;
mod deserialized;
mod fetch;
mod filters;
mod history;
mod http;
mod in_process;
mod instance;
mod instances;
mod messages;
mod outcomes;
mod parking;
mod query;
mod refusal;
mod scopes;
mod state;
mod storage;
mod variable;

#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{
    fetch::{Fetch, FetchRequest},
    parking::{Message, Parked},
    refusal::Refusal,
    state::{Keep, State},
    storage::Storage,
};
pub use self::{instance::NewInstance, storage::StorageError};

/// How many fetches may wait to be parked (`fetch-and-lock-queue-capacity`).
const QUEUE_CAPACITY: usize = 200;

/// How many ended instances are remembered, if their variables are small.
const KEEP_ENDED: usize = 20_000;

/// How much the remembered ended instances may hold in variables and error details, in bytes.
const KEEP_ENDED_BYTES: usize = 128 << 20;

/// How long connections may take to end when the engine stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How an embedded engine is made.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where its state is kept; in memory only if there is none.
    pub data: Option<PathBuf>,
    /// How many fetches may wait to be parked; 200 as in a real engine.
    pub queue_capacity: usize,
    /// Whether a fetch that is to be parked cancels an older one of the same worker id
    /// (`fetch-and-lock-unique-worker-request`); not, as in a real engine.
    pub unique_worker_requests: bool,
    /// How many ended instances are remembered.
    pub keep_ended: usize,
    /// How many bytes they may hold in variables and error details; the oldest are forgotten first.
    pub keep_ended_bytes: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            data: None,
            queue_capacity: QUEUE_CAPACITY,
            unique_worker_requests: false,
            keep_ended: KEEP_ENDED,
            keep_ended_bytes: KEEP_ENDED_BYTES,
        }
    }
}

/// Why the engine does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}; stop what listens there, or choose another port with --port")]
    Port {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Serving ended by itself.
    #[error("the engine's server failed: {0}")]
    Failed(#[from] io::Error),
}

/// An embedded engine. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct EmbeddedEngine(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    storage: Option<Storage>,
    parking: mpsc::Sender<Message>,
    /// Changes when there may be something for a parked fetch.
    wakes: watch::Sender<()>,
}

impl EmbeddedEngine {
    /// Makes an engine, with what its data directory holds. To be called in an async runtime, in which it lives until
    /// `stop` is cancelled.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(options: &EmbeddedOptions, stop: CancellationToken) -> Result<(Self, JoinHandle<()>), StorageError> {
        let (storage, state) = match &options.data {
            Some(directory) => {
                let (storage, instances) = Storage::open(directory)?;
                (Some(storage), State::restored(Keep::of(options), instances))
            }
            None => (None, State::new(Keep::of(options))),
        };
        let (parking, queue) = mpsc::channel(options.queue_capacity);
        let (wakes, woken) = watch::channel(());
        let inner = Inner { state: Mutex::new(state), storage, parking, wakes };
        let engine = Self(Arc::new(inner));
        let parking = parking::run(engine.clone(), options.unique_worker_requests, queue, woken, stop);
        Ok((engine, tokio::spawn(parking)))
    }

    /// Makes an engine and serves it until it is told to stop. The task ends earlier only with an error.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn start(
        options: &EmbeddedOptions,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<JoinHandle<Result<(), ServeError>>, StorageError> {
        let (engine, parking) = Self::open(options, stop.clone())?;
        Ok(tokio::spawn(async move {
            // Each stops the other when it ends.
            let (serving, parking_ended) = (stop.clone().drop_guard(), stop.clone().drop_guard());
            let serve = async {
                let served = engine.serve(listener, stop.clone()).await;
                drop(serving);
                served
            };
            let park = async {
                let ended = parking.await;
                drop(parking_ended);
                ended
            };
            let (served, parked) = tokio::join!(serve, park);
            served.and(parked.map_err(|error| ServeError::Failed(io::Error::other(error))))
        }))
    }

    /// Its REST interface.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Serves its REST interface until it is told to stop.
    ///
    /// # Errors
    /// [`ServeError::Failed`].
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> Result<(), ServeError> {
        let stopped = stop.clone();
        let server =
            axum::serve(listener, self.router()).with_graceful_shutdown(async move { stopped.cancelled().await });
        tokio::select! {
            served = server => served.map_err(ServeError::Failed),
            // A client that keeps its connection busy does not keep the engine up.
            () = async { stop.cancelled().await; tokio::time::sleep(LAST_ANSWERS).await } => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Applies a rule that changes something, and returns when it is stored.
    async fn change<T>(&self, rule: impl FnOnce(&mut State, Timestamp) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let (result, batch) = self.apply(rule);
        if let (Some(storage), Some(batch)) = (&self.0.storage, batch) {
            storage.written(batch).await.map_err(not_stored)?;
        }
        result
    }

    /// Applies a rule that changes something, has it stored, and wakes who waits for it. Also the batch to wait for.
    fn apply<T>(
        &self,
        rule: impl FnOnce(&mut State, Timestamp) -> Result<T, Refusal>,
    ) -> (Result<T, Refusal>, Option<u64>) {
        let (result, wake, batch) = {
            let mut state = self.state();
            let result = rule(&mut state, self.now());
            let mut changes = state.take_changes();
            // A rule refuses before it changes anything.
            if result.is_err() {
                changes.touched.clear();
            }
            let touched = changes.touched.iter().map(|number| (*number, state.at(*number)));
            // Under the lock, so that changes are stored in their order.
            let batch = self.0.storage.as_ref().filter(|_| !changes.touched.is_empty()).map(|it| it.put(touched));
            (result, changes.wake, batch)
        };
        if wake {
            self.0.wakes.send_replace(());
        }
        (result, batch)
    }

    /// One try of a fetch.
    async fn try_fetch(&self, request: &FetchRequest) -> Result<Vec<Value>, Refusal> {
        let fetch = |state: &mut State, now| {
            if request.worker_is_too_long() && state.has_any_for(request, now) {
                return Err(Refusal::column_too_small());
            }
            Ok(state.fetch(request, now))
        };
        self.change(fetch).await
    }

    /// A fetch: at once, and if there is nothing, parked for as long as it asks.
    async fn fetch_and_lock(&self, fetch: Fetch) -> Result<Vec<Value>, Refusal> {
        let request = fetch.check()?;
        let found = self.try_fetch(&request).await?;
        let Some(park) = request.park.filter(|_| found.is_empty()).and_then(|park| u64::try_from(park).ok()) else {
            return Ok(found);
        };
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + Duration::from_millis(park);
        let parked = Message::Park(Parked { request, deadline, reply });
        self.0.parking.try_send(parked).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::queue_full(),
            mpsc::error::TrySendError::Closed(_) => Refusal::shutting_down(),
        })?;
        answer.await.unwrap_or_else(|_| Err(Refusal::shutting_down()))
    }
}

/// The data file could not be written. The change is there and may be lost at the next start.
fn not_stored(why: String) -> Refusal {
    Refusal::internal("ProcessEnginePersistenceException", format!("The data file cannot be written: {why}"))
}
