//! What a measurement found: figures for the table, beside their goals, and the rows from which they were made.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine::Machine;
use crate::cargo::root;

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Figure {
    /// What was measured.
    pub(super) what: String,
    /// How much it is, with its unit.
    pub(super) found: String,
    /// What it should be, and whether it is; none for a figure that only stands beside others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) goal: Option<Goal>,
}

/// A goal, and whether it was met.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Goal {
    pub(super) wanted: String,
    pub(super) met: bool,
}

impl Figure {
    pub(super) fn new(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), found: found.into(), goal: None }
    }

    /// The same figure with a goal.
    pub(super) fn goal(mut self, wanted: impl Into<String>, met: bool) -> Self {
        self.goal = Some(Goal { wanted: wanted.into(), met });
        self
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<72} {}", self.what, self.found)?;
        match &self.goal {
            None => Ok(()),
            Some(Goal { wanted, met: true }) => write!(f, " (goal {wanted}: met)"),
            Some(Goal { wanted, met: false }) => write!(f, " (goal {wanted}: NOT MET)"),
        }
    }
}

/// What one measurement found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) figures: Vec<Figure>,
    /// As it was measured, a row each.
    pub(super) rows: Vec<Value>,
}

/// The same as it stands in its file.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) date: String,
    pub(super) machine: Machine,
    pub(super) figures: Vec<Figure>,
}

impl Findings {
    /// Adds a row, and shows it.
    pub(super) fn row(&mut self, row: Value) {
        println!("{row}");
        self.rows.push(row);
    }

    /// Writes them to the measurement's file, one row a line.
    ///
    /// # Errors
    /// The machine cannot be described, or the file not be written.
    pub(super) fn write(&self, name: &str) -> Result<()> {
        let date = jiff::Zoned::now().date();
        let machine = serde_json::to_string(&Machine::this()?).context("the machine as JSON")?;
        let figures = lines(&self.figures)?;
        let rows = lines(&self.rows)?;
        let text = format!(
            "{{\n\"date\": \"{date}\",\n\"machine\": {machine},\n\"figures\": [\n{figures}\n],\n\"rows\": [\n{rows}\n]\n}}\n"
        );
        let path = path(name);
        fs::create_dir_all(directory()).context("a directory for the results")?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Record {
    /// What was measured last; none if it never was.
    ///
    /// # Errors
    /// The file cannot be read or is no record.
    pub(super) fn read(name: &str) -> Result<Option<Self>> {
        let path = path(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("{} is no result", path.display()))
    }
}

fn directory() -> PathBuf {
    root().join("docs").join("performance")
}

fn path(name: &str) -> PathBuf {
    directory().join(format!("{name}.json"))
}

fn lines(values: &[impl Serialize]) -> Result<String> {
    let lines = values.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().context("results as JSON")?;
    Ok(lines.join(",\n"))
}
