//! Logins and the way to the engine: what is sent, what is waited for, and what is shown to nobody.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, routing::post};
use fetchlock_harness::{
    fetchlock::{Builder, Fetchlock, Stream},
    tls::{PrivateCa, TlsFront},
};
use fetchlock_scripted_engine::Mode;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::scene::{SOON, Scene};

/// Everything that this host and the libraries below it tell about requests.
const ALL_OF_HTTP: &str =
    "\"info,fetchlock=trace,reqwest=trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace,tokio=trace\"";

/// A server of this test; it ends with its owner.
struct Server {
    address: SocketAddr,
    /// What it was asked.
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }

    /// A token endpoint that grants these tokens in turn, and the last one for ever.
    async fn granting(tokens: &'static [&'static str]) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let grant = move |body: String| async move {
            let mut seen = kept.lock().expect("no panic");
            let token = tokens.get(seen.len()).or(tokens.last()).expect("a token");
            seen.push(body);
            Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 300}))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/token", post(grant));
        // It serves until it is aborted.
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { address, seen, task }
    }

    /// An HTTP proxy that passes everything on to one place, and keeps how each connection began.
    async fn proxy_to(upstream: SocketAddr) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                connections.spawn(async move {
                    let mut server = TcpStream::connect(upstream).await.expect("the engine is there");
                    let mut beginning = vec![0; 16 << 10];
                    let count = client.read(&mut beginning).await.expect("read");
                    kept.lock().expect("no panic").push(String::from_utf8_lossy(&beginning[..count]).into_owned());
                    // A tunnel is acknowledged and begins with the next byte.
                    match beginning.starts_with(b"CONNECT ") {
                        true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written"),
                        false => server.write_all(&beginning[..count]).await.expect("written"),
                    }
                    // Either side may end it.
                    copy_bidirectional(&mut client, &mut server).await.ok();
                });
            }
        });
        Self { address, seen, task }
    }
}

/// Files of the operator.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file at once, as a rename does; its path as TOML writes it.
    fn put(&self, name: &str, text: &str) -> String {
        let part = self.path(".part");
        fs::write(&part, text).expect("written");
        fs::rename(part, self.path(name)).expect("renamed");
        self.quoted(name)
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", self.path(name).display())
    }
}

fn bearer(token: &str) -> Mode {
    Mode::Authorization(format!("Bearer {token}"))
}

/// What must be in no line of a log, however much is logged.
fn assert_hidden(host: &Fetchlock, secrets: &[&str]) {
    for secret in secrets {
        assert!(!host.logs().contains(secret), "{secret} is in the log:\n{}", host.logs());
    }
}

#[tokio::test]
async fn a_token_by_oauth2_is_had_and_renewed_when_it_is_refused() {
    let scene = Scene::with_probe("").await;
    let login = Server::granting(&["token-one", "token-two"]).await;
    let files = Files::new();
    let secret = files.put("secret", "client-hush\n");
    scene.engine.set_mode(bearer("token-one"));
    let host = scene
        .builder()
        .setting("engine.oauth2.token-url", &format!("\"http://{}/token\"", login.address))
        .setting("engine.oauth2.client-id", "\"fetchlock\"")
        .setting("engine.oauth2.client-secret", &format!("{{ file = {secret} }}"))
        .setting("engine.oauth2.client-auth", "\"body\"")
        .setting("engine.oauth2.scope", "\"engine\"")
        .setting("log.level", ALL_OF_HTTP)
        .start()
        .expect("started");
    let first = scene.probe("complete");
    scene.engine.await_completed(&first, SOON).await.expect("completed");
    scene.engine.set_mode(bearer("token-two"));
    let second = scene.probe("complete");
    scene.engine.await_completed(&second, SOON).await.expect("completed with a new token");
    assert_eq!(login.seen().len(), 2, "{:?}", login.seen());
    let expected = "grant_type=client_credentials&scope=engine&client_id=fetchlock&client_secret=client-hush";
    assert_eq!(login.seen()[0], expected);
    assert_hidden(&host, &["token-one", "token-two", "client-hush"]);
}

#[tokio::test]
async fn nothing_is_sent_until_the_token_s_file_is_there_and_a_new_one_is_taken_up() {
    let scene = Scene::with_probe("").await;
    let files = Files::new();
    scene.engine.set_mode(bearer("token-one"));
    let host = scene
        .builder()
        .setting("engine.bearer", &format!("{{ file = {} }}", files.quoted("token")))
        .setting("log.level", ALL_OF_HTTP)
        .start()
        .expect("started");
    let line =
        host.await_text("there are no credentials, so nothing is sent to the engine", SOON).await.expect("says so");
    assert!(line.contains("engine.bearer: the file ") && line.contains("token cannot be read"), "{line}");
    host.await_text("still: there are no credentials", SOON).await.expect("keeps trying");
    assert!(scene.engine.requests().is_empty(), "{:?}", scene.engine.requests());

    files.put("token", "token-one\n");
    let first = scene.probe("complete");
    scene.engine.await_completed(&first, SOON).await.expect("completed");
    host.await_text("the engine takes fetches again", SOON).await.expect("says so");

    scene.engine.set_mode(bearer("token-two"));
    files.put("token", "token-two\n");
    let second = scene.probe("complete");
    scene.engine.await_completed(&second, SOON).await.expect("completed with the new token");
    assert_hidden(&host, &["token-one", "token-two"]);
}

#[tokio::test]
async fn a_header_may_be_what_a_command_prints() {
    let scene = Scene::with_probe("").await;
    let files = Files::new();
    let token = files.put("token", "Ticket one-time\n");
    scene.engine.set_mode(Mode::Authorization("Ticket one-time".into()));
    let host = scene
        .builder()
        .setting("engine.headers", &format!("{{ Authorization = {{ command = [\"cat\", {token}], cache = \"1s\" }} }}"))
        .setting("log.level", ALL_OF_HTTP)
        .start()
        .expect("started");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_hidden(&host, &["one-time"]);
}

#[tokio::test]
async fn an_engine_behind_mutual_tls_with_a_private_authority_is_worked_for() {
    let scene = Scene::with_probe("").await;
    let ca = PrivateCa::new().expect("an authority");
    let front = TlsFront::start(&ca, scene.engine.address(), true).await.expect("a front");
    let issued = ca.issue("fetchlock").expect("a certificate");
    let files = Files::new();
    let host = scene
        .builder()
        .engine(&front.url("/engine-rest/"))
        .setting("engine.tls.ca-file", &files.put("ca.pem", &ca.pem()))
        .setting("engine.tls.client-certificate", &files.put("client.pem", &issued.certificate))
        .setting("engine.tls.client-key", &files.put("client.key", &issued.key))
        .start()
        .expect("started");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    drop(host);

    let stranger = scene.builder().engine(&front.url("/engine-rest")).start().expect("started");
    let line = stranger.await_text("the engine cannot be reached", SOON).await.expect("says so");
    assert!(line.contains("certificate"), "{line}");
}

#[tokio::test]
async fn an_engine_behind_a_proxy_with_a_login_is_worked_for() {
    let scene = Scene::with_probe("").await;
    let proxy = Server::proxy_to(scene.engine.address()).await;
    let host = scene
        .builder()
        .engine("http://engine.invalid/engine-rest")
        .setting("engine.proxy", &format!("\"http://{}\"", proxy.address))
        .setting("engine.proxy-username", "\"me\"")
        .setting("engine.proxy-password", "{ env = \"PROXY_HUSH\" }")
        .setting("log.level", ALL_OF_HTTP)
        .env("PROXY_HUSH", "hush-hush")
        .start()
        .expect("started");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    let request = proxy.seen().remove(0);
    assert!(request.starts_with("POST http://engine.invalid/engine-rest/external-task/"), "{request}");
    assert!(request.contains("proxy-authorization: Basic bWU6aHVzaC1odXNo\r\n"), "{request}");
    assert_hidden(&host, &["hush-hush", "bWU6aHVzaC1odXNo"]);
}

#[tokio::test]
async fn a_proxy_before_an_engine_behind_tls_sees_no_login() {
    let scene = Scene::with_probe("").await;
    let ca = PrivateCa::new().expect("an authority");
    let front = TlsFront::start(&ca, scene.engine.address(), false).await.expect("a front");
    let proxy = Server::proxy_to(front.address()).await;
    let files = Files::new();
    scene.engine.set_mode(bearer("hush-hush"));
    let _host = scene
        .builder()
        .engine(&front.url("/engine-rest"))
        .setting("engine.tls.ca-file", &files.put("ca.pem", &ca.pem()))
        .setting("engine.proxy", &format!("\"http://{}\"", proxy.address))
        .setting("engine.bearer", "\"hush-hush\"")
        .start()
        .expect("started");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    for tunnel in proxy.seen() {
        assert!(tunnel.starts_with("CONNECT 127.0.0.1:") && !tunnel.contains("hush"), "{tunnel}");
    }
}

/// What a host with these settings says that refuses to start.
async fn refusal(settings: &[(&str, &str)]) -> String {
    let builder = Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock")).engine("https://127.0.0.1:1/engine-rest");
    let set = |builder: Builder, (key, value): &(&str, &str)| builder.setting(key, value);
    let mut host = settings.iter().fold(builder, set).start().expect("started");
    let status = host.wait_exit(SOON).await.expect("exited");
    assert_eq!(status.code(), Some(78), "{}", host.logs());
    let text = host.output(Stream::Stderr).trim().to_owned();
    let home = host.config().parent().expect("a directory").display().to_string();
    text.replace(&format!("{home}/"), "")
}

#[tokio::test]
async fn logins_that_cannot_work_are_refused_at_the_start() {
    let told = [
        refusal(&[("engine.username", "\"demo\""), ("engine.bearer", "\"hush\"")]).await,
        refusal(&[("engine.bearer", "{ env = \"NOBODY_SET_THIS\" }")]).await,
        refusal(&[("engine.tls.ca-file", "\"ca.pem\"")]).await,
        refusal(&[("engine.headers", "{ accept = \"text/plain\" }")]).await,
        refusal(&[("engine.bearer", "\"hush\\nhush\"")]).await,
    ];
    assert!(told.iter().all(|text| text.lines().count() == 1 && !text.contains("hush")), "{told:?}");
    insta::assert_snapshot!(told.join("\n"), @r"
    fetchlock: fetchlock.toml:2: `engine.bearer`: there is `username` too, and a request carries one login: leave one of them out
    fetchlock: fetchlock.toml:1: `engine.bearer`: the environment variable NOBODY_SET_THIS is not set; set it before the start, or name another one
    fetchlock: fetchlock.toml:1: `engine.tls.ca-file`: the file ca.pem cannot be read: No such file or directory (os error 2)
    fetchlock: fetchlock.toml:1: `engine.headers.accept`: Fetchlock sets this header itself: leave it out
    fetchlock: fetchlock.toml:1: `engine.bearer`: no HTTP header value: expected ASCII text on one line
    ");
}

#[tokio::test]
async fn what_the_start_finds_out_is_told_of_all_engines() {
    let told = refusal(&[
        ("engine.tls.ca-file", "\"ca.pem\""),
        ("engines.orders.url", "\"http://127.0.0.1:1/engine-rest\""),
        ("engines.orders.headers", "{ X-Ticket = { env = \"NOBODY_SET_THIS\" } }"),
    ]);
    insta::assert_snapshot!(told.await, @r"
    fetchlock: fetchlock.toml:1: `engine.tls.ca-file`: the file ca.pem cannot be read: No such file or directory (os error 2)
    fetchlock.toml:3: `engines.orders.headers.x-ticket`: the environment variable NOBODY_SET_THIS is not set; set it before the start, or name another one
    ");
}

#[tokio::test]
async fn the_effective_settings_show_places_and_no_secrets() {
    let mut host = Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock"))
        .arg("--print-config")
        .setting("engine.headers", "{ x-ticket = \"hush-one\", x-other = { command = [\"ticket\"] } }")
        .setting("engine.proxy", "\"http://proxy\"")
        .setting("engine.proxy-username", "\"me\"")
        .setting("engine.proxy-password", "\"hush-two\"")
        .setting("engine.oauth2.token-url", "\"https://login/token\"")
        .setting("engine.oauth2.client-id", "\"fetchlock\"")
        .env("FETCHLOCK_ENGINE__OAUTH2__CLIENT_SECRET", "hush-three")
        .start()
        .expect("started");
    assert!(host.wait_exit(SOON).await.expect("exited").success(), "{}", host.logs());
    let shown = host.output(Stream::Stdout);
    assert!(!shown.contains("hush"), "{shown}");
    for expected in [
        "engine.oauth2.client-secret = \"(hidden)\"",
        "# FETCHLOCK_ENGINE__OAUTH2__CLIENT_SECRET",
        "engine.headers.x-ticket = \"(hidden)\"",
        "engine.headers.x-other.command = [\"ticket\"]",
        "engine.proxy-password = \"(hidden)\"",
    ] {
        assert!(shown.contains(expected), "{expected} is missing in\n{shown}");
    }
}

#[tokio::test]
async fn without_a_login_no_authorization_is_sent() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("complete");
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert!(scene.engine.requests().iter().all(|it| it.authorization.is_none()));
}
