//! Work that a handler begins beside its own task: process instances that it starts, messages that it sends.
//!
//! Usable only where it is granted: the plugin's manifest requests the process keys and message names, and the operator
//! allows them in `fetchlock.toml`.
//!
//! A call is made at once and is done when it returns `Ok`. It stays done if the handler then fails, and a handler that
//! runs again makes its calls again. So give a process that must be started once a business key that follows from the
//! task, and start it [`unless_running`](ProcessStart::unless_running).

use serde::Serialize;

use crate::{Value, VariableError, Variables, host};

/// A process instance to start: `ProcessStart::of("invoice").business_key(key).unless_running().start()?`.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ProcessStart {
    /// The key of the process (its id in the model). The latest version is started.
    pub key: String,
    /// The tenant whose process it is; none for the process without a tenant.
    pub tenant_id: Option<String>,
    /// The business key of the new instance.
    pub business_key: Option<String>,
    /// The variables of the new instance. Of transient ones only what runs until the first wait state sees anything.
    pub variables: Variables,
    /// Only if no instance of this process (and this tenant, or none) runs that has this business key.
    pub unless_running: bool,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// There is a new instance, with this id. It has run to its first wait state, or to its end.
    New(String),
    /// Nothing was started, for this instance runs and has the business key; its id.
    Running(String),
}

impl Started {
    /// The id of the instance, be it new or not.
    pub fn id(&self) -> &str {
        let (Self::New(id) | Self::Running(id)) = self;
        id
    }
}

/// Why no process was started, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Not granted; the text names the grant that is missing and where it belongs. Nothing was started.
    #[error("the process was not started: {0}")]
    Denied(String),
    /// An argument is not acceptable; the text says which and why. Nothing was started.
    #[error("the process was not started: {0}")]
    Invalid(String),
    /// The engine has no process of this key for this tenant. Nothing was started.
    #[error("the process was not started: {0}")]
    NoSuchProcess(String),
    /// The engine refused, in its own words. Nothing was started.
    #[error("the process was not started: {0}")]
    Rejected(String),
    /// The engine could not be asked. Nothing was started, so another try does no harm.
    #[error("the process was not started: {0}")]
    Unavailable(String),
    /// The engine was asked and its answer never came. Another try may start a second one, unless it is one with
    /// [`unless_running`](ProcessStart::unless_running).
    #[error("nobody knows whether the process was started: {0}")]
    Unanswered(String),
}

impl ProcessStart {
    /// A start of the process of this key.
    pub fn of(key: impl Into<String>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// Of this tenant.
    #[must_use]
    pub fn tenant_id(self, tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: Some(tenant_id.into()), ..self }
    }

    /// With this business key.
    #[must_use]
    pub fn business_key(self, business_key: impl Into<String>) -> Self {
        Self { business_key: Some(business_key.into()), ..self }
    }

    /// With a variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name, value);
        self
    }

    /// With the fields of a struct as variables.
    ///
    /// # Errors
    /// It is no struct or map, or a field is nothing that the engine can hold.
    pub fn with_all<T: Serialize + ?Sized>(mut self, variables: &T) -> Result<Self, VariableError> {
        self.variables.extend(Variables::of(variables)?);
        Ok(self)
    }

    /// Only if no instance of this process runs that has this business key. The host looks, and starts if it finds
    /// nothing; two handlers that look at the same moment may both start.
    #[must_use]
    pub fn unless_running(self) -> Self {
        Self { unless_running: true, ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    /// It is not granted or not possible, or the engine cannot be reached.
    pub fn start(self) -> Result<Started, StartError> {
        host::start_process(self)
    }
}

/// The tenant of those who may receive a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MessageTenant {
    /// Any, or none.
    #[default]
    Any,
    /// None: only what belongs to no tenant.
    Without,
    /// This one.
    Id(String),
}

/// A message: `Message::named("PaymentReceived").business_key(key).correlate()?`. Every criterion that is given must
/// hold for who receives it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Its name in the model.
    pub name: String,
    /// The business key of the instance. A process that the message starts gets it.
    pub business_key: Option<String>,
    /// The id of the instance.
    pub process_instance_id: Option<String>,
    /// Variables that the instance has with these values.
    pub correlation_keys: Variables,
    /// Variables that the waiting execution has in its own scope with these values.
    pub local_correlation_keys: Variables,
    /// The tenant.
    pub tenant: MessageTenant,
    /// Variables that the message brings to the instance.
    pub variables: Variables,
    /// Variables that the message brings to the scope of the execution that waited for it.
    pub local_variables: Variables,
}

/// Who received a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// An instance that waited for it; its id. It has moved on to its next wait state, or to its end.
    Waiting(String),
    /// A new instance, which the message started; its id.
    Started(String),
}

/// Why a message was not correlated, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorrelateError {
    /// Not granted; the text names the grant that is missing and where it belongs. Nothing was sent.
    #[error("the message was not sent: {0}")]
    Denied(String),
    /// An argument is not acceptable; the text says which and why. Nothing was sent.
    #[error("the message was not sent: {0}")]
    Invalid(String),
    /// Nobody waits for it, and no process starts with it. The engine keeps no messages: what comes too early is lost,
    /// so a handler whose partner may be slower fails and is tried again.
    #[error("nobody received the message: {0}")]
    NoMatch(String),
    /// More than one fits, and one was asked for. Nobody received it.
    #[error("nobody received the message: {0}")]
    Ambiguous(String),
    /// The engine refused, in its own words. Nobody received it.
    #[error("nobody received the message: {0}")]
    Rejected(String),
    /// The engine could not be asked. Nobody received it.
    #[error("nobody received the message: {0}")]
    Unavailable(String),
    /// The engine was asked and its answer never came. The message may have been received, or may be in the next moment.
    #[error("nobody knows whether the message was received: {0}")]
    Unanswered(String),
}

impl Message {
    /// A message of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// For the instance with this business key.
    #[must_use]
    pub fn business_key(self, business_key: impl Into<String>) -> Self {
        Self { business_key: Some(business_key.into()), ..self }
    }

    /// For the instance with this id.
    #[must_use]
    pub fn process_instance_id(self, id: impl Into<String>) -> Self {
        Self { process_instance_id: Some(id.into()), ..self }
    }

    /// For instances that have this variable with this value.
    #[must_use]
    pub fn correlation_key(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.correlation_keys.insert(name, value);
        self
    }

    /// For executions that have this variable in their own scope with this value.
    #[must_use]
    pub fn local_correlation_key(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.local_correlation_keys.insert(name, value);
        self
    }

    /// For this tenant.
    #[must_use]
    pub fn tenant(self, tenant: MessageTenant) -> Self {
        Self { tenant, ..self }
    }

    /// With a variable for the instance.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name, value);
        self
    }

    /// With a variable for the scope of the execution that waited for it.
    #[must_use]
    pub fn with_local(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.local_variables.insert(name, value);
        self
    }

    /// Sends it to exactly one. If nobody or more than one fits, nothing happens.
    ///
    /// # Errors
    /// It is not granted, nobody or more than one fits, or the engine cannot be reached.
    pub fn correlate(self) -> Result<Receiver, CorrelateError> {
        let nobody = || CorrelateError::NoMatch("the host names no receiver".to_owned());
        host::correlate_message(self, false)?.pop().ok_or_else(nobody)
    }

    /// Sends it to all that fit, be it nobody. All of them get it, or none.
    ///
    /// # Errors
    /// It is not granted, or the engine cannot be reached.
    pub fn correlate_all(self) -> Result<Vec<Receiver>, CorrelateError> {
        host::correlate_message(self, true)
    }
}
