//! The tables and keys that a schema describes, in the order in which their types declare them.

use serde_json::{Map, Value};

use super::schema::{ABSENT, WRITTEN};

/// A table of the file; the first one is the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, such as `worker.backoff`; empty for the file itself.
    pub path: String,
    /// What it is about, in Markdown.
    pub doc: String,
    /// Its keys without the tables in it.
    pub keys: Vec<Key>,
}

/// A key and what may be written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name with its tables, such as `worker.backoff.max`.
    pub path: String,
    /// What it means, in Markdown.
    pub doc: String,
    /// What is expected as its value, in words.
    pub expected: Option<String>,
    /// The values among which one is chosen, if it is so.
    pub choices: Vec<Choice>,
    /// What holds when it is left out, in Markdown.
    pub default: Option<String>,
    /// Whether its value is a table whose keys are the user's own.
    pub is_table: bool,
    /// Whether the values in that are tables with keys.
    pub holds_tables: bool,
    /// The keys of the table that may be its value, or of each table in it.
    pub parts: Vec<Key>,
}

/// One of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value as TOML.
    pub value: String,
    /// What it means, in Markdown.
    pub doc: String,
}

/// The tables of a schema, each before those in it.
pub(super) fn tables(schema: &Value) -> Vec<Table> {
    let mut tables = Vec::new();
    if let Some(schema) = schema.as_object() {
        collect(&mut tables, String::new(), schema);
    }
    tables
}

fn collect(tables: &mut Vec<Table>, path: String, schema: &Map<String, Value>) {
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let (inner, keys): (Vec<_>, Vec<_>) = properties(schema).partition(|(_, it)| it.contains_key("properties"));
    let keys = keys.into_iter().map(|(name, it)| key(within(name), it)).collect();
    let inner: Vec<_> = inner.into_iter().map(|(name, it)| (within(name), it)).collect();
    tables.push(Table { path, doc: doc(schema), keys });
    inner.into_iter().for_each(|(path, it)| collect(tables, path, it));
}

fn key(path: String, schema: &Map<String, Value>) -> Key {
    let choices = list(schema, "oneOf").filter_map(|choice| {
        let value = choice.get("const").map(Value::to_string)?;
        Some(Choice { value, doc: doc(choice) })
    });
    let tables = list(schema, "anyOf").chain(schema.get("additionalProperties").and_then(Value::as_object));
    // A table of its own, or (`allOf`) one that is described elsewhere.
    let is_described = |each: &Value| ["properties", "allOf"].iter().any(|keyword| each.get(keyword).is_some());
    let parts = tables.flat_map(properties).map(|(name, part)| key(name.to_owned(), part));
    Key {
        doc: doc(schema),
        expected: expected(schema),
        choices: choices.collect(),
        default: default(schema),
        is_table: schema.get("type").is_some_and(|it| it == "object"),
        holds_tables: schema.get("additionalProperties").is_some_and(is_described),
        parts: parts.collect(),
        path,
    }
}

/// What is expected as a value, in words.
pub(super) fn expected(schema: &Map<String, Value>) -> Option<String> {
    if let Some(words) = schema.get(WRITTEN).and_then(Value::as_str) {
        return Some(words.to_owned());
    }
    let bounds = || {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (min, max) = (bound("minimum"), bound("maximum"));
        min.zip(max).map(|(min, max)| format!(" from {min} to {max}")).unwrap_or_default()
    };
    match schema.get("type").and_then(Value::as_str)? {
        "boolean" => Some("true or false".to_owned()),
        "integer" => Some(format!("a whole number{}", bounds())),
        "number" => Some(format!("a number{}", bounds())),
        "array" => Some("a list of texts in quotes".to_owned()),
        "string" => Some("a text in quotes".to_owned()),
        _ => None,
    }
}

/// What holds when a key is left out, in Markdown: words, or the value as TOML.
pub(super) fn default(schema: &Map<String, Value>) -> Option<String> {
    let words = schema.get(ABSENT).and_then(Value::as_str).map(str::to_owned);
    // Of texts, numbers, truth values and empty lists, the JSON is TOML too.
    words.or_else(|| schema.get("default").map(|value| format!("`{value}`")))
}

/// A doc comment with each paragraph on one line.
pub(super) fn unwrapped(doc: &str) -> String {
    doc.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

fn doc(schema: &Map<String, Value>) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    let named = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    named.filter_map(|(name, schema)| Some((name.as_str(), schema.as_object()?)))
}

fn list<'a>(schema: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
