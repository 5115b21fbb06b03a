//! The ways in which a call to the engine goes wrong, one by one, each with an example. `docs/errors.md` is made of them,
//! and tests send each through a connection: what the page says is what the client does.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use super::answer::Answer;
use crate::engine::EngineError;

/// One way to go wrong.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What is answered, or what happens instead, in the page's words; empty for an answer that speaks for itself.
    pub about: &'static str,
    /// What it means, in one sentence without a full stop.
    pub meaning: &'static str,
    /// An example of it.
    pub example: Example,
}

/// What comes back.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// An answer in the engine's own JSON.
    Engine {
        /// The HTTP status.
        status: u16,
        /// The exception's type.
        kind: &'static str,
        /// The exception's message.
        message: &'static str,
        /// The engine's code.
        code: Option<i64>,
    },
    /// An answer in any other form: of the server around the engine, or of a proxy.
    Other {
        /// The HTTP status.
        status: u16,
        /// A header, if the case is about it.
        header: Option<(&'static str, &'static str)>,
        /// The content type; empty for none.
        content_type: &'static str,
        /// The body.
        body: &'static str,
    },
    /// Nobody listens.
    Refused,
    /// The connection is cut before the answer, or within it.
    Cut {
        /// What arrives of the answer.
        after: &'static str,
    },
    /// The connection stays open and nothing more comes: half open, as behind a firewall that forgot it.
    Silence,
    /// More comes than is read.
    Endless,
    /// Nothing was sent: the request cannot be made.
    Unsendable,
    /// Nothing was sent: it would have gone without its credentials.
    NoCredentials,
}

const HTML: &str = "text/html";

/// A page, as servers and proxies show it.
const PAGE: &str = "<html><body>…</body></html>";

/// The address of the examples.
const ADDRESS: &str = "http://engine:8080/engine-rest/external-task/de20/complete";

/// The limit of time in the examples.
const LIMIT: Duration = Duration::from_secs(30);

/// The limit of size in the examples, in bytes.
const LIMIT_BYTES: usize = 64 << 20;

/// All cases, in the order of their status.
pub const CASES: &[Case] = &[
    other(200, HTML, PAGE, "a sign-on page, or another application under this address"),
    Case {
        about: "",
        meaning: "a redirect, which is not followed: with it a POST would become a GET",
        example: Example::Other {
            status: 302,
            header: Some(("Location", "https://sso.example/login")),
            content_type: "",
            body: "",
        },
    },
    engine(
        400,
        REST,
        "External Task de20 cannot be completed by worker 'a'. It is locked by worker 'b'.",
        Some(0),
        "the lock was lost, and another worker has the task",
    ),
    engine(
        400,
        REST,
        "Cannot extend a lock that expired: …",
        Some(0),
        "the lock ran out, and nobody has fetched the task since",
    ),
    engine(
        400,
        REST,
        "ENGINE-03043 ExternalTask with id 'de20' is suspended.",
        Some(0),
        "somebody suspended the process instance; the engine takes nothing for it until it is activated",
    ),
    engine(
        400,
        REST,
        "org.operaton.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message 'm': No process definition or execution matches the parameters",
        Some(0),
        "nothing waits for the message that a handler sent",
    ),
    engine(
        400,
        REST,
        "org.operaton.bpm.engine.MismatchingMessageCorrelationException: ENGINE-13031 Cannot correlate a message with name 'm' to a single execution. 2 executions match …",
        Some(0),
        "more than one waits for the message that a handler sent",
    ),
    engine(
        400,
        INVALID,
        "Cannot convert value 'abc' of type 'Integer' to java type java.lang.Integer",
        None,
        "a value that its type does not have",
    ),
    engine(400, INVALID, "No process engine available", None, "no engine of the name in `engine.url` is deployed"),
    other(400, "text/plain", "Unexpected character …", "the engine's parser does not take the body"),
    other(400, HTML, PAGE, "a proxy refuses the request"),
    other(
        401,
        "",
        "",
        "no credentials, or wrong ones; after some wrong ones the engine refuses the right ones too, for a while",
    ),
    engine(
        403,
        "AuthorizationException",
        "The user with id 'u' does not have 'UPDATE' permission on resource …",
        Some(0),
        "the engine's user lacks a permission, which the message names",
    ),
    other(403, HTML, PAGE, "a proxy or a firewall forbids it"),
    engine(
        404,
        REST,
        "External task with id de20 does not exist",
        Some(0),
        "the task was completed or cancelled, or its process instance deleted",
    ),
    engine(
        404,
        INVALID,
        "Process instance with id 9f1c does not exist",
        None,
        "something else than the task is not there: an instance, an execution, a variable",
    ),
    engine(
        404,
        INVALID,
        "Process engine other not available",
        None,
        "the name in `engine.url` is no engine's, or not yet",
    ),
    other(404, HTML, PAGE, "a wrong path in `engine.url`, or a proxy without the engine behind it"),
    other(404, "", "", "the same"),
    engine(405, "NotAllowedException", "HTTP 405 Method Not Allowed", None, "the engine has no such call"),
    other(405, HTML, PAGE, "no engine is at this address, but a server of files"),
    other(408, "", "", "a proxy waited too long for the request"),
    engine(
        409,
        "OptimisticLockingException",
        "… was updated by another transaction concurrently",
        Some(1),
        "two transactions met, and this one was rolled back",
    ),
    engine(409, INVALID, "…", None, "the engine found a conflict that will be there the next time, too"),
    other(413, HTML, PAGE, "a proxy takes no body of this size"),
    engine(415, "NotSupportedException", "HTTP 415 Unsupported Media Type", None, "the engine takes no such body"),
    Case {
        about: "",
        meaning: "too many requests; `Retry-After` is honoured",
        example: Example::Other { status: 429, header: Some(("Retry-After", "7")), content_type: "", body: "" },
    },
    engine(
        500,
        "ScriptEvaluationException",
        "…",
        Some(0),
        "a listener, an expression or the next step of the process failed, and all was rolled back",
    ),
    engine(
        500,
        "OptimisticLockingException",
        "… was updated by another transaction concurrently",
        Some(1),
        "two transactions met, and this one was rolled back",
    ),
    engine(
        500,
        "OptimisticLockingException",
        "… was updated by another transaction concurrently",
        None,
        "the same from an engine before 7.18, which tells no codes",
    ),
    engine(500, PERSISTENCE, "…", Some(10_000), "a deadlock in the database; this transaction was rolled back"),
    engine(500, PERSISTENCE, "…", Some(10_001), "a foreign key of the database is violated"),
    engine(
        500,
        PERSISTENCE,
        "…",
        Some(10_002),
        "a text is longer than its column: most often a String of more than 4,000 characters",
    ),
    engine(
        500,
        "ProcessEngineException",
        "…",
        Some(22_222),
        "an error that somebody's own code in the engine gave a code from 20000 to 39999",
    ),
    engine(
        500,
        "SuspendedEntityInteractionException",
        "ExternalTask with id 'de20' is suspended",
        Some(0),
        "somebody suspended the process instance",
    ),
    engine(
        500,
        REST,
        "Cannot get process instance variable x: execution 9f1c doesn't exist: execution is null",
        Some(0),
        "the execution has ended",
    ),
    engine(
        500,
        INVALID,
        "At the moment the server has to handle too many requests at the same time. Please try again later.",
        None,
        "the queue of the engine's long polls is full",
    ),
    engine(500, REST, "Request rejected due to shutdown of application server.", None, "the engine stops"),
    other(500, HTML, PAGE, "the server around the engine failed: the engine tells its errors in JSON"),
    other(500, "", "", "the same"),
    other(502, HTML, PAGE, "a proxy cannot reach the engine"),
    Case {
        about: "",
        meaning: "the server takes nothing at the moment; `Retry-After` is honoured",
        example: Example::Other {
            status: 503,
            header: Some(("Retry-After", "120")),
            content_type: "text/plain",
            body: "no healthy upstream",
        },
    },
    other(504, "", "", "a proxy waited too long for the engine"),
    Case {
        about: "nobody listens, the name has no address, TLS fails, or no connection within `engine.connect-timeout`",
        meaning: "the engine is down, or the network; nothing was sent",
        example: Example::Refused,
    },
    Case {
        about: "the connection is cut before the answer",
        meaning: "the engine may have done what was asked",
        example: Example::Cut { after: "" },
    },
    Case {
        about: "the connection is cut within the answer",
        meaning: "the same",
        example: Example::Cut { after: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\"" },
    },
    Case {
        about: "no answer, or no more of it, within `engine.response-timeout` and `engine.request-timeout` (of a long poll: within `worker.poll` and 10 s)",
        meaning: "the engine is stuck, or the connection is half open",
        example: Example::Silence,
    },
    Case {
        about: "an answer of more bytes than are read",
        meaning: "many tasks with large variables at once",
        example: Example::Endless,
    },
    Case {
        about: "nothing is sent, for a secret cannot be read, a command fails, or no token is given out",
        meaning: "the credentials cannot be had, and nothing is sent without them",
        example: Example::NoCredentials,
    },
    Case {
        about: "nothing is sent, for it cannot be written",
        meaning: "a value that the engine's JSON cannot carry, or an empty id; a handler hears of it before it has decided",
        example: Example::Unsendable,
    },
];

/// What most exceptions of the engine come as.
const REST: &str = "RestException";

/// What the REST layer's own come as.
const INVALID: &str = "InvalidRequestException";

/// What those of the database come as.
const PERSISTENCE: &str = "ProcessEnginePersistenceException";

const fn engine(
    status: u16,
    kind: &'static str,
    message: &'static str,
    code: Option<i64>,
    meaning: &'static str,
) -> Case {
    Case { about: "", meaning, example: Example::Engine { status, kind, message, code } }
}

const fn other(status: u16, content_type: &'static str, body: &'static str, meaning: &'static str) -> Case {
    Case { about: "", meaning, example: Example::Other { status, header: None, content_type, body } }
}

/// An answer as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type, or empty.
    pub content_type: &'static str,
    /// A further header.
    pub header: Option<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
}

impl Case {
    /// The answer, if there is one.
    pub fn answer(&self) -> Option<SentAnswer> {
        match self.example {
            Example::Engine { status, kind, message, code } => {
                let body = serde_json::json!({"type": kind, "message": message, "code": code}).to_string();
                Some(SentAnswer { status, content_type: "application/json", header: None, body })
            }
            Example::Other { status, header, content_type, body } => {
                Some(SentAnswer { status, content_type, header, body: body.to_owned() })
            }
            Example::Refused
            | Example::Cut { .. }
            | Example::Silence
            | Example::Endless
            | Example::Unsendable
            | Example::NoCredentials => None,
        }
    }

    /// What the client makes of it.
    pub fn error(&self) -> EngineError {
        match self.example {
            Example::Engine { .. } | Example::Other { .. } => match (self.answer(), Url::parse(ADDRESS)) {
                (Some(answer), Ok(url)) => answer.received().error(&url),
                // The address is one, and both kinds have an answer.
                _ => EngineError::Unsendable { message: String::new() },
            },
            Example::Refused => EngineError::Unreachable { message: "Connection refused".into(), sent: false },
            Example::Cut { .. } => EngineError::Unreachable { message: "connection closed".into(), sent: true },
            Example::Silence => EngineError::TimedOut { after: LIMIT },
            Example::Endless => EngineError::TooLarge { limit: LIMIT_BYTES },
            Example::NoCredentials => {
                EngineError::NoCredentials { message: "engine.bearer: the file … cannot be read".into() }
            }
            Example::Unsendable => EngineError::Unsendable { message: "expected a finite number, found NaN".into() },
        }
    }
}

impl SentAnswer {
    fn received(&self) -> Answer {
        let headers = [(CONTENT_TYPE.as_str(), self.content_type)].into_iter().chain(self.header);
        let headers = headers
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
        Answer {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: headers.collect::<HeaderMap>(),
            body: Bytes::copy_from_slice(self.body.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests;
