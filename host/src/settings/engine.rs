//! `[engine]`: where the engine is and how to reach it.

use std::{fmt, time::Duration};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};
use url::Url;

use super::{
    schema,
    written::{self, MILLISECOND, MINUTE, SECOND, Span},
};
use crate::task::EngineName;

/// Shorter than this no HTTP exchange with an engine can be expected to take.
const MIN_REQUEST: u64 = 100 * MILLISECOND;

/// A request that takes longer than this has lost its engine.
const MAX_REQUEST: u64 = 10 * MINUTE;

/// A connection that takes longer than this will not come.
const MAX_CONNECT: u64 = 2 * MINUTE;

/// The engine whose tasks are worked on.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EngineSettings {
    /// The root of the engine's REST interface: http or https, without credentials, query or fragment. The one setting
    /// that must be given.
    #[serde(deserialize_with = "address")]
    #[schemars(schema_with = "any_address", extend("x-absent" = "none; `fetchlock run` does not start without one"))]
    pub url: Option<Url>,
    /// The user of HTTP Basic authentication. Without one, requests carry no credentials but those in `engine.headers`.
    #[serde(deserialize_with = "user")]
    #[schemars(schema_with = "any_user", extend("x-absent" = "none"))]
    pub username: Option<String>,
    /// The password of `engine.username`, which must be there too. It is shown nowhere. Better given as a variable than
    /// in a file.
    #[schemars(with = "Secret", extend("x-absent" = "an empty one, if there is a user"))]
    pub password: Option<Secret>,
    /// Further headers of each request, by name. Their values may be credentials, so they are shown nowhere.
    #[serde(with = "headers")]
    #[schemars(schema_with = "headers::schema", extend("x-absent" = "none"))]
    pub headers: HeaderMap,
    /// How long connecting may take. An engine near its workers connects at once: a longer wait only delays the next
    /// attempt.
    #[serde(with = "Span::<MIN_REQUEST, MAX_CONNECT>")]
    pub connect_timeout: Duration,
    /// How long a request may take that the engine answers at once, that is any but a long poll. An engine under load
    /// takes seconds to complete a task, since it runs what follows it.
    #[serde(with = "Span::<MIN_REQUEST, MAX_REQUEST>")]
    pub request_timeout: Duration,
    /// Whether tasks with a higher priority are fetched first. Sorting makes each fetch dearer, so engines do not do it
    /// unasked either.
    pub use_priority: bool,
    /// The name of this engine in logs and in the journal. The journal knows an outcome's engine by it: rename only
    /// with an empty journal.
    #[serde(deserialize_with = "engine_name")]
    #[schemars(schema_with = "schema::name")]
    pub name: EngineName,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            url: None,
            username: None,
            password: None,
            headers: HeaderMap::new(),
            connect_timeout: Duration::from_millis(5 * SECOND),
            request_timeout: Duration::from_millis(30 * SECOND),
            use_priority: false,
            name: EngineName::new("default"),
        }
    }
}

/// The engine's address was given nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no engine address: expected the root of its REST interface, such as http://localhost:8080/engine-rest, as \
     `engine.url` in fetchlock.toml, in FETCHLOCK_ENGINE__URL or after --engine-url; `fetchlock run` never starts \
     without one"
)]
pub struct NoEngineAddress;

/// The tables of further engines.
pub(super) fn any_others(generator: &mut SchemaGenerator) -> Schema {
    let mut engine = EngineSettings::json_schema(generator);
    if let Some(keys) = engine.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        keys.shift_remove("name");
    }
    json_schema!({
        "type": "object",
        "additionalProperties": engine,
        "x-written": "tables with the keys of `[engine]`",
    })
}

/// A text that is shown nowhere: neither by `Debug`, nor by `Display`, nor when settings are printed.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
pub struct Secret(String);

/// What is shown instead of a secret.
const HIDDEN: &str = "(hidden)";

impl Secret {
    /// A secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hidden_text(from).map(Self)
    }
}

/// Reads a text, and tells nothing of what is found instead.
fn hidden_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map_err(|_| D::Error::custom("expected a text in quotes"))
}

/// What is expected as the engine's address.
const ADDRESS: &str = "an address such as http://localhost:8080/engine-rest";

fn any_address(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "uri", "x-written": ADDRESS })
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(from)?;
    // The text is not repeated before it is known to hold no password.
    let advice = format!("expected {ADDRESS}");
    let url = Url::parse(&text).map_err(|why| D::Error::custom(format!("no address: {why}; {advice}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        let advice = "put them into `engine.username` and `engine.password`, which are never shown";
        return Err(D::Error::custom(format!("the address holds credentials: {advice}")));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(D::Error::custom(format!("the scheme `{}` is neither http nor https; {advice}", url.scheme())));
    }
    if url.query().is_some() || url.fragment().is_some() {
        let why = "the address has a query or fragment, which REST paths cannot follow";
        return Err(D::Error::custom(format!("{why}; {advice}")));
    }
    Ok(Some(url))
}

fn any_user(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "x-written": format!("{}, without `:`", written::wanted_name()) })
}

fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = written::name(from)?;
    // RFC 7617: what follows the first colon is the password.
    if name.contains(':') { Err(D::Error::custom("expected a name without `:`")) } else { Ok(Some(name)) }
}

fn engine_name<'de, D: Deserializer<'de>>(from: D) -> Result<EngineName, D::Error> {
    written::name(from).map(EngineName::new)
}

/// A table of headers.
mod headers {
    use super::*;

    /// What is expected, in the words of messages and of the reference.
    const WANTED: &str = "a table of header names and texts";

    pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "string" }, "x-written": WANTED })
    }

    pub(super) fn serialize<S: Serializer>(headers: &HeaderMap, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(headers.keys().map(|name| (name.as_str(), HIDDEN)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HeaderMap, D::Error> {
        from.deserialize_map(HeadersVisitor)
    }

    struct HeadersVisitor;

    impl<'de> Visitor<'de> for HeadersVisitor {
        type Value = HeaderMap;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(WANTED)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<HeaderMap, A::Error> {
            let mut headers = HeaderMap::new();
            while let Some((Name(name), Content(value))) = table.next_entry()? {
                headers.insert(name, value);
            }
            Ok(headers)
        }
    }

    struct Name(HeaderName);

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            let name = HeaderName::from_bytes(text.as_bytes());
            name.map(Self).map_err(|_| D::Error::custom("no HTTP header name: expected letters, digits and hyphens"))
        }
    }

    struct Content(HeaderValue);

    impl<'de> Deserialize<'de> for Content {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = hidden_text(from)?;
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| D::Error::custom("no HTTP header value: expected ASCII text on one line"))?;
            value.set_sensitive(true);
            Ok(Self(value))
        }
    }
}
