//! What has become of the tasks, as seen from the calls that the engine accepted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

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

/// Every task that there ever was.
#[derive(Debug, Default)]
pub(super) struct Observed(BTreeMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    state: TaskState,
    fetched: u32,
}

impl Observed {
    pub(super) fn added(&mut self, id: &str) {
        self.0.insert(id.to_owned(), Seen { state: TaskState::Ready, fetched: 0 });
    }

    pub(super) fn set(&mut self, id: &str, state: TaskState) {
        if let Some(seen) = self.0.get_mut(id) {
            seen.state = state;
        }
    }

    pub(super) fn state(&self, id: &str) -> TaskState {
        self.0.get(id).map_or(TaskState::Gone, Seen::now)
    }

    pub(super) fn states(&self) -> BTreeMap<String, TaskState> {
        self.0.iter().map(|(id, seen)| (id.clone(), seen.now())).collect()
    }

    pub(super) fn times_fetched(&self, id: &str) -> u32 {
        self.0.get(id).map_or(0, |seen| seen.fetched)
    }

    /// Notes a call that the engine accepted: where it went, what it asked, and what was answered.
    pub(super) fn note(&mut self, path: &str, asked: &Value, answered: &Value) {
        for task in answered.as_array().into_iter().flatten() {
            self.fetched(task, asked);
        }
        let mut parts = path.rsplit('/');
        let (Some(call), Some(id)) = (parts.next(), parts.next()) else { return };
        let text = |key: &str| asked[key].as_str().map(str::to_owned);
        let worker = text("workerId").unwrap_or_default();
        let state = match call {
            "complete" => TaskState::Completed {
                worker,
                variables: asked["variables"].clone(),
                local_variables: asked["localVariables"].clone(),
            },
            "bpmnError" => TaskState::BpmnError {
                worker,
                code: text("errorCode").unwrap_or_default(),
                message: text("errorMessage"),
                variables: asked["variables"].clone(),
            },
            "failure" => TaskState::Failed {
                worker,
                retries: asked["retries"].as_i64().unwrap_or_default(),
                message: text("errorMessage"),
                details: text("errorDetails"),
            },
            "extendLock" => TaskState::Locked { worker, until: after(&asked["newDuration"]) },
            "lock" => TaskState::Locked { worker, until: after(&asked["lockDuration"]) },
            "unlock" => TaskState::Ready,
            _ => return,
        };
        self.set(id, state);
    }

    fn fetched(&mut self, task: &Value, asked: &Value) {
        let mut topics = asked["topics"].as_array().into_iter().flatten();
        // As in the engine, the last of several topics of one name holds.
        let topic = topics.rfind(|topic| topic["topicName"] == task["topicName"]);
        let until = after(topic.map_or(&Value::Null, |topic| &topic["lockDuration"]));
        let worker = task["workerId"].as_str().unwrap_or_default().to_owned();
        if let Some(seen) = task["id"].as_str().and_then(|id| self.0.get_mut(id)) {
            seen.state = TaskState::Locked { worker, until };
            seen.fetched += 1;
        }
    }
}

impl Seen {
    fn now(&self) -> TaskState {
        match &self.state {
            TaskState::Locked { until, .. } if *until <= Instant::now() => TaskState::Ready,
            state => state.clone(),
        }
    }
}

fn after(milliseconds: &Value) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds.as_u64().unwrap_or_default())
}
