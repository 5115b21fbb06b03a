//! What an operator sends, and what the engine answers to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    query::Query,
    request::{MAX_INT, to_json},
    response::Fields,
};
use crate::{
    engine::{Batch, BatchProgress, EngineError, ListedTask, Selected, VariableType},
    task::{TaskId, WorkerId},
    value::Date,
};

#[derive(Serialize)]
struct Retries {
    retries: u32,
}

/// `RetriesDto`; more than a Java `int` holds is sent as the most it does.
pub(in super::super) fn retries(retries: u32) -> Result<Vec<u8>, EngineError> {
    to_json(&Retries { retries: retries.min(MAX_INT) })
}

#[derive(Serialize)]
struct Priority {
    priority: i64,
}

/// `PriorityDto`
pub(in super::super) fn priority(priority: i64) -> Result<Vec<u8>, EngineError> {
    to_json(&Priority { priority })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetRetries<'a> {
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_task_ids: Option<&'a [TaskId]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_task_query: Option<Query<'a>>,
}

/// `SetRetriesForExternalTasksDto`
pub(in super::super) fn retries_of(selected: Selected<'_>, retries: u32) -> Result<Vec<u8>, EngineError> {
    let (external_task_ids, external_task_query) = match selected {
        Selected::Tasks(ids) => (Some(ids), None),
        Selected::Query(query) => (None, Some(Query::unsorted(query)?)),
    };
    to_json(&SetRetries { retries: retries.min(MAX_INT), external_task_ids, external_task_query })
}

fn unreadable(what: &str) -> serde_json::Error {
    serde::de::Error::custom(what)
}

/// Reads one task.
///
/// # Errors
/// When it is no object, or has no id.
pub(in super::super) fn listed_task(body: &[u8]) -> Result<ListedTask, serde_json::Error> {
    listed(serde_json::from_slice(body)?)
}

/// Reads a list of tasks.
///
/// # Errors
/// When it is no array of objects that have ids.
pub(in super::super) fn listed_tasks(body: &[u8]) -> Result<Vec<ListedTask>, serde_json::Error> {
    serde_json::from_slice::<Vec<&RawValue>>(body)?.into_iter().map(listed).collect()
}

fn listed(raw: &RawValue) -> Result<ListedTask, serde_json::Error> {
    let fields = Fields::of(raw).ok_or_else(|| unreadable("a task is an object"))?;
    let id = fields.required("id").map_err(unreadable)?;
    let moment = |name: &str| -> Option<Timestamp> {
        let date: Date = fields.text(name).parse().ok()?;
        Timestamp::from_millisecond(date.unix_millis()).ok()
    };
    Ok(ListedTask {
        id: TaskId::new(id),
        topic: fields.text("topicName"),
        worker_id: fields.get::<String>("workerId").map(WorkerId::new),
        lock_expires: moment("lockExpirationTime"),
        retries: fields.retries(),
        priority: fields.get("priority").unwrap_or_default(),
        suspended: fields.get("suspended").unwrap_or_default(),
        created: moment("createTime"),
        business_key: fields.get("businessKey"),
        process_instance_id: fields.text("processInstanceId"),
        execution_id: fields.text("executionId"),
        error_message: fields.get("errorMessage"),
        fields: serde_json::from_str(raw.get())?,
    })
}

/// Reads `CountResultDto`.
pub(in super::super) fn count(body: &[u8]) -> Result<u64, serde_json::Error> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    serde_json::from_slice::<Count>(body).map(|it| it.count)
}

/// Reads the names and types of a scope's variables; the values are passed over.
pub(in super::super) fn variable_types(body: &[u8]) -> Result<Vec<VariableType>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        type_name: Option<String>,
    }
    let variables: BTreeMap<String, Typed> = serde_json::from_slice(body)?;
    let named = |(name, it): (String, Typed)| VariableType { name, type_name: it.type_name.unwrap_or_default() };
    Ok(variables.into_iter().map(named).collect())
}

/// Reads `BatchDto`.
pub(in super::super) fn batch(body: &[u8]) -> Result<Batch, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Made {
        id: String,
        total_jobs: u64,
        batch_job_definition_id: String,
    }
    let made: Made = serde_json::from_slice(body)?;
    Ok(Batch { id: made.id, jobs: made.total_jobs, job_definition_id: made.batch_job_definition_id })
}

/// Reads a list of `BatchStatisticsDto` of which one at most was asked for.
pub(in super::super) fn batch_progress(body: &[u8]) -> Result<Option<BatchProgress>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Statistics {
        remaining_jobs: u64,
        failed_jobs: u64,
        #[serde(default)]
        suspended: bool,
    }
    let list: Vec<Statistics> = serde_json::from_slice(body)?;
    let progress = |it: &Statistics| BatchProgress {
        remaining: it.remaining_jobs,
        failed: it.failed_jobs,
        suspended: it.suspended,
    };
    Ok(list.first().map(progress))
}

/// Reads what each of a list of `JobDto` failed with.
pub(in super::super) fn exception_messages(body: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Job {
        exception_message: Option<String>,
    }
    let jobs: Vec<Job> = serde_json::from_slice(body)?;
    Ok(jobs.into_iter().map(|it| it.exception_message.unwrap_or_default()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TaskQuery;

    fn text(body: Result<Vec<u8>, EngineError>) -> String {
        String::from_utf8(body.expect("a body")).expect("UTF-8")
    }

    #[test]
    fn changes_say_what_is_to_be() {
        insta::assert_snapshot!(text(retries(1)), @r#"{"retries":1}"#);
        insta::assert_snapshot!(text(retries(u32::MAX)), @r#"{"retries":2147483647}"#);
        insta::assert_snapshot!(text(priority(i64::MIN)), @r#"{"priority":-9223372036854775808}"#);
        let ids = [TaskId::new("a"), TaskId::new("b")];
        insta::assert_snapshot!(text(retries_of(Selected::Tasks(&ids), 2)), @r#"{"retries":2,"externalTaskIds":["a","b"]}"#);
        let query = TaskQuery { topic: Some("t".into()), retries_left: Some(false), ..TaskQuery::default() };
        insta::assert_snapshot!(text(retries_of(Selected::Query(&query), 3)), @r#"{"retries":3,"externalTaskQuery":{"topicName":"t","noRetriesLeft":true}}"#);
    }

    #[test]
    fn of_a_listed_task_all_is_kept_also_what_is_not_known() {
        let body = br#"[{"id":"1","topicName":"t","workerId":null,"lockExpirationTime":"2026-11-21T10:11:12.345+0100",
            "retries":0,"priority":9007199254740993,"suspended":true,"createTime":"today","new":{"a":[1]}}]"#;
        let tasks = listed_tasks(body).expect("tasks");
        assert_eq!(tasks[0].lock_expires, Some("2026-11-21T09:11:12.345Z".parse().expect("a moment")));
        assert_eq!((tasks[0].retries, tasks[0].priority, tasks[0].suspended), (Some(0), 9_007_199_254_740_993, true));
        assert_eq!(tasks[0].created, None, "an odd date does not hide the task");
        assert_eq!(tasks[0].fields["new"].to_string(), r#"{"a":[1]}"#);
        assert_eq!(tasks[0].fields["priority"].to_string(), "9007199254740993");
    }

    #[test]
    fn what_is_no_list_of_tasks_is_refused() {
        for body in ["", "{}", "[1]", "[{}]", r#"[{"id":""}]"#, "<html></html>"] {
            assert!(listed_tasks(body.as_bytes()).is_err(), "{body}");
        }
        assert!(listed_tasks(b"[]").is_ok_and(|it| it.is_empty()));
    }

    #[test]
    fn of_variables_names_and_types_are_read() {
        let body = br#"{"b":{"type":"Json","value":"{}","valueInfo":{}},"a":{"type":null,"value":1}}"#;
        let types = variable_types(body).expect("variables");
        let shown: Vec<_> = types.iter().map(|it| (it.name.as_str(), it.type_name.as_str())).collect();
        assert_eq!(shown, [("a", ""), ("b", "Json")]);
    }
}
