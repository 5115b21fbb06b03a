//! What the scripted engine answers, in the spelling of the real one.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer before it becomes HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: Some(content_type.to_owned()), body: body.into() }
    }

    pub(super) fn ok(body: &Value) -> Self {
        Self::new(200, "application/json", body.to_string())
    }

    /// A status without a body: 204, and the 401 of a real engine.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, content_type: None, body: Vec::new() }
    }

    pub(super) fn error(status: u16, kind: &str, message: &str, code: Option<i64>) -> Self {
        let body = json!({"type": kind, "message": message, "code": code});
        Self::new(status, "application/json", body.to_string())
    }

    pub(super) fn no_such_task(id: &str) -> Self {
        let message = format!("External task with id {id} does not exist");
        Self::error(404, "RestException", &message, Some(0))
    }

    /// Missing arguments that the engine finds late, and therefore answers with a 500.
    pub(super) fn is_null(argument: &str) -> Self {
        Self::error(500, "NullValueException", &format!("{argument} is null"), Some(0))
    }

    pub(super) fn unreadable_body() -> Self {
        Self::error(400, "InvalidRequestException", "", None)
    }

    /// Whose lock it is, in the engine's words. `beginning` tells what could not be done, by whom.
    pub(super) fn locked_by(beginning: &str, holder: Option<&str>) -> Self {
        let holder = holder.unwrap_or("null");
        let message = format!("{beginning}. It is locked by worker '{holder}'.");
        Self::error(400, "RestException", &message, Some(0))
    }

    /// The same with a text of its body replaced.
    pub(super) fn replaced(&self, from: &str, to: &str) -> Self {
        let body = String::from_utf8_lossy(&self.body).replace(from, to);
        Self { body: body.into_bytes(), ..self.clone() }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("statuses come from this module or a test");
        if let Some(content_type) = self.content_type {
            let value = content_type.parse().expect("content types are plain ASCII");
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
        response
    }

    /// The body as JSON; null if it is none.
    #[cfg(test)]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
