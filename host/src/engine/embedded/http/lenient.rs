//! Reads JSON as Jackson does for the engine: numbers and truth values may be written as texts, texts as numbers.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A text, or a number or truth value that becomes one.
pub(in super::super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(Some(value.to_string())),
        _ => Err(D::Error::custom("a text is expected")),
    }
}

/// A list of texts. A null in it stands for nothing that there is.
pub(in super::super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let list = Option::<Vec<Option<String>>>::deserialize(from)?;
    let list = list.map(|list| list.into_iter().map(|text| text.unwrap_or_else(|| NO_TEXT.to_owned())));
    Ok(list.map(Iterator::collect))
}

/// A text that no id, tenant or name is: what stands for a null in a list, which is not an empty list.
const NO_TEXT: &str = "\0";

/// A whole number of 64 bits; a fraction is cut off, an empty text is none.
pub(in super::super) fn long<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let wrong = || D::Error::custom("a whole number is expected");
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Number(number) => {
            let cut = |number: f64| (number.abs() < i64::MAX as f64).then_some(number as i64);
            number.as_i64().or_else(|| number.as_f64().and_then(cut)).map(Some).ok_or_else(wrong)
        }
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// A whole number of 32 bits.
pub(in super::super) fn int<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i32>, D::Error> {
    let number = long(from)?;
    number.map(i32::try_from).transpose().map_err(|_| D::Error::custom("the number has more than 32 bits"))
}

/// A truth value.
pub(in super::super) fn boolean<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Bool(truth) => Ok(Some(truth)),
        Value::Number(number) if number.is_i64() => Ok(Some(number.as_i64() != Some(0))),
        Value::String(text) => match text.trim() {
            "" => Ok(None),
            "true" | "True" | "TRUE" => Ok(Some(true)),
            "false" | "False" | "FALSE" => Ok(Some(false)),
            _ => Err(D::Error::custom("true or false is expected")),
        },
        _ => Err(D::Error::custom("true or false is expected")),
    }
}
