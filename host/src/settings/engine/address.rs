//! The addresses in `[engine]`: http or https, and without credentials, which messages would show.

use figment::error::Actual;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use url::Url;

use crate::settings::wording::quoted;

/// What is expected as the engine's address.
const ENGINE: &str = "an address such as http://localhost:8080/engine-rest";

/// What is expected as a token endpoint.
const TOKEN: &str = "an address such as https://login.example/realms/work/protocol/openid-connect/token";

pub(super) fn any_engine(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "uri", "x-written": ENGINE })
}

pub(super) fn any_token(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "uri", "x-written": TOKEN })
}

/// Reads the engine's address.
pub(super) fn engine<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(from)?;
    let url = web(&text, ENGINE, "`username` and `password` beside it").map_err(D::Error::custom)?;
    if url.query().is_some() || url.fragment().is_some() {
        let why = "the address has a query or fragment, which REST paths cannot follow";
        return Err(D::Error::custom(format!("{why}; expected {ENGINE}{}", found(&text))));
    }
    Ok(Some(url))
}

/// Reads the address of a token endpoint, which may have a query (RFC 6749, 3.2).
pub(super) fn token<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(from)?;
    let url = web(&text, TOKEN, "`client-id` and `client-secret` beside it").map_err(D::Error::custom)?;
    if url.fragment().is_some() {
        return Err(D::Error::custom(format!("the address has a fragment; expected {TOKEN}{}", found(&text))));
    }
    Ok(Some(url))
}

/// An address of http or https, or what is wrong with it; `home` tells where credentials belong.
pub(super) fn web(text: &str, wanted: &str, home: &str) -> Result<Url, String> {
    let found = found(text);
    let url = Url::parse(text).map_err(|why| format!("no address: {why}; expected {wanted}{found}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("the address holds credentials: put them into {home}, where secrets are never shown"));
    }
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!("the scheme `{other}` is neither http nor https; expected {wanted}{found}")),
    }
}

/// The text in the words of messages; nothing of one that may hold credentials.
pub(super) fn found(text: &str) -> String {
    if text.contains(['@', '?']) { String::new() } else { format!(", found {}", quoted(&Actual::Str(text.to_owned()))) }
}
