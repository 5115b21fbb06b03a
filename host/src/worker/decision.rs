//! The decision: what a handler decided, or the host for it, becomes an outcome, is journalled, and goes on its way.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{runtime::Handle, sync::Mutex};

use super::{
    Desk, bpmn_error, delivery,
    dispatch::{self, Waiting},
    rejection,
    slots::Slot,
};
use crate::{
    engine::EngineError,
    foreign::{escape, escape_lines, excerpt},
    journal::Entry,
    outcome::{Failure, Outcome},
    plugins::Plugin,
    retry::RetryPolicy,
    sandbox::{Decision, DecisionError, Fail, LoadError, LockError, RetryWish, SetError, TaskPort},
    task::Task,
    value::{Scope, Variables},
};

/// How many characters of a handler's text a line of log shows; the failure's details hold it whole.
pub(super) const SHOWN_TEXT: usize = 1_000;

/// A slot that is free when both the invocation and the delivery have let go.
pub(super) type SharedSlot = Arc<Slot<Waiting>>;

/// The port of one invocation: it knows the task, and takes one decision.
pub(super) struct Port {
    desk: Arc<Desk>,
    /// The engine's connections live on the host's runtime, not on that of the guests.
    host: Handle,
    task: Arc<Task>,
    plugin: Arc<Plugin>,
    slot: SharedSlot,
    /// What was decided; locked while it is being journalled, so that nobody can mistake a decision under way for none.
    decided: Arc<Mutex<Option<Decided>>>,
}

/// What an invocation decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    /// An outcome that says the handler could do its work.
    Work,
    /// The system it needs is down.
    SystemDown,
}

impl Port {
    /// A port that makes its calls on `host`.
    pub(super) fn new(desk: Arc<Desk>, host: Handle, task: Arc<Task>, plugin: Arc<Plugin>, slot: SharedSlot) -> Self {
        Self { desk, host, task, plugin, slot, decided: Arc::default() }
    }

    /// What was decided, once nothing is under way any more.
    pub(super) async fn decided(&self) -> Option<Decided> {
        *self.decided.lock().await
    }

    /// Runs a call to the engine on the host's runtime; it ends there even if the guest is dropped meanwhile.
    async fn on_host<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
        self.host.spawn(call).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl TaskPort for Port {
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError> {
        let mut decided = self.decided.clone().lock_owned().await;
        if decided.is_some() {
            return Err(DecisionError::AlreadyDecided);
        }
        if let Decision::BpmnError { code, .. } = &decision
            && let Some(why) = self.plugin.settings.refusal_of(code)
        {
            return Err(DecisionError::Invalid(why));
        }
        let (desk, task, plugin, slot) = (self.desk.clone(), self.task.clone(), self.plugin.clone(), self.slot.clone());
        let record = async move {
            let (outcome, kind) = outcome_of(&desk, &task, &plugin, decision);
            record(&desk, &task, &plugin, outcome, Some(slot)).await.map_err(DecisionError::NotDurable)?;
            *decided = Some(kind);
            Ok(())
        };
        self.on_host(record).await.map_err(DecisionError::NotDurable)?
    }

    async fn extend_lock(&self, duration: Duration) -> Result<(), LockError> {
        let (desk, task) = (self.desk.clone(), self.task.clone());
        let call = async move {
            let Some(calls) = desk.held.calls(&task.id) else { return Err(LockError::Lost) };
            let _turn = calls.lock().await;
            let Some(worker) = desk.held.worker(&task.id) else { return Err(LockError::Lost) };
            let sent = Instant::now();
            match desk.engine.extend_lock(&task.id, &worker, duration).await {
                Ok(()) => {
                    desk.held.renewed(&task.id, sent + duration);
                    Ok(())
                }
                Err(EngineError::TaskGone { .. }) => {
                    desk.held.lose(&task.id);
                    Err(LockError::Lost)
                }
                Err(error @ EngineError::OtherWorker { .. }) => match desk.our_id_that_holds(&task.id).await {
                    Ok(None) => {
                        desk.held.lose(&task.id);
                        Err(LockError::Lost)
                    }
                    Ok(Some(ours)) => {
                        desk.held.found_under(&task.id, &ours);
                        Err(LockError::Unavailable(error.to_string()))
                    }
                    Err(error) => Err(LockError::Unavailable(error.to_string())),
                },
                // The lock keeper will try to have it back; for now the handler's wish was not granted.
                Err(error) => Err(LockError::Unavailable(error.to_string())),
            }
        };
        self.on_host(call).await.map_err(LockError::Unavailable)?
    }

    async fn set_progress(&self, scope: Scope, mut variables: Variables) -> Result<(), SetError> {
        let (desk, task) = (self.desk.clone(), self.task.clone());
        let call = async move {
            let id = match scope {
                Scope::Process => &task.process_instance_id,
                Scope::Local => &task.execution_id,
            };
            delivery::load_stored(&desk, &task.execution_id, &mut variables).await?;
            let set = desk.engine.set_variables(scope, id, &variables).await;
            if let Some(why) = set.as_ref().err().and_then(|error| rejection::advice(error, &[&variables])) {
                return Ok(Err(SetError::Invalid(why)));
            }
            set.map(Ok)
        };
        match self.on_host(call).await.map_err(SetError::Unavailable)? {
            Ok(set) => set,
            Err(EngineError::NotThere { .. } | EngineError::TaskGone { .. }) => Err(SetError::Gone),
            Err(EngineError::Rejected { message, .. } | EngineError::Unsendable { message }) => {
                Err(SetError::Invalid(message))
            }
            Err(error) => Err(SetError::Unavailable(error.to_string())),
        }
    }

    async fn load(&self, variable: &str, limit: usize) -> Result<Bytes, LoadError> {
        let (desk, task, variable) = (self.desk.clone(), self.task.clone(), variable.to_owned());
        let call = async move { desk.engine.download(&task.execution_id, &variable, limit).await };
        match self.on_host(call).await.map_err(LoadError::Unavailable)? {
            Ok(bytes) => Ok(bytes),
            Err(EngineError::NotThere { .. }) => Err(LoadError::Unknown),
            Err(EngineError::TooLarge { limit }) => Err(LoadError::TooLarge(limit)),
            Err(error) => Err(LoadError::Unavailable(error.to_string())),
        }
    }
}

/// Decides for a task whose handler decided nothing. A journal that cannot be written leaves the task to its lock.
pub(super) async fn decide_without_handler(
    desk: &Arc<Desk>,
    task: &Arc<Task>,
    plugin: &Arc<Plugin>,
    outcome: Outcome,
    slot: Option<SharedSlot>,
) {
    if let Err(error) = record(desk, task, plugin, outcome, slot).await {
        tracing::error!(topic = %task.topic, task = %task.id, error, "an outcome cannot be journalled: the task is left to its lock");
        desk.held.remove(&task.id);
    }
}

/// Makes an outcome durable and starts its delivery.
async fn record(
    desk: &Arc<Desk>,
    task: &Arc<Task>,
    plugin: &Arc<Plugin>,
    outcome: Outcome,
    slot: Option<SharedSlot>,
) -> Result<(), String> {
    let worker = desk.held.worker(&task.id).unwrap_or_else(|| task.worker_id.clone());
    let entry = Arc::new(Entry::new(task, worker, &plugin.route, &plugin.version, outcome));
    desk.journal.record(&desk.engine_name, entry.clone()).await.map_err(|error| error.to_string())?;
    desk.held.decided(&task.id);
    delivery::start(desk, entry, slot);
    Ok(())
}

fn outcome_of(desk: &Arc<Desk>, task: &Task, plugin: &Plugin, decision: Decision) -> (Outcome, Decided) {
    let outcome = match decision {
        Decision::Complete { variables, local_variables } => Outcome::Complete { variables, local_variables },
        Decision::BpmnError { code, message, variables } => {
            if plugin.settings.bpmn_errors.is_none() {
                desk.unlisted_errors.tell(task, &code);
            }
            Outcome::BpmnError { code, message: message.map(|it| bpmn_error::message(task, &it)), variables }
        }
        Decision::Unlock { delay } => Outcome::Unlock { delay },
        Decision::HandOff { duration } => Outcome::HandOff { duration },
        Decision::Fail(Fail { message, retry: RetryWish::SystemDown, .. }) => {
            tracing::warn!(topic = %task.topic, task = %task.id, reason = excerpt(&message, SHOWN_TEXT), "system down");
            let delay = desk.breakers.trip(&plugin.route, Instant::now());
            for waiting in desk.slots.drain(|route| *route == plugin.route) {
                dispatch::give_back(desk, waiting);
            }
            return (Outcome::Unlock { delay }, Decided::SystemDown);
        }
        Decision::Fail(Fail { message, details, retry, variables, local_variables }) => {
            let (retries, wait) = match retry {
                RetryWish::Exactly { retries, after } => (retries, after),
                RetryWish::Never => (0, Duration::ZERO),
                RetryWish::Policy | RetryWish::SystemDown => policy(task, plugin).after_failure(task.retries),
            };
            let message = signed(plugin, &message);
            let details = details.as_deref().map(escape_lines);
            Outcome::Failure(Failure { variables, local_variables, ..Failure::new(&message, details, retries, wait) })
        }
    };
    (outcome, Decided::Work)
}

/// A failure under the retry policy, for a cause that the host has found.
pub(super) fn failure(task: &Task, plugin: &Plugin, cause: &str, details: Option<String>) -> Outcome {
    let (retries, wait) = policy(task, plugin).after_failure(task.retries);
    Outcome::Failure(Failure::new(&signed(plugin, cause), details, retries, wait))
}

/// A message that tells whose it is: in an incident nothing else does.
fn signed(plugin: &Plugin, message: &str) -> String {
    format!("{} (version {}): {}", plugin.route.topic, plugin.version, escape(message))
}

fn policy(task: &Task, plugin: &Plugin) -> RetryPolicy {
    let (policy, unread) = plugin.settings.retry_for(task);
    if let Some(error) = unread {
        tracing::warn!(topic = %task.topic, activity = task.activity_id, "extension property `retry`: {error}; the plugin's own policy holds");
    }
    policy
}
