//! A struct into variables: the writing half of serde.

mod error;
mod task;
#[cfg(test)]
mod tests;
mod value;

use serde::Serialize;

use self::error::WriteError;
use self::task::Writer;
use self::value::ValueWriter;
use crate::{Value, Variable, VariableError};

/// The variables that a struct or a map stands for; none for `()`.
pub(crate) fn write<T: Serialize + ?Sized>(what: &T) -> Result<Vec<Variable>, VariableError> {
    what.serialize(Writer).map_err(|error| match error {
        WriteError::InVariable(error) => error,
        WriteError::Compound => VariableError::Other("expected a struct or a map of variables".to_owned()),
        WriteError::Other(text) => VariableError::Other(text),
    })
}

/// One variable.
fn variable<T: Serialize + ?Sized>(name: String, what: &T) -> Result<Variable, WriteError> {
    match value(what) {
        Ok(Written { value, transient }) => Ok(Variable { name, value, transient }),
        Err(WriteError::InVariable(error)) => Err(WriteError::InVariable(error)),
        Err(error) => Err(WriteError::InVariable(VariableError::Invalid { name, problem: error.to_string() })),
    }
}

/// A value, and whether it is transient.
struct Written {
    value: Value,
    transient: bool,
}

/// The value that something stands for: JSON, if it has parts.
fn value<T: Serialize + ?Sized>(what: &T) -> Result<Written, WriteError> {
    match what.serialize(ValueWriter) {
        Err(WriteError::Compound) => json(what),
        written => written,
    }
}

fn json<T: Serialize + ?Sized>(what: &T) -> Result<Written, WriteError> {
    let text = serde_json::to_string(what).map_err(|error| WriteError::Other(error.to_string()))?;
    Ok(Value::Json(text).into())
}

impl From<Value> for Written {
    fn from(value: Value) -> Self {
        Self { value, transient: false }
    }
}
