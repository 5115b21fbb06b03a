//! What `deserializeValues` makes of a variable: a real engine makes Java objects of its documents, and tells these as
//! its JSON mapper does.

use serde_json::{Value, json};

use super::variable::{Kind, Variable};

/// A variable as a fetch answers it that asks for Java objects.
pub(super) fn shown(variable: &Variable) -> Value {
    let mut shown = variable.shown();
    if let Some(value) = deserialized(variable) {
        shown["value"] = value;
    }
    shown
}

fn deserialized(variable: &Variable) -> Option<Value> {
    let document = || serde_json::from_str(variable.value.as_str()?).ok();
    match variable.kind {
        Kind::Object if variable.info("serializationDataFormat") == Some("application/json") => document(),
        Kind::Json => document().map(|document| node(&document)),
        _ => None,
    }
}

/// Of a document the mapper tells what can be asked of its class, `SpinJsonNode`, and not what is in it.
fn node(document: &Value) -> Value {
    let kind = match document {
        Value::Null => "NULL",
        Value::Bool(_) => "BOOLEAN",
        Value::Number(_) => "NUMBER",
        Value::String(_) => "STRING",
        Value::Array(_) => "ARRAY",
        Value::Object(_) => "OBJECT",
    };
    json!({
        "dataFormatName": "application/json",
        "nodeType": kind,
        "array": document.is_array(),
        "boolean": document.is_boolean(),
        "null": document.is_null(),
        "number": document.is_number(),
        "object": document.is_object(),
        "string": document.is_string(),
        "value": !document.is_array() && !document.is_object(),
    })
}
