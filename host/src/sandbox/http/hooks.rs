//! The host's side of `wasi:http`: what every request of an invocation goes through before it leaves.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use bytesize::ByteSize;
use http::{
    HeaderMap, HeaderName, Request, Response,
    header::{EXPECT, TE, TRAILER},
};
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use super::{
    Granted, HttpCalls, HttpError, MAX_HEADERS, Terms,
    target::{target, uri},
};
use crate::{
    foreign::escape,
    sandbox::{ending::show, limits::Limits, output::GuestOutput, output::Level},
};

/// How long after its deadline an exchange is cut off whose port has not ended it.
const GRACE: Duration = Duration::from_millis(100);

/// What an invocation may send, and what it has sent.
pub(super) struct Policy {
    calls: HttpCalls,
    limits: HttpLimits,
    sent: u64,
    output: GuestOutput,
    /// Each exchange that is under way holds it, too. None before the first.
    under_way: Option<Arc<()>>,
}

#[derive(Debug, Clone, Copy)]
struct HttpLimits {
    requests: u64,
    body: usize,
    timeout: Duration,
}

/// A request that fails: what the log says, and what the guest gets.
struct Failure {
    text: String,
    error: Error,
}

impl Failure {
    fn new(what: &str, why: impl std::fmt::Display, error: Error) -> Self {
        Self { text: format!("{what}: {why}"), error }
    }
}

impl Policy {
    pub(super) fn new(calls: HttpCalls, limits: &Limits, output: GuestOutput) -> Self {
        let limits =
            HttpLimits { requests: limits.http_requests, body: limits.http_body, timeout: limits.http_timeout };
        Self { calls, limits, sent: 0, output, under_way: None }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| Arc::strong_count(it) > 1)
    }

    /// Counts a request and judges where it goes.
    fn admit(&mut self, request: &Request<WasiBody>, options: Option<RequestOptions>) -> Result<Exchange, Failure> {
        self.sent += 1;
        let denied = |text| Failure { text, error: Error::HttpRequestDenied };
        let Some(Granted { grants, port }) = self.calls.0.clone() else {
            return Err(denied("there is no HTTP before the handler is called".into()));
        };
        let target = target(request).map_err(|why| {
            let (method, uri) = (request.method(), request.uri());
            let host = uri.authority().map_or("no host", |authority| host_of(authority.as_str()));
            let what = format!("{method} {}://{host}", uri.scheme_str().unwrap_or("no scheme"));
            Failure::new(&what, why, Error::HttpRequestUriInvalid)
        })?;
        grants.check_http(&target).map_err(|why| denied(why.to_string()))?;
        if self.sent > self.limits.requests {
            let limit = format!("the limit `limits.http-requests` of {} requests is used up", self.limits.requests);
            return Err(Failure::new(&target.to_string(), &limit, Error::InternalError(Some(limit.clone()))));
        }
        let began = Instant::now();
        let RequestOptions { connect_timeout, first_byte_timeout, between_bytes_timeout } = options.unwrap_or_default();
        let terms = Terms {
            target,
            grants,
            body: self.limits.body,
            deadline: began + self.limits.timeout,
            timeout: self.limits.timeout,
            begun: first_byte_timeout
                .and_then(|first_byte| began.checked_add(first_byte.checked_add(connect_timeout.unwrap_or_default())?)),
            pause: between_bytes_timeout,
        };
        Ok(Exchange { terms, port, output: self.output.clone(), began })
    }
}

/// The part of an authority behind a user, who may have a password.
fn host_of(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or(authority)
}

type Answered = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Policy {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    /// The header is made of what was checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        let admitted = self.admit(&request, options);
        let (output, under_way) = (self.output.clone(), self.under_way.get_or_insert_default().clone());
        Box::new(async move {
            let _under_way = under_way;
            let result = match admitted {
                Ok(exchange) => exchange.run(request).await,
                Err(failure) => Err(failure),
            };
            match result {
                Ok(response) => {
                    let response = response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
                    Ok((response, Box::new(async { Ok(()) }) as Box<_>))
                }
                Err(Failure { text, error }) => {
                    output.log(Level::Warn, &text, &[]);
                    Err(error)
                }
            }
        })
    }
}

/// What the host sets itself, what belongs to one connection only, and what it does not do.
fn is_forbidden(name: &HeaderName) -> bool {
    let of_proxies = name.as_str().starts_with("proxy-");
    of_proxies || DEFAULT_FORBIDDEN_HEADERS.contains(name) || [TE, TRAILER, EXPECT].contains(name)
}

/// A request on its way.
struct Exchange {
    terms: Terms,
    port: Arc<dyn super::HttpPort>,
    output: GuestOutput,
    began: Instant,
}

impl Exchange {
    async fn run(self, request: Request<WasiBody>) -> Result<Response<Bytes>, Failure> {
        let Self { terms, port, output, began } = self;
        let Terms { target, body: limit, deadline, timeout, .. } = terms.clone();
        let what = target.to_string();
        let exchange = async {
            let request = outgoing(request, terms, &what, limit).await?;
            let response = port.exchange(request).await.map_err(|error| failure(&what, error, limit))?;
            checked(response, &what, limit)
        };
        let result = timeout_at(deadline + GRACE, exchange).await.unwrap_or_else(|_| {
            let why = format!("it has not ended within the limit `limits.http-timeout` of {}", show(timeout));
            Err(Failure::new(&what, why, Error::HttpResponseTimeout))
        });
        if let Ok(response) = &result {
            output.note_exchange(&target, response.status(), response.body().len(), began.elapsed());
        }
        result
    }
}

/// The request as the port gets it: its whole body, and the address that was checked.
async fn outgoing(
    request: Request<WasiBody>,
    terms: Terms,
    what: &str,
    limit: usize,
) -> Result<Request<Bytes>, Failure> {
    let (mut parts, body) = request.into_parts();
    parts.uri = uri(&terms.target, parts.uri.path_and_query())
        .map_err(|error| Failure::new(what, error, Error::HttpRequestUriInvalid))?;
    parts.extensions.insert(terms);
    let body = whole(body, what, limit).await?;
    Ok(Request::from_parts(parts, body))
}

async fn whole(mut body: WasiBody, what: &str, limit: usize) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let why = escape(&format!("its body was not finished: {error}"));
            Failure::new(what, why, error)
        })?;
        let Ok(data) = frame.into_data() else {
            return Err(Failure::new(what, "trailers are not sent: leave them out", Error::HttpProtocolError));
        };
        if bytes.len() + data.len() > limit {
            let why = format!("its body is larger than `limits.http-body` allows, {}", ByteSize(limit as u64));
            return Err(Failure::new(what, why, Error::HttpRequestBodySize(Some(limit as u64))));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// An answer within the limits, whoever it comes from.
fn checked(response: Response<Bytes>, what: &str, limit: usize) -> Result<Response<Bytes>, Failure> {
    if response.body().len() > limit {
        let why = too_large(limit);
        return Err(Failure::new(what, why, Error::HttpResponseBodySize(Some(limit as u64))));
    }
    let size = size(response.headers());
    if size > MAX_HEADERS {
        let why = format!("the headers of the answer have {size} bytes, more than {}", ByteSize(MAX_HEADERS as u64));
        return Err(Failure::new(what, why, Error::HttpResponseHeaderSectionSize(u32::try_from(size).ok())));
    }
    Ok(response)
}

/// What is said of an answer whose body is too large.
pub(super) fn too_large(limit: usize) -> String {
    format!("the body of the answer is larger than `limits.http-body` allows, {}", ByteSize(limit as u64))
}

/// The bytes of headers.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn failure(what: &str, error: HttpError, limit: usize) -> Failure {
    let code = match &error {
        HttpError::Denied(_) => Error::DestinationIpProhibited,
        HttpError::Unresolved(_) => Error::DnsError { rcode: Some("no address".into()), info_code: None },
        HttpError::Refused(_) => Error::ConnectionRefused,
        HttpError::Tls(_) => Error::TlsProtocolError,
        HttpError::Timeout(_) => Error::HttpResponseTimeout,
        HttpError::TooLarge(_) => Error::HttpResponseBodySize(Some(limit as u64)),
        HttpError::Protocol(_) => Error::HttpProtocolError,
    };
    Failure::new(what, error, code)
}

#[cfg(test)]
mod tests;
