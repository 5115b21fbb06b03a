//! Errors that only a real engine can make: permissions, transactions that meet, somebody else's code, a full queue. What
//! it says is what the client takes them for (`host/src/engine/rest/cases.rs`), and the host does with them what
//! docs/errors.md says.
//!
//! Models have what goes wrong happen by the bean `harness` of `tests/engine-app`.

use std::time::Duration;

use fetchlock_harness::{
    engine_client::{EngineClient, RawAnswer},
    fetchlock::Fetchlock,
};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::engine::{Engine, Home, SOON, long, on_real_engine, text};

on_real_engine!(
    a_call_without_permission_is_refused_with_the_permissions_name,
    an_outcome_that_the_engine_forbids_is_delivered_once_it_is_permitted,
    an_outcome_that_meets_another_transaction_is_rolled_back_and_sent_again,
    a_deadlock_in_the_data_base_rolls_one_outcome_back,
    an_error_with_a_code_of_somebody_elses_rejects_the_outcome,
);

/// The queue is everybody's.
mod alone {
    mod real {
        #[test]
        fn a_full_queue_of_long_polls_is_told_as_overload() {
            crate::engine::alone_on_real(super::super::a_full_queue_of_long_polls_is_told_as_overload);
        }
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

const PASSWORD: &str = "a password";

/// A process `KEY` of one external task, at whose end a listener has something happen.
async fn deploy(engine: &Engine, key: &str, listeners: &[&str]) {
    let listeners: String =
        listeners.iter().map(|it| format!("<camunda:executionListener event=\"end\" {it}/>")).collect();
    let model = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
             xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="fetchlock:tests">
  <process id="{key}" isExecutable="true" camunda:historyTimeToLive="1">
    <startEvent id="start"/><sequenceFlow id="to-work" sourceRef="start" targetRef="work"/>
    <serviceTask id="work" camunda:type="external" camunda:topic="{key}">
      <extensionElements>{listeners}</extensionElements>
    </serviceTask>
    <sequenceFlow id="to-done" sourceRef="work" targetRef="done"/><endEvent id="done"/>
  </process>
</definitions>"#
    );
    engine.deploy(key, &model).await;
}

/// A user who may do nothing yet.
async fn create_user(engine: &Engine, name: &str) {
    let profile = json!({"id": name, "firstName": "A", "lastName": "User", "email": "a@example.com"});
    engine.done("POST", "/user/create", json!({"profile": profile, "credentials": {"password": PASSWORD}})).await;
}

/// Permits a user to do this with the instances of a process; the id of the permission.
async fn permit(engine: &Engine, user: &str, process: &str, permissions: &[&str]) -> String {
    // The number of the resource "process definition", and that of a grant.
    let grant =
        json!({"type": 1, "permissions": permissions, "userId": user, "resourceType": 6, "resourceId": process});
    let granted = engine.post("/authorization/create", &grant).await.expect("granted");
    granted["id"].as_str().expect("an id").to_owned()
}

/// A locked task of a new instance: the instance and the task.
async fn locked(engine: &Engine, topic: &str, worker: &str) -> (String, String) {
    let instance = engine.start_instance(topic, None, &json!({})).await.expect("started");
    let task = engine.task_of(&instance).await["id"].as_str().expect("an id").to_owned();
    let lock = json!({"workerId": worker, "lockDuration": 600_000});
    engine.post(&format!("/external-task/{task}/lock"), &lock).await.expect("locked");
    (instance, task)
}

/// An error as the client looks at it: status, type, code.
fn read(answer: &RawAnswer) -> (u16, String, Value) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()));
    (answer.status, body["type"].as_str().unwrap_or_default().to_owned(), body["code"].clone())
}

fn error(status: u16, kind: &str, code: impl Into<Value>) -> (u16, String, Value) {
    (status, kind.to_owned(), code.into())
}

async fn a_call_without_permission_is_refused_with_the_permissions_name(engine: Engine) {
    const TOPIC: &str = "forbidden-calls";
    deploy(&engine, TOPIC, &[]).await;
    create_user(&engine, "looker").await;
    permit(&engine, "looker", TOPIC, &["READ", "READ_INSTANCE"]).await;
    let (instance, task) = locked(&engine, TOPIC, "w").await;
    let user = EngineClient::new(engine.base_url(), Some(("looker", PASSWORD))).expect("a client");
    let post = |path: String, body: Value| ("POST", path, body);
    let put = |path: String, body: Value| ("PUT", path, body);
    let of_task = |call: &str| format!("/external-task/{task}/{call}");
    for (method, path, body) in [
        post(of_task("complete"), json!({"workerId": "w"})),
        post(of_task("failure"), json!({"workerId": "w", "retries": 1})),
        post(of_task("bpmnError"), json!({"workerId": "w", "errorCode": "E"})),
        post(of_task("extendLock"), json!({"workerId": "w", "newDuration": 1_000})),
        post(of_task("lock"), json!({"workerId": "w", "lockDuration": 1_000})),
        post(of_task("unlock"), json!({})),
        put(of_task("retries"), json!({"retries": 1})),
        put(of_task("priority"), json!({"priority": 1})),
        post(format!("/process-instance/{instance}/variables"), json!({"modifications": {"a": text("b")}})),
        post(format!("/process-definition/key/{TOPIC}/start"), json!({})),
    ] {
        let answer = user.send(method, &path, &JSON, body.to_string()).await.expect("an answer");
        assert_eq!(read(&answer), error(403, "AuthorizationException", 0), "{path}: {}", answer.text());
        assert!(answer.text().contains("permission on resource"), "{path}: {}", answer.text());
    }
    // A fetch is not refused: it brings what may be changed, and that is nothing.
    let fetch = json!({"workerId": "w", "maxTasks": 1, "topics": [{"topicName": TOPIC, "lockDuration": 1_000}]});
    assert_eq!(user.post("/external-task/fetchAndLock", &fetch).await.expect("an answer"), json!([]));
}

/// A host that works as a user of the engine.
fn host_of(engine: &Engine, home: &Home, user: &str) -> Fetchlock {
    let builder = home.builder(engine.base_url()).env("FETCHLOCK_ENGINE__USERNAME", user);
    builder.env("FETCHLOCK_ENGINE__PASSWORD", PASSWORD).start().expect("the host starts")
}

async fn an_outcome_that_the_engine_forbids_is_delivered_once_it_is_permitted(engine: Engine) {
    const TOPIC: &str = "forbidden-outcome";
    deploy(&engine, TOPIC, &[]).await;
    create_user(&engine, "worker").await;
    let permissions = ["READ", "READ_INSTANCE", "UPDATE_INSTANCE"];
    let permission = permit(&engine, "worker", TOPIC, &permissions).await;
    let home = Home::new();
    home.drop_plugin("probe", TOPIC, "");
    let host = host_of(&engine, &home, "worker");
    let variables = json!({"behaviour": text("progress"), "n": long(2_000)});
    let instance = engine.start_instance(TOPIC, None, &variables).await.expect("started");
    engine.await_variable(&instance, "progress").await;
    engine.done("DELETE", &format!("/authorization/{permission}"), json!({})).await;
    let kept = host.await_text("not delivered yet", SOON).await.expect("kept");
    assert!(kept.contains("'UPDATE_INSTANCE' permission on resource 'forbidden-outcome'"), "{kept}");
    assert_eq!(engine.log_of(&instance).await, ["creation"], "no failure");
    permit(&engine, "worker", TOPIC, &permissions).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"]);
}

/// Changes a task again and again, until something is over.
async fn meddle(engine: &Engine, task: &str, until: impl AsyncFn() -> bool) {
    for priority in 1_i64.. {
        let body = json!({ "priority": priority }).to_string();
        engine.send("PUT", &format!("/external-task/{task}/priority"), &JSON, body).await.expect("an answer");
        if until().await {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn an_outcome_that_meets_another_transaction_is_rolled_back_and_sent_again(engine: Engine) {
    const TOPIC: &str = "conflict";
    deploy(&engine, TOPIC, &["expression=\"${harness.pause(1000)}\""]).await;
    let (_, task) = locked(&engine, TOPIC, "w").await;
    let path = format!("/external-task/{task}/complete");
    let mut completion = std::pin::pin!(engine.send("POST", &path, &JSON, json!({"workerId": "w"}).to_string()));
    let answer = tokio::select! {
        answer = &mut completion => answer,
        () = meddle(&engine, &task, async || false) => unreachable!("it never ends"),
    };
    let answer = answer.expect("an answer");
    assert_eq!(read(&answer), error(500, "OptimisticLockingException", 1), "{}", answer.text());

    let home = Home::new();
    home.drop_plugin("probe", TOPIC, "");
    let instance = engine.start_instance(TOPIC, None, &json!({"behaviour": text("complete")})).await.expect("started");
    let task = engine.task_of(&instance).await["id"].as_str().expect("an id").to_owned();
    let host = home.start(engine.base_url());
    let kept = async || host.logs().contains("not delivered yet");
    timeout(SOON, meddle(&engine, &task, kept)).await.expect("rolled back");
    assert!(host.logs().contains("updated by another transaction concurrently"), "{}", host.logs());
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"]);
}

async fn a_deadlock_in_the_data_base_rolls_one_outcome_back(engine: Engine) {
    const TOPIC: &str = "deadlock";
    // Each holds the other's row while it has its own to delete.
    let listeners = ["expression=\"${harness.hold(other)}\"", "expression=\"${harness.pause(1000)}\""];
    deploy(&engine, TOPIC, &listeners).await;
    let (_, one) = locked(&engine, TOPIC, "w").await;
    let (_, another) = locked(&engine, TOPIC, "w").await;
    let complete = async |task: &str, other: &str| {
        let body = json!({"workerId": "w", "variables": {"other": text(other)}}).to_string();
        engine.send("POST", &format!("/external-task/{task}/complete"), &JSON, body).await.expect("an answer")
    };
    let (first, second) = tokio::join!(complete(&one, &another), complete(&another, &one));
    let (done, rolled_back) = if first.status == 204 { (first, second) } else { (second, first) };
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(read(&rolled_back), error(500, "ProcessEnginePersistenceException", 10_000), "{}", rolled_back.text());
}

async fn an_error_with_a_code_of_somebody_elses_rejects_the_outcome(engine: Engine) {
    const TOPIC: &str = "custom-code";
    deploy(&engine, TOPIC, &["delegateExpression=\"${harness.failing(22222)}\""]).await;
    let (_, task) = locked(&engine, TOPIC, "w").await;
    let complete = json!({"workerId": "w"}).to_string();
    let answer = engine.send("POST", &format!("/external-task/{task}/complete"), &JSON, complete).await;
    let answer = answer.expect("an answer");
    assert_eq!(read(&answer), error(500, "ProcessEngineException", 22_222), "{}", answer.text());

    let home = Home::new();
    home.drop_plugin("probe", TOPIC, "");
    let _host = home.start(engine.base_url());
    let instance = engine.start_instance(TOPIC, None, &json!({"behaviour": text("complete")})).await.expect("started");
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.contains("a code of our own"), "{message}");
}

async fn a_full_queue_of_long_polls_is_told_as_overload(engine: Engine) {
    // The queue has 200 places.
    const POLLS: usize = 500;
    let mut polls = JoinSet::new();
    for number in 0..POLLS {
        let topic = json!({"topicName": "full-queue", "lockDuration": 1_000});
        let poll = json!({"workerId": format!("w-{number}"), "maxTasks": 1, "asyncResponseTimeout": 1_000,
            "topics": [topic]});
        let engine: EngineClient = (*engine).clone();
        polls.spawn(async move { engine.send("POST", "/external-task/fetchAndLock", &JSON, poll.to_string()).await });
    }
    let mut refused = 0;
    while let Some(answer) = polls.join_next().await {
        let answer = answer.expect("no panic").expect("an answer");
        if answer.status == 200 {
            continue;
        }
        assert_eq!(read(&answer), error(500, "InvalidRequestException", Value::Null), "{}", answer.text());
        assert!(answer.text().contains("has to handle too many requests at the same time"), "{}", answer.text());
        refused += 1;
    }
    assert!(refused > 0, "{POLLS} polls at once and none was refused");
}
