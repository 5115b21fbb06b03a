//! What a handler may hand to the engine. Checked before anything is decided, so that the handler hears of it: the
//! engine would refuse it later, when nobody is there to mend it.

use std::time::Duration;

use super::port::{Decision, Fail, RetryWish};
use crate::value::{File, FileContent, Value, Variables};

/// The engine stores names in a column of this many characters.
const MAX_NAME: usize = 255;

/// The engine stores error codes in a column of this many characters.
const MAX_CODE: usize = 255;

/// The longest duration: ten years, far within what the engine's clock can add.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// What the guest's file variables are, to check that what it passes on exists.
pub(crate) struct Checker<'a> {
    /// The task's variables.
    pub(crate) fetched: &'a Variables,
    /// The limit `limits.payload` in bytes.
    pub(crate) payload: usize,
}

impl Checker<'_> {
    /// Whether a decision is acceptable; if not, why.
    pub(crate) fn decision(&self, decision: &Decision) -> Result<(), String> {
        match decision {
            Decision::Complete { variables, local_variables } => self.variables(&[variables, local_variables]),
            Decision::Fail(fail) => self.fail(fail),
            Decision::BpmnError { code, message: _, variables } => {
                if code.is_empty() {
                    return Err("the error code is empty: a boundary event catches a code".into());
                }
                if code.chars().count() > MAX_CODE || code.chars().any(char::is_control) {
                    return Err(format!(
                        "the error code is longer than {MAX_CODE} characters or has control characters"
                    ));
                }
                self.variables(&[variables])
            }
            Decision::Unlock { delay } => longest("delay", *delay),
            Decision::HandOff { duration } => {
                if duration.is_zero() {
                    return Err("the duration is 0: nobody could complete the task in time".into());
                }
                longest("duration", *duration)
            }
        }
    }

    fn fail(&self, fail: &Fail) -> Result<(), String> {
        if let RetryWish::Exactly { retries, after } = fail.retry {
            if i32::try_from(retries).is_err() {
                return Err(format!("{retries} retries are more than the engine can count ({})", i32::MAX));
            }
            longest("wait", after)?;
        }
        let text = fail.message.len() + fail.details.as_ref().map_or(0, String::len);
        if text > self.payload {
            return Err(self.too_large(text));
        }
        self.variables(&[&fail.variables, &fail.local_variables])
    }

    /// Whether all variables of one call are acceptable; if not, why.
    pub(crate) fn variables(&self, sets: &[&Variables]) -> Result<(), String> {
        let mut total = 0;
        for (name, variable) in sets.iter().flat_map(|set| set.iter()) {
            if name.is_empty() {
                return Err("a variable has an empty name".into());
            }
            if name.chars().count() > MAX_NAME {
                let start: String = name.chars().take(20).collect();
                return Err(format!("the variable name `{start}…` is longer than {MAX_NAME} characters"));
            }
            self.value(name, &variable.value)?;
            total += name.len() + variable.value.payload_len();
        }
        if total > self.payload { Err(self.too_large(total)) } else { Ok(()) }
    }

    fn value(&self, name: &str, value: &Value) -> Result<(), String> {
        value.sendable().map_err(|why| format!("variable `{name}` of type {}: {why}", value.type_name()))?;
        let Value::File(File { content: FileContent::Stored(stored), .. }) = value else { return Ok(()) };
        match self.fetched.get(stored).map(|v| &v.value) {
            Some(Value::File(_) | Value::Bytes(_)) => Ok(()),
            Some(other) => Err(format!(
                "variable `{name}` passes on the content of `{stored}`, which is no file but {}",
                other.type_name()
            )),
            None => Err(format!(
                "variable `{name}` passes on the content of `{stored}`, a variable that the task does not have"
            )),
        }
    }

    fn too_large(&self, found: usize) -> String {
        format!("{found} bytes are more than the limit `limits.payload` of {} bytes", self.payload)
    }
}

/// Whether a text can be a name, key or id at the engine; if not, why.
pub(crate) fn name(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if text.chars().count() > MAX_NAME {
        return Err(format!("the {what} is longer than {MAX_NAME} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("the {what} has control characters"));
    }
    Ok(())
}

/// Whether variables are values that the engine can compare with others; if not, why.
pub(crate) fn comparable(what: &str, variables: &Variables) -> Result<(), String> {
    let is_plain = |value: &Value| match value {
        Value::Null(_)
        | Value::Boolean(_)
        | Value::Short(_)
        | Value::Integer(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Date(_) => true,
        Value::Bytes(_) | Value::File(_) | Value::Json(_) | Value::Xml(_) | Value::Object(_) | Value::Other(_) => false,
    };
    match variables.iter().find(|(_, variable)| !is_plain(&variable.value)) {
        Some((name, variable)) => Err(format!(
            "the {what} `{name}` is of type {}: the engine compares null, truth values, numbers, strings and dates only",
            variable.value.type_name()
        )),
        None => Ok(()),
    }
}

/// Whether a duration is acceptable; if not, why.
pub(crate) fn longest(what: &str, duration: Duration) -> Result<(), String> {
    if duration > MAX_DURATION { Err(format!("the {what} is longer than ten years")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Variable, odd_values};

    fn check(name: &str, value: Value) -> Result<(), String> {
        let fetched = Variables::from([("n".to_owned(), Value::Integer(1).into())]);
        let variables = Variables::from([(name.to_owned(), Variable::from(value))]);
        Checker { fetched: &fetched, payload: 100 }.variables(&[&variables])
    }

    #[test]
    fn ordinary_values_pass() {
        assert_eq!(check("x", Value::Double(-0.0)), Ok(()));
        assert_eq!(check(&"x".repeat(90), Value::Null(None)), Ok(()));
    }

    #[test]
    fn exactly_what_the_engine_s_json_can_carry_passes() {
        for (value, is_sendable) in odd_values() {
            assert_eq!(check("x", value.clone()).is_ok(), is_sendable, "{value:?}");
        }
    }

    #[test]
    fn what_the_engine_would_refuse_is_refused_with_the_variables_name() {
        let file = |content| File { filename: "f".into(), mime_type: None, encoding: None, content };
        for (name, value, expected) in [
            ("", Value::Integer(1), "empty name"),
            ("x", Value::Double(f64::NAN), "`x` of type Double: expected a finite number, found NaN"),
            ("x", Value::Double(f64::INFINITY), "found inf"),
            ("x", Value::Json("{".into()), "`x` of type Json: expected JSON"),
            ("x", Value::String("a".repeat(101)), "`limits.payload` of 100"),
            ("x", Value::File(file(FileContent::Stored("n".into()))), "no file but Integer"),
            ("x", Value::File(file(FileContent::Stored("m".into()))), "does not have"),
        ] {
            let error = check(name, value).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_decision_with_an_empty_code_is_refused() {
        let fetched = Variables::new();
        let checker = Checker { fetched: &fetched, payload: 100 };
        let code = |code: &str| Decision::BpmnError { code: code.into(), message: None, variables: Variables::new() };
        assert!(checker.decision(&code("E1")).is_ok());
        assert!(checker.decision(&code("")).is_err());
        assert!(checker.decision(&code("E\r\n1")).is_err());
    }

    #[test]
    fn durations_that_the_engine_cannot_add_are_refused() {
        let fetched = Variables::new();
        let checker = Checker { fetched: &fetched, payload: 100 };
        assert!(checker.decision(&Decision::Unlock { delay: Duration::MAX }).is_err());
        assert!(checker.decision(&Decision::HandOff { duration: Duration::ZERO }).is_err());
        assert!(checker.decision(&Decision::HandOff { duration: Duration::from_secs(1) }).is_ok());
    }
}
