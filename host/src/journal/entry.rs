//! An entry of the journal and its form on disk: JSON, readable by a person in need, with its own types so that the
//! domain may change without making old journals unreadable.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    outcome::{Failure, Outcome},
    task::{PluginName, Route, Task, TaskId, Topic, WorkerId},
    value::{Date, File, FileContent, Object, Other, Value, Variable, Variables},
};

/// An outcome and what its delivery needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The task.
    pub task: TaskId,
    /// Its topic, and the plugin that decided.
    pub route: Route,
    /// The worker id under which it was locked when the outcome was decided.
    pub worker: WorkerId,
    /// The execution, from which the contents of files that are passed on are loaded.
    pub execution_id: String,
    /// The version of the plugin that decided.
    pub version: String,
    /// The outcome.
    pub outcome: Outcome,
    /// When it was decided.
    pub decided: Timestamp,
    /// How far it is.
    pub state: State,
}

impl Entry {
    /// An outcome that has just been decided, by a plugin of this route and version, for a task locked under this id.
    pub fn new(task: &Task, worker: WorkerId, route: &Route, version: &str, outcome: Outcome) -> Self {
        Self {
            task: task.id.clone(),
            route: route.clone(),
            worker,
            execution_id: task.execution_id.clone(),
            version: version.to_owned(),
            outcome,
            decided: Timestamp::now(),
            state: State::Pending,
        }
    }

    /// Whether it has still to be delivered.
    pub fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    /// How long ago it was decided, by the wall clock: it may have been in another process.
    pub fn age(&self) -> Duration {
        Duration::try_from(Timestamp::now().duration_since(self.decided)).unwrap_or_default()
    }
}

/// How far the delivery of an outcome is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// To be delivered.
    Pending,
    /// The engine rejected it and an incident was made with this message. It is delivered again when the operator
    /// retries the incident.
    Rejected(String),
    /// Delivered, and the task stays locked under our id until this time (milliseconds since 1970): for a retry, for
    /// the delay of an unlock, for a hand-off. It is to be left alone until then.
    Resting(i64),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    task: TaskId,
    topic: Topic,
    /// Missing in journals of the time when a topic had one plugin.
    #[serde(default)]
    plugin: Option<PluginName>,
    worker: WorkerId,
    execution: String,
    version: String,
    outcome: StoredOutcome,
    decided: Timestamp,
    state: State,
}

type StoredVariables = Vec<(String, StoredValue, bool)>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredOutcome {
    Complete {
        variables: StoredVariables,
        local: StoredVariables,
    },
    Failure {
        message: String,
        details: Option<String>,
        retries: u32,
        retry_timeout_ms: u64,
        variables: StoredVariables,
        local: StoredVariables,
    },
    BpmnError {
        code: String,
        message: Option<String>,
        variables: StoredVariables,
    },
    Unlock {
        delay_ms: u64,
    },
    HandOff {
        duration_ms: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredValue {
    Null(Option<String>),
    Boolean(bool),
    Short(i16),
    Integer(i32),
    Long(i64),
    Double(f64),
    String(String),
    /// As it was written before `Instant`, which holds more; still read.
    Date {
        moment: Timestamp,
        offset_seconds: i32,
    },
    Instant {
        unix_millis: i64,
        offset_minutes: i16,
    },
    Bytes(String),
    File {
        filename: String,
        mime_type: Option<String>,
        encoding: Option<String>,
        content: StoredContent,
    },
    Json(String),
    Xml(String),
    Object {
        type_name: String,
        format: String,
        text: String,
    },
    Other {
        type_name: String,
        value: String,
        value_info: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredContent {
    Bytes(String),
    Stored(String),
}

/// The bytes of an entry.
pub(super) fn encode(entry: &Entry) -> Result<Vec<u8>, String> {
    let stored = Stored {
        task: entry.task.clone(),
        topic: entry.route.topic.clone(),
        plugin: Some(entry.route.plugin.clone()),
        worker: entry.worker.clone(),
        execution: entry.execution_id.clone(),
        version: entry.version.clone(),
        outcome: store_outcome(&entry.outcome),
        decided: entry.decided,
        state: entry.state.clone(),
    };
    serde_json::to_vec(&stored).map_err(|error| error.to_string())
}

/// The entry of the bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Entry, String> {
    let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    // A plugin has the name of its topic unless somebody says otherwise.
    let plugin = stored.plugin.unwrap_or_else(|| PluginName::new(stored.topic.as_str()));
    Ok(Entry {
        task: stored.task,
        route: Route { topic: stored.topic, plugin },
        worker: stored.worker,
        execution_id: stored.execution,
        version: stored.version,
        outcome: load_outcome(stored.outcome)?,
        decided: stored.decided,
        state: stored.state,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn store_outcome(outcome: &Outcome) -> StoredOutcome {
    match outcome {
        Outcome::Complete { variables, local_variables } => {
            StoredOutcome::Complete { variables: store(variables), local: store(local_variables) }
        }
        Outcome::Failure(failure) => StoredOutcome::Failure {
            message: failure.message.clone(),
            details: failure.details.clone(),
            retries: failure.retries,
            retry_timeout_ms: millis(failure.retry_timeout),
            variables: store(&failure.variables),
            local: store(&failure.local_variables),
        },
        Outcome::BpmnError { code, message, variables } => {
            StoredOutcome::BpmnError { code: code.clone(), message: message.clone(), variables: store(variables) }
        }
        Outcome::Unlock { delay } => StoredOutcome::Unlock { delay_ms: millis(*delay) },
        Outcome::HandOff { duration } => StoredOutcome::HandOff { duration_ms: millis(*duration) },
    }
}

fn load_outcome(stored: StoredOutcome) -> Result<Outcome, String> {
    Ok(match stored {
        StoredOutcome::Complete { variables, local } => {
            Outcome::Complete { variables: load(variables)?, local_variables: load(local)? }
        }
        StoredOutcome::Failure { message, details, retries, retry_timeout_ms, variables, local } => {
            Outcome::Failure(Failure {
                message,
                details,
                retries,
                retry_timeout: Duration::from_millis(retry_timeout_ms),
                variables: load(variables)?,
                local_variables: load(local)?,
            })
        }
        StoredOutcome::BpmnError { code, message, variables } => {
            Outcome::BpmnError { code, message, variables: load(variables)? }
        }
        StoredOutcome::Unlock { delay_ms } => Outcome::Unlock { delay: Duration::from_millis(delay_ms) },
        StoredOutcome::HandOff { duration_ms } => Outcome::HandOff { duration: Duration::from_millis(duration_ms) },
    })
}

fn store(variables: &Variables) -> StoredVariables {
    variables.iter().map(|(name, it)| (name.clone(), store_value(&it.value), it.transient)).collect()
}

fn load(variables: StoredVariables) -> Result<Variables, String> {
    variables
        .into_iter()
        .map(|(name, value, transient)| Ok((name, Variable { value: load_value(value)?, transient })))
        .collect()
}

fn store_value(value: &Value) -> StoredValue {
    match value {
        Value::Null(it) => StoredValue::Null(it.clone()),
        Value::Boolean(it) => StoredValue::Boolean(*it),
        Value::Short(it) => StoredValue::Short(*it),
        Value::Integer(it) => StoredValue::Integer(*it),
        Value::Long(it) => StoredValue::Long(*it),
        Value::Double(it) => StoredValue::Double(*it),
        Value::String(it) => StoredValue::String(it.clone()),
        Value::Date(it) => StoredValue::Instant { unix_millis: it.unix_millis(), offset_minutes: it.offset_minutes() },
        Value::Bytes(it) => StoredValue::Bytes(STANDARD.encode(it)),
        Value::File(it) => StoredValue::File {
            filename: it.filename.clone(),
            mime_type: it.mime_type.clone(),
            encoding: it.encoding.clone(),
            content: match &it.content {
                FileContent::Bytes(bytes) => StoredContent::Bytes(STANDARD.encode(bytes)),
                FileContent::Stored(name) => StoredContent::Stored(name.clone()),
            },
        },
        Value::Json(it) => StoredValue::Json(it.clone()),
        Value::Xml(it) => StoredValue::Xml(it.clone()),
        Value::Object(it) => {
            StoredValue::Object { type_name: it.type_name.clone(), format: it.format.clone(), text: it.text.clone() }
        }
        Value::Other(it) => StoredValue::Other {
            type_name: it.type_name.clone(),
            value: it.value.clone(),
            value_info: it.value_info.clone(),
        },
    }
}

fn load_value(stored: StoredValue) -> Result<Value, String> {
    let bytes = |text: String| STANDARD.decode(text).map_err(|error| error.to_string());
    Ok(match stored {
        StoredValue::Null(it) => Value::Null(it),
        StoredValue::Boolean(it) => Value::Boolean(it),
        StoredValue::Short(it) => Value::Short(it),
        StoredValue::Integer(it) => Value::Integer(it),
        StoredValue::Long(it) => Value::Long(it),
        StoredValue::Double(it) => Value::Double(it),
        StoredValue::String(it) => Value::String(it),
        StoredValue::Date { moment, offset_seconds } => {
            let minutes = i16::try_from(offset_seconds / 60).map_err(|error| error.to_string())?;
            Value::Date(Date::new(moment.as_millisecond(), minutes).map_err(|error| error.to_string())?)
        }
        StoredValue::Instant { unix_millis, offset_minutes } => {
            Value::Date(Date::new(unix_millis, offset_minutes).map_err(|error| error.to_string())?)
        }
        StoredValue::Bytes(it) => Value::Bytes(bytes(it)?.into()),
        StoredValue::File { filename, mime_type, encoding, content } => {
            let content = match content {
                StoredContent::Bytes(it) => FileContent::Bytes(bytes(it)?.into()),
                StoredContent::Stored(name) => FileContent::Stored(name),
            };
            Value::File(File { filename, mime_type, encoding, content })
        }
        StoredValue::Json(it) => Value::Json(it),
        StoredValue::Xml(it) => Value::Xml(it),
        StoredValue::Object { type_name, format, text } => Value::Object(Object { type_name, format, text }),
        StoredValue::Other { type_name, value, value_info } => Value::Other(Other { type_name, value, value_info }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_time_when_a_topic_had_one_plugin_is_that_plugins() {
        let stored = r#"{"task":"t","topic":"charge","worker":"w","execution":"e","version":"v",
            "outcome":{"unlock":{"delay_ms":0}},"decided":"2026-11-21T10:11:12Z","state":"pending"}"#;
        let entry = decode(stored.as_bytes()).expect("an entry");
        assert_eq!(entry.route, Route { topic: Topic::new("charge"), plugin: PluginName::new("charge") });
        assert_eq!(decode(&encode(&entry).expect("bytes")), Ok(entry));
    }
}
