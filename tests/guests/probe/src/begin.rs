//! Behaviours that begin work at the engine beside their task, with the interface `engine`.

use crate::Returned;
use crate::bindings::fetchlock::handler::engine::{
    self, CorrelateError, Message, MessageTenant, ProcessStart, Receiver, Receivers, StartError, Started,
};
use crate::bindings::fetchlock::handler::types::{Value, Variable};
use crate::bindings::fetchlock::handler::variables;
use crate::support::{complete, text, text_variable, variable};

/// Starts the process `key`, for the tenant `tenant` and with the business key `businessKey` if there are such
/// variables, `unless-running` if the variable `unlessRunning` is true. The new instance gets the task's variables whose
/// names begin with `pass-`, without that. Completes with `verdict`: `new: ID`, `running: ID`, or the name of the error
/// and its text.
pub(crate) fn start_process() -> Returned {
    complete(&[text("verdict", started()?)])
}

/// The same, and traps instead of completing.
pub(crate) fn start_then_trap() -> Returned {
    panic!("after the start: {}", started()?);
}

/// Starts the process `key` again and again. Only a limit of the host ends it.
pub(crate) fn start_flood() -> Returned {
    loop {
        started()?;
    }
}

fn started() -> Result<String, String> {
    let start = ProcessStart {
        key: text_variable("key")?.unwrap_or_default(),
        tenant_id: text_variable("tenant")?,
        business_key: text_variable("businessKey")?,
        variables: with_prefix("pass-")?,
        unless_running: truth("unlessRunning")?,
    };
    Ok(match engine::start_process(&start) {
        Ok(Started::New(id)) => format!("new: {id}"),
        Ok(Started::Running(id)) => format!("running: {id}"),
        Err(StartError::Denied(why)) => format!("denied: {why}"),
        Err(StartError::Invalid(why)) => format!("invalid: {why}"),
        Err(StartError::NoSuchProcess(why)) => format!("no-such-process: {why}"),
        Err(StartError::Rejected(why)) => format!("rejected: {why}"),
        Err(StartError::Unavailable(why)) => format!("unavailable: {why}"),
        Err(StartError::Unanswered(why)) => format!("unanswered: {why}"),
    })
}

/// Sends the message `message`, to the instance with the business key `businessKey` and the id `instance` if there are
/// such variables; for the tenant `tenant`, where `-` means without any; to all if the variable `all` is true. Variables
/// whose names begin with `key-`, `localKey-`, `pass-` or `passLocal-` go with it under the rest of their names, as
/// (local) correlation keys and (local) variables. Completes with `verdict`: each receiver as `waiting: ID` or
/// `started: ID` with commas between, or the name of the error and its text.
pub(crate) fn correlate_message() -> Returned {
    let message = Message {
        name: text_variable("message")?.unwrap_or_default(),
        business_key: text_variable("businessKey")?,
        process_instance_id: text_variable("instance")?,
        correlation_keys: with_prefix("key-")?,
        local_correlation_keys: with_prefix("localKey-")?,
        tenant: match text_variable("tenant")? {
            None => MessageTenant::Any,
            Some(none) if none == "-" => MessageTenant::Without,
            Some(tenant) => MessageTenant::Id(tenant),
        },
        variables: with_prefix("pass-")?,
        local_variables: with_prefix("passLocal-")?,
        receivers: if truth("all")? { Receivers::All } else { Receivers::One },
    };
    let verdict = match engine::correlate_message(&message) {
        Ok(receivers) => {
            let told = receivers.iter().map(|receiver| match receiver {
                Receiver::Waiting(id) => format!("waiting: {id}"),
                Receiver::Started(id) => format!("started: {id}"),
            });
            told.collect::<Vec<_>>().join(", ")
        }
        Err(CorrelateError::Denied(why)) => format!("denied: {why}"),
        Err(CorrelateError::Invalid(why)) => format!("invalid: {why}"),
        Err(CorrelateError::NoMatch(why)) => format!("no-match: {why}"),
        Err(CorrelateError::Ambiguous(why)) => format!("ambiguous: {why}"),
        Err(CorrelateError::Rejected(why)) => format!("rejected: {why}"),
        Err(CorrelateError::Unavailable(why)) => format!("unavailable: {why}"),
        Err(CorrelateError::Unanswered(why)) => format!("unanswered: {why}"),
    };
    complete(&[text("verdict", verdict)])
}

/// The task's variables whose names begin so, under the rest of their names.
fn with_prefix(prefix: &str) -> Result<Vec<Variable>, String> {
    let mut found = Vec::new();
    for name in variables::names() {
        if let Some(rest) = name.strip_prefix(prefix) {
            let value = variables::get(&name).ok_or_else(|| format!("variable `{name}` has a name but no value"))?;
            found.push(variable(rest, value));
        }
    }
    Ok(found)
}

/// A truth variable; false if the task has no such variable.
fn truth(name: &str) -> Result<bool, String> {
    match variables::get(name) {
        None => Ok(false),
        Some(Value::Boolean(truth)) => Ok(truth),
        Some(found) => Err(format!("variable `{name}`: expected a Boolean, found {found:?}")),
    }
}
