//! Handlers that start processes and send messages.

use fetchlock_harness::fetchlock::Fetchlock;
use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    a_handler_starts_a_process_with_variables_and_a_business_key,
    a_process_is_not_started_while_one_runs_under_the_business_key,
    a_message_that_nobody_waits_for_is_no_match,
);

/// A host whose probe, serving `topic`, may do what is granted on both sides.
pub(crate) fn host(engine: &Engine, home: &Home, topic: &str, grants: &str) -> Fetchlock {
    home.drop_plugin("probe", topic, &format!("[grants]\n{grants}\n"));
    home.builder(engine.base_url()).toml(&format!("[grants.{topic}]\n{grants}")).start().expect("the host starts")
}

/// Has the probe do something, and awaits its verdict.
pub(crate) async fn verdict(engine: &Engine, topic: &str, behaviour: &str, mut variables: Value) -> String {
    variables["behaviour"] = text(behaviour);
    let instance = engine.start_instance(topic, None, &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    variables["verdict"]["value"].as_str().expect("a verdict").to_owned()
}

/// The id behind a word of a verdict.
pub(crate) fn id<'a>(verdict: &'a str, word: &str) -> &'a str {
    verdict.strip_prefix(word).and_then(|rest| rest.strip_prefix(": ")).unwrap_or_else(|| panic!("{verdict}"))
}

async fn a_handler_starts_a_process_with_variables_and_a_business_key(engine: Engine) {
    engine.deploy_topic("starter").await;
    engine.deploy_topic("started").await;
    let home = Home::new();
    let _host = host(&engine, &home, "starter", "start-process = [\"started\"]");
    let variables = json!({"key": text("started"), "businessKey": text("b-1"), "pass-sum": long(9_007_199_254_740_993),
        "pass-note": text("h\u{e9}llo")});
    let verdict = verdict(&engine, "starter", "start-process", variables).await;
    let new = id(&verdict, "new");
    let instance = engine.get(&format!("/process-instance/{new}")).await.expect("it runs");
    assert_eq!((&instance["businessKey"], &instance["definitionKey"]), (&json!("b-1"), &json!("started")));
    let variables = engine.historic_variables(new).await.expect("variables");
    assert_eq!(variables["sum"]["value"], json!(9_007_199_254_740_993_i64));
    assert_eq!(variables["sum"]["type"], "Long");
    assert_eq!(variables["note"]["value"], "h\u{e9}llo");
    assert_eq!(variables.len(), 2, "no more than the handler gave");
}

async fn a_process_is_not_started_while_one_runs_under_the_business_key(engine: Engine) {
    engine.deploy_topic("once-starter").await;
    engine.deploy_topic("once").await;
    engine.deploy_for_tenant("once", Some("t1")).await;
    let home = Home::new();
    let _host = host(&engine, &home, "once-starter", "start-process = [\"*\"]");
    let unless = json!({"type": "Boolean", "value": true});
    let once = json!({"key": text("once"), "businessKey": text("b-1"), "unlessRunning": unless});
    let start = async |variables: &Value| verdict(&engine, "once-starter", "start-process", variables.clone()).await;

    let first = start(&once).await;
    let first = id(&first, "new");
    assert_eq!(id(&start(&once).await, "running"), first);
    engine
        .send(
            "PUT",
            &format!("/process-instance/{first}/suspended"),
            &[("content-type", "application/json")],
            "{\"suspended\":true}",
        )
        .await
        .expect("suspended");
    assert_eq!(id(&start(&once).await, "running"), first, "what is suspended has not ended");

    // Another business key, another tenant, another process: nothing of them runs.
    let mut other = once.clone();
    other["businessKey"] = text("b-2");
    id(&start(&other).await, "new");
    let mut other = once.clone();
    other["tenant"] = text("t1");
    let of_tenant = start(&other).await;
    assert_eq!(id(&start(&other).await, "running"), id(&of_tenant, "new"));

    engine.delete_instances("once").await.expect("ended");
    let second = start(&once).await;
    assert_ne!(id(&second, "new"), first, "the first has ended");
}

async fn a_message_that_nobody_waits_for_is_no_match(engine: Engine) {
    engine.deploy_topic("nobody").await;
    let home = Home::new();
    let _host = host(&engine, &home, "nobody", "correlate-message = [\"nobody-waits\"]");
    let verdict = async |variables: Value| verdict(&engine, "nobody", "correlate-message", variables).await;
    let expected = "no-match: Cannot correlate message 'nobody-waits': No process definition or execution matches the \
                    parameters";
    assert_eq!(verdict(json!({"message": text("nobody-waits")})).await, expected);
    let all = json!({"message": text("nobody-waits"), "all": {"type": "Boolean", "value": true}});
    assert_eq!(verdict(all).await, "", "an empty list of receivers");
}
