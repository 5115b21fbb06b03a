//! Tasks come, are worked on, and go: the ordinary way, alone and in numbers.

use std::time::{Duration, Instant};

use fetchlock_harness::samples::{self, Sample};
use fetchlock_scripted_engine::{Fault, Recorded, TaskSpec, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long, probe_spec, text};

#[tokio::test]
async fn every_value_goes_through_a_handler_unchanged() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete", samples::variables());
    let _host = scene.start();
    let back = scene.engine.await_completed(&task, SOON).await.expect("completed");
    for Sample { name, variable: sent, .. } in samples::samples() {
        let got = &back[format!("out-{name}")];
        assert_eq!(got["type"], sent["type"], "{name}");
        assert_eq!(got["value"], sent["value"], "{name}");
        // -0.0 == 0.0, and their texts differ.
        assert_eq!(got["value"].to_string(), sent["value"].to_string(), "{name}");
        for (key, text) in sent["valueInfo"].as_object().into_iter().flatten() {
            assert_eq!(&got["valueInfo"][key], text, "{name}: {key}");
        }
    }
}

#[tokio::test]
async fn what_engines_of_other_places_and_makers_write_goes_through_a_handler_unchanged() {
    // As the scripted engine writes it, and as another engine would.
    let rewritten = [
        ("2026-11-21T08:11:12.345+0000", "2026-11-21T10:11:12.345+0200"),
        ("9999-12-31T11:59:59.999+0000", "9999-12-31T23:59:59.999+1200"),
        ("9999-12-31T23:59:59.999+0000", "10000-01-01T13:59:59.999+1400"),
        ("10000-01-01T11:59:59.999+0000", "9999-12-31T23:59:59.999-1200"),
    ];
    let scene = Scene::with_probe("").await;
    let mut variables = json!({"money": {"type": "String", "value": "an unknown type"}});
    scene.engine.rewrite(
        r#"{"type":"String","value":"an unknown type","valueInfo":{}}"#,
        r#"{"type":"Money","value":{"amount":1.10},"valueInfo":{"currency":"EUR"}}"#,
    );
    for (n, (ours, theirs)) in rewritten.iter().enumerate() {
        variables[format!("date-{n}")] = json!({"type": "Date", "value": theirs});
        scene.engine.rewrite(ours, theirs);
    }
    let task = scene.probe_with("complete", variables);
    // The scripted engine has no such type: what is asked is what counts.
    scene.engine.fault("/complete", 1, Fault::CutBeforeApplying);
    let _host = scene.start();
    let completes = |all: &[Recorded]| all.iter().any(|it| it.path.ends_with("/complete"));
    scene.engine.await_requests(SOON, completes).await.expect("sent");
    let sent = scene.engine.requests_to(&format!("{task}/complete"))[0].body["variables"].clone();
    for (n, (_, theirs)) in rewritten.iter().enumerate() {
        assert_eq!(sent[format!("out-date-{n}")], json!({"type": "Date", "value": theirs}));
    }
    assert_eq!(sent["out-money"]["type"], "Money");
    assert_eq!(sent["out-money"]["value"].to_string(), r#"{"amount":1.1}"#);
    assert_eq!(sent["out-money"]["valueInfo"]["currency"], "EUR");
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
    scene.engine.fault("/complete", 40, Fault::Delay(Duration::from_millis(100)));
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
