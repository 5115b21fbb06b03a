//! One field into a variable.

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::{WriteError, Written, json, value};
use crate::{Value, special};

/// What writes one value. What has parts ends in [`WriteError::Compound`].
pub(super) struct ValueWriter;

type Result<T> = std::result::Result<T, WriteError>;

macro_rules! plain {
    ($($method:ident: $native:ty as $variant:ident;)*) => {$(
        fn $method(self, native: $native) -> Result<Written> {
            Ok(Value::$variant(native.into()).into())
        }
    )*};
}

/// A whole number as a `Long`, if it fits.
fn long(number: impl TryInto<i64> + ToString + Copy) -> Result<Written> {
    let fits = number.try_into().map(|number| Value::Long(number).into());
    fits.map_err(|_| WriteError::Other(format!("{} does not fit a Long", number.to_string())))
}

impl Serializer for ValueWriter {
    type Ok = Written;
    type Error = WriteError;
    type SerializeSeq = Impossible<Written, WriteError>;
    type SerializeTuple = Impossible<Written, WriteError>;
    type SerializeTupleStruct = Impossible<Written, WriteError>;
    type SerializeTupleVariant = Impossible<Written, WriteError>;
    type SerializeMap = Impossible<Written, WriteError>;
    type SerializeStruct = Impossible<Written, WriteError>;
    type SerializeStructVariant = Impossible<Written, WriteError>;

    plain! {
        serialize_bool: bool as Boolean;
        serialize_i8: i8 as Short;
        serialize_i16: i16 as Short;
        serialize_i32: i32 as Integer;
        serialize_i64: i64 as Long;
        serialize_u8: u8 as Short;
        serialize_u16: u16 as Integer;
        serialize_u32: u32 as Long;
        serialize_f32: f32 as Double;
        serialize_f64: f64 as Double;
        serialize_char: char as Text;
        serialize_str: &str as Text;
        serialize_bytes: &[u8] as Bytes;
    }

    fn serialize_u64(self, number: u64) -> Result<Written> {
        long(number)
    }

    fn serialize_i128(self, number: i128) -> Result<Written> {
        long(number)
    }

    fn serialize_u128(self, number: u128) -> Result<Written> {
        long(number)
    }

    fn serialize_none(self) -> Result<Written> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<Written> {
        value(it)
    }

    fn serialize_unit(self) -> Result<Written> {
        Ok(Value::Null(None).into())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Written> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Written> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, it: &T) -> Result<Written> {
        match name {
            special::JSON => json(it),
            special::TRANSIENT => Ok(Written { transient: true, ..value(it)? }),
            _ if special::asked_type(name).is_some() => {
                special::ask(it, self)?.map(Written::from).ok_or(WriteError::Compound)
            }
            _ => value(it),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Written> {
        Err(WriteError::Compound)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq> {
        Err(WriteError::Compound)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        Err(WriteError::Compound)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct> {
        Err(WriteError::Compound)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(WriteError::Compound)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap> {
        Err(WriteError::Compound)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct> {
        Err(WriteError::Compound)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(WriteError::Compound)
    }
}
