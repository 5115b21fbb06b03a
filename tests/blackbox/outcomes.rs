//! What becomes of a task, decision by decision.

use std::time::Duration;

use fetchlock_scripted_engine::{Fault, TaskSpec, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long, probe_spec, text};

async fn failed(scene: &Scene, task: &str) -> (i64, String, String) {
    let state = scene.engine.await_state(task, SOON, |state| matches!(state, TaskState::Failed { .. })).await;
    match state.expect("a failure") {
        TaskState::Failed { retries, message, details, .. } => {
            (retries, message.unwrap_or_default(), details.unwrap_or_default())
        }
        _ => unreachable!("awaited"),
    }
}

#[tokio::test]
async fn a_bpmn_error_arrives_with_its_code_message_and_variables() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("bpmn-error");
    let _host = scene.start();
    let state = scene.engine.await_state(&task, SOON, TaskState::is_ended).await.expect("ended");
    let TaskState::BpmnError { code, variables, .. } = state else { panic!("{state:?}") };
    assert_eq!(code, "E1");
    assert!(variables["errorFrom"].is_object(), "{variables}");
}

#[tokio::test]
async fn an_error_counts_the_retries_down_to_an_incident_that_names_topic_version_and_cause() {
    let scene = Scene::with_probe("retry = \"R2/PT0.05S\"\n").await;
    let task = scene.probe_with("err", json!({"text": text("the moon is down")}));
    let host = scene.start();
    scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    let (_, message, _) = failed(&scene, &task).await;
    assert!(message.starts_with("probe (version "), "{message}");
    assert!(message.ends_with("the moon is down"), "{message}");
    let retries: Vec<_> = scene.engine.requests_to("/failure").iter().map(|it| it.body["retries"].clone()).collect();
    assert_eq!(retries, [json!(2), json!(1), json!(0)]);
    host.await_text("incident: probe (version", SOON).await.expect("a line about the incident");
}

#[tokio::test]
async fn a_retry_that_this_host_caused_does_not_wait_for_the_engines_tick_of_30_s() {
    let scene = Scene::with_probe("retry = \"R1/PT1S\"\n").await;
    let task = scene.probe("err");
    let _host = scene.start();
    let began = std::time::Instant::now();
    scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_handlers_own_retries_go_before_the_policy() {
    let scene = Scene::with_probe("").await;
    let exactly = scene.probe("fail-exactly");
    let never = scene.probe("fail-never");
    let _host = scene.start();
    assert_eq!(failed(&scene, &never).await.0, 0);
    scene
        .engine
        .await_requests(SOON, |all| all.iter().any(|it| it.path.contains(&exactly) && it.body["retries"] == 1))
        .await
        .expect("one retry left");
}

#[tokio::test]
async fn the_models_extension_property_overrides_the_retry_policy() {
    let scene = Scene::with_probe("retry = \"R5/PT1H\"\n").await;
    let task = scene
        .engine
        .add_task(TaskSpec { extension_properties: json!({"retry": "R0/PT0S"}), ..probe_spec("err", json!({})) });
    let _host = scene.start();
    assert_eq!(failed(&scene, &task).await.0, 0);
}

#[tokio::test]
async fn a_trap_is_a_failure_with_the_guests_backtrace() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    let task = scene.probe_with("trap", json!({"text": text("no such card")}));
    let _host = scene.start();
    let (_, message, details) = failed(&scene, &task).await;
    assert!(message.contains("trap: unreachable code: a panic or abort of the handler (no such card)"), "{message}");
    assert!(details.contains("guest backtrace:") && details.contains("probe::harm::trap"), "{details}");
    assert!(details.contains("panicked at"), "{details}");
}

#[tokio::test]
async fn a_handler_that_decides_nothing_fails_unless_its_manifest_says_otherwise() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    let task = scene.probe("undecided");
    let host = scene.start();
    assert!(failed(&scene, &task).await.1.contains("returned without a decision"));
    drop(host);

    let scene = Scene::with_probe("on-undecided = \"complete\"\n").await;
    let task = scene.probe("undecided");
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
}

#[tokio::test]
async fn a_decision_holds_whatever_the_handler_does_afterwards() {
    let scene = Scene::with_probe("[limits]\ncpu-time = \"200ms\"\n").await;
    let tasks = ["decide-then-trap", "decide-then-err", "decide-then-loop", "decide-twice"].map(|it| scene.probe(it));
    let host = scene.start();
    for task in &tasks {
        let variables = scene.engine.await_completed(task, SOON).await.expect("completed");
        assert_eq!(variables["decision"]["value"], "first");
    }
    assert!(scene.engine.requests_to("/failure").is_empty());
    host.await_text("the handler decided and then broke down", SOON).await.expect("a line about it");
}

#[tokio::test]
async fn a_decision_that_the_engine_would_refuse_is_refused_to_the_handler() {
    let scene = Scene::with_probe("").await;
    let (invalid, nan) = (scene.probe("invalid-decision"), scene.probe("nan"));
    let _host = scene.start();
    let variables = scene.engine.await_completed(&invalid, SOON).await.expect("completed");
    assert!(variables["refused"]["value"].as_str().expect("text").contains("empty name"), "{variables}");
    let variables = scene.engine.await_completed(&nan, SOON).await.expect("completed");
    assert!(variables["refused"]["value"].as_str().expect("text").contains("NaN"), "{variables}");
}

#[tokio::test]
async fn an_unlock_gives_the_task_back_and_a_hand_off_leaves_it_locked() {
    let scene = Scene::with_probe("").await;
    let handed = scene.probe_with("hand-off", json!({"n": long(3_600_000)}));
    let host = scene.start();
    host.await_text("handed off", SOON).await.expect("handed off");
    assert!(matches!(scene.engine.state(&handed), TaskState::Locked { .. }));
    assert!(scene.engine.requests_to(&format!("{handed}/unlock")).is_empty());

    let delayed = scene.probe_with("unlock", json!({"n": long(300)}));
    // Once back, it is fetched again: by the host's own clock, long before the engine's tick.
    scene.engine.await_requests(SOON, |_| scene.engine.times_fetched(&delayed) >= 2).await.expect("fetched again");
}

#[tokio::test]
async fn a_task_that_comes_back_before_the_engines_answer_to_its_failure_is_not_forgotten() {
    // Retries without a wait: the engine hands the task out while the journal still forgets its failure.
    let scene = Scene::with_probe("retry = \"R20/PT0S\"\n").await;
    let tasks: Vec<String> = (0..5).map(|_| scene.probe("err")).collect();
    let _host = scene.start();
    for task in &tasks {
        scene
            .engine
            .await_state(task, SOON, TaskState::is_incident)
            .await
            .expect("all 21 runs, long before a lock of 60 s");
    }
}

#[tokio::test]
async fn system_down_burns_no_retry_and_pauses_the_topic() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe("system-down");
    let host = scene.start();
    host.await_text("the topic pauses", SOON).await.expect("paused");
    host.await_text("given back", SOON).await.expect("given back");
    assert!(scene.engine.requests_to("/failure").is_empty());
    let waiting = scene.probe("complete");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!scene.engine.state(&waiting).is_ended(), "nothing runs while the topic is paused");
    scene.engine.cancel_task(&task);
    scene.engine.await_completed(&waiting, SOON).await.expect("the probe resumes the topic");
    host.await_text("the topic resumes", SOON).await.expect("resumed");
}

#[tokio::test]
async fn progress_variables_are_set_while_the_handler_runs() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("progress", json!({"n": long(100)}));
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    let requests = scene.engine.requests();
    let position =
        |part: &str| requests.iter().position(|it| it.path.contains(part)).unwrap_or_else(|| panic!("no {part}"));
    assert!(position("/variables") < position("/complete"));
    assert!(position("/localVariables") < position("/complete"));
}

/// A date that no other text of these tests contains.
const A_DATE: &str = "2001-02-03T04:05:06.789+0000";

#[tokio::test]
async fn a_variable_that_cannot_be_read_fails_its_own_task_and_not_the_batch() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    scene.engine.rewrite(A_DATE, "yesterday");
    let bad = scene.probe_with("complete", json!({"when": {"type": "Date", "value": A_DATE}}));
    let good = scene.probe("complete");
    let _host = scene.start();
    let (_, message, _) = failed(&scene, &bad).await;
    assert!(message.contains("when") && message.contains("yesterday"), "{message}");
    scene.engine.await_completed(&good, SOON).await.expect("completed");
}

#[tokio::test]
async fn a_probe_that_cannot_even_be_read_does_not_pause_its_topic_for_ever() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    let down = scene.probe("system-down");
    let host = scene.start();
    host.await_text("given back", SOON).await.expect("paused");
    scene.engine.cancel_task(&down);
    scene.engine.rewrite(A_DATE, "yesterday");
    let unreadable = scene.probe_with("complete", json!({"when": {"type": "Date", "value": A_DATE}}));
    scene.engine.await_state(&unreadable, SOON, TaskState::is_incident).await.expect("it was the probe");
    let good = scene.probe("complete");
    scene.engine.await_completed(&good, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
}

#[tokio::test]
async fn a_handlers_endless_error_text_is_cut_for_the_log_and_the_engine() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    // Longer than the column of any engine that the tests have; others have larger ones.
    scene.engine.rewrite("endless", &"x".repeat(1 << 20));
    let task = scene.probe_with("err", json!({"text": text("endless")}));
    let host = scene.start();
    let (_, message, details) = failed(&scene, &task).await;
    assert!(message.chars().count() <= 666 && message.ends_with('…'), "{} characters", message.chars().count());
    assert!(details.len() < 20_000, "{} bytes of details", details.len());
    assert!(host.logs().lines().all(|line| line.len() < 4_000));
}

#[tokio::test]
async fn a_handed_off_task_keeps_the_time_it_was_given_whatever_its_lock_duration_is() {
    let scene = Scene::with_probe("lock-duration = \"1s\"\n").await;
    let tasks: Vec<String> = (0..20).map(|_| scene.probe_with("hand-off", json!({"n": long(3_600_000)}))).collect();
    // A task that runs on shows that the lock keeper goes on, too.
    let beside = scene.probe_with("complete-slowly", json!({"n": long(2_500)}));
    let _host = scene.start();
    scene.engine.await_completed(&beside, SOON).await.expect("completed");
    for task in &tasks {
        let state = scene.engine.state(task);
        let TaskState::Locked { until, .. } = state else { panic!("{state:?}") };
        let rest = until.duration_since(std::time::Instant::now());
        assert!(rest > Duration::from_secs(3_000), "{rest:?} left");
        assert_eq!(scene.engine.times_fetched(task), 1);
    }
}

#[tokio::test]
async fn an_unlock_is_given_back_only_when_the_engine_has_taken_it() {
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("unlock", json!({"n": long(0)}));
    scene.engine.fault("/unlock", 5, Fault::error(503, "RestException", "not now", None));
    let host = scene.start();
    host.await_text("given back", SOON).await.expect("delivered");
    let unlocks = scene.engine.requests_to(&format!("{task}/unlock"));
    assert!(unlocks.len() >= 6, "{} calls", unlocks.len());
}

#[tokio::test]
async fn a_bpmn_error_whose_code_the_manifest_does_not_list_is_refused_to_the_handler() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\nbpmn-errors = [\"E2\", \"E3\"]\n").await;
    let task = scene.probe("bpmn-error");
    let _host = scene.start();
    let (_, message, _) = failed(&scene, &task).await;
    assert!(
        message.contains("the error code `E1` is not in `bpmn-errors` of the manifest: expected `E2`, `E3`"),
        "{message}"
    );
    assert!(scene.engine.requests_to("/bpmnError").is_empty());
}

#[tokio::test]
async fn a_bpmn_error_is_warned_of_once_unless_its_code_is_listed() {
    const WARNING: &str = "a task ends with a BPMN error that no list allows";
    for (manifest, warnings) in [("bpmn-errors = [\"E1\"]\n", 0), ("", 1)] {
        let scene = Scene::with_probe(manifest).await;
        let tasks = [scene.probe("bpmn-error"), scene.probe("bpmn-error")];
        let host = scene.start();
        for task in &tasks {
            let state = scene.engine.await_state(task, SOON, TaskState::is_ended).await.expect("ended");
            assert!(matches!(state, TaskState::BpmnError { .. }), "{state:?}");
        }
        assert_eq!(host.logs().matches(WARNING).count(), warnings, "{manifest}\n{}", host.logs());
    }
}

#[tokio::test]
async fn the_message_of_a_bpmn_error_is_cut_to_what_the_engine_keeps() {
    let scene = Scene::with_probe("").await;
    // Two units each, so that the limit falls into the middle of one. Longer than the scripted engine would take.
    scene.engine.rewrite("endless", &format!("m{}", "\u{1d11e}".repeat(3_000)));
    let task = scene.probe_with("bpmn-error", json!({"text": text("endless")}));
    let _host = scene.start();
    let state = scene.engine.await_state(&task, SOON, TaskState::is_ended).await.expect("ended");
    let TaskState::BpmnError { message, .. } = state else { panic!("{state:?}") };
    let message = message.expect("a message");
    assert_eq!(message.encode_utf16().count(), 4_000);
    assert!(message.starts_with("m\u{1d11e}") && message.ends_with("\u{1d11e}…"), "{message}");
}
