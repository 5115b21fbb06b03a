//! How engine types pass through serde, whose data model has none of them.
//!
//! A special type asks for a newtype struct with a name of ours. Our own reader and writer know these names and pass the
//! value whole, beside serde; any other format (JSON inside of a `Json` variable) sees what is natural there.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{self, Serialize, Serializer};

use crate::types::{Bytes, Xml};
use crate::{Date, File, Object, Other, Value};

/// What the names of ours begin with.
const PREFIX: &str = "$fetchlock::";

/// The name of [`Json`].
pub(crate) const JSON: &str = "$fetchlock::Json";

/// The name of [`Transient`].
pub(crate) const TRANSIENT: &str = "$fetchlock::Transient";

thread_local! {
    /// The value that passes beside serde at this moment.
    static PASSING: RefCell<Option<Value>> = const { RefCell::new(None) };
    /// Whether our writer is asking for the value itself.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// The engine type that a name of ours asks for, `Value` for any; none of another name.
pub(crate) fn asked_type(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// Hands a value to the special type that has asked for it.
pub(crate) fn hand_over<'de, V: Visitor<'de>, E: de::Error>(value: Value, visitor: V) -> Result<V::Value, E> {
    PASSING.set(Some(value));
    visitor.visit_unit()
}

/// The value of a special type; none if it is none.
pub(crate) fn ask<T: Serialize + ?Sized, S: Serializer>(special: &T, serializer: S) -> Result<Option<Value>, S::Error> {
    IS_ASKED.set(true);
    let answered = special.serialize(serializer);
    // After an error too: who catches it goes on with another value, which must not be taken for this one.
    IS_ASKED.set(false);
    let value = PASSING.take();
    answered.map(|_| value)
}

/// A type with an engine type of its own.
trait Special: Sized {
    /// Our name of it.
    const NAME: &'static str;

    /// The value as it travels.
    fn to_value(&self) -> Value;

    /// Of a value, which is of this type.
    fn of_value(value: Value) -> Option<Self>;

    /// Writes what is natural inside of JSON.
    fn write_inside<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads what is natural inside of JSON.
    fn read_inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// What is written under a name of ours.
struct Whole<'a, T>(&'a T);

impl<T: Special> Serialize for Whole<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if IS_ASKED.take() {
            PASSING.set(Some(self.0.to_value()));
            serializer.serialize_unit()
        } else {
            self.0.write_inside(serializer)
        }
    }
}

struct SpecialVisitor<T>(PhantomData<T>);

impl<'de, T: Special> Visitor<'de> for SpecialVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&T::NAME[PREFIX.len()..])
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        PASSING.take().and_then(T::of_value).ok_or_else(|| E::invalid_type(de::Unexpected::Unit, &self))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read_inside(deserializer)
    }
}

/// What has no form inside of JSON.
fn outside(what: &str) -> String {
    format!("a {what} is a variable of its own; it cannot be inside of Json")
}

impl Special for Value {
    const NAME: &'static str = "$fetchlock::Value";

    fn to_value(&self) -> Value {
        self.clone()
    }

    fn of_value(value: Value) -> Option<Self> {
        Some(value)
    }

    fn write_inside<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null(_) => serializer.serialize_unit(),
            Self::Boolean(truth) => serializer.serialize_bool(*truth),
            Self::Short(number) => serializer.serialize_i16(*number),
            Self::Integer(number) => serializer.serialize_i32(*number),
            Self::Long(number) => serializer.serialize_i64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Text(text) | Self::Xml(text) => serializer.serialize_str(text),
            Self::Date(date) => date.write_inside(serializer),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Json(text) => {
                let document: serde_json::Value = serde_json::from_str(text).map_err(ser::Error::custom)?;
                document.serialize(serializer)
            }
            Self::File(_) | Self::Object(_) | Self::Other(_) => Err(ser::Error::custom(outside(self.type_name()))),
        }
    }

    fn read_inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = serde_json::Value::deserialize(deserializer)?;
        value_of_json(document).ok_or_else(|| de::Error::custom("a number does not fit a Long"))
    }
}

/// A value of what a JSON document holds; none if it holds a number that a Long does not.
fn value_of_json(document: serde_json::Value) -> Option<Value> {
    Some(match document {
        serde_json::Value::Null => Value::Null(None),
        serde_json::Value::Bool(truth) => Value::Boolean(truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => i32::try_from(number).map_or(Value::Long(number), Value::Integer),
            None if number.is_u64() => return None,
            None => Value::Double(number.as_f64()?),
        },
        serde_json::Value::String(text) => Value::Text(text),
        document => Value::Json(document.to_string()),
    })
}

impl Special for Date {
    const NAME: &'static str = "$fetchlock::Date";

    fn to_value(&self) -> Value {
        Value::Date(*self)
    }

    fn of_value(value: Value) -> Option<Self> {
        if let Value::Date(date) = value { Some(date) } else { None }
    }

    fn write_inside<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }

    fn read_inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Special for Bytes {
    const NAME: &'static str = "$fetchlock::Bytes";

    fn to_value(&self) -> Value {
        Value::Bytes(self.0.clone())
    }

    fn of_value(value: Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(Self(bytes)) } else { None }
    }

    fn write_inside<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }

    fn read_inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl Special for Xml {
    const NAME: &'static str = "$fetchlock::Xml";

    fn to_value(&self) -> Value {
        Value::Xml(self.0.clone())
    }

    fn of_value(value: Value) -> Option<Self> {
        if let Value::Xml(text) = value { Some(Self(text)) } else { None }
    }

    fn write_inside<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }

    fn read_inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// A type that has no form inside of JSON.
macro_rules! only_outside {
    ($type:ident) => {
        impl Special for $type {
            const NAME: &'static str = concat!("$fetchlock::", stringify!($type));

            fn to_value(&self) -> Value {
                Value::$type(self.clone())
            }

            fn of_value(value: Value) -> Option<Self> {
                if let Value::$type(it) = value { Some(it) } else { None }
            }

            fn write_inside<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom(outside(stringify!($type))))
            }

            fn read_inside<'de, D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(de::Error::custom(outside(stringify!($type))))
            }
        }
    };
}

only_outside!(File);
only_outside!(Object);
only_outside!(Other);

/// Serde's traits for special types.
macro_rules! through_serde {
    ($($type:ident),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(<Self as Special>::NAME, &Whole(self))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_newtype_struct(<Self as Special>::NAME, SpecialVisitor(PhantomData))
            }
        }
    )*};
}

through_serde!(Value, Date, Bytes, Xml, File, Object, Other);

#[cfg(test)]
mod tests {
    use serde_json::value::Serializer as JsonWriter;

    use super::*;

    /// What fails when it is asked, before it answers or after.
    enum Failing {
        Before,
        After(Xml),
    }

    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if let Self::After(xml) = self {
                Whole(xml).serialize(serializer)?;
            }
            Err(ser::Error::custom("no"))
        }
    }

    fn xml() -> Xml {
        Xml("<a/>".to_owned())
    }

    #[test]
    fn an_error_leaves_neither_a_question_nor_an_answer_to_the_next_value() {
        for failing in [Failing::Before, Failing::After(xml())] {
            assert!(ask(&failing, JsonWriter).is_err());
            assert_eq!(ask(&7, JsonWriter).ok(), Some(None), "an answer is left");
            assert!(ask(&failing, JsonWriter).is_err());
            assert_eq!(serde_json::to_value(xml()).ok(), Some("<a/>".into()), "a question is left");
        }
        assert_eq!(ask(&Whole(&xml()), JsonWriter).ok(), Some(Some(Value::Xml("<a/>".to_owned()))));
    }
}
