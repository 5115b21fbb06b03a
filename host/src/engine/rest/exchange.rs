//! One request and its bounded answer over connections that are kept, and what became of it when there is none.

use std::{error::Error, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, RequestBuilder, Response};

use super::answer::Answer;
use crate::{engine::EngineError, foreign::excerpt};

/// How much of an answer that tells an error is read, in bytes: the engine's messages are of a few hundred.
const MAX_ERROR_BODY: usize = 1 << 20;

/// How many characters of the causes of a failed exchange are kept.
const MAX_CAUSES: usize = 500;

/// Connections to one place.
pub(super) struct Transport {
    pub(super) client: Client,
    /// The limit of a connection, which `client` knows too.
    pub(super) connect_timeout: Duration,
}

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the sending to the first byte of the answer, connecting included: what finds a connection whose other end
    /// is gone.
    pub(super) response: Duration,
    /// From the sending to the last byte of the answer.
    pub(super) total: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot be reached: {message}")]
    Unreachable { message: String, sent: bool },
    #[error("did not answer within {} ms", .after.as_millis())]
    TimedOut { after: Duration },
    #[error("answers more than {limit} bytes")]
    TooLarge { limit: usize },
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable { message, sent } => Self::Unreachable { message, sent },
            Failure::TimedOut { after } => Self::TimedOut { after },
            Failure::TooLarge { limit } => Self::TooLarge { limit },
        }
    }
}

impl Transport {
    /// Sends a request and reads the answer, whatever its status; of a successful one at most `max` bytes.
    pub(super) async fn exchange(
        &self,
        request: RequestBuilder,
        limits: Limits,
        max: usize,
    ) -> Result<Answer, Failure> {
        let failed = |error| self.failed(error, limits.total);
        let sending = request.timeout(limits.total).send();
        let response = match tokio::time::timeout(limits.response, sending).await {
            Ok(response) => response.map_err(failed)?,
            Err(_) => return Err(Failure::TimedOut { after: limits.response }),
        };
        read(response, max).await.map_err(|stop| match stop {
            Stop::TooLarge => Failure::TooLarge { limit: max },
            Stop::Broken(error) => failed(error),
        })
    }

    fn failed(&self, error: reqwest::Error, timeout: Duration) -> Failure {
        // The address is known and the same for all; the causes are what is new.
        let error = error.without_url();
        match (error.is_timeout(), error.is_connect()) {
            // Nothing was sent, which is more than a time-out says. A short limit for all can pass while connecting, too.
            (true, true) => {
                let ms = self.connect_timeout.min(timeout).as_millis();
                Failure::Unreachable { message: format!("no connection within {ms} ms"), sent: false }
            }
            (true, false) => Failure::TimedOut { after: timeout },
            // A connection that was there and was cut may have carried the request; nobody can tell.
            (false, is_connect) => Failure::Unreachable { message: causes(&error), sent: !is_connect },
        }
    }
}

/// Why an answer was not read to its end.
enum Stop {
    TooLarge,
    Broken(reqwest::Error),
}

async fn read(mut response: Response, limit: usize) -> Result<Answer, Stop> {
    let status = response.status();
    let limit = if status.is_success() { limit } else { MAX_ERROR_BODY };
    let exceeds = |len: u64| u64::try_from(limit).is_ok_and(|limit| len > limit);
    if status.is_success() && response.content_length().is_some_and(exceeds) {
        return Err(Stop::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Stop::Broken)? {
        if chunk.len() <= limit - body.len() {
            body.extend_from_slice(&chunk);
        } else if status.is_success() {
            return Err(Stop::TooLarge);
        } else {
            // An error is told by its status and its beginning.
            body.extend_from_slice(&chunk[..limit - body.len()]);
            break;
        }
    }
    Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body: Bytes::from(body) })
}

/// The chain of causes in one line, none of them twice.
fn causes(error: &dyn Error) -> String {
    let mut chain = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !chain.iter().any(|it| it.contains(&text)) {
            chain.push(text);
        }
        next = cause.source();
    }
    excerpt(&chain.join(": "), MAX_CAUSES)
}
