//! The one port through which a running handler reaches the outside: the worker supplies it, tests fake it.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::value::{Scope, Variables};

/// What a handler decided, before the retry policy is applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The task is done.
    Complete {
        /// For the process instance.
        variables: Variables,
        /// For the task's own scope.
        local_variables: Variables,
    },
    /// The task failed.
    Fail(Fail),
    /// The task ends with a business error.
    BpmnError {
        /// The code.
        code: String,
        /// The message.
        message: Option<String>,
        /// For the process instance.
        variables: Variables,
    },
    /// The task is given back.
    Unlock {
        /// Not to be fetched sooner.
        delay: Duration,
    },
    /// Somebody else completes the task.
    HandOff {
        /// How long it stays locked for that.
        duration: Duration,
    },
}

/// A failure as the handler tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fail {
    /// For whoever looks at the incident.
    pub message: String,
    /// Anything longer.
    pub details: Option<String>,
    /// What happens next.
    pub retry: RetryWish,
    /// For the process instance.
    pub variables: Variables,
    /// For the task's own scope.
    pub local_variables: Variables,
}

/// What a handler wants to happen after its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryWish {
    /// What the retry policy says.
    Policy,
    /// This, whatever the policy says.
    Exactly {
        /// The retries left; 0 makes an incident.
        retries: u32,
        /// The wait before the next.
        after: Duration,
    },
    /// An incident at once.
    Never,
    /// A system that the handler needs is down: no retry is used up, the topic is paused.
    SystemDown,
}

/// Why a decision was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionError {
    /// There is one already.
    AlreadyDecided,
    /// An argument is not acceptable.
    Invalid(String),
    /// It could not be journalled.
    NotDurable(String),
}

/// Why a lock was not extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// Another worker has the task, or it is gone.
    Lost,
    /// The duration is not acceptable.
    Invalid(String),
    /// The engine did not do it.
    Unavailable(String),
}

/// Why progress variables were not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetError {
    /// A variable is not acceptable.
    Invalid(String),
    /// The instance is gone.
    Gone,
    /// The engine did not do it.
    Unavailable(String),
}

/// Why a file was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such variable.
    Unknown,
    /// It holds neither a file nor bytes.
    NotAFile,
    /// The engine did not deliver it.
    Unavailable(String),
    /// There is more than this many bytes.
    TooLarge(usize),
}

/// What a running handler can do to its task.
#[async_trait]
pub trait TaskPort: Send + Sync + 'static {
    /// Takes the decision; it is final and durable when this returns `Ok`.
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError>;

    /// Makes the lock last `duration` from now.
    async fn extend_lock(&self, duration: Duration) -> Result<(), LockError>;

    /// Sets variables at once.
    async fn set_progress(&self, scope: Scope, variables: Variables) -> Result<(), SetError>;

    /// Loads the content of a file variable, at most `limit` bytes.
    async fn load(&self, variable: &str, limit: usize) -> Result<Bytes, LoadError>;
}
