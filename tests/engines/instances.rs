//! What happens to instances from outside, and which tasks a plugin takes: suspension, deletion, tenants, business keys,
//! priorities, and what a handler sees of its task.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    a_suspended_instance_is_left_alone_until_it_is_activated,
    an_outcome_for_a_suspended_instance_is_kept_until_it_is_activated,
    a_deleted_instance_cancels_its_handler_and_nothing_is_delivered,
    a_plugin_takes_only_the_tasks_of_its_tenants,
    a_plugin_takes_only_the_tasks_without_a_tenant,
    a_plugin_takes_only_the_tasks_of_its_business_key,
    tasks_run_in_the_order_of_their_priority,
    tasks_run_in_the_order_of_their_creation,
    an_engine_is_spoken_to_by_its_name,
    a_handler_sees_what_the_engine_tells_about_its_task,
);

async fn suspend(engine: &Engine, instance: &str, suspended: bool) {
    let path = format!("/process-instance/{instance}/suspended");
    engine.done("PUT", &path, json!({ "suspended": suspended })).await;
}

fn completing() -> Value {
    json!({"behaviour": text("complete")})
}

async fn a_suspended_instance_is_left_alone_until_it_is_activated(engine: Engine) {
    engine.deploy_topic("suspended").await;
    let home = Home::new();
    home.drop_plugin("probe", "suspended", "");
    let suspended = engine.start_instance("suspended", None, &completing()).await.expect("started");
    suspend(&engine, &suspended, true).await;
    let _host = home.start(engine.base_url());
    let other = engine.start_instance("suspended", None, &completing()).await.expect("started");
    engine.await_completed(&other, SOON).await.expect("the one beside it is done");
    assert_eq!(engine.log_of(&suspended).await, ["creation"]);
    suspend(&engine, &suspended, false).await;
    engine.await_completed(&suspended, SOON).await.expect("completed");
}

async fn an_outcome_for_a_suspended_instance_is_kept_until_it_is_activated(engine: Engine) {
    engine.deploy_topic("suspended-late").await;
    let home = Home::new();
    home.drop_plugin("probe", "suspended-late", "");
    let host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("progress"), "n": long(1_500)});
    let instance = engine.start_instance("suspended-late", None, &variables).await.expect("started");
    engine.await_variable(&instance, "progress").await;
    suspend(&engine, &instance, true).await;
    let kept = host.await_text("not delivered yet", SOON).await.expect("kept");
    assert!(kept.contains("the task is suspended"), "{kept}");
    assert_eq!(engine.log_of(&instance).await, ["creation"], "no failure");
    suspend(&engine, &instance, false).await;
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"]);
}

async fn a_deleted_instance_cancels_its_handler_and_nothing_is_delivered(engine: Engine) {
    engine.deploy_topic("deleted").await;
    let home = Home::new();
    // Short, so that the host soon asks for an extension and learns that the task is gone.
    home.drop_plugin("probe", "deleted", "lock-duration = \"1s\"\n");
    let host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("progress"), "n": long(3_600_000)});
    let instance = engine.start_instance("deleted", None, &variables).await.expect("started");
    engine.await_variable(&instance, "progress").await;
    engine.done("DELETE", &format!("/process-instance/{instance}"), json!({})).await;
    host.await_text("invocation cancelled", SOON).await.expect("cancelled");
    assert_eq!(engine.log_of(&instance).await, ["creation", "deletion"]);
    for word in ["\"completed\"", "failed", "incident"] {
        assert!(!host.logs().contains(word), "{word}: {}", host.logs());
    }
}

/// Starts an instance of a topic for a tenant.
async fn start_for(engine: &Engine, topic: &str, tenant: &str) -> String {
    let path = format!("/process-definition/key/{topic}/tenant-id/{tenant}/start");
    let started = engine.post(&path, &json!({"variables": {"behaviour": text("context")}})).await.expect("started");
    started["id"].as_str().expect("an id").to_owned()
}

async fn a_plugin_takes_only_the_tasks_of_its_tenants(engine: Engine) {
    for tenant in ["a", "b"] {
        engine.deploy_for_tenant("tenants", Some(tenant)).await;
    }
    let home = Home::new();
    home.drop_plugin("probe", "tenants", "[filter]\ntenant-id-in = [\"a\"]\n");
    let _host = home.start(engine.base_url());
    let others = start_for(&engine, "tenants", "b").await;
    let ours = start_for(&engine, "tenants", "a").await;
    engine.await_completed(&ours, SOON).await.expect("completed");
    assert_eq!(engine.historic_variables(&ours).await.expect("variables")["tenant-id"]["value"], "a");
    assert_eq!(engine.log_of(&others).await, ["creation"], "that of the other tenant is not touched");
    assert_eq!(engine.task_of(&others).await["workerId"], Value::Null);
}

async fn a_plugin_takes_only_the_tasks_without_a_tenant(engine: Engine) {
    engine.deploy_topic("no-tenant").await;
    engine.deploy_for_tenant("no-tenant", Some("a")).await;
    let home = Home::new();
    home.drop_plugin("probe", "no-tenant", "[filter]\nwithout-tenant-id = true\n");
    let _host = home.start(engine.base_url());
    let others = start_for(&engine, "no-tenant", "a").await;
    let ours = engine.start_instance("no-tenant", None, &completing()).await.expect("started");
    engine.await_completed(&ours, SOON).await.expect("completed");
    assert_eq!(engine.task_of(&others).await["workerId"], Value::Null, "that of the tenant is not touched");
}

async fn a_plugin_takes_only_the_tasks_of_its_business_key(engine: Engine) {
    engine.deploy_topic("business-key").await;
    let home = Home::new();
    home.drop_plugin("probe", "business-key", "[filter]\nbusiness-key = \"ours\"\n");
    let _host = home.start(engine.base_url());
    let others = engine.start_instance("business-key", Some("theirs"), &completing()).await.expect("started");
    let ours = engine.start_instance("business-key", Some("ours"), &completing()).await.expect("started");
    engine.await_completed(&ours, SOON).await.expect("completed");
    assert_eq!(engine.task_of(&others).await["workerId"], Value::Null, "that of the other key is not touched");
}

async fn tasks_run_in_the_order_of_their_priority(engine: Engine) {
    engine.deploy_topic("priorities").await;
    let mut instances = Vec::new();
    for priority in [3_i64, -1, 20, 7] {
        let variables = json!({"behaviour": text("complete-slowly"), "n": long(50)});
        let instance = engine.start_instance("priorities", None, &variables).await.expect("started");
        let task = engine.task_of(&instance).await;
        let path = format!("/external-task/{}/priority", task["id"].as_str().expect("an id"));
        engine.done("PUT", &path, json!({ "priority": priority })).await;
        instances.push((priority, instance));
    }
    let home = Home::new();
    home.drop_plugin("probe", "priorities", "");
    let host = home.builder(engine.base_url()).setting("worker.max-concurrent", "1");
    let _host = host.setting("engine.use-priority", "true").start().expect("the host starts");
    let mut done = Vec::new();
    for (priority, instance) in instances {
        engine.await_completed(&instance, SOON).await.expect("completed");
        let ended = engine.get(&format!("/history/process-instance/{instance}")).await.expect("told");
        done.push((ended["endTime"].as_str().expect("a time").to_owned(), priority));
    }
    done.sort_unstable();
    let order: Vec<i64> = done.into_iter().map(|(_, priority)| priority).collect();
    assert_eq!(order, [20, 7, 3, -1]);
}

async fn tasks_run_in_the_order_of_their_creation(engine: Engine) {
    for (topic, order) in [("oldest", "oldest-first"), ("newest", "newest-first")] {
        engine.deploy_topic(topic).await;
        let mut instances = Vec::new();
        for _ in 0..4 {
            let variables = json!({"behaviour": text("complete-slowly"), "n": long(50)});
            instances.push(engine.start_instance(topic, None, &variables).await.expect("started"));
            // The engine notes milliseconds.
            sleep(Duration::from_millis(3)).await;
        }
        let home = Home::new();
        home.drop_plugin("probe", topic, "");
        let host = home.builder(engine.base_url()).setting("worker.max-concurrent", "1");
        let _host = host.setting("worker.fetch-order", &format!("{order:?}")).start().expect("the host starts");
        let mut done = Vec::new();
        for (number, instance) in instances.iter().enumerate() {
            engine.await_completed(instance, SOON).await.expect("completed");
            let ended = engine.get(&format!("/history/process-instance/{instance}")).await.expect("told");
            done.push((ended["endTime"].as_str().expect("a time").to_owned(), number));
        }
        done.sort_unstable();
        let numbers: Vec<usize> = done.into_iter().map(|(_, number)| number).collect();
        assert_eq!(numbers, if topic == "oldest" { [0, 1, 2, 3] } else { [3, 2, 1, 0] }, "{order}");
    }
}

async fn an_engine_is_spoken_to_by_its_name(engine: Engine) {
    for (topic, path) in [("named-engine", "/engine/default"), ("named-with-slash", "/engine/default/")] {
        engine.deploy_topic(topic).await;
        let home = Home::new();
        home.drop_plugin("probe", topic, "");
        let _host = home.start(&format!("{}{path}", engine.base_url()));
        // A fetch, variables while running, and an outcome.
        let variables = json!({"behaviour": text("progress")});
        let instance = engine.start_instance(topic, None, &variables).await.expect("started");
        engine.await_completed(&instance, SOON).await.expect("completed");
        let seen = engine.historic_variables(&instance).await.expect("variables");
        assert_eq!((&seen["processVerdict"]["value"], &seen["localVerdict"]["value"]), (&json!("ok"), &json!("ok")));
        // And a download.
        let file = json!({"type": "File", "value": "ZmlsZSBib2R5", "valueInfo": {"filename": "a"}});
        let variables = json!({"behaviour": text("load-file"), "file": file});
        let instance = engine.start_instance(topic, None, &variables).await.expect("started");
        engine.await_completed(&instance, SOON).await.expect("completed");
        assert_eq!(engine.historic_variables(&instance).await.expect("variables")["length"]["value"], 9);
    }
}

async fn a_handler_sees_what_the_engine_tells_about_its_task(engine: Engine) {
    engine.deploy_topic("context").await;
    let variables = json!({"behaviour": text("context")});
    let instance = engine.start_instance("context", Some("order-7"), &variables).await.expect("started");
    let task = engine.task_of(&instance).await;
    let home = Home::new();
    home.drop_plugin("probe", "context", "");
    let _host = home.start(engine.base_url());
    engine.await_completed(&instance, SOON).await.expect("completed");
    let seen = engine.historic_variables(&instance).await.expect("variables");
    for (field, told) in [
        ("id", "id"),
        ("topic", "topicName"),
        ("business-key", "businessKey"),
        ("activity-id", "activityId"),
        ("activity-instance-id", "activityInstanceId"),
        ("execution-id", "executionId"),
        ("process-instance-id", "processInstanceId"),
        ("process-definition-id", "processDefinitionId"),
        ("process-definition-key", "processDefinitionKey"),
        ("process-definition-version-tag", "processDefinitionVersionTag"),
        ("tenant-id", "tenantId"),
        ("retries", "retries"),
    ] {
        assert_eq!(seen[field]["value"], task[told], "{field}");
    }
    assert_eq!(seen["business-key"]["value"], "order-7");
    assert_eq!(seen["priority"]["value"], "0");
    assert_ne!(seen["worker-id"]["value"], Value::Null);
    assert_ne!(seen["create-time"]["value"], Value::Null);
}
