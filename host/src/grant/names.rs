//! Exact names, as grants name processes, messages and secrets.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

/// Exact names, or any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Names(BTreeSet<String>);

/// What stands for any name.
const ANY: &str = "*";

/// The longest name, in characters: what the engines' databases take.
const MAX_NAME: usize = 255;

impl Names {
    fn are_any(&self) -> bool {
        self.0.contains(ANY)
    }

    /// Whether a name is among them.
    pub fn cover(&self, name: &str) -> bool {
        self.are_any() || self.0.contains(name)
    }

    /// The names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in both; a name that one side covers with `"*"` is in both.
    pub(super) fn common(&self, other: &Self) -> Self {
        match (self.are_any(), other.are_any()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            (false, false) => Self(self.0.intersection(&other.0).cloned().collect()),
        }
    }

    /// What is written here and not covered there.
    pub(super) fn beyond(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|name| !other.cover(name)).cloned().collect())
    }
}

/// As TOML writes a list of texts.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<T: Into<String>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// What is expected as names, in the words of messages and of the reference.
const WANTED: &str = "a list of names in quotes, or one text of names with commas between";

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["array", "string"],
            "items": { "type": "string" },
            "x-written": WANTED,
        })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = list.next_element::<String>()? {
            names.insert(sane(&name)?);
        }
        Ok(Names(names))
    }

    /// A variable of the environment can hold nothing else.
    fn visit_str<E: Error>(self, text: &str) -> Result<Names, E> {
        text.split(',').map(|name| sane(name.trim())).collect::<Result<_, E>>().map(Names)
    }
}

fn sane<E: Error>(name: &str) -> Result<String, E> {
    let is_sane = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    let wanted = format!("names of 1 to {MAX_NAME} characters without control characters, or \"*\" for any");
    is_sane.then(|| name.to_owned()).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &wanted.as_str()))
}
