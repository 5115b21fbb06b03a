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
    /// 400, `MismatchingMessageCorrelationException`: nobody waits for the message, and no process starts with it.
    #[error("nobody receives the message: {message}")]
    NoReceiver {
        /// The engine's message.
        message: String,
    },
    /// 400, `MismatchingMessageCorrelationException`: several wait for the message, or start with it.
    #[error("more than one could receive the message: {message}")]
    SeveralReceivers {
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
    /// 429, 503, and the 500 of a full fetch queue: the engine is there, and has too much to do at the moment.
    #[error("the engine is overloaded ({status}): {message}")]
    Overloaded {
        /// The HTTP status.
        status: u16,
        /// What was said.
        message: String,
        /// The `Retry-After` of the answer.
        retry_after: Option<Duration>,
    },
    /// 502 and 504 of a proxy that lost the engine, the 500 of an engine that stops, a 500 without the engine's JSON.
    #[error("the engine is not available ({status}): {message}")]
    Unavailable {
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

/// From an engine that takes nothing at the moment, or from a proxy without one.
const SERVICE_UNAVAILABLE: u16 = 503;

/// What is done about an error, by what was asked of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Treatment {
    /// About an outcome.
    pub outcome: Disposition,
    /// About a fetch.
    pub fetch: AfterFetch,
    /// About the extension of a lock.
    pub extension: AfterExtension,
    /// What it says of the engine itself.
    pub engine: Standing,
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

/// What is done about an error of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFetch {
    /// Fetch again after a wait.
    Again,
    /// Fetch again after a wait, and ask for fewer tasks: the same ones would come again.
    Fewer,
    /// If the engine is well otherwise, ask for each topic alone, and leave the one that it rejects out for a while.
    Alone,
}

/// What is done about an error of the extension of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterExtension {
    /// The task is gone: cancel its invocation.
    Lost,
    /// Ask whether the other worker is an id of ours; if not, cancel its invocation.
    WhoHolds,
    /// Lock it again: nobody may have fetched it meanwhile.
    LockAgain,
    /// Extend it later, when somebody may have activated the instance.
    Later,
    /// Extend it again soon.
    Again,
}

/// What an error says of the engine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answered, though not as hoped for.
    There,
    /// It is there and asks to be spared for a while: no outage.
    Overloaded,
    /// Nobody speaks for it.
    Away,
    /// Nothing: it was not asked.
    NotAsked,
}

impl EngineError {
    /// The one table of what is dropped, reported or sent again. `docs/errors.md` shows it.
    pub fn treatment(&self) -> Treatment {
        use {AfterExtension as Extension, AfterFetch as Fetch, Disposition as Outcome};
        let (outcome, fetch, extension, engine) = match self {
            Self::TaskGone { .. } => (Outcome::Gone, Fetch::Again, Extension::Lost, Standing::There),
            Self::OtherWorker { .. } => (Outcome::Superseded, Fetch::Again, Extension::WhoHolds, Standing::There),
            // An outcome call never answers so.
            Self::LockExpired { .. } => (Outcome::Reject, Fetch::Again, Extension::LockAgain, Standing::There),
            Self::Rejected { .. } => (Outcome::Reject, Fetch::Alone, Extension::Again, Standing::There),
            // Something that the outcome needs (the content of a stored file, say) is not there.
            Self::NotThere { .. } => (Outcome::Reject, Fetch::Again, Extension::Again, Standing::There),
            // No outcome is a message.
            Self::NoReceiver { .. } | Self::SeveralReceivers { .. } => {
                (Outcome::Reject, Fetch::Again, Extension::Again, Standing::There)
            }
            Self::Unsendable { .. } => (Outcome::Reject, Fetch::Again, Extension::Again, Standing::NotAsked),
            Self::NoCredentials { .. } => (Outcome::Retry, Fetch::Again, Extension::Again, Standing::NotAsked),
            Self::TooLarge { .. } => (Outcome::Reject, Fetch::Fewer, Extension::Again, Standing::There),
            Self::Conflict { .. } | Self::Unauthorized | Self::Forbidden { .. } => {
                (Outcome::Retry, Fetch::Again, Extension::Again, Standing::There)
            }
            // Not even an incident can be made of it: the failure call is answered so, too.
            Self::Suspended { .. } => (Outcome::Retry, Fetch::Again, Extension::Later, Standing::There),
            Self::Overloaded { .. } => (Outcome::Retry, Fetch::Again, Extension::Again, Standing::Overloaded),
            Self::Unavailable { .. } | Self::NotAnEngine { .. } | Self::Unreachable { .. } | Self::TimedOut { .. } => {
                (Outcome::Retry, Fetch::Again, Extension::Again, Standing::Away)
            }
        };
        Treatment { outcome, fetch, extension, engine }
    }

    /// What is done about it if it was the answer to an outcome.
    pub fn disposition(&self) -> Disposition {
        self.treatment().outcome
    }

    /// What it says of the engine itself.
    pub fn standing(&self) -> Standing {
        self.treatment().engine
    }

    /// Its short name in `docs/errors.md`. A new one needs a case in `rest::cases`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TaskGone { .. } => "task gone",
            Self::NotThere { .. } => "not there",
            Self::OtherWorker { .. } => "other worker",
            Self::LockExpired { .. } => "lock expired",
            Self::NoReceiver { .. } => "no receiver",
            Self::SeveralReceivers { .. } => "several receivers",
            Self::Rejected { .. } => "rejected",
            Self::Conflict { .. } => "conflict",
            Self::Overloaded { .. } => "overloaded",
            Self::Unavailable { .. } => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::NoCredentials { .. } => "no credentials",
            Self::Forbidden { .. } => "forbidden",
            Self::NotAnEngine { .. } => "not an engine",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed out",
            Self::Suspended { .. } => "suspended",
            Self::TooLarge { .. } => "too large",
            Self::Unsendable { .. } => "unsendable",
        }
    }

    /// Whether the engine may have done what was asked although it did not say so: then a fetch may have locked tasks,
    /// or may still be parked and lock some.
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::TimedOut { .. } => true,
            // Whoever answered may have lost the engine in the middle of it.
            Self::Unavailable { .. } => true,
            // 429 and the full queue are refusals; a 503 also comes from what is in front of an engine that has done it.
            Self::Overloaded { status, .. } => *status == SERVICE_UNAVAILABLE,
            // A fetch that was answered with something unreadable, or with more than is read.
            Self::NotAnEngine { .. } | Self::TooLarge { .. } => true,
            Self::TaskGone { .. }
            | Self::NotThere { .. }
            | Self::OtherWorker { .. }
            | Self::LockExpired { .. }
            | Self::NoReceiver { .. }
            | Self::SeveralReceivers { .. }
            | Self::Rejected { .. }
            | Self::Conflict { .. }
            | Self::Unauthorized
            | Self::NoCredentials { .. }
            | Self::Forbidden { .. }
            | Self::Suspended { .. }
            | Self::Unsendable { .. } => false,
        }
    }

    /// Whether the same request may succeed in the next moment and was surely not carried out.
    pub fn is_passing_and_not_done(&self) -> bool {
        let is_passing = matches!(
            self,
            Self::Conflict { .. } | Self::Overloaded { .. } | Self::Unavailable { .. } | Self::Unreachable { .. }
        );
        is_passing && !self.may_have_been_done()
    }

    /// How long the engine asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
