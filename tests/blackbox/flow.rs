//! Tasks come, are worked on, and go: the ordinary way, alone and in numbers.

use std::time::{Duration, Instant};

use fetchlock_scripted_engine::{TaskSpec, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long, probe_spec, text};

#[tokio::test]
async fn every_value_type_goes_through_a_handler_unchanged() {
    let scene = Scene::with_probe("").await;
    let values = json!({
        "boolean": {"type": "Boolean", "value": true},
        "short": {"type": "Short", "value": -3},
        "integer": {"type": "Integer", "value": 2_147_483_647},
        "long": {"type": "Long", "value": 9_007_199_254_740_993_i64},
        "double": {"type": "Double", "value": 5e-324},
        "negative-zero": {"type": "Double", "value": -0.0},
        "text": text("h\u{e9}llo \u{1d11e}\n\u{1b}"),
        "null": {"type": "Null", "value": null},
        "date": {"type": "Date", "value": "2026-11-21T10:11:12.345+0200"},
        "bytes": {"type": "Bytes", "value": "AAFoaQ=="},
        "json": {"type": "Json", "value": "{\"a\":[1,2,{\"b\":null}]}"},
        "xml": {"type": "Xml", "value": "<a><b c=\"1\"/></a>"},
        "object": {"type": "Object", "value": "{\"k\":1}", "valueInfo":
            {"objectTypeName": "java.util.LinkedHashMap", "serializationDataFormat": "application/json"}},
    });
    // As an engine in another time zone writes it.
    scene.engine.rewrite("2026-11-21T08:11:12.345+0000", "2026-11-21T10:11:12.345+0200");
    let task = scene.probe_with("complete", values.clone());
    let _host = scene.start();
    let back = scene.engine.await_completed(&task, SOON).await.expect("completed");
    for (name, sent) in values.as_object().expect("a table") {
        let got = &back[format!("out-{name}")];
        assert_eq!(got["type"], sent["type"], "{name}");
        assert_eq!(got["value"], sent["value"], "{name}");
        if let Some(info) = sent.get("valueInfo") {
            assert_eq!(&got["valueInfo"]["objectTypeName"], &info["objectTypeName"], "{name}");
        }
    }
    assert!(back["out-negative-zero"]["value"].as_f64().expect("a number").is_sign_negative());
}

#[tokio::test]
async fn a_file_is_passed_on_without_being_loaded_and_loaded_when_asked_for() {
    let scene = Scene::with_probe("").await;
    let file = json!({"type": "File", "value": "ZmlsZSBib2R5",
        "valueInfo": {"filename": "a.txt", "mimeType": "text/plain", "encoding": "UTF-8"}});
    let task = scene.probe_with("load-file", json!({ "file": file }));
    let _host = scene.start();
    let back = scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(back["length"]["value"], 9);
    assert_eq!(back["copy"]["value"], "ZmlsZSBib2R5");
    assert_eq!(back["copy"]["valueInfo"]["mimeType"], "text/plain");
}

#[tokio::test]
async fn a_handler_sees_its_tasks_context_and_its_config() {
    let scene = Scene::with_probe("[config]\ncolour = \"blue\"\n").await;
    let task = scene.engine.add_task(TaskSpec {
        business_key: Some("order-7".into()),
        extension_properties: json!({"region": "eu"}),
        ..probe_spec("context", json!({}))
    });
    let settings = scene.probe("config");
    let _host = scene.start();
    let context = scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(context["topic"]["value"], "probe");
    assert_eq!(context["id"]["value"], task.as_str());
    assert_eq!(context["business-key"]["value"], "order-7");
    assert_eq!(context["extension-properties"]["value"], "region=eu");
    let config = scene.engine.await_completed(&settings, SOON).await.expect("completed");
    assert_eq!(config["colour"]["value"], "blue");
}

#[tokio::test]
async fn an_idle_host_starts_a_task_within_milliseconds() {
    let scene = Scene::with_probe("").await;
    let host = scene.start();
    scene.engine.await_parked(1, SOON).await.expect("a parked poll");
    let mut waits = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let task = scene.probe("complete");
        scene.engine.await_completed(&task, SOON).await.expect("completed");
        waits.push(began.elapsed());
        // The next one shall find the host idle again.
        scene.engine.await_parked(1, SOON).await.expect("a parked poll");
    }
    waits.sort();
    let median = waits[waits.len() / 2];
    assert!(
        median < Duration::from_millis(100),
        "creation to completion took {median:?} in the median\n{}",
        host.logs()
    );
}

#[tokio::test]
async fn under_load_tasks_come_in_batches_and_every_one_is_done_once() {
    const TASKS: usize = 500;
    let scene = Scene::with_probe("").await;
    for _ in 0..TASKS {
        scene.probe("complete");
    }
    let _host = scene.start();
    scene.engine.await_all(SOON, |state| matches!(state, TaskState::Completed { .. })).await.expect("all completed");
    let fetches = scene.engine.requests_to("/external-task/fetchAndLock").len();
    assert!(fetches <= TASKS / 5, "{fetches} fetches for {TASKS} tasks");
    assert_eq!(scene.engine.requests_to("/complete").len(), TASKS);
}

#[tokio::test]
async fn deliveries_run_concurrently_but_no_more_than_allowed() {
    let scene = Scene::with_probe("").await;
    scene.engine.fault("/complete", 40, fetchlock_scripted_engine::Fault::Delay(Duration::from_millis(100)));
    for _ in 0..40 {
        scene.probe("complete");
    }
    let _host = scene.builder().setting("worker.max-deliveries", "4").start().expect("started");
    scene.engine.await_all(SOON, TaskState::is_ended).await.expect("all completed");
    let mut calls: Vec<Instant> = scene.engine.requests_to("/complete").iter().map(|request| request.at).collect();
    calls.sort();
    let busiest = calls
        .iter()
        .map(|at| {
            calls
                .iter()
                .filter(|other| (**other).duration_since(*at) < Duration::from_millis(90) && *other >= at)
                .count()
        })
        .max();
    assert_eq!(busiest, Some(4));
}

#[tokio::test]
async fn a_slow_topic_does_not_keep_another_from_running() {
    let scene = Scene::with_probe("").await;
    scene.drop_guest("probe", "other");
    let host = scene.builder().setting("worker.max-concurrent", "4").start().expect("started");
    for _ in 0..20 {
        scene.probe_with("complete-slowly", json!({"n": long(20_000)}));
    }
    scene.engine.await_requests(SOON, |requests| requests.len() > 1).await.expect("requests");
    let quick = scene.engine.add_task(TaskSpec::new("other", json!({"behaviour": text("complete")})));
    scene
        .engine
        .await_completed(&quick, Duration::from_secs(10))
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
}

#[tokio::test]
async fn a_plugins_own_concurrency_limit_holds() {
    let scene = Scene::with_probe("max-concurrent = 2\n").await;
    for _ in 0..6 {
        scene.probe_with("complete-slowly", json!({"n": long(200)}));
    }
    let began = Instant::now();
    let _host = scene.start();
    scene.engine.await_all(SOON, TaskState::is_ended).await.expect("all completed");
    assert!(began.elapsed() >= Duration::from_millis(600), "six tasks of 200 ms, two at a time");
}
