//! The engine's filters for tasks as flags, the same for each command that takes some.

use clap::{Args, builder::NonEmptyStringValueParser};
use jiff::Timestamp;

use super::arguments;
use crate::{
    engine::{Condition, TaskQuery},
    task::{TaskId, WorkerId},
};

/// Which tasks. All that are given must hold; of one that is given several times, one must.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters (all that are given must hold)")]
pub(super) struct Filters {
    /// Of this topic
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    topic: Option<String>,
    /// With no retries left: an incident
    #[arg(long, visible_alias = "no-retries-left", conflicts_with = "with_retries_left")]
    incidents: bool,
    /// With retries left, or none set yet
    #[arg(long)]
    with_retries_left: bool,
    /// Locked now
    #[arg(long, conflicts_with = "not_locked")]
    locked: bool,
    /// Not locked now
    #[arg(long)]
    not_locked: bool,
    /// Locked, or last locked, by the worker with this id
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    worker: Option<String>,
    /// Whose lock ends, or ended, after this moment, such as 2026-11-21T10:11:12Z
    #[arg(long, value_name = "TIME", value_parser = arguments::moment)]
    lock_expires_after: Option<Timestamp>,
    /// Whose lock ends, or ended, before this moment
    #[arg(long, value_name = "TIME", value_parser = arguments::moment)]
    lock_expires_before: Option<Timestamp>,
    /// With this id; may be given several times
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    id: Vec<String>,
    /// Of the BPMN activity with this id; may be given several times
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    activity: Vec<String>,
    /// Of the execution with this id
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    execution: Option<String>,
    /// Of the process instance with this id; may be given several times
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    process_instance: Vec<String>,
    /// Of the process definition with this id: one version of a process
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    process_definition_id: Option<String>,
    /// Of the process with this key; may be given several times
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    process_definition_key: Vec<String>,
    /// Of processes with this name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    process_definition_name: Option<String>,
    /// Of processes with a name like this; % stands for any text
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    process_definition_name_like: Option<String>,
    /// Of this tenant; may be given several times
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    tenant: Vec<String>,
    /// Not suspended
    #[arg(long, conflicts_with = "suspended")]
    active: bool,
    /// Suspended with their process instance
    #[arg(long)]
    suspended: bool,
    /// Of this priority or a higher one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority_at_least: Option<i64>,
    /// Of this priority or a lower one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority_at_most: Option<i64>,
    /// With a process variable for which this holds, such as "amount gteq 100"; operators are eq, neq, gt, gteq, lt,
    /// lteq, like and notLike; a number, true, false, null or a text in double quotes is that, any other value a text;
    /// of several all must hold
    #[arg(long, value_name = "NAME OPERATOR VALUE", value_parser = arguments::condition)]
    variable: Vec<Condition>,
    /// Compare the names of --variable without regard to capitals
    #[arg(long, requires = "variable")]
    variable_names_ignore_case: bool,
    /// Compare the texts of --variable without regard to capitals
    #[arg(long, requires = "variable")]
    variable_values_ignore_case: bool,
}

impl Filters {
    /// The query that they are, in no order.
    pub(super) fn query(&self) -> TaskQuery {
        TaskQuery {
            id: None,
            ids: self.id.iter().map(TaskId::new).collect(),
            topic: self.topic.clone(),
            worker_id: self.worker.as_ref().map(WorkerId::new),
            locked: one_of(self.locked, self.not_locked),
            retries_left: one_of(self.with_retries_left, self.incidents),
            lock_expires_after: self.lock_expires_after,
            lock_expires_before: self.lock_expires_before,
            activity_ids: self.activity.clone(),
            execution_id: self.execution.clone(),
            process_instance_ids: self.process_instance.clone(),
            process_definition_id: self.process_definition_id.clone(),
            process_definition_keys: self.process_definition_key.clone(),
            process_definition_name: self.process_definition_name.clone(),
            process_definition_name_like: self.process_definition_name_like.clone(),
            tenant_ids: self.tenant.clone(),
            suspended: one_of(self.suspended, self.active),
            priority_at_least: self.priority_at_least,
            priority_at_most: self.priority_at_most,
            variables: self.variable.clone(),
            variable_names_ignore_case: self.variable_names_ignore_case,
            variable_values_ignore_case: self.variable_values_ignore_case,
            sorting: Vec::new(),
        }
    }

    /// Whether none is given.
    pub(super) fn are_none(&self) -> bool {
        self.query() == TaskQuery::default()
    }
}

/// What two flags that exclude each other say together.
fn one_of(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}
