//! The tasks of the engine's answers.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::decode;
use crate::{
    engine::TaskSummary,
    foreign::excerpt,
    task::{LockedTask, Task, TaskId, Topic, WorkerId},
};

/// How many characters of a task that cannot be read are logged.
const MAX_LOGGED: usize = 500;

/// The fields of a `LockedExternalTaskDto`, each still unread, so that one that is odd does not hide the others.
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok().map(Self)
    }

    /// The field, if it is there, not null, and of the type asked for.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|raw| serde_json::from_str::<Option<T>>(raw.get()).ok().flatten())
    }

    /// A text without which there is no task.
    pub(super) fn required(&self, name: &'static str) -> Result<String, &'static str> {
        self.get(name).filter(|it: &String| !it.is_empty()).ok_or(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    fn task(&self) -> Result<Task, &'static str> {
        let properties: BTreeMap<String, Option<String>> = self.get("extensionProperties").unwrap_or_default();
        Ok(Task {
            id: TaskId::new(self.required("id")?),
            topic: Topic::new(self.required("topicName")?),
            worker_id: WorkerId::new(self.required("workerId")?),
            business_key: self.get("businessKey"),
            activity_id: self.text("activityId"),
            activity_instance_id: self.text("activityInstanceId"),
            execution_id: self.text("executionId"),
            process_instance_id: self.text("processInstanceId"),
            process_definition_id: self.text("processDefinitionId"),
            process_definition_key: self.text("processDefinitionKey"),
            process_definition_version_tag: self.get("processDefinitionVersionTag"),
            tenant_id: self.get("tenantId"),
            retries: self.retries(),
            priority: self.get("priority").unwrap_or_default(),
            create_time: self.get::<String>("createTime").and_then(|text| text.parse().ok()),
            // A property may have no value in the model; its name still says something.
            extension_properties: properties.into_iter().map(|(name, it)| (name, it.unwrap_or_default())).collect(),
            error_message: self.get("errorMessage"),
            error_details: self.get("errorDetails"),
        })
    }

    /// The engine keeps no negative number of retries.
    pub(super) fn retries(&self) -> Option<u32> {
        self.get("retries").map(|it: i64| u32::try_from(it.max(0)).unwrap_or(u32::MAX))
    }

    fn locked_task(&self) -> Result<LockedTask, &'static str> {
        let task = self.task()?;
        let variables: Option<BTreeMap<String, &RawValue>> = match self.0.get("variables") {
            None => Some(BTreeMap::new()),
            Some(raw) => serde_json::from_str::<Option<_>>(raw.get()).ok().map(Option::unwrap_or_default),
        };
        let variables = match variables {
            Some(variables) => decode::variables(&variables),
            None => Err("the task's variables cannot be understood: expected an object of variables".to_owned()),
        };
        Ok(LockedTask { task, variables })
    }
}

/// Reads the answer of a fetch. A variable that is not understood fails its task alone; a task without id, topic or
/// worker id is nothing that could be failed, so it is logged and left to its lock.
///
/// # Errors
/// When the answer is no JSON array.
pub(in super::super) fn locked_tasks(body: &[u8]) -> Result<Vec<LockedTask>, serde_json::Error> {
    let list: Vec<&RawValue> = serde_json::from_slice(body)?;
    let readable = |raw: &&RawValue| match Fields::of(raw).ok_or("object").and_then(|it| it.locked_task()) {
        Ok(task) => Some(task),
        Err(missing) => {
            let found = excerpt(raw.get(), MAX_LOGGED);
            tracing::error!(
                missing,
                found,
                "the engine locked a task for us that cannot be read; its lock will expire"
            );
            None
        }
    };
    Ok(list.iter().filter_map(readable).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: String,
    #[serde(default)]
    topic_name: Option<String>,
    #[serde(default)]
    worker_id: Option<String>,
    #[serde(default)]
    retries: Option<i64>,
    #[serde(default)]
    error_message: Option<String>,
}

/// Reads the answer of a query.
///
/// # Errors
/// When the answer is no JSON array of tasks.
pub(in super::super) fn task_summaries(body: &[u8]) -> Result<Vec<TaskSummary>, serde_json::Error> {
    let list: Vec<Summary> = serde_json::from_slice(body)?;
    let summary = |it: Summary| TaskSummary {
        id: TaskId::new(it.id),
        topic: it.topic_name.unwrap_or_default(),
        worker_id: it.worker_id.map(WorkerId::new),
        retries: it.retries.map(|it| u32::try_from(it.max(0)).unwrap_or(u32::MAX)),
        error_message: it.error_message,
    };
    Ok(list.into_iter().map(summary).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    /// A task of the recording, with some of its variables.
    const RECORDED: &str = r#"{"activityId": "work", "activityInstanceId": "work:de201080-e555-11f1-b47a-02fc00000001",
        "errorMessage": null, "errorDetails": null, "executionId": "de1fe96f-e555-11f1-b47a-02fc00000001",
        "id": "de203793-e555-11f1-b47a-02fc00000001", "lockExpirationTime": "2026-11-21T02:47:48.839+0000",
        "createTime": "2026-11-21T02:47:18.683+0000",
        "processDefinitionId": "feature:1:1d25c01c-e555-11f1-b47a-02fc00000001", "processDefinitionKey": "feature",
        "processDefinitionVersionTag": "v1.2", "processInstanceId": "de107fee-e555-11f1-b47a-02fc00000001",
        "retries": null, "suspended": false, "workerId": "w-features", "topicName": "feature",
        "tenantId": null,
        "variables": {"l": {"type": "Long", "value": 9007199254740993, "valueInfo": {}},
        "file": {"type": "File", "value": null, "valueInfo": {"encoding": "utf-8", "filename": "a.txt"}}},
        "priority": 7, "businessKey": "bk-1", "extensionProperties": {"plugin": "double", "region": "eu"}}"#;

    fn read(list: &str) -> Vec<LockedTask> {
        locked_tasks(list.as_bytes()).expect("an array")
    }

    #[test]
    fn a_recorded_task_is_read_whole() {
        let tasks = read(&format!("[{RECORDED}]"));
        insta::assert_debug_snapshot!(tasks, @r#"
        [
            LockedTask {
                task: Task {
                    id: "de203793-e555-11f1-b47a-02fc00000001",
                    topic: "feature",
                    worker_id: "w-features",
                    business_key: Some(
                        "bk-1",
                    ),
                    activity_id: "work",
                    activity_instance_id: "work:de201080-e555-11f1-b47a-02fc00000001",
                    execution_id: "de1fe96f-e555-11f1-b47a-02fc00000001",
                    process_instance_id: "de107fee-e555-11f1-b47a-02fc00000001",
                    process_definition_id: "feature:1:1d25c01c-e555-11f1-b47a-02fc00000001",
                    process_definition_key: "feature",
                    process_definition_version_tag: Some(
                        "v1.2",
                    ),
                    tenant_id: None,
                    retries: None,
                    priority: 7,
                    create_time: Some(
                        Date {
                            unix_millis: 1795229238683,
                            offset_minutes: 0,
                        },
                    ),
                    extension_properties: {
                        "plugin": "double",
                        "region": "eu",
                    },
                    error_message: None,
                    error_details: None,
                },
                variables: Ok(
                    {
                        "file": Variable {
                            value: File(
                                File {
                                    filename: "a.txt",
                                    mime_type: None,
                                    encoding: Some(
                                        "utf-8",
                                    ),
                                    content: Stored(
                                        "file",
                                    ),
                                },
                            ),
                            transient: false,
                        },
                        "l": Variable {
                            value: Long(
                                9007199254740993,
                            ),
                            transient: false,
                        },
                    },
                ),
            },
        ]
        "#);
    }

    #[test]
    fn an_unreadable_variable_fails_its_task_alone() {
        let broken = RECORDED.replace("9007199254740993", r#""abc""#);
        let tasks = read(&format!("[{broken},{RECORDED}]"));
        insta::assert_snapshot!(tasks[0].variables.as_ref().expect_err("not understood"), @r#"the variable `l` of type Long cannot be understood: expected a whole number from -9223372036854775808 to 9223372036854775807, found "abc""#);
        assert!(tasks[1].variables.is_ok());
        assert_eq!(tasks[0].task, tasks[1].task);
    }

    #[test]
    fn a_task_without_id_topic_or_worker_is_skipped_and_the_others_are_kept() {
        let without = |name: &str| RECORDED.replace(&format!(r#""{name}":"#), r#""gone":"#);
        let (id, topic, worker) = (without("id"), without("topicName"), without("workerId"));
        let tasks = read(&format!(r#"[{id},{topic},{worker},7,null,{{"id":""}},{RECORDED}]"#));
        assert_eq!(tasks.len(), 1);
    }

    #[test]
    fn odd_fields_do_not_hide_the_task() {
        let tasks = read(
            r#"[{"id":"1","topicName":"t","workerId":"w","retries":-3,"priority":"high","createTime":"today",
                 "extensionProperties":{"a":null},"variables":[]},
                {"id":"2","topicName":"t","workerId":"w","retries":2,"variables":null},
                {"id":"3","topicName":"t","workerId":"w"}]"#,
        );
        assert_eq!(tasks[0].task.retries, Some(0));
        assert_eq!(tasks[0].task.priority, 0);
        assert_eq!(tasks[0].task.create_time, None);
        assert_eq!(tasks[0].task.extension_properties["a"], "");
        assert!(tasks[0].variables.is_err());
        assert_eq!(tasks[1].task.retries, Some(2));
        assert!(tasks[1].variables.as_ref().is_ok_and(BTreeMap::is_empty));
        assert!(tasks[2].variables.as_ref().is_ok_and(BTreeMap::is_empty));
    }

    #[test]
    fn half_a_surrogate_pair_and_deep_nesting_fail_or_pass_their_task_alone() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let body = format!(
            r#"[{{"id":"1","topicName":"t","workerId":"w","variables":{{"s":{{"type":"String","value":"\ud800"}}}}}},
                {{"id":"2","topicName":"t","workerId":"w","variables":{{"s":{{"type":"Deep","value":{deep}}}}}}}]"#
        );
        let tasks = read(&body);
        assert!(tasks[0].variables.is_err());
        let variables = tasks[1].variables.as_ref().expect("understood");
        assert!(matches!(&variables["s"].value, Value::Other(other) if other.value == deep));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for body in ["", "null", "{}", "<html></html>", "[", "\u{feff}[]"] {
            assert!(locked_tasks(body.as_bytes()).is_err(), "{body}");
        }
        assert!(locked_tasks(b"[]").is_ok_and(|it| it.is_empty()));
    }

    #[test]
    fn a_recorded_query_is_read() {
        let body = format!("[{}]", RECORDED.replace(r#""retries": null"#, r#""retries": 2"#));
        insta::assert_debug_snapshot!(task_summaries(body.as_bytes()).expect("tasks"), @r#"
        [
            TaskSummary {
                id: "de203793-e555-11f1-b47a-02fc00000001",
                topic: "feature",
                worker_id: Some(
                    "w-features",
                ),
                retries: Some(
                    2,
                ),
                error_message: None,
            },
        ]
        "#);
    }
}
