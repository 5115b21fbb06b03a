//! What the behaviours have in common: reading their parameters, and short forms of the host's functions.

use std::fmt::Display;
use std::time::Duration;

use crate::Returned;
use crate::bindings::fetchlock::handler::outcome;
use crate::bindings::fetchlock::handler::types::{Value, Variable};
use crate::bindings::fetchlock::handler::variables;

/// The text of a variable; none if the task has no such variable.
pub(crate) fn text_variable(name: &str) -> Result<Option<String>, String> {
    match variables::get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(found) => Err(format!("variable `{name}`: expected a String, found {found:?}")),
    }
}

/// The text that a behaviour says: the variable `text`, or else `default`.
pub(crate) fn text_or(default: &str) -> Result<String, String> {
    Ok(text_variable("text")?.unwrap_or_else(|| default.to_owned()))
}

/// The variable `n`; none if the task has no such variable.
pub(crate) fn number_if_any() -> Result<Option<u64>, String> {
    number_of("n")
}

/// A number in a variable; none if the task has no such variable.
pub(crate) fn number_of(name: &str) -> Result<Option<u64>, String> {
    let number = match variables::get(name) {
        None => return Ok(None),
        Some(Value::Short(number)) => u64::try_from(number).ok(),
        Some(Value::Integer(number)) => u64::try_from(number).ok(),
        Some(Value::Long(number)) => u64::try_from(number).ok(),
        Some(Value::Double(number)) if number >= 0.0 => Some(number as u64),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| format!("variable `{name}`: expected a number that is not negative"))
}

/// The variable `n`, without which the behaviour makes no sense.
pub(crate) fn number() -> Result<u64, String> {
    number_if_any()?.ok_or_else(|| "variable `n`: expected a number, found no such variable".to_owned())
}

/// The variable `n` as a length of time.
pub(crate) fn duration() -> Result<Duration, String> {
    number().map(Duration::from_millis)
}

/// A variable that is stored.
pub(crate) fn variable(name: impl Into<String>, value: Value) -> Variable {
    Variable { name: name.into(), value, transient: false }
}

/// A text variable that is stored.
pub(crate) fn text(name: impl Into<String>, value: impl Into<String>) -> Variable {
    variable(name, Value::Text(value.into()))
}

/// A count as a variable.
pub(crate) fn count(name: &str, value: u64) -> Variable {
    variable(name, Value::Long(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// Completes the task with variables of the process instance.
pub(crate) fn complete(variables: &[Variable]) -> Returned {
    outcome::complete(variables, &[]).map_err(refused)
}

/// What the handler returns if the host does not accept a decision.
pub(crate) fn refused(error: impl Display) -> String {
    format!("the host did not accept the decision: {error}")
}
