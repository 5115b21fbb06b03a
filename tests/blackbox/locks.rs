//! Locks: kept while they are needed, given up when they are lost, never taken from others.

use std::time::Duration;

use fetchlock_scripted_engine::{Fault, Recorded, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long};

#[tokio::test]
async fn a_task_that_runs_longer_than_its_lock_is_run_once() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\n").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(3_500)}));
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 1);
    assert!(scene.engine.requests_to(&format!("{task}/extendLock")).len() >= 3);
}

#[tokio::test]
async fn tasks_that_wait_for_a_slot_keep_their_locks_too() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\nmax-concurrent = 1\n").await;
    // Quick ones first, so that more than one is fetched ahead.
    for _ in 0..20 {
        scene.probe("complete");
    }
    let tasks: Vec<String> = (0..4).map(|_| scene.probe_with("complete-slowly", json!({"n": long(900)}))).collect();
    let _host = scene.start();
    for task in &tasks {
        scene.engine.await_completed(task, SOON).await.expect("completed");
        assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 1);
    }
}

#[tokio::test]
async fn an_expired_lock_that_nobody_took_is_taken_again() {
    let scene = Scene::with_probe("lock-duration = \"2s\"\n").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(3_000)}));
    let _host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    scene.engine.expire_lock(&task);
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 1);
}

#[tokio::test]
async fn an_invocation_whose_task_somebody_else_took_is_cancelled_and_reports_nothing() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\n").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(60_000)}));
    let host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    scene.engine.take_over(&task, "somebody-else");
    host.await_text("invocation cancelled", SOON).await.expect("cancelled");
    for call in ["complete", "failure", "unlock"] {
        assert!(scene.engine.requests_to(&format!("{task}/{call}")).is_empty(), "{call}");
    }
    assert!(matches!(scene.engine.state(&task), TaskState::Locked { worker, .. } if worker == "somebody-else"));
}

#[tokio::test]
async fn an_invocation_whose_task_is_gone_is_cancelled() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\n").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(60_000)}));
    let host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    scene.engine.cancel_task(&task);
    host.await_text("invocation cancelled", SOON).await.expect("cancelled");
}

#[tokio::test]
async fn a_handler_gets_the_engines_verdict_on_its_own_extension() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("extend-lock", json!({"n": long(120_000)}));
    let _host = scene.start();
    let variables = scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(variables["verdict"]["value"], "ok");
}

#[tokio::test]
async fn what_a_killed_host_left_locked_is_given_back_by_its_successor() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(5_000)}));
    let mut host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    host.kill9().await.expect("killed");
    let host = scene.start();
    host.await_text("a task was left locked: it is given back", SOON).await.expect("given back");
    // Long before its lock of 60 s has expired.
    scene.engine.await_completed(&task, Duration::from_secs(20)).await.expect("completed");
}

#[tokio::test]
async fn an_outcome_is_delivered_under_whichever_of_our_ids_holds_the_task() {
    let scene = Scene::with_probe("").await;
    // The connection of the first fetch is cut: its id is retired, and the next fetch comes under another.
    scene.engine.fault("/fetchAndLock", 1, Fault::CutBeforeApplying);
    let host = scene.start();
    let twice = |all: &[Recorded]| all.iter().filter(|it| it.path.ends_with("/fetchAndLock")).count() >= 2;
    scene.engine.await_requests(SOON, twice).await.expect("a fetch under the next id");
    let fetches = scene.engine.requests_to("/fetchAndLock");
    let id = |request: &Recorded| request.body["workerId"].as_str().expect("an id").to_owned();
    let (retired, used) = (id(&fetches[0]), id(fetches.last().expect("a fetch")));
    assert_ne!(retired, used);
    let task = scene.probe_with("complete-slowly", json!({"n": long(1_000)}));
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    // As the orphan of the lost fetch does it, once the lock has expired.
    scene.engine.take_over(&task, &retired);
    scene.engine.await_completed(&task, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    assert!(!host.logs().contains("dropped"), "{}", host.logs());
}
