//! One call of the engine: credentials, request, answer, and a second time when new credentials are to be had.

use std::time::Instant;

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION},
};
use url::Url;

use super::{
    answer::Answer,
    credentials::{Credentials, Proof},
    exchange::{Limits, Transport},
};
use crate::{engine::EngineError, secret::HIDDEN};

/// The content type of every request: the engine refuses a body without it, with 415.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The way to an engine: connections that are kept and shared, and what every request carries.
pub(super) struct Connection {
    pub(super) transport: Transport,
    /// Not the client's default headers, which are fixed and keep only the first value of each name.
    pub(super) credentials: Credentials,
}

/// What is asked.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// JSON, or empty for none.
    pub(super) body: Bytes,
    /// What kind of answer is welcome.
    pub(super) accept: HeaderValue,
    /// How long it may take.
    pub(super) limits: Limits,
    /// How many bytes of a successful answer are read.
    pub(super) limit: usize,
}

impl Connection {
    /// Sends a call and reads the answer, whatever its status. A 401 says that nothing was done, so the call is sent a
    /// second time if there are other credentials by then.
    ///
    /// # Errors
    /// `NoCredentials`, before anything is sent; `Unreachable`, `TimedOut`, and `TooLarge` for a successful answer beyond
    /// the limit.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, EngineError> {
        let proof = self.credentials.proof().await?;
        let answer = self.exchange(&call, &proof).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let renewed = self.credentials.proof_after_refusal(&proof).await?;
        if renewed.headers == proof.headers { Ok(answer) } else { self.exchange(&call, &renewed).await }
    }

    async fn exchange(&self, call: &Call, proof: &Proof) -> Result<Answer, EngineError> {
        let Call { method, url, body, accept, limits, limit } = call;
        let started = Instant::now();
        let request = self
            .transport
            .client
            .request(method.clone(), url.clone())
            .headers(proof.headers.clone())
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, accept);
        let request = if body.is_empty() { request } else { request.body(body.clone()) };
        let result = self.transport.exchange(request, *limits, *limit).await.map_err(EngineError::from);
        let (path, ms) = (url.path(), started.elapsed().as_millis());
        match &result {
            Ok(answer) => tracing::trace!(%method, path, status = answer.status.as_u16(), ms, "engine call"),
            Err(error) => tracing::trace!(%method, path, %error, ms, "engine call"),
        }
        result.map(|answer| concealed(answer, proof))
    }
}

/// An answer whose words may be shown in an error: a server that repeats a request's headers must not bring a secret
/// into the log.
fn concealed(mut answer: Answer, proof: &Proof) -> Answer {
    if answer.status.is_success() && !answer.is_html() {
        return answer;
    }
    for secret in proof.secrets() {
        if answer.body.windows(secret.len()).any(|it| it == secret.as_bytes()) {
            answer.body = String::from_utf8_lossy(&answer.body).replace(secret, HIDDEN).into();
        }
        for name in [CONTENT_TYPE, LOCATION] {
            if answer.header(name.clone()).is_some_and(|value| value.contains(secret)) {
                answer.headers.insert(name, HeaderValue::from_static(HIDDEN));
            }
        }
    }
    answer
}
