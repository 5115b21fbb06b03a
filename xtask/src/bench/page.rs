//! The table in `docs/performance.md`, made from the files beside it.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::Measurement;
use super::figure::{Figure, Goal, Record};
use super::machine::Machine;
use crate::cargo::root;

/// Between these lines stands what is made.
const BEGIN: &str = "<!-- begin: made by `cargo xtask bench`, not by hand -->";
const END: &str = "<!-- end -->";

/// Writes the table.
///
/// # Errors
/// A result or the page cannot be read, or the page has lost its markers.
pub(super) fn write() -> Result<()> {
    let path = root().join("docs").join("performance.md");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("performance.md has no line {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("performance.md has no line {END}"))?;
    let made = table()?;
    fs::write(&path, format!("{before}{BEGIN}\n\n{made}\n{END}{after}")).context("cannot write performance.md")
}

fn table() -> Result<String> {
    let mut text = String::new();
    let mut shown: Option<(String, Machine)> = None;
    for measurement in Measurement::ALL {
        let Some(record) = Record::read(measurement.name())? else { continue };
        let here = (record.date, record.machine);
        if shown.as_ref() != Some(&here) {
            // Without an empty line before it, it would be a row of the table above.
            let gap = if text.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}Measured on {}: {}.\n", here.0, here.1.describe())?;
            writeln!(text, "| | found | goal | raw |\n|---|---|---|---|")?;
            shown = Some(here);
        }
        for figure in &record.figures {
            writeln!(text, "{}", line(figure, measurement))?;
        }
    }
    Ok(text)
}

fn line(figure: &Figure, measurement: Measurement) -> String {
    let Figure { what, found, goal } = figure;
    let goal = match goal {
        None => String::new(),
        Some(Goal { wanted, met: true }) => format!("{wanted}: met"),
        Some(Goal { wanted, met: false }) => format!("{wanted}: **not met**"),
    };
    let raw = measurement.name();
    format!("| {what} | {found} | {goal} | [{raw}](performance/{raw}.json) |")
}
