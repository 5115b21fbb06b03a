//! One task of the scripted engine: what it was made of, and where it is.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// What a task is made of. Only the topic must be given: `TaskSpec { topic: "t".into(), ..TaskSpec::default() }`,
/// or [`TaskSpec::new`].
#[derive(Debug, Clone)]
pub struct TaskSpec {
    /// The topic under which it is fetched.
    pub topic: String,
    /// The variables of its process instance, as the REST interface writes them:
    /// `{"amount": {"type": "Long", "value": 5}}`. The bytes of a `File` are its value, in base64; as in a real
    /// engine they are not part of a fetch but answered under `/process-instance/{id}/variables/{name}/data`.
    pub variables: Value,
    /// Retries left. `None` (null on the wire) is what every task has that never failed.
    pub retries: Option<i64>,
    /// The extension properties of the task's activity, `{"name": "text"}`.
    pub extension_properties: Value,
    /// The business key of the process instance.
    pub business_key: Option<String>,
    /// The key of the process definition.
    pub process_definition_key: String,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// The higher, the earlier, for clients that ask for `usePriority`.
    pub priority: i64,
}

impl Default for TaskSpec {
    fn default() -> Self {
        Self {
            topic: String::new(),
            variables: json!({}),
            retries: None,
            extension_properties: json!({}),
            business_key: None,
            process_definition_key: "stub".to_owned(),
            tenant: None,
            priority: 0,
        }
    }
}

impl TaskSpec {
    /// A task of `topic` with these variables and no more.
    pub fn new(topic: &str, variables: Value) -> Self {
        Self { topic: topic.to_owned(), variables, ..Self::default() }
    }
}

/// Where a task is.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskState {
    /// Free to be fetched: new, unlocked, or its lock has expired.
    Ready,
    /// Locked.
    Locked {
        /// By this worker.
        worker: String,
        /// Until then, unless it is extended.
        until: Instant,
    },
    /// A failure was reported, and nobody has fetched it since.
    Failed {
        /// By this worker.
        worker: String,
        /// Retries left; 0 is an incident.
        retries: i64,
        /// The reported message, cut as the engine cuts it.
        message: Option<String>,
        /// The reported details.
        details: Option<String>,
        /// When it can be fetched again, if retries are left.
        until: Instant,
    },
    /// Ended by `complete`.
    Completed {
        /// By this worker.
        worker: String,
        /// The variables it sent.
        variables: Value,
        /// The local variables it sent.
        local_variables: Value,
    },
    /// Ended by `bpmnError`.
    BpmnError {
        /// By this worker.
        worker: String,
        /// The error code.
        code: String,
        /// The error message.
        message: Option<String>,
        /// The variables it sent.
        variables: Value,
    },
    /// Cancelled by the process, or never there.
    Gone,
}

impl TaskState {
    /// Whether the task is over: completed, ended by a BPMN error, or gone.
    pub fn is_ended(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::BpmnError { .. } | Self::Gone)
    }

    /// Whether it waits for an operator: no retries are left.
    pub fn is_incident(&self) -> bool {
        matches!(self, Self::Failed { retries: 0, .. })
    }
}

/// A task that is still there.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) spec: TaskSpec,
    pub(super) instance: String,
    /// The variables of its own scope.
    pub(super) local: Map<String, Value>,
    pub(super) create_time: String,
    pub(super) lock: Option<Lock>,
    pub(super) retries: Option<i64>,
    /// The last failure's message and details.
    pub(super) error: Option<(Option<String>, Option<String>)>,
    /// Whether the last thing that happened to it was a failure.
    pub(super) just_failed: bool,
    /// How often it was handed out by a fetch.
    pub(super) fetched: u32,
}

/// A lock, which may have expired: the engine keeps the worker's id until the next one comes.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub(super) worker: String,
    pub(super) until: Instant,
}

impl Task {
    pub(super) fn is_locked(&self, now: Instant) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.until > now)
    }

    pub(super) fn holder(&self) -> Option<&str> {
        self.lock.as_ref().map(|lock| lock.worker.as_str())
    }

    pub(super) fn state(&self, now: Instant) -> TaskState {
        match (&self.lock, self.just_failed) {
            (Some(lock), true) => {
                let (message, details) = self.error.clone().unwrap_or_default();
                TaskState::Failed {
                    worker: lock.worker.clone(),
                    retries: self.retries.unwrap_or_default(),
                    message,
                    details,
                    until: lock.until,
                }
            }
            (Some(lock), false) if lock.until > now => {
                TaskState::Locked { worker: lock.worker.clone(), until: lock.until }
            }
            _ => TaskState::Ready,
        }
    }

    /// The variables that it sees, its own before those of the process instance; or only its own.
    pub(super) fn visible(&self, of_instance: Option<&Map<String, Value>>, local_only: bool) -> Map<String, Value> {
        let mut variables = of_instance.filter(|_| !local_only).cloned().unwrap_or_default();
        variables.extend(self.local.clone());
        variables
    }

    /// How `GET /external-task` shows it.
    pub(super) fn listed(&self, now: Instant) -> Map<String, Value> {
        let expires = self.lock.as_ref().map(|lock| wall_clock(lock.until, now));
        let value = json!({
            "activityId": "work",
            "activityInstanceId": format!("work:{}", self.id),
            "errorMessage": self.error.as_ref().and_then(|(message, _)| message.clone()),
            "executionId": self.execution(),
            "id": self.id,
            "lockExpirationTime": expires,
            "createTime": self.create_time,
            "processDefinitionId": self.definition(),
            "processDefinitionKey": self.spec.process_definition_key,
            "processDefinitionVersionTag": null,
            "processInstanceId": self.instance,
            "retries": self.retries,
            "suspended": false,
            "workerId": self.holder(),
            "topicName": self.spec.topic,
            "tenantId": self.spec.tenant,
            "priority": self.spec.priority,
            "businessKey": self.spec.business_key,
        });
        match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    pub(super) fn execution(&self) -> String {
        format!("execution-{}", self.id)
    }

    pub(super) fn definition(&self) -> String {
        format!("{}:1:stub", self.spec.process_definition_key)
    }
}

/// A point of the monotonic clock as the engine writes dates.
pub(super) fn wall_clock(at: Instant, now: Instant) -> String {
    let shift = match at.checked_duration_since(now) {
        Some(ahead) => jiff::SignedDuration::try_from(ahead),
        None => jiff::SignedDuration::try_from(now.saturating_duration_since(at)).map(|past| -past),
    };
    let time =
        jiff::Timestamp::now().checked_add(shift.unwrap_or(jiff::SignedDuration::MAX)).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// Adds milliseconds to a point of the monotonic clock; a sum beyond its end stays far in the future.
pub(super) fn after(now: Instant, milliseconds: u64) -> Instant {
    /// A day: longer than any test.
    const FAR: Duration = Duration::from_secs(24 * 60 * 60);
    now + Duration::from_millis(milliseconds).min(FAR)
}
