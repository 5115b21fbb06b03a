//! One HTTP exchange through `wasi:http`. Who makes none has none of its imports in the component.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use super::bindings::wasi::http::outgoing_handler;
use super::bindings::wasi::http::types::{
    ErrorCode, Fields, HeaderError, IncomingBody, IncomingResponse, Method as WitMethod, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme, http_error_code,
};
use super::bindings::wasi::io::streams::{InputStream, StreamError};
use crate::http::{HttpError, Request, Response};

/// The most that one call may write.
const CHUNK: usize = 4_096;

/// How much one call reads, at most.
const READ: u64 = 64 * 1_024;

pub(crate) fn http(request: Request, uri: &Uri) -> Result<Response, HttpError> {
    let outgoing = outgoing(&request, uri)?;
    let body = outgoing.body().map_err(|()| broken("no body"))?;
    let options = request.timeout.map(options);
    let coming = outgoing_handler::handle(outgoing, options).map_err(error_of)?;
    let written = write(body, &request.body);
    let arrived = coming.subscribe();
    arrived.block();
    drop(arrived);
    // Whoever does not take the body says why in the answer, or instead of it.
    match coming.get() {
        Some(Ok(Ok(response))) => read(&response),
        Some(Ok(Err(code))) => Err(error_of(code)),
        Some(Err(())) | None => Err(written.err().unwrap_or_else(|| broken("no answer"))),
    }
}

fn outgoing(request: &Request, uri: &Uri) -> Result<OutgoingRequest, HttpError> {
    let invalid = |what: &str| HttpError::Invalid(format!("`{}`: {what}", request.uri));
    let entries = request.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    let headers = Fields::from_list(&entries.collect::<Vec<_>>()).map_err(|error| match error {
        HeaderError::InvalidSyntax => invalid("a header is not valid"),
        HeaderError::Forbidden => invalid("a header is not for a handler to set"),
        HeaderError::Immutable => broken("fixed headers"),
    })?;
    let scheme = match uri.scheme_str() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        _ => return Err(invalid("expected an address that begins with https:// or http://")),
    };
    let outgoing = OutgoingRequest::new(headers);
    let authority = uri.authority().map(|authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    outgoing.set_method(&method(&request.method)).map_err(|()| invalid("its method is not valid"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| invalid("its scheme is not valid"))?;
    outgoing.set_authority(authority).map_err(|()| invalid("its host is not valid"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| invalid("its path is not valid"))?;
    Ok(outgoing)
}

fn method(method: &Method) -> WitMethod {
    match method.as_str() {
        "GET" => WitMethod::Get,
        "HEAD" => WitMethod::Head,
        "POST" => WitMethod::Post,
        "PUT" => WitMethod::Put,
        "DELETE" => WitMethod::Delete,
        "CONNECT" => WitMethod::Connect,
        "OPTIONS" => WitMethod::Options,
        "TRACE" => WitMethod::Trace,
        "PATCH" => WitMethod::Patch,
        other => WitMethod::Other(other.to_owned()),
    }
}

/// What the host does not take as a limit is left to its own ones.
fn options(timeout: Duration) -> RequestOptions {
    let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let options = RequestOptions::new();
    for set in [
        RequestOptions::set_connect_timeout,
        RequestOptions::set_first_byte_timeout,
        RequestOptions::set_between_bytes_timeout,
    ] {
        set(&options, Some(nanos)).unwrap_or_default();
    }
    options
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpError> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| broken("no stream of the body"))?;
        for chunk in bytes.chunks(CHUNK) {
            stream.blocking_write_and_flush(chunk).map_err(error_of_stream)?;
        }
    }
    OutgoingBody::finish(body, None).map_err(error_of)
}

fn read(response: &IncomingResponse) -> Result<Response, HttpError> {
    let status = StatusCode::from_u16(response.status()).map_err(|error| HttpError::Protocol(error.to_string()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers().entries() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&value)) {
            headers.append(name, value);
        }
    }
    let incoming: IncomingBody = response.consume().map_err(|()| broken("no body of the answer"))?;
    let stream = incoming.stream().map_err(|()| broken("no stream of the answer"))?;
    Ok(Response { status, headers, body: drain(&stream)? })
}

fn drain(stream: &InputStream) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => return Ok(body),
            Err(error) => return Err(error_of_stream(error)),
        }
    }
}

fn error_of_stream(error: StreamError) -> HttpError {
    match error {
        StreamError::Closed => HttpError::Connection("it was closed".to_owned()),
        StreamError::LastOperationFailed(error) => {
            http_error_code(&error).map_or_else(|| HttpError::Protocol(error.to_debug_string()), error_of)
        }
    }
}

/// What only a host does that breaks the contract.
fn broken(what: &str) -> HttpError {
    HttpError::Protocol(format!("the host gives {what}"))
}

fn error_of(code: ErrorCode) -> HttpError {
    let text = code.to_string();
    match code {
        ErrorCode::HttpRequestDenied => HttpError::Denied,
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable => HttpError::NotFound(text),
        ErrorCode::ConnectionRefused | ErrorCode::ConnectionTerminated | ErrorCode::ConnectionLimitReached => {
            HttpError::Connection(text)
        }
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            HttpError::Tls(text)
        }
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => HttpError::Timeout(text),
        ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_) => HttpError::TooLarge(text),
        ErrorCode::HttpRequestMethodInvalid | ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => {
            HttpError::Invalid(text)
        }
        ErrorCode::InternalError(Some(text)) => HttpError::Protocol(text),
        _ => HttpError::Protocol(text),
    }
}
