//! What a handler begins at the engine beside its task: processes are started and messages sent at once, with the
//! host's credentials. Nothing of it is journalled or repeated later; a request is sent again only where it surely was
//! not carried out.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::runtime::Handle;

use super::{Desk, delivery, health::Backoff};
use crate::{
    engine::EngineError,
    foreign::escape,
    sandbox::{CorrelateError, EnginePort, Fault, StartError},
    task::Task,
    value::Variables,
    work::{Message, ProcessStart, Receiver, StartCondition, Started},
};

/// How many times a request is sent again that surely was not carried out. The handler waits meanwhile: whatever takes
/// longer is better left to its retry policy.
const TRIES_AGAIN: usize = 3;

/// The waits before these, less jitter: long enough for a transaction at the engine that is in the way to end.
const WAITS: Backoff = Backoff {
    initial: Duration::from_millis(100),
    factor: 2.0,
    max: Duration::from_millis(500),
    overload_max: Duration::from_millis(500),
    jitter: 0.5,
};

/// The calls of one invocation.
pub(super) struct Caller {
    desk: Arc<Desk>,
    /// The engine's connections live on the host's runtime, not on that of the guests.
    host: Handle,
    task: Arc<Task>,
}

impl Caller {
    /// A caller that makes its calls on `host`.
    pub(super) fn new(desk: Arc<Desk>, host: Handle, task: Arc<Task>) -> Self {
        Self { desk, host, task }
    }

    /// Runs a call on the host's runtime; it ends there even if the guest is dropped meanwhile.
    async fn on_host<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Result<T, Fault> {
        let call = self.desk.tracker.spawn_on(call, &self.host);
        call.await.map_err(|error| Fault::Unanswered(format!("the host failed: {error}")))
    }
}

#[async_trait]
impl EnginePort for Caller {
    async fn start_process(&self, start: ProcessStart, condition: StartCondition) -> Result<Started, StartError> {
        let (desk, task) = (self.desk.clone(), self.task.clone());
        self.on_host(async move { start_process(&desk, &task, start, condition).await }).await.unwrap_or_else(failed)
    }

    async fn correlate(&self, message: Message) -> Result<Vec<Receiver>, CorrelateError> {
        let (desk, task) = (self.desk.clone(), self.task.clone());
        self.on_host(async move { correlate(&desk, &task, message).await }).await.unwrap_or_else(failed)
    }
}

fn failed<T, E: From<Fault>>(fault: Fault) -> Result<T, E> {
    Err(fault.into())
}

async fn start_process(
    desk: &Desk,
    task: &Task,
    mut start: ProcessStart,
    condition: StartCondition,
) -> Result<Started, StartError> {
    load_stored(desk, task, [&mut start.variables]).await?;
    let key = escape(&start.key);
    if condition == StartCondition::UnlessRunning {
        let found = patiently(desk, || desk.engine.running_instance(&start)).await;
        if let Some(instance) = found.map_err(before_the_request)? {
            tracing::debug!(topic = %task.topic, task = %task.id, process = key, instance, "not started: it runs");
            return Ok(Started::Running(instance));
        }
    }
    match patiently(desk, || desk.engine.start_process(&start)).await {
        Ok(instance) => {
            tracing::info!(topic = %task.topic, task = %task.id, process = key, instance, "process started");
            Ok(Started::New(instance))
        }
        Err(EngineError::NotThere { message }) => Err(StartError::NoSuchProcess(message)),
        Err(EngineError::Unsendable { message }) => Err(StartError::Invalid(message)),
        Err(error) => {
            if error.may_have_been_done() {
                tracing::warn!(topic = %task.topic, task = %task.id, process = key, %error, "a process may have been started");
            }
            Err(fault(error).into())
        }
    }
}

async fn correlate(desk: &Desk, task: &Task, mut message: Message) -> Result<Vec<Receiver>, CorrelateError> {
    load_stored(desk, task, [&mut message.variables, &mut message.local_variables]).await?;
    let name = escape(&message.name);
    match patiently(desk, || desk.engine.correlate(&message)).await {
        Ok(receivers) => {
            tracing::info!(topic = %task.topic, task = %task.id, message_name = name, receivers = receivers.len(), "message sent");
            Ok(receivers)
        }
        Err(EngineError::NoReceiver { message }) => Err(CorrelateError::NoMatch(message)),
        Err(EngineError::SeveralReceivers { message }) => Err(CorrelateError::Ambiguous(message)),
        Err(EngineError::Unsendable { message }) => Err(CorrelateError::Invalid(message)),
        Err(error) => {
            if error.may_have_been_done() {
                tracing::warn!(topic = %task.topic, task = %task.id, message_name = name, %error, "a message may have been received");
            }
            Err(fault(error).into())
        }
    }
}

/// Loads the contents of files that are passed on.
async fn load_stored<const N: usize>(desk: &Desk, task: &Task, sets: [&mut Variables; N]) -> Result<(), Fault> {
    for variables in sets {
        delivery::load_stored(desk, &task.execution_id, variables).await.map_err(before_the_request)?;
    }
    Ok(())
}

/// Sends a request, and again while that does no harm and may help.
async fn patiently<T, F: Future<Output = Result<T, EngineError>>>(
    desk: &Desk,
    request: impl Fn() -> F,
) -> Result<T, EngineError> {
    let mut waits = WAITS.waits();
    let mut left = TRIES_AGAIN;
    loop {
        match request().await {
            Err(error) if error.is_passing_and_not_done() && left > 0 => {
                left -= 1;
                tokio::select! {
                    () = tokio::time::sleep(waits.next()) => {}
                    // The handler is being cancelled: nobody would hear of another try.
                    () = desk.halt.cancelled() => return Err(error),
                }
            }
            result => return result,
        }
    }
}

/// What an error means to a handler whose request was sent.
///
/// Apart from [`EngineError::treatment`], which says what the host itself does next with an outcome, a fetch or a lock:
/// here the host does nothing next, and what the handler must know is another thing, namely whether the call was done.
/// `docs/engine-calls.md` has this table.
fn fault(error: EngineError) -> Fault {
    let text = error.to_string();
    match error {
        EngineError::Rejected { .. }
        | EngineError::Forbidden { .. }
        | EngineError::Suspended { .. }
        | EngineError::NotThere { .. }
        | EngineError::TaskGone { .. }
        | EngineError::OtherWorker { .. }
        | EngineError::LockExpired { .. }
        | EngineError::NoReceiver { .. }
        | EngineError::SeveralReceivers { .. }
        | EngineError::Unsendable { .. } => Fault::Rejected(text),
        EngineError::Conflict { .. }
        | EngineError::Overloaded { .. }
        | EngineError::Unavailable { .. }
        | EngineError::Unauthorized
        | EngineError::NoCredentials { .. }
        | EngineError::NotAnEngine { .. }
        | EngineError::Unreachable { .. }
        | EngineError::TimedOut { .. }
        | EngineError::TooLarge { .. } => match error.may_have_been_done() {
            false => Fault::Unavailable(text),
            true => Fault::Unanswered(text),
        },
    }
}

/// What an error means before the request that matters was sent: whatever became of this one, it changed nothing.
fn before_the_request(error: EngineError) -> Fault {
    match fault(error) {
        Fault::Unanswered(text) => Fault::Unavailable(text),
        other => other,
    }
}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Fault> for CorrelateError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overloaded(status: u16) -> EngineError {
        EngineError::Overloaded { status, message: "later".into(), retry_after: None }
    }

    fn unavailable(status: u16) -> EngineError {
        EngineError::Unavailable { status, message: "gone".into(), retry_after: None }
    }

    fn unreachable(sent: bool) -> EngineError {
        EngineError::Unreachable { message: "connection reset".into(), sent }
    }

    #[test]
    fn a_handler_is_told_that_nothing_was_done_only_if_that_is_sure() {
        let conflict = EngineError::Conflict { code: 1, message: "optimistic locking".into() };
        for error in [overloaded(429), unreachable(false), conflict, EngineError::Unauthorized] {
            assert!(matches!(fault(error.clone()), Fault::Unavailable(_)), "{error}");
        }
        let not_an_engine = EngineError::NotAnEngine { url: "http://a".into(), found: "200 text/html".into() };
        let timed_out = EngineError::TimedOut { after: Duration::from_secs(1) };
        for error in [
            unavailable(500),
            unavailable(502),
            overloaded(503),
            unavailable(504),
            unreachable(true),
            timed_out,
            not_an_engine,
        ] {
            assert!(matches!(fault(error.clone()), Fault::Unanswered(_)), "{error}");
            assert!(
                matches!(before_the_request(error.clone()), Fault::Unavailable(_)),
                "a look changes nothing: {error}"
            );
        }
    }

    #[test]
    fn only_what_was_surely_not_done_and_may_pass_is_sent_again() {
        let conflict = EngineError::Conflict { code: 1, message: "optimistic locking".into() };
        assert!([overloaded(429), unreachable(false), conflict].iter().all(EngineError::is_passing_and_not_done));
        let rejected =
            EngineError::Rejected { status: 500, kind: "RestException".into(), message: "no".into(), code: None };
        for error in [overloaded(503), unreachable(true), rejected, EngineError::Unauthorized] {
            assert!(!error.is_passing_and_not_done(), "{error}");
        }
    }
}
