//! JSON in a case: what TOML says in its own words, and when two documents mean the same.

use serde_json::{Map, Number, Value};
use toml_edit::{Item, Value as Toml};

/// A document of what TOML says; none if there is something that JSON has not.
pub(super) fn of_item(item: &Item) -> Option<Value> {
    match item {
        Item::Value(value) => of_value(value),
        Item::Table(table) => {
            let entries = table.iter().map(|(key, item)| Some((key.to_owned(), of_item(item)?)));
            entries.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| of_item(&Item::Table(table.clone())))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Item::None => None,
    }
}

fn of_value(value: &Toml) -> Option<Value> {
    match value {
        Toml::String(text) => Some(Value::String(text.value().clone())),
        Toml::Integer(number) => Some(Value::from(*number.value())),
        Toml::Float(number) => Number::from_f64(*number.value()).map(Value::Number),
        Toml::Boolean(truth) => Some(Value::Bool(*truth.value())),
        Toml::Datetime(_) => None,
        Toml::Array(list) => list.iter().map(of_value).collect::<Option<Vec<_>>>().map(Value::Array),
        Toml::InlineTable(table) => {
            let entries = table.iter().map(|(key, value)| Some((key.to_owned(), of_value(value)?)));
            entries.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
    }
}

/// Whether two texts are documents that mean the same, whatever their spaces and the order of their keys.
pub(super) fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(one).is_some_and(|one| read(other).is_some_and(|other| one == other))
}

/// A document with a line for each part; the text itself if it is none.
pub(super) fn pretty(text: &str) -> String {
    // As raw values the numbers would keep their digits; they matter less here than the lines.
    let read = serde_json::from_str::<Value>(text).ok();
    read.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// A document of the lines of a case file; dates become texts.
pub(super) fn of_lines(lines: &[String]) -> Value {
    let Ok(document) = lines.join("\n").parse::<toml_edit::DocumentMut>() else { return Value::Null };
    table(document.as_table())
}

fn table(table: &dyn toml_edit::TableLike) -> Value {
    Value::Object(table.iter().map(|(key, item)| (key.to_owned(), told(item))).collect())
}

fn told(item: &Item) -> Value {
    match item {
        Item::Value(Toml::Datetime(date)) => Value::String(date.value().to_string()),
        Item::Value(Toml::Array(list)) => list.iter().map(|value| told(&Item::Value(value.clone()))).collect(),
        item => match item.as_table_like() {
            Some(inner) => table(inner),
            None => of_item(item).unwrap_or_default(),
        },
    }
}
