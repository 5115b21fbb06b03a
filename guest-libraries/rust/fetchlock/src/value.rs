//! Values with their engine types, exactly as they travel.

use crate::{Date, File};

/// A value with its engine type. Nothing is converted: a `Long` stays a `Long`, beyond 2^53 too, and a type that nobody
/// here knows is passed on unharmed.
///
/// A field of this type takes any variable, as it is; a handler that returns it passes it on.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value. The text is the type that the engine gives the missing value, such as `String`; none for the plain
    /// type `Null`.
    Null(Option<String>),
    /// `Boolean`
    Boolean(bool),
    /// `Short`, 16 bits.
    Short(i16),
    /// `Integer`, 32 bits.
    Integer(i32),
    /// `Long`, 64 bits.
    Long(i64),
    /// `Double`. NaN and the infinities are refused.
    Double(f64),
    /// `String`. Most engines store 4,000 characters at most; JSON, bytes or a file hold more.
    Text(String),
    /// `Date`
    Date(Date),
    /// `Bytes`
    Bytes(Vec<u8>),
    /// `File`
    File(File),
    /// `Json`: the text of a JSON document.
    Json(String),
    /// `Xml`: the text of an XML document.
    Xml(String),
    /// `Object`
    Object(Object),
    /// Any type not named here.
    Other(Other),
}

/// A serialised object of the engine's side (Java): its text, never the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The name of its Java type, such as `java.util.ArrayList<java.lang.String>`.
    pub type_name: String,
    /// How it is serialised, such as `application/json`.
    pub format: String,
    /// The serialised text.
    pub text: String,
}

/// A value of a type that this version of the contract does not know. It may be read and passed on unharmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The engine's name of the type.
    pub type_name: String,
    /// The value as JSON text.
    pub value: String,
    /// The engine's further facts about the value, as the text of a JSON object.
    pub value_info: String,
}

impl Value {
    /// The engine's name of the type; of an `Object` that of its Java type.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Object(object) => &object.type_name,
            Self::Other(other) => &other.type_name,
            _ => self.kind(),
        }
    }

    /// The engine's name of the type, if it has one that is always the same.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null(_) => "Null",
            Self::Boolean(_) => "Boolean",
            Self::Short(_) => "Short",
            Self::Integer(_) => "Integer",
            Self::Long(_) => "Long",
            Self::Double(_) => "Double",
            Self::Text(_) => "String",
            Self::Date(_) => "Date",
            Self::Bytes(_) => "Bytes",
            Self::File(_) => "File",
            Self::Json(_) => "Json",
            Self::Xml(_) => "Xml",
            Self::Object(_) => "Object",
            Self::Other(_) => "Other",
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}

macro_rules! from {
    ($($native:ty => $variant:ident),* $(,)?) => {$(
        impl From<$native> for Value {
            fn from(native: $native) -> Self {
                Self::$variant(native.into())
            }
        }
    )*};
}

from! {
    bool => Boolean, i16 => Short, i32 => Integer, i64 => Long, f64 => Double, &str => Text, String => Text,
    Date => Date, File => File, Object => Object, Other => Other,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(native: Option<T>) -> Self {
        native.map_or(Self::Null(None), Into::into)
    }
}
