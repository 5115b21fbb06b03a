//! What can be wrong with a variable, while serde reads it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::VariableError;

/// An error, which learns on its way up in which variable it is.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// A variable of another type. What was found is told here if it is more than the type.
    Type { expected: String, found: Option<String> },
    /// No variable of this name.
    Missing(String),
    /// Any of these in the variable of this name.
    InVariable(VariableError),
    /// Anything else, in its own words.
    Other(String),
}

impl ReadError {
    /// Another type than the engine's type `expected`.
    pub(super) fn expected(expected: &str) -> Self {
        Self::Type { expected: expected.to_owned(), found: None }
    }

    /// A value that the engine's type `expected` does not hold.
    pub(super) fn found(expected: &str, found: String) -> Self {
        Self::Type { expected: expected.to_owned(), found: Some(found) }
    }

    /// The same, now that is known where, and of which type the value was.
    pub(super) fn in_variable(self, name: &str, kind: &str) -> Self {
        let name = name.to_owned();
        Self::InVariable(match self {
            Self::Type { expected, found } => {
                VariableError::Unexpected { name, expected, found: found.unwrap_or_else(|| kind.to_owned()) }
            }
            Self::Missing(field) => VariableError::Invalid { name, problem: format!("missing field `{field}`") },
            Self::Other(problem) => VariableError::Invalid { name, problem },
            Self::InVariable(error) => error,
        })
    }
}

impl From<ReadError> for VariableError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::InVariable(error) => error,
            ReadError::Missing(name) => {
                Self::Unexpected { name, expected: "a value".to_owned(), found: super::NOT_THERE.to_owned() }
            }
            ReadError::Type { expected, found } => {
                let found = found.map(|found| format!(", found {found}")).unwrap_or_default();
                Self::Other(format!("expected {expected}{found}"))
            }
            ReadError::Other(text) => Self::Other(text),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { expected, .. } => write!(formatter, "expected {expected}"),
            Self::Missing(name) => write!(formatter, "missing variable `{name}`"),
            Self::InVariable(error) => error.fmt(formatter),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field.to_owned())
    }
}
