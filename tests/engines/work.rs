//! Work on an engine: every type, long tasks, and a plugin replaced under load.

use std::time::Duration;

use fetchlock_harness::samples::{self, Sample};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    every_value_goes_through_a_handler_and_the_engine_unchanged,
    a_date_is_the_same_moment_whatever_offset_it_is_written_with,
    an_object_is_what_the_manifest_asks_the_engine_for,
    a_task_that_runs_longer_than_its_lock_runs_once,
    a_plugin_replaced_while_500_instances_run_loses_and_doubles_none,
);

async fn every_value_goes_through_a_handler_and_the_engine_unchanged(engine: Engine) {
    engine.deploy_topic("values").await;
    let home = Home::new();
    home.drop_plugin("probe", "values", "");
    let _host = home.start(engine.base_url());
    let mut values = samples::variables();
    values["behaviour"] = text("complete");
    let instance = engine.start_instance("values", None, &values).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    for Sample { name, variable: asked, not_kept } in samples::samples() {
        let (kept, back) = (&variables[name], &variables[&format!("out-{name}")]);
        assert_eq!(back, kept, "{name}");
        // Of contents a list shows nothing.
        let has_content = matches!(asked["type"].as_str(), Some("File" | "Bytes"));
        if not_kept.is_none() && !has_content {
            assert_eq!(kept["value"].to_string(), asked["value"].to_string(), "{name}");
        }
    }
}

/// The moment of a Date as the engine writes it.
fn moment(date: &Value) -> Timestamp {
    let text = date.as_str().expect("a date");
    let read = Zoned::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text);
    read.unwrap_or_else(|why| panic!("{text}: {why}")).timestamp()
}

async fn a_date_is_the_same_moment_whatever_offset_it_is_written_with(engine: Engine) {
    engine.deploy_topic("dates").await;
    let home = Home::new();
    home.drop_plugin("probe", "dates", "");
    let _host = home.start(engine.base_url());
    let date = json!({"type": "Date", "value": "2026-11-21T10:11:12.345+0530"});
    let instance = engine.start_instance("dates", None, &json!({"behaviour": text("complete"), "east": date})).await;
    let instance = instance.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    for name in ["east", "out-east"] {
        assert_eq!(moment(&variables[name]["value"]), "2026-11-21T04:41:12.345Z".parse().expect("a moment"), "{name}");
    }
    // Written by the handler, three and a half hours behind UTC.
    let variables = json!({"behaviour": text("date"), "n": long(1_795_000_000_123)});
    let instance = engine.start_instance("dates", None, &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    assert_eq!(moment(&variables["moment"]["value"]).as_millisecond(), 1_795_000_000_123);
    assert_eq!(variables["moment"]["type"], "Date");
}

/// What a handler sees of a variable.
async fn seen(engine: &Engine, topic: &str, variable: Value) -> String {
    let variables = json!({"behaviour": text("values"), "it": variable});
    let instance = engine.start_instance(topic, None, &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    let variables = engine.historic_variables(&instance).await.expect("variables");
    variables["saw-it"]["value"].as_str().expect("a text").to_owned()
}

async fn an_object_is_what_the_manifest_asks_the_engine_for(engine: Engine) {
    let map = json!({"type": "Object", "value": "{\"k\":1}", "valueInfo":
        {"objectTypeName": "java.util.LinkedHashMap", "serializationDataFormat": "application/json"}});
    let home = Home::new();
    for (topic, manifest) in [("serialized", ""), ("deserialized", "deserialize-values = true\n")] {
        engine.deploy_topic(topic).await;
        home.drop_plugin("probe", topic, manifest);
    }
    let _host = home.start(engine.base_url());
    let (serialized, deserialized) =
        (seen(&engine, "serialized", map.clone()).await, seen(&engine, "deserialized", map).await);
    let object = r#"Some(Value::Object(Object { type-name: "java.util.LinkedHashMap", format: "application/json", text: "{\"k\":1}" }))"#;
    assert_eq!(serialized, object);
    // No longer the value that it was, so it is none of the contract's Objects.
    let other = r#"Some(Value::Other(Other { type-name: "Object", value: "{\"k\":1}", "#;
    assert!(deserialized.starts_with(other), "{deserialized}");

    // A value without a type that is a list becomes an object of Java, on a real engine in Java's own serialisation.
    let list = json!({"value": [1, 2]});
    let format = match engine {
        Engine::Embedded(_) => "application/json",
        Engine::Real(_) => "application/x-java-serialized-object",
    };
    let told = seen(&engine, "serialized", list.clone()).await;
    let object =
        format!("Some(Value::Object(Object {{ type-name: \"java.util.ArrayList\", format: \"{format}\", text: ");
    assert!(told.starts_with(&object), "{told}");
    let variables = json!({"behaviour": text("complete"), "it": list});
    let instance = engine.start_instance("serialized", None, &variables).await.expect("started");
    if let Engine::Real(_) = engine {
        // As it comes, an engine gives such a value and takes none.
        let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
        let message = incident["incidentMessage"].as_str().expect("a message");
        assert!(message.contains("Java serialization format is prohibited"), "{message}");
    } else {
        engine.await_completed(&instance, SOON).await.expect("completed");
        let variables = engine.historic_variables(&instance).await.expect("variables");
        assert_eq!(variables["out-it"], variables["it"]);
    }
}

async fn a_task_that_runs_longer_than_its_lock_runs_once(engine: Engine) {
    engine.deploy_topic("slow").await;
    let home = Home::new();
    home.drop_plugin("probe", "slow", "lock-duration = \"2s\"\n");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("complete-slowly"), "n": long(5_000)});
    let instance = engine.start_instance("slow", None, &variables).await.expect("started");
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.historic_variables(&instance).await.expect("variables")["slept"]["value"], 5_000);
    // One entry for its creation, one for its success: nobody failed or took it over in between.
    assert_eq!(engine.external_task_log(&instance).await.expect("the log").len(), 2);
}

async fn a_plugin_replaced_while_500_instances_run_loses_and_doubles_none(engine: Engine) {
    const INSTANCES: usize = 500;
    engine.deploy_topic("bulk").await;
    let home = Home::new();
    // Slow enough for the replacement to come while most are still to be done, on the quickest engine too.
    let manifest = "max-concurrent = 16\n[config]\nsleep-ms = \"150\"\n";
    home.drop_plugin("versioned-v1", "bulk", manifest);
    let host = home.start(engine.base_url());
    let replace = async {
        let some = engine.await_finished_count("bulk", 50, SOON).await;
        some.expect("under way");
        home.drop_component("versioned-v2", "bulk");
    };
    let (ids, ()) = tokio::join!(engine.start_instances("bulk", INSTANCES, |_| json!({})), replace);
    let ids = ids.expect("started");
    engine.await_finished_count("bulk", INSTANCES as u64, SOON).await.expect("all finished");
    host.await_text("\"replaces\"", Duration::from_secs(10)).await.expect("replaced");
    let set = engine.get("/history/variable-instance?processDefinitionKey=bulk&variableName=build").await;
    let set = set.expect("variables").as_array().cloned().expect("a list");
    let mut builds = std::collections::BTreeMap::<String, usize>::new();
    for id in &ids {
        let variable = set.iter().find(|variable| variable["processInstanceId"] == id.as_str());
        *builds.entry(variable.expect("a variable of each")["value"].to_string()).or_default() += 1;
    }
    assert_eq!(builds.values().sum::<usize>(), INSTANCES, "{builds:?}");
    assert_eq!(builds.len(), 2, "both versions worked: {builds:?}");
    let completions = host.log_lines().iter().filter(|line| line["message"] == "completed").count();
    assert_eq!(completions, INSTANCES, "each was completed once");
    for word in ["handler failed", "dropped", "plugin refused"] {
        assert!(!host.logs().contains(word), "{word}");
    }
}
