//! The delivery: brings a journalled outcome to the engine, however often that takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Desk,
    decision::SharedSlot,
    dispatch,
    held::{Lock, Phase},
    rejection, release,
};
use crate::{
    engine::{Disposition, EngineError, TaskQuery},
    journal::{Entry, State},
    outcome::{Failure, Outcome},
    task::{TaskId, WorkerId},
    value::{FileContent, Value, Variables},
};

/// A content that the engine rejects is sent so often before it becomes an incident: a rejection may come from the next
/// step of the process, which may have been unlucky.
const REJECTIONS: usize = 3;

/// Between those tries.
const REJECTION_PAUSE: Duration = Duration::from_millis(500);

/// The largest file that is passed on without a handler having loaded it.
const MAX_STORED: usize = 64 << 20;

/// When the engine has let the time of a retry pass: its clock counts milliseconds, and its answer was on its way.
const RETRY_MARGIN: Duration = Duration::from_millis(20);

/// The lock of an outcome that an earlier process left, should its delivery take that long.
const RESUMED_LOCK: Duration = Duration::from_secs(60);

/// Delivers everything that an earlier process left.
pub(super) fn resume(desk: &Arc<Desk>) {
    let entries = desk.journal.entries(&desk.engine_name);
    entries.iter().for_each(|entry| look_when_rested(desk, entry));
    let pending: Vec<_> = entries.into_iter().filter(|entry| entry.is_pending()).collect();
    if !pending.is_empty() {
        tracing::info!(outcomes = pending.len(), "delivering the outcomes that an earlier run left in the journal");
    }
    for entry in pending {
        // Held, so that its lock is kept while the engine is away.
        let lock = Lock { until: Instant::now() + RESUMED_LOCK, duration: RESUMED_LOCK };
        desk.held.take(&entry.task, &entry.worker, lock, Phase::Delivering);
        let desk = desk.clone();
        desk.tracker.clone().spawn(async move {
            if had_arrived(&desk, &entry).await {
                desk.held.settle(&entry.task);
                delivered(&desk, &entry, Instant::now()).await;
                desk.held.remove(&entry.task);
            } else {
                start(&desk, entry, None);
            }
        });
    }
}

/// A task that rests for an earlier process is fetched when its time is over, not when the engine next looks at its
/// clock.
fn look_when_rested(desk: &Desk, entry: &Entry) {
    let State::Resting(until) = entry.state else { return };
    let left = until.saturating_sub(jiff::Timestamp::now().as_millisecond());
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    desk.look_at(Instant::now() + left + RETRY_MARGIN, entry.route.clone());
}

/// Whether the engine shows a failure already, whose answer was lost: sent again it would count twice.
async fn had_arrived(desk: &Desk, entry: &Entry) -> bool {
    let Outcome::Failure(failure) = &entry.outcome else { return false };
    let query = TaskQuery { id: Some(entry.task.clone()), ..TaskQuery::default() };
    let found = desk.engine.tasks(&query).await.unwrap_or_default();
    found.iter().any(|task| dispatch::has_arrived(failure, task.retries, task.error_message.as_deref()))
}

/// Delivers an outcome in the background. The slot is freed when the engine has answered.
pub(super) fn start(desk: &Arc<Desk>, entry: Arc<Entry>, slot: Option<SharedSlot>) {
    let desk = desk.clone();
    desk.tracker.clone().spawn(async move {
        let end = tokio::select! {
            () = desk.abandon.cancelled() => End::Over,
            end = deliver(&desk, &entry, slot) => end,
        };
        let again = desk.held.remove(&entry.task);
        // The engine may hand a task out again before its answer to our failure has arrived here.
        if let (End::Lives { sent }, Some(again)) = (end, again)
            && again.arrived > sent
        {
            dispatch::take_again(&desk, again);
        }
    });
}

/// How a delivery ended.
#[must_use]
enum End {
    /// Nothing more can come of the task, or it is not for this host to say.
    Over,
    /// The engine may hand the task out again, to anybody.
    Lives {
        /// When the call was sent that the engine accepted.
        sent: Instant,
    },
}

/// Removes an outcome that needs no delivery any more from the journal.
async fn forget(desk: &Desk, task: &TaskId) {
    if let Err(error) = desk.journal.forget_soon(&desk.engine_name, task).await {
        tracing::error!(%task, %error, "a delivered outcome stays in the journal; it will be sent again and found delivered");
    }
}

async fn deliver(desk: &Arc<Desk>, entry: &Arc<Entry>, slot: Option<SharedSlot>) -> End {
    let began = Instant::now();
    let mut waits = desk.options.backoff.waits();
    let (mut rejections, mut tries) = (0, 0_u32);
    let mut found_under = None;
    let (topic, task, outcome) = (&entry.route.topic, &entry.task, entry.outcome.name());
    loop {
        let known = desk.held.worker(task).or_else(|| found_under.clone());
        let worker = known.unwrap_or_else(|| entry.worker.clone());
        let Some((sent, result)) = in_turn(desk, task, send(desk, entry, &worker)).await else { return End::Over };
        let error = match result {
            Ok(()) => {
                desk.health.answered();
                delivered(desk, entry, began).await;
                return match entry.outcome {
                    Outcome::Complete { .. } | Outcome::BpmnError { .. } => End::Over,
                    Outcome::Failure(_) | Outcome::Unlock { .. } | Outcome::HandOff { .. } => End::Lives { sent },
                };
            }
            Err(error) => error,
        };
        desk.health.missed(&error, sent);
        match error.disposition() {
            Disposition::Gone => {
                tracing::info!(%topic, %task, outcome, "the task is gone from the engine: its outcome is dropped");
                forget(desk, task).await;
                return End::Over;
            }
            // A fetch of ours may have locked it again, with its answer still on the way or lost.
            Disposition::Superseded => match desk.our_id_that_holds(task).await {
                Ok(Some(ours)) if ours != worker => {
                    desk.held.found_under(task, &ours);
                    found_under = Some(ours);
                }
                Ok(_) => {
                    tracing::warn!(%topic, %task, outcome, %error, "somebody else has the task: its outcome is dropped");
                    forget(desk, task).await;
                    return End::Over;
                }
                Err(error) => desk.health.wait(waits.after(&error)).await,
            },
            Disposition::Reject if desk.engine_is_well().await => {
                rejections += 1;
                tracing::warn!(%topic, %task, outcome, attempt = rejections, "{error}");
                if rejections == REJECTIONS {
                    return reject(desk, entry, &error, slot).await;
                }
                tokio::time::sleep(REJECTION_PAUSE).await;
            }
            // An engine without its database rejects everything: that says nothing of this outcome.
            Disposition::Reject | Disposition::Retry => {
                rejections = 0;
                let wait = waits.after(&error);
                tries += 1;
                let next_try_s = wait.as_secs_f64().round();
                // Once is enough for a person; an outage may last.
                if tries == 1 {
                    tracing::warn!(%topic, %task, outcome, next_try_s, "not delivered yet: {error}");
                } else {
                    tracing::debug!(%topic, %task, outcome, tries, next_try_s, "not delivered yet: {error}");
                }
                desk.health.wait(wait).await;
            }
        }
    }
}

/// Makes an outcome call, within the bound of all deliveries and in turn with the other calls about the task's lock;
/// tells when it was sent. `None` only if the worker is no more.
async fn in_turn(
    desk: &Desk,
    task: &TaskId,
    call: impl Future<Output = Result<(), EngineError>>,
) -> Option<(Instant, Result<(), EngineError>)> {
    let _permit = desk.deliveries.acquire().await.ok()?;
    let calls = desk.held.calls(task).unwrap_or_default();
    let _turn = calls.lock().await;
    let sent = Instant::now();
    let result = call.await;
    if result.is_ok() {
        desk.held.settle(task);
    }
    Some((sent, result))
}

async fn delivered(desk: &Arc<Desk>, entry: &Entry, began: Instant) {
    let (topic, task, version) = (&entry.route.topic, &entry.task, &entry.version);
    let delivery_ms = began.elapsed().as_millis() as u64;
    desk.activity.delivered(entry);
    let rests = match &entry.outcome {
        Outcome::Complete { .. } => {
            tracing::info!(%topic, %task, version, delivery_ms, "completed");
            Duration::ZERO
        }
        Outcome::BpmnError { code, .. } => {
            let code = crate::foreign::escape(code);
            tracing::info!(%topic, %task, version, delivery_ms, code, "ended with a BPMN error");
            Duration::ZERO
        }
        Outcome::Failure(failure) if failure.retries == 0 => {
            tracing::error!(%topic, %task, version, "incident: {}", failure.message);
            Duration::ZERO
        }
        Outcome::Failure(failure) => {
            let (retries, next_s) = (failure.retries, failure.retry_timeout.as_secs_f64());
            tracing::warn!(%topic, %task, version, retries, next_s, "failed: {}", failure.message);
            desk.look_at(Instant::now() + failure.retry_timeout + RETRY_MARGIN, entry.route.clone());
            failure.retry_timeout
        }
        Outcome::Unlock { delay } => {
            tracing::info!(%topic, %task, version, delay_s = delay.as_secs_f64(), "given back");
            if !delay.is_zero() {
                desk.look_at(Instant::now() + *delay + RETRY_MARGIN, entry.route.clone());
            }
            *delay
        }
        Outcome::HandOff { duration } => {
            tracing::info!(%topic, %task, version, duration_s = duration.as_secs_f64(), worker = %entry.worker, "handed off");
            *duration
        }
    };
    if rests.is_zero() {
        forget(desk, task).await;
    } else {
        // Remembered, so that nobody takes it for a task that was left locked by mistake.
        let millis = i64::try_from(rests.as_millis()).unwrap_or(i64::MAX);
        keep(desk, entry, State::Resting(jiff::Timestamp::now().as_millisecond().saturating_add(millis))).await;
    }
}

async fn keep(desk: &Desk, entry: &Entry, state: State) {
    let kept = Arc::new(Entry { state, ..entry.clone() });
    if let Err(error) = desk.journal.record_soon(&desk.engine_name, kept).await {
        tracing::error!(task = %entry.task, %error, "the journal does not take what became of an outcome");
    }
}

/// Makes an incident of an outcome that the engine will not have. The outcome stays journalled: when the operator
/// retries the incident it is delivered again.
async fn reject(desk: &Arc<Desk>, entry: &Arc<Entry>, why: &EngineError, slot: Option<SharedSlot>) -> End {
    let (topic, task) = (&entry.route.topic, &entry.task);
    let advice = rejection::advice(why, &entry.outcome.variables()).map(|it| format!("{it}; ")).unwrap_or_default();
    let message = format!(
        "{topic} (version {}): the engine rejects the outcome `{}`: {advice}{why}",
        entry.version,
        entry.outcome.name()
    );
    let details = "The handler has done its work and is not run again. After mending the cause retry this incident: \
                   the same outcome is then delivered again.";
    let incident = Failure::new(&message, Some(details.to_owned()), 0, Duration::ZERO);
    let (mut waits, mut slot) = (desk.options.backoff.waits(), slot);
    let sent = loop {
        let worker = desk.held.worker(task).unwrap_or_else(|| entry.worker.clone());
        let call = desk.engine.failure(task, &worker, &incident);
        let Some((sent, result)) = in_turn(desk, task, call).await else { return End::Over };
        let Err(error) = result else { break sent };
        desk.health.missed(&error, sent);
        match error.disposition() {
            // Locked again under another of our ids: the answer to that fetch brings it, or the sweep finds it.
            Disposition::Superseded if matches!(desk.our_id_that_holds(task).await, Ok(Some(_)) | Err(_)) => {
                keep(desk, entry, State::Rejected(incident.message)).await;
                return End::Over;
            }
            Disposition::Gone | Disposition::Superseded => {
                tracing::warn!(%topic, %task, %error, "the rejected outcome's task is not ours any more: it is dropped");
                forget(desk, task).await;
                return End::Over;
            }
            // A failure runs expressions of the model, too. One that is broken must not hold a slot for ever.
            Disposition::Reject => {
                if slot.take().is_some() {
                    tracing::error!(%topic, %task, %error, "the engine rejects the incident, too; it is sent again until it does not: {message}");
                }
                desk.health.wait(waits.after(&error)).await;
            }
            Disposition::Retry => desk.health.wait(waits.after(&error)).await,
        }
    };
    tracing::error!(%topic, %task, "incident: {message}");
    desk.activity.rejected(entry, &incident);
    keep(desk, entry, State::Rejected(incident.message)).await;
    End::Lives { sent }
}

async fn send(desk: &Desk, entry: &Entry, worker: &WorkerId) -> Result<(), EngineError> {
    let (engine, task) = (&desk.engine, &entry.task);
    let sent = Instant::now();
    match &entry.outcome {
        Outcome::Complete { variables, local_variables } => {
            let variables = with_contents(desk, entry, variables).await?;
            let local_variables = with_contents(desk, entry, local_variables).await?;
            engine.complete(task, worker, &variables, &local_variables).await?;
        }
        Outcome::Failure(failure) => {
            let variables = with_contents(desk, entry, &failure.variables).await?;
            let local_variables = with_contents(desk, entry, &failure.local_variables).await?;
            engine.failure(task, worker, &Failure { variables, local_variables, ..failure.clone() }).await?;
        }
        Outcome::BpmnError { code, message, variables } => {
            let variables = with_contents(desk, entry, variables).await?;
            engine.bpmn_error(task, worker, code, message.as_deref(), &variables).await?;
        }
        Outcome::Unlock { delay } if delay.is_zero() => release::unlock(desk, task, worker).await?,
        // The engine has no other way to keep a task back: the lock runs on, and nobody extends it.
        Outcome::Unlock { delay: duration } | Outcome::HandOff { duration } => {
            let rest = duration.saturating_sub(entry.age()).max(MIN_LOCK);
            match engine.extend_lock(task, worker, rest).await {
                Err(EngineError::LockExpired { .. }) => engine.lock(task, worker, rest).await?,
                other => other?,
            }
        }
    }
    desk.health.took(sent.elapsed());
    Ok(())
}

/// The engine refuses locks of no length.
const MIN_LOCK: Duration = Duration::from_millis(1);

async fn with_contents(desk: &Desk, entry: &Entry, variables: &Variables) -> Result<Variables, EngineError> {
    let mut variables = variables.clone();
    load_stored(desk, &entry.execution_id, &mut variables).await?;
    Ok(variables)
}

/// Loads the contents of files that a handler passes on without having loaded them.
pub(super) async fn load_stored(desk: &Desk, execution: &str, variables: &mut Variables) -> Result<(), EngineError> {
    for variable in variables.values_mut() {
        if let Value::File(file) = &mut variable.value
            && let FileContent::Stored(name) = &file.content
        {
            file.content = FileContent::Bytes(desk.engine.download(execution, name, MAX_STORED).await?);
        }
    }
    Ok(())
}
