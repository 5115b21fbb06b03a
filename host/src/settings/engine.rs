//! `[engine]`: where the engine is and how to reach it.

mod address;
mod oauth2;
mod rules;
mod transport;

use std::{collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Unexpected},
};
use url::Url;

use super::{
    confidential::table,
    schema,
    source::headers,
    written::{self, MILLISECOND, MINUTE, SECOND, Span},
};
use crate::{secret::SecretSource, task::EngineName};

pub use self::{
    oauth2::{ClientAuth, OAuth2Settings, SigningAlgorithm},
    transport::{ProxySetting, TlsSettings},
};

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
    #[serde(deserialize_with = "address::engine")]
    #[schemars(schema_with = "address::any_engine", extend("x-absent" = "none; `fetchlock run` does not start without one"))]
    pub url: Option<Url>,
    /// The user of HTTP Basic authentication. At most one login may be given: this one, `bearer`, `oauth2`, or the header
    /// `authorization` in `engine.headers`.
    #[serde(deserialize_with = "user")]
    #[schemars(schema_with = "any_user", extend("x-absent" = "none"))]
    pub username: Option<String>,
    /// The password of `engine.username`, which must be there too. It is shown nowhere. Better in a file of its own or in
    /// a variable than among the settings.
    #[schemars(with = "SecretSource", extend("x-absent" = "an empty one, if there is a user"))]
    pub password: Option<SecretSource>,
    /// A bearer token, for an engine that takes a fixed one or one that somebody else puts into a file.
    #[schemars(with = "SecretSource", extend("x-absent" = "none"))]
    pub bearer: Option<SecretSource>,
    /// Further headers of each request, by name. Their values may be credentials, so they are shown nowhere.
    #[serde(deserialize_with = "headers::deserialize")]
    #[schemars(schema_with = "headers::schema", extend("x-absent" = "none"))]
    pub headers: BTreeMap<String, SecretSource>,
    /// The HTTP proxy through which the engine is reached, or `"none"`. If left out, the variables `HTTP_PROXY`,
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` tell, but not for an engine on this machine.
    #[schemars(schema_with = "transport::any_proxy", extend("x-absent" = "the environment's proxy variables tell"))]
    pub proxy: Option<ProxySetting>,
    /// The user of the proxy, if it wants one.
    #[serde(deserialize_with = "user")]
    #[schemars(schema_with = "any_user", extend("x-absent" = "none"))]
    pub proxy_username: Option<String>,
    /// The password of `engine.proxy-username`, read at the start; no `command`.
    #[schemars(with = "SecretSource", extend("x-absent" = "an empty one, if there is a user"))]
    pub proxy_password: Option<SecretSource>,
    /// How long connecting may take. An engine near its workers connects at once: a longer wait only delays the next
    /// attempt.
    #[serde(with = "Span::<MIN_REQUEST, MAX_CONNECT>")]
    pub connect_timeout: Duration,
    /// How long the engine may take to begin its answer; for a long poll, its parking time comes on top, with 10 s for a
    /// busy engine. An engine under load takes seconds to complete a task, since it runs what follows it. A connection
    /// whose other end is gone is found by this.
    #[serde(with = "Span::<MIN_REQUEST, MAX_REQUEST>")]
    pub response_timeout: Duration,
    /// How long a request may take in all, to the last byte of its answer; for a long poll, from the end of its parking
    /// time.
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
    /// A bearer token by OAuth2 client credentials, for an engine behind Keycloak, Entra ID, Auth0 and their like. The
    /// token is kept, renewed before it expires, and once more when the engine answers 401. The token endpoint is
    /// reached with the same certificates, proxy and timeouts as the engine.
    #[serde(deserialize_with = "table")]
    pub oauth2: OAuth2Settings,
    /// Certificates for an engine behind https. The files are read at the start: a renewed one needs a restart.
    pub tls: TlsSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            url: None,
            username: None,
            password: None,
            bearer: None,
            headers: BTreeMap::new(),
            proxy: None,
            proxy_username: None,
            proxy_password: None,
            connect_timeout: Duration::from_millis(5 * SECOND),
            response_timeout: Duration::from_millis(30 * SECOND),
            request_timeout: Duration::from_millis(MINUTE),
            use_priority: false,
            name: EngineName::new("default"),
            oauth2: OAuth2Settings::default(),
            tls: TlsSettings::default(),
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

impl EngineSettings {
    /// The address, for commands that need the engine.
    pub fn address(&self) -> Result<&Url, NoEngineAddress> {
        self.url.as_ref().ok_or(NoEngineAddress)
    }
}

fn any_user(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "x-written": wanted_user() })
}

fn wanted_user() -> String {
    format!("{}, without `:`", written::wanted_name())
}

fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = written::name(from)?;
    // RFC 7617: what follows the first colon is the password, and so it may have been meant.
    match name.split_once(':') {
        None => Ok(Some(name)),
        Some((user, _)) => Err(D::Error::invalid_value(Unexpected::Str(&format!("{user}:…")), &wanted_user().as_str())),
    }
}

fn engine_name<'de, D: Deserializer<'de>>(from: D) -> Result<EngineName, D::Error> {
    written::name(from).map(EngineName::new)
}
