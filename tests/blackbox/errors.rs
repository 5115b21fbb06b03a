//! Each way in which an engine's answer goes wrong, and what becomes of the outcome that met it: the rows of
//! `docs/errors.md`, seen from outside.

use std::collections::BTreeMap;

use fetchlock::engine::{
    AfterExtension, Disposition,
    rest::cases::{CASES, Case, SentAnswer},
};
use fetchlock_scripted_engine::{Fault, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long};

/// How often the host sends what is rejected, before it makes an incident of it.
const REJECTIONS: usize = 3;

/// More than once, and few.
const SOME: usize = 2;

/// The answer of a case, if it can be one to an outcome.
fn fault(case: &Case) -> Option<Fault> {
    let SentAnswer { status, content_type, header, body } = case.answer()?;
    // A wish to be left alone is obeyed, which would take its time here.
    let is_wish = header.is_some_and(|(name, _)| name == "Retry-After");
    (!is_wish).then(|| Fault::Answer { status, content_type: content_type.to_owned(), body })
}

#[tokio::test]
async fn each_error_does_to_an_outcome_what_the_table_says() {
    let scene = Scene::with_probe("").await;
    let mut tasks: BTreeMap<String, &Case> = BTreeMap::new();
    for case in CASES {
        let Some(fault) = fault(case) else { continue };
        let task = scene.probe("complete");
        let times = match case.error().disposition() {
            Disposition::Gone | Disposition::Superseded => 1,
            Disposition::Reject => REJECTIONS,
            Disposition::Retry => SOME,
        };
        scene.engine.fault(&format!("{task}/complete"), times, fault);
        tasks.insert(task, case);
    }
    assert!(tasks.len() > 30, "{} cases", tasks.len());
    let host = scene.start();
    for (task, case) in &tasks {
        let explained = |error| format!("{case:?}: {error:#}\n{}", host.logs());
        match case.error().disposition() {
            Disposition::Retry => {
                scene.engine.await_completed(task, SOON).await.map_err(explained).expect("sent again");
            }
            Disposition::Reject => {
                let state = scene.engine.await_state(task, SOON, TaskState::is_incident).await;
                let TaskState::Failed { message, .. } = state.map_err(explained).expect("an incident") else {
                    continue;
                };
                let message = message.expect("a message");
                assert!(message.contains("the engine rejects the outcome `complete`"), "{message}");
            }
            Disposition::Gone | Disposition::Superseded => {
                let is_dropped = |line: &str| line.contains(task) && line.contains("its outcome is dropped");
                host.await_line_where(is_dropped, SOON).await.map_err(explained).expect("dropped");
                assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 1, "{case:?}");
            }
        }
    }
    assert_eq!(scene.engine.faults_left(), 0);
}

#[tokio::test]
async fn a_fetch_goes_on_after_each_error_and_under_a_new_id_where_the_engine_may_have_locked_something() {
    let scene = Scene::with_probe("").await;
    // What the engine rejects for good is no passing trouble, and nothing that a fetch meets for a task.
    let passing = CASES.iter().filter(|case| case.error().disposition() == Disposition::Retry);
    let cases: Vec<(&Case, Fault)> = passing.filter_map(|case| Some((case, fault(case)?))).collect();
    assert!(cases.len() > 15, "{} cases", cases.len());
    for (_, fault) in &cases {
        scene.engine.fault("/fetchAndLock", 1, fault.clone());
    }
    let task = scene.probe("complete");
    let host = scene.start();
    scene.engine.await_completed(&task, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    let fetches = scene.engine.requests_to("/fetchAndLock");
    for (pair, (case, _)) in fetches.windows(2).zip(&cases) {
        let is_new = pair[0].body["workerId"] != pair[1].body["workerId"];
        assert_eq!(is_new, case.error().may_have_been_done(), "{case:?}");
    }
}

#[tokio::test]
async fn each_error_does_to_the_extension_of_a_lock_what_the_table_says() {
    // Extended after two seconds, and again before it is over.
    let scene = Scene::with_probe("lock-duration = \"4s\"\n").await;
    let mut tasks: BTreeMap<String, &Case> = BTreeMap::new();
    for case in CASES {
        let Some(fault) = fault(case) else { continue };
        let task = scene.probe_with("complete-slowly", json!({"n": long(5_000)}));
        scene.engine.fault(&format!("{task}/extendLock"), 1, fault);
        tasks.insert(task, case);
    }
    let host = scene.start();
    for (task, case) in &tasks {
        let explained = |error| format!("{case:?}: {error:#}\n{}", host.logs());
        let extension = case.error().treatment().extension;
        if extension == AfterExtension::Lost {
            let is_cancelled = |line: &str| line.contains(task) && line.contains("invocation cancelled");
            host.await_line_where(is_cancelled, SOON).await.map_err(explained).expect("cancelled");
            continue;
        }
        scene.engine.await_completed(task, SOON).await.map_err(explained).expect("it ran on");
        let calls = |call: &str| scene.engine.requests_to(&format!("{task}/{call}")).len();
        assert_eq!(calls("complete"), 1, "{case:?}");
        if extension == AfterExtension::LockAgain {
            assert_eq!(calls("lock"), 1, "{case:?}");
        }
    }
    assert_eq!(scene.engine.faults_left(), 0);
}
