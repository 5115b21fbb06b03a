//! Values in a case file: `42`, `true`, `"text"`, a date, or a table that names the type; and patterns for what is
//! expected.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use regex::Regex;
use toml_edit::{Datetime, Item, Value as Toml};

use super::reader::{Entry, Table};
use crate::{
    cases::{
        expected::{TextPattern, ValuePattern},
        json,
    },
    settings::wording::nearest,
    value::{Date, File, FileContent, Object, Other, Value, Variable, Variables},
};

/// What is expected as a value.
const VALUE: &str = "a text, a number, true or false, a date and time with its offset, or a table like \
                     { type = \"Json\", value = '{\"a\":1}' }";

/// What is expected of an expected value.
const PATTERN: &str = "a value as in [variables], or { any = true }, { contains = \"…\" } or { matches = \"…\" }";

/// The keys of a value that is a table.
pub(super) const KEYS: [&str; 15] = [
    "type",
    "value",
    "raw",
    "of",
    "transient",
    "filename",
    "mime-type",
    "encoding",
    "text",
    "base64",
    "file",
    "content-of",
    "type-name",
    "format",
    "value-info",
];

/// The keys of a pattern.
const PATTERN_KEYS: [&str; 3] = ["any", "contains", "matches"];

/// A file that a case names may not be larger; engines and their databases take less.
const MAX_FILE: u64 = 64 << 20;

/// Where files are looked for, and what was found in the task's files.
pub(super) struct Surroundings<'a> {
    /// The directory of the case file.
    pub(super) dir: &'a Path,
}

/// The task's variables, and the contents of those that are files: a handler loads them as from the engine.
pub(super) fn given(table: &Table<'_>, around: &Surroundings<'_>) -> (Variables, BTreeMap<String, Bytes>) {
    let (mut variables, mut contents) = (Variables::new(), BTreeMap::new());
    for (name, entry) in table.entries() {
        let Some(mut variable) = variable(&entry, around) else { continue };
        if let Value::File(file) = &mut variable.value {
            let content = std::mem::replace(&mut file.content, FileContent::Stored(name.to_owned()));
            if let FileContent::Bytes(bytes) = content {
                contents.insert(name.to_owned(), bytes);
            }
        }
        variables.insert(name.to_owned(), variable);
    }
    (variables, contents)
}

/// What is expected of variables.
pub(super) fn patterns(table: &Table<'_>, around: &Surroundings<'_>) -> BTreeMap<String, ValuePattern> {
    let read = |(name, entry): (&str, Entry<'_>)| Some((name.to_owned(), pattern(&entry, around)?));
    table.entries().into_iter().filter_map(read).collect()
}

fn pattern(entry: &Entry<'_>, around: &Surroundings<'_>) -> Option<ValuePattern> {
    if let Some(table) = entry.item.as_table_like()
        && !table.contains_key("type")
    {
        let table = entry.table()?;
        if !PATTERN_KEYS.iter().any(|key| table.has(key)) {
            return entry.wrong(PATTERN);
        }
        table.only(&PATTERN_KEYS);
        return match table.truth("any") {
            Some(true) => Some(ValuePattern::Any),
            Some(false) => entry.problem("`any` is false: leave it out"),
            None => text_of(&table).map(ValuePattern::Text),
        };
    }
    variable(entry, around).map(ValuePattern::Exact)
}

/// What is expected of a text.
pub(super) fn text_pattern(entry: &Entry<'_>) -> Option<TextPattern> {
    if let Some(text) = entry.item.as_str() {
        return Some(TextPattern::Exact(text.to_owned()));
    }
    if entry.item.as_table_like().is_none() {
        return entry.wrong("a text in quotes, or { contains = \"…\" } or { matches = \"…\" }");
    }
    let table = entry.table()?;
    table.only(&["contains", "matches"]);
    text_of(&table)
}

fn text_of(table: &Table<'_>) -> Option<TextPattern> {
    match (table.get("contains"), table.get("matches")) {
        (Some(entry), None) => entry.text().map(TextPattern::Contains),
        (None, Some(entry)) => match Regex::new(&entry.text()?) {
            Ok(regex) => Some(TextPattern::Matches(regex)),
            // The library draws the place on several lines, and says why on the last.
            Err(error) => {
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default().trim();
                entry.problem(why.strip_prefix("error: ").unwrap_or(why))
            }
        },
        _ => {
            table.problem("expected one of `contains` and `matches`");
            None
        }
    }
}

/// A value.
pub(super) fn variable(entry: &Entry<'_>, around: &Surroundings<'_>) -> Option<Variable> {
    let value = match entry.item {
        Item::Value(Toml::String(text)) => Value::String(text.value().clone()),
        Item::Value(Toml::Boolean(truth)) => Value::Boolean(*truth.value()),
        Item::Value(Toml::Integer(number)) => {
            i32::try_from(*number.value()).map_or(Value::Long(*number.value()), Value::Integer)
        }
        Item::Value(Toml::Float(number)) => Value::Double(finite(entry, *number.value())?),
        Item::Value(Toml::Datetime(date)) => Value::Date(date_of(entry, date.value())?),
        Item::Value(Toml::InlineTable(_)) | Item::Table(_) => return typed(entry, around),
        _ => return entry.wrong(VALUE),
    };
    Some(value.into())
}

fn finite(entry: &Entry<'_>, number: f64) -> Option<f64> {
    if number.is_finite() { Some(number) } else { entry.problem("the engine has finite numbers only") }
}

/// A date with its offset, as the engine keeps it.
fn date_of(entry: &Entry<'_>, date: &Datetime) -> Option<Date> {
    const EXPECTED: &str = "a date and time with its offset, such as 2026-11-21T10:11:12.345+01:00";
    if date.offset.is_none() || date.date.is_none() || date.time.is_none() {
        return entry.wrong(EXPECTED);
    }
    let text = date.to_string();
    let minutes = match date.offset {
        Some(toml_edit::Offset::Custom { minutes }) => minutes,
        _ => 0,
    };
    let Ok(timestamp) = text.parse::<Timestamp>() else { return entry.wrong(EXPECTED) };
    match Date::new(timestamp.as_millisecond(), minutes) {
        Ok(date) => Some(date),
        Err(why) => entry.problem(why),
    }
}

fn typed(entry: &Entry<'_>, around: &Surroundings<'_>) -> Option<Variable> {
    let table = entry.table()?;
    if !table.has("type") {
        return entry.wrong(VALUE);
    }
    let name = table.name("type")?;
    let transient = table.truth("transient").unwrap_or(false);
    // A value that the engine tells in another form than the usual one of its type.
    let is_raw = table.has("raw");
    let allowed: &[&str] = match name.as_str() {
        _ if is_raw => &["raw", "value-info"],
        "Null" => &["of"],
        "Bytes" => &["value", "text", "base64", "file"],
        "File" => &["filename", "mime-type", "encoding", "text", "base64", "file", "content-of"],
        "Object" => &["type-name", "format", "value"],
        "Boolean" | "Short" | "Integer" | "Long" | "Double" | "String" | "Date" | "Json" | "Xml" => &["value"],
        _ => &["value", "value-info"],
    };
    let valid: Vec<&str> =
        KEYS.into_iter().filter(|key| allowed.contains(key) || ["type", "transient"].contains(key)).collect();
    table.only(&valid);
    let value = match name.as_str() {
        _ if is_raw => other(&table, &name, "raw")?,
        "Null" => Value::Null(table.text("of")),
        "Bytes" => Value::Bytes(content(&table, around)?.unwrap_or_default()),
        "File" => Value::File(file(&table, around)?),
        "Object" => Value::Object(Object {
            type_name: required(&table, "type-name")?.text()?,
            format: table.text("format").unwrap_or_else(|| "application/json".into()),
            text: text_or_json(&required(&table, "value")?)?,
        }),
        "Boolean" | "Short" | "Integer" | "Long" | "Double" | "String" | "Date" | "Json" | "Xml" => {
            plain(&name, &required(&table, "value")?)?
        }
        _ => other(&table, &name, "value")?,
    };
    if let Err(why) = value.sendable() {
        let meant = nearest(&name, &KNOWN_TYPES).filter(|known| *known != name);
        let meant = meant.map(|known| format!("; or did you mean type {known:?}?")).unwrap_or_default();
        return entry.problem(format!("{why}{meant}"));
    }
    Some(Variable { value, transient })
}

/// A value whose JSON stands in this key.
fn other(table: &Table<'_>, name: &str, key: &str) -> Option<Value> {
    let value = required(table, key)?.text()?;
    let value_info = table.text("value-info").unwrap_or_default();
    Some(Value::Other(Other { type_name: name.to_owned(), value, value_info }))
}

/// The types of values that have a form of their own.
pub(in crate::cases) const KNOWN_TYPES: [&str; 13] = [
    "Null", "Boolean", "Short", "Integer", "Long", "Double", "String", "Date", "Bytes", "File", "Json", "Xml", "Object",
];

fn required<'a>(table: &Table<'a>, key: &str) -> Option<Entry<'a>> {
    let found = table.get(key);
    if found.is_none() {
        table.problem(format!("the value has no `{key}`: add it"));
    }
    found
}

fn plain(name: &str, entry: &Entry<'_>) -> Option<Value> {
    let whole = entry.item.as_integer();
    match name {
        "Boolean" => entry.item.as_bool().map(Value::Boolean).or_else(|| entry.wrong("true or false")),
        "Short" => {
            let short = whole.and_then(|it| i16::try_from(it).ok());
            short.map(Value::Short).or_else(|| entry.wrong("a whole number from -32768 to 32767"))
        }
        "Integer" => {
            let integer = whole.and_then(|it| i32::try_from(it).ok());
            integer.map(Value::Integer).or_else(|| entry.wrong("a whole number of 32 bits"))
        }
        "Long" => whole.map(Value::Long).or_else(|| entry.wrong("a whole number")),
        "Double" => {
            let number = entry.item.as_float().or(whole.map(|it| it as f64));
            match number {
                Some(number) => finite(entry, number).map(Value::Double),
                None => entry.wrong("a number"),
            }
        }
        "Date" => match entry.item {
            Item::Value(Toml::Datetime(date)) => date_of(entry, date.value()).map(Value::Date),
            _ => match entry.text()?.parse::<Date>() {
                Ok(date) => Some(Value::Date(date)),
                Err(_) => entry.wrong("a date and time with its offset, such as \"2026-11-21T10:11:12.345+0100\""),
            },
        },
        "Json" => text_or_json(entry).map(Value::Json),
        "Xml" => entry.text().map(Value::Xml),
        _ => entry.text().map(Value::String),
    }
}

/// A document: its text, or what TOML says in its own words.
fn text_or_json(entry: &Entry<'_>) -> Option<String> {
    match entry.item.as_str() {
        Some(text) => Some(text.to_owned()),
        None => json::of_item(entry.item).map(|json| json.to_string()).or_else(|| {
            entry.wrong("the text of a document, or a table or list without dates and numbers that are not finite")
        }),
    }
}

fn file(table: &Table<'_>, around: &Surroundings<'_>) -> Option<File> {
    let filename = required(table, "filename")?.text()?;
    let content = match table.text("content-of") {
        Some(variable) => FileContent::Stored(variable),
        None => match content(table, around)? {
            Some(bytes) => FileContent::Bytes(bytes),
            // Nobody may ask for it.
            None => FileContent::Stored(String::new()),
        },
    };
    Some(File { filename, mime_type: table.text("mime-type"), encoding: table.text("encoding"), content })
}

/// The bytes that a table gives in one of several ways; nothing within if it gives none.
pub(super) fn content(table: &Table<'_>, around: &Surroundings<'_>) -> Option<Option<Bytes>> {
    const WAYS: [&str; 4] = ["value", "text", "base64", "file"];
    let given: Vec<&str> = WAYS.into_iter().filter(|key| table.has(key)).collect();
    match given.as_slice() {
        [] => Some(None),
        [way] => {
            let entry = table.get(way)?;
            let text = entry.text()?;
            match *way {
                "text" => Some(Some(text.into())),
                "file" => read(&entry, &around.dir.join(text)).map(Some),
                _ => match STANDARD.decode(text.split_whitespace().collect::<String>()) {
                    Ok(bytes) => Some(Some(bytes.into())),
                    Err(_) => entry.wrong("a text in Base64"),
                },
            }
        }
        several => {
            table.problem(format!("the content is given several times, as `{}`: keep one", several.join("` and `")));
            None
        }
    }
}

fn read(entry: &Entry<'_>, path: &Path) -> Option<Bytes> {
    let read = fs::metadata(path).and_then(|metadata| match metadata.len() > MAX_FILE {
        true => Err(std::io::Error::other(format!("it is larger than {MAX_FILE} bytes"))),
        false => fs::read(path),
    });
    match read {
        Ok(bytes) => Some(bytes.into()),
        Err(error) => entry.problem(format!("{} cannot be read: {error}", path.display())),
    }
}

/// A moment as a case's clock begins with it: not before 1970.
pub(super) fn moment(entry: &Entry<'_>) -> Option<std::time::Duration> {
    const EXPECTED: &str =
        "a date and time with its offset, from 1970 on, such as 2026-01-01T12:00:00Z, without quotes";
    let Item::Value(Toml::Datetime(date)) = entry.item else { return entry.wrong(EXPECTED) };
    let timestamp = date.value().offset.and_then(|_| date.value().to_string().parse::<Timestamp>().ok());
    let since = timestamp.and_then(|it| std::time::Duration::try_from(it.as_duration()).ok());
    since.or_else(|| entry.wrong(EXPECTED))
}
