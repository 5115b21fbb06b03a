//! Why something is no variable.

use std::fmt;

use serde::ser;

use crate::VariableError;

/// An error, or the way by which a value with parts is told.
#[derive(Debug)]
pub(super) enum WriteError {
    /// It has parts: it is JSON, or no list of variables.
    Compound,
    /// Any of these in the variable of this name.
    InVariable(VariableError),
    /// Anything else, in its own words.
    Other(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compound => formatter.write_str("it has parts"),
            Self::InVariable(error) => error.fmt(formatter),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for WriteError {}

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }
}
