//! One instance for several tasks (`reuse`): what the next task finds, what it never does, and what it has of its own.

use fetchlock_harness::fetchlock::{Fetchlock, Stream};
use fetchlock_scripted_engine::TaskState;
use serde_json::{Value, json};

use crate::{
    http::Server,
    scene::{SOON, Scene, long, text},
};

const NO_RETRY: &str = "retry = \"R0/PT0S\"\n";

/// The probe with a manifest, and a host that runs one task at a time, so that each has the instance of the one before if
/// that is kept.
async fn scene(manifest: &str) -> (Scene, Fetchlock) {
    let scene = Scene::with_probe(&format!("{NO_RETRY}{manifest}")).await;
    let host = scene.builder().setting("worker.max-concurrent", "1").start().expect("the host starts");
    (scene, host)
}

async fn completed(scene: &Scene, behaviour: &str, variables: Value) -> Value {
    let task = scene.probe_with(behaviour, variables);
    scene.engine.await_completed(&task, SOON).await.expect("completed")
}

async fn incident(scene: &Scene, behaviour: &str, variables: Value) -> String {
    let task = scene.probe_with(behaviour, variables);
    format!("{:?}", scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident"))
}

/// What the task before has left, for which this one leaves a text.
async fn kept(scene: &Scene, left: &str) -> Value {
    completed(scene, "keep", json!({"text": text(left)})).await["kept"]["value"].clone()
}

#[tokio::test]
async fn a_task_finds_what_the_one_before_has_left_if_the_manifest_says_so() {
    let (scene, _host) = scene("reuse = 3\n").await;
    assert_eq!(kept(&scene, "first").await, "");
    assert_eq!(kept(&scene, "second").await, "first");
    assert_eq!(kept(&scene, "third").await, "second");
    assert_eq!(kept(&scene, "fourth").await, "", "an instance is given no more than three");
}

#[tokio::test]
async fn a_task_finds_nothing_of_others_if_the_manifest_says_nothing() {
    let (scene, _host) = scene("").await;
    for left in ["first", "second"] {
        assert_eq!(kept(&scene, left).await, "");
    }
}

#[tokio::test]
async fn an_instance_is_given_no_task_after_a_trap_a_timeout_an_error_a_failure_or_no_decision() {
    let (scene, _host) = scene("reuse = 100\ntimeout = \"300ms\"\n").await;
    for end in ["trap", "sleep-forever", "err", "fail-never", "undecided", "exit", "decide-then-trap"] {
        kept(&scene, "left").await;
        assert_eq!(kept(&scene, "left").await, "left", "kept before {end}");
        match end {
            "decide-then-trap" => drop(completed(&scene, end, json!({})).await),
            _ => drop(incident(&scene, end, json!({})).await),
        }
        assert_eq!(kept(&scene, "left").await, "", "after {end}");
    }
}

#[tokio::test]
async fn the_incident_of_a_handler_that_breaks_down_tells_that_its_instance_had_other_tasks() {
    let (scene, _host) = scene("reuse = 100\n").await;
    kept(&scene, "left").await;
    let second = incident(&scene, "trap", json!({})).await;
    assert!(second.contains("it was task 2 of its instance (`reuse` in the manifest)"), "{second}");
    let first = incident(&scene, "trap", json!({})).await;
    assert!(!first.contains("of its instance"), "{first}");
}

#[tokio::test]
async fn each_task_has_limits_and_lines_of_its_own() {
    let limits = "reuse = 100\n[limits]\nhost-calls = 500\nlog-lines = 10\n";
    let (scene, host) = scene(limits).await;
    for number in 1..=3 {
        completed(&scene, "host-call-flood", json!({"n": long(400)})).await;
        let task = scene.probe_with("log-flood", json!({"n": long(12)}));
        scene.engine.await_completed(&task, SOON).await.expect("completed");
        let of_task = |line: &Value| line["task"] == task.as_str();
        let dropped = host.await_log(|line| of_task(line) && line["dropped"].is_u64(), SOON).await.expect("a line");
        assert_eq!(dropped["dropped"], 2, "task {number}");
        let said = host.log_lines().into_iter().filter(|line| of_task(line) && line["stream"] == "log").count();
        assert_eq!(said, 10, "task {number}");
    }
    assert_eq!(kept(&scene, "").await, "", "it is the first of these that keeps something");
}

#[tokio::test]
async fn each_task_has_requests_over_http_of_its_own_and_none_after_one_that_left_a_request_behind() {
    let server = Server::start().await;
    let authority = format!("127.0.0.1:{}", server.port());
    let grant = format!("http = [\"GET http://{authority}\"]\n");
    let manifest = format!("{NO_RETRY}reuse = 100\nlimits.http-requests = 1\n[grants]\n{grant}");
    let scene = Scene::with_probe(&manifest).await;
    let settings = format!("[grants.probe]\n{grant}");
    let _host = scene.builder().setting("worker.max-concurrent", "1").toml(&settings).start().expect("the host starts");
    kept(&scene, "left").await;
    for _ in 0..3 {
        let found = completed(&scene, "fetch", json!({"authority": text(&authority)})).await;
        assert!(found["verdict"]["value"].as_str().expect("a text").starts_with("200"), "{found}");
    }
    assert_eq!(kept(&scene, "left").await, "left", "all in one instance");
    completed(&scene, "fetch-and-leave", json!({"authority": text(&authority)})).await;
    assert_eq!(kept(&scene, "left").await, "");
}

#[tokio::test]
async fn an_instance_with_half_of_its_handles_is_given_another_task_and_with_more_it_is_not_and_that_is_told() {
    let (scene, host) = scene("reuse = 100\nlimits.handles = 200\n").await;
    kept(&scene, "left").await;
    completed(&scene, "leak-handles", json!({"n": long(50)})).await;
    assert_eq!(kept(&scene, "left").await, "left");
    completed(&scene, "leak-handles", json!({"n": long(60)})).await;
    assert_eq!(kept(&scene, "left").await, "");
    let told = |line: &Value| line["level"] == "WARN" && line["topic"] == "probe";
    let told = host.await_log(told, SOON).await.expect("a warning");
    insta::assert_snapshot!(told["message"].as_str().expect("a text"), @"an instance is given no other task in spite of `reuse`, because it uses more than half of limits.handles: raise that, or have the handler use less (told once for a version)");
}

#[tokio::test]
async fn a_secret_that_one_task_has_read_is_blotted_out_of_what_the_next_one_says() {
    const HUSH: &str = "correct-horse-battery";
    let scene = Scene::with_probe("reuse = 100\n[grants]\nsecrets = [\"api-key\"]\n").await;
    let settings = format!("[grants.probe]\nsecrets.api-key = \"{HUSH}\"\n");
    let host = scene.builder().setting("worker.max-concurrent", "1").toml(&settings).start().expect("the host starts");
    completed(&scene, "keep", json!({"key": text("api-key")})).await;
    completed(&scene, "say-kept", json!({})).await;
    for part in ["kept: (hidden)", "out: (hidden)", "err: (hidden)"] {
        host.await_text(part, SOON).await.expect("the line, blotted out");
    }
    let all = format!("{}{}{}", host.logs(), host.output(Stream::Stdout), host.output(Stream::Stderr));
    assert!(!all.contains(HUSH), "{all}");
}

#[tokio::test]
async fn what_is_recorded_has_an_instance_of_its_own() {
    let (scene, _host) = scene("reuse = 100\nrecord = \"all\"\n").await;
    for left in ["first", "second"] {
        assert_eq!(kept(&scene, left).await, "");
    }
}

#[tokio::test]
async fn a_new_version_begins_with_instances_of_its_own() {
    let (scene, host) = scene("reuse = 100\n").await;
    kept(&scene, "left").await;
    scene.drop_file("probe.toml", format!("{NO_RETRY}reuse = 101\n").as_bytes());
    let replaced = |line: &Value| line["message"] == "plugin serving" && line["replaces"].is_string();
    host.await_log(replaced, SOON).await.expect("the new version serves");
    assert_eq!(kept(&scene, "left").await, "");
}
