//! Work that a handler begins beside its own task: process instances to start and messages to send.

use crate::value::Variables;

/// A process instance to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessStart {
    /// The key of its process; the latest version is started.
    pub key: String,
    /// The tenant whose process it is.
    pub tenant_id: Option<String>,
    /// Its business key.
    pub business_key: Option<String>,
    /// Its variables.
    pub variables: Variables,
}

/// When a process is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartCondition {
    /// In any case.
    Always,
    /// Only if no instance of the process and tenant runs that has the business key. A look before the start: no engine
    /// offers to do both in one step.
    UnlessRunning,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// The id of the new instance.
    New(String),
    /// The id of an instance that runs already, for which nothing was started.
    Running(String),
}

/// A message; every criterion that is given must hold for who receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// The business key of the instance.
    pub business_key: Option<String>,
    /// The id of the instance.
    pub process_instance_id: Option<String>,
    /// Variables that the instance has.
    pub correlation_keys: Variables,
    /// Variables that the waiting execution has in its own scope.
    pub local_correlation_keys: Variables,
    /// The tenant of the instance or process.
    pub tenant: MessageTenant,
    /// What it brings to the instance.
    pub variables: Variables,
    /// What it brings to the scope of the waiting execution.
    pub local_variables: Variables,
    /// How many may receive it.
    pub receivers: Receivers,
}

/// The tenant of those who may receive a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageTenant {
    /// Any, or none.
    Any,
    /// None.
    Without,
    /// This one.
    Id(String),
}

/// How many may receive a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receivers {
    /// Exactly one.
    One,
    /// All that fit, be it nobody.
    All,
}

/// Who received a message, by the id of the process instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// An instance that waited for it.
    Waiting(String),
    /// An instance that it started.
    Started(String),
}
