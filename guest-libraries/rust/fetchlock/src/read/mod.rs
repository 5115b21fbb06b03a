//! Variables into a struct: the reading half of serde.

mod error;
#[cfg(test)]
mod tests;
mod value;

use std::cell::{Cell, OnceCell};

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use self::error::ReadError;
use self::value::ValueReader;
use crate::{Value, VariableError};

/// Where variables come from: the host, or a list of them.
pub(crate) trait Source {
    /// The values of these variables, in this order.
    fn get_many(&self, names: &[&str]) -> Vec<Option<Value>>;

    /// All variables.
    fn all(&self) -> Vec<(String, Value)>;
}

/// Reads variables into a struct (then no others are asked for) or a map (then all are).
pub(crate) fn read<T: DeserializeOwned>(source: &dyn Source) -> Result<T, VariableError> {
    let error = match attempt(source, None) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    if let ReadError::Missing(name) = &error
        // Which type was expected, serde tells only who has a value: again, with one that is not there.
        && let Err(told @ ReadError::InVariable { .. }) = attempt::<T>(source, Some(name))
    {
        return Err(told.into());
    }
    Err(error.into())
}

fn attempt<T: DeserializeOwned>(source: &dyn Source, absent: Option<&str>) -> Result<T, ReadError> {
    let slots = OnceCell::new();
    T::deserialize(Reader { source, absent, slots: &slots })
}

/// One variable while it is read. It is kept until all are, so that texts may be borrowed from it.
struct Slot {
    name: String,
    /// Taken when it is read; none if the task has no such variable.
    value: Cell<Option<Value>>,
    /// The text of a JSON document that is being read.
    text: OnceCell<String>,
}

struct Reader<'de, 'a> {
    source: &'a dyn Source,
    /// A variable that is read although the task has none of this name.
    absent: Option<&'a str>,
    slots: &'de OnceCell<Vec<Slot>>,
}

impl<'de> Reader<'de, '_> {
    fn visit<V: Visitor<'de>>(self, found: Vec<(String, Option<Value>)>, visitor: V) -> Result<V::Value, ReadError> {
        let mut slots: Vec<Slot> = found
            .into_iter()
            .filter(|(name, value)| value.is_some() || self.absent == Some(name))
            .map(|(name, value)| Slot { name, value: Cell::new(value), text: OnceCell::new() })
            .collect();
        if let Some(absent) = self.absent
            && slots.iter().all(|slot| slot.name != absent)
        {
            slots.push(Slot { name: absent.to_owned(), value: Cell::new(None), text: OnceCell::new() });
        }
        let slots = self.slots.get_or_init(|| slots);
        visitor.visit_map(Walk { rest: slots.iter(), next: None })
    }
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let all = self.source.all().into_iter().map(|(name, value)| (name, Some(value))).collect();
        self.visit(all, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let values = self.source.get_many(fields);
        let found = fields.iter().map(|name| (*name).to_owned()).zip(values).collect();
        self.visit(found, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple tuple_struct map
        enum identifier ignored_any
    }
}

/// The variables, one after the other.
struct Walk<'de> {
    rest: std::slice::Iter<'de, Slot>,
    next: Option<&'de Slot>,
}

impl<'de> MapAccess<'de> for Walk<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.next = self.rest.next();
        let Some(slot) = self.next else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::new(&slot.name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let slot =
            self.next.take().ok_or_else(|| ReadError::Other("a value without a name was asked for".to_owned()))?;
        let value = slot.value.take();
        let found = value.as_ref().map_or(NOT_THERE, Value::kind);
        let read = seed.deserialize(ValueReader::new(value, &slot.text));
        read.map_err(|error| error.in_variable(&slot.name, found))
    }
}

/// What is found where there is no variable.
const NOT_THERE: &str = "no such variable";
