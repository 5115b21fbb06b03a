//! The task that an invocation is for.

use crate::{Date, host};

/// What the engine tells about the task. A handler takes it as an argument: `fn handle(task: Task, …)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The task's id.
    pub id: String,
    /// The topic it was fetched from.
    pub topic: String,
    /// The business key of its process instance.
    pub business_key: Option<String>,
    /// The id of the BPMN activity (the service task in the model).
    pub activity_id: String,
    /// The id of this run of the activity.
    pub activity_instance_id: String,
    /// The id of the execution that the task belongs to.
    pub execution_id: String,
    /// The id of the process instance.
    pub process_instance_id: String,
    /// The id of the process definition.
    pub process_definition_id: String,
    /// The key of the process definition (the process's id in the model).
    pub process_definition_key: String,
    /// The version tag of the process definition.
    pub process_definition_version_tag: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The retries left; none until a first failure was reported.
    pub retries: Option<u32>,
    /// The priority; 0 unless the model or somebody says otherwise.
    pub priority: i64,
    /// When the task was made; not every engine tells.
    pub create_time: Option<Date>,
    /// The extension properties of the activity in the model, by name.
    pub extension_properties: Vec<(String, String)>,
    /// The id under which the host holds the lock. Whoever completes the task after a hand-off needs it.
    pub worker_id: String,
    /// The message of the failure before this try.
    pub error_message: Option<String>,
    /// The details of the failure before this try.
    pub error_details: Option<String>,
}

impl Task {
    /// The task of this invocation.
    pub fn current() -> Self {
        host::task()
    }

    /// An extension property of the activity in the model.
    pub fn extension_property(&self, name: &str) -> Option<&str> {
        self.extension_properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
