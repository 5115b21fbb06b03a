//! `[engine.tls]` and `engine.proxy`: what lies between this host and the engine.

use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::address;
use crate::settings::written::FilePath;

/// Certificates for an engine behind https.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// A PEM file with certificates of authorities that are trusted besides the system's: those of a private CA.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "none; the system's are trusted"))]
    pub ca_file: Option<PathBuf>,
    /// A PEM file with this host's own certificate, and those between it and its authority, for an engine that wants
    /// to see one (mutual TLS).
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "none"))]
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with the private key of `client-certificate`, without a passphrase.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "none"))]
    pub client_key: Option<PathBuf>,
}

/// The way of requests that somebody has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySetting {
    /// None, whatever the environment says.
    Direct,
    /// This proxy.
    Through(Url),
}

/// What stands for [`ProxySetting::Direct`].
const NONE: &str = "none";

/// What is expected as a proxy.
const WANTED: &str = "an address such as http://proxy.example:3128, or \"none\"";

pub(super) fn any_proxy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "x-written": WANTED })
}

impl<'de> Deserialize<'de> for ProxySetting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == NONE {
            return Ok(Self::Direct);
        }
        let home = "`proxy-username` and `proxy-password` beside it";
        let url = address::web(&text, WANTED, home).map_err(serde::de::Error::custom)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            let found = address::found(&text);
            let why = format!("a proxy has a host and a port and no path; expected {WANTED}{found}");
            return Err(serde::de::Error::custom(why));
        }
        Ok(Self::Through(url))
    }
}

impl Serialize for ProxySetting {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Direct => to.serialize_str(NONE),
            Self::Through(url) => to.serialize_str(url.as_str()),
        }
    }
}
