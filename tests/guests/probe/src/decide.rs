//! Behaviours that try out the interface `outcome`, as it is meant to be used and otherwise.

use std::hint::spin_loop;
use std::thread::sleep;
use std::time::Duration;

use crate::bindings::fetchlock::handler::log::{self, Level};
use crate::bindings::fetchlock::handler::outcome::{self, DecisionError, Failure, LockError, Retries, Retry};
use crate::bindings::fetchlock::handler::task;
use crate::bindings::fetchlock::handler::types::{Date, Value, Variable};
use crate::bindings::fetchlock::handler::variables::{self, Scope, SetError};
use crate::support::{self, count, duration, number, refused, text, text_or, variable};
use crate::{Returned, look};

/// Milliseconds until the one retry of `fail-exactly`.
const RETRY_DELAY: u64 = 100;

/// Completes with all variables of the task, their values untouched, under names with the prefix `out-`.
pub(crate) fn complete() -> Returned {
    support::complete(&echo("out-")?)
}

/// Completes with all variables of the task as local ones, under names with the prefix `own-`, and with the variable
/// `shared` = `probe` of the process.
pub(crate) fn complete_locally() -> Returned {
    outcome::complete(&[text("shared", "probe")], &echo("own-")?).map_err(refused)
}

/// Sleeps `n` milliseconds, then completes with `slept` = `n`.
pub(crate) fn complete_slowly() -> Returned {
    sleep(duration()?);
    support::complete(&[count("slept", number()?)])
}

/// Completes with the variable `everywhere` of the process instance, the variable `here` of the task's own scope, and the
/// transient variable `fleeting`.
pub(crate) fn complete_both() -> Returned {
    let fleeting = Variable { transient: true, ..text("fleeting", "seen by the next step at most") };
    outcome::complete(&[text("everywhere", "process"), fleeting], &[text("here", "task")]).map_err(refused)
}

/// Returns an error (`text`) without a decision.
pub(crate) fn err() -> Returned {
    Err(text_or("the probe fails on purpose")?)
}

/// Fails with the message `text` under the plugin's retry policy, with details, the process variable `failed` and the
/// local variable `failedHere`.
pub(crate) fn fail_retry() -> Returned {
    let failure = Failure {
        details: Some("first line of the details\nsecond line of the details".to_owned()),
        variables: vec![variable("failed", Value::Boolean(true))],
        local_variables: vec![variable("failedHere", Value::Boolean(true))],
        ..failure(Retry::Policy)?
    };
    outcome::fail(&failure).map_err(refused)
}

/// Fails as `fail-retry` does; when the task comes again, completes as `context` does.
pub(crate) fn fail_then_context() -> Returned {
    if task::get().error_message.is_none() { fail_retry() } else { look::context() }
}

/// Fails with the message `text`, with one retry left, after 100 ms.
pub(crate) fn fail_exactly() -> Returned {
    outcome::fail(&failure(Retry::Exactly(Retries { left: 1, delay: RETRY_DELAY }))?).map_err(refused)
}

/// Fails with the message `text`, for good.
pub(crate) fn fail_never() -> Returned {
    outcome::fail(&failure(Retry::Never)?).map_err(refused)
}

/// Fails with the message `text`, for good, and passes the variable `file` on as `copy`, unread.
pub(crate) fn fail_with_file() -> Returned {
    let file = variables::get("file").ok_or("variable `file`: expected a File, found no such variable")?;
    let failure = Failure { variables: vec![variable("copy", file)], ..failure(Retry::Never)? };
    outcome::fail(&failure).map_err(refused)
}

/// Fails with the message `text` because a system that the handler needs is down.
pub(crate) fn system_down() -> Returned {
    outcome::fail(&failure(Retry::SystemDown)?).map_err(refused)
}

/// Ends with the BPMN error `code` (`E1` without this variable), the message `text` and the variable `errorFrom`.
pub(crate) fn bpmn_error() -> Returned {
    let message = text_or("the probe reports a business error")?;
    let code = support::text_variable("code")?.unwrap_or_else(|| "E1".to_owned());
    outcome::bpmn_error(&code, Some(&message), &[text("errorFrom", "probe")]).map_err(refused)
}

/// Gives the task back, for `n` milliseconds at least.
pub(crate) fn unlock() -> Returned {
    outcome::unlock(number()?).map_err(refused)
}

/// Leaves the task locked for `n` milliseconds, for somebody else to complete.
pub(crate) fn hand_off() -> Returned {
    outcome::hand_off(number()?).map_err(refused)
}

/// Returns ok without a decision.
pub(crate) fn undecided() -> Returned {
    Ok(())
}

/// Completes with `decision` = `first`, then fails. The second decision must be refused as `already-decided`.
pub(crate) fn decide_twice() -> Returned {
    first_decision()?;
    match outcome::fail(&failure(Retry::Never)?) {
        Err(DecisionError::AlreadyDecided) => {
            log::write(
                Level::Info,
                "the second decision was refused",
                &[("answer".to_owned(), "already-decided".to_owned())],
            );
            Ok(())
        }
        other => panic!("the second decision was answered with {other:?}"),
    }
}

/// Completes with `decision` = `first`, then traps. The decision stands.
pub(crate) fn decide_then_trap() -> Returned {
    first_decision()?;
    panic!("the probe traps after its decision");
}

/// Completes with `decision` = `first`, then returns an error. The decision stands.
pub(crate) fn decide_then_err() -> Returned {
    first_decision()?;
    Err("the probe returns an error after its decision".to_owned())
}

/// Completes with `decision` = `first`, then never returns. The decision stands.
pub(crate) fn decide_then_loop() -> Returned {
    first_decision()?;
    loop {
        spin_loop();
    }
}

/// Tries to complete with a variable that has no name; that must be refused as `invalid`. Then completes with `refused`
/// = the host's words.
pub(crate) fn invalid_decision() -> Returned {
    complete_after_refusal(&text("", "a value without a name"))
}

/// Tries to complete with a double that is not a number; that must be refused as `invalid`. Then completes with
/// `refused` = the host's words.
pub(crate) fn nan() -> Returned {
    complete_after_refusal(&variable("ratio", Value::Double(f64::NAN)))
}

/// Extends the lock to `n` milliseconds from now, then completes with `verdict`: `ok`, or the name of the error and its
/// text. If there is a variable `pause`, it sleeps so many milliseconds in between, for others to look.
pub(crate) fn extend_lock() -> Returned {
    let verdict = match outcome::extend_lock(number()?) {
        Ok(()) => "ok".to_owned(),
        Err(LockError::LockLost) => "lock-lost".to_owned(),
        Err(LockError::Invalid(why)) => format!("invalid: {why}"),
        Err(LockError::Unavailable(why)) => format!("unavailable: {why}"),
    };
    if let Some(pause) = support::number_of("pause")? {
        sleep(Duration::from_millis(pause));
    }
    support::complete(&[text("verdict", verdict)])
}

/// Completes with `moment`: `n` milliseconds after 1970, written as three and a half hours behind UTC.
pub(crate) fn date() -> Returned {
    let unix_millis = i64::try_from(number()?).map_err(|_| "variable `n` is no moment".to_owned())?;
    support::complete(&[variable("moment", Value::Date(Date { unix_millis, offset_minutes: -210 }))])
}

/// Sets `progress` = 50 for the process instance and `localProgress` = 50 for the task, then completes with the
/// verdicts of both as `processVerdict` and `localVerdict`: `ok`, or the name of the error and its text. If there is a
/// variable `n`, it sleeps so many milliseconds in between, for others to look.
pub(crate) fn progress() -> Returned {
    let set = |name, scope| match variables::set_progress(&[variable(name, Value::Integer(50))], scope) {
        Ok(()) => "ok".to_owned(),
        Err(SetError::Gone) => "gone".to_owned(),
        Err(SetError::Invalid(why)) => format!("invalid: {why}"),
        Err(SetError::Unavailable(why)) => format!("unavailable: {why}"),
    };
    let process = set("progress", Scope::Process);
    let local = set("localProgress", Scope::Local);
    if support::number_if_any()?.is_some() {
        sleep(duration()?);
    }
    support::complete(&[text("processVerdict", process), text("localVerdict", local)])
}

/// All variables of the task, their values untouched, under names with a prefix.
fn echo(prefix: &str) -> Result<Vec<Variable>, String> {
    let names = variables::names();
    let values = variables::get_many(&names);
    let mut echo = Vec::with_capacity(names.len());
    for (name, value) in names.iter().zip(values) {
        // `names` and `get-many` look at one set; if they do not, no echo may hide it.
        let value = value.ok_or_else(|| format!("variable `{name}` has a name but no value"))?;
        echo.push(variable(format!("{prefix}{name}"), value));
    }
    Ok(echo)
}

/// A failure with the message `text`.
fn failure(retry: Retry) -> Result<Failure, String> {
    let message = text_or("the probe reports a failure")?;
    Ok(Failure { message, details: None, retry, variables: Vec::new(), local_variables: Vec::new() })
}

/// The decision of the behaviours that go wrong after it.
fn first_decision() -> Returned {
    support::complete(&[text("decision", "first")])
}

/// Tries to complete with a variable that the host must refuse, then completes with `refused` = why it did.
fn complete_after_refusal(bad: &Variable) -> Returned {
    match outcome::complete(std::slice::from_ref(bad), &[]) {
        Err(DecisionError::Invalid(why)) => support::complete(&[text("refused", why)]),
        other => panic!("the invalid decision was answered with {other:?}"),
    }
}
