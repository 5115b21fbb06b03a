//! What the engine says instead of doing what was asked: HTTP status, exception type, message and code, spelled as the
//! recorded Operaton spells them.

/// An answer other than success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: u16,
    /// The name of the exception's class.
    pub(super) kind: &'static str,
    /// The exception's message.
    pub(super) message: String,
    /// The engine's error code; none where the REST layer itself refuses.
    pub(super) code: Option<i64>,
}

/// `BuiltinExceptionCode.FALLBACK`
const FALLBACK: i64 = 0;

/// `BuiltinExceptionCode.COLUMN_SIZE_TOO_SMALL`
const COLUMN_TOO_SMALL: i64 = 10_002;

impl Refusal {
    /// By the REST layer, before the engine proper is asked.
    pub(super) fn of_request(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), code: None }
    }

    /// By the REST layer, with its usual exception.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::of_request(400, "InvalidRequestException", message)
    }

    /// A body that is no JSON, or not of the form expected. (Of the two layers of a real engine that may answer one tells
    /// the parser's words as plain text, the other keeps them to itself; which of them does is left to chance at its
    /// start.)
    pub(super) fn unreadable() -> Self {
        Self::invalid("")
    }

    /// A path that the interface has not.
    pub(super) fn unknown_path() -> Self {
        Self::of_request(404, "NotFoundException", "HTTP 404 Not Found")
    }

    /// A body of another type.
    pub(super) fn unsupported_media_type() -> Self {
        Self::of_request(415, "NotSupportedException", "HTTP 415 Unsupported Media Type")
    }

    /// Something that is not there, other than an external task.
    pub(super) fn not_there(message: impl Into<String>) -> Self {
        Self::of_request(404, "InvalidRequestException", message)
    }

    /// A mistake of the caller that the engine tells as such.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "RestException", message: message.into(), code: Some(FALLBACK) }
    }

    /// An order that is neither ascending nor descending.
    pub(super) fn no_direction() -> Self {
        let message = "Invalid query: call asc() or desc() after using orderByXX(): direction is null";
        Self { kind: "NotValidException", ..Self::bad_request(message) }
    }

    /// A mistake of the caller that the engine takes for its own.
    pub(super) fn internal(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: 500, kind, message: message.into(), code: Some(FALLBACK) }
    }

    /// A missing argument, which the engine proper finds: a 500.
    pub(super) fn is_null(argument: &str) -> Self {
        Self::internal("NullValueException", format!("{argument} is null"))
    }

    /// A null where Java expects none. (A real engine's message names its own classes.)
    pub(super) fn null_pointer(what: &str) -> Self {
        Self::of_request(500, "NullPointerException", format!("\"{what}\" is null"))
    }

    /// A text longer than its column.
    pub(super) fn column_too_small() -> Self {
        let message = "An exception occurred in the persistence layer. Please check the server logs for a detailed \
                       message and the entire exception stack trace.";
        let kind = "ProcessEnginePersistenceException";
        Self { code: Some(COLUMN_TOO_SMALL), ..Self::internal(kind, message) }
    }

    /// Whether [`Refusal::column_too_small`].
    pub(super) fn is_column_too_small(&self) -> bool {
        self.code == Some(COLUMN_TOO_SMALL)
    }

    /// An external task that never was, or has ended.
    pub(super) fn no_task(id: &str) -> Self {
        let message = format!("External task with id {id} does not exist");
        Self { status: 404, kind: "RestException", message, code: Some(FALLBACK) }
    }

    /// Somebody else's lock. `beginning` tells what could not be done.
    pub(super) fn locked_by(beginning: &str, worker: &str, holder: Option<&str>) -> Self {
        let holder = holder.unwrap_or("null");
        Self::bad_request(format!("{beginning} by worker '{worker}'. It is locked by worker '{holder}'."))
    }

    /// An outcome for a task whose process instance is suspended.
    pub(super) fn suspended(id: &str) -> Self {
        Self::bad_request(format!("ENGINE-03043 ExternalTask with id '{id}' is suspended."))
    }

    /// The fetch queue has no room: a 500 that says to come again.
    pub(super) fn queue_full() -> Self {
        let message =
            "At the moment the server has to handle too many requests at the same time. Please try again later.";
        Self::of_request(500, "InvalidRequestException", message)
    }

    /// A parked fetch when the engine stops.
    pub(super) fn shutting_down() -> Self {
        let message = "Request rejected due to shutdown of application server.";
        Self::of_request(500, "RestException", message)
    }

    /// A parked fetch whose worker has sent another (`AsyncResponse.cancel`, which the server around a real engine
    /// answers with 503 and no JSON).
    pub(super) fn cancelled() -> Self {
        Self::of_request(503, "ServiceUnavailableException", "HTTP 503 Service Unavailable")
    }

    /// The same with another beginning, as where a call names what it was about before the cause.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}
