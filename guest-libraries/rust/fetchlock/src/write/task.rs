//! All fields of a struct, or all entries of a map, into variables.

use serde::Serialize;
use serde::ser::{Impossible, SerializeMap, SerializeStruct, Serializer};

use super::{WriteError, value, variable};
use crate::{Value, Variable};

/// What writes a struct or a map. Nothing else is a list of variables, and ends in [`WriteError::Compound`].
pub(super) struct Writer;

/// The variables so far.
pub(super) struct Walk {
    variables: Vec<Variable>,
    /// The name of the next one.
    name: Option<String>,
}

impl Walk {
    fn for_about(count: usize) -> Self {
        Self { variables: Vec::with_capacity(count), name: None }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: String, it: &T) -> Result<(), WriteError> {
        self.variables.push(variable(name, it)?);
        Ok(())
    }
}

impl SerializeStruct for Walk {
    type Ok = Vec<Variable>;
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, it: &T) -> Result<(), WriteError> {
        self.add(name.to_owned(), it)
    }

    fn end(self) -> Result<Vec<Variable>, WriteError> {
        Ok(self.variables)
    }
}

impl SerializeMap for Walk {
    type Ok = Vec<Variable>;
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        let Value::Text(name) = value(key)?.value else {
            return Err(WriteError::Other("the name of a variable must be a text".to_owned()));
        };
        self.name = Some(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, it: &T) -> Result<(), WriteError> {
        let name = self.name.take().ok_or_else(|| WriteError::Other("a value without a name".to_owned()))?;
        self.add(name, it)
    }

    fn end(self) -> Result<Vec<Variable>, WriteError> {
        Ok(self.variables)
    }
}

macro_rules! no_list {
    ($($method:ident($($parameter:ty),*);)*) => {$(
        fn $method(self, $(_: $parameter),*) -> Result<Vec<Variable>, WriteError> {
            Err(WriteError::Compound)
        }
    )*};
}

macro_rules! no_list_of_parts {
    ($($method:ident($($parameter:ty),*) -> $parts:ident;)*) => {$(
        fn $method(self, $(_: $parameter),*) -> Result<Self::$parts, WriteError> {
            Err(WriteError::Compound)
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Vec<Variable>;
    type Error = WriteError;
    type SerializeSeq = Impossible<Vec<Variable>, WriteError>;
    type SerializeTuple = Impossible<Vec<Variable>, WriteError>;
    type SerializeTupleStruct = Impossible<Vec<Variable>, WriteError>;
    type SerializeTupleVariant = Impossible<Vec<Variable>, WriteError>;
    type SerializeMap = Walk;
    type SerializeStruct = Walk;
    type SerializeStructVariant = Impossible<Vec<Variable>, WriteError>;

    fn serialize_struct(self, _: &'static str, count: usize) -> Result<Walk, WriteError> {
        Ok(Walk::for_about(count))
    }

    fn serialize_map(self, count: Option<usize>) -> Result<Walk, WriteError> {
        Ok(Walk::for_about(count.unwrap_or_default()))
    }

    fn serialize_unit(self) -> Result<Vec<Variable>, WriteError> {
        Ok(Vec::new())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Vec<Variable>, WriteError> {
        Ok(Vec::new())
    }

    fn serialize_none(self) -> Result<Vec<Variable>, WriteError> {
        Ok(Vec::new())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<Vec<Variable>, WriteError> {
        it.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        it: &T,
    ) -> Result<Vec<Variable>, WriteError> {
        it.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<Variable>, WriteError> {
        Err(WriteError::Compound)
    }

    no_list! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    no_list_of_parts! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}
