//! What the engine says about the variables of an outcome: their types and encodings, checked before anything else.

use serde_json::{Map, Value};

use super::answer::Answer;

/// How a date must be written; a `Z`, a colon in the offset or missing milliseconds are refused.
const DATE_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3f%z";

/// Checks the variables under `key` of a request's body and returns them (empty if there are none).
pub(super) fn checked_variables(body: &Value, key: &str) -> Result<Map<String, Value>, Answer> {
    let Some(variables) = body.get(key).filter(|variables| !variables.is_null()) else {
        return Ok(Map::new());
    };
    let Some(variables) = variables.as_object() else {
        return Err(Answer::unreadable_body());
    };
    for variable in variables.values() {
        check(variable)?;
    }
    Ok(variables.clone())
}

fn check(variable: &Value) -> Result<(), Answer> {
    let value = variable.get("value").unwrap_or(&Value::Null);
    let Some(given_type) = variable.get("type").and_then(Value::as_str) else {
        return Ok(());
    };
    let java = match lower_first(given_type).as_str() {
        "boolean" => (value.is_boolean(), "java.lang.Boolean"),
        "short" => (fits(value, i16::MIN.into(), i16::MAX.into()), "java.lang.Short"),
        "integer" => (fits(value, i32::MIN.into(), i32::MAX.into()), "java.lang.Integer"),
        "long" => (fits(value, i64::MIN, i64::MAX), "java.lang.Long"),
        "double" => (value.is_number(), "java.lang.Double"),
        "string" => (value.is_string(), "java.lang.String"),
        "date" => (value.as_str().is_some_and(is_date), "java.util.Date"),
        "bytes" | "null" => return Ok(()),
        "file" => return check_file(variable, value),
        "json" | "xml" | "object" => {
            if value.is_null() || value.is_string() {
                return Ok(());
            }
            return Err(Answer::error(
                400,
                "InvalidRequestException",
                &format!("Must provide 'null' or String value for value of SerializableValue type '{given_type}'."),
                None,
            ));
        }
        _ => {
            let message = format!("Unsupported value type '{given_type}'");
            return Err(Answer::error(400, "RestException", &message, None));
        }
    };
    let (fits, java_type) = java;
    if value.is_null() || fits {
        return Ok(());
    }
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = format!("Cannot convert value '{shown}' of type '{given_type}' to java type {java_type}");
    Err(Answer::error(400, "InvalidRequestException", &message, None))
}

/// The engine answers its own IllegalArgumentException with a 500.
fn check_file(variable: &Value, value: &Value) -> Result<(), Answer> {
    let named = variable.pointer("/valueInfo/filename").is_some_and(Value::is_string);
    if named && value.is_string() {
        return Ok(());
    }
    let message = "Cannot create file without valueInfo.";
    Err(Answer::error(500, "IllegalArgumentException", message, None))
}

fn fits(value: &Value, min: i64, max: i64) -> bool {
    value.as_i64().is_some_and(|number| (min..=max).contains(&number))
}

/// The engine lower-cases the first letter only, so that `Json` is a type and `JSON` none.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn is_date(text: &str) -> bool {
    // `%z` reads an offset with a colon too, and `%.3f` none at all: the length (as "2026-11-21T10:11:12.345+0000") rules both out.
    const LENGTH: usize = 28;
    text.len() == LENGTH && jiff::fmt::strtime::parse(DATE_FORMAT, text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(variable: Value) -> Option<(u16, String)> {
        let body = json!({"variables": {"q": variable}});
        let answer = checked_variables(&body, "variables").err()?;
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        Some((answer.status, message))
    }

    #[test]
    fn an_unknown_type_is_named() {
        for wrong in ["Nonsense", "JSON", "XML"] {
            let expected = (400, format!("Unsupported value type '{wrong}'"));
            assert_eq!(verdict(json!({"type": wrong, "value": "1"})), Some(expected));
        }
        assert_eq!(verdict(json!({"type": "json", "value": "1"})), None);
    }

    #[test]
    fn a_value_that_does_not_fit_its_type_is_refused() {
        let message = "Cannot convert value 'abc' of type 'Integer' to java type java.lang.Integer";
        assert_eq!(verdict(json!({"type": "Integer", "value": "abc"})), Some((400, message.to_owned())));
        assert_eq!(verdict(json!({"type": "Long", "value": i64::MAX})), None);
        assert!(verdict(json!({"type": "Short", "value": 40_000})).is_some());
        assert!(verdict(json!({"type": "Json", "value": {"a": 1}})).is_some());
        assert_eq!(verdict(json!({"type": "File", "value": "", "valueInfo": {}})).map(|(status, _)| status), Some(500));
    }

    #[test]
    fn only_one_spelling_of_a_date_is_taken() {
        for right in ["2026-11-21T10:11:12.345+0000", "2013-01-23T14:42:45.000-0230"] {
            assert_eq!(verdict(json!({"type": "Date", "value": right})), None, "{right}");
        }
        for wrong in [
            "2026-11-21T10:11:12Z",
            "2026-11-21T10:11:12.345Z",
            "2026-11-21T10:11:12",
            "2026-11-21T10:11:12.345+01:00",
            "2026-11-21",
        ] {
            assert!(verdict(json!({"type": "Date", "value": wrong})).is_some(), "{wrong}");
        }
    }
}
