//! HTTP requests to other systems: `http::get("https://api.example.com/rates").send()?.json::<Rates>()?`.
//!
//! Usable only where it is granted: the plugin's manifest requests method, scheme, host and port, and the operator
//! allows them in `fetchlock.toml`. Redirects are not followed.

mod error;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use ::http::header;
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

pub use self::error::HttpError;
use crate::host;

/// A request that is being made.
#[derive(Debug)]
#[must_use = "nothing is requested before `send`"]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    /// What was wrong with it so far; `send` tells.
    problem: Option<HttpError>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Vec<u8>,
}

/// A `GET` of this address.
pub fn get(uri: impl Into<String>) -> Request {
    request(Method::GET, uri)
}

/// A `POST` to this address.
pub fn post(uri: impl Into<String>) -> Request {
    request(Method::POST, uri)
}

/// A `PUT` to this address.
pub fn put(uri: impl Into<String>) -> Request {
    request(Method::PUT, uri)
}

/// A `DELETE` of this address.
pub fn delete(uri: impl Into<String>) -> Request {
    request(Method::DELETE, uri)
}

/// A request of any method.
pub fn request(method: Method, uri: impl Into<String>) -> Request {
    let (headers, body) = (HeaderMap::new(), Vec::new());
    Request { method, uri: uri.into(), headers, body, timeout: None, problem: None }
}

impl Request {
    /// With a further header.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let name = HeaderName::from_bytes(name.as_ref().as_bytes());
        match (name, HeaderValue::from_str(value.as_ref())) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            (name, value) => {
                let problem = name.err().map(|error| error.to_string());
                let problem = problem.or_else(|| value.err().map(|error| error.to_string())).unwrap_or_default();
                self.problem.get_or_insert(HttpError::Invalid(problem));
            }
        }
        self
    }

    /// With the header `authorization: Bearer …`.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header(header::AUTHORIZATION, format!("Bearer {}", token.as_ref()))
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this body as JSON, and the header that says so unless there is one.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body = body,
            Err(error) => {
                self.problem.get_or_insert(HttpError::Invalid(format!("the body is no JSON: {error}")));
            }
        }
        if self.headers.contains_key(header::CONTENT_TYPE) {
            return self;
        }
        self.header(header::CONTENT_TYPE, "application/json")
    }

    /// With so much time for each of connecting, the first byte, and the next ones. The host's own deadlines hold too.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and awaits the whole answer. An answer of any status is one; see [`Response::success`].
    ///
    /// # Errors
    /// It is not granted, or there is no answer.
    pub fn send(self) -> Result<Response, HttpError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let uri: Uri = self.uri.parse().map_err(|error| HttpError::Invalid(format!("`{}`: {error}", self.uri)))?;
        host::http(self, &uri)
    }
}

impl Response {
    /// The same, if its status is one of success (2xx).
    ///
    /// # Errors
    /// It is not.
    pub fn success(self) -> Result<Self, HttpError> {
        if self.status.is_success() { Ok(self) } else { Err(HttpError::Status(self.status)) }
    }

    /// A header as text; none if there is none or it is no text.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref()).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    ///
    /// # Errors
    /// It is no UTF-8.
    pub fn text(&self) -> Result<&str, HttpError> {
        std::str::from_utf8(&self.body).map_err(|error| HttpError::Body(error.to_string()))
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// It is no JSON, or of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError::Body(error.to_string()))
    }
}
