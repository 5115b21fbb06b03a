//! What is told about cases that were run: for people, as JSON, and as JUnit XML.

mod human;
mod json;
mod junit;

use std::{path::PathBuf, time::Duration};

use super::{compare::Comparison, observed::Observed};
use crate::settings::Problems;

/// All cases that were run.
#[derive(Debug, Default)]
pub struct Report {
    /// What became of each, in the order of their files.
    pub cases: Vec<Told>,
    /// What is wrong beside them: plugins that do not load, cases of no plugin.
    pub problems: Vec<String>,
}

/// What became of one case.
#[derive(Debug)]
pub struct Told {
    /// What it is called.
    pub name: String,
    /// Its file, as it was found.
    pub file: PathBuf,
    /// The plugin that it is of.
    pub plugin: String,
    /// What it shows, in the words of its author.
    pub description: Option<String>,
    /// How long it took by the clock on the wall.
    pub took: Duration,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a case.
#[derive(Debug)]
pub enum Verdict {
    /// It was run, and compared with what it expects.
    Compared {
        /// What was seen.
        observed: Box<Observed>,
        /// What of it is not as expected.
        comparison: Comparison,
    },
    /// Its file was written anew with what was seen.
    Updated {
        /// What was seen.
        observed: Box<Observed>,
        /// What of it was not as expected before; none if nothing was expected.
        before: Option<Comparison>,
    },
    /// Its file cannot be understood.
    Unreadable(Problems),
    /// It could not be run.
    NotRun(String),
}

impl Told {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        match &self.verdict {
            Verdict::Compared { comparison, .. } => comparison.is_equal(),
            Verdict::Updated { .. } => true,
            Verdict::Unreadable(_) | Verdict::NotRun(_) => false,
        }
    }

    /// What is wrong, each in one line.
    pub fn problems(&self) -> Vec<String> {
        match &self.verdict {
            Verdict::Compared { comparison, .. } => comparison.problems.clone(),
            Verdict::Updated { .. } => Vec::new(),
            Verdict::Unreadable(problems) => problems.lines().collect(),
            Verdict::NotRun(why) => vec![why.clone()],
        }
    }

    /// What was not as expected before the file was written anew, each in one line.
    pub fn updates(&self) -> &[String] {
        match &self.verdict {
            Verdict::Updated { before: Some(before), .. } => &before.problems,
            _ => &[],
        }
    }

    /// More about it, in lines.
    pub fn diff(&self) -> &str {
        match &self.verdict {
            Verdict::Compared { comparison, .. } | Verdict::Updated { before: Some(comparison), .. } => {
                &comparison.diff
            }
            Verdict::Updated { before: None, .. } | Verdict::Unreadable(_) | Verdict::NotRun(_) => "",
        }
    }

    /// What was seen.
    pub fn observed(&self) -> Option<&Observed> {
        match &self.verdict {
            Verdict::Compared { observed, .. } | Verdict::Updated { observed, .. } => Some(observed),
            Verdict::Unreadable(_) | Verdict::NotRun(_) => None,
        }
    }
}

impl Report {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// Whether all is well.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.passed() == self.cases.len()
    }

    /// For people; with colours if they are wanted.
    pub fn human(&self, coloured: bool) -> String {
        human::write(self, coloured)
    }

    /// What people read about the cases that failed.
    pub fn failures(&self) -> String {
        human::failures(self)
    }

    /// One JSON object.
    pub fn json(&self) -> serde_json::Value {
        json::write(self)
    }

    /// As JUnit writes it.
    ///
    /// # Errors
    /// When the XML cannot be written.
    pub fn junit(&self) -> std::io::Result<String> {
        junit::write(self)
    }
}

pub use self::{
    human::written as log_line,
    json::{calls as calls_json, lines as lines_json, seen as seen_json},
};
