//! Filters: each plugin gets the tasks that it asks for, also where several share a topic.

use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, on_both_engines, text};

on_both_engines!(
    plugins_that_share_a_topic_by_business_key_each_get_their_own_tasks,
    plugins_that_share_a_topic_by_tenant_each_get_their_own_tasks,
    each_field_of_a_filter_takes_its_tasks_and_no_others,
);

/// Puts a plugin of a topic into the plugin directory.
fn drop_shared(home: &Home, name: &str, build: &str, topic: &str, filter: &str) {
    home.drop_plugin(&format!("versioned-{build}"), name, &format!("topic = \"{topic}\"\n[filter]\n{filter}\n"));
}

async fn build_of(engine: &Engine, instance: &str) -> Value {
    engine.await_completed(instance, SOON).await.expect("completed");
    engine.historic_variables(instance).await.expect("variables")["build"]["value"].clone()
}

async fn start_for(engine: &Engine, topic: &str, tenant: Option<&str>, body: Value) -> String {
    let tenant = tenant.map(|tenant| format!("/tenant-id/{tenant}")).unwrap_or_default();
    let started = engine.post(&format!("/process-definition/key/{topic}{tenant}/start"), &body).await;
    started.expect("started")["id"].as_str().expect("an id").to_owned()
}

async fn plugins_that_share_a_topic_by_business_key_each_get_their_own_tasks(engine: Engine) {
    const TOPIC: &str = "shared-by-key";
    engine.deploy_topic(TOPIC).await;
    let home = Home::new();
    drop_shared(&home, "one", "v1", TOPIC, "business-key = \"one\"");
    drop_shared(&home, "two", "v2", TOPIC, "business-key = \"two\"");
    let _host = home.start(engine.base_url());
    let mut expected = Vec::new();
    for _ in 0..10 {
        for (key, build) in [("one", "v1"), ("two", "v2")] {
            let instance = engine.start_instance(TOPIC, Some(key), &json!({})).await.expect("started");
            expected.push((instance, build));
        }
    }
    for (instance, build) in expected {
        assert_eq!(build_of(&engine, &instance).await, build);
    }
}

async fn plugins_that_share_a_topic_by_tenant_each_get_their_own_tasks(engine: Engine) {
    const TOPIC: &str = "shared-by-tenant";
    for tenant in [None, Some("acme"), Some("initech")] {
        engine.deploy_for_tenant(TOPIC, tenant).await;
    }
    let home = Home::new();
    drop_shared(&home, "tenants", "v1", TOPIC, "tenant-id-in = [\"acme\", \"initech\"]");
    drop_shared(&home, "nobody", "v2", TOPIC, "without-tenant-id = true");
    let _host = home.start(engine.base_url());
    for (tenant, build) in [(Some("acme"), "v1"), (None, "v2"), (Some("initech"), "v1")] {
        let instance = start_for(&engine, TOPIC, tenant, json!({})).await;
        assert_eq!(build_of(&engine, &instance).await, build, "{tenant:?}");
    }
}

async fn each_field_of_a_filter_takes_its_tasks_and_no_others(engine: Engine) {
    let integer = |value: i64| json!({"type": "Integer", "value": value});
    // The filter, with TOPIC and DEFINITION to be replaced; what is started that it takes, and that it does not.
    let cases = [
        ("business-key = \"a\"", json!({"businessKey": "a"}), Some(json!({"businessKey": "b"}))),
        ("process-definition-id = \"DEFINITION\"", json!({}), None),
        ("process-definition-id-in = [\"x\", \"DEFINITION\"]", json!({}), None),
        ("process-definition-key = \"TOPIC\"", json!({}), None),
        ("process-definition-key-in = [\"x\", \"TOPIC\"]", json!({}), None),
        ("without-tenant-id = true", json!({}), None),
        (
            "process-variables = { n = 7, open = true }",
            json!({"variables": {"n": integer(7)}}),
            Some(json!({"variables": {"n": integer(8)}})),
        ),
        (
            "process-variables = { half = 0.5 }",
            json!({"variables": {"half": {"type": "Double", "value": 0.5}}}),
            Some(json!({"variables": {"half": text("0.5")}})),
        ),
        (
            "process-variables = { big = 3000000000 }",
            json!({"variables": {"big": {"type": "Long", "value": 3_000_000_000_i64}}}),
            Some(json!({"variables": {"big": integer(30)}})),
        ),
        (
            "process-variables = { card = { null = true } }",
            json!({"variables": {"card": {"type": "Null", "value": null}}}),
            Some(json!({"variables": {"card": text("4111")}})),
        ),
    ];
    let home = Home::new();
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for (number, (filter, fits, does_not)) in cases.into_iter().enumerate() {
        let topic = format!("filter-{number}");
        engine.deploy_topic(&topic).await;
        let definition = engine.get(&format!("/process-definition/key/{topic}")).await.expect("a definition");
        let definition = definition["id"].as_str().expect("an id").to_owned();
        let filter = filter.replace("TOPIC", &topic).replace("DEFINITION", &definition);
        // First the one that must stay: it would be fetched first.
        if let Some(does_not) = does_not {
            left.push((filter.clone(), start_for(&engine, &topic, None, does_not).await));
        }
        taken.push((filter.clone(), start_for(&engine, &topic, None, fits).await));
        home.drop_plugin("versioned-v1", &topic, &format!("[filter]\n{filter}\n"));
    }
    // What these filters take is nowhere.
    for (number, filter) in ["process-definition-version-tag = \"%\"", "tenant-id-in = [\"nope\"]"].iter().enumerate() {
        let topic = format!("filter-nothing-{number}");
        engine.deploy_topic(&topic).await;
        left.push(((*filter).to_owned(), start_for(&engine, &topic, None, json!({})).await));
        home.drop_plugin("versioned-v1", &topic, &format!("[filter]\n{filter}\n"));
    }
    let host = home.start(engine.base_url());
    for (filter, instance) in taken {
        let done = engine.await_completed(&instance, SOON).await;
        done.unwrap_or_else(|error| panic!("{filter}: {error:#}\n{}", host.logs()));
    }
    for (filter, instance) in left {
        assert!(!engine.instance_ended(&instance).await.expect("known"), "{filter}");
    }
}
