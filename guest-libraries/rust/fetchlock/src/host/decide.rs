//! The one decision of an invocation, made when the handler has returned.

use super::bindings::fetchlock::handler::outcome as wit;
use super::convert::{millis, wit_variables};
use crate::{BpmnError, Completion, Error, Failure, Outcome, Retry, logger};

/// Runs a handler and reports to the host what becomes of the task.
///
/// # Errors
/// The host does not accept the decision. To the host that is a failure under the retry policy.
pub fn run(handler: fn() -> Result<Outcome, Error>) -> Result<(), String> {
    logger::install();
    let (outcome, error) = match handler() {
        Ok(outcome) => (outcome, None),
        Err(error) => {
            let text = error.to_string();
            (error.into_outcome(), Some(text))
        }
    };
    match (decide(outcome), error) {
        (Ok(()), _) => Ok(()),
        // By the raw bindings; that decision stands. An error that came after it is told.
        (Err(wit::DecisionError::AlreadyDecided), error) => error.map_or(Ok(()), Err),
        (Err(wit::DecisionError::Invalid(why) | wit::DecisionError::NotDurable(why)), None) => {
            Err(format!("the host did not accept the decision: {why}"))
        }
        (Err(wit::DecisionError::Invalid(why) | wit::DecisionError::NotDurable(why)), Some(error)) => {
            Err(format!("{error} (the host did not accept the decision: {why})"))
        }
    }
}

fn decide(outcome: Outcome) -> Result<(), wit::DecisionError> {
    match outcome {
        Outcome::Complete(Completion { variables, local_variables }) => {
            wit::complete(&wit_variables(variables), &wit_variables(local_variables))
        }
        Outcome::BpmnError(BpmnError { code, message, variables }) => {
            wit::bpmn_error(&code, message.as_deref(), &wit_variables(variables))
        }
        Outcome::Failure(Failure { message, details, retry, variables, local_variables }) => wit::fail(&wit::Failure {
            message,
            details,
            retry: retry.into(),
            variables: wit_variables(variables),
            local_variables: wit_variables(local_variables),
        }),
        Outcome::Unlock(delay) => wit::unlock(millis(delay)),
        Outcome::HandOff(duration) => wit::hand_off(millis(duration)),
        Outcome::Decided => Ok(()),
    }
}

impl From<Retry> for wit::Retry {
    fn from(retry: Retry) -> Self {
        match retry {
            Retry::Policy => Self::Policy,
            Retry::Exactly(left, delay) => Self::Exactly(wit::Retries { left, delay: millis(delay) }),
            Retry::Never => Self::Never,
            Retry::SystemDown => Self::SystemDown,
        }
    }
}
