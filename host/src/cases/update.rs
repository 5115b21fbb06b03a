//! Writes what was found into a case file as what is expected from now on. Comments, the order of keys, and patterns
//! that hold are left as they are.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

use super::{
    case::Case,
    expected::{Expect, TextPattern, ValuePattern},
    observed::Observed,
    same::Contents,
    write,
};
use crate::value::Variables;

/// Why a file is not updated.
#[derive(Debug, thiserror::Error)]
pub enum NotUpdated {
    /// What was found follows from answers that the case does not give.
    #[error("it is not updated, because its [[calls]] do not fit: their answers are for you to write")]
    Calls,
    /// Another part of the file does not let it.
    #[error("it cannot be updated: {0}")]
    File(String),
}

/// The text of a case file with what was found as its expectation.
///
/// # Errors
/// See [`NotUpdated`].
pub fn update(text: &str, case: &Case, observed: &Observed) -> Result<String, NotUpdated> {
    if !observed.call_problems.is_empty() {
        return Err(NotUpdated::Calls);
    }
    let mut document: DocumentMut = text.parse().map_err(|_| NotUpdated::File("it is no TOML any more".into()))?;
    let expect = document.entry("expect").or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = expect.as_table_like_mut() else {
        return Err(NotUpdated::File("`expect` is no table".into()));
    };
    let mut writer = Writer { table, before: case.expect.as_ref(), observed };
    writer.write();
    Ok(document.to_string())
}

struct Writer<'a> {
    table: &'a mut dyn TableLike,
    /// What was expected; `None` if nothing was.
    before: Option<&'a Expect>,
    observed: &'a Observed,
}

impl Writer<'_> {
    fn write(&mut self) {
        let Self { before, observed, .. } = *self;
        let seen = &observed.seen;
        // Another outcome is told with all that belongs to it.
        let anew = before.is_none_or(|before| before.outcome != seen.outcome);
        self.set("outcome", Some(write::text(seen.outcome.name())));
        self.text("code", before.and_then(|it| it.code.as_ref()), seen.code.as_ref(), anew);
        self.text("message", before.and_then(|it| it.message.as_ref()), seen.message.as_ref(), anew);
        self.text("details", before.and_then(|it| it.details.as_ref()), seen.details.as_ref(), false);
        self.optional("retry", before.is_some_and(|it| it.retry.is_some()) || anew, seen.retry.map(write::retry));
        let left = seen.retries_left.map(|it| it.to_string());
        self.optional("retries-left", before.is_some_and(|it| it.retries_left.is_some()), left);
        let after = seen.retry_after.map(write::duration);
        self.optional("retry-after", before.is_some_and(|it| it.retry_after.is_some()), after);
        self.optional("delay", before.is_some_and(|it| it.delay.is_some()) || anew, seen.delay.map(write::duration));
        self.optional(
            "duration",
            before.is_some_and(|it| it.duration.is_some()) || anew,
            seen.duration.map(write::duration),
        );
        self.after_decision();
        let others = before.is_some_and(|it| it.others) && !anew;
        let wanted = before.and_then(|it| it.variables.as_ref());
        self.variables("variables", wanted, &seen.variables, wanted.is_some() || anew, others);
        let wanted = before.and_then(|it| it.local_variables.as_ref());
        self.variables("local-variables", wanted, &seen.local_variables, wanted.is_some() || anew, others);
        if seen.variables.is_empty() && seen.local_variables.is_empty() && anew {
            self.table.remove("others");
        }
        self.log();
    }

    /// Gives a key a value, or takes it away.
    fn set(&mut self, key: &str, value: Option<String>) {
        match value.and_then(|value| value.parse::<Value>().ok()) {
            Some(value) => put(self.table, key, value),
            None => drop(self.table.remove(key)),
        }
    }

    /// A value that is written if it is `wanted` or known already.
    fn optional(&mut self, key: &str, wanted: bool, found: Option<String>) {
        if wanted || found.is_none() {
            self.set(key, found);
        }
    }

    fn text(&mut self, key: &str, before: Option<&TextPattern>, found: Option<&String>, anew: bool) {
        match (before, found) {
            (Some(before), Some(found)) if before.fits(found) => {}
            (Some(_), found) => self.set(key, found.map(|it| write::text(it))),
            (None, Some(found)) if anew => self.set(key, Some(write::text(found))),
            (None, _) => {}
        }
    }

    fn after_decision(&mut self) {
        let mut names: Vec<&str> = self.observed.afterwards.iter().map(|it| it.what.name()).collect();
        names.dedup();
        let list: Vec<String> = names.into_iter().map(write::text).collect();
        self.set("after-decision", (!list.is_empty()).then(|| format!("[{}]", list.join(", "))));
    }

    fn variables(
        &mut self,
        key: &str,
        wanted: Option<&BTreeMap<String, ValuePattern>>,
        found: &Variables,
        is_written: bool,
        others: bool,
    ) {
        if !is_written {
            return;
        }
        if found.is_empty() && wanted.is_none_or(|wanted| !wanted.is_empty()) {
            self.table.remove(key);
            return;
        }
        if !found.is_empty() && self.table.get(key).is_none_or(|it| it.as_table_like().is_none()) {
            self.table.insert(key, Item::Table(Table::new()));
        }
        let Some(table) = self.table.get_mut(key).and_then(Item::as_table_like_mut) else { return };
        let gone: Vec<String> =
            table.iter().map(|(name, _)| name.to_owned()).filter(|name| !found.contains_key(name)).collect();
        for name in gone {
            table.remove(&name);
        }
        for (name, variable) in found {
            let before = wanted.and_then(|wanted| wanted.get(name));
            let is_kept = before.is_some_and(|before| before.fits(variable, contents(self.observed)));
            let is_other = before.is_none() && others;
            if !is_kept
                && !is_other
                && let Ok(value) = write::variable(variable).parse::<Value>()
            {
                put(table, name, value);
            }
        }
    }

    /// Expected lines of log that did not come are no longer expected.
    fn log(&mut self) {
        let Some(before) = self.before.filter(|before| !before.log.is_empty()) else { return };
        let mut rest = self.observed.logs.iter();
        let kept: Vec<bool> = before
            .log
            .iter()
            .map(|wanted| {
                let ahead = rest.clone().position(|line| wanted.fits(line));
                if let Some(ahead) = ahead {
                    rest.nth(ahead);
                }
                ahead.is_some()
            })
            .collect();
        let mut kept = kept.into_iter();
        match self.table.get_mut("log") {
            Some(Item::ArrayOfTables(tables)) => tables.retain(|_| kept.next().unwrap_or(true)),
            Some(Item::Value(Value::Array(list))) => list.retain(|_| kept.next().unwrap_or(true)),
            _ => {}
        }
    }
}

fn contents(observed: &Observed) -> &Contents {
    &observed.contents
}

/// Puts a value in its place, with the comments of the one before.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(Item::Value(before)) => {
            *value.decor_mut() = before.decor().clone();
            *before = value;
        }
        Some(other) => *other = Item::Value(value),
        None => drop(table.entry_format(&Key::new(key)).or_insert(Item::Value(value))),
    }
}
