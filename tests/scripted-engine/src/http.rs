//! What happens to a request on its way to the embedded engine: it is recorded, a fault may befall it, and what the
//! engine answered is noted.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt;

use super::connection::Connection;
use super::{Fault, Mode, Recorded, Shared};

/// Under this path the engine's interface lives.
pub(super) const BASE_PATH: &str = "/engine-rest";

/// The largest body that is read, in bytes: more than any test sends.
const MAX_BODY: usize = 64 << 20;

/// Answers every request.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    // In a task of its own, because the server drops the future of a request whose client has left, and a fault must
    // not depend on that.
    let answering = tokio::spawn(async move { answer(&shared, &connection, request).await });
    answering.await.unwrap_or_else(|panic| plain(500, "text/plain", format!("the scripted engine panicked: {panic}")))
}

async fn answer(shared: &Arc<Shared>, connection: &Connection, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
        return plain(400, "text/plain", "the body cannot be read");
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    shared.record(Recorded {
        method: head.method.to_string(),
        path: path.clone(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        authorization: authorization.clone(),
        at: Instant::now(),
    });
    let mut cut_after = false;
    let mut twice = false;
    match shared.take_fault(&path, &String::from_utf8_lossy(&bytes)) {
        None => {}
        Some(Fault::Delay(delay)) => sleep(delay).await,
        Some(Fault::Answer { status, content_type, body }) => return plain(status, &content_type, body),
        Some(Fault::RetryAfter { status, after }) => {
            let mut answer = plain(status, "", "");
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
            return answer;
        }
        Some(Fault::CutBeforeApplying) => {
            connection.cut();
            return no_content();
        }
        Some(Fault::CutAfterApplying) => cut_after = true,
        Some(Fault::TellTwice) => twice = true,
    }
    match shared.mode() {
        Mode::Normal => {}
        Mode::Html { status } => {
            let page = "<!doctype html><html><body><h1>Welcome</h1></body></html>";
            return plain(status, "text/html;charset=utf-8", page);
        }
        Mode::BasicAuth { user, password } => {
            let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            // As on a real engine, the list of engines is open to all, and the refusal has no body.
            if authorization != Some(expected) && head.uri.path() != format!("{BASE_PATH}/engine") {
                return plain(401, "", "");
            }
        }
        Mode::Authorization(expected) => {
            if authorization != Some(expected) {
                return plain(401, "", "");
            }
        }
        Mode::CutEverything => {
            connection.cut();
            return no_content();
        }
    }
    let answer = pass_on(shared, head, bytes, twice).await;
    // The engine may have gone while the request was parked.
    if cut_after || matches!(shared.mode(), Mode::CutEverything) {
        connection.cut();
    }
    answer
}

/// Has the embedded engine answer, and notes what that did.
async fn pass_on(shared: &Arc<Shared>, head: request::Parts, body: Bytes, twice: bool) -> Response<Body> {
    let path = head.uri.path().to_owned();
    let is_fetch = path.ends_with("/external-task/fetchAndLock");
    let _parked = is_fetch.then(|| shared.park());
    let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = Request::from_parts(head, Body::from(body));
    let answer = match shared.router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return plain(500, "text/plain", "the embedded engine's answer cannot be read");
    };
    if head.status.is_success() {
        let answered = if is_fetch { serde_json::from_slice(&bytes).unwrap_or_default() } else { Value::Null };
        shared.observed().note(&path, &asked, &answered);
    }
    shared.changed();
    head.headers.remove(CONTENT_LENGTH);
    let bytes = if twice { told_twice(&bytes) } else { bytes };
    Response::from_parts(head, Body::from(shared.rewritten(bytes)))
}

/// A list with each of its elements twice.
fn told_twice(list: &[u8]) -> Bytes {
    let list: Vec<Value> = serde_json::from_slice(list).unwrap_or_default();
    Value::from([list.clone(), list].concat()).to_string().into()
}

fn no_content() -> Response<Body> {
    plain(204, "", "")
}

fn plain(status: u16, content_type: &str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("statuses come from this module or a test");
    if !content_type.is_empty() {
        let value = HeaderValue::from_str(content_type).expect("content types are plain ASCII");
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
