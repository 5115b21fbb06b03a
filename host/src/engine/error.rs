//! What an engine's answer means when it is not the one hoped for, and what is done about it.

use std::time::Duration;

/// Why a call to the engine did not succeed, told apart by status *and* body: a status alone is ambiguous (a 404 may be
/// a finished task or a wrong base path, a 500 overload, our own mistake or a failing listener).
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// 404 `RestException`, "External task with id … does not exist": completed, cancelled, or its instance deleted.
    #[error("the task is gone: {message}")]
    TaskGone {
        /// The engine's message.
        message: String,
    },
    /// 404 for something else than a task: a process instance, an execution, a variable.
    #[error("not there: {message}")]
    NotThere {
        /// The engine's message.
        message: String,
    },
    /// 400, "… cannot be … by worker …. It is locked by worker …".
    #[error("another worker holds the task: {message}")]
    OtherWorker {
        /// The engine's message.
        message: String,
    },
    /// 400, "Cannot extend a lock that expired".
    #[error("the lock has expired: {message}")]
    LockExpired {
        /// The engine's message.
        message: String,
    },
    /// The engine understood the request and will not do it: a bad variable, a failing output mapping or listener.
    #[error("the engine rejects it ({status} {kind}{}): {message}", .code.map(|c| format!(", code {c}")).unwrap_or_default())]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The engine's exception type.
        kind: String,
        /// The engine's message.
        message: String,
        /// The engine's error code (`BuiltinExceptionCode`), 20000 to 39999 for custom ones.
        code: Option<i64>,
    },
    /// Codes 1 (optimistic locking) and 10000 (deadlock): rolled back, to be sent again.
    #[error("the engine's transaction met another (code {code}): {message}")]
    Conflict {
        /// The engine's error code.
        code: i64,
        /// The engine's message.
        message: String,
    },
    /// 429, 502, 503, 504, and the 500 of a full fetch queue: too much at the moment.
    #[error("the engine is overloaded ({status}): {message}")]
    Overloaded {
        /// The HTTP status.
        status: u16,
        /// What was said.
        message: String,
        /// The `Retry-After` of the answer.
        retry_after: Option<Duration>,
    },
    /// 401. Not always final: after a wrong password the engine refuses the right one, too, for some seconds.
    #[error(
        "the engine does not accept the credentials (401): check engine.username and engine.password, or the other login that is set"
    )]
    Unauthorized,
    /// Nothing was sent: the login or a header could not be had. It is had anew with the next request.
    #[error("there are no credentials, so nothing is sent to the engine: {message}")]
    NoCredentials {
        /// Which setting failed, why, and what to do. No secret is in it.
        message: String,
    },
    /// 403.
    #[error("the engine's user may not do this (403): {message}")]
    Forbidden {
        /// The engine's message, which names the missing permission.
        message: String,
    },
    /// An answer that no engine gives: HTML, another path's 404, a proxy's page.
    #[error(
        "{url} does not answer as an engine: expected the REST contract's JSON, found {found}; check engine.url, which usually ends in /engine-rest"
    )]
    NotAnEngine {
        /// The address asked.
        url: String,
        /// Status, content type and the beginning of the body.
        found: String,
    },
    /// No answer: refused, cut, unresolved name, TLS.
    #[error("the engine cannot be reached: {message}")]
    Unreachable {
        /// The chain of causes in one line.
        message: String,
        /// Whether the request may have arrived: the connection was there and was cut before the answer.
        sent: bool,
    },
    /// No answer in time.
    #[error("the engine did not answer within {} ms", .after.as_millis())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// 500 (or 400), "ExternalTask with id … is suspended": of no use until somebody activates it again.
    #[error("the task is suspended: {message}")]
    Suspended {
        /// The engine's message.
        message: String,
    },
    /// A download beyond its limit, or an answer beyond the client's.
    #[error("the content is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Nothing was sent: the engine's JSON or an address cannot carry it. A number that is not finite, a file whose
    /// content was not downloaded, an empty id.
    #[error("cannot be sent to the engine: {message}")]
    Unsendable {
        /// Which variable or id, and why.
        message: String,
    },
}

/// What is done about an error of an outcome call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The task needs no outcome any more: forget it.
    Gone,
    /// Somebody else has the task: forget it.
    Superseded,
    /// Send it a few times more, then make an incident of it.
    Reject,
    /// Keep it and send it again, however long it takes.
    Retry,
}

impl EngineError {
    /// The one table of what is dropped, reported or sent again.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::TaskGone { .. } => Disposition::Gone,
            Self::OtherWorker { .. } => Disposition::Superseded,
            // A lock that expired stops only an extension; an outcome call never answers so.
            Self::Rejected { .. } | Self::LockExpired { .. } | Self::TooLarge { .. } => Disposition::Reject,
            // Something that the outcome needs (the content of a stored file, say) is not there.
            Self::NotThere { .. } | Self::Unsendable { .. } => Disposition::Reject,
            Self::Conflict { .. }
            | Self::Overloaded { .. }
            | Self::Unauthorized
            | Self::NoCredentials { .. }
            | Self::Forbidden { .. }
            // Not even an incident can be made of it: the failure call is answered so, too.
            | Self::Suspended { .. }
            | Self::NotAnEngine { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. } => Disposition::Retry,
        }
    }

    /// Whether the engine may have done what was asked although it did not say so: then a fetch may have locked tasks,
    /// or may still be parked and lock some.
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::TimedOut { .. } => true,
            // 502 and 504 come from a proxy that lost the engine; 503, 429 and the full queue are refusals.
            Self::Overloaded { status, .. } => matches!(status, 502 | 504),
            // A fetch that was answered with something unreadable, or with more than is read.
            Self::NotAnEngine { .. } | Self::TooLarge { .. } => true,
            Self::TaskGone { .. }
            | Self::NotThere { .. }
            | Self::OtherWorker { .. }
            | Self::LockExpired { .. }
            | Self::Rejected { .. }
            | Self::Conflict { .. }
            | Self::Unauthorized
            | Self::NoCredentials { .. }
            | Self::Forbidden { .. }
            | Self::Suspended { .. }
            | Self::Unsendable { .. } => false,
        }
    }

    /// How long the engine asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
