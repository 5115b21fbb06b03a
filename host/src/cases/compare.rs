//! Tells what was expected from what was found: in lines of a case file, so that a difference can be read and pasted.

use std::collections::{BTreeMap, BTreeSet};

use similar::{ChangeTag, TextDiff};

use super::{
    expected::{Expect, ExpectedLine, TextPattern, ValuePattern},
    fake::CallProblem,
    json,
    observed::{Observed, Seen},
    same::Contents,
    write,
};
use crate::{
    foreign::{Escaped, escape_lines},
    sandbox::Line,
    value::{Value, Variable, Variables},
};

/// A document longer than this is shown in lines of its own, so that a difference within can be seen.
const LONG_DOCUMENT: usize = 60;

/// Unchanged lines around a difference.
const CONTEXT: usize = 3;

/// What differs between an expectation and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What is wrong, each in one line.
    pub problems: Vec<String>,
    /// More about it, in lines: differences, and calls as a case has them.
    pub diff: String,
}

impl Comparison {
    /// Whether all was as expected.
    pub fn is_equal(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: String, details: &str) {
        self.problems.push(Escaped(problem).to_string());
        if !details.is_empty() {
            if !self.diff.is_empty() {
                self.diff.push('\n');
            }
            self.diff.push_str(&escape_lines(details.trim_end_matches('\n')));
            self.diff.push('\n');
        }
    }
}

/// Compares what was found with what a case expects.
pub fn compare(expect: &Expect, observed: &Observed) -> Comparison {
    let mut comparison = calls(observed);
    outcome(&mut comparison, expect, observed);
    log(&mut comparison, &expect.log, &observed.logs);
    comparison
}

/// What is wrong with the calls alone.
pub(super) fn calls(observed: &Observed) -> Comparison {
    let mut comparison = Comparison::default();
    observed.call_problems.iter().for_each(|problem| call(&mut comparison, problem));
    comparison
}

fn call(comparison: &mut Comparison, problem: &CallProblem) {
    match problem {
        CallProblem::NotCanned(asked) => {
            let lines = [&["[[calls]]".to_owned()][..], asked, &suggested(asked)].concat();
            let what = asked.first().map(String::as_str).unwrap_or_default();
            let told = format!(
                "the handler calls what the case does not foresee: {what}; if that is right, add the call with its answer"
            );
            comparison.add(told, &lines.join("\n"));
        }
        CallProblem::Differs { line, wanted, asked } => {
            // Each with its end, or the last one of the shorter side would be another than the same within the longer.
            let [wanted, asked] =
                [wanted, asked].map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>());
            let diff = diff(&wanted, &asked);
            comparison.add(format!("the call of line {line} is another one"), &diff);
        }
        CallProblem::TooEarly { line, wanted, before } => {
            let what = wanted.first().map(String::as_str).unwrap_or_default();
            comparison.add(format!("the call of line {line} came before that of line {before}: {what}"), "");
        }
        CallProblem::NotMade { line, wanted } => {
            let what = wanted.first().map(String::as_str).unwrap_or_default();
            comparison.add(format!("the call of line {line} was not made: {what}"), "");
        }
        CallProblem::NoContent(name) => {
            let told = format!(
                "the handler loads the file `{name}`, whose content the case does not give: add `text`, `base64` or `file` to it in [variables]"
            );
            comparison.add(told, "");
        }
    }
}

/// An answer that a call may have, for somebody to change.
fn suggested(asked: &[String]) -> Vec<String> {
    let kind = asked.first().and_then(|line| line.split_once(' ')).map(|(kind, _)| kind).unwrap_or_default();
    let answer: &[&str] = match kind {
        "http" => &["status = 200", "body = \"\""],
        "start-process" => &["started = \"instance-2\""],
        "correlate-message" => &["receivers = [{ waiting = \"instance-2\" }]"],
        _ => &[],
    };
    answer.iter().map(|line| (*line).to_owned()).collect()
}

fn outcome(comparison: &mut Comparison, expect: &Expect, observed: &Observed) {
    let seen = &observed.seen;
    let mut sides =
        Sides { wanted: String::new(), found: String::new(), wrong: Vec::new(), contents: &observed.contents };
    sides.both("outcome", &write::text(expect.outcome.name()), &write::text(seen.outcome.name()));
    // Of another outcome all is told: why it is so stands somewhere in it.
    let all = expect.outcome != seen.outcome;
    sides.text("code", &expect.code, &seen.code, all);
    sides.text("message", &expect.message, &seen.message, all);
    sides.text("details", &expect.details, &seen.details, all && expect.details.is_some());
    sides.variables("variables", &expect.variables, &seen.variables, expect.others, all);
    sides.variables("local-variables", &expect.local_variables, &seen.local_variables, expect.others, all);
    sides.optional("retry", expect.retry.map(write::retry), seen.retry.map(write::retry), false);
    sides.optional(
        "retries-left",
        expect.retries_left.map(|it| it.to_string()),
        seen.retries_left.map(|it| it.to_string()),
        false,
    );
    sides.optional(
        "retry-after",
        expect.retry_after.map(write::duration),
        seen.retry_after.map(write::duration),
        false,
    );
    sides.optional("delay", expect.delay.map(write::duration), seen.delay.map(write::duration), all);
    sides.optional("duration", expect.duration.map(write::duration), seen.duration.map(write::duration), all);
    afterwards(&mut sides, expect, observed);
    if sides.wanted != sides.found {
        comparison.add(summary(expect, seen, &sides), &diff(&sides.wanted, &sides.found));
    }
    for after in observed.afterwards.iter().filter(|it| !expect.after_decision.contains(&it.what)) {
        comparison.add(format!("after its decision, {}", after.text), "");
    }
}

fn afterwards(sides: &mut Sides<'_>, expect: &Expect, observed: &Observed) {
    let list = |names: BTreeSet<&str>| {
        let names: Vec<String> = names.into_iter().map(write::text).collect();
        (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
    };
    let wanted = list(expect.after_decision.iter().map(|it| it.name()).collect());
    let found = list(observed.afterwards.iter().map(|it| it.what.name()).collect());
    sides.optional("after-decision", wanted, found, true);
}

/// In one line what is wrong with the outcome.
fn summary(expect: &Expect, seen: &Seen, sides: &Sides<'_>) -> String {
    if expect.outcome == seen.outcome {
        let keys: Vec<String> = sides.wrong.iter().map(|key| format!("`{key}`")).collect();
        return format!("the outcome is `{}` as expected, but not its {}", seen.outcome.name(), keys.join(", "));
    }
    let why =
        seen.message.as_ref().or(seen.code.as_ref()).map(|why| format!(": {}", first_line(why))).unwrap_or_default();
    format!("expected the outcome `{}`, found `{}`{why}", expect.outcome.name(), seen.outcome.name())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What was wanted and what was found, line by line. What is as it should be is written alike on both sides.
struct Sides<'a> {
    wanted: String,
    found: String,
    /// The keys that are not as they should be.
    wrong: Vec<String>,
    contents: &'a Contents,
}

impl Sides<'_> {
    fn both(&mut self, key: &str, wanted: &str, found: &str) {
        self.wanted.push_str(&format!("{key} = {wanted}\n"));
        self.found.push_str(&format!("{key} = {found}\n"));
        if wanted != found {
            self.wrong.push(key.to_owned());
        }
    }

    fn only_wanted(&mut self, key: &str, wanted: &str) {
        self.wanted.push_str(&format!("{key} = {wanted}\n"));
        self.wrong.push(key.to_owned());
    }

    fn only_found(&mut self, key: &str, found: &str) {
        self.found.push_str(&format!("{key} = {found}\n"));
        self.wrong.push(key.to_owned());
    }

    fn text(&mut self, key: &str, wanted: &Option<TextPattern>, found: &Option<String>, all: bool) {
        match (wanted, found) {
            (Some(wanted), Some(found)) if wanted.fits(found) => {
                let written = write::text_pattern(wanted);
                self.both(key, &written, &written);
            }
            (wanted, found) => {
                self.optional(
                    key,
                    wanted.as_ref().map(write::text_pattern),
                    found.as_ref().map(|it| write::text(it)),
                    all,
                );
            }
        }
    }

    /// A value that may be absent. If none is wanted, `all` says whether it is told.
    fn optional(&mut self, key: &str, wanted: Option<String>, found: Option<String>, all: bool) {
        match (wanted, found) {
            (Some(wanted), Some(found)) => self.both(key, &wanted, &found),
            (Some(wanted), None) => self.only_wanted(key, &wanted),
            (None, Some(found)) if all => self.only_found(key, &found),
            (None, _) => {}
        }
    }

    fn variables(
        &mut self,
        key: &str,
        wanted: &Option<BTreeMap<String, ValuePattern>>,
        found: &Variables,
        others: bool,
        all: bool,
    ) {
        let none = BTreeMap::new();
        let wanted = match wanted {
            Some(wanted) => wanted,
            None if all => &none,
            None => return,
        };
        let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
        for name in names {
            let key = format!("{key}.{}", write::key(name));
            match (wanted.get(name), found.get(name)) {
                (Some(pattern), Some(found)) if pattern.fits(found, self.contents) => {
                    let written = shown_pattern(pattern);
                    self.both(&key, &written, &written);
                }
                (Some(pattern), Some(found)) => self.both(&key, &shown_pattern(pattern), &shown(found)),
                (Some(pattern), None) => self.only_wanted(&key, &shown_pattern(pattern)),
                (None, Some(found)) if !others || all => self.only_found(&key, &shown(found)),
                (None, _) => {}
            }
        }
    }
}

fn shown_pattern(pattern: &ValuePattern) -> String {
    match pattern {
        ValuePattern::Exact(variable) => shown(variable),
        other => write::pattern(other),
    }
}

/// A variable as a case has it, a long document in lines.
fn shown(variable: &Variable) -> String {
    match &variable.value {
        Value::Json(text) if text.len() > LONG_DOCUMENT => {
            let pretty = Value::Json(format!("{}\n", json::pretty(text)));
            write::variable(&Variable { value: pretty, transient: variable.transient })
        }
        // Of documents that mean the same the writing does not matter.
        Value::Json(text) => {
            let plain = serde_json::from_str::<serde_json::Value>(text).map(|json| json.to_string());
            let value = Value::Json(plain.unwrap_or_else(|_| text.clone()));
            write::variable(&Variable { value, transient: variable.transient })
        }
        _ => write::variable(variable),
    }
}

fn log(comparison: &mut Comparison, wanted: &[ExpectedLine], found: &[Line]) {
    let mut lines = found.iter();
    for (number, expected) in wanted.iter().enumerate() {
        if !lines.any(|line| expected.fits(line)) {
            let before = if number == 0 { "" } else { " after those before it" };
            comparison.add(
                format!(
                    "no line of log is as [[expect.log]] number {} wants{before}: {}",
                    number + 1,
                    expected.written()
                ),
                "",
            );
            return;
        }
    }
}

impl ExpectedLine {
    /// Whether a line is so.
    pub(super) fn fits(&self, line: &Line) -> bool {
        let has = |(name, pattern): (&String, &TextPattern)| {
            line.fields.iter().any(|(other, value)| other == name && pattern.fits(value))
        };
        self.level.is_none_or(|level| level == line.level)
            && self.message.as_ref().is_none_or(|message| message.fits(&line.message))
            && self.fields.iter().all(has)
    }

    fn written(&self) -> String {
        let mut entries = Vec::new();
        entries.extend(self.level.map(|level| ("level", write::text(level.name()))));
        entries.extend(self.message.as_ref().map(|message| ("message", write::text_pattern(message))));
        if !self.fields.is_empty() {
            let fields: Vec<(&str, String)> =
                self.fields.iter().map(|(name, it)| (name.as_str(), write::text_pattern(it))).collect();
            entries.push(("fields", write::table(&fields)));
        }
        write::table(&entries)
    }
}

/// The lines of two texts that differ, with some around them: `-` stands before what was expected, `+` before what was
/// found.
fn diff(wanted: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(wanted, found);
    let mut written = String::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            written.push_str("  …\n");
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            written.push_str(&format!("{sign} {}\n", change.value().trim_end_matches('\n')));
        }
    }
    written
}
