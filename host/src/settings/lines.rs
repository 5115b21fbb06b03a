//! Finds the line of a key in a TOML file, and numbers that no parser of TOML takes.

use std::ops::Range;

use toml_edit::{ImDocument, Item, Key, TableLike, TomlError, Value};

/// More whole numbers of too many bits than this are not told each by its key.
const MAX_TOO_LARGE: usize = 20;

/// A TOML file, kept to find the lines of its keys.
pub(super) struct TomlFile {
    /// What messages call the file.
    pub(super) name: String,
    document: ImDocument<String>,
    /// Where the whole numbers stood that have more than 64 bits, and how they were written.
    too_large: Vec<(Vec<String>, String)>,
}

impl TomlFile {
    /// Takes the text of a file, or tells the line and what is wrong there.
    ///
    /// A whole number of more than 64 bits is no mistake of grammar, as which the parser has it, but a wrong value of its
    /// key: a zero of the same length is put in its place, and it is told by [`too_large`](Self::too_large).
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, (usize, String)> {
        let mut text = text.to_owned();
        let mut places = Vec::new();
        let document = loop {
            let error = match ImDocument::parse(text.clone()) {
                Ok(document) => break document,
                Err(error) => error,
            };
            let Some(place) = too_large(&error, &text).filter(|_| places.len() < MAX_TOO_LARGE) else {
                return Err(complaint(&error, &text));
            };
            let zero = format!("{:<1$}", 0, place.len());
            places.push((place.start, text[place.clone()].to_owned()));
            text.replace_range(place, &zero);
        };
        let path = |(offset, number)| Some((path_of(document.as_item(), offset)?, number));
        let too_large = places.into_iter().filter_map(path).collect();
        Ok(Self { name: name.to_owned(), document, too_large })
    }

    /// The text, with zeros instead of the numbers that are too large.
    pub(super) fn text(&self) -> &str {
        self.document.raw()
    }

    /// The whole numbers that have more than 64 bits: the path of each, and how it was written.
    pub(super) fn too_large(&self) -> &[(Vec<String>, String)] {
        &self.too_large
    }

    /// The line of a key, or of the nearest table around it.
    pub(super) fn line(&self, path: &[String]) -> usize {
        let (mut offset, mut here) = (0, Some(self.document.as_item()));
        for key in path {
            let Some(item) = here else { break };
            let (start, next) = step(item, key);
            offset = start.unwrap_or(offset);
            here = next;
        }
        position(self.document.raw(), offset).0
    }

    /// The keys of a table, in the order of their lines.
    pub(super) fn keys(&self, table: &[String]) -> Vec<String> {
        let table = self.item(table).and_then(Item::as_table_like);
        table.into_iter().flat_map(|table| table.iter()).map(|(key, _)| key.to_owned()).collect()
    }

    /// What a key holds.
    pub(super) fn item(&self, path: &[String]) -> Option<&Item> {
        path.iter().try_fold(self.document.as_item(), |item, key| Some(entry(item.as_table_like()?, key)?.1))
    }
}

/// The line of an error, and what is wrong there.
fn complaint(error: &TomlError, text: &str) -> (usize, String) {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    // The parser says nothing about what simply ends too early.
    let why = match error.message().trim() {
        "" => "a value is missing".into(),
        message => message.replace('\n', ", "),
    };
    let of = number_key(text, line).map(|key| format!(" in the value of `{key}`")).unwrap_or_default();
    (line, format!("no valid TOML at column {column}{of}: {why}; write `key = value`, with texts in quotes"))
}

/// Where a number stands of which the parser says that no integer of its own holds it.
fn too_large(error: &TomlError, text: &str) -> Option<Range<usize>> {
    if !error.message().starts_with("number too ") {
        return None;
    }
    let is_of_number = |c: char| c.is_ascii_alphanumeric() || "+-_".contains(c);
    let begin = error.span()?.start;
    let end = text.get(begin..)?.find(|c| !is_of_number(c)).map_or(text.len(), |length| begin + length);
    (begin < end).then_some(begin..end)
}

/// The path of the value that is written at a byte of the text.
fn path_of(item: &Item, offset: usize) -> Option<Vec<String>> {
    match item {
        Item::None => None,
        Item::Value(value) => path_of_value(value, offset),
        Item::Table(table) => path_of_entry(table, offset),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .enumerate()
            .find_map(|(index, table)| Some(below(&index.to_string(), path_of_entry(table, offset)?))),
    }
}

fn path_of_entry(table: &dyn TableLike, offset: usize) -> Option<Vec<String>> {
    table.iter().find_map(|(key, item)| Some(below(key, path_of(item, offset)?)))
}

fn path_of_value(value: &Value, offset: usize) -> Option<Vec<String>> {
    match value {
        Value::InlineTable(table) => path_of_entry(table, offset),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, value)| Some(below(&index.to_string(), path_of_value(value, offset)?))),
        value => value.span()?.contains(&offset).then(Vec::new),
    }
}

fn below(key: &str, mut path: Vec<String>) -> Vec<String> {
    path.insert(0, key.to_owned());
    path
}

/// One step down: where the key, or the element of a list, begins, and what it holds.
fn step<'a>(item: &'a Item, key: &str) -> (Option<usize>, Option<&'a Item>) {
    if let Some((key, inner)) = item.as_table_like().and_then(|table| entry(table, key)) {
        return (key.span().or(inner.span()).map(|span| span.start), Some(inner));
    }
    let index = key.parse::<usize>().ok();
    let element = index.and_then(|index| item.as_array()?.get(index));
    (element.and_then(|element| element.span()).map(|span| span.start), None)
}

/// The key of a line (counted from 1) that gives one a number, or what begins like one. No other part of a line may be
/// shown, for it may be a secret, and nothing of a line within a text.
fn number_key(text: &str, line: usize) -> Option<&str> {
    let (key, value) = text.lines().nth(line - 1)?.split_once('=')?;
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_. \t".contains(c);
    let is_number = value.trim_start().starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
    let above: Vec<&str> = text.lines().take(line - 1).collect();
    let is_within_text = ImDocument::parse(above.join("\n")).is_err();
    let key = key.trim();
    (is_number && !key.is_empty() && key.chars().all(is_bare) && !is_within_text).then_some(key)
}

/// The entry of a key. The names of headers are the one kind of key whose case does not matter.
fn entry<'a>(table: &'a dyn TableLike, key: &str) -> Option<(&'a Key, &'a Item)> {
    let written = || table.iter().map(|(other, _)| other).find(|other| other.eq_ignore_ascii_case(key));
    table.get_key_value(key).or_else(|| table.get_key_value(written()?))
}

/// Line and column of a byte of a text, both counted from 1, the column in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}
