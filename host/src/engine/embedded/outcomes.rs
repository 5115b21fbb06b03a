//! What a worker may do to a task: complete, fail, report a BPMN error, extend, lock and unlock; and what an operator
//! may: set retries and priority.
//!
//! The order of the checks is the engine's (`HandleExternalTaskCmd` and its subclasses): values of variables first, then
//! arguments, then whether the task exists, then whose lock it is. Whether that lock has expired is asked by
//! `extendLock` and `lock` only.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    http::lenient,
    instance::{End, Instance, Lock, LogKind, kept_message},
    refusal::Refusal,
    state::State,
    variable::{self, GivenVariables},
};

/// The body of `complete`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Complete {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    variables: GivenVariables,
    local_variables: GivenVariables,
}

/// The body of `failure`. An absent number is Java's 0.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Failure {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    error_message: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    error_details: Option<String>,
    #[serde(deserialize_with = "lenient::int")]
    retries: Option<i32>,
    #[serde(deserialize_with = "lenient::long")]
    retry_timeout: Option<i64>,
    variables: GivenVariables,
    local_variables: GivenVariables,
}

/// The body of `bpmnError`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BpmnError {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    error_code: Option<String>,
    variables: GivenVariables,
}

/// The body of `extendLock`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ExtendLock {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::long")]
    new_duration: Option<i64>,
}

/// The body of `lock`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LockTask {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::long")]
    lock_duration: Option<i64>,
}

impl State {
    /// `POST /external-task/{id}/complete`
    pub(super) fn complete(&mut self, id: &str, body: Complete, now: Timestamp) -> Result<(), Refusal> {
        let variables = variable::read(body.variables)?;
        let local_variables = variable::read(body.local_variables)?;
        let instance = self.handled(id, body.worker_id, &format!("External Task {id} cannot be completed"))?;
        refuse_if_suspended(instance)?;
        variables.fit(|name| instance.sees(name))?;
        local_variables.fit(|name| instance.task.local.contains_key(name))?;
        instance.set_from_task(variables.into_kept());
        instance.task.local.extend(local_variables.into_kept());
        self.end(id, End::Completed, now)
    }

    /// `POST /external-task/{id}/bpmnError`. There is no BPMN, so nothing catches it: the instance ends without a
    /// trace, as on a real engine.
    pub(super) fn bpmn_error(&mut self, id: &str, body: BpmnError, now: Timestamp) -> Result<(), Refusal> {
        let variables = variable::read(body.variables)?;
        if body.worker_id.is_some() && body.error_code.is_none() {
            return Err(Refusal::is_null("errorCode"));
        }
        let beginning = format!("Bpmn error of External Task {id} cannot be reported");
        let instance = self.handled(id, body.worker_id, &beginning)?;
        refuse_if_suspended(instance)?;
        let code = body.error_code.as_deref().unwrap_or_default();
        variables.fit(|name| instance.sees(name)).map_err(|refusal| {
            // What goes wrong on the way up is told in one way only, but for what the data base refuses at the end.
            let message = format!("ENGINE-13033 Propagation of bpmn error {code} failed. ");
            if refusal.is_column_too_small() { refusal } else { Refusal { message, ..refusal } }
        })?;
        instance.set_from_task(variables.into_kept());
        let topic = &instance.task.topic;
        tracing::debug!(topic, code, "a BPMN error, which nothing catches here, ends the instance");
        self.end(id, End::BpmnError, now)
    }

    /// `POST /external-task/{id}/failure`
    pub(super) fn failure(&mut self, id: &str, body: Failure, now: Timestamp) -> Result<(), Refusal> {
        let variables = variable::read(body.variables)?;
        let local_variables = variable::read(body.local_variables)?;
        let (retries, timeout) = (body.retries.unwrap_or_default(), body.retry_timeout.unwrap_or_default());
        if body.worker_id.is_some() {
            for (name, number) in [("retries", i64::from(retries)), ("retryDuration", timeout)] {
                if number < 0 {
                    let message = format!("{name} is not greater than or equal to 0");
                    return Err(Refusal::internal("ProcessEngineException", message));
                }
            }
        }
        let beginning = format!("Failure of External Task {id} cannot be reported");
        let instance = self.handled(id, body.worker_id, &beginning)?;
        refuse_if_suspended(instance)?;
        variables.fit(|name| instance.sees(name))?;
        local_variables.fit(|name| instance.task.local.contains_key(name))?;
        instance.set_from_task(variables.into_kept());
        instance.task.local.extend(local_variables.into_kept());
        instance.task.error_message = body.error_message.as_deref().map(kept_message);
        // A failure without details leaves those of the last.
        if body.error_details.is_some() {
            instance.task.error_details = body.error_details;
        }
        instance.note(LogKind::Failed, now);
        if let Some(entry) = instance.log.last_mut() {
            entry.message = instance.task.error_message.clone();
            entry.details = instance.task.error_details.clone();
        }
        if let Some(lock) = &mut instance.task.lock {
            lock.until = after(now, timeout);
        }
        instance.set_retries(retries, now);
        Ok(())
    }

    /// `POST /external-task/{id}/extendLock`
    pub(super) fn extend_lock(&mut self, id: &str, body: ExtendLock, now: Timestamp) -> Result<(), Refusal> {
        let duration = positive(body.new_duration, "lockTime")?;
        let worker = body.worker_id.clone().unwrap_or_default();
        let beginning = format!("The lock of the External Task {id} cannot be extended");
        let instance = self.handled(id, body.worker_id, &beginning).map_err(|mut refusal| {
            // The engine's own text has a quote too many here, and only here.
            refusal.message = refusal.message.replace(&format!("'{worker}'. It"), &format!("'{worker}''. It"));
            refusal
        })?;
        refuse_if_suspended(instance)?;
        if !instance.task.is_locked(now) {
            let message = "Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to";
            return Err(Refusal::bad_request(format!("{message} {}", now.as_millisecond())));
        }
        instance.task.lock = Some(Lock { worker, until: after(now, duration) });
        Ok(())
    }

    /// `POST /external-task/{id}/lock`. Only somebody else's unexpired lock stands against it.
    pub(super) fn lock(&mut self, id: &str, body: LockTask, now: Timestamp) -> Result<(), Refusal> {
        let worker = body.worker_id.ok_or_else(|| Refusal::is_null("workerId"))?;
        let duration = positive(body.lock_duration, "lockDuration")?;
        let task = &mut self.change_task(id)?.task;
        if task.is_locked(now) && task.holder() != Some(&worker) {
            let beginning = format!("External Task {id} cannot be locked");
            return Err(Refusal::locked_by(&beginning, &worker, task.holder()));
        }
        task.lock = Some(Lock { worker, until: after(now, duration) });
        Ok(())
    }

    /// `POST /external-task/{id}/unlock`. It asks for no worker: anybody may.
    pub(super) fn unlock(&mut self, id: &str) -> Result<(), Refusal> {
        self.change_task(id)?.task.lock = None;
        self.wake();
        Ok(())
    }

    /// `PUT /external-task/{id}/retries`. Parked fetches do not notice before their tick.
    pub(super) fn set_retries(&mut self, id: &str, retries: i32, now: Timestamp) -> Result<(), Refusal> {
        self.change_task(id)?.set_retries(retries, now);
        Ok(())
    }

    /// `PUT /external-task/{id}/priority`
    pub(super) fn set_priority(&mut self, id: &str, priority: i64) -> Result<(), Refusal> {
        self.change_task(id)?.task.priority = priority;
        Ok(())
    }

    /// Locks a task whoever holds it, until any time: for tests, which cannot wait for it.
    pub(super) fn force_lock(&mut self, id: &str, worker: &str, until: Timestamp) -> Result<(), Refusal> {
        self.change_task(id)?.task.lock = Some(Lock { worker: worker.to_owned(), until });
        Ok(())
    }

    /// The instance whose task a worker reports about: known, and last locked by this worker.
    fn handled(&mut self, id: &str, worker: Option<String>, beginning: &str) -> Result<&mut Instance, Refusal> {
        let worker = worker.ok_or_else(|| Refusal::is_null("workerId"))?;
        let instance = self.change_task(id)?;
        if instance.task.holder() != Some(&worker) {
            return Err(Refusal::locked_by(beginning, &worker, instance.task.holder()));
        }
        Ok(instance)
    }
}

fn refuse_if_suspended(instance: &Instance) -> Result<(), Refusal> {
    if instance.suspended { Err(Refusal::suspended(&instance.task.id)) } else { Ok(()) }
}

fn positive(milliseconds: Option<i64>, name: &str) -> Result<i64, Refusal> {
    milliseconds
        .filter(|number| *number > 0)
        .ok_or_else(|| Refusal::bad_request(format!("{name} is not greater than 0")))
}

/// A moment so many milliseconds later, at most the end of the calendar.
pub(super) fn after(now: Timestamp, milliseconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_millis(milliseconds)).unwrap_or(Timestamp::MAX)
}
