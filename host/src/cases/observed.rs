//! What was seen of an invocation.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use super::{
    asked::Made,
    expected::{AfterDecision, OutcomeName},
    fake::CallProblem,
};
use crate::{
    sandbox::{Line, RetryWish, Revealed, Usage},
    value::Variables,
};

/// What was seen of an invocation.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What became of the task.
    pub seen: Seen,
    /// What went wrong after the decision.
    pub afterwards: Vec<Afterwards>,
    /// What the handler called, in order.
    pub calls: Vec<Made>,
    /// What it called too often to be kept.
    pub more_calls: usize,
    /// What was wrong with its calls.
    pub call_problems: Vec<CallProblem>,
    /// What it said.
    pub logs: Vec<Line>,
    /// What it used.
    pub usage: Usage,
    /// The contents of the task's files, to see what was passed on.
    pub contents: BTreeMap<String, Bytes>,
    /// The secrets that it may have read.
    pub revealed: Revealed,
}

/// What became of the task.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Its name.
    pub outcome: OutcomeName,
    /// The code of a BPMN error.
    pub code: Option<String>,
    /// The message of a failure or a BPMN error, the text of an error, the cause of a trap.
    pub message: Option<String>,
    /// The details of a failure or a trap.
    pub details: Option<String>,
    /// For the process instance.
    pub variables: Variables,
    /// For the task's own scope.
    pub local_variables: Variables,
    /// What the handler wants to happen after its failure.
    pub retry: Option<RetryWish>,
    /// The retries that the engine would be told.
    pub retries_left: Option<u32>,
    /// How long the engine would be told to wait.
    pub retry_after: Option<Duration>,
    /// Of `unlock`.
    pub delay: Option<Duration>,
    /// Of `hand-off`.
    pub duration: Option<Duration>,
}

/// Something that went wrong after a decision, which stands nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Afterwards {
    /// What.
    pub what: AfterDecision,
    /// In one line.
    pub text: String,
}
