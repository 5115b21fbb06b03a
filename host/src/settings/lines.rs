//! Finds the line of a key in a TOML file.

use toml_edit::{ImDocument, Item, TableLike};

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
                message => message.replace('\n', ", "),
            };
            (line, format!("no valid TOML at column {column}: {why}; write `key = value`, with texts in quotes"))
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

    /// What a key holds.
    pub(super) fn item(&self, path: &[String]) -> Option<&Item> {
        path.iter().try_fold(self.document.as_item(), |item, key| item.as_table_like()?.get(key))
    }
}

/// One step down: where the key, or the element of a list, begins, and what it holds.
fn step<'a>(item: &'a Item, key: &str) -> (Option<usize>, Option<&'a Item>) {
    if let Some((key, inner)) = item.as_table_like().and_then(|table| TableLike::get_key_value(table, key)) {
        return (key.span().or(inner.span()).map(|span| span.start), Some(inner));
    }
    let index = key.parse::<usize>().ok();
    let element = index.and_then(|index| item.as_array()?.get(index));
    (element.and_then(|element| element.span()).map(|span| span.start), None)
}

/// Line and column of a byte of a text, both counted from 1, the column in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}
