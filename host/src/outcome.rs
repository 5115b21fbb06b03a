//! The outcome: what an invocation decided about its task, in the form that is journalled and delivered.

use std::time::Duration;

use crate::value::Variables;

/// What becomes of a task. Its delivery to the engine is retried until the engine has answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The task is done.
    Complete {
        /// For the scope that has them, else the process instance.
        variables: Variables,
        /// For the task's own scope.
        local_variables: Variables,
    },
    /// The task failed.
    Failure(Failure),
    /// The task ends with a business error.
    BpmnError {
        /// The code that a boundary event catches.
        code: String,
        /// For the event's message variable.
        message: Option<String>,
        /// For the process instance.
        variables: Variables,
    },
    /// The task is given back, to be fetched no sooner than after the delay.
    Unlock {
        /// How long nobody shall fetch it.
        delay: Duration,
    },
    /// The task stays locked under its worker id for somebody else to complete.
    HandOff {
        /// How long.
        duration: Duration,
    },
}

impl Outcome {
    /// The outcome's name in logs and the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Failure(_) => "failure",
            Self::BpmnError { .. } => "bpmn-error",
            Self::Unlock { .. } => "unlock",
            Self::HandOff { .. } => "hand-off",
        }
    }

    /// All sets of variables that go with it.
    pub fn variables(&self) -> Vec<&Variables> {
        match self {
            Self::Complete { variables, local_variables } => vec![variables, local_variables],
            Self::Failure(failure) => vec![&failure.variables, &failure.local_variables],
            Self::BpmnError { variables, .. } => vec![variables],
            Self::Unlock { .. } | Self::HandOff { .. } => Vec::new(),
        }
    }
}

/// A failure as the engine is told about it; the retry policy has been applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// At most [`MAX_ERROR_MESSAGE`] UTF-16 units, for more would be cut by the engine.
    pub message: String,
    /// The whole story.
    pub details: Option<String>,
    /// The retries left. Always sent: the engine takes a missing number for 0. At 0 it makes an incident.
    pub retries: u32,
    /// How long nobody may fetch the task.
    pub retry_timeout: Duration,
    /// For the process instance.
    pub variables: Variables,
    /// For the task's own scope.
    pub local_variables: Variables,
}

/// The engine keeps this many UTF-16 units of an error message (`ExternalTaskEntity.MAX_EXCEPTION_MESSAGE_LENGTH`).
pub const MAX_ERROR_MESSAGE: usize = 666;

impl Failure {
    /// A failure with a message of any length: what exceeds the engine's limit is kept whole at the head of the
    /// details.
    pub fn new(message: &str, details: Option<String>, retries: u32, retry_timeout: Duration) -> Self {
        let (kept, is_cut) = cut(message, MAX_ERROR_MESSAGE);
        let details = match (is_cut, details) {
            (false, details) => details,
            (true, None) => Some(message.to_owned()),
            (true, Some(details)) => Some(format!("{message}\n\n{details}")),
        };
        Self {
            message: kept,
            details,
            retries,
            retry_timeout,
            variables: Variables::new(),
            local_variables: Variables::new(),
        }
    }
}

/// The longest message of a BPMN error, in UTF-16 units: where the model asks for it (`errorMessageVariable`) it becomes
/// a String, and the engine's column for those holds as many.
pub const MAX_BPMN_MESSAGE: usize = 4_000;

/// Cuts a text to so many UTF-16 units, as Java counts, at a character boundary, so that the engine cuts no more; says
/// whether it did. An ellipsis within the limit tells that something is missing.
pub fn cut(text: &str, max: usize) -> (String, bool) {
    const ELLIPSIS: char = '…';
    let units: usize = text.chars().map(char::len_utf16).sum();
    if units <= max {
        return (text.to_owned(), false);
    }
    let mut room = max.saturating_sub(ELLIPSIS.len_utf16());
    let mut kept: String = text
        .chars()
        .take_while(|c| match room.checked_sub(c.len_utf16()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        })
        .collect();
    kept.push(ELLIPSIS);
    (kept, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_666_units_is_kept_whole() {
        let message = "é".repeat(MAX_ERROR_MESSAGE);
        let failure = Failure::new(&message, None, 1, Duration::ZERO);
        assert_eq!(failure.message, message);
        assert_eq!(failure.details, None);
    }

    #[test]
    fn two_units_that_end_at_the_limit_are_kept_and_two_that_cross_it_are_not_torn_apart() {
        let pair = "𝄞";
        let fits = format!("{}{pair}", "é".repeat(MAX_ERROR_MESSAGE - 2));
        assert_eq!(cut(&fits, MAX_ERROR_MESSAGE), (fits.clone(), false));
        let crosses = format!("{}{pair}", "é".repeat(MAX_ERROR_MESSAGE - 1));
        let (kept, is_cut) = cut(&crosses, MAX_ERROR_MESSAGE);
        assert!(is_cut);
        assert_eq!(kept, format!("{}…", "é".repeat(MAX_ERROR_MESSAGE - 1)));
        // One unit is left over: half of a pair is none.
        let (kept, _) = cut(&format!("{}{pair}z", "é".repeat(MAX_ERROR_MESSAGE - 2)), MAX_ERROR_MESSAGE);
        assert_eq!(kept.encode_utf16().count(), MAX_ERROR_MESSAGE - 1);
    }

    #[test]
    fn a_longer_message_is_cut_at_a_character_and_kept_whole_in_the_details() {
        // Each of these takes two UTF-16 units, so the limit falls into the middle of one.
        let message = "𝄞".repeat(400);
        let failure = Failure::new(&message, Some("trace".into()), 1, Duration::ZERO);
        assert!(failure.message.encode_utf16().count() <= MAX_ERROR_MESSAGE);
        assert!(failure.message.ends_with('…'));
        assert_eq!(failure.details, Some(format!("{message}\n\ntrace")));
    }
}
