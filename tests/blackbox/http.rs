//! Handlers that send requests over HTTP: what is granted, where a name may lead, and servers that misbehave.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fetchlock_harness::{
    fetchlock::Fetchlock,
    tls::{PrivateCa, TlsFront},
};
use fetchlock_scripted_engine::TaskState;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::scene::{SOON, Scene, long, text};

/// A server for handlers, which answers by the path that is asked. It ends with its owner.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = requests.clone();
        let task = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(stream, kept.clone()));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads and bodies of what was asked.
    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let (head, then) = match path.as_str() {
        "/redirect" => ("302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0", Then::Close),
        "/silent" => ("", Then::Silence),
        "/slow-head" => ("200 OK\r\nX-Slow: ", Then::Silence),
        "/half" => ("200 OK\r\nContent-Length: 100\r\n\r\nhalf", Then::Silence),
        "/endless" => ("200 OK", Then::Endless),
        "/large" => ("200 OK\r\nContent-Length: 1000000000", Then::Silence),
        "/wide" => ("200 OK\r\nContent-Length: 0", Then::Wide(70_000)),
        "/narrow" => ("200 OK\r\nContent-Length: 0", Then::Wide(60_000)),
        _ => ("200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwell", Then::Close),
    };
    let end = if head.contains("\r\n\r\n") || head.ends_with(": ") || head.is_empty() { "" } else { "\r\n\r\n" };
    let start = if head.is_empty() { "" } else { "HTTP/1.1 " };
    let wide = match then {
        Then::Wide(bytes) => format!("\r\nX-Wide: {}", "x".repeat(bytes)),
        _ => String::new(),
    };
    if stream.write_all(format!("{start}{head}{wide}{end}").as_bytes()).await.is_err() {
        return;
    }
    match then {
        Then::Close | Then::Wide(_) => {}
        Then::Silence => std::future::pending().await,
        Then::Endless => while stream.write_all(&[b'x'; 4_096]).await.is_ok() {},
    }
}

/// What follows an answer.
enum Then {
    Close,
    Silence,
    Endless,
    Wide(usize),
}

/// A request with its body; none if the client has left.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        bytes.push(stream.read_u8().await.ok()?);
        if bytes.ends_with(b"\r\n\r\n") {
            break String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        }
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    bytes.extend(body);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A manifest that requests this of HTTP, with limits that tests need not wait for.
fn manifest(requested: &[String]) -> String {
    format!(
        "retry = \"R0/PT0S\"\n[grants]\nhttp = {requested:?}\n[limits]\nhttp-timeout = \"500ms\"\nhttp-body = \"64 KiB\"\n"
    )
}

async fn scene(requested: &[String]) -> Scene {
    Scene::with_probe(&manifest(requested)).await
}

fn host(scene: &Scene, allowed: &[String]) -> Fetchlock {
    scene.builder().toml(&grants(allowed)).start().expect("the host starts")
}

fn grants(allowed: &[String]) -> String {
    format!("[grants.probe]\nhttp = {allowed:?}\n")
}

/// A request to an authority, with this path.
fn to(authority: impl ToString, path: &str) -> Value {
    json!({"authority": text(&authority.to_string()), "path": text(path)})
}

/// What came of one request.
async fn fetched(scene: &Scene, request: Value) -> String {
    verdict(scene, "fetch", request).await
}

async fn verdict(scene: &Scene, behaviour: &str, variables: Value) -> String {
    let task = scene.probe_with(behaviour, variables);
    let variables = scene.engine.await_completed(&task, SOON).await.expect("completed");
    variables["verdict"]["value"].as_str().expect("a verdict").to_owned()
}

/// The last line that the host has written about a request, without ports.
async fn line(host: &Fetchlock, part: &str, server: &Server) -> String {
    let line = host.await_log(|line| line["message"].as_str().is_some_and(|text| text.contains(part)), SOON).await;
    let line = line.expect("a line about it")["message"].as_str().expect("a message").to_owned();
    line.replace(&server.port().to_string(), "PORT")
}

#[tokio::test]
async fn a_granted_request_arrives_as_the_handler_made_it_and_so_does_the_answer() {
    let server = Server::start().await;
    let granted = [format!("POST http://127.0.0.1:{}", server.port())];
    let scene = scene(&granted).await;
    let _host = host(&scene, &granted);
    let mut request = to(server.address, "/a?b=c");
    request["method"] = text("POST");
    request["text"] = text("hello");
    request["header-x-one"] = text("1");
    assert_eq!(fetched(&scene, request).await, "200: well");
    let asked = server.requests()[0].replace(&server.port().to_string(), "PORT");
    insta::assert_snapshot!(asked.replace("\r\n", "\n"), @r"
    POST /a?b=c HTTP/1.1
    x-one: 1
    accept: */*
    host: 127.0.0.1:PORT
    content-length: 5

    hello
    ");
}

#[tokio::test]
async fn without_either_half_of_the_grant_nobody_is_connected_to() {
    let server = Server::start().await;
    let port = server.port();
    let here = format!("* http://127.0.0.1:{port}");
    for (requested, allowed) in [
        (vec![], vec![here.clone()]),
        (vec![here.clone()], vec![]),
        (vec![here.clone()], vec![format!("POST http://127.0.0.1:{port}")]),
        (vec![here.clone()], vec![format!("* https://127.0.0.1:{port}")]),
        (vec![here.clone()], vec!["* http://127.0.0.1".to_owned()]),
        (vec![here.clone()], vec![format!("* http://127.0.0.2:{port}")]),
        (vec![here.clone()], vec![format!("* http://localhost:{port}")]),
    ] {
        let scene = scene(&requested).await;
        let host = host(&scene, &allowed);
        assert_eq!(fetched(&scene, to(server.address, "/")).await, "ErrorCode::HttpRequestDenied");
        line(&host, "is not granted", &server).await;
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_denied_request_is_told_with_the_missing_half_and_its_place() {
    let server = Server::start().await;
    let here = [format!("GET http://127.0.0.1:{}", server.port())];
    let scene = scene(&here).await;
    let host = host(&scene, &[]);
    fetched(&scene, to(server.address, "/")).await;
    insta::assert_snapshot!(line(&host, "is not granted", &server).await, @r#"http of "GET http://127.0.0.1:PORT" is not granted: the operator does not allow it; add `http = ["GET http://127.0.0.1:PORT"]` to [grants.probe] of fetchlock.toml"#);
    insta::assert_snapshot!(line(&host, "the plugin requests", &server).await, @r#"the plugin requests http of ["GET http://127.0.0.1:PORT"], which the settings do not allow, so each such call is refused: to allow it, add `http = ["GET http://127.0.0.1:PORT"]` to [grants.probe] of fetchlock.toml"#);
    let mut post = to(server.address, "/");
    post["method"] = text("POST");
    fetched(&scene, post).await;
    insta::assert_snapshot!(line(&host, "and the operator does not", &server).await, @r#"http of "POST http://127.0.0.1:PORT" is not granted: the plugin's manifest does not request it and the operator does not allow it; add `http = ["POST http://127.0.0.1:PORT"]` to [grants] of probe.toml and to [grants.probe] of fetchlock.toml"#);
}

#[tokio::test]
async fn every_other_way_to_write_an_address_is_that_address() {
    let server = Server::start().await;
    let port = server.port();
    let granted = [format!("GET http://127.0.0.1:{port}")];
    let scene = scene(&granted).await;
    let _host = host(&scene, &granted);
    for authority in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"] {
        let verdict = fetched(&scene, to(format!("{authority}:{port}"), "/")).await;
        assert_eq!(verdict, "200: well", "{authority}");
    }
    for authority in [format!("127.0.0.1:{port}@evil.example"), format!("me@127.0.0.1:{port}"), "1.2.3.4.5".into()] {
        let verdict = fetched(&scene, to(&authority, "/")).await;
        assert!(verdict.contains("HttpRequestUriInvalid") || verdict.contains("invalid"), "{authority}: {verdict}");
    }
    let verdict = fetched(&scene, to(server.address, "http://evil.example/")).await;
    assert_eq!(verdict, "invalid path", "a path that names a server");
    assert!(server.requests().iter().all(|request| request.contains(&format!("host: 127.0.0.1:{port}"))));
}

#[tokio::test]
async fn a_name_that_leads_into_this_machine_is_refused_unless_the_operator_names_its_address() {
    let server = Server::start().await;
    let port = server.port();
    let (name, address) = (format!("GET http://localhost:{port}"), format!("GET http://127.0.0.1:{port}"));
    let by_name = scene(std::slice::from_ref(&name)).await;
    let host_by_name = host(&by_name, std::slice::from_ref(&name));
    let localhost = to(format!("localhost:{port}"), "/");
    assert_eq!(fetched(&by_name, localhost.clone()).await, "ErrorCode::DestinationIpProhibited");
    let told = line(&host_by_name, "leads to", &server).await;
    assert!(told.contains("this machine (loopback)") && told.contains("add `http = [\"GET http://"), "{told}");
    assert_eq!(server.requests().len(), 0);

    // It may lead to either.
    let address_v6 = format!("GET http://[::1]:{port}");
    let by_both = scene(std::slice::from_ref(&name)).await;
    let _host = host(&by_both, &[name, address, address_v6]);
    assert_eq!(fetched(&by_both, localhost).await, "200: well");
    assert!(server.requests()[0].contains(&format!("host: localhost:{port}")));
}

#[tokio::test]
async fn a_redirect_is_left_to_the_handler() {
    let server = Server::start().await;
    let granted = [format!("GET http://127.0.0.1:{}", server.port())];
    let scene = scene(&granted).await;
    let _host = host(&scene, &granted);
    assert_eq!(fetched(&scene, to(server.address, "/redirect")).await, "302: ");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn whatever_a_server_does_the_exchange_ends_within_its_limits_and_by_name() {
    let server = Server::start().await;
    let granted = [format!("* http://127.0.0.1:{}", server.port())];
    let scene = scene(&granted).await;
    let host = host(&scene, &granted);
    let mut told = Vec::new();
    for (path, part) in [
        ("/silent", "no answer has come"),
        ("/slow-head", "no answer has come"),
        ("/half", "was not complete"),
        ("/endless", "the body of the answer"),
        ("/large", "the body of the answer"),
        ("/wide", "the headers of the answer"),
    ] {
        let verdict = fetched(&scene, to(server.address, path)).await;
        told.push(format!("{path}: {verdict}\n  {}", line(&host, part, &server).await));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    /silent: ErrorCode::HttpResponseTimeout
      GET http://127.0.0.1:PORT: no answer has come within the limit `limits.http-timeout` of 500 ms
    /slow-head: ErrorCode::HttpResponseTimeout
      GET http://127.0.0.1:PORT: no answer has come within the limit `limits.http-timeout` of 500 ms
    /half: ErrorCode::HttpResponseTimeout
      GET http://127.0.0.1:PORT: the answer was not complete within the limit `limits.http-timeout` of 500 ms
    /endless: ErrorCode::HttpResponseBodySize(Some(65536))
      GET http://127.0.0.1:PORT: the body of the answer is larger than `limits.http-body` allows, 64.0 KiB
    /large: ErrorCode::HttpResponseBodySize(Some(65536))
      GET http://127.0.0.1:PORT: the body of the answer is larger than `limits.http-body` allows, 64.0 KiB
    /wide: ErrorCode::HttpResponseHeaderSectionSize(Some(70021))
      GET http://127.0.0.1:PORT: the headers of the answer have 70021 bytes, more than 64.0 KiB
    ");
    let mut large = to(server.address, "/");
    large["method"] = text("POST");
    large["n"] = long(100_000);
    insta::assert_snapshot!(fetched(&scene, large).await, @"ErrorCode::HttpRequestBodySize(Some(65536))");
    let unfinished = verdict(&scene, "fetch-unfinished", to(server.address, "/")).await;
    insta::assert_snapshot!(unfinished, @"ErrorCode::HttpResponseTimeout");
    assert_eq!(fetched(&scene, to(server.address, "/narrow")).await, "200: ", "within the limit");
    assert_eq!(fetched(&scene, to(server.address, "/")).await, "200: well", "and the next one works");
}

#[tokio::test]
async fn requests_are_counted() {
    let server = Server::start().await;
    let granted = [format!("GET http://127.0.0.1:{}", server.port())];
    let scene = Scene::with_probe(&format!("{}http-requests = 3\n", manifest(&granted))).await;
    let _host = host(&scene, &granted);
    let mut request = to(server.address, "/");
    request["n"] = long(5);
    let task = scene.probe_with("fetch-flood", request);
    let variables = scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!((&variables["done"]["value"], server.requests().len()), (&json!(3), 3));
    insta::assert_snapshot!(variables["verdict"]["value"].as_str().expect("a text"), @r#"ErrorCode::InternalError(Some("the limit `limits.http-requests` of 3 requests is used up"))"#);
}

#[tokio::test]
async fn headers_of_the_host_and_of_the_connection_cannot_be_set() {
    let scene = scene(&[]).await;
    let _host = host(&scene, &[]);
    let names = "host,Host,connection,transfer-encoding,te,trailer,expect,proxy-authorization,authorization";
    let judged = verdict(&scene, "fetch-headers", json!({"text": text(names)})).await;
    insta::assert_snapshot!(judged, @"host: forbidden, Host: forbidden, connection: forbidden, transfer-encoding: forbidden, te: forbidden, trailer: forbidden, expect: forbidden, proxy-authorization: forbidden, authorization: accepted");
}

#[tokio::test]
async fn tls_needs_an_authority_that_the_operator_trusts_and_stalls_within_the_limit() {
    let server = Server::start().await;
    let ca = PrivateCa::new().expect("an authority");
    let front = TlsFront::start(&ca, server.address, false).await.expect("a front");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let stalled = silent.local_addr().expect("an address");
    let granted = [format!("GET https://{}", front.address()), format!("GET https://{stalled}")];
    let https = |address: SocketAddr| {
        let mut request = to(address, "/");
        request["scheme"] = text("https");
        request
    };
    let scene = scene(&granted).await;
    let distrusting = host(&scene, &granted);
    assert_eq!(fetched(&scene, https(front.address())).await, "ErrorCode::TlsProtocolError");
    line(&distrusting, "the connection is not secure", &server).await;
    assert_eq!(fetched(&scene, https(stalled)).await, "ErrorCode::HttpResponseTimeout");
    drop(distrusting);

    let file = scene.drop_file("ca.pem", ca.pem().as_bytes());
    let trusting = format!("[http]\nca-file = {file:?}\n{}", grants(&granted));
    let _trusting = scene.builder().toml(&trusting).start().expect("the host starts");
    assert_eq!(fetched(&scene, https(front.address())).await, "200: well");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    let granted = [format!("GET http://127.0.0.1:{}", server.port())];
    let scene = scene(&granted).await;
    let proxy_url = format!("http://{}", proxy.address);
    let builder =
        scene.builder().env("HTTP_PROXY", &proxy_url).env("http_proxy", &proxy_url).env("ALL_PROXY", &proxy_url);
    let _host = builder.env("NO_PROXY", "").toml(&grants(&granted)).start().expect("the host starts");
    assert_eq!(fetched(&scene, to(server.address, "/")).await, "200: well");
    assert_eq!(proxy.requests().len(), 0);
}

#[tokio::test]
async fn a_handler_that_is_cancelled_leaves_no_exchange_behind() {
    let server = Server::start().await;
    let granted = [format!("GET http://127.0.0.1:{}", server.port())];
    let manifest = format!("timeout = \"300ms\"\n{}", manifest(&granted)).replace("500ms", "60s");
    let scene = Scene::with_probe(&manifest).await;
    let settings = format!("[http]\nmax-concurrent = 1\n{}", grants(&granted));
    let _host = scene.builder().toml(&settings).start().expect("the host starts");
    let task = scene.probe_with("fetch", to(server.address, "/silent"));
    let state = scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    let TaskState::Failed { message, .. } = state else { panic!("{state:?}") };
    assert!(message.as_deref().is_some_and(|text| text.contains("`timeout`")), "{message:?}");
    let next = tokio::time::timeout(Duration::from_secs(20), fetched(&scene, to(server.address, "/")));
    assert_eq!(next.await.expect("its room is free again"), "200: well");
}
