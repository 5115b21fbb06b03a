//! What an answer of the engine means when it is not the one hoped for. A status alone says little, and a body need not
//! be JSON: the same engine answers malformed JSON as an object at one start and as plain text at the next.

use std::time::Duration;

use bytes::Bytes;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER},
};
use url::Url;

use crate::engine::EngineError;
use crate::foreign::excerpt;

/// How many characters of the engine's text an error carries.
const MAX_TEXT: usize = 2_000;

/// How many characters of a page that no engine gave an error shows.
const MAX_FOUND: usize = 200;

/// The longest wish to be left alone that is granted; a clock or a header that is wrong must not stop a host for good.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// `BuiltinExceptionCode`: optimistic locking, and a deadlock. Both were rolled back, and both may be sent again.
const RETRIABLE_CODES: [i64; 2] = [OPTIMISTIC_LOCKING.0, 10_000];

/// The code of optimistic locking, and the exception that it stands for.
const OPTIMISTIC_LOCKING: (i64, &str) = (1, "OptimisticLockingException");

/// A 500 of `FetchAndLockHandlerImpl` that is no error: its queue is full.
const QUEUE_FULL: &str = "At the moment the server has to handle too many requests";

/// The other one: the server is stopping.
const SHUTDOWN: &str = "Request rejected due to shutdown of application server";

/// A whole answer, its body cut to what is read of an answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn content_type(&self) -> &str {
        self.header(CONTENT_TYPE).unwrap_or("no content type")
    }

    pub(super) fn is_html(&self) -> bool {
        let is_html_type = |it: &str| it.trim_start().to_ascii_lowercase().starts_with("text/html");
        match self.header(CONTENT_TYPE) {
            Some(content_type) => is_html_type(content_type),
            None => self.body.trim_ascii_start().starts_with(b"<"),
        }
    }

    /// The body as text, bounded and escaped.
    fn text(&self, max: usize) -> String {
        // Nothing beyond four bytes a character can be among the first `max` of them.
        let start = &self.body[..self.body.len().min(max.saturating_mul(4).saturating_add(4))];
        excerpt(String::from_utf8_lossy(start).trim(), max)
    }

    /// An answer that no engine gives.
    pub(super) fn not_an_engine(&self, url: &Url) -> EngineError {
        let status = self.status.as_u16();
        let found = match self.header(LOCATION) {
            Some(location) if self.status.is_redirection() => {
                format!("{status}, a redirect to {}", excerpt(location, MAX_FOUND))
            }
            _ if self.body.is_empty() => format!("{status} without a body"),
            _ => format!("{status} {}: {}", excerpt(self.content_type(), MAX_FOUND), self.text(MAX_FOUND)),
        };
        EngineError::NotAnEngine { url: url.to_string(), found }
    }

    /// The meaning of an answer that is not the hoped-for one.
    pub(super) fn error(&self, url: &Url) -> EngineError {
        let status = self.status.as_u16();
        match (status, EngineException::read(&self.body)) {
            (401, _) => EngineError::Unauthorized,
            (403, exception) => {
                EngineError::Forbidden { message: exception.map_or_else(|| self.text(MAX_TEXT), |it| it.message) }
            }
            (429 | 503, _) => self.overloaded(self.text(MAX_TEXT)),
            (502 | 504, _) => self.unavailable(self.text(MAX_TEXT)),
            (400..=599, Some(exception)) => self.exception(url, exception),
            // Without the engine's own body these come from what is in front of it, and will be the same next time.
            (413 | 414 | 431, None) => self.rejected_in_front(),
            // A servlet container refuses an encoded slash in a path with a page of its own.
            (400, None) if !self.is_html() || has_encoded_slash(url) => self.rejected_in_front(),
            // An engine tells its errors in JSON. What comes without is of the server around it or a proxy, which may
            // well have seen nothing of the request: it is kept, and sent again.
            (408 | 425 | 500..=599, None) => self.unavailable(self.text(MAX_TEXT)),
            _ => self.not_an_engine(url),
        }
    }

    fn exception(&self, url: &Url, exception: EngineException) -> EngineError {
        let status = self.status.as_u16();
        let EngineException { kind, message, code } = exception;
        let (is_rest, is_invalid) = (kind == "RestException", kind == "InvalidRequestException");
        if let (400, true, Some(error)) = (status, is_rest, uncorrelated(&message)) {
            return error;
        }
        let said = without_number(&message);
        match (status, code) {
            (409 | 500, Some(code)) if RETRIABLE_CODES.contains(&code) => EngineError::Conflict { code, message },
            // Engines before 7.18 tell no codes.
            (409 | 500, None) if kind == OPTIMISTIC_LOCKING.1 => {
                EngineError::Conflict { code: OPTIMISTIC_LOCKING.0, message }
            }
            (404, _) if is_rest && said.starts_with("External task with id ") => EngineError::TaskGone { message },
            // An engine that is not (or not yet) deployed, or an unknown path: nothing is known about the task.
            (400 | 404, _) if is_invalid && is_missing_engine(said) => self.not_an_engine(url),
            (404, _) if is_rest || is_invalid => EngineError::NotThere { message },
            (404, _) => self.not_an_engine(url),
            (400, _) if is_rest && is_wrong_worker(said) => EngineError::OtherWorker { message },
            (400, _) if said.starts_with("Cannot extend a lock that expired") => EngineError::LockExpired { message },
            (400 | 500, _) if is_suspended(&kind, said) => EngineError::Suspended { message },
            (500, _) if is_invalid && said.starts_with(QUEUE_FULL) => self.overloaded(message),
            (500, _) if is_rest && said.starts_with(SHUTDOWN) => self.unavailable(message),
            (500, _) if is_rest && is_missing_execution(said) => EngineError::NotThere { message },
            _ => EngineError::Rejected { status, kind, message, code },
        }
    }

    fn rejected_in_front(&self) -> EngineError {
        let kind = excerpt(self.content_type(), MAX_FOUND);
        // A page is mostly style.
        let message = self.text(if self.is_html() { MAX_FOUND } else { MAX_TEXT });
        EngineError::Rejected { status: self.status.as_u16(), kind, message, code: None }
    }

    fn overloaded(&self, message: String) -> EngineError {
        EngineError::Overloaded { status: self.status.as_u16(), message, retry_after: self.retry_after() }
    }

    fn unavailable(&self, message: String) -> EngineError {
        EngineError::Unavailable { status: self.status.as_u16(), message, retry_after: self.retry_after() }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.header(RETRY_AFTER).and_then(|text| retry_after(text, self.header(DATE)))
    }
}

/// An exception as the engine tells it (`ExceptionDto`); the texts are bounded and escaped.
struct EngineException {
    kind: String,
    message: String,
    code: Option<i64>,
}

impl EngineException {
    /// Both `type` and `message` make it the engine's; other servers' error objects have one of them at most.
    fn read(body: &[u8]) -> Option<Self> {
        let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
        let kind = body.get("type")?.as_str()?;
        let message = body.get("message")?.as_str().unwrap_or_default();
        let code = body.get("code").and_then(serde_json::Value::as_i64);
        Some(Self { kind: excerpt(kind, MAX_FOUND), message: excerpt(message, MAX_TEXT), code })
    }
}

/// Some exceptions put their number in front, as `ENGINE-03043 `.
fn without_number(message: &str) -> &str {
    let number = message.strip_prefix("ENGINE-").and_then(|rest| rest.split_once(' '));
    number.map_or(message, |(_, rest)| rest)
}

/// A name in the path that is no engine's: 404 "Process engine X not available" by `ProcessEngineAuthenticationFilter`,
/// and where that filter is not in use, 400 "No process engine available".
fn is_missing_engine(message: &str) -> bool {
    message.starts_with("Process engine ") || message.starts_with("No process engine ")
}

/// "External Task X cannot be completed by worker 'Y'. It is locked by worker 'Z'." and its like for the other calls
/// (`HandleExternalTaskCmd` and its heirs); Z is `null` for a task that nobody has locked. In front of the task stands
/// nothing in quotes, so that a quoted text of a request cannot pass for this.
fn is_wrong_worker(message: &str) -> bool {
    message.split_once("External Task ").is_some_and(|(before, after)| {
        !before.contains('\'') && after.contains(" cannot be ") && after.contains(" by worker '")
    })
}

/// `SuspendedEntityInteractionException`: of the task, or of what follows it. Operaton 1.0.3 answers an outcome call
/// with 400 `RestException` "ENGINE-03043 ExternalTask with id 'X' is suspended."
fn is_suspended(kind: &str, message: &str) -> bool {
    kind == "SuspendedEntityInteractionException"
        || (message.starts_with("ExternalTask with id ") && message.trim_end_matches('.').ends_with(" is suspended"))
}

/// `AbstractVariablesResource` wraps the missing execution of a finished instance into a 500.
fn is_missing_execution(message: &str) -> bool {
    message.starts_with("Cannot ") && message.contains("doesn't exist: execution is null")
}

/// `MismatchingMessageCorrelationException`, which the REST layer wraps with the name of its class in front; the package
/// differs from engine to engine. "Cannot correlate message 'M': No process definition or execution matches the
/// parameters", or with a number "Cannot correlate a message with name 'M' to a single execution. 2 executions match …".
fn uncorrelated(message: &str) -> Option<EngineError> {
    let (class, said) = message.split_once(": ")?;
    let message = said.to_owned();
    if !class.ends_with("MismatchingMessageCorrelationException") {
        None
    } else if without_number(said).starts_with("Cannot correlate a message with name ") {
        Some(EngineError::SeveralReceivers { message })
    } else {
        Some(EngineError::NoReceiver { message })
    }
}

fn has_encoded_slash(url: &Url) -> bool {
    ["%2F", "%5C"].iter().any(|it| url.path().contains(it))
}

/// Reads `Retry-After`: seconds, or a date, which is measured against the answer's own `Date` so that the clocks of the
/// two machines do not matter.
fn retry_after(text: &str, date: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let moment = |text: &str| rfc2822::parse(text).ok().map(|it| it.timestamp());
        let now = date.and_then(moment).unwrap_or_else(Timestamp::now);
        Duration::try_from(moment(text)?.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
