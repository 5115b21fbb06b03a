//! A task: what the engine tells about one external task, the names by which it is known, and what to fetch of a topic.

mod filter;

use std::{collections::BTreeMap, fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Date, Variables};

pub use filter::{Filter, Plain};

/// Makes a newtype around a text that is compared, shown and sorted as that text.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// The id of a task, given by the engine.
    TaskId
}
name! {
    /// The id under which a lane of this host locks tasks. Unique per process start and lane: the engine's only fence
    /// between two workers is that their ids differ.
    WorkerId
}
name! {
    /// The name of an engine in this host's settings.
    EngineName
}
name! {
    /// The name of a queue of tasks. Several plugins serve one topic only if their filters exclude each other.
    Topic
}
name! {
    /// The name of a plugin: that of its component's file, without the ending. Its versions share it.
    PluginName
}

/// The way that a task goes in this host: its topic, and which of the plugins that serve the topic gets it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct Route {
    /// The topic.
    pub topic: Topic,
    /// The plugin.
    pub plugin: PluginName,
}

/// What the engine tells about a task (`LockedExternalTaskDto`), without its variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The task's id.
    pub id: TaskId,
    /// The topic it was fetched from.
    pub topic: Topic,
    /// The worker id that holds the lock.
    pub worker_id: WorkerId,
    /// The business key of the process instance.
    pub business_key: Option<String>,
    /// The id of the BPMN activity.
    pub activity_id: String,
    /// The id of this run of the activity.
    pub activity_instance_id: String,
    /// The id of the execution.
    pub execution_id: String,
    /// The id of the process instance.
    pub process_instance_id: String,
    /// The id of the process definition.
    pub process_definition_id: String,
    /// The key of the process definition.
    pub process_definition_key: String,
    /// The version tag of the process definition.
    pub process_definition_version_tag: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The retries left; `None` until a failure set them.
    pub retries: Option<u32>,
    /// The priority.
    pub priority: i64,
    /// When the task was made; CIB seven does not tell everywhere.
    pub create_time: Option<Date>,
    /// The extension properties of the activity.
    pub extension_properties: BTreeMap<String, String>,
    /// The message of the last failure, cut by the engine to 666 characters.
    pub error_message: Option<String>,
    /// The details of the last failure.
    pub error_details: Option<String>,
}

/// A task that this host has just locked.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedTask {
    /// The task.
    pub task: Task,
    /// Its variables, or why one of them cannot be understood. That fails this task, never the batch it came with.
    pub variables: Result<Variables, String>,
}

/// In which order the engine gives tasks to those who fetch them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchOrder {
    /// As the engine's database finds them, which costs it the least.
    #[default]
    Unordered,
    /// Those that were made first.
    OldestFirst,
    /// Those that were made last.
    NewestFirst,
}

/// What to fetch of one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// The topic.
    pub topic: Topic,
    /// How long a fetched task stays locked.
    pub lock_duration: Duration,
    /// The variables to fetch: `None` for all, an empty list for none.
    pub variables: Option<Vec<String>>,
    /// Only the variables of the task's own scope.
    pub local_variables: bool,
    /// Whether the engine makes Java objects of Object values and tells those as JSON. It needs their classes.
    pub deserialize_values: bool,
    /// Which tasks of the topic are wanted.
    pub filter: Filter,
}
