//! What a login does to the requests of an engine.

use super::*;
use crate::{
    engine::{
        Disposition, Engine,
        rest::{
            LoginOptions, RestEngine, RestOptions,
            loopback::{Loopback, Reply},
        },
    },
    task::TaskId,
};

fn engine(server: &Loopback, login: LoginOptions) -> RestEngine {
    let options = RestOptions { login, ..RestOptions::new(server.url("/engine-rest")) };
    RestEngine::new(options).expect("an engine")
}

fn client(tokens: &Loopback) -> LoginOptions {
    LoginOptions::OAuth2(ClientCredentials {
        token_url: tokens.url("/token"),
        client_id: "fetchlock".into(),
        proof: ClientProof::SecretInHeader(Secret::new("hush").into()),
        parameters: Vec::new(),
    })
}

fn granted(token: &str) -> Reply {
    Reply::json("200 OK", &format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":300}}"#))
}

fn refused() -> Reply {
    Reply::whole("401 Unauthorized", "")
}

async fn unlock(engine: &RestEngine) -> Result<(), EngineError> {
    engine.unlock(&TaskId::new("t")).await
}

/// The tokens that the engine has seen.
fn seen(server: &Loopback) -> Vec<String> {
    let token = |request: &String| {
        let line = request.lines().find_map(|line| line.strip_prefix("authorization: "));
        line.unwrap_or("none").to_owned()
    };
    server.requests().iter().map(token).collect()
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let tokens = Loopback::start(vec![granted("old"), granted("new")]).await;
    let server = Loopback::start(vec![refused(), Reply::no_content(), Reply::no_content()]).await;
    let engine = engine(&server, client(&tokens));
    unlock(&engine).await.expect("sent again");
    unlock(&engine).await.expect("sent");
    assert_eq!(seen(&server), ["Bearer old", "Bearer new", "Bearer new"]);
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn a_second_refusal_is_the_answer_and_asks_for_no_more_tokens() {
    let tokens = Loopback::start(vec![granted("old"), granted("new")]).await;
    let server = Loopback::start(vec![refused(), refused(), refused()]).await;
    let engine = engine(&server, client(&tokens));
    assert!(matches!(unlock(&engine).await, Err(EngineError::Unauthorized)));
    assert!(matches!(unlock(&engine).await, Err(EngineError::Unauthorized)));
    assert_eq!(seen(&server), ["Bearer old", "Bearer new", "Bearer new"]);
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn requests_that_are_refused_together_share_one_renewal() {
    let tokens = Loopback::start(vec![granted("old"), granted("new")]).await;
    let server =
        Loopback::start(vec![Reply::no_content(), refused(), refused(), Reply::no_content(), Reply::no_content()])
            .await;
    let engine = engine(&server, client(&tokens));
    unlock(&engine).await.expect("sent");
    let (a, b) = tokio::join!(unlock(&engine), unlock(&engine));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let tokens = Loopback::start(vec![Reply::whole("500 Internal Server Error", "")]).await;
    let server = Loopback::start(Vec::new()).await;
    let error = unlock(&engine(&server, client(&tokens))).await.expect_err("no token");
    assert!(matches!(error, EngineError::NoCredentials { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert!(!error.may_have_been_done());
    let missing = SecretSource::File("no/such/file".into());
    let error = unlock(&engine(&server, LoginOptions::Bearer(missing))).await.expect_err("no file");
    insta::assert_snapshot!(error, @"there are no credentials, so nothing is sent to the engine: engine.bearer: the file no/such/file cannot be read: No such file or directory (os error 2); put the text there, nothing is sent before");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_fixed_login_is_not_tried_twice() {
    let server = Loopback::start(vec![refused()]).await;
    let login = LoginOptions::Basic { username: "demo".into(), password: Secret::new("hush").into() };
    assert!(matches!(unlock(&engine(&server, login)).await, Err(EngineError::Unauthorized)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn headers_and_passwords_come_from_files_and_commands() {
    let dir = dir();
    let password = dir.path().join("password");
    fs::write(&password, "demo\n").expect("written");
    let server = Loopback::start(vec![Reply::no_content()]).await;
    let login = LoginOptions::Basic { username: "demo".into(), password: SecretSource::File(password) };
    let printed = SecretSource::Command(shell("echo one-time", SOON));
    let options = RestOptions {
        login,
        headers: vec![("X-Ticket".into(), printed)],
        ..RestOptions::new(server.url("/engine-rest"))
    };
    unlock(&RestEngine::new(options).expect("an engine")).await.expect("sent");
    let request = &server.requests()[0];
    assert!(request.contains("authorization: Basic ZGVtbzpkZW1v\r\n"), "{request}");
    assert!(request.contains("x-ticket: one-time\r\n"), "{request}");
}

#[tokio::test]
async fn a_server_that_repeats_a_secret_does_not_bring_it_into_an_error() {
    let page = "<html>You sent Authorization: Bearer hush-hush</html>";
    let server = Loopback::start(vec![
        Reply::whole("200 OK\r\nContent-Type: text/html", page),
        Reply::json("500 Internal Server Error", r#"{"type":"X","message":"no hush-hush here","code":9}"#),
        Reply::whole("302 Found\r\nLocation: http://login/?token=hush-hush", ""),
    ])
    .await;
    let engine = engine(&server, LoginOptions::Bearer(Secret::new("hush-hush").into()));
    for _ in 0..3 {
        let error = unlock(&engine).await.expect_err("an error").to_string();
        assert!(error.contains("(hidden)") && !error.contains("hush-hush"), "{error}");
    }
}
