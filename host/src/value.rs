//! The values of a process, each with the engine's own type, as they pass between engine and handler.

mod date;
mod sendable;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use date::{Date, NoSuchDate, Unread};
#[cfg(test)]
pub(crate) use sendable::odd_values;

/// Variables by name.
pub type Variables = BTreeMap<String, Variable>;

/// Which scope variables are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The process instance.
    Process,
    /// The task's execution.
    Local,
}

/// A value and how it is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// The value with its engine type.
    pub value: Value,
    /// Usable within the engine's transaction only, never stored (`valueInfo.transient`).
    pub transient: bool,
}

impl From<Value> for Variable {
    fn from(value: Value) -> Self {
        Self { value, transient: false }
    }
}

/// A value of one of the engine's types. Nothing is converted: what comes in goes out unchanged.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value; the text is the type of the missing value, `None` for the plain type `Null`.
    Null(Option<String>),
    /// `Boolean`
    Boolean(bool),
    /// `Short`
    Short(i16),
    /// `Integer`
    Integer(i32),
    /// `Long`
    Long(i64),
    /// `Double`; finite in everything that goes to the engine, because JSON has no other.
    Double(f64),
    /// `String`
    String(String),
    /// `Date`
    Date(Date),
    /// `Bytes`
    Bytes(Bytes),
    /// `File`
    File(File),
    /// `Json`: the text of a document.
    Json(String),
    /// `Xml`: the text of a document.
    Xml(String),
    /// `Object`: serialised by the engine's side.
    Object(Object),
    /// A type that Fetchlock does not know, passed through.
    Other(Other),
}

impl Value {
    /// The engine's name of the type, first letter large as the engine answers it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null(name) => name.as_deref().unwrap_or("Null"),
            Self::Boolean(_) => "Boolean",
            Self::Short(_) => "Short",
            Self::Integer(_) => "Integer",
            Self::Long(_) => "Long",
            Self::Double(_) => "Double",
            Self::String(_) => "String",
            Self::Date(_) => "Date",
            Self::Bytes(_) => "Bytes",
            Self::File(_) => "File",
            Self::Json(_) => "Json",
            Self::Xml(_) => "Xml",
            Self::Object(_) => "Object",
            Self::Other(other) => &other.type_name,
        }
    }

    /// The bytes of payload that the value carries, for limits; small fixed-size values count as 8.
    pub fn payload_len(&self) -> usize {
        const SCALAR: usize = 8;
        match self {
            Self::Null(_)
            | Self::Boolean(_)
            | Self::Short(_)
            | Self::Integer(_)
            | Self::Long(_)
            | Self::Double(_)
            | Self::Date(_) => SCALAR,
            Self::String(text) | Self::Json(text) | Self::Xml(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::File(file) => match &file.content {
                FileContent::Bytes(bytes) => bytes.len(),
                FileContent::Stored(name) => name.len(),
            },
            Self::Object(object) => object.text.len(),
            Self::Other(other) => other.value.len() + other.value_info.len(),
        }
    }
}

/// A file variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file's name; never empty.
    pub filename: String,
    /// The MIME type (`valueInfo.mimeType`).
    pub mime_type: Option<String>,
    /// The character encoding.
    pub encoding: Option<String>,
    /// The bytes, or where they lie.
    pub content: FileContent,
}

/// Where the content of a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Here.
    Bytes(Bytes),
    /// Still in the engine, in the task's variable of this name: the engine leaves file contents out of a fetch.
    Stored(String),
}

/// A serialised object of the engine's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its Java type (`valueInfo.objectTypeName`).
    pub type_name: String,
    /// Its format (`valueInfo.serializationDataFormat`).
    pub format: String,
    /// The serialised text.
    pub text: String,
}

/// A value of an unknown type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The engine's name of the type.
    pub type_name: String,
    /// The value as JSON text.
    pub value: String,
    /// `valueInfo` as JSON text.
    pub value_info: String,
}
