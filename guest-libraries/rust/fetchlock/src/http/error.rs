//! Why there is no answer to a request.

use ::http::StatusCode;

/// Why there is no answer to a request, or not the one that was hoped for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Not granted, or an address that no grant allows. Nothing was sent.
    #[error("the request was denied: the manifest has to request it in `[grants] http`, the operator to allow it")]
    Denied,
    /// The request is none; the text says why. Nothing was sent.
    #[error("the request is not valid: {0}")]
    Invalid(String),
    /// The name of the host could not be resolved, or its address may not be asked. Nothing was sent.
    #[error("the request was not sent: {0}")]
    NotFound(String),
    /// The connection was refused or broke off.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// No secure connection.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer in time: {0}")]
    Timeout(String),
    /// Request or answer exceed the plugin's limits.
    #[error("a limit is exceeded: {0}")]
    TooLarge(String),
    /// The answer is no HTTP, or anything else.
    #[error("the exchange failed: {0}")]
    Protocol(String),
    /// The answer's status is not one of success.
    #[error("expected an answer of success, found {0}")]
    Status(StatusCode),
    /// The answer's body is not what was expected.
    #[error("the body of the answer is not as expected: {0}")]
    Body(String),
}

impl HttpError {
    /// Whether another try may succeed: the other side could not be reached, was slow or overloaded.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NotFound(_) | Self::Connection(_) | Self::Timeout(_) => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}
