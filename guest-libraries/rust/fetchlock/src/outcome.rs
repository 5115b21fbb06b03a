//! What becomes of the task.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::{Value, VariableError, Variables};

/// What becomes of the task, for a handler that does more than return variables or an error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The task is done.
    Complete(Completion),
    /// The task ends with a business error. (A handler mostly returns the [`BpmnError`] as its error.)
    BpmnError(BpmnError),
    /// The task failed for a technical reason. (A handler mostly returns an error.)
    Failure(Failure),
    /// The task is given back, for any worker to fetch no sooner than after this delay.
    Unlock(Duration),
    /// The task stays locked under the host's worker id for so long, for somebody else to complete.
    HandOff(Duration),
    /// The handler has decided by itself, through the bindings in `fetchlock::raw`.
    Decided,
}

/// The variables of a task that is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// For the process instance, or the scope that has them already.
    pub variables: Variables,
    /// For the task's own scope, where output mappings see them.
    pub local_variables: Variables,
}

impl Outcome {
    /// The task is done, with the fields of a struct (or the entries of a map) as variables.
    ///
    /// # Errors
    /// It is neither, or a field is nothing that the engine can hold.
    pub fn complete<T: Serialize + ?Sized>(variables: &T) -> Result<Self, VariableError> {
        let variables = Variables::of(variables)?;
        Ok(Self::Complete(Completion { variables, local_variables: Variables::new() }))
    }

    /// The same with further variables for the task's own scope. Without effect on what does not complete the task.
    ///
    /// # Errors
    /// They are no struct or map, or a field is nothing that the engine can hold.
    pub fn with_local<T: Serialize + ?Sized>(mut self, local_variables: &T) -> Result<Self, VariableError> {
        if let Self::Complete(completion) = &mut self {
            completion.local_variables.extend(Variables::of(local_variables)?);
        }
        Ok(self)
    }
}

impl From<BpmnError> for Outcome {
    fn from(error: BpmnError) -> Self {
        Self::BpmnError(error)
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What a handler may return: an [`Outcome`]; a struct or map of variables, with which the task is completed; or `()`.
pub trait IntoOutcome {
    /// What becomes of the task.
    ///
    /// # Errors
    /// It is no list of variables.
    fn into_outcome(self) -> Result<Outcome, VariableError>;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, VariableError> {
        Ok(self)
    }
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Result<Outcome, VariableError> {
        Outcome::complete(&self)
    }
}

/// A business error, which a boundary error event of its code catches. It is returned as a handler's error.
///
/// The engine silently ends the execution when the model catches no such code; so the codes that a handler uses belong
/// into `bpmn-errors` of the manifest, and any other is then a failure that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct BpmnError {
    /// The code.
    pub code: String,
    /// For people; the engine keeps 4,000 characters.
    pub message: Option<String>,
    /// For the process.
    pub variables: Variables,
}

impl BpmnError {
    /// An error of this code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: Some(message.into()), variables: Variables::new() }
    }

    /// With a variable for the process.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name, value);
        self
    }

    /// With the fields of a struct as variables for the process.
    ///
    /// # Errors
    /// It is no struct or map, or a field is nothing that the engine can hold.
    pub fn with_all<T: Serialize + ?Sized>(mut self, variables: &T) -> Result<Self, VariableError> {
        self.variables.extend(Variables::of(variables)?);
        Ok(self)
    }
}

impl fmt::Display for BpmnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BPMN error {}", self.code)?;
        self.message.as_ref().map_or(Ok(()), |message| write!(formatter, ": {message}"))
    }
}

impl StdError for BpmnError {}

/// What happens after a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Retry {
    /// The retry policy of the plugin (or of the task's extension property `retry`) decides.
    #[default]
    Policy,
    /// Exactly so many retries are left now (0 makes an incident), and the next one waits so long.
    Exactly(u32, Duration),
    /// No further try: an incident at once.
    Never,
    /// The handler is well but a system that it needs is down. No retry is used up and nothing is reported to the
    /// engine, so details and variables go nowhere; the message is logged. The host pauses the topic, lets single tasks
    /// probe, and resumes when one succeeds.
    SystemDown,
}

/// A technical failure, returned as a handler's error by a handler that says more than any other error does.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// One line for whoever looks at the incident. The engine keeps 666 characters; the rest is moved to the details.
    pub message: String,
    /// Anything longer that helps to find the cause.
    pub details: Option<String>,
    /// What happens next.
    pub retry: Retry,
    /// For the process instance.
    pub variables: Variables,
    /// For the task's own scope.
    pub local_variables: Variables,
}

impl Failure {
    /// A failure under the retry policy.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: None,
            retry: Retry::Policy,
            variables: Variables::new(),
            local_variables: Variables::new(),
        }
    }

    /// A failure under the retry policy that tells of an error: its text, and in the details what caused it.
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes: Vec<String> = std::iter::successors(error.source(), |&cause| cause.source())
            .map(|cause| format!("caused by: {cause}"))
            .collect();
        let details = (!causes.is_empty()).then(|| format!("{error}\n{}", causes.join("\n")));
        Self { details, ..Self::new(error.to_string()) }
    }

    /// With details.
    #[must_use]
    pub fn with_details(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..self }
    }

    /// With what happens next.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Without a further try: an incident at once.
    #[must_use]
    pub fn never_again(self) -> Self {
        self.with_retry(Retry::Never)
    }

    /// Because a system that the handler needs is down; see [`Retry::SystemDown`].
    #[must_use]
    pub fn system_down(self) -> Self {
        self.with_retry(Retry::SystemDown)
    }

    /// With a variable for the process.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name, value);
        self
    }

    /// With a variable for the task's own scope.
    #[must_use]
    pub fn with_local(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.local_variables.insert(name, value);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Failure {}
