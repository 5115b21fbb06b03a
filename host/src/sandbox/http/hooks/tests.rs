//! What becomes of a request before it reaches the port, and of an answer behind it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use insta::assert_snapshot;

use super::*;
use crate::{
    grant::{AllowedGrants, Grants, HttpPatterns, RequestedGrants},
    sandbox::{HttpPort, Secrets, limits::test_limits, output::Origin, output::OutputTo, trial},
    task::Topic,
};

/// A port that notes what it was asked, and answers so.
struct Asked {
    requests: Mutex<Vec<Request<Bytes>>>,
    answer: Result<Response<Bytes>, HttpError>,
}

#[async_trait]
impl HttpPort for Asked {
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.requests.lock().expect("unpoisoned").push(request);
        self.answer.clone()
    }
}

/// A port that never answers.
struct Silent;

#[async_trait]
impl HttpPort for Silent {
    async fn exchange(&self, _: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        std::future::pending().await
    }
}

const GRANTED: &[&str] = &["GET https://api.example.com", "POST https://api.example.com"];

fn output(limits: &Limits) -> GuestOutput {
    let task = trial::assignment(&Topic::new("t"), "v", limits, Arc::default(), Secrets::none()).task;
    GuestOutput::new(Origin { task, version: "v".into() }, limits, OutputTo::Log)
}

fn policy(port: Arc<dyn HttpPort>, limits: &Limits) -> Policy {
    let http = || HttpPatterns::parse(GRANTED.iter().copied()).expect("entries");
    let requested = RequestedGrants { http: http(), ..RequestedGrants::default() };
    let allowed = AllowedGrants { http: http(), ..AllowedGrants::default() };
    let calls = HttpCalls::new(Arc::new(Grants::new("charge", requested, allowed)), port);
    Policy::new(calls, limits, output(limits))
}

fn asked(limits: &Limits) -> (Arc<Asked>, Policy) {
    answering(Ok(Response::new(Bytes::from_static(b"well"))), limits)
}

fn answering(answer: Result<Response<Bytes>, HttpError>, limits: &Limits) -> (Arc<Asked>, Policy) {
    let port = Arc::new(Asked { requests: Mutex::default(), answer });
    (port.clone(), policy(port, limits))
}

fn body(bytes: impl Into<Bytes>) -> WasiBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn request(method: &str, uri: &str) -> Request<WasiBody> {
    Request::builder().method(method).uri(uri).body(body("")).expect("a request")
}

async fn sent(policy: &mut Policy, request: Request<WasiBody>) -> Result<Response<Bytes>, Error> {
    let sending = policy.send_request(request, None, Box::new(async { Ok(()) }));
    let (response, _) = Pin::from(sending).await?;
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

async fn refused(policy: &mut Policy, request: Request<WasiBody>) -> String {
    sent(policy, request).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn what_is_granted_reaches_the_port_in_the_form_that_was_checked() {
    let (port, mut policy) = asked(&test_limits());
    let mut asked = request("POST", "https://API.example.com.:443/a?b=c");
    *asked.body_mut() = body("hello");
    let answer = sent(&mut policy, asked).await.expect("an answer");
    assert_eq!(answer.body(), "well");
    let requests = port.requests.lock().expect("unpoisoned");
    let request = &requests[0];
    assert_eq!(request.uri(), "https://api.example.com/a?b=c");
    assert_eq!((request.body().as_ref(), request.headers().len()), (&b"hello"[..], 0));
    let terms = request.extensions().get::<Terms>().expect("terms");
    assert_eq!(terms.target.to_string(), "POST https://api.example.com");
}

#[tokio::test]
async fn what_is_not_granted_never_reaches_the_port() {
    let (port, mut policy) = asked(&test_limits());
    for (method, uri, expected) in [
        ("DELETE", "https://api.example.com/", Error::HttpRequestDenied),
        ("GET", "http://api.example.com/", Error::HttpRequestDenied),
        ("GET", "https://api.example.com:8443/", Error::HttpRequestDenied),
        ("GET", "https://evil.example/", Error::HttpRequestDenied),
        ("GET", "https://127.0.0.1/", Error::HttpRequestDenied),
        ("GET", "https://api.example.com@evil.example/", Error::HttpRequestUriInvalid),
        ("CONNECT", "https://api.example.com/", Error::HttpRequestUriInvalid),
    ] {
        let refused = refused(&mut policy, request(method, uri)).await;
        assert_eq!(refused, expected.to_string(), "{method} {uri}");
    }
    assert_eq!(port.requests.lock().expect("unpoisoned").len(), 0);
}

#[tokio::test]
async fn an_instance_without_a_task_can_send_nothing() {
    let mut policy = Policy::new(HttpCalls::none(), &test_limits(), output(&test_limits()));
    let refused = refused(&mut policy, request("GET", "https://api.example.com/")).await;
    assert_eq!(refused, Error::HttpRequestDenied.to_string());
}

#[tokio::test]
async fn requests_within_their_number_are_obeyed_and_beyond_it_refused_by_name() {
    let limits = Limits { http_requests: 2, ..test_limits() };
    let (port, mut policy) = asked(&limits);
    let one = || request("GET", "https://api.example.com/");
    for _ in 0..2 {
        sent(&mut policy, one()).await.expect("within the limit");
    }
    assert_snapshot!(refused(&mut policy, one()).await, @"internal error: the limit `limits.http-requests` of 2 requests is used up");
    assert_eq!(port.requests.lock().expect("unpoisoned").len(), 2);
}

#[tokio::test]
async fn a_body_within_the_limit_is_sent_and_one_beyond_it_is_not() {
    let limits = Limits { http_body: 10, ..test_limits() };
    let (port, mut policy) = asked(&limits);
    let of = |length: usize| {
        let mut request = request("POST", "https://api.example.com/");
        *request.body_mut() = body(vec![b'x'; length]);
        request
    };
    sent(&mut policy, of(10)).await.expect("within the limit");
    assert_snapshot!(refused(&mut policy, of(11)).await, @"HTTP request body size exceeds limit: 10 bytes");
    assert_eq!(port.requests.lock().expect("unpoisoned").len(), 1);
}

#[tokio::test]
async fn a_body_with_trailers_is_not_sent() {
    let (port, mut policy) = asked(&test_limits());
    let mut request = request("POST", "https://api.example.com/");
    *request.body_mut() = body("hello").with_trailers(async { Some(Ok(HeaderMap::new())) }).boxed_unsync();
    assert_eq!(refused(&mut policy, request).await, Error::HttpProtocolError.to_string());
    assert_eq!(port.requests.lock().expect("unpoisoned").len(), 0);
}

#[tokio::test]
async fn an_answer_beyond_the_limits_is_refused_whoever_gives_it() {
    let limits = Limits { http_body: 10, ..test_limits() };
    let get = || request("GET", "https://api.example.com/");
    let (_, mut policy) = answering(Ok(Response::new(vec![b'x'; 10].into())), &limits);
    sent(&mut policy, get()).await.expect("within the limit");
    let (_, mut policy) = answering(Ok(Response::new(vec![b'x'; 11].into())), &limits);
    assert_snapshot!(refused(&mut policy, get()).await, @"HTTP response body size exceeds limit: 10 bytes");
    let wide = Response::builder().header("a", "x".repeat(MAX_HEADERS)).body(Bytes::new()).expect("a response");
    let (_, mut policy) = answering(Ok(wide), &limits);
    assert_snapshot!(refused(&mut policy, get()).await, @"HTTP response header section size exceeds limit: 65537 bytes");
}

#[tokio::test]
async fn each_failure_of_the_port_has_a_code_of_its_own() {
    let failures = [
        HttpError::Denied,
        HttpError::Unresolved,
        HttpError::Refused,
        HttpError::Tls,
        HttpError::Timeout,
        HttpError::TooLarge,
        HttpError::Protocol,
    ];
    let mut told = Vec::new();
    for failure in failures {
        let (_, mut policy) = answering(Err(failure("why".into())), &test_limits());
        told.push(refused(&mut policy, request("GET", "https://api.example.com/")).await);
    }
    assert_snapshot!(told.join("\n"), @r"
    destination IP address is prohibited
    DNS error: rcode no address
    connection refused
    TLS protocol error
    HTTP response timeout
    HTTP response body size exceeds limit: 65536 bytes
    HTTP protocol error
    ");
}

/// A deadline that is soon over.
fn soon() -> Limits {
    Limits { http_timeout: Duration::from_millis(50), ..test_limits() }
}

#[tokio::test]
async fn a_port_that_does_not_end_is_cut_off() {
    let mut policy = policy(Arc::new(Silent), &soon());
    let refused = refused(&mut policy, request("GET", "https://api.example.com/")).await;
    assert_eq!(refused, Error::HttpResponseTimeout.to_string());
}

#[tokio::test]
async fn a_body_that_the_guest_does_not_finish_is_within_the_deadline() {
    let (_, mut policy) = asked(&soon());
    let mut request = request("POST", "https://api.example.com/");
    *request.body_mut() = body("hello").with_trailers(std::future::pending()).boxed_unsync();
    assert_eq!(refused(&mut policy, request).await, Error::HttpResponseTimeout.to_string());
}

#[test]
fn headers_of_the_connection_and_of_the_host_are_forbidden_everywhere() {
    for (name, forbidden) in [
        ("host", true),
        ("connection", true),
        ("keep-alive", true),
        ("transfer-encoding", true),
        ("upgrade", true),
        ("te", true),
        ("trailer", true),
        ("expect", true),
        ("proxy-authorization", true),
        ("proxy-anything", true),
        ("authorization", false),
        ("content-type", false),
        ("content-length", false),
        ("user-agent", false),
        ("x-forwarded-for", false),
    ] {
        assert_eq!(is_forbidden(&HeaderName::from_static(name)), forbidden, "{name}");
    }
}
