//! What a handler decides and sets arrives at the engine whole, and what the engine keeps of a try comes back with the
//! next.

use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    a_failure_brings_its_variables_and_the_next_try_sees_its_message_and_details,
    a_completion_sets_the_variables_of_both_scopes,
    progress_is_set_while_the_handler_runs,
    a_file_of_the_tasks_own_scope_is_loaded_and_passed_on,
    a_text_that_the_engine_cannot_keep_is_named_in_an_incident,
);

/// The variables of an instance under a name, with the activity instance that each belongs to.
async fn scopes_of(engine: &Engine, instance: &str, name: &str) -> Vec<Value> {
    let path = format!("/history/variable-instance?processInstanceId={instance}&variableName={name}");
    let found = engine.get(&path).await.expect("listed");
    let found = found.as_array().cloned().expect("a list");
    found.into_iter().map(|it| it["activityInstanceId"].clone()).collect()
}

async fn a_failure_brings_its_variables_and_the_next_try_sees_its_message_and_details(engine: Engine) {
    engine.deploy_topic("outcome-failure").await;
    let home = Home::new();
    home.drop_plugin("probe", "outcome-failure", "retry = \"R2/PT0.5S\"\n");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("fail-then-context"), "text": text("no paper")});
    let instance = engine.start_instance("outcome-failure", Some("order-7"), &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let seen = engine.historic_variables(&instance).await.expect("variables");
    let message = seen["error-message"]["value"].as_str().expect("a message");
    assert!(message.starts_with("outcome-failure (version ") && message.ends_with("no paper"), "{message}");
    assert_eq!(seen["error-details"]["value"], "first line of the details\nsecond line of the details");
    assert_eq!(seen["retries"]["value"], "2");
    assert_eq!(seen["business-key"]["value"], "order-7");
    assert_eq!(seen["failed"]["value"], true);
    assert_eq!(seen["failedHere"]["value"], true);
    assert_eq!(scopes_of(&engine, &instance, "failed").await, [json!(instance)]);
    assert_ne!(scopes_of(&engine, &instance, "failedHere").await, [json!(instance)]);
}

async fn a_completion_sets_the_variables_of_both_scopes(engine: Engine) {
    engine.deploy_topic("outcome-complete").await;
    let home = Home::new();
    home.drop_plugin("probe", "outcome-complete", "");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("complete-both")});
    let instance = engine.start_instance("outcome-complete", None, &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let seen = engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(seen["everywhere"]["value"], "process");
    assert_eq!(seen["here"]["value"], "task");
    assert!(!seen.contains_key("fleeting"), "a transient variable is not stored");
    assert_eq!(scopes_of(&engine, &instance, "everywhere").await, [json!(instance)]);
    assert_ne!(scopes_of(&engine, &instance, "here").await, [json!(instance)]);
}

async fn progress_is_set_while_the_handler_runs(engine: Engine) {
    engine.deploy_topic("outcome-progress").await;
    let home = Home::new();
    home.drop_plugin("probe", "outcome-progress", "");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("progress"), "n": long(3_000)});
    let instance = engine.start_instance("outcome-progress", None, &variables).await.expect("started");
    let path = format!("/process-instance/{instance}/variables");
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        // While it runs: afterwards the instance is gone, and this an error.
        let now = engine.get(&path).await.expect("still running");
        if now["progress"]["value"] == 50 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{now}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    engine.await_completed(&instance, SOON).await.expect("completed");
    let seen = engine.historic_variables(&instance).await.expect("variables");
    assert_eq!((&seen["processVerdict"]["value"], &seen["localVerdict"]["value"]), (&json!("ok"), &json!("ok")));
    assert_ne!(scopes_of(&engine, &instance, "localProgress").await, [json!(instance)]);
}

async fn a_file_of_the_tasks_own_scope_is_loaded_and_passed_on(engine: Engine) {
    engine.deploy_topic("outcome-file").await;
    let home = Home::new();
    home.drop_plugin("probe", "outcome-file", "");
    let variables = json!({"behaviour": text("load-file")});
    let instance = engine.start_instance("outcome-file", None, &variables).await.expect("started");
    let tasks = engine.external_tasks(&json!({"processInstanceId": instance})).await.expect("listed");
    let execution = tasks[0]["executionId"].as_str().expect("an execution");
    let file = json!({"type": "File", "value": "ZmlsZSBib2R5",
        "valueInfo": {"filename": "a b.txt", "mimeType": "text/plain", "encoding": "UTF-8"}});
    let local = json!({"modifications": {"file": file}});
    engine.post(&format!("/execution/{execution}/localVariables"), &local).await.expect("set");
    let _host = home.start(engine.base_url());
    engine.await_completed(&instance, SOON).await.expect("completed");
    let seen = engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(seen["length"]["value"], "file body".len());
    assert_eq!(seen["checksum"]["value"], "file body".bytes().map(u32::from).sum::<u32>());
    assert_eq!(seen["copy"]["valueInfo"], file["valueInfo"]);
}

async fn a_text_that_the_engine_cannot_keep_is_named_in_an_incident(engine: Engine) {
    engine.deploy_topic("outcome-long").await;
    let home = Home::new();
    home.drop_plugin("probe", "outcome-long", "");
    let _host = home.start(engine.base_url());
    let start = async |length| {
        let variables = json!({"behaviour": text("complete-long-text"), "n": long(length)});
        engine.start_instance("outcome-long", None, &variables).await.expect("started")
    };
    let (fits, too_long) = (start(4_000).await, start(4_001).await);
    engine.await_completed(&fits, SOON).await.expect("completed");
    let incident = engine.await_incident(&too_long, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.contains("the variable `note` is a String of 4001 characters"), "{message}");
    assert!(message.contains("the engine keeps 4000"), "{message}");
}
