//! The client against a server of canned answers.

use std::time::{Duration, Instant};

use super::{
    loopback::{Loopback, Reply},
    *,
};
use crate::{
    secret::Secret,
    task::{FetchOrder, Filter, Subscription, Topic},
    value::Value,
};

/// Long enough for a busy machine, short enough for a test.
const BRIEF: Duration = Duration::from_millis(200);

fn options(server: &Loopback) -> RestOptions {
    RestOptions::new(server.url("/engine-rest"))
}

fn engine(options: RestOptions) -> RestEngine {
    RestEngine::new(options).expect("an engine")
}

async fn with(replies: Vec<Reply>) -> (Loopback, RestEngine) {
    let server = Loopback::start(replies).await;
    let engine = engine(options(&server));
    (server, engine)
}

fn task() -> TaskId {
    TaskId::new("de20")
}

fn worker() -> WorkerId {
    WorkerId::new("w-features")
}

fn fetch(poll: Duration) -> FetchRequest {
    let subscription = Subscription {
        topic: Topic::new("feature"),
        lock_duration: Duration::from_secs(30),
        variables: None,
        local_variables: false,
        deserialize_values: false,
        filter: Filter::default(),
    };
    FetchRequest {
        worker_id: worker(),
        max_tasks: 1,
        use_priority: true,
        order: FetchOrder::Unordered,
        poll,
        subscriptions: vec![subscription],
    }
}

async fn complete(engine: &RestEngine) -> Result<(), EngineError> {
    engine.complete(&task(), &worker(), &Variables::new(), &Variables::new()).await
}

#[tokio::test]
async fn every_call_goes_to_its_address_with_json() {
    let (server, engine) = with((0..8).map(|_| Reply::no_content()).collect()).await;
    let variables = Variables::from([("a".to_owned(), Value::Integer(1).into())]);
    complete(&engine).await.expect("complete");
    let failure = Failure::new("broken", None, 1, Duration::from_secs(1));
    engine.failure(&task(), &worker(), &failure).await.expect("failure");
    engine.bpmn_error(&task(), &worker(), "E1", None, &variables).await.expect("bpmnError");
    engine.extend_lock(&task(), &worker(), Duration::from_secs(1)).await.expect("extendLock");
    engine.lock(&task(), &worker(), Duration::from_secs(1)).await.expect("lock");
    engine.unlock(&task()).await.expect("unlock");
    engine.set_variables(Scope::Process, "p1", &variables).await.expect("process variables");
    engine.set_variables(Scope::Local, "e1", &variables).await.expect("local variables");

    let requests = server.requests();
    let shown: Vec<String> = requests
        .iter()
        .map(|request| {
            let (head, body) = request.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains("content-type: application/json"), "{head}");
            assert!(head.contains(concat!("user-agent: fetchlock/", env!("CARGO_PKG_VERSION"))), "{head}");
            format!("{} {body}", head.lines().next().expect("a line"))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    POST /engine-rest/external-task/de20/complete HTTP/1.1 {"workerId":"w-features"}
    POST /engine-rest/external-task/de20/failure HTTP/1.1 {"workerId":"w-features","errorMessage":"broken","retries":1,"retryTimeout":1000}
    POST /engine-rest/external-task/de20/bpmnError HTTP/1.1 {"workerId":"w-features","errorCode":"E1","variables":{"a":{"type":"Integer","value":1}}}
    POST /engine-rest/external-task/de20/extendLock HTTP/1.1 {"workerId":"w-features","newDuration":1000}
    POST /engine-rest/external-task/de20/lock HTTP/1.1 {"workerId":"w-features","lockDuration":1000}
    POST /engine-rest/external-task/de20/unlock HTTP/1.1 {}
    POST /engine-rest/process-instance/p1/variables HTTP/1.1 {"modifications":{"a":{"type":"Integer","value":1}}}
    POST /engine-rest/execution/e1/localVariables HTTP/1.1 {"modifications":{"a":{"type":"Integer","value":1}}}
    "#);
}

#[tokio::test]
async fn a_fetch_reads_its_tasks() {
    let body = r#"[{"id":"1","topicName":"feature","workerId":"w-features","variables":{"x":{"type":"Integer","value":21,"valueInfo":{}}}}]"#;
    let (_server, engine) = with(vec![Reply::json("200 OK", body), Reply::json("200 OK", "[]")]).await;
    let tasks = engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect("tasks");
    assert_eq!(tasks[0].variables.as_ref().expect("understood")["x"].value, Value::Integer(21));
    assert!(engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect("no tasks").is_empty());
}

#[tokio::test]
async fn a_query_is_bounded() {
    let (server, engine) = with(vec![Reply::json("200 OK", r#"[{"id":"1","topicName":"t"}]"#)]).await;
    let tasks = engine.tasks(&TaskQuery { locked: Some(true), ..TaskQuery::default() }).await.expect("tasks");
    assert_eq!(tasks.len(), 1);
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /engine-rest/external-task?maxResults=1000 HTTP/1.1"), "{request}");
}

fn start(key: &str, tenant: Option<&str>) -> ProcessStart {
    let variables = Variables::from([("a".to_owned(), Value::Integer(1).into())]);
    ProcessStart { key: key.into(), tenant_id: tenant.map(str::to_owned), business_key: Some("b".into()), variables }
}

#[tokio::test]
async fn starts_looks_and_messages_go_to_their_addresses() {
    let receivers = r#"[{"resultType":"Execution","execution":{"id":"e","processInstanceId":"p"}}]"#;
    let replies = [r#"{"id":"p1"}"#, r#"{"id":"p2"}"#, r#"[{"id":"p1"}]"#, "[]", receivers];
    let (server, engine) = with(replies.into_iter().map(|body| Reply::json("200 OK", body)).collect()).await;
    assert_eq!(engine.start_process(&start("in voice", None)).await.expect("started"), "p1");
    assert_eq!(engine.start_process(&start("invoice", Some("t/1"))).await.expect("started"), "p2");
    assert_eq!(engine.running_instance(&start("invoice", None)).await.expect("found"), Some("p1".into()));
    assert_eq!(engine.running_instance(&start("invoice", None)).await.expect("none"), None);
    let message = Message {
        name: "m".into(),
        business_key: None,
        process_instance_id: None,
        correlation_keys: Variables::new(),
        local_correlation_keys: Variables::new(),
        tenant: crate::work::MessageTenant::Any,
        variables: Variables::new(),
        local_variables: Variables::new(),
        receivers: crate::work::Receivers::One,
    };
    assert_eq!(engine.correlate(&message).await.expect("received"), [Receiver::Waiting("p".into())]);
    let shown: Vec<String> = server
        .requests()
        .iter()
        .filter_map(|request| {
            let (head, body) = request.split_once("\r\n\r\n")?;
            Some(format!("{} {body}", head.lines().next()?))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    POST /engine-rest/process-definition/key/in%20voice/start HTTP/1.1 {"businessKey":"b","variables":{"a":{"type":"Integer","value":1}}}
    POST /engine-rest/process-definition/key/invoice/tenant-id/t%2F1/start HTTP/1.1 {"businessKey":"b","variables":{"a":{"type":"Integer","value":1}}}
    POST /engine-rest/process-instance?maxResults=1 HTTP/1.1 {"businessKey":"b","processDefinitionKey":"invoice","withoutTenantId":true}
    POST /engine-rest/process-instance?maxResults=1 HTTP/1.1 {"businessKey":"b","processDefinitionKey":"invoice","withoutTenantId":true}
    POST /engine-rest/message HTTP/1.1 {"messageName":"m","all":false,"resultEnabled":true}
    "#);
}

#[tokio::test]
async fn a_start_that_is_answered_with_a_page_may_have_been_done() {
    let page = || Reply::whole("200 OK\r\nContent-Type: text/html", "<html>sign on</html>");
    let cut = Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec());
    let (_server, engine) = with(vec![page(), cut]).await;
    for _ in 0..2 {
        let error = engine.start_process(&start("invoice", None)).await.expect_err("no answer of an engine");
        assert!(error.may_have_been_done(), "{error}");
    }
    let error = engine.start_process(&start("..", None)).await.expect_err("no address");
    assert!(matches!(error, EngineError::Unsendable { .. }) && !error.may_have_been_done(), "{error}");
}

#[tokio::test]
async fn ids_and_names_are_encoded() {
    let (server, engine) = with(vec![Reply::no_content(), Reply::whole("200 OK", b"\0\x01hi")]).await;
    engine.unlock(&TaskId::new("a/b?c#d%2F;e é")).await.expect("unlock");
    let content = engine.download("ex/1", "a/b?c", 4).await.expect("content");
    assert_eq!(&content[..], b"\0\x01hi");
    let lines: Vec<String> = server.requests().iter().filter_map(|it| it.lines().next().map(str::to_owned)).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    POST /engine-rest/external-task/a%2Fb%3Fc%23d%252F%3Be%20%C3%A9/unlock HTTP/1.1
    GET /engine-rest/process-instance/ex%2F1/variables/a%2Fb%3Fc/data HTTP/1.1
    ");
}

#[tokio::test]
async fn ids_that_would_be_another_address_are_never_sent() {
    let (server, engine) = with(Vec::new()).await;
    for id in ["", ".", ".."] {
        let error = engine.unlock(&TaskId::new(id)).await.expect_err("refused");
        assert!(matches!(error, EngineError::Unsendable { .. }), "{error:?}");
        assert!(engine.download("ex", id, 10).await.is_err());
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_base_may_have_any_path_and_slashes_at_its_end() {
    for (path, expected) in [
        ("", "POST /external-task/de20/unlock HTTP/1.1"),
        ("/", "POST /external-task/de20/unlock HTTP/1.1"),
        ("/engine-rest//", "POST /engine-rest/external-task/de20/unlock HTTP/1.1"),
        ("/a%20b/engine-rest/engine/x/", "POST /a%20b/engine-rest/engine/x/external-task/de20/unlock HTTP/1.1"),
    ] {
        let server = Loopback::start(vec![Reply::no_content()]).await;
        engine(RestOptions::new(server.url(path))).unlock(&task()).await.expect("unlock");
        assert_eq!(server.requests()[0].lines().next(), Some(expected));
    }
}

#[tokio::test]
async fn credentials_and_fixed_headers_go_with_every_request() {
    let server = Loopback::start(vec![Reply::no_content(), Reply::no_content()]).await;
    let login = LoginOptions::Basic { username: "demo".into(), password: Secret::new("dé:mo").into() };
    let header = |value| ("X-Tenant".to_owned(), Secret::new(value).into());
    let engine = engine(RestOptions { login, headers: vec![header("one"), header("two")], ..options(&server) });
    engine.unlock(&task()).await.expect("unlock");
    complete(&engine).await.expect("complete");
    for request in server.requests() {
        assert!(request.contains("authorization: Basic ZGVtbzpkw6k6bW8=\r\n"), "{request}");
        assert!(request.contains("x-tenant: one\r\nx-tenant: two\r\n"), "{request}");
    }
    let shown = format!("{engine:?}");
    assert!(!shown.contains("ZGVtb") && !shown.contains("one"), "{shown}");
}

#[tokio::test]
async fn an_empty_401_is_unauthorized() {
    let (_server, engine) = with(vec![Reply::whole("401 Unauthorized", "")]).await;
    assert!(matches!(complete(&engine).await, Err(EngineError::Unauthorized)));
}

#[tokio::test]
async fn a_page_is_never_taken_for_an_acknowledgement() {
    let html = "200 OK\r\nContent-Type: text/html";
    let redirect = "302 Found\r\nLocation: http://127.0.0.1:1/login";
    let replies = vec![
        Reply::whole(html, "<html>Sign in</html>"),
        Reply::whole(html, "<html>Sign in</html>"),
        Reply::whole(html, "<html>Sign in</html>"),
        Reply::whole(redirect, ""),
        Reply::whole("200 OK", ""),
        Reply::whole("202 Accepted", ""),
    ];
    let (server, engine) = with(replies).await;
    let errors = [
        complete(&engine).await.expect_err("a page"),
        engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect_err("a page"),
        engine.download("ex", "a", 1_000).await.expect_err("a page"),
        complete(&engine).await.expect_err("a redirect"),
        complete(&engine).await.expect_err("an empty 200"),
        complete(&engine).await.expect_err("a 202"),
    ];
    for error in errors {
        assert!(matches!(error, EngineError::NotAnEngine { .. }), "{error:?}");
    }
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn nobody_there_is_unreachable_with_the_cause() {
    let server = Loopback::start(Vec::new()).await;
    let options = options(&server);
    drop(server);
    // The port is free again as soon as the server's task has ended.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = complete(&engine(options)).await.expect_err("nobody");
    let EngineError::Unreachable { message, sent: false } = &error else { panic!("unreachable, found {error:?}") };
    assert!(message.contains("refused"), "{message}");
}

#[tokio::test]
async fn a_cut_connection_is_unreachable() {
    let replies = vec![
        Reply::Bytes(Vec::new()),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\"".to_vec()),
        Reply::Bytes(b"not HTTP at all\r\n\r\n".to_vec()),
    ];
    let (_server, engine) = with(replies).await;
    for _ in 0..3 {
        let error = engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect_err("cut");
        assert!(matches!(error, EngineError::Unreachable { sent: true, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn silence_ends_with_the_request_s_limit() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[".to_vec();
    let server = Loopback::start(vec![Reply::ThenSilence(Vec::new()), Reply::ThenSilence(head)]).await;
    let engine = engine(RestOptions { request_timeout: BRIEF, ..options(&server) });
    // Half open: the request arrives, an answer never does. Then one that stops in its middle.
    for _ in 0..2 {
        let started = Instant::now();
        let error = engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect_err("silence");
        assert!(matches!(error, EngineError::TimedOut { after } if after == BRIEF), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_parked_fetch_may_take_its_poll_and_the_margin() {
    let server = Loopback::start(vec![Reply::ThenSilence(Vec::new())]).await;
    let engine =
        engine(RestOptions { response_timeout: Duration::from_millis(1), poll_margin: BRIEF, ..options(&server) });
    let started = Instant::now();
    let error = engine.fetch_and_lock(&fetch(BRIEF)).await.expect_err("silence");
    assert!(matches!(error, EngineError::TimedOut { after } if after == 2 * BRIEF), "{error:?}");
    assert!(started.elapsed() >= 2 * BRIEF);
}

#[tokio::test]
async fn a_connection_that_never_opens_is_unreachable() {
    // A listener whose queue is full answers no handshake; an address that nobody routes would need a network.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let connect = tokio::net::TcpStream::connect(address);
        waiting.push(tokio::time::timeout(Duration::from_millis(50), connect).await);
    }
    let url = format!("http://{address}/engine-rest").parse().expect("a URL");
    let engine = engine(RestOptions { connect_timeout: BRIEF, ..RestOptions::new(url) });
    let error = complete(&engine).await.expect_err("no connection");
    insta::assert_snapshot!(error, @"the engine cannot be reached: no connection within 200 ms");
}

#[tokio::test]
async fn a_download_is_read_up_to_its_limit() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
    let replies = vec![
        Reply::whole("200 OK", "hello"),
        Reply::whole("200 OK", "hello!"),
        Reply::Bytes(chunked.to_vec()),
        Reply::Bytes(chunked.to_vec()),
    ];
    let (_server, engine) = with(replies).await;
    assert_eq!(&engine.download("ex", "a", 5).await.expect("as much as may be")[..], b"hello");
    assert!(matches!(engine.download("ex", "a", 5).await, Err(EngineError::TooLarge { limit: 5 })));
    assert!(matches!(engine.download("ex", "a", 9).await, Err(EngineError::TooLarge { limit: 9 })));
    assert_eq!(&engine.download("ex", "a", 10).await.expect("as much as may be")[..], b"helloworld");
}

#[tokio::test]
async fn an_answer_has_a_limit_and_a_long_error_is_still_understood() {
    let error = format!(
        r#"{{"type":"RestException","message":"External task with id x does not exist","code":0,"more":"{}"}}"#,
        "x".repeat(10_000)
    );
    let server = Loopback::start(vec![
        Reply::json("200 OK", &format!("[{}]", " ".repeat(1_000))),
        Reply::json("404 Not Found", &error),
        Reply::whole("500 Internal Server Error", vec![b'x'; 3 << 20]),
    ])
    .await;
    let engine = engine(RestOptions { max_response_bytes: 1_000, ..options(&server) });
    let large = engine.fetch_and_lock(&fetch(Duration::ZERO)).await.expect_err("too large");
    assert!(matches!(large, EngineError::TooLarge { limit: 1_000 }), "{large:?}");
    assert!(matches!(complete(&engine).await, Err(EngineError::TaskGone { .. })));
    assert!(matches!(complete(&engine).await, Err(EngineError::Unavailable { .. })));
}

#[tokio::test]
async fn a_download_looks_into_the_local_scope_when_the_wider_search_finds_nothing() {
    let missing = |what: &str| {
        let body = format!(
            r#"{{"type": "InvalidRequestException", "message": "{what} variable with name file does not exist", "code": null}}"#
        );
        Reply::json("404 Not Found", &body)
    };
    let file =
        "200 OK\r\nContent-Type: text/html;charset=utf-8\r\nContent-Disposition: attachment; filename=\"ä.html\"";
    let replies = vec![
        missing("process instance"),
        Reply::whole(file, "<html>file body</html>"),
        missing("process instance"),
        missing("execution"),
    ];
    let (server, engine) = with(replies).await;
    assert_eq!(&engine.download("ex", "file", 100).await.expect("content")[..], b"<html>file body</html>");
    let error = engine.download("ex", "file", 100).await.expect_err("missing");
    insta::assert_snapshot!(error, @"not there: process instance variable with name file does not exist");
    let second = &server.requests()[1];
    assert!(second.starts_with("GET /engine-rest/execution/ex/localVariables/file/data HTTP/1.1"), "{second}");
}

#[tokio::test]
async fn a_stored_file_is_refused_before_anything_is_sent() {
    let (server, engine) = with(Vec::new()).await;
    let file = crate::value::File {
        filename: "a.txt".into(),
        mime_type: None,
        encoding: None,
        content: crate::value::FileContent::Stored("file".into()),
    };
    let variables = Variables::from([("file".to_owned(), Value::File(file).into())]);
    let error = engine.complete(&task(), &worker(), &variables, &Variables::new()).await.expect_err("refused");
    assert!(matches!(error, EngineError::Unsendable { .. }), "{error:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_ended_connection_does_not_spoil_the_next_call() {
    // Kept alive by its headers, closed all the same: the next call must open another.
    let alive = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    let (server, engine) = with(vec![Reply::Bytes(alive.clone()), Reply::Bytes(alive)]).await;
    engine.unlock(&task()).await.expect("first");
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.unlock(&task()).await.expect("second");
    assert_eq!(server.requests().len(), 2);
}
