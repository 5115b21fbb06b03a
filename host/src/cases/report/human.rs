//! The report for people: a line for each case, and below those that failed what is wrong, what differs, and what the
//! handler said.

use super::{Report, Told, Verdict};
use crate::{
    foreign::{Escaped, excerpt},
    sandbox::Line,
};

/// So many lines of a failed case's log are shown, the last ones: what went wrong is told in the end.
const SHOWN_LINES: usize = 20;

/// How many characters of a line are shown.
const SHOWN_TEXT: usize = 400;

/// The colours of a terminal, all empty where there are none.
#[derive(Clone, Copy)]
struct Colours {
    good: &'static str,
    bad: &'static str,
    dim: &'static str,
    plain: &'static str,
}

impl Colours {
    fn new(wanted: bool) -> Self {
        match wanted {
            true => Self { good: "\x1b[32m", bad: "\x1b[31m", dim: "\x1b[2m", plain: "\x1b[0m" },
            false => Self { good: "", bad: "", dim: "", plain: "" },
        }
    }
}

pub(super) fn write(report: &Report, coloured: bool) -> String {
    let colours = Colours::new(coloured);
    let mut text = String::new();
    for case in &report.cases {
        one(&mut text, case, colours);
    }
    for problem in &report.problems {
        text.push_str(&format!("{}error{} {}\n", colours.bad, colours.plain, Escaped(problem)));
    }
    let (passed, all) = (report.passed(), report.cases.len());
    let cases = if all == 1 { "case" } else { "cases" };
    text.push_str(&format!("{passed} of {all} {cases} passed\n"));
    text
}

/// Only those that failed, without colours and times.
pub(super) fn failures(report: &Report) -> String {
    let mut text = String::new();
    for case in report.cases.iter().filter(|case| !case.passed()) {
        text.push_str(&format!("FAILED {}\n", Escaped(&case.name)));
        details(&mut text, case, Colours::new(false));
    }
    text
}

fn one(text: &mut String, case: &Told, colours: Colours) {
    let Colours { good, bad, dim, plain } = colours;
    let (sign, colour) = match (&case.verdict, case.passed()) {
        (Verdict::Updated { .. }, _) => ("updated", good),
        (_, true) => ("ok", good),
        (_, false) => ("FAILED", bad),
    };
    let took = case.took.as_millis();
    text.push_str(&format!("{colour}{sign:7}{plain} {} {dim}({took} ms){plain}\n", Escaped(&case.name)));
    if !case.passed() {
        details(text, case, colours);
    } else if !case.updates().is_empty() {
        case.updates().iter().for_each(|was| text.push_str(&format!("        {}\n", Escaped(was))));
        differences(text, case, colours);
    }
}

/// What is wrong with a case.
fn details(text: &mut String, case: &Told, colours: Colours) {
    let Colours { dim, plain, .. } = colours;
    let described = case.description.as_ref().map(|it| format!(": {}", Escaped(it))).unwrap_or_default();
    text.push_str(&format!("        {dim}{}{described}{plain}\n", Escaped(case.file.display())));
    for problem in case.problems() {
        text.push_str(&format!("        {}\n", Escaped(problem)));
    }
    differences(text, case, colours);
    if let Some(observed) = case.observed() {
        said(text, &observed.logs, colours);
    }
}

/// What differs between expected and found.
fn differences(text: &mut String, case: &Told, colours: Colours) {
    let Colours { good, bad, plain, .. } = colours;
    if case.diff().lines().any(|line| line.starts_with(['-', '+'])) {
        text.push_str(&format!("        {bad}- expected{plain}, {good}+ found{plain}\n"));
    }
    for line in case.diff().lines() {
        let colour = match line.chars().next() {
            Some('-') => bad,
            Some('+') => good,
            _ => "",
        };
        let end = if colour.is_empty() { "" } else { plain };
        text.push_str(&format!("          {colour}{line}{end}\n"));
    }
}

fn said(text: &mut String, lines: &[Line], colours: Colours) {
    let Colours { dim, plain, .. } = colours;
    if lines.is_empty() {
        return;
    }
    text.push_str("        the handler said:\n");
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    if hidden > 0 {
        text.push_str(&format!("          {dim}({hidden} lines before){plain}\n"));
    }
    for line in &lines[hidden..] {
        text.push_str(&format!("          {dim}{}{plain}\n", written(line)));
    }
}

/// A line of a handler's log as people read it.
pub fn written(line: &Line) -> String {
    let Line { level, source, message, fields } = line;
    let fields: String =
        fields.iter().map(|(name, value)| format!(" {}={}", Escaped(name), excerpt(value, SHOWN_TEXT))).collect();
    let source = match source.name() {
        "log" => String::new(),
        stream => format!("{stream}: "),
    };
    format!("{:5} {source}{}{fields}", level.name().to_uppercase(), excerpt(message, SHOWN_TEXT))
}
