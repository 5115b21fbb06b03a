//! What was seen of a run.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What was seen of a run.
#[derive(Debug, Clone)]
pub struct Ran {
    /// What became of the task: `complete`, `failure`, `bpmn-error`, `unlock`, `hand-off`, or how it ended without a
    /// decision: `undecided`, `error`, `trap`, `timeout`.
    pub outcome: String,
    /// The code of a BPMN error.
    pub code: Option<String>,
    /// The message of a BPMN error or failure.
    pub message: Option<String>,
    /// The details of a failure.
    pub details: Option<String>,
    /// What happens after a failure: `policy`, `never`, `system-down`, `exactly`.
    pub retry: Option<String>,
    /// The variables for the process.
    pub variables: BTreeMap<String, Variable>,
    /// The variables for the task's own scope.
    pub local_variables: BTreeMap<String, Variable>,
    /// The lines that the handler logged.
    pub logs: Vec<Line>,
    /// All that `fetchlock test --json` tells of it.
    pub json: Value,
}

/// A variable that the handler gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// The engine's name of its type.
    pub type_name: String,
    /// Its value as the engines' REST interface has it: JSON and dates as text, bytes in Base64.
    pub value: Value,
    /// Further facts, such as the name of a file.
    pub info: Value,
}

/// A line of log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// `trace` to `error`.
    pub level: String,
    /// What it says.
    pub message: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl Ran {
    pub(crate) fn of(json: Value) -> Self {
        let optional = |key: &str| json[key].as_str().map(str::to_owned);
        Self {
            outcome: text(&json["outcome"]),
            code: optional("code"),
            message: optional("message"),
            details: optional("details"),
            retry: optional("retry"),
            variables: variables(&json["variables"]),
            local_variables: variables(&json["local-variables"]),
            logs: json["logs"].as_array().into_iter().flatten().map(Line::of).collect(),
            json,
        }
    }

    /// The value of a variable for the process.
    ///
    /// # Panics
    /// The handler did not give it; the message says what it gave.
    #[track_caller]
    pub fn value(&self, name: &str) -> &Value {
        match self.variables.get(name) {
            Some(variable) => &variable.value,
            None => panic!("expected a variable `{name}`, found {:?} ({self})", self.variables.keys()),
        }
    }

    /// Whether there is a line of this level with this text in its message.
    pub fn has_logged(&self, level: &str, text: &str) -> bool {
        self.logs.iter().any(|line| line.level == level && line.message.contains(text))
    }
}

/// In one line, for the message of an assertion: `assert_eq!(ran.outcome, "complete", "{ran}")`.
impl fmt::Display for Ran {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "outcome {}", self.outcome)?;
        for (what, text) in [("code", &self.code), ("message", &self.message), ("details", &self.details)] {
            text.as_ref().map_or(Ok(()), |text| write!(formatter, ", {what} {text:?}"))?;
        }
        Ok(())
    }
}

impl Line {
    fn of(json: &Value) -> Self {
        let fields = json["fields"].as_object().into_iter().flatten();
        Self {
            level: text(&json["level"]),
            message: text(&json["message"]),
            fields: fields.map(|(name, value)| (name.clone(), text(value))).collect(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.level.to_uppercase(), self.message)?;
        self.fields.iter().try_for_each(|(name, value)| write!(formatter, " {name}={value}"))
    }
}

fn variables(json: &Value) -> BTreeMap<String, Variable> {
    let variable = |json: &Value| Variable {
        type_name: text(&json["type"]),
        value: json["value"].clone(),
        info: json["valueInfo"].clone(),
    };
    json.as_object().into_iter().flatten().map(|(name, json)| (name.clone(), variable(json))).collect()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
