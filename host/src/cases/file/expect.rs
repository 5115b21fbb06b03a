//! `[expect]` of a case file.

use std::collections::BTreeMap;

use super::{
    reader::{Entry, Table},
    values::{self, Surroundings},
};
use crate::{
    cases::expected::{AfterDecision, Expect, ExpectedLine, OutcomeName, TextPattern},
    sandbox::{Level, RetryWish},
};

/// The levels of lines, with their names in case files.
pub(in crate::cases) const LEVELS: [(Level, &str); 5] = [
    (Level::Trace, "trace"),
    (Level::Debug, "debug"),
    (Level::Info, "info"),
    (Level::Warn, "warn"),
    (Level::Error, "error"),
];

/// What every outcome has, and what only some have.
pub(super) const KEYS: [(&str, &[OutcomeName]); 13] = {
    use OutcomeName::{BpmnError, Complete, Error, Failure, HandOff, Timeout, Trap, Undecided, Unlock};
    const FAILED: &[OutcomeName] = &[Failure, Error, Trap, Timeout, Undecided];
    [
        ("outcome", &[]),
        ("code", &[BpmnError]),
        ("message", &[BpmnError, Failure, Error, Trap, Timeout]),
        ("details", &[Failure, Trap, Timeout]),
        ("variables", &[Complete, BpmnError, Failure]),
        ("local-variables", &[Complete, Failure]),
        ("others", &[Complete, BpmnError, Failure]),
        ("retry", &[Failure]),
        ("retries-left", FAILED),
        ("retry-after", FAILED),
        ("delay", &[Unlock]),
        ("duration", &[HandOff]),
        ("after-decision", &[Complete, BpmnError, Failure, Unlock, HandOff]),
    ]
};

/// The keys of `[expect]`.
fn keys() -> Vec<&'static str> {
    KEYS.iter().map(|(key, _)| *key).chain(["log"]).collect()
}

/// Reads `[expect]`. Without an outcome there is none; `update` says whether that will be mended.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>, update: bool) -> Option<Expect> {
    let Some(entry) = root.get("expect") else {
        if !update {
            root.problem("the case expects nothing: add [expect] with an `outcome`, or have it written by `fetchlock test --update`");
        }
        return None;
    };
    let table = entry.table()?;
    table.only(&keys());
    if !table.has("outcome") && !update {
        table.problem("[expect] has no `outcome`: add one, or have it written by `fetchlock test --update`");
    }
    let outcome = table.choice("outcome", &OutcomeName::ALL);
    if let Some(outcome) = outcome {
        only_of(outcome, &table);
    }
    let pattern = |key: &str| table.get(key).and_then(|entry| values::text_pattern(&entry));
    let variables = |key: &str| table.table(key).map(|it| values::patterns(&it, around));
    // All of it is read, so that all is told that is wrong; without an outcome for nothing else.
    let read = Expect {
        outcome: outcome.unwrap_or(OutcomeName::Complete),
        code: pattern("code"),
        message: pattern("message"),
        details: pattern("details"),
        variables: variables("variables"),
        local_variables: variables("local-variables"),
        others: table.truth("others").unwrap_or(false),
        retry: table.get("retry").and_then(|entry| retry(&entry)),
        retries_left: table.whole("retries-left", "a whole number from 0 on"),
        retry_after: table.duration("retry-after"),
        delay: table.duration("delay"),
        duration: table.duration("duration"),
        after_decision: table.get("after-decision").map(|entry| after_decision(&entry)).unwrap_or_default(),
        log: table.tables("log").iter().map(line).collect(),
    };
    outcome.map(|_| read)
}

/// Tells which keys have no meaning beside an outcome.
fn only_of(outcome: OutcomeName, table: &Table<'_>) {
    for (key, of) in KEYS {
        if let Some(entry) = table.get(key)
            && !of.is_empty()
            && !of.contains(&outcome)
        {
            let of: Vec<&str> = of.iter().map(|it| it.name()).collect();
            entry.problem::<()>(format!(
                "the outcome `{}` has none, only `{}`: remove it",
                outcome.name(),
                of.join("`, `")
            ));
        }
    }
}

fn retry(entry: &Entry<'_>) -> Option<RetryWish> {
    const WORDS: [(RetryWish, &str); 3] =
        [(RetryWish::Policy, "policy"), (RetryWish::Never, "never"), (RetryWish::SystemDown, "system-down")];
    if entry.item.as_table_like().is_some() {
        let table = entry.table()?;
        table.only(&["left", "delay"]);
        let retries = table.whole("left", "a whole number from 0 on");
        let after = table.duration("delay").unwrap_or_default();
        return retries
            .map(|retries| RetryWish::Exactly { retries, after })
            .or_else(|| entry.wrong("{ left = 2, delay = \"5m\" }"));
    }
    match entry.item.as_str().and_then(|word| WORDS.iter().find(|(_, name)| *name == word)) {
        Some((wish, _)) => Some(*wish),
        None => entry.wrong("\"policy\", \"never\", \"system-down\" or { left = 2, delay = \"5m\" }"),
    }
}

fn after_decision(entry: &Entry<'_>) -> Vec<AfterDecision> {
    if entry.item.as_array().is_none() {
        return entry.choice(&AfterDecision::ALL).into_iter().collect();
    }
    let mut read = Vec::new();
    for value in entry.item.as_array().into_iter().flatten() {
        let item = toml_edit::Item::Value(value.clone());
        let element = Entry { reader: entry.reader, path: entry.path.clone(), item: &item, at: entry.at };
        read.extend(element.choice(&AfterDecision::ALL));
    }
    read
}

fn line(table: &Table<'_>) -> ExpectedLine {
    table.only(&["level", "message", "fields"]);
    let fields = table.table("fields").map(|fields| {
        let read = |(name, entry): (&str, Entry<'_>)| Some((name.to_owned(), values::text_pattern(&entry)?));
        fields.entries().into_iter().filter_map(read).collect::<BTreeMap<String, TextPattern>>()
    });
    ExpectedLine {
        level: table.choice("level", &LEVELS),
        message: table.get("message").and_then(|entry| values::text_pattern(&entry)),
        fields: fields.unwrap_or_default(),
    }
}
