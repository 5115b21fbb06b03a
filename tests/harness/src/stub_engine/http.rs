//! From an HTTP request to the rules and back: recording, faults, modes, and the parking of long polls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Response, Uri, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio::time::{sleep, sleep_until, timeout_at};

use super::answer::Answer;
use super::connection::Connection;
use super::filter::shown;
use super::store::Store;
use super::task::after;
use super::{Fault, Mode, Recorded, SERVER_TICK, Shared};

/// Under this path the engine's interface lives.
pub(super) const BASE_PATH: &str = "/engine-rest";

/// The largest body that the scripted engine reads, in bytes: more than any test sends.
const MAX_BODY: usize = 64 << 20;

/// Answers every request.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    // In a task of its own, because the server drops the future of a request whose client has left. The real engine
    // does not notice: an abandoned long poll still locks tasks.
    let answering = tokio::spawn(async move { answer(&shared, &connection, request).await });
    let answer = answering.await.unwrap_or_else(|panic| {
        let message = format!("the scripted engine panicked: {panic}");
        Answer::error(500, "ScriptedEngineException", &message, None)
    });
    answer.into_response()
}

async fn answer(shared: &Arc<Shared>, connection: &Connection, request: Request) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
        return Answer::unreadable_body();
    };
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let authorization = header(&head, AUTHORIZATION.as_str());
    shared.record(Recorded {
        method: head.method.to_string(),
        path: path.clone(),
        body: body.clone().unwrap_or(Value::Null),
        authorization: authorization.clone(),
        at: Instant::now(),
    });
    match shared.take_fault(&path) {
        None => {}
        Some(Fault::Delay(delay)) => sleep(delay).await,
        Some(Fault::Answer { status, content_type, body }) => return Answer::new(status, &content_type, body),
        Some(Fault::CutBeforeApplying) => {
            connection.cut();
            return Answer::empty(204);
        }
        Some(Fault::CutAfterApplying) => {
            let answer = dispatch(shared, &head, &bytes, body).await;
            connection.cut();
            return answer;
        }
    }
    match shared.mode() {
        Mode::Normal => {}
        Mode::Html { status } => {
            let page = "<!doctype html><html><body><h1>Welcome</h1></body></html>";
            return Answer::new(status, "text/html;charset=utf-8", page);
        }
        Mode::BasicAuth { user, password } => {
            let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            // As on a real engine, the list of engines is open to all, and the refusal has no body.
            if authorization != Some(expected) && head.uri.path() != format!("{BASE_PATH}/engine") {
                return Answer::empty(401);
            }
        }
        Mode::CutEverything => {
            connection.cut();
            return Answer::empty(204);
        }
    }
    let answer = dispatch(shared, &head, &bytes, body).await;
    // The engine may have gone while the request was parked.
    if matches!(shared.mode(), Mode::CutEverything) {
        connection.cut();
    }
    answer
}

async fn dispatch(shared: &Arc<Shared>, head: &request::Parts, bytes: &[u8], body: Option<Value>) -> Answer {
    let unknown = || Answer::error(404, "NotFoundException", "HTTP 404 Not Found", None);
    let Some(path) = head.uri.path().strip_prefix(BASE_PATH) else {
        return unknown();
    };
    let segments: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    // The default engine answers under its name as well.
    let segments = match segments.as_slice() {
        ["engine", "default", rest @ ..] if !rest.is_empty() => rest,
        ["engine", other, _, ..] => {
            let message = format!("Process engine {other} not available");
            return Answer::error(404, "InvalidRequestException", &message, None);
        }
        all => all,
    };
    if head.method != Method::GET && !bytes.is_empty() {
        let json = header(head, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/json"));
        if !json {
            return Answer::error(415, "NotSupportedException", "HTTP 415 Unsupported Media Type", None);
        }
        if body.is_none() {
            return Answer::unreadable_body();
        }
    }
    let body = body.unwrap_or(Value::Null);
    if segments == ["external-task", "fetchAndLock"] && head.method == Method::POST {
        return fetch_and_lock(shared, &body).await;
    }
    let now = Instant::now();
    let answer = {
        let mut store = shared.store();
        read(&store, &head.method, segments, &head.uri, &body, now)
            .or_else(|| write(&mut store, &head.method, segments, &body, now))
    };
    if answer.as_ref().is_some_and(|answer| answer.status < 300) && head.method != Method::GET {
        shared.changed();
    }
    // Like the real one, only an unlock wakes parked polls; expired locks and new retries wait for the tick.
    if segments.last() == Some(&"unlock") {
        shared.wake_parked();
    }
    answer.unwrap_or_else(|| match segments {
        ["external-task" | "process-instance" | "execution" | "version" | "engine", ..]
            if head.method == Method::GET =>
        {
            Answer::error(405, "NotAllowedException", "HTTP 405 Method Not Allowed", None)
        }
        _ => unknown(),
    })
}

/// What only looks.
fn read(store: &Store, method: &Method, segments: &[&str], uri: &Uri, body: &Value, now: Instant) -> Option<Answer> {
    let query = || if method == Method::GET { parameters(uri) } else { body.clone() };
    let answer = match (method.as_str(), segments) {
        ("GET", ["version"]) => Answer::ok(&json!({"version": "1.0.3"})),
        ("GET", ["engine"]) => Answer::ok(&json!([{"name": "default"}])),
        ("GET" | "POST", ["external-task"]) => {
            let parameters = parameters(uri);
            let number = |name: &str| Some(usize::try_from(parameters.get(name)?.as_u64()?).unwrap_or(usize::MAX));
            let found = store.query(&query(), now).into_iter().skip(number("firstResult").unwrap_or(0));
            Answer::ok(&found.take(number("maxResults").unwrap_or(usize::MAX)).collect())
        }
        ("GET" | "POST", ["external-task", "count"]) => Answer::ok(&json!({"count": store.query(&query(), now).len()})),
        // The names below it are no tasks.
        ("GET", ["external-task", "fetchAndLock" | "retries" | "retries-async"]) => return None,
        ("GET", ["external-task", id]) => match store.task(id) {
            Some(task) => Answer::ok(&Value::Object(task.listed(now))),
            None => Answer::no_such_task(id),
        },
        ("GET", ["external-task", id, "errorDetails"]) => match store.task(id) {
            Some(task) => match task.error.as_ref().and_then(|(_, details)| details.clone()) {
                Some(details) => Answer::new(200, "text/plain", details),
                None => Answer::empty(204),
            },
            None => Answer::no_such_task(id),
        },
        ("GET", ["process-instance", id, "variables", rest @ ..]) => {
            let none = Map::new();
            variables("process instance", store.instance_variables(id).unwrap_or(&none), rest)?
        }
        ("GET", ["execution", id, "localVariables", rest @ ..]) => {
            let none = Map::new();
            variables("execution", store.local_variables(id).unwrap_or(&none), rest)?
        }
        _ => return None,
    };
    Some(answer)
}

/// What is under `/process-instance/{id}/variables` and `/execution/{id}/localVariables`.
fn variables(scope: &str, variables: &Map<String, Value>, rest: &[&str]) -> Option<Answer> {
    let missing = |name: &str| {
        let message = format!("{scope} variable with name {name} does not exist");
        Answer::error(404, "InvalidRequestException", &message, None)
    };
    let answer = match rest {
        [] => {
            let all = variables.iter().map(|(name, variable)| (name.clone(), shown(variable)));
            Answer::ok(&Value::Object(all.collect()))
        }
        [name] => match variables.get(*name) {
            Some(variable) => Answer::ok(&shown(variable)),
            None => missing(name),
        },
        [name, "data"] => match variables.get(*name) {
            Some(variable) => data(name, variable),
            None => missing(name),
        },
        _ => return None,
    };
    Some(answer)
}

/// The bytes of a file or of a Bytes variable.
fn data(name: &str, variable: &Value) -> Answer {
    let bytes = match variable.get("type").and_then(Value::as_str) {
        Some("File" | "Bytes") => {
            variable.get("value").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok())
        }
        _ => None,
    };
    let Some(bytes) = bytes else {
        let message = format!("Value of variable {name} is not a binary value");
        return Answer::error(400, "InvalidRequestException", &message, None);
    };
    let info = |key: &str| variable.get("valueInfo")?.get(key)?.as_str();
    let kind = info("mimeType").unwrap_or("application/octet-stream");
    let kind = info("encoding").map_or_else(|| kind.to_owned(), |charset| format!("{kind};charset={charset}"));
    Answer::new(200, &kind, bytes)
}

/// What changes something. Every success is a 204.
fn write(store: &mut Store, method: &Method, segments: &[&str], body: &Value, now: Instant) -> Option<Answer> {
    let done = match (method.as_str(), segments) {
        ("POST", ["external-task", id, "complete"]) => store.complete(id, body),
        ("POST", ["external-task", id, "failure"]) => store.failure(id, body, now),
        ("POST", ["external-task", id, "bpmnError"]) => store.bpmn_error(id, body),
        ("POST", ["external-task", id, "extendLock"]) => store.extend_lock(id, body, now),
        ("POST", ["external-task", id, "lock"]) => store.lock(id, body, now),
        ("POST", ["external-task", id, "unlock"]) => store.unlock(id),
        ("PUT", ["external-task", id, "retries"]) => store.set_retries(id, body),
        ("PUT", ["external-task", id, "priority"]) => store.set_priority(id, body),
        ("POST", ["process-instance", id, "variables"]) => store.modify_variables(id, body),
        ("POST", ["execution", id, "localVariables"]) => store.modify_local_variables(id, body),
        _ => return None,
    };
    Some(done.map_or_else(|refusal| refusal, |()| Answer::empty(204)))
}

/// Tries at once, and if nothing is there parks the request until a task is created or unlocked, the server's tick
/// comes, or the client's timeout has passed.
async fn fetch_and_lock(shared: &Arc<Shared>, body: &Value) -> Answer {
    let arrived = Instant::now();
    let deadline = match Store::park_time(body) {
        Ok(milliseconds) => after(arrived, milliseconds),
        Err(refusal) => return refusal,
    };
    let _parked = shared.park();
    let mut wakes = shared.wakes();
    loop {
        if matches!(shared.mode(), Mode::CutEverything) {
            return Answer::empty(204);
        }
        let locked = shared.store().fetch(body, Instant::now());
        match locked {
            Err(refusal) => return refusal,
            Ok(tasks) if !tasks.is_empty() => {
                shared.changed();
                return Answer::ok(&Value::Array(tasks));
            }
            Ok(_) if Instant::now() >= deadline => return Answer::ok(&json!([])),
            Ok(_) => {}
        }
        let tick = tokio::time::Instant::now() + SERVER_TICK;
        tokio::select! {
            // Woken or timed out: the next turn tells. (The sender lives as long as `shared`, so there is no error.)
            woken = timeout_at(deadline.into(), wakes.changed()) => drop(woken),
            () = sleep_until(tick) => {}
        }
    }
}

/// The parameters of a query, with `true`, `false` and whole numbers as such.
fn parameters(uri: &Uri) -> Value {
    let pairs = Query::<HashMap<String, String>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let typed = |text: String| match (text.parse::<bool>(), text.parse::<u64>()) {
        (Ok(flag), _) => json!(flag),
        (_, Ok(number)) => json!(number),
        _ if text.contains(',') => text.split(',').collect(),
        _ => json!(text),
    };
    Value::Object(pairs.into_iter().map(|(name, text)| (name, typed(text))).collect())
}

fn header(head: &request::Parts, name: &str) -> Option<String> {
    head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
