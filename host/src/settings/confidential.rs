//! Reads what stands where a secret belongs: an error about it tells its kind, never the value itself.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

/// A value that may be a secret, or a table that may hold some.
pub(super) trait Confidential<'de>: Sized {
    /// What is expected, in the words of messages.
    const WANTED: &'static str;

    /// Takes a text, if it does.
    fn from_text(_: &str) -> Option<Self> {
        None
    }

    /// Takes a table, if one is expected.
    fn from_table<A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &Self::WANTED))
    }
}

/// Reads a value without repeating it in an error.
pub(super) fn read<'de, T: Confidential<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(ConfidentialVisitor(PhantomData))
}

struct ConfidentialVisitor<T>(PhantomData<T>);

impl<'de, T: Confidential<'de>> Visitor<'de> for ConfidentialVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| unlike::<T, E>("a text"))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<T, A::Error> {
        T::from_table(table)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Err(unlike::<T, E>("a truth value"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Err(unlike::<T, E>("a number"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Err(unlike::<T, E>("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Err(unlike::<T, E>("a number"))
    }
}

fn unlike<'de, T: Confidential<'de>, E: Error>(kind: &str) -> E {
    E::invalid_type(Unexpected::Other(kind), &T::WANTED)
}

/// A table with secrets among its keys. What is written instead of it may be one of them.
pub(in crate::settings) struct Table<T>(pub(in crate::settings) T);

impl<'de, T: Deserialize<'de>> Confidential<'de> for Table<T> {
    const WANTED: &'static str = "a table";

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from)
    }
}

/// Reads a field that is such a table.
pub(in crate::settings) fn table<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Table::deserialize(from).map(|Table(table)| table)
}
