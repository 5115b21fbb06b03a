//! The way to an engine: private authorities, certificates of our own, proxies, and connections that fall silent.

use std::{fs, path::PathBuf};

use fetchlock_harness::tls::{PrivateCa, TlsFront};
use tempfile::TempDir;

use super::{
    loopback::{Loopback, Reply},
    *,
};
use crate::secret::{Secret, SecretAtStart};

/// A directory with the files of an authority and of a client that it knows.
struct Files {
    dir: TempDir,
    ca: PrivateCa,
}

impl Files {
    fn new() -> Self {
        let files = Self { dir: TempDir::new().expect("a directory"), ca: PrivateCa::new().expect("an authority") };
        let client = files.ca.issue("fetchlock").expect("a certificate");
        files.put("ca.pem", &files.ca.pem());
        files.put("client.pem", &client.certificate);
        files.put("client-key.pem", &client.key);
        files
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn authority(&self) -> TlsFiles {
        TlsFiles { authorities: Some(self.path("ca.pem")), identity: None }
    }

    fn identity(&self, certificate: &str, key: &str) -> TlsFiles {
        let identity = IdentityFiles { certificate: self.path(certificate), key: self.path(key) };
        TlsFiles { identity: Some(identity), ..self.authority() }
    }

    /// What is told about files, without their directory.
    fn complaint(&self, tls: TlsFiles) -> String {
        let options = RestOptions { tls, ..RestOptions::new("https://127.0.0.1/".parse().expect("a URL")) };
        let error = RestEngine::new(options).expect_err("refused").to_string();
        error.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

async fn unlock(options: RestOptions) -> Result<(), EngineError> {
    RestEngine::new(options).expect("an engine").unlock(&TaskId::new("t")).await
}

fn at(front: &TlsFront, tls: TlsFiles) -> RestOptions {
    let url = front.url("/engine-rest").parse().expect("a URL");
    RestOptions { tls, ..RestOptions::new(url) }
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_it_is_named() {
    let files = Files::new();
    let server = Loopback::start(vec![Reply::no_content()]).await;
    let front = TlsFront::start(&files.ca, server.address(), false).await.expect("a server");
    let error = unlock(at(&front, TlsFiles::default())).await.expect_err("unknown authority");
    assert!(matches!(error, EngineError::Unreachable { sent: false, .. }), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
    unlock(at(&front, files.authority())).await.expect("trusted");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_an_engine_that_wants_one() {
    let files = Files::new();
    let server = Loopback::start(vec![Reply::no_content()]).await;
    let front = TlsFront::start(&files.ca, server.address(), true).await.expect("a server");
    let error = unlock(at(&front, files.authority())).await.expect_err("no certificate");
    assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
    unlock(at(&front, files.identity("client.pem", "client-key.pem"))).await.expect("known");
}

#[tokio::test]
async fn files_without_what_they_should_hold_are_refused_at_the_start() {
    let files = Files::new();
    let other = PrivateCa::new().and_then(|ca| ca.issue("other")).expect("a certificate");
    files.put("other-key.pem", &other.key);
    files.put("text.pem", "hush");
    files.put("broken.pem", "-----BEGIN CERTIFICATE-----\nhush!\n-----END CERTIFICATE-----\n");
    files.put("no.pem", "-----BEGIN CERTIFICATE-----\naHVzaA==\n-----END CERTIFICATE-----\n");
    let authorities = |name: &str| TlsFiles { authorities: Some(files.path(name)), identity: None };
    let told = [
        files.complaint(authorities("missing.pem")),
        files.complaint(authorities("text.pem")),
        files.complaint(authorities("client-key.pem")),
        files.complaint(files.identity("client-key.pem", "client-key.pem")),
        files.complaint(files.identity("client.pem", "missing.pem")),
        files.complaint(files.identity("client.pem", "client.pem")),
        files.complaint(files.identity("client.pem", "other-key.pem")),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    engine.tls.ca-file: the file missing.pem cannot be read: No such file or directory (os error 2)
    engine.tls.ca-file: the file text.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)
    engine.tls.ca-file: the file client-key.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)
    engine.tls.client-certificate: the file client-key.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)
    engine.tls.client-key: the file missing.pem cannot be read: No such file or directory (os error 2)
    engine.tls.client-key: the file client.pem holds no private key in PEM, or an encrypted one, which is not supported
    engine.tls.client-key: the file other-key.pem does not belong to the certificate in client.pem
    ");
    for broken in ["broken.pem", "no.pem"] {
        let told = files.complaint(authorities(broken));
        assert!(
            told.starts_with(&format!("engine.tls.ca-file: the file {broken} ")) && !told.contains("hush"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_proxy_is_used_with_its_login_even_for_this_machine() {
    let dir = TempDir::new().expect("a directory");
    let password = dir.path().join("password");
    fs::write(&password, "hush\n").expect("written");
    let proxy = Loopback::start(vec![Reply::no_content(), Reply::no_content()]).await;
    for url in ["http://engine.invalid/engine-rest", "http://127.0.0.1:1/engine-rest"] {
        let login = Some(("me".to_owned(), SecretAtStart::File(password.clone())));
        let through = ProxyOptions::Through { url: proxy.url(""), login };
        unlock(RestOptions { proxy: through, ..RestOptions::new(url.parse().expect("a URL")) }).await.expect("sent");
    }
    let requests = proxy.requests();
    assert!(
        requests[0].starts_with("POST http://engine.invalid/engine-rest/external-task/t/unlock HTTP/1.1"),
        "{}",
        requests[0]
    );
    assert!(
        requests[1].starts_with("POST http://127.0.0.1:1/engine-rest/external-task/t/unlock HTTP/1.1"),
        "{}",
        requests[1]
    );
    assert!(requests.iter().all(|it| it.contains("proxy-authorization: Basic bWU6aHVzaA==\r\n")), "{requests:?}");
}

#[tokio::test]
async fn an_engine_behind_https_is_asked_for_by_name_from_the_proxy() {
    let refusal = Reply::whole("407 Proxy Authentication Required", "");
    let proxy = Loopback::start(vec![refusal]).await;
    let through = ProxyOptions::Through { url: proxy.url(""), login: None };
    let files = Files::new();
    let url = "https://engine.invalid/engine-rest".parse().expect("a URL");
    let login = LoginOptions::Bearer(Secret::new("hush").into());
    let options = RestOptions { proxy: through, tls: files.authority(), login, ..RestOptions::new(url) };
    let error = unlock(options).await.expect_err("refused");
    assert!(matches!(error, EngineError::Unreachable { sent: false, .. }), "{error:?}");
    let request = &proxy.requests()[0];
    assert!(request.starts_with("CONNECT engine.invalid:443 HTTP/1.1") && !request.contains("hush"), "{request}");
}

#[tokio::test]
async fn an_answer_must_begin_in_time_and_may_then_take_longer() {
    let brief = Duration::from_millis(300);
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[".to_vec();
    let server = Loopback::start(vec![Reply::ThenSilence(Vec::new()), Reply::ThenSilence(head)]).await;
    let options = RestOptions {
        response_timeout: brief,
        request_timeout: 3 * brief,
        ..RestOptions::new(server.url("/engine-rest"))
    };
    let engine = RestEngine::new(options).expect("an engine");
    let error = engine.unlock(&TaskId::new("t")).await.expect_err("silence");
    assert!(matches!(error, EngineError::TimedOut { after } if after == brief), "{error:?}");
    let error = engine.unlock(&TaskId::new("t")).await.expect_err("silence in the middle");
    assert!(matches!(error, EngineError::TimedOut { after } if after == 3 * brief), "{error:?}");
}
