//! Values between this library and the bindings. Nothing is copied, and nothing lost.

use std::time::Duration;

use super::bindings::fetchlock::handler::engine::MessageTenant as WitTenant;
use super::bindings::fetchlock::handler::types as wit;
use crate::engine::MessageTenant;
use crate::{Date, File, FileContent, Object, Other, Value, Variables};

/// A length of time as the contract tells it.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn value_of(value: wit::Value) -> Value {
    match value {
        wit::Value::Null(type_name) => Value::Null(type_name),
        wit::Value::Boolean(truth) => Value::Boolean(truth),
        wit::Value::Short(number) => Value::Short(number),
        wit::Value::Integer(number) => Value::Integer(number),
        wit::Value::Long(number) => Value::Long(number),
        wit::Value::Double(number) => Value::Double(number),
        wit::Value::Text(text) => Value::Text(text),
        wit::Value::Date(date) => Value::Date(date.into()),
        wit::Value::Bytes(bytes) => Value::Bytes(bytes),
        wit::Value::File(wit::File { filename, mime_type, encoding, content }) => {
            let content = match content {
                wit::FileContent::Bytes(bytes) => FileContent::Bytes(bytes),
                wit::FileContent::Stored(name) => FileContent::Stored(name),
            };
            Value::File(File { filename, mime_type, encoding, content })
        }
        wit::Value::Json(text) => Value::Json(text),
        wit::Value::Xml(text) => Value::Xml(text),
        wit::Value::Object(wit::Object { type_name, format, text }) => {
            Value::Object(Object { type_name, format, text })
        }
        wit::Value::Other(wit::Other { type_name, value, value_info }) => {
            Value::Other(Other { type_name, value, value_info })
        }
    }
}

fn wit_value(value: Value) -> wit::Value {
    match value {
        Value::Null(type_name) => wit::Value::Null(type_name),
        Value::Boolean(truth) => wit::Value::Boolean(truth),
        Value::Short(number) => wit::Value::Short(number),
        Value::Integer(number) => wit::Value::Integer(number),
        Value::Long(number) => wit::Value::Long(number),
        Value::Double(number) => wit::Value::Double(number),
        Value::Text(text) => wit::Value::Text(text),
        Value::Date(Date { unix_millis, offset_minutes }) => {
            wit::Value::Date(wit::Date { unix_millis, offset_minutes })
        }
        Value::Bytes(bytes) => wit::Value::Bytes(bytes),
        Value::File(File { filename, mime_type, encoding, content }) => {
            let content = match content {
                FileContent::Bytes(bytes) => wit::FileContent::Bytes(bytes),
                FileContent::Stored(name) => wit::FileContent::Stored(name),
            };
            wit::Value::File(wit::File { filename, mime_type, encoding, content })
        }
        Value::Json(text) => wit::Value::Json(text),
        Value::Xml(text) => wit::Value::Xml(text),
        Value::Object(Object { type_name, format, text }) => {
            wit::Value::Object(wit::Object { type_name, format, text })
        }
        Value::Other(Other { type_name, value, value_info }) => {
            wit::Value::Other(wit::Other { type_name, value, value_info })
        }
    }
}

pub(super) fn wit_variables(variables: Variables) -> Vec<wit::Variable> {
    let variable =
        |it: crate::Variable| wit::Variable { name: it.name, value: wit_value(it.value), transient: it.transient };
    variables.into_iter().map(variable).collect()
}

impl From<wit::Date> for Date {
    fn from(wit::Date { unix_millis, offset_minutes }: wit::Date) -> Self {
        Self { unix_millis, offset_minutes }
    }
}

impl From<MessageTenant> for WitTenant {
    fn from(tenant: MessageTenant) -> Self {
        match tenant {
            MessageTenant::Any => Self::Any,
            MessageTenant::Without => Self::Without,
            MessageTenant::Id(id) => Self::Id(id),
        }
    }
}
