//! What was: instances, activities, variables, the log of tasks, and how they are looked for.

use std::time::Duration;

use serde_json::json;

use super::talk::Talk;
use crate::engine::{Engine, on_both_engines};

on_both_engines!(the_history_tells_what_became_of_an_instance);

async fn the_history_tells_what_became_of_an_instance(engine: Engine) {
    const TOPIC: &str = "contract-history";
    let mut talk = Talk::about(engine, TOPIC).await;
    let variables = json!({"n": {"value": 1}, "f": {"value": "YWI=", "type": "File", "valueInfo": {"filename": "x"}}});
    talk.start("a", json!({"businessKey": "k", "variables": variables})).await;
    talk.start("open", json!({})).await;
    talk.lock("a", "w", Duration::from_secs(600)).await;
    talk.get("an open instance", "/history/process-instance/{a}").await;
    talk.get("its open activities", "/history/activity-instance?processInstanceId={a}&sortBy=activityId&sortOrder=asc")
        .await;
    let failure = json!({"workerId": "w", "errorMessage": "m", "errorDetails": "d\ne", "retries": 1});
    talk.post("a failure", "/external-task/{a.task}/failure", failure).await;
    talk.lock("a", "w", Duration::from_secs(600)).await;
    let done = json!({"workerId": "w", "variables": {"out": {"value": "o"}}, "localVariables": {"own": {"value": 1}}});
    talk.post("completed", "/external-task/{a.task}/complete", done).await;
    talk.get("an ended instance", "/history/process-instance/{a}").await;
    talk.get("its activities", "/history/activity-instance?processInstanceId={a}&sortBy=activityId&sortOrder=asc")
        .await;
    talk.get("its log", "/history/external-task-log?processInstanceId={a}&sortBy=timestamp&sortOrder=asc").await;
    let backwards = "processInstanceId={a}&sortBy=timestamp&sortOrder=desc&maxResults=1";
    talk.get("the last of its log", &format!("/history/external-task-log?{backwards}")).await;
    talk.get("its log counted", "/history/external-task-log/count?processInstanceId={a}").await;
    let sorted = "processInstanceId={a}&sortBy=variableName&sortOrder=asc&deserializeValues=false";
    talk.get("its variables", &format!("/history/variable-instance?{sorted}")).await;
    let found = talk.engine.get(&format!("/history/variable-instance?{sorted}").replace("{a}", &talk.id("a"))).await;
    for (name, variable) in ["file", "number"].iter().zip(found.expect("variables").as_array().expect("a list")) {
        talk.know(name, &variable["id"]);
        talk.get(&format!("content of a {name}"), &format!("/history/variable-instance/{{{name}}}/data")).await;
    }
    talk.get("content of nothing", "/history/variable-instance/nope/data").await;
    let failures = "/history/external-task-log?processInstanceId={a}&failureLog=true";
    let log = talk.engine.get(&failures.replace("{a}", &talk.id("a"))).await.expect("the log");
    talk.know("failure", &log[0]["id"]);
    talk.get("details of the failure", "/history/external-task-log/{failure}/error-details").await;
    talk.get("details of nothing", "/history/external-task-log/nope/error-details").await;
    talk.get("an unknown instance", "/history/process-instance/nope").await;
    for (list, filters) in [
        ("process-instance", "finished=true"),
        ("process-instance", "unfinished=true"),
        ("process-instance", "processInstanceBusinessKey=k"),
        ("process-instance", "processInstanceBusinessKey=nope"),
        ("process-instance", "processDefinitionKeyIn=contract-history,nope"),
        ("process-instance", "withIncidents=true"),
        ("activity-instance", "activityId=done&finished=true"),
        ("activity-instance", "activityId=work"),
        ("activity-instance", "activityType=startEvent"),
        ("activity-instance", "unfinished=true"),
        ("activity-instance", "canceled=true"),
        ("external-task-log", "successLog=true"),
        ("external-task-log", "failureLog=true"),
        ("external-task-log", "creationLog=true"),
        ("external-task-log", "workerId=w"),
        ("external-task-log", "topicName=contract-history"),
        ("variable-instance", "variableName=out"),
        ("incident", "open=true"),
    ] {
        let key = if list == "process-instance" { "processDefinitionKey" } else { "processDefinitionId" };
        let value = if list == "process-instance" { TOPIC } else { "{definition}" };
        let path = match list {
            "variable-instance" => format!("/history/{list}/count?processInstanceId={{a}}&{filters}"),
            _ => format!("/history/{list}/count?{key}={value}&{filters}"),
        };
        talk.get("counted", &path).await;
    }
    for (list, body) in [
        ("process-instance", json!({"processDefinitionKey": TOPIC, "finished": true})),
        ("process-instance", json!({"processInstanceIds": ["{a}", "{open}"]})),
        ("external-task-log", json!({"processDefinitionKey": TOPIC, "successLog": true})),
        ("activity-instance", json!({"processInstanceId": "{a}", "activityId": "work"})),
        ("variable-instance", json!({"processInstanceId": "{a}", "variableName": "out"})),
    ] {
        talk.post("counted by a body", &format!("/history/{list}/count"), body).await;
    }
    talk.get("a page", "/history/process-instance?processDefinitionKey=contract-history&finished=true&maxResults=1")
        .await;
    talk.must_be_as_written("history");
}
