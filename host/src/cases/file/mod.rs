//! The format of case files: strict TOML, one case in a file.

mod calls;
mod expect;
mod reader;
#[cfg(test)]
mod tests;
mod values;

use std::{collections::BTreeMap, path::Path, time::Duration};

use toml_edit::{Item, Value as Toml};

pub(super) use self::{
    calls::{CORRELATE_ERRORS, Faulty, HTTP_ERRORS, RECEIVERS, SCOPES, START_ERRORS},
    values::KNOWN_TYPES,
};
use self::{
    reader::{Entry, Reader, Table},
    values::Surroundings,
};
use super::case::Case;
use crate::{
    grant::{Grant, HttpPatterns, RequestedGrants},
    plugins::{NoCaseText, case_files::CASE_ENDING},
    sandbox::Seed,
    settings::{Problems, strict::Place},
    task::{Task, TaskId, Topic, WorkerId},
    value::Date,
};

/// Where a case's clock begins if it does not say so: 2026-01-01T00:00:00Z.
const CLOCK: Duration = Duration::from_secs(1_767_225_600);

/// What a case's random numbers are derived from if it does not say so.
const SEED: &str = "0";

/// What is wrong with a case that has no text.
pub(super) fn without_text(file_name: &str, why: &NoCaseText) -> Problems {
    let line = match why {
        NoCaseText::Encoding { line } => *line,
        NoCaseText::Unreadable(_) | NoCaseText::TooLarge | NoCaseText::Format => 0,
    };
    Problems::one(Place::Line(file_name.to_owned(), line), why)
}

/// Reads the text of a case file.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn parse(path: &Path, file_name: &str, text: &str, update: bool) -> Result<Case, Problems> {
    let (reader, document) = Reader::parse(file_name, text)?;
    let root = Table::root(&reader, &document);
    let around = Surroundings { dir: path.parent().unwrap_or(Path::new("")) };
    root.only(&["description", "clock", "seed", "task", "variables", "config", "grants", "calls", "expect"]);
    let (variables, contents) = root.table("variables").map(|it| values::given(&it, &around)).unwrap_or_default();
    let case = Case {
        path: path.to_owned(),
        name: file_name.strip_suffix(CASE_ENDING).unwrap_or(file_name).to_owned(),
        description: root.text("description"),
        clock: root.get("clock").and_then(|entry| values::moment(&entry)).unwrap_or(CLOCK),
        seed: seed(&root),
        task: task(root.table("task").as_ref()),
        variables,
        contents,
        config: root.table("config").map(|it| config(&it)).unwrap_or_default(),
        grants: root.table("grants").map(|it| grants(&it)),
        calls: calls::read(&root, &around),
        expect: expect::read(&root, &around, update),
    };
    drop(root);
    drop(document);
    reader.end().map(|()| case)
}

fn seed(root: &Table<'_>) -> Seed {
    let read = root.get("seed").and_then(|entry| match entry.item {
        Item::Value(Toml::Integer(number)) => Some(Seed::new(number.value().to_string())),
        Item::Value(Toml::String(text)) => Some(Seed::new(text.value())),
        _ => entry.wrong("a whole number or a text"),
    });
    read.unwrap_or_else(|| Seed::new(SEED))
}

/// The keys of `[task]`.
const TASK_KEYS: [&str; 16] = [
    "id",
    "business-key",
    "activity-id",
    "activity-instance-id",
    "execution-id",
    "process-instance-id",
    "process-definition-id",
    "process-definition-key",
    "process-definition-version-tag",
    "tenant-id",
    "retries",
    "priority",
    "create-time",
    "extension-properties",
    "error-message",
    "error-details",
];

fn task(table: Option<&Table<'_>>) -> Task {
    if let Some(table) = table {
        table.only(&[&TASK_KEYS[..], &["worker-id"]].concat());
    }
    let optional = |key: &str| table.and_then(|table| table.text(key));
    let text = |key: &str, default: &str| optional(key).unwrap_or_else(|| default.to_owned());
    let properties = table.and_then(|table| table.table("extension-properties"));
    let create_time = table.and_then(|table| table.get("create-time")).and_then(|entry| {
        let variable = values::variable(&entry, &Surroundings { dir: Path::new("") })?;
        match variable.value {
            crate::value::Value::Date(date) => Some(date),
            _ => entry.wrong::<Date>("a date and time with its offset"),
        }
    });
    Task {
        id: TaskId::new(text("id", "task-1")),
        topic: Topic::new(""),
        worker_id: WorkerId::new(text("worker-id", "worker-1")),
        business_key: optional("business-key"),
        activity_id: text("activity-id", "activity"),
        activity_instance_id: text("activity-instance-id", "activity:1"),
        execution_id: text("execution-id", "execution-1"),
        process_instance_id: text("process-instance-id", "instance-1"),
        process_definition_id: text("process-definition-id", "process:1:1"),
        process_definition_key: text("process-definition-key", "process"),
        process_definition_version_tag: optional("process-definition-version-tag"),
        tenant_id: optional("tenant-id"),
        retries: table.and_then(|table| table.whole("retries", "a whole number from 0 on")),
        priority: table.and_then(|table| table.whole("priority", "a whole number")).unwrap_or(0),
        create_time,
        extension_properties: properties.map(|it| config(&it)).unwrap_or_default(),
        error_message: optional("error-message"),
        error_details: optional("error-details"),
    }
}

/// Texts by name; numbers and truth values become texts, as in a manifest.
fn config(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for (name, entry) in table.entries() {
        let text = match entry.item {
            Item::Value(Toml::String(text)) => Some(text.value().clone()),
            Item::Value(Toml::Integer(number)) => Some(number.value().to_string()),
            Item::Value(Toml::Float(number)) => Some(number.value().to_string()),
            Item::Value(Toml::Boolean(truth)) => Some(truth.value().to_string()),
            _ => entry.wrong("a text in quotes, a number, true or false"),
        };
        read.extend(text.map(|text| (name.to_owned(), text)));
    }
    read
}

/// What the operator allows, by the keys of a manifest's `[grants]`.
fn grants(table: &Table<'_>) -> RequestedGrants {
    table.only(&Grant::ALL.map(Grant::key));
    let texts = |grant: Grant| table.get(grant.key()).map(|entry| entry.texts()).unwrap_or_default();
    let patterns = |entry: Entry<'_>| match HttpPatterns::parse(entry.texts().iter().map(String::as_str)) {
        Ok(patterns) => Some(patterns),
        Err(why) => entry.problem(why),
    };
    RequestedGrants {
        http: table.get(Grant::Http.key()).and_then(patterns).unwrap_or_default(),
        secrets: texts(Grant::Secrets).into_iter().collect(),
        start_process: texts(Grant::StartProcess).into_iter().collect(),
        correlate_message: texts(Grant::CorrelateMessage).into_iter().collect(),
    }
}
