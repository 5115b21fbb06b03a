//! Requests that are malformed or for something else: bodies, content types, paths, methods, the named engine.

use serde_json::json;

use super::talk::{Sent, Talk, Unlike};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(a_malformed_body_is_refused, paths_and_methods_are_those_of_the_interface);

async fn a_malformed_body_is_refused(engine: Engine) {
    const JSON: Option<&str> = Some("application/json");
    let mut talk = Talk::about(engine, "contract-bodies").await;
    talk.start("a", json!({})).await;
    talk.lock("a", "w", std::time::Duration::from_secs(600)).await;
    for (about, kind, body) in [
        ("no JSON", JSON, "{oops"),
        ("half of it", JSON, "{\"workerId\": \"w\""),
        ("a list", JSON, "[]"),
        ("a text", JSON, "\"x\""),
        ("a number", JSON, "5"),
        ("null", JSON, "null"),
        ("a key twice", JSON, "{\"workerId\": \"o\", \"workerId\": \"x\"}"),
        ("something behind it", JSON, "{\"workerId\": \"o\"} x"),
        ("variables that are a list", JSON, "{\"workerId\": \"w\", \"variables\": []}"),
        ("variables that are null", JSON, "{\"workerId\": \"o\", \"variables\": null}"),
        ("a worker that is an object", JSON, "{\"workerId\": {}}"),
        ("nothing", JSON, ""),
        ("blanks", JSON, "  "),
        ("another type", Some("text/plain"), "{\"workerId\": \"w\"}"),
        ("no type", None, "{\"workerId\": \"w\"}"),
        ("a type with a charset", Some("application/json;charset=UTF-8"), "{\"workerId\": \"o\"}"),
        ("a type in capitals", Some("APPLICATION/JSON"), "{\"workerId\": \"o\"}"),
        ("a type of nearly the name", Some("application/jsonx"), "{\"workerId\": \"o\"}"),
        ("a dialect of the type", Some("application/hal+json"), "{\"workerId\": \"o\"}"),
    ] {
        for path in ["/external-task/{a.task}/complete", "/external-task/fetchAndLock"] {
            talk.post(about, path, Sent::Text(kind, body)).await;
        }
    }
    talk.put("no JSON", "/external-task/{a.task}/retries", Sent::Text(JSON, "{oops")).await;
    talk.put("nothing", "/external-task/{a.task}/retries", ()).await;
    talk.put("nothing", "/external-task/{a.task}/priority", ()).await;
    talk.put("nothing", "/external-task/retries", ()).await;
    talk.put("nothing", "/process-instance/{a}/variables/x", ()).await;
    talk.put("nothing", "/process-instance/{a}/suspended", ()).await;
    talk.post("nothing", "/external-task/{a.task}/lock", ()).await;
    talk.post("nothing", "/external-task", ()).await;
    talk.post("no JSON", "/external-task", Sent::Text(JSON, "{oops")).await;
    talk.post("another type", "/process-instance/{a}/variables", Sent::Text(Some("text/plain"), "x")).await;
    talk.post("no JSON", "/process-instance/{a}/variables", Sent::Text(JSON, "{oops")).await;
    talk.get("the task is as it was", "/external-task/{a.task}").await;
    talk.must_be_as_written("bodies");
}

async fn paths_and_methods_are_those_of_the_interface(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-paths").await;
    talk.start("a", json!({})).await;
    for path in [
        "/version",
        "/version/",
        "/engine",
        "/engine/",
        "",
        "/",
        "/nope",
        "/nope/",
        "/external-task/{a.task}/",
        "/external-task/{a.task}/nope",
        "//external-task/count",
        "/external-task//errorDetails",
        "/External-Task/count",
        "/engine/default",
        "/engine/default/version",
        "/engine/nope/version",
        "/engine/default/external-task/{a.task}",
        "/engine/default/external-task/{a.task}/",
        "/engine/nope/external-task/{a.task}",
        "/engine/nope/nope",
        "/engine/default/nope",
        "/engine/default/process-instance/{a}",
        "/engine/default/history/process-instance/nope",
        "/external-task/count?topicName=contract-paths",
        "/external-task/count/?topicName=contract-paths",
    ] {
        talk.get("a path", path).await;
    }
    let topics = json!([{"topicName": "contract-paths", "lockDuration": 60_000}]);
    let fetch = json!({"workerId": "w", "maxTasks": 1, "topics": topics});
    talk.found("a fetch from the named engine", "POST", "/engine/default/external-task/fetchAndLock", fetch.clone())
        .await;
    talk.post("a fetch from another", "/engine/nope/external-task/fetchAndLock", fetch).await;
    for (method, path) in [
        ("GET", "/external-task/fetchAndLock"),
        ("GET", "/external-task/{a.task}/complete"),
        ("PUT", "/version"),
        ("PATCH", "/version"),
        ("DELETE", "/external-task/count"),
        ("DELETE", "/external-task/{a.task}"),
        ("POST", "/external-task/{a.task}/retries"),
        ("HEAD", "/version"),
        ("HEAD", "/external-task/fetchAndLock"),
        ("HEAD", "/nope"),
        ("OPTIONS", "/version"),
        ("OPTIONS", "/external-task"),
        ("OPTIONS", "/external-task/fetchAndLock"),
        ("OPTIONS", "/external-task/{a.task}/retries"),
        ("OPTIONS", "/process-instance/{a}/variables/x"),
        ("OPTIONS", "/process-instance/{a}/variables/x/data"),
        ("OPTIONS", "/engine/nope/external-task"),
        ("OPTIONS", "/nope"),
    ] {
        talk.call("a method", method, path, ()).await;
    }
    let unlike = Unlike {
        because: "the embedded engine has no BPMN, and says so rather than that there are none",
        operaton: "200 []",
        embedded: r#"501 {"code":null,"message":"Fetchlock's embedded engine has no BPMN: GET /task needs a real engine. Here POST /process-definition/key/TOPIC/start makes one task of topic TOPIC.","type":"NotImplementedException"}"#,
    };
    talk.unlike("user tasks", "GET", "/task?processDefinitionKey=contract-paths", (), unlike).await;
    talk.must_be_as_written("paths");
}
