//! The rules against the words and numbers of the recorded Operaton.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::store::Store;
use super::task::{TaskSpec, TaskState};

/// The lock duration of these tests, in milliseconds.
const LOCK_MS: u64 = 30_000;

/// More than a lock's duration.
const LATER: Duration = Duration::from_secs(60);

fn fetch_body(worker: &str) -> Value {
    json!({"workerId": worker, "maxTasks": 10, "topics": [{"topicName": "t", "lockDuration": LOCK_MS}]})
}

fn fetch(store: &mut Store, worker: &str, now: Instant) -> Vec<Value> {
    store.fetch(&fetch_body(worker), now).expect("a valid fetch")
}

/// A store with one task of topic `t`, locked by `w1`.
fn locked() -> (Store, String, Instant) {
    let mut store = Store::default();
    let now = Instant::now();
    let id = store.add(TaskSpec::new("t", json!({"n": {"type": "Integer", "value": 1}})), now);
    assert_eq!(fetch(&mut store, "w1", now).len(), 1);
    (store, id, now)
}

/// Status, type and message of a refusal.
fn said<T>(result: Result<T, Answer>) -> (u16, String, String) {
    let Err(answer) = result else {
        return (204, String::new(), String::new());
    };
    let body = answer.json();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    (answer.status, text("type"), text("message"))
}

fn refusal(status: u16, kind: &str, message: &str) -> (u16, String, String) {
    (status, kind.to_owned(), message.to_owned())
}

#[test]
fn a_locked_task_is_not_fetched_until_its_lock_has_expired() {
    let (mut store, id, now) = locked();
    assert!(fetch(&mut store, "w2", now).is_empty());
    assert!(fetch(&mut store, "w1", now).is_empty(), "not even by its own worker");
    let again = fetch(&mut store, "w2", now + LATER);
    assert_eq!(again[0]["workerId"], "w2");
    assert_eq!(store.task(&id).map(|task| task.fetched), Some(2));
}

#[test]
fn a_fetch_shows_what_the_engine_shows() {
    let mut store = Store::default();
    let now = Instant::now();
    let variables = json!({
        "n": {"type": "Integer", "value": 1},
        "file": {"type": "File", "value": "ZmlsZQ==", "valueInfo": {"filename": "a.txt"}},
    });
    store.add(TaskSpec { extension_properties: json!({"region": "eu"}), ..TaskSpec::new("t", variables) }, now);
    let mut body = fetch_body("w1");
    body["topics"][0]["includeExtensionProperties"] = json!(true);
    let fetched = store.fetch(&body, now).expect("a valid fetch");
    let task = &fetched[0];
    assert_eq!(task["retries"], Value::Null);
    assert_eq!(task["extensionProperties"], json!({"region": "eu"}));
    assert_eq!(task["variables"]["n"], json!({"type": "Integer", "value": 1, "valueInfo": {}}));
    assert_eq!(task["variables"]["file"]["value"], Value::Null, "the bytes are fetched on their own");
    let expires = task["lockExpirationTime"].as_str().unwrap_or_default();
    assert!(expires.ends_with("+0000") && expires.len() == 28, "{expires}");
}

#[test]
fn a_topic_chooses_variables_and_tasks() {
    let mut store = Store::default();
    let now = Instant::now();
    let two = json!({"a": {"type": "Integer", "value": 1}, "b": {"type": "Integer", "value": 2}});
    store.add(TaskSpec { business_key: Some("k".to_owned()), ..TaskSpec::new("t", two) }, now);
    let with = |key: &str, value: Value| {
        let mut body = fetch_body("w1");
        body["topics"][0][key] = value;
        body
    };
    for (key, value) in [
        ("businessKey", json!("other")),
        ("processDefinitionKey", json!("other")),
        ("processVariables", json!({"a": 2})),
        ("tenantIdIn", json!(["x"])),
        ("topicName", json!("other")),
    ] {
        let found = store.fetch(&with(key, value), now).expect("a valid fetch");
        assert!(found.is_empty(), "{key}");
    }
    let found = store.fetch(&with("variables", json!(["a"])), now).expect("a valid fetch");
    assert_eq!(found[0]["variables"], json!({"a": {"type": "Integer", "value": 1, "valueInfo": {}}}));
}

#[test]
fn faulty_fetches_are_refused_as_the_engine_does() {
    let mut store = Store::default();
    let now = Instant::now();
    let cases = [
        (json!({"maxTasks": 1, "topics": []}), refusal(500, "NullValueException", "workerId is null")),
        (
            json!({"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "t"}]}),
            refusal(500, "ProcessEngineException", "lockTime is not greater than 0"),
        ),
        (json!({"workerId": "w", "maxTasks": 1}), refusal(204, "", "")),
        (json!({"workerId": "w", "topics": []}), refusal(204, "", "")),
    ];
    for (body, expected) in cases {
        assert_eq!(said(store.fetch(&body, now)), expected, "{body}");
    }
    assert_eq!(
        said(Store::park_time(&json!({"asyncResponseTimeout": 1_800_001}))),
        refusal(
            400,
            "InvalidRequestException",
            "The asynchronous response timeout cannot be set to a value greater than 1800000 milliseconds"
        )
    );
}

#[test]
fn outcomes_need_a_known_task_and_its_worker() {
    let (mut store, id, now) = locked();
    let other = json!({"workerId": "other", "errorCode": "E", "newDuration": 1, "retries": 1});
    let held = "It is locked by worker 'w1'.";
    let refused = |message: String| refusal(400, "RestException", &message);
    assert_eq!(
        said(store.complete(&id, &other)),
        refused(format!("External Task {id} cannot be completed by worker 'other'. {held}"))
    );
    assert_eq!(
        said(store.bpmn_error(&id, &other)),
        refused(format!("Bpmn error of External Task {id} cannot be reported by worker 'other'. {held}"))
    );
    assert_eq!(
        said(store.extend_lock(&id, &other, now)),
        refused(format!("The lock of the External Task {id} cannot be extended by worker 'other''. {held}"))
    );
    assert_eq!(said(store.failure(&id, &other, now)).0, 400);
    assert_eq!(said(store.complete(&id, &json!({}))), refusal(500, "NullValueException", "workerId is null"));
    assert_eq!(
        said(store.complete("nope", &other)),
        refusal(404, "RestException", "External task with id nope does not exist")
    );
    assert_eq!(
        said(store.bpmn_error(&id, &json!({"workerId": "w1"}))),
        refusal(500, "NullValueException", "errorCode is null")
    );
}

#[test]
fn a_late_outcome_counts_while_nobody_else_has_fetched() {
    let (mut store, id, now) = locked();
    assert_eq!(store.state(&id, now + LATER), TaskState::Ready);
    let body = json!({"workerId": "w1", "variables": {"out": {"type": "Integer", "value": 42}}});
    assert!(store.complete(&id, &body).is_ok());
    let expected = TaskState::Completed {
        worker: "w1".to_owned(),
        variables: body["variables"].clone(),
        local_variables: json!({}),
    };
    assert_eq!(store.state(&id, now), expected);
    assert_eq!(said(store.complete(&id, &body)).0, 404, "the second time it is not there any more");
}

#[test]
fn an_expired_lock_is_not_extended_but_locked_again() {
    let (mut store, id, now) = locked();
    let extend = json!({"workerId": "w1", "newDuration": LOCK_MS});
    assert!(store.extend_lock(&id, &extend, now).is_ok());
    let (status, _, message) = said(store.extend_lock(&id, &extend, now + LATER));
    assert_eq!(status, 400);
    assert!(
        message.starts_with("Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to "),
        "{message}"
    );
    let lock = json!({"workerId": "w1", "lockDuration": LOCK_MS});
    assert!(store.lock(&id, &lock, now + LATER).is_ok());
    assert_eq!(
        said(store.lock(&id, &json!({"workerId": "w9", "lockDuration": 1}), now + LATER)),
        refusal(
            400,
            "RestException",
            &format!("External Task {id} cannot be locked by worker 'w9'. It is locked by worker 'w1'.")
        )
    );
    assert_eq!(
        said(store.extend_lock(&id, &json!({"workerId": "w1", "newDuration": -1}), now)),
        refusal(400, "RestException", "lockTime is not greater than 0")
    );
}

#[test]
fn a_failure_keeps_the_lock_until_its_retry_time() {
    let (mut store, id, now) = locked();
    let long = "m".repeat(700);
    let body = json!({"workerId": "w1", "errorMessage": long, "errorDetails": "d", "retries": 2, "retryTimeout": 1500});
    assert!(store.failure(&id, &body, now).is_ok());
    assert!(fetch(&mut store, "w2", now).is_empty());
    let again = fetch(&mut store, "w2", now + Duration::from_secs(2));
    assert_eq!(again[0]["retries"], 2);
    assert_eq!(again[0]["errorMessage"].as_str().map(str::len), Some(666));
    assert_eq!(again[0]["errorDetails"], "d");
}

#[test]
fn a_failure_without_retries_is_an_incident_until_somebody_sets_them() {
    let (mut store, id, now) = locked();
    assert!(store.failure(&id, &json!({"workerId": "w1", "errorMessage": "x"}), now).is_ok());
    assert!(store.state(&id, now).is_incident());
    assert!(fetch(&mut store, "w1", now + LATER).is_empty());
    assert_eq!(
        said(store.set_retries(&id, &json!({}))),
        refusal(400, "InvalidRequestException", "The number of retries cannot be null.")
    );
    assert!(store.set_retries(&id, &json!({"retries": 1})).is_ok());
    assert_eq!(fetch(&mut store, "w1", now + LATER).len(), 1);
    assert_eq!(
        said(store.failure(&id, &json!({"workerId": "w1", "retries": -1}), now)),
        refusal(500, "ProcessEngineException", "retries is not greater than or equal to 0")
    );
}

#[test]
fn anybody_may_unlock() {
    let (mut store, id, now) = locked();
    assert!(store.unlock(&id).is_ok());
    assert_eq!(store.state(&id, now), TaskState::Ready);
    assert_eq!(fetch(&mut store, "w2", now).len(), 1);
    assert_eq!(said(store.unlock("nope")).0, 404);
}

#[test]
fn progress_variables_ask_for_no_lock() {
    let (mut store, id, now) = locked();
    let instance = store.task(&id).map(|task| task.instance.clone()).unwrap_or_default();
    let body = json!({"modifications": {"done": {"type": "Integer", "value": 5}}, "deletions": ["n"]});
    assert!(store.modify_variables(&instance, &body).is_ok());
    let execution = format!("execution-{id}");
    let variables = store.instance_variables(&execution).cloned().unwrap_or_default();
    assert_eq!(Value::Object(variables), json!({"done": {"type": "Integer", "value": 5}}));
    assert!(store.modify_local_variables(&execution, &json!({"modifications": {"own": {"type": "Null"}}})).is_ok());
    assert!(store.unlock(&id).is_ok());
    let mut only_own = fetch_body("w1");
    only_own["topics"][0]["localVariables"] = json!(true);
    let fetched = store.fetch(&only_own, now).expect("a valid fetch");
    let own = json!({"own": {"type": "Null", "value": null, "valueInfo": {}}});
    assert_eq!(fetched[0]["variables"], own);
    store.cancel(&id);
    assert_eq!(store.state(&id, now), TaskState::Gone);
    assert_eq!(said(store.modify_local_variables(&execution, &body)).0, 500);
    assert_eq!(said(store.modify_variables(&instance, &body)).0, 500);
}

#[test]
fn a_query_finds_what_a_worker_still_holds() {
    let (mut store, id, now) = locked();
    store.add(TaskSpec::new("t", json!({})), now);
    let found = |store: &Store, query: Value, at: Instant| -> Vec<String> {
        let found = store.query(&query, at);
        found.iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(found(&store, json!({"workerId": "w1", "locked": true}), now), std::slice::from_ref(&id));
    assert!(found(&store, json!({"workerId": "w1", "locked": true}), now + LATER).is_empty());
    assert_eq!(found(&store, json!({"topicName": "t"}), now).len(), 2);
    assert_eq!(found(&store, json!({"notLocked": true}), now).len(), 1);
    assert!(found(&store, json!({"workerId": "w2"}), now).is_empty());
}
