//! How a text that may be secret is written: in quotes, or as a table that tells where it comes from.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, value::MapAccessDeserializer},
    ser::SerializeMap,
};

use super::confidential::{self, Confidential};
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
    env: Option<VariableName>,
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
            (None, Some(VariableName(env)), None) => Ok(SecretSource::Env(env)),
            (None, None, Some(command)) => command_source(command, self.cache.unwrap_or(DEFAULT_CACHE)),
            _ => Err("expected exactly one of `file`, `env` and `command` in the table".into()),
        }
    }
}

/// The name of an environment variable. What is none may be the secret itself.
struct VariableName(String);

impl Confidential<'_> for VariableName {
    const WANTED: &'static str = "the name of an environment variable, which is not empty and has no `=`";

    fn from_text(text: &str) -> Option<Self> {
        let is_name = !text.is_empty() && !text.contains(['=', '\0']);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for VariableName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        confidential::read(from)
    }
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
        confidential::read(from)
    }
}

impl<'de> Confidential<'de> for SecretSource {
    const WANTED: &'static str = WANTED;

    fn from_text(text: &str) -> Option<Self> {
        Some(Secret::new(text).into())
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(table))?.source().map_err(A::Error::custom)
    }
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

/// `secrets` of a plugin's grants: a table of names and the sources of their texts.
mod secrets {
    use super::*;

    use serde::de::Unexpected;

    use crate::{secret::SecretSources, settings::written};

    /// What is expected, in the words of messages and of the reference.
    const WANTED: &str = "a table of names and texts, each in quotes or a table of one of `file`, `env` and `command`";

    impl JsonSchema for SecretSources {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "SecretSources".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let mut source = generator.subschema_for::<SecretSource>();
            source.remove("x-written");
            json_schema!({ "type": "object", "additionalProperties": source, "x-written": WANTED })
        }
    }

    impl<'de> Deserialize<'de> for SecretSources {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            confidential::read(from)
        }
    }

    impl<'de> Confidential<'de> for SecretSources {
        const WANTED: &'static str = WANTED;

        fn from_table<A: MapAccess<'de>>(mut table: A) -> Result<Self, A::Error> {
            let mut sources = BTreeMap::new();
            while let Some((Name(name), source)) = table.next_entry()? {
                sources.insert(name, source);
            }
            Ok(sources.into_iter().collect())
        }
    }

    /// A name that a manifest can request.
    struct Name(String);

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let name = String::deserialize(from)?;
            match written::is_name(&name, written::MAX_NAME) {
                true => Ok(Self(name)),
                false => Err(D::Error::invalid_value(Unexpected::Str(&name), &written::wanted_name().as_str())),
            }
        }
    }
}

/// `engine.headers`: a table of header names and the sources of their values.
pub(super) mod headers {
    use super::*;

    use figment::error::Actual;
    use reqwest::header::HeaderName;

    use crate::settings::wording::quoted;

    /// What is expected, in the words of messages and of the reference.
    const WANTED: &str =
        "a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`";

    pub(in crate::settings) fn schema(generator: &mut SchemaGenerator) -> Schema {
        let mut source = generator.subschema_for::<SecretSource>();
        source.remove("x-written");
        json_schema!({ "type": "object", "additionalProperties": source, "x-written": WANTED })
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<String, SecretSource>, D::Error> {
        confidential::read(from)
    }

    impl<'de> Confidential<'de> for BTreeMap<String, SecretSource> {
        const WANTED: &'static str = WANTED;

        fn from_table<A: MapAccess<'de>>(mut table: A) -> Result<Self, A::Error> {
            let mut headers = BTreeMap::new();
            while let Some((Name(name), source)) = table.next_entry()? {
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
            name.map(|name| Self(name.as_str().to_owned())).map_err(|_| {
                let why = "no HTTP header name: expected letters, digits and hyphens";
                D::Error::custom(format!("{why}, found {}", quoted(&Actual::Str(text))))
            })
        }
    }
}
