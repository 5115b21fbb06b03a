//! What the attribute `#[fetchlock::handler]` writes calls of. Not for people.

use std::error::Error as StdError;

use serde::de::DeserializeOwned;

use crate::{Error, IntoOutcome, Outcome, Task, variables};

#[cfg(target_family = "wasm")]
pub use crate::host::run;
#[cfg(target_family = "wasm")]
pub use wit_bindgen::rt as wit_bindgen_rt;

/// An argument of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no argument of a handler",
    note = "a handler takes `fetchlock::Task`, and a struct of variables that derives `serde::Deserialize`"
)]
pub trait Argument: Sized {
    /// Asks the host for it.
    ///
    /// # Errors
    /// The variables are not as the handler wants them.
    fn ask() -> Result<Self, Error>;
}

impl Argument for Task {
    fn ask() -> Result<Self, Error> {
        Ok(Self::current())
    }
}

impl<T: DeserializeOwned> Argument for T {
    fn ask() -> Result<Self, Error> {
        Ok(variables::read()?)
    }
}

/// What a handler's return value makes of the task.
///
/// # Errors
/// That of the handler, or what it returns is no list of variables.
pub fn outcome<T, E>(returned: Result<T, E>) -> Result<Outcome, Error>
where
    T: IntoOutcome,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    match returned {
        Ok(it) => Ok(it.into_outcome()?),
        Err(error) => Err(error_of(error)),
    }
}

#[cfg(feature = "anyhow")]
fn error_of<E: Into<Box<dyn StdError + Send + Sync>> + 'static>(error: E) -> Error {
    let mut error = Some(error);
    let slot: &mut dyn std::any::Any = &mut error;
    // Made a boxed error like the others, one of `anyhow` would hide what it is.
    if let Some(slot) = slot.downcast_mut::<Option<anyhow::Error>>()
        && let Some(error) = slot.take()
    {
        return match error.downcast::<crate::BpmnError>().map_err(anyhow::Error::downcast::<crate::Failure>) {
            Ok(error) => error.into(),
            Err(Ok(failure)) => failure.into(),
            Err(Err(other)) => Error::new(other),
        };
    }
    error.map_or_else(|| Error::new("an error without an error"), Error::new)
}

#[cfg(not(feature = "anyhow"))]
fn error_of<E: Into<Box<dyn StdError + Send + Sync>> + 'static>(error: E) -> Error {
    Error::new(error)
}
