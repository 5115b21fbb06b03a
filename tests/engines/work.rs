//! Work on an engine: every type, long tasks, and a plugin replaced under load.

use std::time::Duration;

use fetchlock_harness::samples::{self, Sample};
use serde_json::json;

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(
    every_value_goes_through_a_handler_and_the_engine_unchanged,
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
