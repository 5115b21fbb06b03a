//! Behaviours that send requests over HTTP, with the raw interface: what a library would refuse goes to the host.

use crate::Returned;
use crate::bindings::fetchlock::handler::types::Value;
use crate::bindings::fetchlock::handler::variables;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, HeaderError, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::support::{complete, count, number, number_if_any, text, text_variable};

/// What one write may hold without asking for leave.
const PIECE: usize = 4_096;

/// Sends one request: `method` (`GET` if there is no such variable), `scheme` (`http`), `authority`, `path` (`/`), with
/// the body `text`, or one of `n` bytes, if there is such a variable, and the variables whose names begin with `header-`
/// as headers. Completes with `verdict`: `STATUS: BODY`, or the error's name and what it holds, and with `location`, if
/// the answer has that header.
pub(crate) fn fetch() -> Returned {
    match exchange() {
        Ok((status, location, body)) => {
            let mut found = vec![text("verdict", format!("{status}: {}", String::from_utf8_lossy(&body)))];
            found.extend(location.map(|location| text("location", location)));
            found.push(count("length", body.len() as u64));
            complete(&found)
        }
        Err(error) => complete(&[text("verdict", error)]),
    }
}

/// The same `n` times without a body. Completes with `done`, how many had an answer, and the last error as `verdict`.
pub(crate) fn fetch_flood() -> Returned {
    let (mut done, mut last) = (0, String::new());
    for _ in 0..number()? {
        match request(&headers()?).and_then(|request| send(request, None)) {
            Ok(_) => done += 1,
            Err(error) => last = error,
        }
    }
    complete(&[count("done", done), text("verdict", last)])
}

/// Begins a request with a body that it never finishes, and waits for the answer.
pub(crate) fn fetch_unfinished() -> Returned {
    let request = request(&headers()?)?;
    let body = request.body().map_err(|()| "the body was taken already")?;
    let answer = outgoing_handler::handle(request, None).map_err(|error| shown(&error));
    let verdict = answer.and_then(|answer| {
        answer.subscribe().block();
        match answer.get() {
            Some(Ok(Ok(response))) => Ok(response.status().to_string()),
            Some(Ok(Err(error))) => Err(shown(&error)),
            Some(Err(())) | None => Err("no answer".to_owned()),
        }
    });
    drop(body);
    complete(&[text("verdict", verdict.unwrap_or_else(|error| error))])
}

/// Begins a request with a body that it never finishes, and completes without waiting for the answer.
pub(crate) fn fetch_and_leave() -> Returned {
    let request = request(&headers()?)?;
    let body = request.body().map_err(|()| "the body was taken already")?;
    let answer = outgoing_handler::handle(request, None).map_err(|error| shown(&error))?;
    // Both would end the request otherwise.
    std::mem::forget((body, answer));
    complete(&[])
}

/// Makes `n` handles of the host's and never lets go of them, then completes.
pub(crate) fn leak_handles() -> Returned {
    for _ in 0..number()? {
        std::mem::forget(Fields::new());
    }
    complete(&[])
}

/// Completes with `verdict`: for each name in `text`, with commas between, whether a header of this name is accepted.
pub(crate) fn fetch_headers() -> Returned {
    let names = text_variable("text")?.unwrap_or_default();
    let judged = names.split(',').map(|name| match Fields::new().append(name, b"x") {
        Ok(()) => format!("{name}: accepted"),
        Err(HeaderError::Forbidden) => format!("{name}: forbidden"),
        Err(HeaderError::InvalidSyntax) => format!("{name}: invalid"),
        Err(HeaderError::Immutable) => format!("{name}: immutable"),
    });
    complete(&[text("verdict", judged.collect::<Vec<_>>().join(", "))])
}

type Answer = (u16, Option<String>, Vec<u8>);

fn exchange() -> Result<Answer, String> {
    let body = match number_if_any()? {
        Some(length) => Some("x".repeat(usize::try_from(length).map_err(|error| error.to_string())?)),
        None => text_variable("text")?,
    };
    let response = send(request(&headers()?)?, body.as_deref())?;
    let location = response.headers().get("location").first().map(|value| String::from_utf8_lossy(value).into_owned());
    Ok((response.status(), location, read(&response)?))
}

fn headers() -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for name in variables::names() {
        if let (Some(header), Some(Value::Text(value))) = (name.strip_prefix("header-"), variables::get(&name)) {
            headers.push((header.to_owned(), value));
        }
    }
    Ok(headers)
}

fn request(headers: &[(String, String)]) -> Result<OutgoingRequest, String> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).map_err(|error| format!("header {name}: {error:?}"))?;
    }
    let request = OutgoingRequest::new(fields);
    let refused = |what: &'static str| move |()| format!("invalid {what}");
    let method = match text_variable("method")?.as_deref() {
        None | Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        Some("CONNECT") => Method::Connect,
        Some(other) => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(refused("method"))?;
    let scheme = match text_variable("scheme")?.as_deref() {
        None | Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        Some(other) => Scheme::Other(other.to_owned()),
    };
    request.set_scheme(Some(&scheme)).map_err(refused("scheme"))?;
    let authority = text_variable("authority")?.unwrap_or_default();
    request.set_authority(Some(&authority)).map_err(refused("authority"))?;
    let path = text_variable("path")?.unwrap_or_else(|| "/".to_owned());
    request.set_path_with_query(Some(&path)).map_err(refused("path"))?;
    Ok(request)
}

fn send(request: OutgoingRequest, content: Option<&str>) -> Result<IncomingResponse, String> {
    let body = request.body().map_err(|()| "the body was taken already")?;
    let answer = outgoing_handler::handle(request, None).map_err(|error| shown(&error))?;
    if let Some(content) = content {
        let stream = body.write().map_err(|()| "the body was taken already")?;
        for piece in content.as_bytes().chunks(PIECE) {
            // The host may have given up on the request meanwhile; its answer says why.
            if stream.blocking_write_and_flush(piece).is_err() {
                break;
            }
        }
    }
    // Likewise.
    OutgoingBody::finish(body, None).ok();
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(shown(&error)),
        Some(Err(())) | None => Err("no answer".to_owned()),
    }
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, String> {
    let body = response.consume().map_err(|()| "the body was taken already")?;
    let stream = body.stream().map_err(|()| "the body was taken already")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(u64::MAX) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

/// The error's name and what it holds.
fn shown(error: &ErrorCode) -> String {
    format!("{error:?}")
}
