//! How the values of settings and manifests are described: the JSON schemas of what [`written`] reads.
//!
//! Beside the words of JSON Schema there are two of our own, which `reference` turns into text: `x-written`, what is
//! expected as the value, and `x-absent`, what holds when the key is left out and no value can tell it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::Value;

use super::written::{self, AtLeastOne, Count, FilePath, Hundredths, Size, Span};

/// Gives a type a schema that stands where it is used, without a definition of its own.
macro_rules! described {
    ($(<$(const $bound:ident: $number:ty),*>)? $name:ident $(<$($argument:ident),*>)?, $schema:tt) => {
        impl $(<$(const $bound: $number),*>)? JsonSchema for $name $(<$($argument),*>)? {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

described!(<const MIN: u64, const MAX: u64> Span<MIN, MAX>, {
    "type": "string",
    "x-written": Self::wanted(),
});

described!(<const MIN: u64, const MAX: u64> Size<MIN, MAX>, {
    "type": ["string", "integer"],
    "x-written": Self::wanted(),
});

described!(<const MIN: u32, const MAX: u32> Count<MIN, MAX>, {
    "type": "integer",
    "minimum": MIN,
    "maximum": MAX,
    "x-written": Self::wanted(),
});

described!(<const MIN: u32, const MAX: u32> Hundredths<MIN, MAX>, {
    "type": "number",
    "minimum": Self::LEAST,
    "maximum": Self::GREATEST,
    "x-written": Self::wanted(),
});

described!(<const MAX: u32> AtLeastOne<MAX>, {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX,
    "x-written": Count::<1, MAX>::wanted(),
});

described!(FilePath, {
    "type": "string",
    "x-written": Self::WANTED,
});

/// The schema of a `T` in one piece, with the keywords of our own.
pub(crate) fn of<T: JsonSchema>() -> Schema {
    // Editors know draft 7 best, and without references a description can stand beside everything.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// What holds when the key at a path is left out, in the words of the reference (`x-absent`).
pub(super) fn when_absent<'a>(schema: &'a Value, path: &[String]) -> Option<&'a str> {
    let described = path.iter().try_fold(schema, |table, key| {
        // The tables of further engines are described where the first one is.
        let elsewhere = table["allOf"][0]["$ref"].as_str().and_then(|at| schema.pointer(at.strip_prefix('#')?));
        let table = elsewhere.unwrap_or(table);
        table.get("properties").and_then(|keys| keys.get(key)).or_else(|| table.get("additionalProperties"))
    });
    described?.get("x-absent")?.as_str()
}

/// A name, as [`written::name`] reads it.
pub(crate) fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "x-written": written::wanted_name() })
}
