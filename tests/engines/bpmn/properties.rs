//! What a model says beside its flow: extension properties, priorities, a version tag.

use serde_json::json;

use super::{Scene, from_start_to_done, work};
use crate::engine::{Engine, SOON, on_real_engine, text};

on_real_engine!(
    the_extension_property_retry_overrides_the_plugins_policy,
    a_handler_sees_the_models_properties_priority_and_version_tag,
    a_plugin_takes_only_tasks_of_the_version_tag_that_it_names,
);

/// Work with these extension properties.
fn with_properties(properties: &[(&str, &str)]) -> String {
    let property = |(name, value): &(&str, &str)| format!(r#"<camunda:property name="{name}" value="{value}"/>"#);
    let properties: String = properties.iter().map(property).collect();
    work(&format!("<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>"))
}

async fn the_extension_property_retry_overrides_the_plugins_policy(engine: Engine) {
    let elements = from_start_to_done(&with_properties(&[("retry", "R1/PT0.2S")]));
    let scene = Scene::set(engine, "bpmn-retry", &elements, "retry = \"R5/PT1H\"\n").await;
    let instance = scene.start(json!({"behaviour": text("fail-retry")})).await;
    scene.engine.await_incident(&instance, SOON).await.expect("an incident");
    assert_eq!(scene.engine.log_of(&instance).await, ["creation", "failure", "failure"], "one retry, and soon");
}

async fn a_handler_sees_the_models_properties_priority_and_version_tag(engine: Engine) {
    let work = with_properties(&[("colour", "green"), ("size", "XL")]);
    let work = work.replace("<serviceTask ", "<serviceTask camunda:taskPriority=\"${urgency}\" ");
    let scene = Scene::set(engine, "bpmn-context", &from_start_to_done(&work), "").await;
    let urgency = json!({"type": "Integer", "value": 42});
    let (instance, _) = scene.run(json!({"behaviour": text("context"), "urgency": urgency})).await;
    let variables = scene.engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(variables["extension-properties"]["value"], "colour=green\nsize=XL");
    assert_eq!(variables["priority"]["value"], "42");
    assert_eq!(variables["process-definition-version-tag"]["value"], "v7");
    assert_eq!(variables["activity-id"]["value"], "work");
}

async fn a_plugin_takes_only_tasks_of_the_version_tag_that_it_names(engine: Engine) {
    let elements = from_start_to_done(&work(""));
    let manifest = |tag: &str| format!("[filter]\nprocess-definition-version-tag = \"{tag}\"\n");
    let scene = Scene::set(engine, "bpmn-tag", &elements, &manifest("v7")).await;
    scene.run(json!({"behaviour": text("complete")})).await;
    let scene = Scene::set(scene.engine, "bpmn-other-tag", &elements, &manifest("v8")).await;
    scene.host.await_text("serving", SOON).await.expect("up");
    let instance = scene.start(json!({"behaviour": text("complete")})).await;
    // Another host shows that the task can be had; its plugin names the tag.
    let home = crate::engine::Home::new();
    home.drop_plugin("probe", scene.key, &manifest("v7"));
    let other = home.start(scene.engine.base_url());
    scene.engine.await_completed(&instance, SOON).await.expect("by the other host");
    other.await_log(|line| line["message"] == "completed", SOON).await.expect("by the other host");
    assert!(!scene.host.logs().contains("\"completed\""), "{}", scene.host.logs());
}
