//! A process instance of the embedded engine: one external task, the variables around it, and what became of both.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::variable::Variables;

/// What the engine keeps of an error message, in UTF-16 units (`ExternalTaskEntity.MAX_EXCEPTION_MESSAGE_LENGTH`).
const MAX_ERROR_MESSAGE: usize = 666;

/// How many entries a task's log keeps; the oldest after the first go. A task that is retried for ever must not grow.
const MAX_LOG: usize = 1_000;

/// The place of an instance in the order of creation.
pub(super) type Number = u64;

/// A process instance with its one task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: String,
    /// The key of its process definition; that of its topic unless it was made otherwise.
    pub(super) definition_key: String,
    pub(super) version_tag: Option<String>,
    pub(super) business_key: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) suspended: bool,
    pub(super) variables: Variables,
    pub(super) task: Task,
    pub(super) incidents: Vec<Incident>,
    pub(super) log: Vec<LogEntry>,
    pub(super) started: Timestamp,
    pub(super) ended: Option<(Timestamp, End)>,
}

/// How an instance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// Its task was completed, and the end event reached.
    Completed,
    /// A BPMN error that nothing catches: it ends like this without a trace, as on a real engine.
    BpmnError,
    /// Somebody deleted it.
    Deleted,
}

/// The external task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) execution_id: String,
    pub(super) activity_instance_id: String,
    pub(super) topic: String,
    pub(super) priority: i64,
    /// The retries left; none until a failure or an operator sets them.
    pub(super) retries: Option<i32>,
    /// The lock, which may have expired: the engine keeps the worker's id until another one comes.
    pub(super) lock: Option<Lock>,
    pub(super) error_message: Option<String>,
    pub(super) error_details: Option<String>,
    /// The variables of its own scope.
    pub(super) local: Variables,
    pub(super) extension_properties: BTreeMap<String, String>,
}

/// Who locked a task, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    pub(super) worker: String,
    pub(super) until: Timestamp,
}

/// No retries were left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
    /// Whether it ended with its instance instead of being resolved, which a completion does too.
    pub(super) deleted: bool,
    pub(super) message: Option<String>,
    /// The id of the last failure's entry in the log.
    pub(super) failure: Option<String>,
}

/// One line of the task's history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LogEntry {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) kind: LogKind,
    pub(super) worker: Option<String>,
    pub(super) priority: i64,
    /// What was left before.
    pub(super) retries: Option<i32>,
    pub(super) message: Option<String>,
    pub(super) details: Option<String>,
}

/// What a line of the task's history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LogKind {
    Created,
    Failed,
    Succeeded,
    /// Ended otherwise; a BPMN error is one of these.
    Deleted,
}

/// What an instance is made of.
#[derive(Debug, Clone, Default)]
pub struct NewInstance {
    /// The topic of its task, and the key of its process definition.
    pub topic: String,
    /// Another key of its process definition.
    pub definition_key: Option<String>,
    /// The version tag of its process definition.
    pub version_tag: Option<String>,
    /// Its business key.
    pub business_key: Option<String>,
    /// Its tenant.
    pub tenant: Option<String>,
    /// The priority of its task.
    pub priority: i64,
    /// The extension properties of its task's activity.
    pub extension_properties: BTreeMap<String, String>,
    /// Its variables.
    pub(super) variables: Variables,
}

impl Instance {
    pub(super) fn new(new: NewInstance, now: Timestamp) -> Self {
        let task = Task {
            id: id(),
            execution_id: id(),
            activity_instance_id: format!("{ACTIVITY}:{}", id()),
            priority: new.priority,
            retries: None,
            lock: None,
            error_message: None,
            error_details: None,
            local: Variables::new(),
            extension_properties: new.extension_properties,
            topic: new.topic,
        };
        let mut instance = Self {
            id: id(),
            definition_key: new.definition_key.unwrap_or_else(|| task.topic.clone()),
            version_tag: new.version_tag,
            business_key: new.business_key,
            tenant: new.tenant,
            suspended: false,
            variables: new.variables,
            task,
            incidents: Vec::new(),
            log: Vec::new(),
            started: now,
            ended: None,
        };
        instance.note(LogKind::Created, now);
        instance
    }

    pub(super) fn definition_id(&self) -> String {
        definition_id(&self.definition_key, self.tenant.as_deref())
    }

    /// Adds a line to the task's history, about the task as it is.
    pub(super) fn note(&mut self, kind: LogKind, now: Timestamp) {
        if self.log.len() >= MAX_LOG {
            self.log.remove(1);
        }
        let Task { lock, priority, retries, .. } = &self.task;
        let worker = lock.as_ref().map(|lock| lock.worker.clone());
        self.log.push(LogEntry {
            id: id(),
            at: now,
            kind,
            worker,
            priority: *priority,
            retries: *retries,
            message: None,
            details: None,
        });
    }

    /// Sets the retries, and makes or resolves the incident (`ExternalTaskEntity.setRetriesAndManageIncidents`).
    pub(super) fn set_retries(&mut self, retries: i32, now: Timestamp) {
        let had_some = self.task.retries.is_none_or(|left| left > 0);
        match (had_some, retries > 0) {
            (true, false) => self.incidents.push(Incident {
                id: id(),
                created: now,
                ended: None,
                deleted: false,
                message: self.task.error_message.clone(),
                failure: self.log.iter().rfind(|entry| entry.kind == LogKind::Failed).map(|entry| entry.id.clone()),
            }),
            (false, true) => self.close_incidents(now, false),
            _ => {}
        }
        self.task.retries = Some(retries);
    }

    fn close_incidents(&mut self, now: Timestamp, deleted: bool) {
        for incident in self.incidents.iter_mut().filter(|incident| incident.ended.is_none()) {
            incident.ended = Some(now);
            incident.deleted = deleted;
        }
    }

    /// Ends the instance and its task.
    pub(super) fn end(&mut self, end: End, now: Timestamp) {
        self.close_incidents(now, end != End::Completed);
        self.ended = Some((now, end));
    }

    /// The variables that its task sees: its own before those of the instance, or only its own.
    pub(super) fn visible(&self, local_only: bool) -> impl Iterator<Item = (&String, &super::variable::Variable)> {
        let of_instance =
            self.variables.iter().filter(move |(name, _)| !local_only && !self.task.local.contains_key(*name));
        of_instance.chain(&self.task.local)
    }

    /// Whether its task sees a variable of a name.
    pub(super) fn sees(&self, name: &str) -> bool {
        self.task.local.contains_key(name) || self.variables.contains_key(name)
    }

    /// Sets variables from its task: each in the nearest scope that has it, or else in the instance.
    pub(super) fn set_from_task(&mut self, variables: Variables) {
        for (name, variable) in variables {
            let local = self.task.local.contains_key(&name);
            let scope = if local { &mut self.task.local } else { &mut self.variables };
            scope.insert(name, variable);
        }
    }
}

impl Task {
    pub(super) fn is_locked(&self, now: Timestamp) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.until > now)
    }

    /// Who holds the lock, or held it last.
    pub(super) fn holder(&self) -> Option<&str> {
        self.lock.as_ref().map(|lock| lock.worker.as_str())
    }
}

/// The activity of every task.
pub(super) const ACTIVITY: &str = "work";

/// The event that every instance begins with.
pub(super) const START_EVENT: &str = "start";

/// The event that completed instances end with.
pub(super) const END_EVENT: &str = "done";

/// The id of a definition: every key has one for each tenant, of version 1, as there is no BPMN.
pub(super) fn definition_id(key: &str, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("{key}:1:embedded-{tenant}"),
        None => format!("{key}:1:embedded"),
    }
}

/// What the engine keeps of an error message, cut at a character.
pub(super) fn kept_message(message: &str) -> String {
    let mut room = MAX_ERROR_MESSAGE;
    let fits = |letter: &char| {
        let left = room.checked_sub(letter.len_utf16());
        room = left.unwrap_or_default();
        left.is_some()
    };
    message.chars().take_while(fits).collect()
}

pub(super) fn id() -> String {
    Uuid::new_v4().to_string()
}
