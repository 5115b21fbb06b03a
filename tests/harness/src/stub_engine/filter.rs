//! Which tasks a fetch or a query asks for, and what of them it shows.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::task::Task;

/// Whether the filters of a fetch's topic fit a task. (Its name was compared already.)
pub(super) fn asks_for(topic: &Value, task: &Task, variables: Option<&Map<String, Value>>) -> bool {
    let spec = &task.spec;
    let tenant = spec.tenant.as_deref();
    is(topic, "businessKey", spec.business_key.as_deref())
        && is(topic, "processDefinitionKey", Some(&spec.process_definition_key))
        && is_one_of(topic, "processDefinitionKeyIn", Some(&spec.process_definition_key))
        && is(topic, "processDefinitionId", Some(&task.definition()))
        && is_one_of(topic, "processDefinitionIdIn", Some(&task.definition()))
        && is_one_of(topic, "tenantIdIn", tenant)
        && (topic.get("withoutTenantId") != Some(&Value::Bool(true)) || tenant.is_none())
        && any_variable_equals(topic, variables)
}

/// Several process variables are alternatives: that is what the engine does with them.
fn any_variable_equals(topic: &Value, variables: Option<&Map<String, Value>>) -> bool {
    let Some(wanted) = topic.get("processVariables").and_then(Value::as_object) else {
        return true;
    };
    let value = |name: &String| variables.and_then(|variables| variables.get(name)?.get("value"));
    wanted.is_empty() || wanted.iter().any(|(name, wanted)| value(name) == Some(wanted))
}

/// Whether a query (the body of `POST /external-task`, or the parameters of the GET) asks for a task.
pub(super) fn queried(query: &Value, task: &Task, now: Instant) -> bool {
    let flag = |name: &str| query.get(name) == Some(&Value::Bool(true));
    let spec = &task.spec;
    is(query, "externalTaskId", Some(&task.id))
        && is_one_of(query, "externalTaskIdIn", Some(&task.id))
        && is(query, "topicName", Some(&spec.topic))
        && is(query, "workerId", task.holder())
        && is(query, "processInstanceId", Some(&task.instance))
        && is_one_of(query, "processInstanceIdIn", Some(&task.instance))
        && is(query, "executionId", Some(&task.execution()))
        && is(query, "processDefinitionId", Some(&task.definition()))
        && is(query, "processDefinitionKey", Some(&spec.process_definition_key))
        && is_one_of(query, "tenantIdIn", spec.tenant.as_deref())
        && (!flag("locked") || task.is_locked(now))
        && (!flag("notLocked") || !task.is_locked(now))
        && (!flag("withRetriesLeft") || task.retries != Some(0))
        && (!flag("noRetriesLeft") || task.retries == Some(0))
}

/// Puts the found tasks in the order that a fetch asks for; without one, in that of their creation.
pub(super) fn sort(ids: &mut [&str], body: &Value, priority: impl Fn(&str) -> i64) {
    if body.pointer("/sorting/0/sortOrder").and_then(Value::as_str) == Some("desc") {
        ids.reverse();
    }
    if body.get("usePriority") == Some(&Value::Bool(true)) {
        ids.sort_by_key(|id| std::cmp::Reverse(priority(id)));
    }
}

/// A task as a fetch answers it.
pub(super) fn fetched(task: &Task, topic: &Value, variables: Option<&Map<String, Value>>, now: Instant) -> Value {
    let named = topic.get("variables").and_then(Value::as_array);
    let wanted = |name: &String| match named {
        Some(names) => names.iter().any(|wanted| wanted.as_str() == Some(name)),
        None => true,
    };
    let local_only = topic.get("localVariables") == Some(&Value::Bool(true));
    let visible = task.visible(variables, local_only).into_iter().filter(|(name, _)| wanted(name));
    let variables: Map<String, Value> = visible.map(|(name, variable)| (name, shown(&variable))).collect();
    let with_properties = topic.get("includeExtensionProperties") == Some(&Value::Bool(true));
    let properties = match with_properties {
        true => task.spec.extension_properties.clone(),
        false => json!({}),
    };
    let details = task.error.as_ref().and_then(|(_, details)| details.clone());
    let mut fields = task.listed(now);
    fields.insert("errorDetails".to_owned(), json!(details));
    fields.insert("variables".to_owned(), Value::Object(variables));
    fields.insert("extensionProperties".to_owned(), properties);
    Value::Object(fields)
}

/// A variable as it is read: with a type and a valueInfo, and a file without its bytes.
pub(super) fn shown(variable: &Value) -> Value {
    let kind = variable.get("type").cloned().unwrap_or(json!("Null"));
    let value = match kind.as_str() {
        Some("File" | "file") => Value::Null,
        _ => variable.get("value").cloned().unwrap_or_default(),
    };
    let info = variable.get("valueInfo").cloned().unwrap_or(json!({}));
    json!({"type": kind, "value": value, "valueInfo": info})
}

fn is(filter: &Value, key: &str, found: Option<&str>) -> bool {
    match filter.get(key) {
        None | Some(Value::Null) => true,
        Some(wanted) => wanted.as_str() == found && found.is_some(),
    }
}

fn is_one_of(filter: &Value, key: &str, found: Option<&str>) -> bool {
    match filter.get(key).and_then(Value::as_array) {
        None => true,
        Some(wanted) => wanted.iter().any(|wanted| wanted.as_str() == found && found.is_some()),
    }
}
