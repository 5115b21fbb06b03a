//! Answers, and how they and refusals become HTTP.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::engine::embedded::{refusal::Refusal, variable::Variable};

/// What is answered when all went well.
pub(super) enum Answer {
    /// 204
    Done,
    /// 200 with JSON
    Json(Value),
    /// 200 with a text
    Text(String),
    /// 200 with the bytes of a variable
    Content(HeaderMap, Vec<u8>),
}

/// What every handler returns.
pub(super) type Answered = Result<Answer, Refusal>;

impl Answer {
    /// The content of a file or of bytes, as a download.
    ///
    /// # Errors
    /// The variable is neither.
    pub(super) fn content(scope_id: &str, variable: &Variable) -> Result<Self, Refusal> {
        let not_binary = || Refusal::invalid(format!("Value of variable with id {scope_id} is not a binary value."));
        let bytes = variable.bytes().ok_or_else(not_binary)?;
        let mut headers = HeaderMap::new();
        let kind = variable.info("mimeType").unwrap_or("application/octet-stream");
        let kind = match variable.info("encoding") {
            Some(charset) => format!("{kind};charset={charset}"),
            None => kind.to_owned(),
        };
        // A type that no header can hold is answered as one that says nothing.
        let unknown = HeaderValue::from_static("application/octet-stream");
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&kind).unwrap_or(unknown));
        if let Some(name) = variable.info("filename") {
            let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string().replace("%2E", ".");
            // In Latin-1 and unescaped, as the engine writes it.
            let letter = |letter: char| u8::try_from(letter).ok().filter(|byte| !byte.is_ascii_control());
            let mut disposition = b"attachment; filename=\"".to_vec();
            disposition.extend(name.chars().map(|it| letter(it).unwrap_or(b'?')));
            disposition.extend(format!("\"; filename*=UTF-8''{encoded}").into_bytes());
            if let Ok(disposition) = HeaderValue::from_bytes(&disposition) {
                headers.insert(header::CONTENT_DISPOSITION, disposition);
            }
        }
        Ok(Self::Content(headers, bytes))
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Done => StatusCode::NO_CONTENT.into_response(),
            Self::Json(value) => Json(value).into_response(),
            Self::Text(text) => ([(header::CONTENT_TYPE, "text/plain")], text).into_response(),
            Self::Content(headers, bytes) => (headers, bytes).into_response(),
        }
    }
}

/// `ExceptionDto`, with its fields in the order in which the engine writes them.
#[derive(Serialize)]
struct Exception<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    code: Option<i64>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(Exception { kind: self.kind, message: &self.message, code: self.code })).into_response()
    }
}
