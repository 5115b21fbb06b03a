//! Variables as they are told to the engine (`VariableValueDto`), always with their type: the engine stores an untyped
//! JSON object as a Java-serialised one.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use super::NULL_OBJECT_FORMAT;
use crate::{
    foreign::excerpt,
    value::{File, FileContent, Other, Value, Variable, Variables},
};

/// How many characters of a handler's names an error message shows.
const MAX_NAME: usize = 80;

/// Variables by name, ready to be serialised.
pub(super) type Encoded<'a> = BTreeMap<&'a str, Wire<'a>>;

/// One variable of a request.
#[derive(Serialize)]
pub(super) struct Wire<'a> {
    /// The engine lower-cases the first letter and takes nothing but exact names: `Json`, never `JSON`.
    #[serde(rename = "type")]
    type_name: &'a str,
    value: Content<'a>,
    #[serde(rename = "valueInfo", skip_serializing_if = "Option::is_none")]
    value_info: Option<Info<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Null(()),
    Boolean(bool),
    Whole(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Raw(&'a RawValue),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Info<'a> {
    Known(KnownInfo<'a>),
    Raw(BTreeMap<String, &'a RawValue>),
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct KnownInfo<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    /// Not `mimetype`, which the engine's documentation names and its code drops without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_type_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serialization_data_format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transient: Option<bool>,
}

/// Prepares variables for a request.
///
/// # Errors
/// For the first that the engine's JSON cannot carry: its name, its type and why.
pub(super) fn variables(variables: &Variables) -> Result<Encoded<'_>, String> {
    variables
        .iter()
        .map(|(name, variable)| match encode(variable) {
            Ok(wire) => Ok((name.as_str(), wire)),
            Err(why) => {
                let (name, type_name) = (excerpt(name, MAX_NAME), excerpt(variable.value.type_name(), MAX_NAME));
                Err(format!("the variable `{name}` of type {type_name}: {why}"))
            }
        })
        .collect()
}

fn encode(variable: &Variable) -> Result<Wire<'_>, String> {
    variable.value.sendable()?;
    let mut info = KnownInfo::default();
    let value = match &variable.value {
        Value::Null(type_name) => {
            if type_name.as_deref() == Some("Object") {
                info.serialization_data_format = Some(NULL_OBJECT_FORMAT);
            }
            Content::Null(())
        }
        Value::Boolean(it) => Content::Boolean(*it),
        Value::Short(it) => Content::Whole(i64::from(*it)),
        Value::Integer(it) => Content::Whole(i64::from(*it)),
        Value::Long(it) => Content::Whole(*it),
        Value::Double(it) => Content::Double(*it),
        Value::String(it) | Value::Json(it) | Value::Xml(it) => Content::Text(Cow::Borrowed(it)),
        Value::Date(it) => Content::Text(it.to_string().into()),
        Value::Bytes(it) => Content::Text(STANDARD.encode(it).into()),
        Value::File(it) => {
            info.filename = Some(&it.filename);
            info.mime_type = it.mime_type.as_deref();
            info.encoding = it.encoding.as_deref();
            Content::Text(file_content(it)?.into())
        }
        Value::Object(it) => {
            info.object_type_name = Some(&it.type_name);
            info.serialization_data_format = Some(&it.format);
            Content::Text(Cow::Borrowed(&it.text))
        }
        Value::Other(it) => return other(it, variable.transient),
    };
    info.transient = variable.transient.then_some(true);
    let value_info = (info != KnownInfo::default()).then_some(Info::Known(info));
    Ok(Wire { type_name: variable.value.type_name(), value, value_info })
}

fn file_content(file: &File) -> Result<String, String> {
    match &file.content {
        FileContent::Bytes(bytes) => Ok(STANDARD.encode(bytes)),
        // Only the worker knows the execution from which the content is to be had.
        FileContent::Stored(name) => {
            let name = excerpt(name, MAX_NAME);
            Err(format!(
                "expected its content, found it still in the engine's variable `{name}`, to be downloaded first"
            ))
        }
    }
}

fn other(other: &Other, transient: bool) -> Result<Wire<'_>, String> {
    let (value, mut info) = other.json()?;
    // The flag of the variable counts, not the one in the text.
    info.remove("transient");
    if transient {
        info.insert("transient".into(), RawValue::TRUE);
    }
    let value_info = (!info.is_empty()).then_some(Info::Raw(info));
    Ok(Wire { type_name: &other.type_name, value: Content::Raw(value), value_info })
}
