//! A boundary timer that cancels the task while its handler runs: the handler is cancelled, nothing is delivered.
//!
//! The timer's job is executed by hand, for the engine itself looks for due timers when it likes.

use std::time::Instant;

use serde_json::json;

use super::{Scene, boundary, from_start_to_done, work};
use crate::engine::{Engine, SOON, long, on_real_engine, text};

on_real_engine!(
    a_boundary_timer_cancels_the_running_handler_and_nothing_is_delivered,
    an_outcome_for_a_task_that_a_timer_has_cancelled_is_dropped,
);

fn elements() -> String {
    let timer = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>";
    from_start_to_done(&format!("{}{}", work(""), boundary("timer", timer, "too-late")))
}

/// Starts an instance whose handler goes on for so many milliseconds, and lets the timer end it meanwhile.
async fn cancel_while_running(scene: &Scene, milliseconds: i64) -> String {
    let instance = scene.start(json!({"behaviour": text("progress"), "n": long(milliseconds)})).await;
    scene.engine.await_variable(&instance, "progress").await;
    let jobs = scene.engine.get(&format!("/job?processInstanceId={instance}")).await.expect("jobs");
    let job = jobs[0]["id"].as_str().expect("the timer");
    fire(scene, job).await;
    let passed = scene.engine.await_completed(&instance, SOON).await.expect("ended");
    assert_eq!(passed.last().map(String::as_str), Some("too-late"), "{passed:?}");
    instance
}

/// Executes the timer's job. The host extends the lock and sets variables meanwhile, and of two transactions that meet
/// the engine undoes one, to be done again.
async fn fire(scene: &Scene, job: &str) {
    let headers = [("content-type", "application/json")];
    let begun = Instant::now();
    loop {
        let answer =
            scene.engine.send("POST", &format!("/job/{job}/execute"), &headers, "{}").await.expect("an answer");
        if answer.status == 204 {
            return;
        }
        let undone = answer.text().contains("updated by another transaction concurrently");
        assert!(undone && begun.elapsed() < SOON, "{}", answer.text());
    }
}

/// That the engine was told nothing about the task, and the host said nothing of a failure.
async fn assert_nothing_was_delivered(scene: &Scene, instance: &str) {
    assert_eq!(scene.engine.log_of(instance).await, ["creation", "deletion"]);
    let variables = scene.engine.historic_variables(instance).await.expect("variables");
    assert!(!variables.contains_key("processVerdict"), "{variables:?}");
    for word in ["\"completed\"", "failed", "incident"] {
        assert!(!scene.host.logs().contains(word), "{word}: {}", scene.host.logs());
    }
}

async fn a_boundary_timer_cancels_the_running_handler_and_nothing_is_delivered(engine: Engine) {
    // Short, so that the host soon asks for an extension and learns that the task is gone.
    let scene = Scene::set(engine, "bpmn-timer", &elements(), "lock-duration = \"1s\"\n").await;
    // Longer than any test.
    let instance = cancel_while_running(&scene, 3_600_000).await;
    scene.host.await_text("invocation cancelled", SOON).await.expect("cancelled");
    assert_nothing_was_delivered(&scene, &instance).await;
    let (_, passed) = scene.run(json!({"behaviour": text("complete")})).await;
    assert_eq!(passed.last().map(String::as_str), Some("done"), "the next one runs");
}

async fn an_outcome_for_a_task_that_a_timer_has_cancelled_is_dropped(engine: Engine) {
    let scene = Scene::set(engine, "bpmn-timer-late", &elements(), "lock-duration = \"1h\"\n").await;
    let instance = cancel_while_running(&scene, 4_000).await;
    scene.host.await_text("its outcome is dropped", SOON).await.expect("dropped");
    assert_nothing_was_delivered(&scene, &instance).await;
}
