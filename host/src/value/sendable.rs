//! What of a value the engine's JSON can carry: one rule for whoever checks a value before it is decided on and for
//! whoever writes it for the engine afterwards.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Other, Value};

/// The value and the `valueInfo` of an unknown type.
pub(crate) type OtherJson<'a> = (&'a RawValue, BTreeMap<String, &'a RawValue>);

impl Value {
    /// Whether the engine's JSON can carry the value. The content of a file may still lie in the engine.
    ///
    /// # Errors
    /// Why it cannot: what was expected and what was found.
    pub(crate) fn sendable(&self) -> Result<(), String> {
        match self {
            // The engine reads the first letter of a type in either case.
            Self::Null(Some(name)) if name == "File" || name == "file" => {
                Err("expected a file or a null of another type, found null: the engine has no null files".into())
            }
            // JSON has no other numbers, and the serialiser would make a null of them.
            Self::Double(it) if !it.is_finite() => Err(format!("expected a finite number, found {it}")),
            Self::File(it) if it.filename.is_empty() => Err("expected a filename, found none".into()),
            Self::Json(text) => {
                serde_json::from_str::<&RawValue>(text).map(drop).map_err(|error| format!("expected JSON: {error}"))
            }
            Self::Other(it) => it.json().map(drop),
            Self::Null(_)
            | Self::Boolean(_)
            | Self::Short(_)
            | Self::Integer(_)
            | Self::Long(_)
            | Self::Double(_)
            | Self::String(_)
            | Self::Date(_)
            | Self::Bytes(_)
            | Self::File(_)
            | Self::Xml(_)
            | Self::Object(_) => Ok(()),
        }
    }
}

impl Other {
    /// Value and `valueInfo` as they are sent; blank info is none.
    ///
    /// # Errors
    /// Which of the two is not the JSON it has to be, and where.
    pub(crate) fn json(&self) -> Result<OtherJson<'_>, String> {
        let value =
            serde_json::from_str(&self.value).map_err(|error| format!("expected JSON as its value: {error}"))?;
        if self.value_info.trim().is_empty() {
            return Ok((value, BTreeMap::new()));
        }
        let info: Option<_> = serde_json::from_str(&self.value_info)
            .map_err(|error| format!("expected a JSON object or null as its valueInfo: {error}"))?;
        Ok((value, info.unwrap_or_default()))
    }
}

/// Odd values, and whether they can be sent: whoever says so elsewhere is tested against these.
#[cfg(test)]
pub(crate) fn odd_values() -> Vec<(Value, bool)> {
    use super::{File, FileContent, Object};

    let null = |name: &str| Value::Null(Some(name.into()));
    let file = |filename: &str| {
        let content = FileContent::Bytes(bytes::Bytes::new());
        Value::File(File { filename: filename.into(), mime_type: None, encoding: None, content })
    };
    let other = |value: &str, info: &str| {
        Value::Other(Other { type_name: "Money".into(), value: value.into(), value_info: info.into() })
    };
    let object = Object { type_name: String::new(), format: String::new(), text: "{".into() };
    let mut values = vec![(Value::Null(None), true), (Value::Object(object), true), (Value::Xml("<".into()), true)];
    values.extend(["", "Null", "Object", "Bytes", "Files"].map(|name| (null(name), true)));
    values.extend(["File", "file"].map(|name| (null(name), false)));
    values.extend([-0.0, f64::MAX, 5e-324].map(|number| (Value::Double(number), true)));
    values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|number| (Value::Double(number), false)));
    values.extend([(file(" "), true), (file(""), false)]);
    values.extend([" 1 ", "null", r#""\ud800""#].map(|text| (Value::Json(text.into()), true)));
    values.extend(["", " ", "{", "1 2", "NaN"].map(|text| (Value::Json(text.into()), false)));
    values.extend([" 1 ", "null", r#""\ud800""#].map(|text| (other(text, "{}"), true)));
    values.extend(["", " ", "{", "1 2", "NaN"].map(|text| (other(text, "{}"), false)));
    values
        .extend(["", " \n", "null", " {} ", r#"{"a":1,"a":2}"#, r#"{"transient":7}"#].map(|it| (other("1", it), true)));
    values.extend(["[]", "1", r#""""#, "{", "{} {}", "true", r#"{"\ud800":1}"#].map(|it| (other("1", it), false)));
    values
}
