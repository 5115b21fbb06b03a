//! Finds the line of a key in a TOML file.

use toml_edit::{ImDocument, Item, Key, TableLike};

/// A TOML file, kept to find the lines of its keys.
pub(super) struct TomlFile {
    /// What messages call the file.
    pub(super) name: String,
    document: ImDocument<String>,
}

impl TomlFile {
    /// Takes the text of a file, or tells the line and what is wrong there.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, (usize, String)> {
        let document = ImDocument::parse(text.to_owned()).map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            // The parser says nothing about what simply ends too early.
            let why = match error.message().trim() {
                "" => "a value is missing".into(),
                // In the words of the integer that the parser tried to make.
                message if message.starts_with("number too ") => {
                    format!("whole numbers go from {} to {}", i64::MIN, i64::MAX)
                }
                message => message.replace('\n', ", "),
            };
            let of = number_key(text, line).map(|key| format!(" in the value of `{key}`")).unwrap_or_default();
            (line, format!("no valid TOML at column {column}{of}: {why}; write `key = value`, with texts in quotes"))
        })?;
        Ok(Self { name: name.to_owned(), document })
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
