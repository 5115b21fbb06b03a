//! `[filter]` of a manifest: how a filter is written, and which filters could take nothing.

use std::{collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor},
};

use crate::{
    settings::{Problems, strict::Layers},
    task::{Filter, Plain},
};

/// How a filter is written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(remote = "Filter", deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenFilter {
    /// Only tasks of process instances with this business key.
    #[serde(default)]
    #[schemars(extend("x-absent" = "any or none"))]
    business_key: Option<String>,
    /// Only tasks of the process definition with this id, which is one version of a process.
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "any_text", extend("x-absent" = "any"))]
    process_definition_id: Option<String>,
    /// Only tasks of process definitions with one of these ids; at least one.
    #[serde(default, deserialize_with = "texts")]
    #[schemars(extend("x-absent" = "any"))]
    process_definition_id_in: Vec<String>,
    /// Only tasks of the process with this key, in all its versions.
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "any_text", extend("x-absent" = "any"))]
    process_definition_key: Option<String>,
    /// Only tasks of processes with one of these keys; at least one.
    #[serde(default, deserialize_with = "texts")]
    #[schemars(extend("x-absent" = "any"))]
    process_definition_key_in: Vec<String>,
    /// Only tasks of process versions with this tag. The engine compares as SQL's LIKE does: `%` stands for any text
    /// and `_` for any character, so that `1.%` takes 1.0 and 1.1.
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "any_text", extend("x-absent" = "any or none"))]
    process_definition_version_tag: Option<String>,
    /// Only tasks of process instances in which **one** of these variables has the value beside it. That is the engine's
    /// rule: several variables are alternatives. It compares types too: a whole number is an Integer if it has at most
    /// 32 bits and else a Long, a fraction a Double. `{ null = true }` takes a variable without a value, of any type; one
    /// that is not there at all is not taken.
    #[serde(default, deserialize_with = "variables")]
    #[schemars(schema_with = "any_variables", extend("x-absent" = "any"))]
    process_variables: BTreeMap<String, Plain>,
    /// Only tasks of one of these tenants; at least one.
    #[serde(default, deserialize_with = "texts")]
    #[schemars(extend("x-absent" = "any or none"))]
    tenant_id_in: Vec<String>,
    /// Only tasks without a tenant. Not together with `filter.tenant-id-in`.
    #[serde(default)]
    without_tenant_id: bool,
}

/// The rules between the keys of a filter: one that takes nothing, or less than it says, is a mistake.
pub(super) fn check(filter: &Filter, layers: &Layers) -> Problems {
    let of = |key: &str, why: String| layers.misfit(&["filter", key], why);
    let mut problems = Problems::default();
    for (key, is_empty) in [
        ("process-definition-id-in", filter.process_definition_id_in.is_empty()),
        ("process-definition-key-in", filter.process_definition_key_in.is_empty()),
        ("process-variables", filter.process_variables.is_empty()),
        ("tenant-id-in", filter.tenant_id_in.is_empty()),
    ] {
        if is_empty && layers.gives(&["filter".to_owned(), key.to_owned()]) {
            let what = if key == "process-variables" { "table" } else { "list" };
            let why = format!("the {what} is empty: name at least one, or leave the key out to take all");
            problems = problems.and(of(key, why));
        }
    }
    for (key, one, list) in [
        ("process-definition-id", &filter.process_definition_id, &filter.process_definition_id_in),
        ("process-definition-key", &filter.process_definition_key, &filter.process_definition_key_in),
    ] {
        if let Some(one) = one
            && !list.is_empty()
            && !list.contains(one)
        {
            let why =
                format!("\"{one}\" is not in `filter.{key}-in`, so that no task is of both: leave one of the two out");
            problems = problems.and(of(key, why));
        }
    }
    if filter.without_tenant_id && !filter.tenant_id_in.is_empty() {
        let why = "a task of a tenant in `filter.tenant-id-in` has a tenant: leave one of the two out".to_owned();
        problems = problems.and(of("without-tenant-id", why));
    }
    problems
}

/// What [`Text`] reads, in the words of messages and of the reference.
const TEXT: &str = "a text in quotes that is not empty";

/// A name or id of the engine: an empty one would find nothing.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() { Err(D::Error::invalid_value(Unexpected::Str(""), &TEXT)) } else { Ok(Self(text)) }
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Text::deserialize(from).map(|Text(text)| Some(text))
}

/// Reads a list of names, none of them empty.
pub(super) fn texts<'de, D: Deserializer<'de>, T: From<Vec<String>>>(from: D) -> Result<T, D::Error> {
    let texts = Vec::<Text>::deserialize(from)?;
    Ok(texts.into_iter().map(|Text(text)| text).collect::<Vec<_>>().into())
}

fn any_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "x-written": TEXT })
}

/// What is expected as a variable's value, in words.
const VALUE: &str =
    "a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`";

fn any_variables(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                { "type": ["string", "number", "boolean"] },
                {
                    "type": "object",
                    "properties": { "null": { "const": true } },
                    "required": ["null"],
                    "additionalProperties": false,
                },
            ],
        },
        "x-written": format!("a table of names, each with {VALUE}; at least one"),
    })
}

fn variables<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Plain>, D::Error> {
    let table = BTreeMap::<String, Written>::deserialize(from)?;
    Ok(table.into_iter().map(|(name, Written(value))| (name, value)).collect())
}

/// The value of a variable as it is written.
struct Written(Plain);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(VALUE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Plain, A::Error> {
        // TOML has no null.
        match (table.next_entry::<String, bool>()?, table.next_key::<String>()?) {
            (Some((key, true)), None) if key == "null" => Ok(Plain::Null),
            _ => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Plain, E> {
        Ok(Plain::Truth(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Plain, E> {
        Ok(Plain::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Plain, E> {
        let whole = i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Plain::Whole(whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Plain, E> {
        if number.is_finite() {
            Ok(Plain::Fraction(number))
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }
}
