//! What a handler may ask for while it goes on.

use std::time::Duration;

use serde::Serialize;

use crate::{VariableError, Variables, host};

/// Why a lock was not extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody else holds the task now, or it is gone. The host is about to end this invocation.
    #[error("the lock is lost: another worker holds the task, or it is gone")]
    Lost,
    /// The argument is not acceptable.
    #[error("the lock cannot be extended so: {0}")]
    Invalid(String),
    /// The engine could not be reached in time, or refused.
    #[error("the lock was not extended: {0}")]
    Unavailable(String),
}

/// Why progress variables were not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgressError {
    /// A name or value is not acceptable. Nothing was set.
    #[error("progress variables were not set: {0}")]
    Invalid(String),
    /// They are no struct or map, or a field is nothing that the engine can hold.
    #[error("progress variables were not set: {0}")]
    NoVariables(#[from] VariableError),
    /// The process instance is gone.
    #[error("progress variables were not set: the process instance is gone")]
    Gone,
    /// The engine could not be reached in time, or refused. Worth another try.
    #[error("progress variables were not set: {0}")]
    Unavailable(String),
}

/// Makes the task's lock last so long from now. Rarely needed: the host extends the lock of a running handler by itself.
///
/// # Errors
/// The lock is lost, or the engine cannot be reached.
pub fn extend_lock(duration: Duration) -> Result<(), LockError> {
    host::extend_lock(duration)
}

/// Sets variables of the process instance at once, while the handler goes on: progress that others may watch. Variables
/// that belong to the outcome are returned instead.
///
/// # Errors
/// They are not acceptable, or the engine cannot be reached.
pub fn set_progress<T: Serialize + ?Sized>(variables: &T) -> Result<(), ProgressError> {
    host::set_progress(Variables::of(variables)?, false)
}

/// The same for the task's own scope: they are gone when the task ends, unless an output mapping saves them.
///
/// # Errors
/// They are not acceptable, or the engine cannot be reached.
pub fn set_local_progress<T: Serialize + ?Sized>(variables: &T) -> Result<(), ProgressError> {
    host::set_progress(Variables::of(variables)?, true)
}
