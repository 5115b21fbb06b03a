//! `[[calls]]` of a case file: what the handler calls, and the answer to it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use url::Url;

use super::{
    reader::{Entry, Table},
    values::{self, Surroundings},
};
use crate::{
    cases::{
        asked::Answer,
        case::{Canned, Wanted, WantedMessage},
        expected::Body,
        json,
    },
    sandbox::{CorrelateError, Fault, HttpError, LoadError, LockError, SetError, StartError},
    value::Scope,
    work::{MessageTenant, Receiver, Receivers, StartCondition, Started},
};

/// The keys of which one says what is called.
const KINDS: [&str; 6] = ["http", "start-process", "correlate-message", "extend-lock", "set-progress", "load"];

/// The scopes of variables, with their names in case files.
pub(in crate::cases) const SCOPES: [(Scope, &str); 2] = [(Scope::Process, "process"), (Scope::Local, "local")];

/// How many receive a message, with their names in case files.
pub(in crate::cases) const RECEIVERS: [(Receivers, &str); 2] = [(Receivers::One, "one"), (Receivers::All, "all")];

/// Makes an error of its text.
pub(in crate::cases) type Faulty<E> = fn(String) -> E;

/// Reads all calls.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Vec<Canned> {
    root.tables("calls").iter().filter_map(|table| call(table, around)).collect()
}

fn call(table: &Table<'_>, around: &Surroundings<'_>) -> Option<Canned> {
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| table.has(kind)).collect();
    let (wanted, answer) = match kinds.as_slice() {
        ["http"] => http(table, around)?,
        ["start-process"] => start_process(table, around)?,
        ["correlate-message"] => correlate(table, around)?,
        ["extend-lock"] => extend_lock(table)?,
        ["set-progress"] => set_progress(table, around)?,
        ["load"] => load(table, around)?,
        [] => {
            // A mistyped kind is told as what it is.
            let unknown = table.entries().into_iter().find(|(key, _)| !ANSWERS.contains(key));
            match unknown {
                Some(_) => table.only(&[&KINDS[..], &ANSWERS].concat()),
                None => table.problem("a call says what is called: add `http = \"GET https://…\"`, `start-process`, `correlate-message`, `extend-lock`, `set-progress` or `load`"),
            }
            return None;
        }
        several => {
            table.problem(format!(
                "a call is one call: found `{}`; write a `[[calls]]` for each",
                several.join("` and `")
            ));
            return None;
        }
    };
    let took = table.duration("took").unwrap_or(Duration::ZERO);
    Some(Canned { line: table.reader.line(table.at), wanted, answer, took })
}

/// The keys of a call beside its kind, for a call without one.
pub(super) const ANSWERS: [&str; 20] = [
    "request",
    "status",
    "headers",
    "body",
    "json",
    "base64",
    "error",
    "took",
    "business-key",
    "tenant-id",
    "variables",
    "unless-running",
    "started",
    "running",
    "receivers",
    "to",
    "scope",
    "correlation-keys",
    "local-variables",
    "text",
];

fn http(table: &Table<'_>, around: &Surroundings<'_>) -> Option<(Wanted, Answer)> {
    table.only(&["http", "request", "status", "headers", "body", "json", "base64", "file", "error", "took"]);
    let entry = table.get("http")?;
    let line = entry.text()?;
    let address = line.split_once(' ').and_then(|(method, url)| {
        Some((
            method.parse::<Method>().ok().filter(|it| it.as_str().bytes().all(|c| c.is_ascii_uppercase()))?,
            url.trim().parse::<Url>().ok()?,
        ))
    });
    let Some((method, url)) = address else {
        return entry.wrong("a method and an address, such as \"GET https://api.example.com/rates\"");
    };
    let (headers, body) = match table.table("request") {
        Some(request) => {
            request.only(&["headers", "body", "json", "base64"]);
            (headers(&request), request_body(&request, around))
        }
        None => (BTreeMap::new(), None),
    };
    let wanted = Wanted::Http { method, url, headers, body };
    Some((wanted, Answer::Http(response(table, around)?)))
}

fn headers(table: &Table<'_>) -> BTreeMap<String, String> {
    let Some(headers) = table.table("headers") else { return BTreeMap::new() };
    let mut read = BTreeMap::new();
    for (name, entry) in headers.entries() {
        let Some(text) = entry.text() else { continue };
        match (name.parse::<HeaderName>(), HeaderValue::from_str(&text)) {
            (Ok(name), Ok(_)) => drop(read.insert(name.as_str().to_owned(), text)),
            (Err(_), _) => drop(entry.problem::<()>("it is no name of a header")),
            (_, Err(_)) => drop(entry.wrong::<()>("a text that a header can hold")),
        }
    }
    read
}

fn request_body(request: &Table<'_>, around: &Surroundings<'_>) -> Option<Body> {
    match (request.get("body"), request.get("json"), request.has("base64")) {
        (None, None, false) => None,
        (Some(entry), None, false) => values::text_pattern(&entry).map(Body::Text),
        (None, Some(entry), false) => json_of(&entry).map(Body::Json),
        (None, None, true) => values::content(request, around)?.map(Body::Bytes),
        _ => {
            request.problem("the body is given several times: keep one of `body`, `json` and `base64`");
            None
        }
    }
}

/// A document in TOML's words, or as a text.
fn json_of(entry: &Entry<'_>) -> Option<serde_json::Value> {
    match entry.item.as_str() {
        Some(text) => {
            serde_json::from_str(text).ok().or_else(|| entry.wrong("a table, a list, or the text of a JSON document"))
        }
        None => json::of_item(entry.item).or_else(|| entry.wrong("what JSON has too: no dates")),
    }
}

fn response(table: &Table<'_>, around: &Surroundings<'_>) -> Option<Result<http::Response<Bytes>, HttpError>> {
    if let Some(entry) = table.get("error") {
        if table.has("status") || table.has("body") || table.has("json") {
            return entry
                .problem("a call has an error or a response: remove `error`, or `status` with all that belongs to it");
        }
        return http_error(&entry).map(Err);
    }
    let Some(status) = table.whole::<u16>("status", "a status from 100 to 599") else {
        if !table.has("status") {
            table.problem("the call has no answer: add `status`, or `error = \"timeout\"`");
        }
        return None;
    };
    let Ok(status) = StatusCode::from_u16(status) else {
        return table.get("status")?.wrong("a status from 100 to 599");
    };
    let mut headers = headers(table);
    let body = match (table.get("body"), table.get("json"), table.has("base64") || table.has("file")) {
        (None, None, false) => Bytes::new(),
        (Some(entry), None, false) => entry.text()?.into(),
        (None, Some(entry), false) => {
            headers.entry(CONTENT_TYPE.as_str().to_owned()).or_insert_with(|| "application/json".to_owned());
            json_of(&entry)?.to_string().into()
        }
        (None, None, true) => values::content(table, around)?.unwrap_or_default(),
        _ => {
            table.problem("the body is given several times: keep one of `body`, `json`, `base64` and `file`");
            return None;
        }
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    for (name, value) in &headers {
        // Both were parsed before.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Some(Ok(response))
}

/// The ways in which an exchange fails, with their names in case files.
pub(in crate::cases) const HTTP_ERRORS: [(Faulty<HttpError>, &str); 7] = [
    (HttpError::Timeout, "timeout"),
    (HttpError::Refused, "refused"),
    (HttpError::Unresolved, "unresolved"),
    (HttpError::Tls, "tls"),
    (HttpError::Protocol, "protocol"),
    (HttpError::TooLarge, "too-large"),
    (HttpError::Denied, "denied"),
];

fn http_error(entry: &Entry<'_>) -> Option<HttpError> {
    let (kind, text) = error(entry)?;
    chosen(entry, &kind, &HTTP_ERRORS).map(|make| make(text.unwrap_or_else(|| format!("the case says `{kind}`"))))
}

/// An error as a case gives it: its kind, or a table of one kind and its text.
fn error(entry: &Entry<'_>) -> Option<(String, Option<String>)> {
    if let Some(kind) = entry.item.as_str() {
        return Some((kind.to_owned(), None));
    }
    if entry.item.as_table_like().is_none() {
        return entry.wrong("the kind of error, or { kind = \"…\", text = \"…\" }");
    }
    let table = entry.table()?;
    if table.has("kind") {
        table.only(&["kind", "text"]);
        return Some((table.text("kind")?, table.text("text")));
    }
    match table.entries().as_slice() {
        [(kind, text)] => Some(((*kind).to_owned(), Some(text.text()?))),
        _ => entry.wrong("the kind of error, or { kind = \"…\", text = \"…\" }"),
    }
}

fn chosen<T: Copy>(entry: &Entry<'_>, kind: &str, choices: &[(T, &str)]) -> Option<T> {
    match choices.iter().find(|(_, name)| *name == kind) {
        Some((choice, _)) => Some(*choice),
        None => {
            let names: Vec<String> = choices.iter().map(|(_, name)| format!("\"{name}\"")).collect();
            entry.problem(format!("{kind:?} is no error of this call: expected {}", names.join(", ")))
        }
    }
}

/// The ways in which a start fails, with their names in case files.
pub(in crate::cases) const START_ERRORS: [(Faulty<StartError>, &str); 6] = [
    (StartError::Denied, "denied"),
    (StartError::Invalid, "invalid"),
    (StartError::NoSuchProcess, "no-such-process"),
    (|text| StartError::Fault(Fault::Rejected(text)), "rejected"),
    (|text| StartError::Fault(Fault::Unavailable(text)), "unavailable"),
    (|text| StartError::Fault(Fault::Unanswered(text)), "unanswered"),
];

/// The ways in which a message fails, with their names in case files.
pub(in crate::cases) const CORRELATE_ERRORS: [(Faulty<CorrelateError>, &str); 7] = [
    (CorrelateError::Denied, "denied"),
    (CorrelateError::Invalid, "invalid"),
    (CorrelateError::NoMatch, "no-match"),
    (CorrelateError::Ambiguous, "ambiguous"),
    (|text| CorrelateError::Fault(Fault::Rejected(text)), "rejected"),
    (|text| CorrelateError::Fault(Fault::Unavailable(text)), "unavailable"),
    (|text| CorrelateError::Fault(Fault::Unanswered(text)), "unanswered"),
];

const LOCK_ERRORS: [(Faulty<LockError>, &str); 3] =
    [(|_| LockError::Lost, "lost"), (LockError::Invalid, "invalid"), (LockError::Unavailable, "unavailable")];

const SET_ERRORS: [(Faulty<SetError>, &str); 3] =
    [(|_| SetError::Gone, "gone"), (SetError::Invalid, "invalid"), (SetError::Unavailable, "unavailable")];

const LOAD_ERRORS: [(Faulty<LoadError>, &str); 2] =
    [(|_| LoadError::Unknown, "unknown"), (LoadError::Unavailable, "unavailable")];

/// The error that a call is answered with, if it is.
fn faulty<E>(table: &Table<'_>, errors: &[(Faulty<E>, &str)]) -> Option<Option<E>> {
    let Some(entry) = table.get("error") else { return Some(None) };
    let (kind, text) = error(&entry)?;
    let make = chosen(&entry, &kind, errors)?;
    Some(Some(make(text.unwrap_or_else(|| format!("the case says `{kind}`")))))
}

fn start_process(table: &Table<'_>, around: &Surroundings<'_>) -> Option<(Wanted, Answer)> {
    table.only(&[
        "start-process",
        "business-key",
        "tenant-id",
        "variables",
        "unless-running",
        "started",
        "running",
        "error",
        "took",
    ]);
    let condition =
        table.truth("unless-running").map(|it| if it { StartCondition::UnlessRunning } else { StartCondition::Always });
    let wanted = Wanted::StartProcess {
        key: table.name("start-process")?,
        tenant_id: table.text("tenant-id"),
        business_key: table.text("business-key"),
        variables: table.table("variables").map(|it| values::patterns(&it, around)),
        condition,
    };
    let answer = match (faulty(table, &START_ERRORS)?, table.text("started"), table.text("running")) {
        (Some(error), None, None) => Err(error),
        (None, Some(id), None) => Ok(Started::New(id)),
        (None, None, Some(id)) => Ok(Started::Running(id)),
        _ => {
            table.problem("a start is answered with one of `started = \"ID\"`, `running = \"ID\"` and `error = \"…\"`");
            return None;
        }
    };
    Some((wanted, Answer::Started(answer)))
}

fn correlate(table: &Table<'_>, around: &Surroundings<'_>) -> Option<(Wanted, Answer)> {
    table.only(&[
        "correlate-message",
        "business-key",
        "process-instance-id",
        "tenant-id",
        "without-tenant",
        "correlation-keys",
        "local-correlation-keys",
        "variables",
        "local-variables",
        "to",
        "receivers",
        "error",
        "took",
    ]);
    let patterns = |key: &str| table.table(key).map(|it| values::patterns(&it, around));
    let tenant = match (table.text("tenant-id"), table.truth("without-tenant")) {
        (Some(id), _) => Some(MessageTenant::Id(id)),
        (None, Some(true)) => Some(MessageTenant::Without),
        (None, _) => None,
    };
    let wanted = Wanted::CorrelateMessage(Box::new(WantedMessage {
        name: table.name("correlate-message")?,
        business_key: table.text("business-key"),
        process_instance_id: table.text("process-instance-id"),
        tenant,
        receivers: table.choice("to", &RECEIVERS),
        correlation_keys: patterns("correlation-keys"),
        local_correlation_keys: patterns("local-correlation-keys"),
        variables: patterns("variables"),
        local_variables: patterns("local-variables"),
    }));
    let answer = match (faulty(table, &CORRELATE_ERRORS)?, table.has("receivers")) {
        (Some(error), false) => Err(error),
        (None, true) => Ok(table.tables("receivers").iter().filter_map(receiver).collect()),
        _ => {
            table.problem("a message is answered with one of `receivers = [{ waiting = \"ID\" }]` and `error = \"…\"`");
            return None;
        }
    };
    Some((wanted, Answer::Received(answer)))
}

fn receiver(table: &Table<'_>) -> Option<Receiver> {
    table.only(&["waiting", "started"]);
    match (table.text("waiting"), table.text("started")) {
        (Some(id), None) => Some(Receiver::Waiting(id)),
        (None, Some(id)) => Some(Receiver::Started(id)),
        _ => {
            table.problem("a receiver is one of `waiting = \"ID\"` and `started = \"ID\"`");
            None
        }
    }
}

fn extend_lock(table: &Table<'_>) -> Option<(Wanted, Answer)> {
    table.only(&["extend-lock", "error", "took"]);
    let wanted = Wanted::ExtendLock(table.duration("extend-lock")?);
    Some((wanted, Answer::Extended(faulty(table, &LOCK_ERRORS)?.map_or(Ok(()), Err))))
}

fn set_progress(table: &Table<'_>, around: &Surroundings<'_>) -> Option<(Wanted, Answer)> {
    table.only(&["set-progress", "scope", "error", "took"]);
    let variables = values::patterns(&table.table("set-progress")?, around);
    let wanted = Wanted::SetProgress(table.choice("scope", &SCOPES), variables);
    Some((wanted, Answer::Set(faulty(table, &SET_ERRORS)?.map_or(Ok(()), Err))))
}

fn load(table: &Table<'_>, around: &Surroundings<'_>) -> Option<(Wanted, Answer)> {
    table.only(&["load", "text", "base64", "file", "error", "took"]);
    let wanted = Wanted::Load(table.name("load")?);
    let answer = match (faulty(table, &LOAD_ERRORS)?, values::content(table, around)?) {
        (Some(error), None) => Err(error),
        (None, Some(bytes)) => Ok(bytes),
        _ => {
            table.problem("a load is answered with one of `text`, `base64`, `file` and `error = \"…\"`; files that [variables] gives with their content need no call");
            return None;
        }
    };
    Some((wanted, Answer::Loaded(answer)))
}
