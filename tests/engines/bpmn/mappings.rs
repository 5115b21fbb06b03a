//! Input and output mappings, and variables of a task's own scope.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Scene, flow, process, work};
use crate::{
    engine::{Engine, Home, SOON, long, on_real_engine, text},
    gate::Gate,
};

on_real_engine!(
    an_input_mapping_makes_what_the_handler_sees_and_an_output_mapping_what_the_process_keeps,
    with_local_variables_a_handler_sees_its_inputs_only,
    local_variables_of_an_outcome_stay_in_the_tasks_scope,
    an_output_mapping_that_fails_is_an_incident_and_once_mended_the_same_outcome_is_delivered,
);

/// Work with such mappings, and behind it a user task `look`, at which the instance stays to be looked at.
fn and_look(mappings: &str) -> String {
    let inside =
        format!("<extensionElements><camunda:inputOutput>{mappings}</camunda:inputOutput></extensionElements>");
    let (to, from, end) = (flow("start", "work"), flow("work", "look"), flow("look", "done"));
    let work = work(&inside);
    format!(r#"<startEvent id="start"/>{to}{work}{from}<userTask id="look"/>{end}<endEvent id="done"/>"#)
}

/// The variables of the process when an instance has come to `look`.
async fn seen_behind(scene: &Scene, instance: &str) -> BTreeMap<String, serde_json::Value> {
    let path = format!("/history/external-task-log/count?processInstanceId={instance}&successLog=true");
    let begun = std::time::Instant::now();
    while scene.engine.get(&path).await.expect("counted")["count"] != 1 {
        assert!(begun.elapsed() < SOON, "not completed: {}", scene.host.logs());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    scene.engine.process_variables(instance).await
}

async fn an_input_mapping_makes_what_the_handler_sees_and_an_output_mapping_what_the_process_keeps(engine: Engine) {
    let mappings = r#"<camunda:inputParameter name="behaviour">complete</camunda:inputParameter>
        <camunda:inputParameter name="total">${net * 2}</camunda:inputParameter>
        <camunda:outputParameter name="result">${execution.getVariable('out-total') + 1}</camunda:outputParameter>"#;
    let scene =
        Scene::set(engine, "bpmn-mapping", &and_look(mappings), "variables = [\"behaviour\", \"total\"]\n").await;
    let instance = scene.start(json!({"net": long(21)})).await;
    let kept = seen_behind(&scene, &instance).await;
    let expected = json!({"net": 21, "out-behaviour": "complete", "out-total": 42, "result": 43});
    assert_eq!(json!(kept), expected, "the inputs are gone with their task");
}

async fn with_local_variables_a_handler_sees_its_inputs_only(engine: Engine) {
    let mappings = r#"<camunda:inputParameter name="behaviour">complete</camunda:inputParameter>"#;
    let scene = Scene::set(engine, "bpmn-inputs-only", &and_look(mappings), "local-variables = true\n").await;
    let instance = scene.start(json!({"secret": text("not for handlers")})).await;
    let kept = seen_behind(&scene, &instance).await;
    assert_eq!(json!(kept), json!({"secret": "not for handlers", "out-behaviour": "complete"}));
}

async fn local_variables_of_an_outcome_stay_in_the_tasks_scope(engine: Engine) {
    let mappings =
        r#"<camunda:outputParameter name="saved">${execution.getVariable('own-n')}</camunda:outputParameter>"#;
    let scene = Scene::set(engine, "bpmn-local", &and_look(mappings), "").await;
    let instance = scene.start(json!({"behaviour": text("complete-locally"), "n": long(5)})).await;
    let kept = seen_behind(&scene, &instance).await;
    let expected = json!({"behaviour": "complete-locally", "n": 5, "saved": 5, "shared": "probe"});
    assert_eq!(json!(kept), expected, "only what the output mapping saved");
}

async fn an_output_mapping_that_fails_is_an_incident_and_once_mended_the_same_outcome_is_delivered(engine: Engine) {
    const KEY: &str = "bpmn-failing-mapping";
    let mappings = r#"<camunda:outputParameter name="result">${missing}</camunda:outputParameter>"#;
    engine.deploy(KEY, &process(KEY, &and_look(mappings))).await;
    let gate = Gate::before(engine.base_url()).await;
    let home = Home::new();
    home.drop_plugin("probe", KEY, "");
    let host = home.start(&gate.url());
    let instance = engine.start_instance(KEY, None, &json!({"behaviour": text("progress")})).await.expect("started");
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.contains("the engine rejects the outcome `complete`") && message.contains("missing"), "{message}");
    let path = format!("/process-instance/{instance}/variables/missing");
    engine.done("PUT", &path, json!({"value": "there now", "type": "String"})).await;
    engine.set_retries(incident["configuration"].as_str().expect("a task"), 1).await.expect("set");
    host.await_log(|line| line["message"] == "completed", SOON).await.expect("delivered again");
    assert_eq!(engine.process_variables(&instance).await["result"], "there now");
    // One for the process and one for the task, of one run.
    assert_eq!(gate.progress_updates(), 1, "the handler did not run again");
}
