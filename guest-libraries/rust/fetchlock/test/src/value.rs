//! Values of variables that a test gives.

use toml::value::Datetime;
use toml::{Table, Value};

/// A value with its engine type. Rust's own types are made one by themselves: `bool`, `i32` (Integer), `i64` (Long),
/// `f64` (Double), texts (String).
#[derive(Debug, Clone)]
pub struct Given {
    /// As a case file has it.
    pub(crate) value: Table,
    /// What is put into a file beside the case.
    pub(crate) content: Option<Vec<u8>>,
}

impl Given {
    /// A value of a type that Fetchlock does not know, of its JSON text.
    pub fn of_other(type_name: &str, json: &str) -> Self {
        Self::of(type_name).with("value", json)
    }

    fn of(type_name: &str) -> Self {
        Self { value: Table::from_iter([("type".to_owned(), Value::from(type_name))]), content: None }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.value.insert(key.to_owned(), value.into());
        self
    }

    /// With a MIME type, for a file.
    #[must_use]
    pub fn mime_type(self, mime_type: &str) -> Self {
        self.with("mime-type", mime_type)
    }

    /// With a character encoding, for a file.
    #[must_use]
    pub fn encoding(self, encoding: &str) -> Self {
        self.with("encoding", encoding)
    }
}

macro_rules! from {
    ($($native:ty => $type_name:literal),*) => {$(
        impl From<$native> for Given {
            fn from(native: $native) -> Self {
                Self::of($type_name).with("value", native)
            }
        }
    )*};
}

from!(bool => "Boolean", i32 => "Integer", i64 => "Long", f64 => "Double", &str => "String", String => "String");

/// A `Short`.
pub fn short(number: i16) -> Given {
    Given::of("Short").with("value", i64::from(number))
}

/// A `Long`.
pub fn long(number: i64) -> Given {
    number.into()
}

/// A `Double`.
pub fn double(number: f64) -> Given {
    number.into()
}

/// A `Date`: `2026-01-31T12:00:00+02:00`.
///
/// # Panics
/// The text is none.
pub fn date(text: &str) -> Given {
    match text.parse::<Datetime>() {
        Ok(date) => Given::of("Date").with("value", date),
        Err(error) => panic!("`{text}` is no date: {error}"),
    }
}

/// A `Json`, of the text of a document.
pub fn json(text: impl Into<String>) -> Given {
    Given::of("Json").with("value", text.into())
}

/// An `Xml`, of the text of a document.
pub fn xml(text: impl Into<String>) -> Given {
    Given::of("Xml").with("value", text.into())
}

/// `Bytes`.
pub fn bytes(content: impl Into<Vec<u8>>) -> Given {
    Given { content: Some(content.into()), ..Given::of("Bytes") }
}

/// A `File`. As in production its content is only there when the handler loads it.
pub fn file(filename: &str, content: impl Into<Vec<u8>>) -> Given {
    Given { content: Some(content.into()), ..Given::of("File").with("filename", filename) }
}

/// A serialised `Object` of the engine's side, of its Java type and its text in JSON.
pub fn object(type_name: &str, text: impl Into<String>) -> Given {
    Given::of("Object").with("type-name", type_name).with("value", text.into())
}

/// A `Null`.
pub fn null() -> Given {
    Given::of("Null")
}
