//! Queries for external tasks: which the engine's filters ask for, in which order, and how they are listed.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value, json};

use super::{
    date,
    http::lenient,
    instance::{ACTIVITY, Instance},
    refusal::Refusal,
    state::State,
    variable::{Kind, Variable},
};

/// A query (`ExternalTaskQueryDto`); every filter that is set must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TaskQuery {
    external_task_id: Option<String>,
    external_task_id_in: Option<Vec<String>>,
    topic_name: Option<String>,
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    locked: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    not_locked: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    with_retries_left: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    no_retries_left: Option<bool>,
    #[serde(deserialize_with = "moment")]
    lock_expiration_after: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    lock_expiration_before: Option<Timestamp>,
    activity_id: Option<String>,
    activity_id_in: Option<Vec<String>>,
    execution_id: Option<String>,
    process_instance_id: Option<String>,
    process_instance_id_in: Option<Vec<String>>,
    process_definition_id: Option<String>,
    process_definition_key: Option<String>,
    process_definition_key_in: Option<Vec<String>>,
    process_definition_name: Option<String>,
    process_definition_name_like: Option<String>,
    tenant_id_in: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::boolean")]
    active: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    suspended: Option<bool>,
    #[serde(deserialize_with = "lenient::long")]
    priority_higher_than_or_equals: Option<i64>,
    #[serde(deserialize_with = "lenient::long")]
    priority_lower_than_or_equals: Option<i64>,
    process_variables: Option<Vec<Condition>>,
    pub(super) sorting: Option<Vec<Sorting>>,
}

/// One condition on a process variable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) value: Value,
}

/// One order of a query.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Sorting {
    pub(super) sort_by: Option<String>,
    pub(super) sort_order: Option<String>,
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    date::read(&text).map(Some).ok_or_else(|| D::Error::custom("a date is expected"))
}

/// What a query may be sorted by, with the key of a task for it.
type SortKey = fn(&Instance) -> String;

impl State {
    /// `GET` and `POST /external-task`
    pub(super) fn tasks(&self, query: &TaskQuery, now: Timestamp) -> Result<Vec<&Instance>, Refusal> {
        for condition in query.process_variables.iter().flatten() {
            condition.check()?;
        }
        let mut found: Vec<&Instance> = self.open().filter(|instance| query.asks_for(instance, now)).collect();
        // The first order weighs most, and sorting is stable.
        for sorting in query.sorting.iter().flatten().rev() {
            let (key, descending) = sorting.check()?;
            found.sort_by_cached_key(|instance| key(instance));
            if descending {
                found.reverse();
            }
        }
        Ok(found)
    }

    /// `GET /external-task/topic-names`
    pub(super) fn topics(&self, query: &TopicQuery, now: Timestamp) -> Vec<String> {
        let wanted = |instance: &&Instance| {
            let task = &instance.task;
            (!query.with_locked_tasks || task.is_locked(now))
                && (!query.with_unlocked_tasks || !task.is_locked(now))
                && (!query.with_retries_left || task.retries.is_none_or(|left| left > 0))
        };
        let mut topics: Vec<String> = self.open().filter(wanted).map(|instance| instance.task.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// The parameters of `GET /external-task/topic-names`.
#[derive(Debug, Default)]
pub(super) struct TopicQuery {
    pub(super) with_locked_tasks: bool,
    pub(super) with_unlocked_tasks: bool,
    pub(super) with_retries_left: bool,
}

impl TaskQuery {
    fn asks_for(&self, instance: &Instance, now: Timestamp) -> bool {
        let task = &instance.task;
        let until = task.lock.as_ref().map(|lock| lock.until);
        let flag = |wanted: Option<bool>, holds: bool| wanted != Some(true) || holds;
        let left = task.retries.is_none_or(|left| left > 0);
        is(&self.external_task_id, Some(&task.id))
            && is_in(&self.external_task_id_in, Some(&task.id))
            && is(&self.topic_name, Some(&task.topic))
            && is(&self.worker_id, task.lock.as_ref().map(|lock| &lock.worker))
            && flag(self.locked, task.is_locked(now))
            && flag(self.not_locked, !task.is_locked(now))
            && flag(self.with_retries_left, left)
            && flag(self.no_retries_left, !left)
            && self.lock_expiration_after.is_none_or(|after| until.is_some_and(|until| until > after))
            && self.lock_expiration_before.is_none_or(|before| until.is_some_and(|until| until < before))
            && is(&self.execution_id, Some(&task.execution_id))
            && flag(self.active, !instance.suspended)
            && flag(self.suspended, instance.suspended)
            && self.priority_higher_than_or_equals.is_none_or(|least| task.priority >= least)
            && self.priority_lower_than_or_equals.is_none_or(|most| task.priority <= most)
            && self.asks_for_instance(instance)
    }

    fn asks_for_instance(&self, instance: &Instance) -> bool {
        let (activity, key) = (ACTIVITY.to_owned(), &instance.definition_key);
        is(&self.activity_id, Some(&activity))
            && is_in(&self.activity_id_in, Some(&activity))
            && is(&self.process_instance_id, Some(&instance.id))
            && is_in(&self.process_instance_id_in, Some(&instance.id))
            && is(&self.process_definition_id, Some(&instance.definition_id()))
            && is(&self.process_definition_key, Some(key))
            && is_in(&self.process_definition_key_in, Some(key))
            && is(&self.process_definition_name, Some(key))
            && self.process_definition_name_like.as_ref().is_none_or(|pattern| like(pattern, key))
            && is_in(&self.tenant_id_in, instance.tenant.as_ref())
            && self.process_variables.iter().flatten().all(|condition| condition.holds(instance))
    }
}

pub(super) fn is(wanted: &Option<String>, found: Option<&String>) -> bool {
    wanted.is_none() || wanted.as_ref() == found
}

pub(super) fn is_in(wanted: &Option<Vec<String>>, found: Option<&String>) -> bool {
    wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| wanted.contains(found)))
}

impl Sorting {
    fn check(&self) -> Result<(SortKey, bool), Refusal> {
        let by = self.sort_by.as_deref().unwrap_or("null");
        let key: SortKey = match by {
            "id" => |instance| instance.task.id.clone(),
            "lockExpirationTime" => {
                |instance| instance.task.lock.as_ref().map(|it| date::write(it.until)).unwrap_or_default()
            }
            "processInstanceId" => |instance| instance.id.clone(),
            "processDefinitionId" | "processDefinitionKey" => |instance| instance.definition_key.clone(),
            "tenantId" => |instance| instance.tenant.clone().unwrap_or_default(),
            "taskPriority" => |instance| sortable(instance.task.priority),
            "createTime" => |instance| date::write(instance.started),
            _ => return Err(Refusal::invalid(format!("Cannot set query sortBy parameter to value {by}"))),
        };
        match self.sort_order.as_deref() {
            Some("asc") => Ok((key, false)),
            Some("desc") => Ok((key, true)),
            other => {
                let order = other.unwrap_or("null");
                Err(Refusal::invalid(format!("Cannot set query sortOrder parameter to value {order}")))
            }
        }
    }
}

/// A number as a text with the same order.
fn sortable(number: i64) -> String {
    format!("{:020}", i128::from(number) - i128::from(i64::MIN))
}

/// The operators of conditions, as both forms of a query spell them.
const OPERATORS: [&str; 8] = ["eq", "neq", "gt", "gteq", "lt", "lteq", "like", "notLike"];

impl Condition {
    fn check(&self) -> Result<(), Refusal> {
        if OPERATORS.contains(&self.operator.as_str()) {
            return Ok(());
        }
        Err(Refusal::invalid(format!("Invalid process variable comparator specified: {}", self.operator)))
    }

    fn holds(&self, instance: &Instance) -> bool {
        let Some(found) = instance.variables.get(&self.name) else { return false };
        let ordering = || compare(found, &self.value);
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
        match self.operator.as_str() {
            "eq" => equals(found, &self.value),
            "neq" => !equals(found, &self.value),
            "gt" => ordering().is_some_and(|it| it.is_gt()),
            "gteq" => ordering().is_some_and(|it| it.is_ge()),
            "lt" => ordering().is_some_and(|it| it.is_lt()),
            "lteq" => ordering().is_some_and(|it| it.is_le()),
            "like" => found.value.as_str().is_some_and(|value| like(&text(&self.value), value)),
            "notLike" => found.value.as_str().is_some_and(|value| !like(&text(&self.value), value)),
            _ => false,
        }
    }
}

/// Whether a variable has a plain JSON value. The types must agree: a Long of 1 is not the Integer that `1` means.
pub(super) fn equals(variable: &Variable, plain: &Value) -> bool {
    match (variable.kind, plain) {
        (_, Value::Null) => variable.value.is_null(),
        (Kind::Boolean, Value::Bool(truth)) => variable.value.as_bool() == Some(*truth),
        (Kind::String, Value::String(text)) => variable.value.as_str() == Some(text),
        _ => compare(variable, plain).is_some_and(|ordering| ordering.is_eq()),
    }
}

/// Compares a variable with a plain value of its type.
fn compare(variable: &Variable, plain: &Value) -> Option<std::cmp::Ordering> {
    match variable.kind {
        Kind::Integer => {
            let plain = plain.as_i64().and_then(|number| i32::try_from(number).ok())?;
            Some(variable.value.as_i64()?.cmp(&plain.into()))
        }
        Kind::Long => {
            let plain = plain.as_i64().filter(|number| i32::try_from(*number).is_err())?;
            Some(variable.value.as_i64()?.cmp(&plain))
        }
        Kind::Double if plain.is_f64() => variable.value.as_f64()?.partial_cmp(&plain.as_f64()?),
        Kind::String => Some(variable.value.as_str()?.cmp(plain.as_str()?)),
        _ => None,
    }
}

/// SQL's LIKE: `%` stands for any text, `_` for one character.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('%') => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let rest = rest.as_str();
            ends.map(|at| &text[at..]).any(|text| like(rest, text))
        }
        Some(letter) => {
            let mut letters = text.chars();
            letters.next().is_some_and(|found| letter == '_' || letter == found)
                && like(rest.as_str(), letters.as_str())
        }
    }
}

impl Instance {
    /// Its task as `GET /external-task` shows it.
    pub(super) fn listed_task(&self) -> Map<String, Value> {
        let task = &self.task;
        let value = json!({
            "activityId": ACTIVITY,
            "activityInstanceId": task.activity_instance_id,
            "errorMessage": task.error_message,
            "executionId": task.execution_id,
            "id": task.id,
            "lockExpirationTime": task.lock.as_ref().map(|lock| date::write(lock.until)),
            "createTime": date::write(self.started),
            "processDefinitionId": self.definition_id(),
            "processDefinitionKey": self.definition_key,
            "processDefinitionVersionTag": self.version_tag,
            "processInstanceId": self.id,
            "retries": task.retries,
            "suspended": self.suspended,
            "workerId": task.holder(),
            "topicName": task.topic,
            "tenantId": self.tenant,
            "priority": task.priority,
            "businessKey": self.business_key,
        });
        match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_that_of_sql() {
        for (pattern, text, fits) in
            [("v%", "v1.2", true), ("%2", "v1.2", true), ("v_.2", "v1.2", true), ("v", "v1", false), ("%", "", true)]
        {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_keep_their_order_as_texts() {
        let mut numbers = [5, -3, i64::MIN, 0, i64::MAX];
        numbers.sort_by_key(|number| sortable(*number));
        assert_eq!(numbers, [i64::MIN, -3, 0, 5, i64::MAX]);
    }
}
