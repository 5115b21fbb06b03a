//! How a text that may be secret is written: in quotes, or as a table that tells where it comes from.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap,
};

use crate::{
    secret::{HIDDEN, Secret, SecretCommand, SecretSource},
    settings::written::{self, DAY, FilePath, SECOND, Span},
};

/// How long what a command printed is used by default: tokens mostly live longer, and a command is not free.
const DEFAULT_CACHE: Duration = Duration::from_secs(5 * 60);

/// What is expected, in the words of messages and of the reference.
const WANTED: &str = "a text in quotes, or a table of one of `file`, `env` and `command`";

/// The forms that are accepted.
#[derive(JsonSchema)]
#[schemars(untagged, extend("x-written" = WANTED))]
#[expect(dead_code, reason = "only its schema is used: what is read must not show in an error")]
enum Written {
    Text(String),
    Table(Table),
}

/// Where the text comes from; exactly one place.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    /// The text is in this file, which is read again when it has changed.
    #[serde(with = "FilePath")]
    file: Option<PathBuf>,
    /// The text is in this environment variable, which is read at the start.
    #[schemars(with = "String")]
    env: Option<String>,
    /// The text is what this command prints: the program and its arguments, run without a shell.
    #[schemars(with = "Vec<String>")]
    command: Option<Vec<String>>,
    /// How long what the command printed is used before it is run again; `"5m"` if left out.
    #[serde(with = "Span::<SECOND, DAY>")]
    cache: Option<Duration>,
}

impl Table {
    /// The one source that the table tells, or what is wrong with it.
    fn source(self) -> Result<SecretSource, String> {
        if self.cache.is_some() && self.command.is_none() {
            return Err("`cache` is for a `command` only: a file is read again when it changes, a variable once".into());
        }
        match (self.file, self.env, self.command) {
            (Some(file), None, None) => Ok(SecretSource::File(file)),
            (None, Some(env), None) if is_variable(&env) => Ok(SecretSource::Env(env)),
            (None, Some(env), None) => Err(format!("expected the name of an environment variable, found {env:?}")),
            (None, None, Some(command)) => command_source(command, self.cache.unwrap_or(DEFAULT_CACHE)),
            _ => Err("expected exactly one of `file`, `env` and `command` in the table".into()),
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn command_source(command: Vec<String>, cache: Duration) -> Result<SecretSource, String> {
    let mut words = command.into_iter();
    match words.next().filter(|program| !program.is_empty()) {
        Some(program) => Ok(SecretSource::Command(SecretCommand { program, arguments: words.collect(), cache })),
        None => Err("expected a program and its arguments, such as [\"prog\", \"arg\"], found no program".into()),
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SourceVisitor)
    }
}

/// Tells nothing of what is found instead of a source: it may be a secret without its quotes.
struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretSource, E> {
        Ok(Secret::new(text).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<SecretSource, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(table))?.source().map_err(A::Error::custom)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretSource, E> {
        Err(hidden())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(hidden())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(hidden())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(hidden())
    }
}

fn hidden<E: Error>() -> E {
    E::custom(format!("expected {WANTED}"))
}

impl Serialize for SecretSource {
    /// Shows the place, never the text.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(_) => to.serialize_str(HIDDEN),
            Self::File(path) => table(("file", &path.to_string_lossy()), None, to),
            Self::Env(name) => table(("env", name), None, to),
            Self::Command(SecretCommand { program, arguments, cache }) => {
                let words: Vec<&String> = std::iter::once(program).chain(arguments).collect();
                table(("command", &words), Some(*cache), to)
            }
        }
    }
}

/// A source as the table that is read.
fn table<S: Serializer>(
    (key, place): (&'static str, &(impl Serialize + ?Sized)),
    cache: Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut table = to.serialize_map(None)?;
    table.serialize_entry(key, place)?;
    if let Some(cache) = cache {
        table.serialize_entry("cache", &written::friendly(cache))?;
    }
    table.end()
}

impl JsonSchema for SecretSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

/// `engine.headers`: a table of header names and the sources of their values.
pub(super) mod headers {
    use super::*;

    use reqwest::header::{HeaderName, HeaderValue};

    /// What is expected, in the words of messages and of the reference.
    const WANTED: &str =
        "a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`";

    pub(in crate::settings::engine) fn schema(generator: &mut SchemaGenerator) -> Schema {
        let mut source = generator.subschema_for::<SecretSource>();
        source.remove("x-written");
        json_schema!({ "type": "object", "additionalProperties": source, "x-written": WANTED })
    }

    pub(in crate::settings::engine) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<String, SecretSource>, D::Error> {
        from.deserialize_map(HeadersVisitor)
    }

    struct HeadersVisitor;

    impl<'de> Visitor<'de> for HeadersVisitor {
        type Value = BTreeMap<String, SecretSource>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(WANTED)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
            let mut headers = BTreeMap::new();
            while let Some((Name(name), Content(source))) = table.next_entry()? {
                headers.insert(name, source);
            }
            Ok(headers)
        }
    }

    /// A header's name in lower case, for case does not matter in them.
    struct Name(String);

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            let name = HeaderName::from_bytes(text.as_bytes());
            name.map(|name| Self(name.as_str().to_owned()))
                .map_err(|_| D::Error::custom("no HTTP header name: expected letters, digits and hyphens"))
        }
    }

    /// What a header holds; a text that is known already is checked already.
    struct Content(SecretSource);

    impl<'de> Deserialize<'de> for Content {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let source = SecretSource::deserialize(from)?;
            match &source {
                SecretSource::Text(text)
                    if !text.reveal().is_ascii() || HeaderValue::from_str(text.reveal()).is_err() =>
                {
                    Err(D::Error::custom("no HTTP header value: expected ASCII text on one line"))
                }
                _ => Ok(Self(source)),
            }
        }
    }
}
