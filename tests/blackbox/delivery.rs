//! A decision reaches the engine, whatever happens to the network or to the host, and its handler is run once.

use fetchlock_scripted_engine::{Fault, Mode, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long};

/// How often the handler ran: it asked for its progress variable to be set once each time.
fn handler_runs(scene: &Scene) -> usize {
    scene
        .engine
        .requests()
        .iter()
        .filter(|it| it.path.contains("/process-instance/") && it.path.ends_with("/variables"))
        .count()
}

#[tokio::test]
async fn a_connection_that_is_cut_before_or_after_the_engine_acted_is_made_good() {
    let scene = Scene::with_probe("").await;
    scene.engine.fault("/complete", 2, Fault::CutBeforeApplying);
    scene.engine.fault("/complete", 2, Fault::CutAfterApplying);
    let tasks: Vec<String> = (0..6).map(|_| scene.probe("progress")).collect();
    let _host = scene.start();
    for task in &tasks {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    scene
        .engine
        .await_requests(SOON, |all| all.iter().filter(|it| it.path.ends_with("/complete")).count() >= 10)
        .await
        .expect("sent again");
    assert_eq!(handler_runs(&scene), 6, "each handler ran once");
    assert!(scene.engine.requests_to("/failure").is_empty());
}

#[tokio::test]
async fn a_decision_survives_sigkill_and_is_delivered_at_the_next_start_without_running_the_handler_again() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("progress");
    // Decided and journalled, but the engine is out of reach for the outcome.
    scene.engine.fault("/complete", 1_000, Fault::CutBeforeApplying);
    let mut host = scene.start();
    host.await_text("not delivered yet", SOON).await.expect("decided");
    host.kill9().await.expect("killed");
    assert!(!scene.engine.state(&task).is_ended());

    scene.engine.clear_faults();
    let host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("delivered");
    host.await_text("delivering the outcomes that an earlier run left", SOON).await.expect("a line about it");
    assert_eq!(handler_runs(&scene), 1);
}

#[tokio::test]
async fn a_journalled_task_that_is_fetched_again_is_delivered_and_not_run() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\n").await;
    let task = scene.probe("progress");
    scene.engine.fault("/complete", 1_000, Fault::CutBeforeApplying);
    let mut host = scene.start();
    host.await_text("not delivered yet", SOON).await.expect("decided");
    host.kill9().await.expect("killed");
    // The next host gets the task from the engine again before it can deliver.
    scene.engine.expire_lock(&task);
    let host = scene.start();
    scene
        .engine
        .await_requests(SOON, |_| scene.engine.times_fetched(&task) >= 2)
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    scene.engine.clear_faults();
    scene.engine.await_completed(&task, SOON).await.expect("delivered");
    assert_eq!(handler_runs(&scene), 1);
}

#[tokio::test]
async fn an_answer_lost_before_sigkill_is_not_delivered_twice() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("complete");
    scene.engine.fault("/complete", 1, Fault::CutAfterApplying);
    scene.engine.fault("/complete", 1_000, Fault::CutBeforeApplying);
    let mut host = scene.start();
    host.await_text("not delivered yet", SOON).await.expect("decided");
    host.kill9().await.expect("killed");
    scene.engine.clear_faults();
    let host = scene.start();
    host.await_text("the task is gone from the engine: its outcome is dropped", SOON).await.expect("found delivered");
    assert!(matches!(scene.engine.state(&task), TaskState::Completed { .. }));
}

#[tokio::test]
async fn a_failure_that_had_arrived_counts_as_delivered_and_its_retry_runs() {
    let scene = Scene::with_probe("retry = \"R1/PT0.2S\"\n").await;
    let task = scene.probe("err");
    scene.engine.fault("/failure", 1, Fault::CutAfterApplying);
    scene.engine.fault("/failure", 1_000, Fault::CutBeforeApplying);
    let mut host = scene.start();
    host.await_text("not delivered yet", SOON).await.expect("decided");
    host.kill9().await.expect("killed");
    scene.engine.clear_faults();
    let _host = scene.start();
    scene
        .engine
        .await_state(&task, SOON, TaskState::is_incident)
        .await
        .expect("the retry ran and used the last one up");
}

#[tokio::test]
async fn an_outcome_that_the_engine_rejects_becomes_an_incident_and_is_delivered_when_that_is_retried() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("progress");
    scene.engine.fault(
        "/complete",
        3,
        Fault::error(500, "ScriptEvaluationException", "output mapping `total` fails", Some(0)),
    );
    let host = scene.start();
    scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    let TaskState::Failed { message, details, .. } = scene.engine.state(&task) else { panic!("an incident") };
    let message = message.expect("a message");
    assert!(message.contains("the engine rejects the outcome `complete`"), "{message}");
    assert!(message.contains("output mapping `total` fails"), "{message}");
    assert!(details.expect("details").contains("not run again"));
    assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 3);

    // The operator mends the model and retries.
    scene.engine.set_retries(&task, 1);
    scene.engine.tick();
    scene.engine.await_completed(&task, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    assert_eq!(handler_runs(&scene), 1, "the handler did not run again");
}

#[tokio::test]
async fn codes_that_are_safe_to_retry_are_sent_again_and_never_rejected() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("complete");
    scene.engine.fault(
        "/complete",
        5,
        Fault::error(500, "OptimisticLockingException", "updated by another transaction", Some(1)),
    );
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert!(scene.engine.requests_to("/failure").is_empty());
}

#[tokio::test]
async fn a_wrong_address_in_between_keeps_the_outcome() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(300)}));
    let host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    scene.engine.set_mode(Mode::Html { status: 404 });
    host.await_text("not delivered yet", SOON).await.expect("kept");
    scene.engine.set_mode(Mode::Normal);
    scene.engine.await_completed(&task, SOON).await.expect("delivered");
}

#[tokio::test]
async fn a_task_cancelled_in_the_engine_is_dropped_quietly() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(500)}));
    let host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    scene.engine.cancel_task(&task);
    host.await_text("the task is gone from the engine: its outcome is dropped", SOON).await.expect("dropped");
}

/// What an engine says whose database is away, about anything.
fn broken() -> Fault {
    Fault::error(500, "ProcessEngineException", "ENGINE-03004 Exception while executing Database Operation", Some(0))
}

#[tokio::test]
async fn an_engine_that_rejects_everything_for_a_while_gets_the_outcome_afterwards_and_no_incident() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("complete");
    scene.engine.fault("/complete", 6, broken());
    scene.engine.fault("/external-task?", 6, broken());
    let host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert!(scene.engine.requests_to("/failure").is_empty(), "{}", host.logs());
}

#[tokio::test]
async fn an_incident_that_the_engine_rejects_is_told_and_holds_no_slot() {
    let scene = Scene::with_probe("").await;
    let poisoned = scene.probe("complete");
    scene.engine.fault(&format!("/{poisoned}/complete"), 3, broken());
    scene.engine.fault(&format!("/{poisoned}/failure"), usize::MAX, broken());
    let host = scene.builder().setting("worker.max-concurrent", "1").start().expect("started");
    host.await_text("the engine rejects the incident, too", SOON).await.expect("told");
    let other = scene.probe("complete");
    scene.engine.await_completed(&other, SOON).await.expect("the slot is free");
    scene.engine.clear_faults();
    host.await_text("incident: probe", SOON).await.expect("an incident when the engine takes it");
}

#[tokio::test]
async fn a_task_that_is_too_large_to_be_read_becomes_an_incident_and_others_go_on() {
    /// More than is read of an answer, in base64.
    const LARGE: usize = 65 << 20;
    let scene = Scene::with_probe("").await;
    let large = json!({"type": "Bytes", "value": "A".repeat(LARGE)});
    let large = scene.probe_with("complete", json!({"large": large}));
    let small = scene.probe("complete");
    let host = scene.builder().setting("worker.max-batch", "1").start().expect("started");
    scene.engine.await_completed(&small, SOON).await.expect("completed");
    let line = host.await_text("incident: probe: the task and its variables are more than 64.0 MiB", SOON).await;
    assert!(line.expect("told").contains(&large));
}
