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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BpmnError, Retry, VariableError};

    fn outcome(error: impl Into<Error>) -> Outcome {
        error.into().into_outcome()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no rates")]
    struct NoRates(#[source] std::num::ParseIntError);

    #[test]
    fn any_error_is_a_failure_under_the_retry_policy_with_its_causes_in_the_details() {
        let Err(cause) = "x".parse::<i32>() else { unreachable!() };
        let Outcome::Failure(failure) = outcome(NoRates(cause)) else { unreachable!() };
        assert_eq!((failure.message.as_str(), failure.retry), ("no rates", Retry::Policy));
        assert_eq!(failure.details.as_deref(), Some("no rates\ncaused by: invalid digit found in string"));
    }

    #[test]
    fn bpmn_errors_and_failures_are_told_from_other_errors() {
        let error = BpmnError::new("CODE", "why").with("a", 1);
        assert_eq!(outcome(error.clone()), Outcome::BpmnError(error));
        let failure = Failure::new("why").system_down();
        assert_eq!(outcome(failure.clone()), Outcome::Failure(failure));
    }

    #[test]
    fn the_question_mark_takes_errors_of_any_type() {
        fn handler() -> Result {
            Err(VariableError::Other("why".to_owned()))?;
            Ok(())
        }
        assert_eq!(handler().map_err(Error::into_outcome), Err(Outcome::Failure(Failure::new("why"))));
        assert_eq!(Error::new("a text").into_outcome(), Outcome::Failure(Failure::new("a text")));
    }

    #[test]
    fn a_handler_may_return_texts_and_boxed_errors() {
        let of = |returned| crate::glue::outcome(returned).map_err(Error::into_outcome);
        assert_eq!(of(Err::<(), _>("why".to_owned())).err(), Some(Outcome::Failure(Failure::new("why"))));
    }

    #[cfg(feature = "anyhow")]
    #[test]
    fn bpmn_errors_and_failures_are_told_from_other_errors_of_anyhow() {
        let of = |error| crate::glue::outcome(Err::<(), anyhow::Error>(error)).map_err(Error::into_outcome);
        let error = BpmnError::new("CODE", "why");
        assert_eq!(of(anyhow::Error::new(error.clone()).context("more")).err(), Some(Outcome::BpmnError(error)));
        let failure = Failure::new("why").never_again();
        assert_eq!(of(failure.clone().into()).err(), Some(Outcome::Failure(failure)));
        let Err(Outcome::Failure(failure)) = of(anyhow::anyhow!("root").context("top")) else { unreachable!() };
        assert_eq!(failure.details.as_deref(), Some("top\ncaused by: root"));
    }
}
