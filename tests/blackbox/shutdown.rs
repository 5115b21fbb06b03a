//! The end of a host: in order, under load, and at once.

use fetchlock_scripted_engine::{Fault, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long};

#[tokio::test]
async fn sigterm_under_load_leaves_every_task_completed_or_released() {
    let scene = Scene::with_probe("").await;
    for _ in 0..400 {
        scene.probe_with("complete-slowly", json!({"n": long(30)}));
    }
    let mut host = scene.start();
    scene
        .engine
        .await_requests(SOON, |all| all.iter().filter(|it| it.path.ends_with("/complete")).count() > 50)
        .await
        .expect("under load");
    host.sigterm().expect("sent");
    let status = host.wait_exit(SOON).await.expect("exited");
    assert!(status.success(), "{status}\n{}", host.logs());
    for (task, state) in scene.engine.states() {
        let fine = matches!(state, TaskState::Completed { .. } | TaskState::Ready);
        assert!(fine, "{task}: {state:?}\n{}", host.logs());
    }
}

#[tokio::test]
async fn sigterm_lets_what_runs_finish() {
    let scene = Scene::with_probe("").await;
    // It sets its progress first, which shows that it runs.
    let task = scene.probe_with("progress", json!({"n": long(2_000)}));
    let mut host = scene.start();
    scene
        .engine
        .await_requests(SOON, |all| all.iter().any(|it| it.path.ends_with("/variables")))
        .await
        .expect("running");
    host.sigterm().expect("sent");
    assert!(host.wait_exit(SOON).await.expect("exited").success());
    assert!(matches!(scene.engine.state(&task), TaskState::Completed { .. }));
}

#[tokio::test]
async fn what_runs_beyond_the_shutdown_timeout_is_released_and_no_failure_is_reported() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(60_000)}));
    let mut host = scene.builder().setting("worker.shutdown-timeout", "\"500ms\"").start().expect("started");
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    host.sigterm().expect("sent");
    assert!(host.wait_exit(SOON).await.expect("exited").success());
    assert_eq!(scene.engine.state(&task), TaskState::Ready);
    assert!(scene.engine.requests_to("/failure").is_empty());
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(60_000)}));
    let mut host = scene.start();
    scene.engine.await_state(&task, SOON, |state| matches!(state, TaskState::Locked { .. })).await.expect("running");
    host.sigterm().expect("sent");
    host.await_text("stopping", SOON).await.expect("stopping");
    host.sigterm().expect("sent");
    assert_eq!(host.wait_exit(std::time::Duration::from_secs(5)).await.expect("exited").code(), Some(130));
}

#[tokio::test]
async fn a_task_that_waits_for_its_retry_is_left_alone_by_the_stop_and_by_the_next_start() {
    let scene = Scene::with_probe("retry = \"R3/PT300S\"\n").await;
    let failing = scene.probe("err");
    let delayed = scene.probe_with("unlock", json!({"n": long(300_000)}));
    let mut host = scene.start();
    host.await_text("failed: probe", SOON).await.expect("failed");
    host.await_text("given back", SOON).await.expect("given back");
    host.sigterm().expect("sent");
    assert!(host.wait_exit(SOON).await.expect("exited").success());
    let host = scene.start();
    host.await_text("plugin serving", SOON).await.expect("started");
    // It has looked for what its predecessor left when it answers for a task of its own.
    let own = scene.probe("complete");
    scene.engine.await_completed(&own, SOON).await.expect("completed");
    for task in [&failing, &delayed] {
        assert!(scene.engine.requests_to(&format!("{task}/unlock")).is_empty(), "{}", host.logs());
        assert_ne!(scene.engine.state(task), TaskState::Ready);
    }
}

#[tokio::test]
async fn an_engine_that_does_not_answer_does_not_keep_a_host_from_stopping() {
    let scene = Scene::with_probe("").await;
    let mut host = scene.builder().setting("worker.shutdown-timeout", "\"500ms\"").start().expect("started");
    scene.engine.await_parked(1, SOON).await.expect("parked");
    scene.engine.fault("/external-task", 1_000, Fault::Delay(std::time::Duration::from_secs(60)));
    host.sigterm().expect("sent");
    assert!(host.wait_exit(std::time::Duration::from_secs(15)).await.expect("exited").success());
}
