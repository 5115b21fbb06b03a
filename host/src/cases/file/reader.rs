//! Reads TOML by hand and strictly: what is wrong is noted with its line and told together, and reading goes on. By hand,
//! because a value here may be of any type, dates among them, and a table be one of several forms.

use std::cell::RefCell;

use jiff::SignedDuration;
use toml_edit::{ImDocument, Item, TableLike, Value};

use crate::{
    foreign::Escaped,
    settings::{
        Problems,
        strict::Place,
        wording::{advice, listed},
    },
};

/// A value is quoted up to this many characters.
const MAX_QUOTED: usize = 80;

/// A file that is being read.
pub(super) struct Reader<'a> {
    name: String,
    text: &'a str,
    problems: RefCell<Problems>,
}

impl<'a> Reader<'a> {
    /// Parses a text and begins to read it. `name` is what messages call the file.
    pub(super) fn parse(name: &str, text: &'a str) -> Result<(Self, ImDocument<&'a str>), Problems> {
        let reader = Self { name: name.to_owned(), text, problems: RefCell::default() };
        match ImDocument::parse(text) {
            Ok(document) => Ok((reader, document)),
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                let why = match error.message().trim() {
                    "" => "a value is missing".to_owned(),
                    message => message.replace('\n', ", "),
                };
                // The commonest slip; what else the parser expects it says itself.
                let advice = if why.starts_with("invalid string") { "; texts are written in quotes" } else { "" };
                Err(Problems::one(reader.place(start), format!("no valid TOML: {why}{advice}")))
            }
        }
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.text.get(..offset.min(self.text.len())).unwrap_or(self.text).matches('\n').count()
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(Escaped(&self.name).to_string(), self.line(offset))
    }

    /// Notes a problem at a byte.
    pub(super) fn problem(&self, offset: usize, text: impl std::fmt::Display) {
        let problems = self.problems.take().and(Problems::one(self.place(offset), text));
        self.problems.replace(problems);
    }

    /// `Ok` if nothing was wrong.
    pub(super) fn end(self) -> Result<(), Problems> {
        self.problems.into_inner().none()
    }
}

/// A table that is being read.
#[derive(Clone)]
pub(super) struct Table<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// Its name with those around it, and a dot; empty for the file itself.
    prefix: String,
    table: &'a dyn TableLike,
    /// Where it begins.
    pub(super) at: usize,
}

/// Something in a table.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// Its key with the tables around it.
    pub(super) path: String,
    pub(super) item: &'a Item,
    /// Where it begins.
    pub(super) at: usize,
}

impl<'a> Table<'a> {
    /// The file itself.
    pub(super) fn root(reader: &'a Reader<'a>, document: &'a ImDocument<&'a str>) -> Self {
        Self { reader, prefix: String::new(), table: document.as_table(), at: 0 }
    }

    /// What a key holds.
    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        let (written, item) = self.table.get_key_value(key)?;
        let at = written.span().or(item.span()).map_or(self.at, |span| span.start);
        Some(Entry { reader: self.reader, path: format!("{}{key}", self.prefix), item, at })
    }

    /// All that it holds.
    pub(super) fn entries(&self) -> Vec<(&'a str, Entry<'a>)> {
        self.table.iter().filter_map(|(key, _)| Some((key, self.get(key)?))).collect()
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes each key that is not among these.
    pub(super) fn only(&self, valid: &[&str]) {
        for (key, entry) in self.entries() {
            if !valid.contains(&key) {
                let path = &entry.path;
                let advice = advice(&Place::Default, &[key.to_owned()], valid);
                self.problem_at(entry.at, format!("unknown key `{path}`: {advice}"));
            }
        }
    }

    /// Notes a problem of the table as a whole.
    pub(super) fn problem(&self, text: impl std::fmt::Display) {
        self.problem_at(self.at, text);
    }

    fn problem_at(&self, at: usize, text: impl std::fmt::Display) {
        self.reader.problem(at, text);
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.text()
    }

    /// A text of at least one character.
    pub(super) fn name(&self, key: &str) -> Option<String> {
        let entry = self.get(key)?;
        let text = entry.text()?;
        if text.trim().is_empty() {
            return entry.wrong("a text that is not empty");
        }
        Some(text)
    }

    /// A truth value.
    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        let entry = self.get(key)?;
        entry.item.as_bool().or_else(|| entry.wrong("true or false"))
    }

    /// A whole number.
    pub(super) fn whole<T: TryFrom<i64>>(&self, key: &str, expected: &str) -> Option<T> {
        let entry = self.get(key)?;
        let number = entry.item.as_integer().and_then(|number| T::try_from(number).ok());
        number.or_else(|| entry.wrong(expected))
    }

    /// A duration.
    pub(super) fn duration(&self, key: &str) -> Option<std::time::Duration> {
        self.get(key)?.duration()
    }

    /// A table.
    pub(super) fn table(&self, key: &str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// A list of tables.
    pub(super) fn tables(&self, key: &str) -> Vec<Table<'a>> {
        self.get(key).map(|entry| entry.tables()).unwrap_or_default()
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(T, &str)]) -> Option<T> {
        self.get(key)?.choice(choices)
    }
}

impl<'a> Entry<'a> {
    /// Notes that something else was expected.
    pub(super) fn wrong<T>(&self, expected: &str) -> Option<T> {
        self.reader.problem(self.at, format!("`{}` is {}: expected {expected}", self.path, found(self.item)));
        None
    }

    /// Notes a problem.
    pub(super) fn problem<T>(&self, why: impl std::fmt::Display) -> Option<T> {
        self.reader.problem(self.at, format!("`{}`: {why}", self.path));
        None
    }

    /// A text.
    pub(super) fn text(&self) -> Option<String> {
        self.item.as_str().map(str::to_owned).or_else(|| self.wrong("a text in quotes"))
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Vec<String> {
        let texts =
            self.item.as_array().and_then(|list| list.iter().map(|it| it.as_str().map(str::to_owned)).collect());
        texts.or_else(|| self.wrong("a list of texts in quotes")).unwrap_or_default()
    }

    /// A duration.
    pub(super) fn duration(&self) -> Option<std::time::Duration> {
        const EXPECTED: &str = "a duration, written like \"30s\", \"5m\" or \"PT5M\"";
        let signed = self.item.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
        signed.and_then(|signed| signed.try_into().ok()).or_else(|| self.wrong(EXPECTED))
    }

    /// A table.
    pub(super) fn table(&self) -> Option<Table<'a>> {
        let Some(table) = self.item.as_table_like() else { return self.wrong("a table") };
        Some(Table { reader: self.reader, prefix: format!("{}.", self.path), table, at: self.at })
    }

    /// A list of tables, written as `[[KEY]]` or in brackets.
    pub(super) fn tables(&self) -> Vec<Table<'a>> {
        let reader = self.reader;
        let table = |table, at| Table { reader, prefix: format!("{}.", self.path), table, at };
        if let Item::ArrayOfTables(tables) = self.item {
            let start = |table: &toml_edit::Table| table.span().map_or(self.at, |span| span.start);
            return tables.iter().map(|each| table(each, start(each))).collect();
        }
        let Some(list) = self.item.as_array() else {
            self.wrong::<()>("a list of tables");
            return Vec::new();
        };
        let mut found = Vec::new();
        for value in list {
            let at = value.span().map_or(self.at, |span| span.start);
            match value.as_inline_table() {
                Some(each) => found.push(table(each, at)),
                None => reader.problem(at, format!("`{}` holds something else: expected a list of tables", self.path)),
            }
        }
        found
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(T, &str)]) -> Option<T> {
        let found = self.item.as_str().and_then(|word| choices.iter().find(|(_, name)| *name == word));
        match found {
            Some((choice, _)) => Some(*choice),
            None => {
                let names: Vec<&str> = choices.iter().map(|(_, name)| *name).collect();
                self.wrong(&listed(&names, "or", |name| format!("\"{name}\"")))
            }
        }
    }
}

/// What was found, as its writer knows it.
fn found(item: &Item) -> String {
    match item {
        Item::Value(Value::String(text)) => {
            let text = text.value();
            match text.char_indices().nth(MAX_QUOTED) {
                Some((end, _)) => format!("{:?}…", &text[..end]),
                None => format!("{text:?}"),
            }
        }
        Item::Value(Value::Integer(number)) => number.value().to_string(),
        Item::Value(Value::Float(number)) => number.value().to_string(),
        Item::Value(Value::Boolean(truth)) => truth.value().to_string(),
        Item::Value(Value::Datetime(_)) => "a date or time".into(),
        Item::Value(Value::Array(_)) | Item::ArrayOfTables(_) => "a list".into(),
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table".into(),
        Item::None => "nothing".into(),
    }
}
