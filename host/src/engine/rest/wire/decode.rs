//! Variables as the engine tells them (`VariableValueDto`). Nothing is converted; what is not understood is an error,
//! and what Fetchlock has no type for is passed through.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::NULL_OBJECT_FORMAT;
use crate::{
    foreign::excerpt,
    value::{File, FileContent, Object, Other, Unread, Value, Variable, Variables},
};

/// How many characters of a value that is not understood an error message shows.
const MAX_FOUND: usize = 80;

/// The engine's form of a date, as error messages show it.
const DATE: &str = "a date like 2026-11-21T10:11:12.345+0100";

/// One variable of an answer; the parts are read when its type is known.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", default)]
    type_name: Option<String>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "valueInfo")]
    value_info: Option<&'a RawValue>,
}

/// `valueInfo`, whatever is in it.
type Info<'a> = BTreeMap<String, &'a RawValue>;

/// Reads all variables of a task.
///
/// # Errors
/// For the first that is not understood: its name and type, what was expected and what was found.
pub(super) fn variables(wire: &BTreeMap<String, &RawValue>) -> Result<Variables, String> {
    wire.iter().map(|(name, raw)| Ok((name.clone(), variable(name, raw)?))).collect()
}

fn variable(name: &str, raw: &RawValue) -> Result<Variable, String> {
    let wire: Wire<'_> = serde_json::from_str(raw.get())
        .map_err(|_| not_understood(name, None, "an object with type, value and valueInfo", raw.get()))?;
    let info: Info<'_> = match wire.value_info {
        None => Info::new(),
        Some(raw_info) => serde_json::from_str(raw_info.get())
            .map_err(|_| not_understood(name, wire.type_name.as_deref(), "an object as valueInfo", raw_info.get()))?,
    };
    let transient = info.get("transient").is_some_and(|it| it.get() == "true");
    let value = value(name, &wire, &info)
        .map_err(|(expected, found)| not_understood(name, wire.type_name.as_deref(), &expected, &found))?;
    Ok(Variable { value, transient })
}

fn not_understood(name: &str, type_name: Option<&str>, expected: &str, found: &str) -> String {
    let name = excerpt(name, MAX_FOUND);
    let of_type = type_name.map(|it| format!(" of type {}", excerpt(it, MAX_FOUND))).unwrap_or_default();
    let found = excerpt(found, MAX_FOUND);
    format!("the variable `{name}`{of_type} cannot be understood: expected {expected}, found {found}")
}

/// What was expected and what was found.
type Mismatch = (String, String);

fn value(name: &str, wire: &Wire<'_>, info: &Info<'_>) -> Result<Value, Mismatch> {
    let type_name = match (wire.type_name.as_deref(), wire.value) {
        (None | Some("Null"), None) => return Ok(Value::Null(None)),
        (None, Some(_)) => return Err(("a type".into(), "none".into())),
        (Some("Null"), Some(raw)) => return Err(("null".into(), raw.get().into())),
        // A fetch leaves the content of a file out: that is no missing value.
        (Some("File"), raw) => return file(name, raw, info),
        (Some(type_name), None) if tells_nothing(type_name, info) => {
            return Ok(Value::Null(Some(type_name.to_owned())));
        }
        (Some(_), None) => return other(wire),
        (Some(type_name), Some(_)) => type_name,
    };
    let Some(raw) = wire.value else { return other(wire) };
    Ok(match type_name {
        "Boolean" => Value::Boolean(read(raw, "true or false")?),
        "Short" => Value::Short(read(raw, "a whole number from -32768 to 32767")?),
        "Integer" => Value::Integer(read(raw, "a whole number from -2147483648 to 2147483647")?),
        "Long" => Value::Long(read(raw, "a whole number from -9223372036854775808 to 9223372036854775807")?),
        "Double" => Value::Double(double(raw)?),
        "String" => Value::String(read(raw, "a text")?),
        "Json" => Value::Json(read(raw, "a JSON document in a text")?),
        "Xml" => Value::Xml(read(raw, "an XML document in a text")?),
        "Bytes" => Value::Bytes(base64(raw)?.into()),
        "Date" => match read::<String>(raw, DATE)?.parse() {
            Ok(date) => Value::Date(date),
            // Passed through as it is written.
            Err(Unread::OtherForm) => return other(wire),
            Err(Unread::NoDate) => return Err((DATE.into(), raw.get().into())),
        },
        "Object" => match (text(info, "objectTypeName"), text(info, "serializationDataFormat"), read(raw, "")) {
            (Some(type_name), Some(format), Ok(text)) => Value::Object(Object { type_name, format, text }),
            // Deserialised by the engine, or without a word on its class: still good to be handed back.
            _ => return other(wire),
        },
        _ => return other(wire),
    })
}

/// Whether a null of this type comes without anything that would be lost by telling only its type.
fn tells_nothing(type_name: &str, info: &Info<'_>) -> bool {
    info.keys().all(|key| match key.as_str() {
        "transient" => true,
        // What a null object without a format of its own is sent with.
        "serializationDataFormat" => type_name == "Object" && text(info, key).as_deref() == Some(NULL_OBJECT_FORMAT),
        _ => false,
    })
}

fn read<T: DeserializeOwned>(raw: &RawValue, expected: &str) -> Result<T, Mismatch> {
    serde_json::from_str(raw.get()).map_err(|_| (expected.to_owned(), raw.get().to_owned()))
}

/// A number; Jackson writes those that JSON does not have as texts.
fn double(raw: &RawValue) -> Result<f64, Mismatch> {
    match raw.get() {
        r#""NaN""# => Ok(f64::NAN),
        r#""Infinity""# => Ok(f64::INFINITY),
        r#""-Infinity""# => Ok(f64::NEG_INFINITY),
        _ => read(raw, "a number"),
    }
}

fn base64(raw: &RawValue) -> Result<Vec<u8>, Mismatch> {
    const EXPECTED: &str = "bytes in base64";
    let text: String = read(raw, EXPECTED)?;
    STANDARD.decode(&text).map_err(|_| (EXPECTED.to_owned(), raw.get().to_owned()))
}

fn file(name: &str, raw: Option<&RawValue>, info: &Info<'_>) -> Result<Value, Mismatch> {
    let filename = text(info, "filename")
        .filter(|it| !it.is_empty())
        .ok_or_else(|| ("a filename in valueInfo".to_owned(), "none".to_owned()))?;
    let content = match raw {
        None => FileContent::Stored(name.to_owned()),
        Some(raw) => FileContent::Bytes(base64(raw)?.into()),
    };
    let (mime_type, encoding) = (text(info, "mimeType"), text(info, "encoding"));
    Ok(Value::File(File { filename, mime_type, encoding, content }))
}

fn text(info: &Info<'_>, key: &str) -> Option<String> {
    info.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

fn other(wire: &Wire<'_>) -> Result<Value, Mismatch> {
    Ok(Value::Other(Other {
        type_name: wire.type_name.clone().unwrap_or_default(),
        value: wire.value.map_or("null", RawValue::get).to_owned(),
        value_info: wire.value_info.map_or("{}", RawValue::get).to_owned(),
    }))
}
