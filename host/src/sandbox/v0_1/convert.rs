//! Values and the task between the domain and the contract of this version.

use std::collections::btree_map::Entry;

use super::bindings::fetchlock::handler::{task, types};
use crate::{
    task::Task,
    value::{Date, File, FileContent, Object, Other, Value, Variable, Variables},
};

pub(super) fn value_to_guest(value: &Value) -> types::Value {
    match value {
        Value::Null(type_name) => types::Value::Null(type_name.clone()),
        Value::Boolean(it) => types::Value::Boolean(*it),
        Value::Short(it) => types::Value::Short(*it),
        Value::Integer(it) => types::Value::Integer(*it),
        Value::Long(it) => types::Value::Long(*it),
        Value::Double(it) => types::Value::Double(*it),
        Value::String(it) => types::Value::Text(it.clone()),
        Value::Date(it) => types::Value::Date(date_to_guest(*it)),
        Value::Bytes(it) => types::Value::Bytes(it.to_vec()),
        Value::File(it) => types::Value::File(types::File {
            filename: it.filename.clone(),
            mime_type: it.mime_type.clone(),
            encoding: it.encoding.clone(),
            content: match &it.content {
                FileContent::Bytes(bytes) => types::FileContent::Bytes(bytes.to_vec()),
                FileContent::Stored(name) => types::FileContent::Stored(name.clone()),
            },
        }),
        Value::Json(it) => types::Value::Json(it.clone()),
        Value::Xml(it) => types::Value::Xml(it.clone()),
        Value::Object(it) => types::Value::Object(types::Object {
            type_name: it.type_name.clone(),
            format: it.format.clone(),
            text: it.text.clone(),
        }),
        Value::Other(it) => types::Value::Other(types::Other {
            type_name: it.type_name.clone(),
            value: it.value.clone(),
            value_info: it.value_info.clone(),
        }),
    }
}

fn date_to_guest(date: Date) -> types::Date {
    types::Date { unix_millis: date.unix_millis(), offset_minutes: date.offset_minutes() }
}

/// Variables from the guest; a name given twice is a mistake that one of the two values would hide.
pub(super) fn variables(list: Vec<types::Variable>) -> Result<Variables, String> {
    let mut variables = Variables::new();
    for types::Variable { name, value, transient } in list {
        let value = value_from_guest(value).map_err(|why| format!("variable `{name}`: {why}"))?;
        match variables.entry(name) {
            Entry::Vacant(free) => free.insert(Variable { value, transient }),
            Entry::Occupied(taken) => return Err(format!("variable `{}` is given twice", taken.key())),
        };
    }
    Ok(variables)
}

fn value_from_guest(value: types::Value) -> Result<Value, String> {
    Ok(match value {
        types::Value::Null(type_name) => Value::Null(type_name),
        types::Value::Boolean(it) => Value::Boolean(it),
        types::Value::Short(it) => Value::Short(it),
        types::Value::Integer(it) => Value::Integer(it),
        types::Value::Long(it) => Value::Long(it),
        types::Value::Double(it) => Value::Double(it),
        types::Value::Text(it) => Value::String(it),
        types::Value::Date(it) => Value::Date(date_from_guest(it)?),
        types::Value::Bytes(it) => Value::Bytes(it.into()),
        types::Value::File(it) => Value::File(File {
            filename: it.filename,
            mime_type: it.mime_type,
            encoding: it.encoding,
            content: match it.content {
                types::FileContent::Bytes(bytes) => FileContent::Bytes(bytes.into()),
                types::FileContent::Stored(name) => FileContent::Stored(name),
            },
        }),
        types::Value::Json(it) => Value::Json(it),
        types::Value::Xml(it) => Value::Xml(it),
        types::Value::Object(it) => Value::Object(Object { type_name: it.type_name, format: it.format, text: it.text }),
        types::Value::Other(it) => {
            Value::Other(Other { type_name: it.type_name, value: it.value, value_info: it.value_info })
        }
    })
}

fn date_from_guest(date: types::Date) -> Result<Date, String> {
    Date::new(date.unix_millis, date.offset_minutes).map_err(|why| why.to_string())
}

pub(super) fn context(task: &Task) -> task::Context {
    task::Context {
        id: task.id.as_str().to_owned(),
        topic: task.topic.as_str().to_owned(),
        business_key: task.business_key.clone(),
        activity_id: task.activity_id.clone(),
        activity_instance_id: task.activity_instance_id.clone(),
        execution_id: task.execution_id.clone(),
        process_instance_id: task.process_instance_id.clone(),
        process_definition_id: task.process_definition_id.clone(),
        process_definition_key: task.process_definition_key.clone(),
        process_definition_version_tag: task.process_definition_version_tag.clone(),
        tenant_id: task.tenant_id.clone(),
        retries: task.retries,
        priority: task.priority,
        create_time: task.create_time.map(date_to_guest),
        extension_properties: task.extension_properties.clone().into_iter().collect(),
        worker_id: task.worker_id.as_str().to_owned(),
        error_message: task.error_message.clone(),
        error_details: task.error_details.clone(),
    }
}
