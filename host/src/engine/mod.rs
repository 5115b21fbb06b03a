//! The engine: what this host asks of a BPMN engine, whichever it is. [`rest`] speaks to a real one, over the
//! REST interface that [`embedded`] serves for development and tests.

pub mod embedded;
mod error;
mod operations;
mod query;
pub mod rest;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    outcome::Failure,
    task::{FetchOrder, LockedTask, Subscription, TaskId, WorkerId},
    value::{Scope, Variables},
    work::{Message, ProcessStart, Receiver},
};

pub use error::{AfterExtension, AfterFetch, Disposition, EngineError, Standing, Treatment};
pub use operations::{Batch, BatchProgress, ListedTask, Listing, Page, Selected, TaskState, VariableType};
pub use query::{Comparand, Condition, ConditionError, Operator, SortKey, SortOrder, Sorting, TaskQuery};

/// The longest parking time of a fetch that the engine accepts (`FetchAndLockHandlerImpl`).
pub const MAX_POLL: Duration = Duration::from_millis(1_800_000);

/// A request for tasks.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The id to lock under.
    pub worker_id: WorkerId,
    /// At most this many tasks in all.
    pub max_tasks: usize,
    /// Higher priority first. The engine's own default is false, the Java client's is true.
    pub use_priority: bool,
    /// In which order, among tasks of equal priority where that counts.
    pub order: FetchOrder,
    /// How long the engine may park the request while there is nothing; zero for an answer at once.
    pub poll: Duration,
    /// The topics, each once: the engine keys a request by topic name.
    pub subscriptions: Vec<Subscription>,
}

/// A task as a query tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSummary {
    /// Its id.
    pub id: TaskId,
    /// Its topic.
    pub topic: String,
    /// Who holds the lock, or held it last.
    pub worker_id: Option<WorkerId>,
    /// The retries left; `None` until a failure set them.
    pub retries: Option<u32>,
    /// The message of its last failure.
    pub error_message: Option<String>,
}

/// What a BPMN engine does for its external workers. The meaning of each call is the engine's REST contract; in
/// particular the outcome calls check the worker id and not whether the lock has expired.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Locks tasks and returns them, waiting up to `request.poll` for the first.
    ///
    /// # Errors
    /// See [`EngineError`]; none of them says that nothing was locked, for an answer can be lost.
    async fn fetch_and_lock(&self, request: &FetchRequest) -> Result<Vec<LockedTask>, EngineError>;

    /// Completes a task.
    async fn complete(
        &self,
        task: &TaskId,
        worker: &WorkerId,
        variables: &Variables,
        local_variables: &Variables,
    ) -> Result<(), EngineError>;

    /// Reports a failure.
    async fn failure(&self, task: &TaskId, worker: &WorkerId, failure: &Failure) -> Result<(), EngineError>;

    /// Reports a business error.
    async fn bpmn_error(
        &self,
        task: &TaskId,
        worker: &WorkerId,
        code: &str,
        message: Option<&str>,
        variables: &Variables,
    ) -> Result<(), EngineError>;

    /// Makes an unexpired lock of this worker last `duration` from now.
    async fn extend_lock(&self, task: &TaskId, worker: &WorkerId, duration: Duration) -> Result<(), EngineError>;

    /// Locks a task that is free, or whose lock (of this worker) has expired.
    async fn lock(&self, task: &TaskId, worker: &WorkerId, duration: Duration) -> Result<(), EngineError>;

    /// Frees a task, **whoever holds it**: only to be called right after an extended lock proved that it is ours.
    async fn unlock(&self, task: &TaskId) -> Result<(), EngineError>;

    /// Sets variables of a process instance (`Scope::Process`, by process instance id) or of an execution
    /// (`Scope::Local`, by execution id).
    async fn set_variables(&self, scope: Scope, id: &str, variables: &Variables) -> Result<(), EngineError>;

    /// The content of a file or bytes variable as seen from an execution, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`] when there is more.
    async fn download(&self, execution_id: &str, variable: &str, limit: usize) -> Result<Bytes, EngineError>;

    /// The tasks that match.
    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskSummary>, EngineError>;

    /// Starts a process instance; its id. Sent once: [`EngineError::may_have_been_done`] tells whether it may be sent
    /// again.
    ///
    /// # Errors
    /// [`EngineError::NotThere`] when there is no process of this key for this tenant.
    async fn start_process(&self, start: &ProcessStart) -> Result<String, EngineError>;

    /// An instance that has not ended, suspended or not, of the process that `start` would start, with its business
    /// key; the id.
    async fn running_instance(&self, start: &ProcessStart) -> Result<Option<String>, EngineError>;

    /// Sends a message to those who wait for it, or starts the processes that start with it. Sent once.
    ///
    /// # Errors
    /// [`EngineError::NoReceiver`] and [`EngineError::SeveralReceivers`] when it is for exactly one.
    async fn correlate(&self, message: &Message) -> Result<Vec<Receiver>, EngineError>;
}
