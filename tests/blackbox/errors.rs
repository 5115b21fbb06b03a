//! Each way in which an engine's answer goes wrong, and what becomes of the outcome that met it: the rows of
//! `docs/errors.md`, seen from outside.

use std::collections::BTreeMap;

use fetchlock::engine::{
    Disposition,
    rest::cases::{CASES, Case, SentAnswer},
};
use fetchlock_scripted_engine::{Fault, TaskState};

use crate::scene::{SOON, Scene};

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
