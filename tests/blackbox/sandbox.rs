//! What a handler can do to the host: nothing. Each rule with its limit obeyed and violated, and a sound host after it.

use fetchlock_scripted_engine::TaskState;
use serde_json::json;

use crate::scene::{SOON, Scene, long};

/// The message of the incident that a task ends in.
async fn incident(scene: &Scene, task: &str) -> String {
    match scene.engine.await_state(task, SOON, TaskState::is_incident).await.expect("an incident") {
        TaskState::Failed { message, .. } => message.unwrap_or_default(),
        _ => unreachable!("awaited"),
    }
}

const NO_RETRY: &str = "retry = \"R0/PT0S\"\ntimeout = \"20s\"\n";

#[tokio::test]
async fn each_exhausted_limit_is_a_failure_that_names_its_setting_and_other_tasks_go_on() {
    let limits = "[limits]\ncpu-time = \"200ms\"\nmemory = \"16 MiB\"\nhost-calls = 500\npayload = \"64 KiB\"\n";
    let scene = Scene::with_probe(&format!("{NO_RETRY}{limits}")).await;
    let spin = scene.probe("spin");
    let bomb = scene.probe_with("memory-bomb", json!({"n": long(64)}));
    let flood = scene.probe_with("host-call-flood", json!({"n": long(10_000)}));
    let deep = scene.probe("stack-overflow");
    let _host = scene.start();
    assert!(incident(&scene, &spin).await.contains("the limit `limits.cpu-time` of 200 ms is used up"));
    assert!(incident(&scene, &bomb).await.contains("the limit `limits.memory` of 16.0 MiB is used up"));
    assert!(incident(&scene, &flood).await.contains("the limit `limits.host-calls` of 500 calls is used up"));
    assert!(incident(&scene, &deep).await.contains("stack overflow"));
    let well = scene.probe("complete");
    scene.engine.await_completed(&well, SOON).await.expect("completed");
}

#[tokio::test]
async fn the_same_limits_obeyed_let_the_handler_complete() {
    let scene = Scene::with_probe(NO_RETRY).await;
    let memory = scene.probe_with("memory-bomb", json!({"n": long(8)}));
    let calls = scene.probe_with("host-call-flood", json!({"n": long(10_000)}));
    let _host = scene.start();
    scene.engine.await_completed(&memory, SOON).await.expect("completed");
    scene.engine.await_completed(&calls, SOON).await.expect("completed");
}

#[tokio::test]
async fn a_handler_that_sleeps_for_ever_ends_at_its_timeout() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\ntimeout = \"300ms\"\n").await;
    let task = scene.probe("sleep-forever");
    let _host = scene.start();
    assert!(incident(&scene, &task).await.contains("the limit `timeout` of 300 ms is used up"));
}

#[tokio::test]
async fn an_exit_is_a_failure_and_not_the_end_of_the_host() {
    let scene = Scene::with_probe(NO_RETRY).await;
    let task = scene.probe("exit");
    let mut host = scene.start();
    assert!(incident(&scene, &task).await.contains("the handler ended itself, as a program that has failed"));
    assert!(host.is_running());
}

#[tokio::test]
async fn a_handler_reaches_no_file_no_network_no_environment() {
    let scene = Scene::with_probe(NO_RETRY).await;
    let task = scene.probe("probe-sandbox");
    let _host = scene.builder().env("SECRET_OF_THE_HOST", "x").start().expect("started");
    let found = scene.engine.await_completed(&task, SOON).await.expect("completed");
    for attempt in ["readFile", "writeFile", "listRoot", "tcpConnect", "tcpListen", "udpBind", "resolve"] {
        let answer = found[attempt]["value"].as_str().expect("an answer");
        assert!(answer.starts_with("refused: "), "{attempt}: {answer}");
    }
    assert_eq!(found["env"]["value"], "");
    assert_eq!(found["args"]["value"], "");
}

#[tokio::test]
async fn a_guests_text_cannot_forge_a_log_line_and_its_flood_is_counted() {
    let scene = Scene::with_probe(NO_RETRY).await;
    let escapes = scene.probe("log-escapes");
    let flood = scene.probe_with("log-flood", json!({"n": long(5_000)}));
    let noise = scene.probe("stdout-noise");
    let host = scene.start();
    for task in [&escapes, &flood, &noise] {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    let dropped = host.await_log(|line| line["dropped"].is_u64(), SOON).await.expect("a line about what was dropped");
    assert_eq!(dropped["dropped"], 4_000);
    assert!(!host.logs().contains('\u{1b}'), "an escape sequence reached the log");
    for line in host.logs().lines() {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(parsed["target"].as_str().is_some_and(|target| target.starts_with("fetchlock")), "{line}");
    }
}
