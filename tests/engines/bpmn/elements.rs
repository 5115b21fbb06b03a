//! The elements of BPMN that can be external tasks.

use serde_json::json;

use super::{Scene, flow, from_start_to_done, work};
use crate::engine::{Engine, long, on_real_engine, text};

on_real_engine!(
    a_service_task_is_done_by_its_handler,
    a_send_task_is_done_by_its_handler,
    a_business_rule_task_is_done_by_its_handler,
    a_message_throw_event_is_done_by_its_handler,
    a_message_end_event_is_done_by_its_handler,
);

/// Has the handler complete an element `work`, after which the process ends at `end`.
async fn is_done(engine: Engine, key: &'static str, elements: &str, end: &str) {
    let scene = Scene::set(engine, key, elements, "").await;
    let (instance, passed) = scene.run(json!({"behaviour": text("complete"), "n": long(7)})).await;
    assert_eq!(passed.last().map(String::as_str), Some(end), "{passed:?}");
    assert!(passed.iter().any(|activity| activity == "work"), "{passed:?}");
    let variables = scene.engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(variables["out-n"], variables["n"], "through the handler and back");
    assert_eq!(scene.engine.log_of(&instance).await, ["creation", "success"]);
}

async fn a_service_task_is_done_by_its_handler(engine: Engine) {
    is_done(engine, "bpmn-service", &from_start_to_done(&work("")), "done").await;
}

async fn a_send_task_is_done_by_its_handler(engine: Engine) {
    let task = r#"<sendTask id="work" camunda:type="external" camunda:topic="KEY"/>"#;
    is_done(engine, "bpmn-send", &from_start_to_done(task), "done").await;
}

async fn a_business_rule_task_is_done_by_its_handler(engine: Engine) {
    let task = r#"<businessRuleTask id="work" camunda:type="external" camunda:topic="KEY"/>"#;
    is_done(engine, "bpmn-rule", &from_start_to_done(task), "done").await;
}

/// What makes a message event an external task.
const MESSAGE: &str = r#"<messageEventDefinition camunda:type="external" camunda:topic="KEY"/>"#;

async fn a_message_throw_event_is_done_by_its_handler(engine: Engine) {
    let event = format!(r#"<intermediateThrowEvent id="work">{MESSAGE}</intermediateThrowEvent>"#);
    is_done(engine, "bpmn-throw", &from_start_to_done(&event), "done").await;
}

async fn a_message_end_event_is_done_by_its_handler(engine: Engine) {
    let to = flow("start", "work");
    let elements = format!(r#"<startEvent id="start"/>{to}<endEvent id="work">{MESSAGE}</endEvent>"#);
    is_done(engine, "bpmn-end", &elements, "work").await;
}
