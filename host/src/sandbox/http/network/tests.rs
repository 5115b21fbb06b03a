//! Exchanges with servers on this machine's loopback that behave in every way the host must withstand.

use std::{collections::BTreeMap, sync::atomic::AtomicUsize, sync::atomic::Ordering::SeqCst};

use fetchlock_harness::tls::{PrivateCa, TlsFront};
use insta::assert_snapshot;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::grant::{AllowedGrants, Host, HttpPatterns, RequestedGrants};

/// What a server does once it has read the head of a request.
#[derive(Clone, Copy)]
enum Reply {
    /// Answers, and closes the connection if the text says so.
    Says(&'static str),
    /// Answers, and is silent with the connection open.
    ThenSilence(&'static str),
    /// Answers, and then goes on for ever.
    ThenEndless(&'static str),
}

const WELL: Reply = Reply::Says("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell");

/// A server; it ends with its owner.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (heads, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (kept, counted) = (heads.clone(), connections.clone());
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, SeqCst);
                serving.spawn(serve(stream, reply, kept.clone()));
            }
        });
        Self { address, heads, connections, task }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("unpoisoned").clone()
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, heads: Arc<Mutex<Vec<String>>>) {
    let mut read = Vec::new();
    loop {
        while !read.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => read.push(byte),
                // The client has left.
                Err(_) => return,
            }
        }
        heads.lock().expect("unpoisoned").push(String::from_utf8_lossy(&std::mem::take(&mut read)).into_owned());
        let (Reply::Says(text) | Reply::ThenSilence(text) | Reply::ThenEndless(text)) = reply;
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        match reply {
            Reply::Says(text) if text.contains("connection: close") || !text.contains("content-length") => return,
            Reply::Says(_) => {}
            Reply::ThenSilence(_) => std::future::pending().await,
            Reply::ThenEndless(_) => while stream.write_all(&[b'x'; 1_024]).await.is_ok() {},
        }
    }
}

/// Names that lead where a test says, and how often they were looked up.
#[derive(Default)]
struct Scripted {
    addresses: BTreeMap<&'static str, Vec<IpAddr>>,
    lookups: AtomicUsize,
}

#[async_trait]
impl Names for Scripted {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, SeqCst);
        self.addresses.get(name).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

fn names(addresses: &[(&'static str, &[&str])]) -> Arc<Scripted> {
    let parse = |all: &&[&str]| all.iter().map(|text| text.parse().expect("an address")).collect();
    let addresses = addresses.iter().map(|(name, all)| (*name, parse(all))).collect();
    Arc::new(Scripted { addresses, lookups: AtomicUsize::new(0) })
}

/// `api.test` leads to this machine.
fn api() -> Arc<Scripted> {
    names(&[("api.test", &["127.0.0.1"])])
}

fn network(names: Arc<Scripted>) -> Network {
    limited(names, None, 10)
}

fn limited(names: Arc<Scripted>, authorities: Option<PathBuf>, max_concurrent: usize) -> Network {
    let options = NetworkOptions { authorities, max_concurrent, runtime: Handle::current() };
    Network::with_names(options, names).expect("a network")
}

/// A deadline that nothing here reaches, unless it is meant to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A deadline that is meant to be reached.
const BRIEF: Duration = Duration::from_millis(300);

const BODY: usize = 1_000;

/// What a plugin asks that is granted this; an address in the place of a name is granted, too.
fn asking(url: &str, allowed: &[&str], timeout: Duration) -> Request<Bytes> {
    let uri: http::Uri = url.parse().expect("an address");
    let scheme = Scheme::named(uri.scheme_str().expect("a scheme")).expect("http or https");
    let host = Host::parse(uri.host().expect("a host")).expect("a host");
    let port = uri.port_u16().unwrap_or(scheme.default_port());
    let itself = format!("* {}://{host}:{port}", scheme.name());
    let itself = matches!(host, Host::Address(_)).then_some(itself.as_str());
    let http = HttpPatterns::parse(allowed.iter().copied().chain(itself)).expect("entries");
    let allowed = AllowedGrants { http, ..AllowedGrants::default() };
    let terms = Terms {
        target: HttpTarget { method: "GET".into(), scheme, host, port },
        grants: Arc::new(Grants::new("charge", RequestedGrants::default(), allowed)),
        body: BODY,
        deadline: Instant::now() + timeout,
        timeout,
        begun: None,
        pause: None,
    };
    Request::builder().uri(uri).extension(terms).body(Bytes::new()).expect("a request")
}

/// Asks a server for `api.test`, where the operator names its address.
async fn asked(server: &Server, timeout: Duration) -> Result<Response<Bytes>, HttpError> {
    let port = server.port();
    let named = format!("GET http://127.0.0.1:{port}");
    network(api()).exchange(asking(&format!("http://api.test:{port}/p?q=1"), &[&named], timeout)).await
}

fn told(result: Result<Response<Bytes>, HttpError>, server: &Server) -> String {
    let error = result.map(|response| response.status()).expect_err("a failure");
    let kind = format!("{error:?}");
    let kind = kind.split('(').next().unwrap_or_default();
    format!("{kind}: {error}").replace(&server.port().to_string(), "PORT")
}

#[tokio::test]
async fn a_name_leads_to_an_address_that_the_operator_names_and_the_server_sees_the_name() {
    let server = Server::start(WELL).await;
    let answer = asked(&server, PATIENCE).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"well"[..]));
    let head = server.heads()[0].replace(&server.port().to_string(), "PORT");
    assert_snapshot!(head.replace("\r\n", "\n").trim_end(), @r"
    GET /p?q=1 HTTP/1.1
    accept: */*
    host: api.test:PORT
    ");
}

#[tokio::test]
async fn a_name_that_leads_into_this_machine_is_refused_and_nobody_is_connected_to() {
    let server = Server::start(WELL).await;
    let port = server.port();
    let url = format!("http://api.test:{port}/");
    for allowed in [
        format!("GET http://api.test:{port}"),
        format!("POST http://127.0.0.1:{port}"),
        format!("GET https://127.0.0.1:{port}"),
        "GET http://127.0.0.1".to_owned(),
        format!("GET http://127.0.0.2:{port}"),
    ] {
        let refused = network(api()).exchange(asking(&url, &[&allowed], PATIENCE)).await;
        assert!(matches!(refused, Err(HttpError::Denied(_))), "{allowed}: {refused:?}");
    }
    assert_eq!(server.connections(), 0);
    let refused = network(api()).exchange(asking(&url, &[], PATIENCE)).await;
    assert_snapshot!(told(refused, &server), @r#"Denied: the name leads to 127.0.0.1, which belongs to this machine (loopback), and a name may not lead there; if that is meant, add `http = ["GET http://127.0.0.1:PORT"]` to [grants.charge] of fetchlock.toml"#);
}

#[tokio::test]
async fn every_form_of_an_inner_address_is_refused() {
    for address in ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "fd00:ec2::254"] {
        let names = names(&[("api.test", &[address])]);
        let refused = network(names).exchange(asking("http://api.test/", &[], PATIENCE)).await;
        assert!(matches!(refused, Err(HttpError::Denied(_))), "{address}: {refused:?}");
    }
}

#[tokio::test]
async fn of_several_addresses_only_those_that_pass_are_connected_to() {
    let server = Server::start(WELL).await;
    let port = server.port();
    let names = names(&[("api.test", &["10.0.0.1", "127.0.0.1", "169.254.169.254"])]);
    let named = format!("* http://127.0.0.1:{port}");
    let answer = network(names).exchange(asking(&format!("http://api.test:{port}/"), &[&named], PATIENCE)).await;
    assert_eq!(answer.expect("an answer").body(), "well");
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_a_connection() {
    let server = Server::start(WELL).await;
    let port = server.port();
    let names = api();
    let named = format!("* http://127.0.0.1:{port}");
    let url = format!("http://api.test:{port}/");
    let network = network(names.clone());
    network.exchange(asking(&url, &[&named], PATIENCE)).await.expect("an answer");
    assert_eq!(names.lookups.load(SeqCst), 1);
}

#[tokio::test]
async fn a_kept_connection_is_not_used_by_who_may_not_have_made_it() {
    let server = Server::start(WELL).await;
    let port = server.port();
    let network = network(api());
    let (named, url) = (format!("* http://127.0.0.1:{port}"), format!("http://api.test:{port}/"));
    for _ in 0..2 {
        network.exchange(asking(&url, &[&named], PATIENCE)).await.expect("an answer");
    }
    assert_eq!(server.connections(), 1, "the connection is kept");
    let refused = network.exchange(asking(&url, &[], PATIENCE)).await;
    assert!(matches!(refused, Err(HttpError::Denied(_))), "{refused:?}");
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = Server::start(WELL).await;
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n", other.port());
    let server = Server::start(Reply::Says(redirect.leak())).await;
    let answer = asked(&server, PATIENCE).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 302);
    assert!(answer.headers().contains_key("location"));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_body_within_the_limit_is_obeyed_and_one_beyond_it_is_cut_off() {
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n{}", "x".repeat(BODY));
    let server = Server::start(Reply::Says(whole.leak())).await;
    assert_eq!(asked(&server, PATIENCE).await.expect("an answer").body().len(), BODY);
    let said = Server::start(Reply::ThenSilence("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n")).await;
    assert_snapshot!(told(asked(&said, PATIENCE).await, &said), @"TooLarge: the body of the answer is larger than `limits.http-body` allows, 1000 B");
    let endless = Server::start(Reply::ThenEndless("HTTP/1.1 200 OK\r\n\r\n")).await;
    assert_snapshot!(told(asked(&endless, PATIENCE).await, &endless), @"TooLarge: the body of the answer is larger than `limits.http-body` allows, 1000 B");
}

#[tokio::test]
async fn whatever_a_server_stops_at_the_deadline_ends_it() {
    let mut told_of = Vec::new();
    for reply in [
        Reply::ThenSilence(""),
        Reply::ThenSilence("HTTP/1.1 200 OK\r\nx-slow: "),
        Reply::ThenSilence("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
        Reply::ThenSilence("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    ] {
        let server = Server::start(reply).await;
        let began = Instant::now();
        told_of.push(told(asked(&server, BRIEF).await, &server));
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    }
    assert_snapshot!(told_of.join("\n"), @r"
    Timeout: no answer has come within the limit `limits.http-timeout` of 300 ms
    Timeout: no answer has come within the limit `limits.http-timeout` of 300 ms
    Timeout: the answer was not complete within the limit `limits.http-timeout` of 300 ms
    Timeout: the answer was not complete within the limit `limits.http-timeout` of 300 ms
    ");
}

#[tokio::test]
async fn a_tls_handshake_that_stalls_is_within_the_deadline() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", server.local_addr().expect("an address"));
    let stalled = network(api()).exchange(asking(&url, &[], BRIEF)).await;
    assert!(matches!(stalled, Err(HttpError::Timeout(_))), "{stalled:?}");
}

#[tokio::test]
async fn the_handlers_own_timeouts_hold_within_the_limit() {
    let silent = Server::start(Reply::ThenSilence("")).await;
    let paused = Server::start(Reply::ThenSilence("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")).await;
    let mut told_of = Vec::new();
    for server in [&silent, &paused] {
        let mut request = asking(&format!("http://{}/", server.address), &[], PATIENCE);
        let terms = request.extensions_mut().get_mut::<Terms>().expect("terms");
        terms.begun = Some(Instant::now() + BRIEF);
        terms.pause = Some(BRIEF);
        told_of.push(told(network(api()).exchange(request).await, server));
    }
    assert_snapshot!(told_of.join("\n"), @r"
    Timeout: no answer has come within the handler's own `first-byte-timeout`
    Timeout: the answer has paused longer than the handler's own `between-bytes-timeout`
    ");
}

#[tokio::test]
async fn who_finds_no_room_waits_within_the_deadline() {
    let server = Server::start(Reply::ThenSilence("")).await;
    let network = Arc::new(limited(api(), None, 1));
    let url = format!("http://{}/", server.address);
    let first = {
        let (network, url) = (network.clone(), url.clone());
        tokio::spawn(async move { network.exchange(asking(&url, &[], PATIENCE)).await })
    };
    while server.heads().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = network.exchange(asking(&url, &[], BRIEF)).await;
    assert_snapshot!(told(second, &server), @"Timeout: no other exchange made room (`http.max-concurrent` allows 1) within the limit `limits.http-timeout` of 300 ms");
    assert_eq!(server.connections(), 1);
    first.abort();
}

#[tokio::test]
async fn an_exchange_ends_with_its_future() {
    let server = Server::start(Reply::ThenSilence("")).await;
    let network = limited(api(), None, 1);
    let url = format!("http://{}/", server.address);
    let exchange = network.exchange(asking(&url, &[], PATIENCE));
    tokio::time::timeout(BRIEF, exchange).await.expect_err("no answer");
    let freed = tokio::time::timeout(PATIENCE, network.0.permits.acquire()).await;
    freed.expect("its permit is free again").expect("an open semaphore").forget();
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_one_line_without_the_address_that_was_asked() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    };
    let noise = Server::start(Reply::Says("SSH-2.0-OpenSSH\r\n\r\n")).await;
    let cut = Server::start(Reply::Says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")).await;
    let gone = Server::start(Reply::Says("")).await;
    let mut told_of = Vec::new();
    for url in [
        format!("http://{closed}/?token=hush"),
        "http://nobody.test/?token=hush".to_owned(),
        format!("http://{}/?token=hush", noise.address),
        format!("http://{}/?token=hush", cut.address),
        format!("http://{}/?token=hush", gone.address),
    ] {
        told_of.push(told(network(api()).exchange(asking(&url, &[], PATIENCE)).await, &noise));
    }
    let told_of = told_of.join("\n");
    assert!(!told_of.contains("hush"), "{told_of}");
    assert_snapshot!(told_of, @r"
    Refused: it cannot be connected to: Connection refused (os error 111)
    Unresolved: the name has no address: no such name
    Protocol: what came is no answer: invalid HTTP version parsed
    Refused: the connection was lost: unexpected EOF during chunk size line
    Refused: the connection was lost: connection closed before message completed
    ");
}

#[tokio::test]
async fn tls_is_with_the_authorities_of_the_settings_and_for_the_name_that_was_asked() {
    let server = Server::start(WELL).await;
    let (ca, dir) = (PrivateCa::new().expect("an authority"), TempDir::new().expect("a directory"));
    let authorities = dir.path().join("ca.pem");
    std::fs::write(&authorities, ca.pem()).expect("written");
    let front = TlsFront::start(&ca, server.address, false).await.expect("a front");
    let names = names(&[("api.test", &["127.0.0.1"])]);
    let trusting = limited(names.clone(), Some(authorities), 10);
    let answer = trusting.exchange(asking(&front.url("/"), &[], PATIENCE)).await;
    assert_eq!(answer.expect("an answer").body(), "well");
    let port = front.address().port();
    let by_name = asking(&format!("https://api.test:{port}/"), &[&format!("* https://127.0.0.1:{port}")], PATIENCE);
    let stranger = trusting.exchange(by_name).await;
    assert_snapshot!(told(stranger, &server), @r#"Tls: the connection is not secure: invalid peer certificate: certificate not valid for name "api.test"; certificate is only valid for IpAddress(127.0.0.1)"#);
    let distrusting = network(names).exchange(asking(&front.url("/"), &[], PATIENCE)).await;
    assert_snapshot!(told(distrusting, &server), @"Tls: the connection is not secure: invalid peer certificate: UnknownIssuer");
}

#[tokio::test]
async fn a_body_is_sent_with_its_length_and_so_is_none() {
    let server = Server::start(WELL).await;
    let network = network(api());
    for (method, body) in [("POST", "hello"), ("POST", ""), ("GET", "")] {
        let mut request = asking(&format!("http://{}/", server.address), &[], PATIENCE);
        *request.method_mut() = method.parse().expect("a method");
        *request.body_mut() = Bytes::from_static(body.as_bytes());
        network.exchange(request).await.expect("an answer");
    }
    let lengths: Vec<Option<String>> = server
        .heads()
        .iter()
        .map(|head| head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(str::to_owned))
        .collect();
    assert_eq!(lengths, [Some("5".to_owned()), Some("0".to_owned()), None]);
}

#[tokio::test]
async fn the_systems_resolver_is_judged_too() {
    let options = NetworkOptions { authorities: None, max_concurrent: 1, runtime: Handle::current() };
    let network = Network::new(options).expect("a network");
    let refused = network.exchange(asking("http://localhost/", &[], PATIENCE)).await;
    assert!(matches!(refused, Err(HttpError::Denied(_))), "{refused:?}");
}
