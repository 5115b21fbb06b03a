//! `[engine.oauth2]`: how a token for the engine is had by client credentials.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{address, table};
use crate::{
    secret::SecretSource,
    settings::{schema, written, written::FilePath},
};

/// How a token for the engine is had by client credentials.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2Settings {
    /// The token endpoint. With `client-id` it makes this the engine's login.
    #[serde(deserialize_with = "address::token")]
    #[schemars(schema_with = "address::any_token", extend("x-absent" = "none; the table needs one"))]
    pub token_url: Option<Url>,
    /// The id of this client at the token endpoint.
    #[serde(deserialize_with = "name")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "none; the table needs one"))]
    pub client_id: Option<String>,
    /// The client's secret. Either this or `private-key` must be there.
    #[schemars(with = "SecretSource", extend("x-absent" = "none"))]
    pub client_secret: Option<SecretSource>,
    /// How `client-secret` is sent.
    #[schemars(with = "ClientAuth", extend("x-absent" = "`\"basic\"`, if there is a secret"))]
    pub client_auth: Option<ClientAuth>,
    /// The client's private key in PEM (PKCS #8, or PKCS #1 for RSA), instead of a secret: with it the client signs an
    /// assertion of its own for each token (RFC 7523).
    #[schemars(with = "SecretSource", extend("x-absent" = "none"))]
    pub private_key: Option<SecretSource>,
    /// The algorithm of the assertion; it must fit the key.
    #[schemars(with = "SigningAlgorithm", extend("x-absent" = "`\"RS256\"`, if there is a key"))]
    pub algorithm: Option<SigningAlgorithm>,
    /// The id under which the server knows the key (`kid` of the assertion).
    #[serde(deserialize_with = "name")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "none"))]
    pub key_id: Option<String>,
    /// A PEM file with the certificate of the private key, for servers that know keys by it, such as Entra ID: its
    /// thumbprint goes with the assertion (`x5t#S256`). It is read at the start.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "none"))]
    pub certificate: Option<PathBuf>,
    /// For whom the assertion is meant, for servers that expect another text than their token endpoint.
    #[serde(deserialize_with = "name")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "the value of `token-url`, if there is a key"))]
    pub assertion_audience: Option<String>,
    /// The scopes that are asked for, separated by spaces. Entra ID wants one: `api://ENGINE/.default`.
    #[serde(deserialize_with = "name")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "none"))]
    pub scope: Option<String>,
    /// For which service the token is asked for, if the server wants to know. Auth0 does.
    #[serde(deserialize_with = "name")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "none"))]
    pub audience: Option<String>,
    /// Further parameters of the request for a token, by name. They are shown: no place for secrets.
    #[serde(deserialize_with = "table")]
    #[schemars(extend("x-absent" = "none", "x-written" = "a table of texts in quotes"))]
    pub parameters: BTreeMap<String, String>,
}

/// How a client proves its secret (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// By HTTP Basic authentication, which every server must know.
    #[default]
    Basic,
    /// In the body of the request, for servers that want it there.
    Body,
}

/// An algorithm that signs an assertion (RFC 7518).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// An RSA key, PKCS #1 v1.5 and SHA-256.
    #[default]
    RS256,
    /// The same with SHA-384.
    RS384,
    /// The same with SHA-512.
    RS512,
    /// An RSA key, PSS and SHA-256.
    PS256,
    /// The same with SHA-384.
    PS384,
    /// The same with SHA-512.
    PS512,
    /// An ECDSA key of the curve P-256, and SHA-256.
    ES256,
    /// An ECDSA key of the curve P-384, and SHA-384.
    ES384,
    /// An Ed25519 key.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl OAuth2Settings {
    /// Whether anything of the table is given.
    pub fn is_given(&self) -> bool {
        *self != Self::default()
    }
}

fn name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    written::name(from).map(Some)
}
