//! What a handler decides, and what the engine then has: every decision of the contract, variables, files, and what the
//! engine does not take.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    a_failure_brings_its_variables_details_and_retries,
    the_try_after_a_failure_sees_its_message_and_details,
    a_completion_sets_the_variables_of_both_scopes,
    a_handlers_own_retries_go_before_the_policy,
    an_incident_whose_retries_are_set_runs_the_handler_again,
    a_long_message_is_cut_to_what_the_engine_keeps_and_stands_whole_in_the_details,
    a_bpmn_error_that_nothing_catches_ends_the_instance,
    an_unlocked_task_comes_back_after_its_delay,
    a_handed_off_task_is_completed_by_somebody_else_under_the_same_worker_id,
    a_text_of_more_than_4000_characters_is_named_in_an_incident,
    a_text_of_4000_characters_is_kept,
    a_file_is_passed_on_unread_with_its_name_and_content,
    bytes_and_files_go_through_a_handler_byte_for_byte,
    a_file_is_loaded_when_the_handler_asks_for_it,
    a_file_of_the_tasks_own_scope_is_loaded_and_passed_on,
    progress_variables_are_set_while_the_handler_runs,
    a_handler_gets_only_the_variables_that_its_manifest_names,
);

/// A host whose probe serves a topic, with its directories.
async fn serve(engine: &Engine, topic: &str, manifest: &str) -> (fetchlock_harness::fetchlock::Fetchlock, Home) {
    engine.deploy_topic(topic).await;
    let home = Home::new();
    home.drop_plugin("probe", topic, manifest);
    (home.start(engine.base_url()), home)
}

async fn start(engine: &Engine, topic: &str, behaviour: &str, mut variables: Value) -> String {
    variables["behaviour"] = text(behaviour);
    engine.start_instance(topic, None, &variables).await.expect("started")
}

/// Has the handler of an open task complete when it runs the next time.
async fn complete_next_time(engine: &Engine, instance: &str) {
    engine.done("PUT", &format!("/process-instance/{instance}/variables/behaviour"), text("complete")).await;
}

async fn a_failure_brings_its_variables_details_and_retries(engine: Engine) {
    let (_host, _home) = serve(&engine, "failure", "retry = \"R1/PT0.2S\"\n").await;
    let instance = start(&engine, "failure", "fail-retry", json!({"text": text("no money")})).await;
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.contains("no money"), "{message}");
    let task = engine.task_of(&instance).await;
    assert_eq!((&task["retries"], &task["errorMessage"]), (&json!(0), &incident["incidentMessage"]));
    let details = engine.error_details(task["id"].as_str().expect("an id")).await.expect("details");
    assert!(details.contains("first line of the details\nsecond line"), "{details}");
    assert_eq!(engine.process_variables(&instance).await["failed"], true);
    assert_eq!(json!(engine.local_variables(&task).await), json!({"failedHere": true}));
    assert_eq!(engine.log_of(&instance).await, ["creation", "failure", "failure"]);
}

/// The variables of an instance under a name, with the activity instance that each belongs to.
async fn scopes_of(engine: &Engine, instance: &str, name: &str) -> Vec<Value> {
    let path = format!("/history/variable-instance?processInstanceId={instance}&variableName={name}");
    let found = engine.get(&path).await.expect("listed");
    let found = found.as_array().cloned().expect("a list");
    found.into_iter().map(|it| it["activityInstanceId"].clone()).collect()
}

async fn the_try_after_a_failure_sees_its_message_and_details(engine: Engine) {
    let (_host, _home) = serve(&engine, "outcome-failure", "retry = \"R2/PT0.5S\"\n").await;
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
    let (_host, _home) = serve(&engine, "outcome-complete", "").await;
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

async fn a_handlers_own_retries_go_before_the_policy(engine: Engine) {
    let (host, _home) = serve(&engine, "own-retries", "retry = \"R0/PT1H\"\n").await;
    let instance = start(&engine, "own-retries", "fail-exactly", json!({})).await;
    host.await_log(|line| line["retries"] == 1, SOON).await.expect("failed with a retry left");
    complete_next_time(&engine, &instance).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await.last(), Some(&"success"));
}

async fn an_incident_whose_retries_are_set_runs_the_handler_again(engine: Engine) {
    let (_host, _home) = serve(&engine, "again", "retry = \"R5/PT1H\"\n").await;
    let instance = start(&engine, "again", "fail-never", json!({})).await;
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident, whatever the policy says");
    complete_next_time(&engine, &instance).await;
    engine.set_retries(incident["configuration"].as_str().expect("a task"), 1).await.expect("set");
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert!(engine.incidents(&instance).await.expect("asked").is_empty());
}

async fn a_long_message_is_cut_to_what_the_engine_keeps_and_stands_whole_in_the_details(engine: Engine) {
    // In UTF-16 units, as the engine counts.
    const KEPT: usize = 666;
    let (_host, _home) = serve(&engine, "long-message", "").await;
    // Two units each, so that a careless cut would halve one.
    let long = format!("a{}", "\u{1d11e}".repeat(500));
    let instance = start(&engine, "long-message", "fail-never", json!({"text": text(&long)})).await;
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    let units = message.encode_utf16().count();
    assert!((KEPT - 2..=KEPT).contains(&units), "{units}: {message}");
    assert!(!message.contains('\u{fffd}') && !message.contains('?'), "{message}");
    let task = incident["configuration"].as_str().expect("a task");
    assert!(engine.error_details(task).await.expect("details").contains(&long));
}

async fn a_bpmn_error_that_nothing_catches_ends_the_instance(engine: Engine) {
    let (host, _home) = serve(&engine, "uncaught", "").await;
    let instance = start(&engine, "uncaught", "bpmn-error", json!({})).await;
    let passed = engine.await_completed(&instance, SOON).await.expect("ended");
    assert_eq!(passed, ["start", "work"]);
    assert_eq!(engine.historic_variables(&instance).await.expect("variables")["errorFrom"]["value"], "probe");
    assert_eq!(engine.log_of(&instance).await, ["creation", "deletion"]);
    host.await_log(|line| line["code"] == "E1", SOON).await.expect("logged");
}

async fn an_unlocked_task_comes_back_after_its_delay(engine: Engine) {
    let (host, _home) = serve(&engine, "unlock", "").await;
    let instance = start(&engine, "unlock", "unlock", json!({"n": long(1_000)})).await;
    host.await_text("given back", SOON).await.expect("given back");
    complete_next_time(&engine, &instance).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"], "no failure");
}

async fn a_handed_off_task_is_completed_by_somebody_else_under_the_same_worker_id(engine: Engine) {
    let (host, _home) = serve(&engine, "hand-off", "").await;
    let instance = start(&engine, "hand-off", "hand-off", json!({"n": long(3_600_000)})).await;
    let handed = host.await_log(|line| line["message"] == "handed off", SOON).await.expect("handed off");
    let task = engine.task_of(&instance).await;
    assert_eq!(task["workerId"], handed["worker"]);
    let path = format!("/external-task/{}/complete", task["id"].as_str().expect("an id"));
    engine.done("POST", &path, json!({"workerId": handed["worker"]})).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
}

async fn a_text_of_more_than_4000_characters_is_named_in_an_incident(engine: Engine) {
    let (_host, _home) = serve(&engine, "too-long", "").await;
    let instance = start(&engine, "too-long", "huge-variable", json!({"n": long(4_001)})).await;
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.starts_with("too-long (version "), "{message}");
    assert!(message.contains("the variable `huge` is a String of 4001 characters"), "{message}");
    assert!(message.contains("the engine keeps 4000"), "{message}");
    assert!(!engine.process_variables(&instance).await.contains_key("huge"));
}

async fn a_text_of_4000_characters_is_kept(engine: Engine) {
    let (_host, _home) = serve(&engine, "just-right", "").await;
    let instance = start(&engine, "just-right", "huge-variable", json!({"n": long(4_000)})).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    let huge = engine.historic_variables(&instance).await.expect("variables")["huge"]["value"].clone();
    assert_eq!(huge.as_str().map(str::len), Some(4_000));
}

/// A file of which no text is made: every byte there is.
fn file() -> Value {
    json!({"type": "File", "value": every_byte(), "valueInfo":
        {"filename": "h\u{e9}llo.bin", "mimeType": "application/x-bytes", "encoding": "UTF-8"}})
}

/// The bytes 0 to 255 in base64.
fn every_byte() -> &'static str {
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9Q\
     UVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6Ch\
     oqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy\
     8/T19vf4+fr7/P3+/w=="
}

async fn a_file_is_passed_on_unread_with_its_name_and_content(engine: Engine) {
    let (host, _home) = serve(&engine, "file", "").await;
    // Its failure leaves the instance open, so that what was passed on can be downloaded.
    let instance = start(&engine, "file", "fail-with-file", json!({"file": file()})).await;
    engine.await_variable(&instance, "copy").await;
    let path = format!("/process-instance/{instance}/variables/copy");
    let copy = engine.get(&path).await.expect("there");
    assert_eq!(copy["type"], "File");
    assert_eq!(copy["valueInfo"], file()["valueInfo"]);
    let content = engine.send("GET", &format!("{path}/data"), &[], "").await.expect("an answer");
    assert_eq!(content.body, (0..=255).collect::<Vec<u8>>(), "{}", host.logs());
}

async fn bytes_and_files_go_through_a_handler_byte_for_byte(engine: Engine) {
    let (host, _home) = serve(&engine, "bytes", "").await;
    let contents = [Vec::new(), b"\0".to_vec(), (0..=255).rev().collect(), vec![0xff; 70_000]];
    for kind in ["Bytes", "File"] {
        for content in &contents {
            let mut file = json!({"type": kind, "value": STANDARD.encode(content)});
            if kind == "File" {
                file["valueInfo"] = json!({"filename": "a"});
            }
            // Its failure leaves the instance open, so that what was passed on can be downloaded.
            let instance = start(&engine, "bytes", "fail-with-file", json!({"file": file})).await;
            engine.await_variable(&instance, "copy").await;
            let path = format!("/process-instance/{instance}/variables/copy/data");
            let copy = engine.send("GET", &path, &[], "").await.expect("an answer");
            let about = format!("{kind} of {} bytes: {}\n{}", content.len(), copy.status, host.logs());
            assert!(copy.status == 200 && copy.body == *content, "{about}");
        }
    }
}

async fn a_file_is_loaded_when_the_handler_asks_for_it(engine: Engine) {
    let (_host, _home) = serve(&engine, "load", "").await;
    let instance = start(&engine, "load", "load-file", json!({"file": file()})).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(variables["length"]["value"], 256);
    assert_eq!(variables["checksum"]["value"], (0..256).sum::<i32>());
    assert_eq!(variables["copy"]["valueInfo"], file()["valueInfo"]);
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

async fn progress_variables_are_set_while_the_handler_runs(engine: Engine) {
    let (_host, _home) = serve(&engine, "progress", "").await;
    let instance = start(&engine, "progress", "progress", json!({"n": long(1_500)})).await;
    engine.await_variable(&instance, "progress").await;
    let task = engine.task_of(&instance).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_ne!(task["workerId"], Value::Null, "it was locked, and its handler at work");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    for verdict in ["processVerdict", "localVerdict"] {
        assert_eq!(variables[verdict]["value"], "ok", "{verdict}");
    }
    assert_eq!(variables["localProgress"]["value"], 50);
}

async fn a_handler_gets_only_the_variables_that_its_manifest_names(engine: Engine) {
    let (_host, _home) = serve(&engine, "named", "variables = [\"behaviour\", \"amount\", \"none-such\"]\n").await;
    let variables = json!({"amount": long(5), "secret": text("not for handlers")});
    let instance = start(&engine, "named", "complete", variables).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    let echoed: Vec<&str> = variables.keys().map(String::as_str).filter(|name| name.starts_with("out-")).collect();
    assert_eq!(echoed, ["out-amount", "out-behaviour"]);
}
