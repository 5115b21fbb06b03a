//! What a case expects: exact values, or patterns that they match.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use regex::Regex;

use crate::{
    sandbox::{Level, RetryWish},
    value::Variable,
};

/// What is expected of an invocation. Whatever is `None` may be anything.
#[derive(Debug, Clone)]
pub struct Expect {
    /// What becomes of the task.
    pub outcome: OutcomeName,
    /// The code of a BPMN error.
    pub code: Option<TextPattern>,
    /// The message of a failure or a BPMN error, the text of an error, the cause of a trap.
    pub message: Option<TextPattern>,
    /// The details of a failure.
    pub details: Option<TextPattern>,
    /// The variables for the process instance.
    pub variables: Option<BTreeMap<String, ValuePattern>>,
    /// The variables for the task's own scope.
    pub local_variables: Option<BTreeMap<String, ValuePattern>>,
    /// Whether there may be others beside these variables.
    pub others: bool,
    /// What the handler wants to happen after its failure.
    pub retry: Option<RetryWish>,
    /// The retries that are left after the failure.
    pub retries_left: Option<u32>,
    /// How long the next try waits.
    pub retry_after: Option<Duration>,
    /// How long nobody shall fetch the task (`unlock`).
    pub delay: Option<Duration>,
    /// How long the task stays locked (`hand-off`).
    pub duration: Option<Duration>,
    /// What the handler does after it has decided, if that is more than to return.
    pub after_decision: Vec<AfterDecision>,
    /// Lines that appear in this order, with others between.
    pub log: Vec<ExpectedLine>,
}

/// What becomes of a task, or how an invocation ends that decides nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutcomeName {
    /// The handler completed the task.
    Complete,
    /// It reported a failure.
    Failure,
    /// It reported a BPMN error.
    BpmnError,
    /// It gave the task back.
    Unlock,
    /// It left the task to somebody else.
    HandOff,
    /// It returned without a decision.
    #[default]
    Undecided,
    /// It returned an error.
    Error,
    /// It broke down.
    Trap,
    /// It did not end in time.
    Timeout,
}

/// What goes wrong after a decision, which stands nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDecision {
    /// Another decision, which is refused.
    SecondDecision,
    /// The handler returns an error.
    Error,
    /// It breaks down.
    Trap,
    /// It does not end in time.
    Timeout,
}

/// A line of log that is expected. Whatever is `None` may be anything.
#[derive(Debug, Clone)]
pub struct ExpectedLine {
    /// How much it matters.
    pub level: Option<Level>,
    /// What it says.
    pub message: Option<TextPattern>,
    /// Fields that it has, beside others.
    pub fields: BTreeMap<String, TextPattern>,
}

/// A text that is expected.
#[derive(Debug, Clone)]
pub enum TextPattern {
    /// This one.
    Exact(String),
    /// One with this in it.
    Contains(String),
    /// One in which this regular expression is found.
    Matches(Regex),
}

/// A value that is expected.
#[derive(Debug, Clone)]
pub enum ValuePattern {
    /// Any.
    Any,
    /// This one.
    Exact(Variable),
    /// One whose text is so.
    Text(TextPattern),
}

/// The body of a request that is expected.
#[derive(Debug, Clone)]
pub enum Body {
    /// These bytes.
    Bytes(Bytes),
    /// A JSON document that means the same.
    Json(serde_json::Value),
    /// A text that is so.
    Text(TextPattern),
}

impl OutcomeName {
    /// All of them, with their names in case files.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Complete, "complete"),
        (Self::Failure, "failure"),
        (Self::BpmnError, "bpmn-error"),
        (Self::Unlock, "unlock"),
        (Self::HandOff, "hand-off"),
        (Self::Undecided, "undecided"),
        (Self::Error, "error"),
        (Self::Trap, "trap"),
        (Self::Timeout, "timeout"),
    ];

    /// The name in case files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, name)| name)
    }
}

impl AfterDecision {
    /// All of them, with their names in case files.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::SecondDecision, "second-decision"),
        (Self::Error, "error"),
        (Self::Trap, "trap"),
        (Self::Timeout, "timeout"),
    ];

    /// The name in case files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, name)| name)
    }
}

impl TextPattern {
    /// Whether a text is so.
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Matches(regex) => regex.is_match(text),
        }
    }
}
