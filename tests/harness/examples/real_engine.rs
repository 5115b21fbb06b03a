//! The real engine, driven through every method that the black-box tests use. Run it by hand when the harness or the
//! engine changes: `cargo run -p fetchlock-harness --example real_engine`. (No test, because the black-box tests of package
//! `fetchlock` drive the same in each run.)

use std::time::Duration;

use anyhow::{Context, Result};
use fetchlock_harness::engine_client::HistoryState;
use fetchlock_harness::real_engine::{RealEngine, Setup};
use serde_json::{Value, json};

/// Far more than any step here takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// Fetches one task of a topic; its id.
async fn fetch(engine: &RealEngine, topic: &str) -> Result<String> {
    let body = json!({"workerId": "hand", "maxTasks": 1, "topics": [{"topicName": topic, "lockDuration": 60_000}]});
    let tasks = engine.post("/external-task/fetchAndLock", &body).await?;
    tasks[0]["id"].as_str().map(str::to_owned).with_context(|| format!("no task of topic {topic}: {tasks}"))
}

#[tokio::main]
async fn main() -> Result<()> {
    let engine = RealEngine::start(Setup { auth: true, ..Setup::OPERATON }).await?;

    let variables =
        json!({"amount": {"type": "Double", "value": 1.5}, "order": {"type": "Json", "value": "{\"a\":1}"}});
    let order = engine.start_instance("order", Some("bk"), &variables).await?;
    assert_eq!(engine.history_state(&order).await?, HistoryState::Active);
    let task = fetch(&engine, "check-payment").await?;
    let done = json!({"workerId": "hand", "variables": {"paymentId": {"type": "String", "value": "p"}}});
    engine.post(&format!("/external-task/{task}/complete"), &done).await?;
    assert_eq!(engine.await_completed(&order, DEADLINE).await?, ["start", "check-payment", "accepted"]);
    assert_eq!(engine.historic_variables(&order).await?["paymentId"]["value"], "p");
    let log = engine.external_task_log(&order).await?;
    assert_eq!(log.iter().filter(|entry| entry["successLog"] == json!(true)).count(), 1);

    let order = engine.start_instance("order", None, &variables).await?;
    let task = fetch(&engine, "check-payment").await?;
    let error = json!({"workerId": "hand", "errorCode": "PAYMENT_REJECTED", "errorMessage": "too much"});
    engine.post(&format!("/external-task/{task}/bpmnError"), &error).await?;
    let passed = engine.await_completed(&order, DEADLINE).await?;
    assert_eq!(passed.last().map(String::as_str), Some("rejected"), "{passed:?}");
    assert_eq!(engine.historic_variables(&order).await?["rejectionReason"]["value"], "too much");

    for topic in ["retry", "bulk", "slow"] {
        engine.deploy_topic(topic, None).await?;
    }
    let retry = engine.start_instance("retry", None, &json!({})).await?;
    let task = fetch(&engine, "retry").await?;
    let failure = json!({"workerId": "hand", "errorMessage": "no more", "errorDetails": "why", "retries": 0});
    engine.post(&format!("/external-task/{task}/failure"), &failure).await?;
    let incident = engine.await_incident(&retry, DEADLINE).await?;
    assert_eq!((&incident["incidentMessage"], &incident["configuration"]), (&json!("no more"), &json!(task)));
    assert_eq!(engine.error_details(&task).await?, "why");
    engine.set_retries(&task, 1).await?;
    assert!(engine.incidents(&retry).await?.is_empty());
    assert_eq!(engine.delete_instances("retry").await?, 1);
    assert_eq!(engine.history_state(&retry).await?, HistoryState::Deleted);

    let bulk = engine.start_instances("bulk", 25, |number| json!({"n": {"type": "Integer", "value": number}})).await?;
    assert_eq!(engine.historic_variables(&bulk[7]).await?["n"]["value"], 7);
    let query = json!({"topicName": "bulk"});
    engine.await_external_tasks(&query, DEADLINE, |count| count == 25).await?;
    for _ in 0..2 {
        let task = fetch(&engine, "bulk").await?;
        engine.post(&format!("/external-task/{task}/complete"), &json!({"workerId": "hand"})).await?;
    }
    engine.await_finished_count("bulk", 2, DEADLINE).await?;
    let log = json!({"processDefinitionKey": "bulk", "successLog": true});
    assert_eq!(engine.external_task_log_count(&log).await?, 2);
    assert_eq!(engine.delete_instances("bulk").await?, 23);

    fetch(&engine, "slow").await.expect_err("nothing was started");
    engine.start_instance("slow", None, &Value::Null).await?;
    fetch(&engine, "slow").await.map(drop)
}
