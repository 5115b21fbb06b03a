//! The engine's query for external tasks as a body.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::request::to_json;
use crate::{
    engine::{Comparand, Condition, EngineError, SortKey, SortOrder, Sorting, TaskQuery},
    task::TaskId,
    value::Date,
};

/// `ExternalTaskQueryDto`, without what is not asked for. Of its truth values only `true` says something: a `false`
/// would not mean the opposite.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    external_task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[TaskId]>::is_empty")]
    external_task_id_in: &'a [TaskId],
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_id: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    locked: bool,
    #[serde(skip_serializing_if = "is_false")]
    not_locked: bool,
    #[serde(skip_serializing_if = "is_false")]
    with_retries_left: bool,
    #[serde(skip_serializing_if = "is_false")]
    no_retries_left: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_expiration_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_expiration_before: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    activity_id_in: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    process_instance_id_in: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    process_definition_key_in: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_name_like: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tenant_id_in: &'a [String],
    #[serde(skip_serializing_if = "is_false")]
    active: bool,
    #[serde(skip_serializing_if = "is_false")]
    suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_higher_than_or_equals: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_lower_than_or_equals: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    process_variables: Vec<WireCondition<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    variable_names_ignore_case: bool,
    #[serde(skip_serializing_if = "is_false")]
    variable_values_ignore_case: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sorting: Vec<WireSorting>,
}

fn is_false(truth: &bool) -> bool {
    !truth
}

#[derive(Serialize)]
struct WireCondition<'a> {
    name: &'a str,
    operator: &'static str,
    #[serde(serialize_with = "plain")]
    value: &'a Comparand,
}

fn plain<S: Serializer>(value: &Comparand, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Comparand::Null => to.serialize_unit(),
        Comparand::Boolean(truth) => to.serialize_bool(*truth),
        Comparand::Long(number) => to.serialize_i64(*number),
        Comparand::Double(number) => to.serialize_f64(*number),
        Comparand::Text(text) => to.serialize_str(text),
    }
}

impl<'a> From<&'a Condition> for WireCondition<'a> {
    fn from(condition: &'a Condition) -> Self {
        Self { name: condition.name(), operator: condition.operator().name(), value: condition.value() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSorting {
    sort_by: &'static str,
    sort_order: &'static str,
}

impl From<&Sorting> for WireSorting {
    fn from(sorting: &Sorting) -> Self {
        Self { sort_by: sorting.by.name(), sort_order: sorting.order.name() }
    }
}

impl<'a> Query<'a> {
    /// The filters of a query, without its order, which a change of all that are found does not need.
    pub(super) fn unsorted(query: &'a TaskQuery) -> Result<Self, EngineError> {
        let moment = |at: Option<Timestamp>| at.map(written).transpose();
        Ok(Self {
            external_task_id: query.id.as_ref().map(TaskId::as_str),
            external_task_id_in: &query.ids,
            topic_name: query.topic.as_deref(),
            worker_id: query.worker_id.as_ref().map(|it| it.as_str()),
            locked: query.locked == Some(true),
            not_locked: query.locked == Some(false),
            with_retries_left: query.retries_left == Some(true),
            no_retries_left: query.retries_left == Some(false),
            lock_expiration_after: moment(query.lock_expires_after)?,
            lock_expiration_before: moment(query.lock_expires_before)?,
            activity_id_in: &query.activity_ids,
            execution_id: query.execution_id.as_deref(),
            process_instance_id_in: &query.process_instance_ids,
            process_definition_id: query.process_definition_id.as_deref(),
            process_definition_key_in: &query.process_definition_keys,
            process_definition_name: query.process_definition_name.as_deref(),
            process_definition_name_like: query.process_definition_name_like.as_deref(),
            tenant_id_in: &query.tenant_ids,
            active: query.suspended == Some(false),
            suspended: query.suspended == Some(true),
            priority_higher_than_or_equals: query.priority_at_least,
            priority_lower_than_or_equals: query.priority_at_most,
            process_variables: query.variables.iter().map(WireCondition::from).collect(),
            variable_names_ignore_case: query.variable_names_ignore_case,
            variable_values_ignore_case: query.variable_values_ignore_case,
            sorting: Vec::new(),
        })
    }
}

fn written(moment: Timestamp) -> Result<String, EngineError> {
    let date = Date::new(moment.as_millisecond(), 0);
    date.map(|date| date.to_string()).map_err(|why| EngineError::Unsendable { message: why.to_string() })
}

/// The body of a query, always sorted.
///
/// # Errors
/// [`EngineError::Unsendable`] for a moment that the engine's format cannot write.
pub(in super::super) fn task_query(query: &TaskQuery) -> Result<Vec<u8>, EngineError> {
    let by_id = [Sorting { by: SortKey::Id, order: SortOrder::Ascending }];
    let sorting = if query.sorting.is_empty() { &by_id } else { query.sorting.as_slice() };
    to_json(&Query { sorting: sorting.iter().map(WireSorting::from).collect(), ..Query::unsorted(query)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Operator, task::WorkerId};

    fn text(query: &TaskQuery) -> String {
        String::from_utf8(task_query(query).expect("a body")).expect("UTF-8")
    }

    #[test]
    fn a_query_says_only_what_is_asked() {
        insta::assert_snapshot!(text(&TaskQuery::default()), @r#"{"sorting":[{"sortBy":"id","sortOrder":"asc"}]}"#);
        let query = TaskQuery {
            worker_id: Some(WorkerId::new("w-features")),
            locked: Some(true),
            topic: Some("feature".into()),
            id: Some(TaskId::new("7")),
            ..TaskQuery::default()
        };
        insta::assert_snapshot!(text(&query), @r#"{"externalTaskId":"7","topicName":"feature","workerId":"w-features","locked":true,"sorting":[{"sortBy":"id","sortOrder":"asc"}]}"#);
    }

    #[test]
    fn the_opposite_of_a_filter_is_a_filter_of_its_own() {
        let query = |truth| TaskQuery {
            locked: Some(truth),
            retries_left: Some(truth),
            suspended: Some(truth),
            ..TaskQuery::default()
        };
        insta::assert_snapshot!(text(&query(true)), @r#"{"locked":true,"withRetriesLeft":true,"suspended":true,"sorting":[{"sortBy":"id","sortOrder":"asc"}]}"#);
        insta::assert_snapshot!(text(&query(false)), @r#"{"notLocked":true,"noRetriesLeft":true,"active":true,"sorting":[{"sortBy":"id","sortOrder":"asc"}]}"#);
    }

    #[test]
    fn a_query_with_everything_else() {
        let list = || vec!["a".to_owned(), "b".to_owned()];
        let some = |text: &str| Some(text.to_owned());
        let condition = |operator, value| Condition::new("v".into(), operator, value).expect("they fit");
        let query = TaskQuery {
            ids: vec![TaskId::new("1"), TaskId::new("2")],
            lock_expires_after: Some("2026-11-21T10:11:12.3456Z".parse().expect("a moment")),
            lock_expires_before: Some("2026-11-21T10:11:12+01:00".parse().expect("a moment")),
            activity_ids: list(),
            execution_id: some("e"),
            process_instance_ids: list(),
            process_definition_id: some("d:1:2"),
            process_definition_keys: list(),
            process_definition_name: some("n"),
            process_definition_name_like: some("n%"),
            tenant_ids: list(),
            priority_at_least: Some(-7),
            priority_at_most: Some(i64::MAX),
            variables: vec![
                condition(Operator::NotEqual, Comparand::Null),
                condition(Operator::Equal, Comparand::Boolean(true)),
                condition(Operator::GreaterOrEqual, Comparand::Long(5)),
                condition(Operator::Less, Comparand::Double(0.5)),
                condition(Operator::NotLike, Comparand::Text("t%".into())),
            ],
            variable_names_ignore_case: true,
            variable_values_ignore_case: true,
            sorting: vec![
                Sorting { by: SortKey::TaskPriority, order: SortOrder::Descending },
                Sorting { by: SortKey::CreateTime, order: SortOrder::Ascending },
            ],
            ..TaskQuery::default()
        };
        insta::assert_snapshot!(text(&query), @r#"{"externalTaskIdIn":["1","2"],"lockExpirationAfter":"2026-11-21T10:11:12.345+0000","lockExpirationBefore":"2026-11-21T09:11:12.000+0000","activityIdIn":["a","b"],"executionId":"e","processInstanceIdIn":["a","b"],"processDefinitionId":"d:1:2","processDefinitionKeyIn":["a","b"],"processDefinitionName":"n","processDefinitionNameLike":"n%","tenantIdIn":["a","b"],"priorityHigherThanOrEquals":-7,"priorityLowerThanOrEquals":9223372036854775807,"processVariables":[{"name":"v","operator":"neq","value":null},{"name":"v","operator":"eq","value":true},{"name":"v","operator":"gteq","value":5},{"name":"v","operator":"lt","value":0.5},{"name":"v","operator":"notLike","value":"t%"}],"variableNamesIgnoreCase":true,"variableValuesIgnoreCase":true,"sorting":[{"sortBy":"taskPriority","sortOrder":"desc"},{"sortBy":"createTime","sortOrder":"asc"}]}"#);
    }
}
