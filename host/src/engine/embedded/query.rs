//! Queries for external tasks: which the engine's filters ask for, in which order, and how they are listed.

use std::cmp::Reverse;

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
    process_variables: Option<Vec<Option<Condition>>>,
    sorting: Option<Vec<Sorting>>,
}

/// One condition on a process variable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    name: Option<String>,
    operator: Option<String>,
    value: Value,
}

/// One order of a query.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Sorting {
    sort_by: Option<String>,
    sort_order: Option<String>,
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
            condition.as_ref().ok_or_else(|| Refusal::null_pointer("condition"))?.check()?;
        }
        let mut found: Vec<&Instance> = self.open().filter(|instance| query.asks_for(instance, now)).collect();
        // The first order weighs most, and sorting is stable.
        for sorting in query.sorting.iter().flatten().rev() {
            match sorting.check()? {
                Some((key, true)) => found.sort_by_cached_key(|instance| Reverse(key(instance))),
                Some((key, false)) => found.sort_by_cached_key(|instance| key(instance)),
                None => {}
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
            && self.process_variables.iter().flatten().flatten().all(|condition| condition.holds(instance))
    }
}

pub(super) fn is(wanted: &Option<String>, found: Option<&String>) -> bool {
    wanted.is_none() || wanted.as_ref() == found
}

/// Whether a list contains what was found. An empty list asks for nothing.
pub(super) fn is_in(wanted: &Option<Vec<String>>, found: Option<&String>) -> bool {
    let wanted = wanted.as_ref().filter(|wanted| !wanted.is_empty());
    wanted.is_none_or(|wanted| found.is_some_and(|found| wanted.contains(found)))
}

impl Sorting {
    /// The key to sort by, and whether descending. A sorting of nothing in no direction is none.
    fn check(&self) -> Result<Option<(SortKey, bool)>, Refusal> {
        let key: Option<SortKey> = match self.sort_by.as_deref().unwrap_or_default() {
            "id" => Some(|instance| instance.task.id.clone()),
            "lockExpirationTime" => {
                Some(|instance| instance.task.lock.as_ref().map(|it| date::write(it.until)).unwrap_or_default())
            }
            "processInstanceId" => Some(|instance| instance.id.clone()),
            "processDefinitionId" => Some(Instance::definition_id),
            "processDefinitionKey" => Some(|instance| instance.definition_key.clone()),
            "tenantId" => Some(|instance| instance.tenant.clone().unwrap_or_default()),
            "taskPriority" => Some(|instance| sortable(instance.task.priority)),
            // More exactly than it is shown, so that those of one millisecond keep their order.
            "createTime" => Some(|instance| format!("{:040}", instance.started.as_nanosecond())),
            _ => None,
        };
        let descending = match self.sort_order.as_deref() {
            Some("asc") => Some(false),
            Some("desc") => Some(true),
            _ => None,
        };
        match (key, descending) {
            (Some(key), Some(descending)) => Ok(Some((key, descending))),
            (Some(_), None) => Err(Refusal::no_direction()),
            (None, Some(_)) => {
                let message = "You should call any of the orderBy methods first before specifying a direction: \
                               currentOrderingProperty is null";
                Err(Refusal { kind: "NotValidException", ..Refusal::bad_request(message) })
            }
            (None, None) => Ok(None),
        }
    }
}

/// A number as a text with the same order.
fn sortable(number: i64) -> String {
    format!("{:020}", i128::from(number) - i128::from(i64::MIN))
}

impl Condition {
    fn check(&self) -> Result<(), Refusal> {
        let orders = match self.operator.as_deref() {
            Some("eq" | "neq" | "like" | "notLike") => None,
            Some("gt") => Some("greater than"),
            Some("gteq") => Some("greater than or equal"),
            Some("lt") => Some("less than"),
            Some("lteq") => Some("less than or equal"),
            other => {
                let other = other.unwrap_or("null");
                return Err(Refusal::invalid(format!("Invalid process variable comparator specified: {other}")));
            }
        };
        if self.name.is_none() {
            return Err(Refusal::is_null("name"));
        }
        let unfit = |message: String| Err(Refusal::internal("ProcessEngineException", message));
        match (&self.value, orders) {
            (Value::Null | Value::Bool(_), Some(orders)) => {
                unfit(format!("Booleans and null cannot be used in '{orders}' condition"))
            }
            (Value::Array(_) | Value::Object(_), _) => unfit("Object values cannot be used to query".to_owned()),
            _ => Ok(()),
        }
    }

    fn holds(&self, instance: &Instance) -> bool {
        let found = self.name.as_ref().and_then(|name| instance.variables.get(name));
        let Some(found) = found else { return false };
        let ordering = || compare(found, &self.value);
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
        match self.operator.as_deref().unwrap_or_default() {
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
