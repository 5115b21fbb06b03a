//! Bodies of requests, and what is said about those that cannot be read.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::engine::embedded::refusal::Refusal;

/// A body in JSON. One that is left out is an empty object.
pub(super) struct Body<T>(pub(super) T);

/// A body in JSON that may not be left out.
pub(super) struct Required<T>(pub(super) T);

/// A body that cannot be read.
pub(super) enum Unreadable {
    Refused(Refusal),
    /// No JSON at all: the parser's words as plain text.
    NoJson(String),
}

impl From<Refusal> for Unreadable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::NoJson(words) => {
                (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/plain")], words).into_response()
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Body<T> {
    type Rejection = Unreadable;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unreadable> {
        Ok(Self(read(request, state).await?.unwrap_or_default()))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Required<T> {
    type Rejection = Unreadable;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unreadable> {
        read(request, state).await?.map(Self).ok_or_else(|| null_body().into())
    }
}

/// The body; none if it was left out.
async fn read<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S) -> Result<Option<T>, Unreadable> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = content_type.is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("application/json"));
    let bytes = Bytes::from_request(request, state).await.map_err(|_| Refusal::unreadable())?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !json {
        return Err(Refusal::of_request(415, "NotSupportedException", "HTTP 415 Unsupported Media Type").into());
    }
    let text = bytes.trim_ascii();
    if text == b"null" {
        return Err(null_body().into());
    }
    // Every body is an object; serde would take a list for one, too.
    if !text.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(text).is_ok() {
        return Err(Refusal::unreadable().into());
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        if error.is_data() { Refusal::unreadable().into() } else { Unreadable::NoJson(error.to_string()) }
    })
}

/// The engine meets Java's null where it expects a body.
fn null_body() -> Refusal {
    Refusal::null_pointer("dto")
}
