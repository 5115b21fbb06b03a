//! The tables in `docs/conformance.md`, made from the last runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use super::Subject;
use super::capabilities::{Capabilities, Capability};
use super::record::{Ending, Record, Results};
use crate::cargo::root;

/// Between these lines stands what is made.
const BEGIN: &str = "<!-- begin: made by `cargo xtask conformance`, not by hand -->";
const END: &str = "<!-- end -->";

/// Writes the tables.
///
/// # Errors
/// The page cannot be read or has lost its markers, a test belongs to no capability, or a capability has no test.
pub(super) fn write(records: &[(Subject, Record)]) -> Result<()> {
    let path = root().join("docs").join("conformance.md");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("conformance.md has no line {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("conformance.md has no line {END}"))?;
    let made = tables(&Capabilities::read()?, records)?;
    fs::write(&path, format!("{before}{BEGIN}\n\n{made}\n{END}{after}")).context("cannot write conformance.md")
}

/// One column: a set-up, and how its tests ended.
struct Column<'a> {
    subject: Subject,
    record: &'a Record,
    endings: BTreeMap<String, Ending>,
}

fn tables(capabilities: &Capabilities, records: &[(Subject, Record)]) -> Result<String> {
    let mut columns = Vec::new();
    for (subject, record) in records {
        let endings = record.endings().with_context(|| format!("the run on {}", subject.name()))?;
        for test in endings.keys() {
            capabilities.of(test)?;
        }
        columns.push(Column { subject: *subject, record, endings });
    }
    let mut text = set_ups(&columns);
    let mut notes = Notes::default();
    for group in &capabilities.groups {
        let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.subject.name())).collect();
        writeln!(text, "\n### {}\n\n| | {} |\n|---|{}", group.name, names.join(" | "), "---|".repeat(columns.len()))?;
        for capability in &group.capabilities {
            let cells: Result<Vec<String>> =
                columns.iter().map(|column| cell(capabilities, capability, column, &mut notes)).collect();
            writeln!(text, "| {} | {} |", capability.words, cells?.join(" | "))?;
        }
    }
    text.push_str(&notes.text());
    Ok(text)
}

/// What was run, when, and how it went in all.
fn set_ups(columns: &[Column<'_>]) -> String {
    let mut text = String::from("| set-up | engine | commit | run on | result | raw |\n|---|---|---|---|---|---|\n");
    for Column { subject, record, endings } in columns {
        let name = subject.name();
        let result = match &record.results {
            Results::NotToBeHad(why) => format!("**not to be had**: {why}"),
            Results::Output { seconds, .. } => {
                let count = |matches: fn(&Ending) -> bool| endings.values().filter(|ending| matches(ending)).count();
                let passed = count(|ending| *ending == Ending::Passed);
                let mut result = format!("{passed} passed");
                for (count, what) in [
                    (count(|ending| matches!(ending, Ending::Differs(_))), "differ"),
                    (count(|ending| *ending == Ending::Failed), "**failed**"),
                ] {
                    if count > 0 {
                        result.push_str(&format!(", {count} {what}"));
                    }
                }
                format!("{result}; {seconds} s")
            }
        };
        text.push_str(&format!(
            "| `{name}` | {} | {} | {} | {result} | [output](conformance/{name}.txt) |\n",
            record.engine, record.commit, record.date
        ));
    }
    text
}

/// How a capability fared in a set-up.
fn cell(all: &Capabilities, capability: &Capability, column: &Column<'_>, notes: &mut Notes) -> Result<String> {
    if matches!(column.record.results, Results::NotToBeHad(_)) {
        return Ok("not to be had".to_owned());
    }
    let mut tests = 0;
    let mut failed = 0;
    let mut reasons = Vec::new();
    for (test, ending) in &column.endings {
        if all.of(test)? != capability {
            continue;
        }
        tests += 1;
        match ending {
            Ending::Passed => {}
            Ending::Differs(why) => reasons.extend(why.iter().cloned()),
            Ending::Failed => failed += 1,
        }
    }
    if tests == 0 {
        let reason = match column.subject {
            Subject::Embedded => &capability.on_embedded,
            Subject::Real(..) => &capability.on_real,
        };
        let Some(reason) = reason else {
            let Capability { words, .. } = capability;
            bail!("the capability `{words}` has no test on {}: name the reason beside it", column.subject.name())
        };
        return Ok(reason.clone());
    }
    if failed > 0 {
        return Ok(format!("**failed** ({failed} of {tests})"));
    }
    if reasons.is_empty() {
        return Ok("passed".to_owned());
    }
    let marks: Vec<String> = reasons.iter().map(|why| notes.mark(why)).collect();
    let mut marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    marks.dedup();
    Ok(format!("differs {}", marks.join(", ")))
}

/// Reasons for differences, each told once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, why: &str) -> String {
        let known = self.0.iter().position(|known| known == why);
        let place = known.unwrap_or_else(|| {
            self.0.push(why.to_owned());
            self.0.len() - 1
        });
        format!("({})", place + 1)
    }

    fn text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let lines: String = self.0.iter().enumerate().map(|(at, why)| format!("{}. {why}\n", at + 1)).collect();
        format!("\nWhat differs, and why:\n\n{lines}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Record {
        let text = format!("{text}\ntest result: ok.\n");
        let results = Results::Output { seconds: 9, text };
        let (engine, commit, date) = ("an engine".to_owned(), "0a1b2c3".to_owned(), "2026-11-21".to_owned());
        Record { engine, commit, date, results }
    }

    #[test]
    fn a_cell_says_passed_differs_failed_or_why_there_is_nothing() {
        let text = r#"
            group = [{ name = "Group", capabilities = [
                { words = "both", tests = ["a::"] },
                { words = "real only", tests = ["b::"], on-embedded = "needs BPMN" },
                { words = "ours", tests = ["c::"], on-real = "ours alone" },
            ] }]
        "#;
        let capabilities: Capabilities = toml_edit::de::from_str(text).expect("read");
        let setup = fetchlock_harness::real_engine::Setup::OPERATON;
        let embedded = run("test a::embedded::x ... ok\ntest c::y ... FAILED");
        let real =
            run("test a::real::x ... ok\ntest b::real::z ... ok\n---- a::real::x stdout ----\ndiffers: no field");
        let gone = Record { results: Results::NotToBeHad("no artifact".to_owned()), ..run("") };
        let records =
            [(Subject::Embedded, embedded), (Subject::Real("real", setup), real), (Subject::Real("gone", setup), gone)];
        let made = tables(&capabilities, &records).expect("made");
        for line in [
            "| `embedded` | an engine | 0a1b2c3 | 2026-11-21 | 1 passed, 1 **failed**; 9 s | [output](conformance/embedded.txt) |",
            "| `real` | an engine | 0a1b2c3 | 2026-11-21 | 1 passed, 1 differ; 9 s | [output](conformance/real.txt) |",
            "| `gone` | an engine | 0a1b2c3 | 2026-11-21 | **not to be had**: no artifact | [output](conformance/gone.txt) |",
            "| both | passed | differs (1) | not to be had |",
            "| real only | needs BPMN | passed | not to be had |",
            "| ours | **failed** (1 of 1) | ours alone | not to be had |",
            "1. no field",
        ] {
            assert!(made.lines().any(|made| made == line), "{line}\n{made}");
        }
    }

    #[test]
    fn a_capability_that_nothing_shows_is_an_error() {
        let text = r#"group = [{ name = "Group", capabilities = [{ words = "both", tests = ["a::"] }] }]"#;
        let capabilities: Capabilities = toml_edit::de::from_str(text).expect("read");
        let error = tables(&capabilities, &[(Subject::Embedded, run(""))]).expect_err("refused");
        assert_eq!(error.to_string(), "the capability `both` has no test on embedded: name the reason beside it");
    }
}
