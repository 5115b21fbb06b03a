//! Bodies of requests, and what is said about those that cannot be read.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::engine::embedded::refusal::Refusal;

/// A body in JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let content_type = content_type(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Refusal::unreadable())?;
        match content_type.as_deref() {
            Some("application/json") if bytes.is_empty() => Ok(Self(T::default())),
            Some("application/json") => read(&bytes).map(Self),
            None if bytes.is_empty() => Err(null_body()),
            _ => Err(Refusal::unsupported_media_type()),
        }
    }
}

/// The type of a body in small letters, without its parameters.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let text = bytes.trim_ascii();
    if text.is_empty() || text == b"null" {
        return Err(null_body());
    }
    // By way of a value: of a key that comes twice the last counts, and a list is no object.
    let value: Value = serde_json::from_slice(text).map_err(|_| Refusal::unreadable())?;
    let object = value.as_object().map(|_| T::deserialize(&value));
    object.and_then(Result::ok).ok_or_else(Refusal::unreadable)
}

/// The engine meets Java's null where it expects a body.
fn null_body() -> Refusal {
    Refusal::null_pointer("dto")
}
