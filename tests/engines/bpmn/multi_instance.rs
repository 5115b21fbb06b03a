//! Several instances of one task.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Scene, from_start_to_done, work};
use crate::engine::{Engine, on_real_engine, text};

on_real_engine!(
    each_of_several_parallel_instances_runs_once_with_its_own_variables,
    sequential_instances_run_one_after_the_other,
    a_completion_condition_cancels_the_handlers_of_the_other_instances,
);

fn several(attributes: &str, inside: &str) -> String {
    format!("<multiInstanceLoopCharacteristics {attributes}>{inside}</multiInstanceLoopCharacteristics>")
}

const FOUR: &str = "<loopCardinality>4</loopCardinality>";

/// Runs four instances of the work; the numbers that their handlers saw, and when each instance began and ended.
async fn run_four(engine: Engine, key: &'static str, attributes: &str) -> Vec<(String, String)> {
    let scene = Scene::set(engine, key, &from_start_to_done(&work(&several(attributes, FOUR))), "").await;
    let (instance, _) = scene.run(json!({"behaviour": text("complete-locally")})).await;
    let mut log = scene.engine.log_of(&instance).await;
    log.sort_unstable();
    assert_eq!(log, [["creation"; 4], ["success"; 4]].concat());
    let path = format!("/history/variable-instance?processInstanceId={instance}&variableName=own-loopCounter");
    let seen = scene.engine.get(&path).await.expect("variables");
    let seen: BTreeSet<i64> = seen.as_array().expect("a list").iter().filter_map(|it| it["value"].as_i64()).collect();
    assert_eq!(seen, BTreeSet::from([0, 1, 2, 3]), "each handler saw its own number");
    let path = format!(
        "/history/activity-instance?processInstanceId={instance}&activityId=work&sortBy=startTime&sortOrder=asc"
    );
    let found = scene.engine.get(&path).await.expect("activities");
    let time = |activity: &serde_json::Value, field: &str| activity[field].as_str().expect("a time").to_owned();
    found.as_array().expect("a list").iter().map(|it| (time(it, "startTime"), time(it, "endTime"))).collect()
}

async fn each_of_several_parallel_instances_runs_once_with_its_own_variables(engine: Engine) {
    run_four(engine, "bpmn-parallel", "").await;
}

async fn sequential_instances_run_one_after_the_other(engine: Engine) {
    let times = run_four(engine, "bpmn-sequential", r#"isSequential="true""#).await;
    for pair in times.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "one began before the other had ended: {times:?}");
    }
}

async fn a_completion_condition_cancels_the_handlers_of_the_other_instances(engine: Engine) {
    let inside = format!(
        r#"<extensionElements><camunda:inputOutput><camunda:inputParameter name="behaviour">${{loopCounter == 0 ? 'complete' : 'sleep-forever'}}</camunda:inputParameter></camunda:inputOutput></extensionElements>{}"#,
        several("", &format!("{FOUR}<completionCondition>${{nrOfCompletedInstances &gt;= 1}}</completionCondition>"))
    );
    // Short, so that the host soon asks for an extension and learns that the tasks are gone.
    let scene =
        Scene::set(engine, "bpmn-condition", &from_start_to_done(&work(&inside)), "lock-duration = \"1s\"\n").await;
    let (instance, _) = scene.run(json!({})).await;
    let mut log = scene.engine.log_of(&instance).await;
    log.sort_unstable();
    assert_eq!(log, ["creation", "creation", "creation", "creation", "deletion", "deletion", "deletion", "success"]);
    scene.host.await_text("invocation cancelled", crate::engine::SOON).await.expect("cancelled");
}
