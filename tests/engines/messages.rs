//! Messages and starts for which an engine needs BPMN, on the real one.

use fetchlock_harness::engine_client::HistoryState;
use serde_json::{Value, json};

use crate::{
    calls::{host, id, verdict},
    engine::{Engine, Home, long, on_real_engine, text},
};

on_real_engine!(
    a_message_reaches_the_instance_that_its_criteria_mean,
    a_message_starts_the_process_that_starts_with_it,
    a_process_that_is_not_deployed_is_told_from_one_that_is_suspended,
);

async fn deploy_waiting(engine: &Engine, key: &str) {
    engine.deploy(key, &include_str!("message.bpmn").replace("KEY", key)).await;
}

async fn is_completed(engine: &Engine, instance: &str) -> bool {
    engine.history_state(instance).await.expect("a state") == HistoryState::Completed
}

async fn a_message_reaches_the_instance_that_its_criteria_mean(engine: Engine) {
    engine.deploy_topic("sender").await;
    deploy_waiting(&engine, "receiver").await;
    let home = Home::new();
    let _host = host(&engine, &home, "sender", "correlate-message = [\"receiver-go-on\"]");
    let send = async |mut variables: Value| {
        variables["message"] = text("receiver-go-on");
        verdict(&engine, "sender", "correlate-message", variables).await
    };
    let wait = async |business_key: &str, n: i64| {
        let variables = json!({"n": long(n)});
        engine.start_instance("receiver", Some(business_key), &variables).await.expect("started")
    };
    let (by_key, by_id, by_variable) = (wait("b1", 1).await, wait("b2", 2).await, wait("b2", 3).await);

    let ambiguous = send(json!({"businessKey": text("b2")})).await;
    assert!(ambiguous.starts_with("ambiguous: ENGINE-13031 Cannot correlate a message"), "{ambiguous}");
    assert!(send(json!({"businessKey": text("b3")})).await.starts_with("no-match: "), "nobody has this key");

    let variables = json!({"businessKey": text("b1"), "pass-paid": long(12), "passLocal-here": text("x")});
    assert_eq!(send(variables).await, format!("waiting: {by_key}"));
    assert_eq!(engine.historic_variables(&by_key).await.expect("variables")["paid"]["value"], 12);
    assert_eq!(send(json!({"key-n": long(3)})).await, format!("waiting: {by_variable}"));
    assert_eq!(send(json!({"instance": text(&by_id)})).await, format!("waiting: {by_id}"));
    for instance in [&by_key, &by_id, &by_variable] {
        assert!(is_completed(&engine, instance).await, "it went on");
    }

    let (one, other) = (wait("b4", 4).await, wait("b4", 5).await);
    let all = json!({"businessKey": text("b4"), "all": {"type": "Boolean", "value": true}});
    let told = send(all).await;
    assert!(told.contains(&format!("waiting: {one}")) && told.contains(&format!("waiting: {other}")), "{told}");
}

async fn a_message_starts_the_process_that_starts_with_it(engine: Engine) {
    engine.deploy_topic("opener").await;
    deploy_waiting(&engine, "opened").await;
    let home = Home::new();
    let _host = host(&engine, &home, "opener", "correlate-message = [\"opened-begin\"]");
    let variables = json!({"message": text("opened-begin"), "businessKey": text("b1"), "tenant": text("-"),
        "pass-n": long(1)});
    let verdict = verdict(&engine, "opener", "correlate-message", variables).await;
    let instance = engine.get(&format!("/process-instance/{}", id(&verdict, "started"))).await.expect("it runs");
    assert_eq!((&instance["businessKey"], &instance["definitionKey"]), (&json!("b1"), &json!("opened")));
}

async fn a_process_that_is_not_deployed_is_told_from_one_that_is_suspended(engine: Engine) {
    engine.deploy_topic("lost-starter").await;
    let home = Home::new();
    let _host = host(&engine, &home, "lost-starter", "start-process = [\"*\"]");
    let told = async |variables: Value| verdict(&engine, "lost-starter", "start-process", variables).await;
    insta::assert_snapshot!(told(json!({"key": text("not-deployed")})).await, @"no-such-process: No matching process definition with key: not-deployed and no tenant-id");
    let of_tenant = json!({"key": text("lost-starter"), "tenant": text("t9")});
    insta::assert_snapshot!(told(of_tenant).await, @"no-such-process: No matching process definition with key: lost-starter and tenant-id: t9");
    engine.deploy_topic("suspended-process").await;
    let path = "/process-definition/key/suspended-process/suspended";
    let json = [("content-type", "application/json")];
    let answer = engine.send("PUT", path, &json, "{\"suspended\":true}").await.expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.text());
    let rejected = told(json!({"key": text("suspended-process")})).await;
    assert!(rejected.starts_with("rejected: ") && rejected.contains("suspended"), "{rejected}");
}
