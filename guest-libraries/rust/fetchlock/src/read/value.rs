//! One variable into a field.

use std::cell::OnceCell;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::value::SeqDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, Visitor};

use super::error::ReadError;
use crate::{Object, Value, special};

/// The format of serialised objects whose text can be read.
const JSON_FORMAT: &str = "application/json";

/// What reads one value.
pub(super) struct ValueReader<'de> {
    /// None if the task has no such variable.
    value: Option<Value>,
    /// Where the text of a JSON document is put, so that it may be borrowed.
    text: &'de OnceCell<String>,
}

type Result<T> = std::result::Result<T, ReadError>;

impl<'de> ValueReader<'de> {
    pub(super) fn new(value: Option<Value>, text: &'de OnceCell<String>) -> Self {
        Self { value, text }
    }

    /// The value where a plain one is wanted: what a JSON document holds, if it holds no more than that.
    fn plain(self) -> Option<Value> {
        match self.value {
            Some(Value::Json(text)) => match serde_json::from_str(&text) {
                Ok(Plain(value)) => Some(value),
                Err(_) => Some(Value::Json(text)),
            },
            value => value,
        }
    }

    /// A whole number, of whichever type, that `type_name` holds.
    fn whole(self, type_name: &str, range: RangeInclusive<i64>) -> Result<i64> {
        let number = match self.plain() {
            Some(Value::Short(number)) => number.into(),
            Some(Value::Integer(number)) => number.into(),
            Some(Value::Long(number)) => number,
            _ => return Err(ReadError::expected(type_name)),
        };
        if range.contains(&number) {
            return Ok(number);
        }
        Err(ReadError::found(type_name, format!("{number}, which is not from {} to {}", range.start(), range.end())))
    }

    fn double(self) -> Result<f64> {
        match self.plain() {
            Some(Value::Double(number)) => Ok(number),
            Some(Value::Short(number)) => Ok(number.into()),
            Some(Value::Integer(number)) => Ok(number.into()),
            // Wider than a Long: the greatest Long becomes 2^63, which would be cut down to that Long again.
            Some(Value::Long(number)) if number as f64 as i128 == number.into() => Ok(number as f64),
            Some(Value::Long(number)) => {
                Err(ReadError::found("Double", format!("the Long {number}, which a Double cannot hold exactly")))
            }
            _ => Err(ReadError::expected("Double")),
        }
    }

    fn text(self) -> Result<String> {
        if let Some(Value::Text(text)) = self.plain() { Ok(text) } else { Err(ReadError::expected("String")) }
    }

    /// The text of a JSON document, or of an object that is serialised as one.
    fn json(self) -> Result<&'de str> {
        let text = match self.value {
            Some(Value::Json(text)) => text,
            Some(Value::Object(Object { text, format, .. })) if format == JSON_FORMAT => text,
            _ => return Err(ReadError::expected("Json")),
        };
        Ok(self.text.get_or_init(|| text))
    }

    /// Reads a JSON document.
    fn document<T>(self, read: impl FnOnce(&mut JsonReader<'de>) -> serde_json::Result<T>) -> Result<T> {
        let mut reader = serde_json::Deserializer::from_str(self.json()?);
        let it = read(&mut reader).and_then(|it| reader.end().map(|()| it));
        it.map_err(|error| ReadError::Other(format!("the Json does not fit: {error}")))
    }
}

/// A document that holds a number, a text, a truth or null, and no more.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl Visitor<'_> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text, a truth or null")
    }

    fn visit_bool<E>(self, truth: bool) -> std::result::Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(i32::try_from(number).map_or(Value::Long(number), Value::Integer))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> std::result::Result<Value, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("a number does not fit a Long"))?;
        self.visit_i64(number)
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null(None))
    }
}

type JsonReader<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;

macro_rules! whole {
    ($($method:ident, $visit:ident: $number:ty as $type_name:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let number = self.whole($type_name, <$number>::MIN.into()..=<$number>::MAX.into())?;
            // It is in the range.
            visitor.$visit(number as $number)
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueReader<'de> {
    type Error = ReadError;

    whole! {
        deserialize_i8, visit_i8: i8 as "Short";
        deserialize_i16, visit_i16: i16 as "Short";
        deserialize_i32, visit_i32: i32 as "Integer";
        deserialize_i64, visit_i64: i64 as "Long";
        deserialize_u8, visit_u8: u8 as "Short";
        deserialize_u16, visit_u16: u16 as "Integer";
        deserialize_u32, visit_u32: u32 as "Long";
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u64(self.whole("Long", 0..=i64::MAX)?.unsigned_abs())
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i128(self.whole("Long", i64::MIN..=i64::MAX)?.into())
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u128(self.whole("Long", 0..=i64::MAX)?.unsigned_abs().into())
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.double()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.double()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.plain() {
            Some(Value::Boolean(truth)) => visitor.visit_bool(truth),
            _ => Err(ReadError::expected("Boolean")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            // Types of libraries for dates are read from a text, and ask for it so; a `String` asks otherwise.
            Some(Value::Date(date)) => visitor.visit_string(date.to_string()),
            _ => self.deserialize_string(visitor),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Some(Value::Bytes(bytes)) => visitor.visit_byte_buf(bytes),
            _ => Err(ReadError::expected("Bytes")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            None | Some(Value::Null(_)) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.plain() {
            Some(Value::Null(_)) => visitor.visit_unit(),
            _ => Err(ReadError::expected("Null")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        let Some(asked) = special::asked_type(name) else {
            return visitor.visit_newtype_struct(self);
        };
        match self.value {
            Some(Value::Json(_)) if name == special::JSON => {
                self.document(|reader| visitor.visit_newtype_struct(reader))
            }
            Some(value) if asked == value.kind() || asked == "Value" => special::hand_over(value, visitor),
            _ => Err(ReadError::expected(asked)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Some(Value::Bytes(bytes)) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => self.document(|reader| reader.deserialize_seq(visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.document(|reader| reader.deserialize_tuple(length, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.document(|reader| reader.deserialize_tuple_struct(name, length, visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.document(|reader| reader.deserialize_map(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.document(|reader| reader.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.value {
            Some(Value::Json(_) | Value::Object(_)) => {
                self.document(|reader| reader.deserialize_enum(name, variants, visitor))
            }
            _ => visitor.visit_enum(self.text()?.into_deserializer()),
        }
    }

    /// For who takes what there is: flattened and untagged fields, and documents of any shape.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            None => Err(ReadError::expected("a value")),
            Some(Value::Null(_)) => visitor.visit_unit(),
            Some(Value::Boolean(truth)) => visitor.visit_bool(truth),
            Some(Value::Short(number)) => visitor.visit_i16(number),
            Some(Value::Integer(number)) => visitor.visit_i32(number),
            Some(Value::Long(number)) => visitor.visit_i64(number),
            Some(Value::Double(number)) => visitor.visit_f64(number),
            Some(Value::Text(text) | Value::Xml(text)) => visitor.visit_string(text),
            Some(Value::Date(date)) => visitor.visit_string(date.to_string()),
            Some(Value::Bytes(bytes)) => visitor.visit_byte_buf(bytes),
            Some(Value::Json(_) | Value::Object(_)) => self.document(|reader| reader.deserialize_any(visitor)),
            Some(Value::File(_) | Value::Other(_)) => Err(ReadError::expected("what serde can hold")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}
