//! `camunda:errorEventDefinition`: an expression of the model that turns what a handler reported into a BPMN error. The
//! host is answered as ever, and need not know.

use serde_json::json;

use super::{Scene, boundary, from_start_to_done, work};
use crate::engine::{Engine, long, on_real_engine, text};

on_real_engine!(an_expression_turns_a_completion_into_a_bpmn_error, an_expression_turns_a_failure_into_a_bpmn_error,);

/// Work with such an expression, whose error leads to the end `caught`.
fn elements(expression: &str) -> String {
    let definition = format!(
        r#"<extensionElements><camunda:errorEventDefinition id="definition" errorRef="e1" expression="{expression}"/></extensionElements>"#
    );
    let caught = boundary("on-e1", r#"<errorEventDefinition errorRef="e1"/>"#, "caught");
    from_start_to_done(&format!("{}{caught}", work(&definition)))
}

async fn an_expression_turns_a_completion_into_a_bpmn_error(engine: Engine) {
    let scene = Scene::set(engine, "bpmn-turned-completion", &elements("${slept &gt; 10}"), "").await;
    for (slept, end) in [(10, "done"), (11, "caught")] {
        let (instance, passed) = scene.run(json!({"behaviour": text("complete-slowly"), "n": long(slept)})).await;
        assert_eq!(passed.last().map(String::as_str), Some(end), "slept {slept}: {passed:?}");
        let variables = scene.engine.historic_variables(&instance).await.expect("variables");
        assert_eq!(variables["slept"]["value"], slept, "what the handler set stays");
    }
    let completions = scene.host.log_lines().iter().filter(|line| line["message"] == "completed").count();
    assert_eq!(completions, 2, "to the host both are completions");
}

async fn an_expression_turns_a_failure_into_a_bpmn_error(engine: Engine) {
    let expression = "${externalTask.errorMessage != null and externalTask.errorMessage.contains('no such card')}";
    let scene = Scene::set(engine, "bpmn-turned-failure", &elements(expression), "retry = \"R2/PT0.2S\"\n").await;
    let variables = json!({"behaviour": text("fail-retry"), "text": text("there is no such card")});
    let (instance, passed) = scene.run(variables).await;
    assert_eq!(passed.last().map(String::as_str), Some("caught"), "{passed:?}");
    let failures = scene.engine.log_of(&instance).await.iter().filter(|kind| **kind == "failure").count();
    assert_eq!(failures, 0, "no retry was used up");
    let other = scene.start(json!({"behaviour": text("fail-retry"), "text": text("another reason")})).await;
    scene.engine.await_incident(&other, crate::engine::SOON).await.expect("a failure as any other");
}
