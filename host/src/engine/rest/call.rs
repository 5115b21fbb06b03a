//! One exchange with the engine: request, bounded answer, and what became of it when there is none.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Method, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use url::Url;

use super::answer::Answer;
use crate::{engine::EngineError, foreign::excerpt};

/// How much of an answer that tells an error is read, in bytes: the engine's messages are of a few hundred.
const MAX_ERROR_BODY: usize = 1 << 20;

/// How many characters of the causes of a failed exchange are kept.
const MAX_CAUSES: usize = 500;

/// The content type of every request: the engine refuses a body without it, with 415.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The way to an engine: connections that are kept and shared, and what every request carries.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Not the client's default headers, which keep only the first value of each name.
    pub(super) headers: HeaderMap,
    pub(super) connect_timeout: Duration,
}

/// What is asked.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// JSON, or empty for none.
    pub(super) body: Vec<u8>,
    /// What kind of answer is welcome.
    pub(super) accept: HeaderValue,
    /// From the sending to the last byte of the answer.
    pub(super) timeout: Duration,
    /// How many bytes of a successful answer are read.
    pub(super) limit: usize,
}

impl Connection {
    /// Sends a call and reads the answer, whatever its status.
    ///
    /// # Errors
    /// `Unreachable`, `TimedOut`, and `TooLarge` for a successful answer beyond the limit.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, EngineError> {
        let Call { method, url, body, accept, timeout, limit } = call;
        let started = Instant::now();
        let request = self
            .client
            .request(method.clone(), url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, accept)
            .timeout(timeout);
        let request = if body.is_empty() { request } else { request.body(body) };
        let result = async {
            let response = request.send().await.map_err(|error| failed(error, timeout, self.connect_timeout))?;
            read(response, limit).await.map_err(|stop| match stop {
                Stop::TooLarge => EngineError::TooLarge { limit },
                Stop::Broken(error) => failed(error, timeout, self.connect_timeout),
            })
        }
        .await;
        let (path, ms) = (url.path(), started.elapsed().as_millis());
        match &result {
            Ok(answer) => tracing::trace!(%method, path, status = answer.status.as_u16(), ms, "engine call"),
            Err(error) => tracing::trace!(%method, path, %error, ms, "engine call"),
        }
        result
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

fn failed(error: reqwest::Error, timeout: Duration, connect_timeout: Duration) -> EngineError {
    // The address is known and the same for all; the causes are what is new.
    let error = error.without_url();
    match (error.is_timeout(), error.is_connect()) {
        // Nothing was sent, which is more than a time-out says. A short limit for all can pass while connecting, too.
        (true, true) => {
            let ms = connect_timeout.min(timeout).as_millis();
            EngineError::Unreachable { message: format!("no connection within {ms} ms"), sent: false }
        }
        (true, false) => EngineError::TimedOut { after: timeout },
        // A connection that was there and was cut may have carried the request; nobody can tell.
        (false, is_connect) => EngineError::Unreachable { message: causes(&error), sent: !is_connect },
    }
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
