//! Tokens from a token endpoint of canned answers.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rcgen::KeyPair;
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use url::Url;

use super::*;
use crate::engine::rest::{
    LoginOptions, RestOptions,
    loopback::{Loopback, Reply},
};

/// A key that is used nowhere but here.
const RSA_KEY: &str = include_str!("../test-rsa-key.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../test-rsa-public.pem");

fn secret(text: &str) -> SecretSource {
    Secret::new(text).into()
}

fn granted(token: &str, expires_in: &str) -> Reply {
    Reply::json("200 OK", &format!(r#"{{"access_token":"{token}","token_type":"bearer"{expires_in}}}"#))
}

fn client(server: &Loopback, proof: ClientProof) -> ClientCredentials {
    ClientCredentials {
        token_url: server.url("/token"),
        client_id: "fetch lock".into(),
        proof,
        parameters: vec![("scope".into(), "a b".into()), ("audience".into(), "https://engine".into())],
    }
}

fn credentials(options: ClientCredentials) -> Credentials {
    let engine = Url::parse("http://127.0.0.1:1/engine-rest").expect("a URL");
    let options = RestOptions { login: LoginOptions::OAuth2(options), ..RestOptions::new(engine) };
    options.connection().expect("a connection").credentials
}

async fn with(replies: Vec<Reply>) -> (Loopback, Credentials) {
    let server = Loopback::start(replies).await;
    let credentials = credentials(client(&server, ClientProof::SecretInHeader(secret("hu:sh"))));
    (server, credentials)
}

async fn token(credentials: &Credentials) -> String {
    let proof = credentials.proof().await.expect("a token");
    proof.headers[AUTHORIZATION].to_str().expect("a text").to_owned()
}

/// What is told when the token endpoint answers so.
async fn complaint(reply: Reply) -> String {
    let (server, credentials) = with(vec![reply]).await;
    let error = EngineError::from(credentials.proof().await.err().expect("no token")).to_string();
    error.replace(server.url("").as_str(), "http://login/")
}

#[tokio::test]
async fn a_secret_goes_into_the_header_or_the_body() {
    let server = Loopback::start(vec![granted("t1", ""), granted("t2", "")]).await;
    let in_header = credentials(client(&server, ClientProof::SecretInHeader(secret("hu:sh"))));
    let in_body = credentials(client(&server, ClientProof::SecretInBody(secret("hu:sh"))));
    assert_eq!((token(&in_header).await, token(&in_body).await), ("Bearer t1".into(), "Bearer t2".into()));
    let requests = server.requests();
    // Both are encoded as in a form before they are joined: "fetch+lock:hu%3Ash".
    assert!(requests[0].contains("authorization: Basic ZmV0Y2grbG9jazpodSUzQXNo\r\n"), "{}", requests[0]);
    assert!(!requests[1].contains("authorization"), "{}", requests[1]);
    let bodies: Vec<&str> = requests.iter().filter_map(|it| it.split("\r\n\r\n").nth(1)).collect();
    insta::assert_snapshot!(bodies.join("\n"), @"
    grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fengine
    grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fengine&client_id=fetch+lock&client_secret=hu%3Ash
    ");
    assert!(requests[0].starts_with("POST /token HTTP/1.1"), "{}", requests[0]);
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    jti: String,
    iat: u64,
    exp: u64,
}

/// The assertion in a request.
fn assertion(request: &str) -> String {
    let body = request.split("\r\n\r\n").nth(1).expect("a body");
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    assert_eq!(value("client_id").as_deref(), Some("fetch lock"));
    let kind = value("client_assertion_type");
    assert_eq!(kind.as_deref(), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    value("client_assertion").expect("an assertion")
}

#[tokio::test]
async fn a_private_key_signs_an_assertion_of_its_own_for_each_token() {
    let elliptic = KeyPair::generate().expect("a key");
    let elliptic_public = DecodingKey::from_ec_pem(elliptic.public_key_pem().as_bytes()).expect("a key");
    let rsa_public = || DecodingKey::from_rsa_pem(RSA_PUBLIC).expect("a key");
    for (key, public, algorithm) in [
        (RSA_KEY.to_owned(), rsa_public(), Algorithm::RS256),
        (RSA_KEY.to_owned(), rsa_public(), Algorithm::PS256),
        (elliptic.serialize_pem(), elliptic_public, Algorithm::ES256),
    ] {
        let server = Loopback::start(vec![granted("t1", r#","expires_in":1"#), granted("t2", "")]).await;
        let key = SigningKey {
            key: secret(&key),
            algorithm,
            key_id: Some("key-1".into()),
            certificate: None,
            audience: None,
        };
        let credentials = credentials(client(&server, ClientProof::PrivateKey(key)));
        token(&credentials).await;
        credentials.proof_after_refusal(&credentials.proof().await.expect("a token")).await.expect("a token");
        let requests = server.requests();
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[server.url("/token").as_str()]);
        let read = |request: &String| decode::<Claims>(&assertion(request), &public, &validation).expect("signed");
        let (first, second) = (read(&requests[0]), read(&requests[1]));
        assert_eq!(first.header.kid.as_deref(), Some("key-1"));
        assert_eq!((first.claims.iss.as_str(), first.claims.sub.as_str()), ("fetch lock", "fetch lock"));
        assert_eq!(first.claims.exp - first.claims.iat, 60);
        assert_ne!(first.claims.jti, second.claims.jti);
        assert!(!requests[0].contains("client_secret"), "{}", requests[0]);
    }
}

#[tokio::test]
async fn a_certificate_is_told_by_its_thumbprint_and_the_audience_may_be_another() {
    let dir = dir();
    let path = dir.path().join("certificate.pem");
    let ca = fetchlock_harness::tls::PrivateCa::new().expect("an authority");
    fs::write(&path, ca.pem()).expect("written");
    let server = Loopback::start(vec![granted("t1", "")]).await;
    let key = SigningKey {
        key: secret(RSA_KEY),
        algorithm: Algorithm::PS256,
        key_id: None,
        certificate: Some(path),
        audience: Some("urn:login".into()),
    };
    token(&credentials(client(&server, ClientProof::PrivateKey(key)))).await;
    let mut validation = Validation::new(Algorithm::PS256);
    validation.set_audience(&["urn:login"]);
    let public = DecodingKey::from_rsa_pem(RSA_PUBLIC).expect("a key");
    let read = decode::<Claims>(&assertion(&server.requests()[0]), &public, &validation).expect("signed");
    assert_eq!(read.header.x5t_s256.expect("a thumbprint").len(), 43);
}

#[tokio::test]
async fn a_key_that_does_not_fit_the_algorithm_is_told_without_it() {
    let server = Loopback::start(Vec::new()).await;
    let mut told = Vec::new();
    for (key, algorithm) in [(RSA_KEY, Algorithm::ES256), ("no key", Algorithm::RS256)] {
        let key = SigningKey { key: secret(key), algorithm, key_id: None, certificate: None, audience: None };
        let credentials = credentials(client(&server, ClientProof::PrivateKey(key)));
        told.push(credentials.proof().await.err().expect("refused").to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @"
    engine.oauth2.private-key: no private key for ES256 (InvalidKeyFormat); expected PEM, PKCS #8, or PKCS #1 for RSA
    engine.oauth2.private-key: no private key for RS256 (InvalidKeyFormat); expected PEM, PKCS #8, or PKCS #1 for RSA
    ");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_token_is_kept_and_had_once_for_all_who_ask_meanwhile() {
    for expires_in in ["", r#","expires_in":300"#, r#","expires_in":"300""#, r#","expires_in":null"#] {
        let (server, credentials) = with(vec![granted("t1", expires_in)]).await;
        let (a, b) = tokio::join!(token(&credentials), token(&credentials));
        assert_eq!([a, b, token(&credentials).await], ["Bearer t1"; 3]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let (_server, credentials) = with(vec![granted("t1", r#","expires_in":1"#), granted("t2", "")]).await;
    let began = Instant::now();
    assert_eq!(token(&credentials).await, "Bearer t1");
    let renewed = async {
        while token(&credentials).await != "Bearer t2" {
            sleep(LOOK).await;
        }
    };
    timeout(SOON, renewed).await.expect("a new token");
    assert!(began.elapsed() >= Duration::from_millis(750), "a quarter of its life is the margin");
}

#[tokio::test]
async fn a_token_that_is_still_good_is_used_when_it_cannot_be_renewed() {
    let (server, credentials) = with(vec![granted("t1", r#","expires_in":4"#), Reply::whole("503 Busy", "")]).await;
    assert_eq!(token(&credentials).await, "Bearer t1");
    // Into the margin, and not beyond the end.
    sleep(Duration::from_millis(3_050)).await;
    assert_eq!(token(&credentials).await, "Bearer t1");
    assert_eq!(server.requests().len(), 2);
    assert_eq!(token(&credentials).await, "Bearer t1", "the next attempt is later");
}

/// How long a renewal may take in these tests while the token is good.
const BRIEFLY: Duration = Duration::from_millis(500);

/// A token of four seconds, already in its margin of one, and a token endpoint that is silent from then on.
async fn due_at_a_silent_endpoint() -> (Loopback, Credentials) {
    let replies = vec![granted("t1", r#","expires_in":4"#), Reply::ThenSilence(Vec::new()), granted("t2", "")];
    let (server, mut credentials) = with(replies).await;
    match &mut credentials.login {
        Login::OAuth2(tokens) => tokens.patience = BRIEFLY,
        _ => panic!("no tokens"),
    }
    assert_eq!(token(&credentials).await, "Bearer t1");
    sleep(Duration::from_millis(3_050)).await;
    (server, credentials)
}

#[tokio::test]
async fn a_renewal_under_way_holds_up_none_of_those_who_can_use_the_last_token() {
    let (server, credentials) = due_at_a_silent_endpoint().await;
    let renewal = token(&credentials);
    let others = async {
        sleep(LOOK).await;
        let began = Instant::now();
        for _ in 0..100 {
            assert_eq!(token(&credentials).await, "Bearer t1");
        }
        began.elapsed()
    };
    let (renewed, waited) = tokio::join!(renewal, others);
    assert_eq!(renewed, "Bearer t1");
    assert!(waited < BRIEFLY / 2, "{waited:?}");
    assert_eq!(server.requests().len(), 2, "one at a time");
}

#[tokio::test]
async fn a_silent_token_endpoint_is_waited_for_only_briefly_while_the_last_token_is_good() {
    let (server, credentials) = due_at_a_silent_endpoint().await;
    let began = Instant::now();
    assert_eq!(token(&credentials).await, "Bearer t1");
    assert!(began.elapsed() < 2 * BRIEFLY, "{:?}", began.elapsed());
    assert_eq!(token(&credentials).await, "Bearer t1", "the next attempt is later");
    assert_eq!(server.requests().len(), 2);
    let expired = async {
        while token(&credentials).await != "Bearer t2" {
            sleep(LOOK).await;
        }
    };
    timeout(SOON, expired).await.expect("a new token");
}

#[tokio::test]
async fn what_a_token_endpoint_says_is_told_without_the_secret() {
    let told = [
        complaint(Reply::json("401 Unauthorized", r#"{"error":"invalid_client","error_description":"wrong hu:sh"}"#))
            .await,
        complaint(Reply::json("400 Bad Request", r#"{"error":"invalid_scope"}"#)).await,
        complaint(Reply::whole("404 Not Found", "<html>hu:sh</html>")).await,
        complaint(Reply::whole("302 Found\r\nLocation: http://elsewhere/", "")).await,
        complaint(Reply::json("200 OK", r#"{"access_token":12345678}"#)).await,
        complaint(Reply::json("200 OK", r#"{"access_token":"t","token_type":"mac"}"#)).await,
        complaint(Reply::json("200 OK", r#"{"access_token":"a\nb"}"#)).await,
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token gives no token (401 invalid_client: wrong (hidden)); check client-id and client-secret or private-key
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token gives no token (400 invalid_scope); check scope
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token answers 404, and not as OAuth2 does; check its address
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token answers 302, and not as OAuth2 does; check its address
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token answers 200 without an `access_token`; check its address
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token gives a token of type "mac", not "Bearer"; change that at the server
    there are no credentials, so nothing is sent to the engine: engine.oauth2: the token endpoint http://login/token gives a token that no header can carry; change that at the server
    "#);
}
