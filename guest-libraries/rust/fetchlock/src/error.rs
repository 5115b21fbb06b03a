//! The error of a handler.

use std::error::Error as StdError;
use std::fmt;

use crate::{BpmnError, Failure, Outcome};

/// What a handler returns: variables or an [`Outcome`], or an error.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Any error, for `?`. A [`BpmnError`] ends the task with a business error, a [`Failure`] fails it as it says, and all
/// others are failures under the retry policy, with what caused them in the details.
pub struct Error(Box<dyn StdError + Send + Sync>);

impl Error {
    /// An error of a text, or of any type that can be made an error.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// What becomes of a task whose handler returns this.
    pub fn into_outcome(self) -> Outcome {
        let error = match self.0.downcast::<BpmnError>() {
            Ok(error) => return Outcome::BpmnError(*error),
            Err(other) => other,
        };
        match error.downcast::<Failure>() {
            Ok(failure) => Outcome::Failure(*failure),
            Err(other) => Outcome::Failure(Failure::of(&*other)),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

// Not `std::error::Error`: then the conversion above would be one from itself too.
impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// As a test that returns an error shows it: the text, then what caused it.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        std::iter::successors(self.0.source(), |&cause| cause.source())
            .try_for_each(|cause| write!(formatter, "\ncaused by: {cause}"))
    }
}
