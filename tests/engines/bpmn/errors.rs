//! BPMN errors of a handler: which event of the model catches them, and what if none does.

use fetchlock_harness::engine_client::HistoryState;
use serde_json::{Value, json};

use super::{Scene, boundary, flow, from_start_to_done, work};
use crate::engine::{Engine, SOON, on_real_engine, text};

on_real_engine!(
    a_bpmn_error_takes_the_boundary_event_of_its_code_with_code_message_and_variables,
    a_boundary_event_without_a_code_catches_every_error,
    an_event_sub_process_catches_an_error,
    an_error_that_the_model_does_not_catch_ends_the_instance_without_an_incident,
);

fn error(code: &str) -> Value {
    json!({"behaviour": text("bpmn-error"), "code": text(code), "text": text("the card is stolen")})
}

async fn a_bpmn_error_takes_the_boundary_event_of_its_code_with_code_message_and_variables(engine: Engine) {
    let definition = |error: &str| {
        format!(
            r#"<errorEventDefinition errorRef="{error}" camunda:errorCodeVariable="caughtCode" camunda:errorMessageVariable="caughtMessage"/>"#
        )
    };
    let (first, second) =
        (boundary("on-e1", &definition("e1"), "end-e1"), boundary("on-e2", &definition("e2"), "end-e2"));
    let elements = from_start_to_done(&format!("{}{first}{second}", work("")));
    let scene = Scene::set(engine, "bpmn-codes", &elements, "").await;
    for (code, end) in [("E1", "end-e1"), ("E2", "end-e2")] {
        let (instance, passed) = scene.run(error(code)).await;
        assert_eq!(passed.last().map(String::as_str), Some(end), "{passed:?}");
        let variables = scene.engine.historic_variables(&instance).await.expect("variables");
        assert_eq!(variables["caughtCode"]["value"], code);
        assert_eq!(variables["caughtMessage"]["value"], "the card is stolen");
        assert_eq!(variables["errorFrom"]["value"], "probe");
    }
}

async fn a_boundary_event_without_a_code_catches_every_error(engine: Engine) {
    let elements =
        from_start_to_done(&format!("{}{}", work(""), boundary("on-any", "<errorEventDefinition/>", "caught")));
    let scene = Scene::set(engine, "bpmn-any-code", &elements, "").await;
    let (_, passed) = scene.run(error("A-CODE-OF-NO-MODEL")).await;
    assert_eq!(passed.last().map(String::as_str), Some("caught"), "{passed:?}");
}

async fn an_event_sub_process_catches_an_error(engine: Engine) {
    let sub = format!(
        r#"<subProcess id="rescue" triggeredByEvent="true"><startEvent id="on-error"><errorEventDefinition errorRef="e1"/></startEvent>{}<endEvent id="rescued"/></subProcess>"#,
        flow("on-error", "rescued")
    );
    let elements = format!("{}{sub}", from_start_to_done(&work("")));
    let scene = Scene::set(engine, "bpmn-rescue", &elements, "").await;
    let (_, passed) = scene.run(error("E1")).await;
    assert!(passed.iter().any(|activity| activity == "rescued"), "{passed:?}");
    assert!(!passed.iter().any(|activity| activity == "done"), "{passed:?}");
}

async fn an_error_that_the_model_does_not_catch_ends_the_instance_without_an_incident(engine: Engine) {
    let caught = boundary("on-e2", r#"<errorEventDefinition errorRef="e2"/>"#, "end-e2");
    let scene = Scene::set(engine, "bpmn-uncaught", &from_start_to_done(&format!("{}{caught}", work(""))), "").await;
    let instance = scene.start(error("E1")).await;
    scene.engine.await_history_state(&instance, &HistoryState::Completed, SOON).await.expect("ended");
    let passed = scene.engine.historic_activities(&instance).await.expect("activities");
    assert_eq!(passed, ["start", "work"], "neither the end nor the event of the other code");
    assert!(scene.engine.incidents(&instance).await.expect("asked").is_empty());
    // What the operator has to find it by.
    scene.host.await_log(|line| line["code"] == "E1", SOON).await.expect("logged");
}
