//! Engine types that Rust has no type of its own for, to be named in a struct of variables.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::special;

/// A variable of type `Bytes`. (A `Vec<u8>` is read from one too, but written as a JSON array of numbers, for serde
/// cannot tell it from other lists.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// A variable of type `Xml`: the text of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Xml(pub String);

/// A variable of type `Json`, whatever is in it. Structs, lists and maps are `Json` without it; numbers, texts and
/// truths only with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A variable that is usable within the engine's transaction (by a gateway behind the task, say) and not stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transient<T>(pub T);

macro_rules! deref {
    ($([$($parameter:ident)?] $type:ty => $target:ty),*) => {$(
        impl$(<$parameter>)? Deref for $type {
            type Target = $target;

            fn deref(&self) -> &$target {
                &self.0
            }
        }

        impl$(<$parameter>)? DerefMut for $type {
            fn deref_mut(&mut self) -> &mut $target {
                &mut self.0
            }
        }

        impl$(<$parameter>)? From<$target> for $type {
            fn from(inner: $target) -> Self {
                Self(inner)
            }
        }
    )*};
}

deref!([] Bytes => Vec<u8>, [] Xml => String, [T] Json<T> => T, [T] Transient<T> => T);

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(special::JSON, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(special::JSON, Inner(PhantomData)).map(Self)
    }
}

impl<T: Serialize> Serialize for Transient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(special::TRANSIENT, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Transient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

struct Inner<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Inner<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Json")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}
