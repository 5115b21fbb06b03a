//! Locks: how long one lasts if the handler says so, and what becomes of one that ran out.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::engine::{Engine, Home, SOON, long, on_both_engines, text};

on_both_engines!(a_handler_extends_the_lock_of_its_task, a_lock_that_ran_out_under_a_handler_is_taken_again,);

async fn a_handler_extends_the_lock_of_its_task(engine: Engine) {
    // Far longer than the host's own extensions.
    const EXTENDED: Duration = Duration::from_secs(3_600);
    engine.deploy_topic("extended").await;
    let home = Home::new();
    home.drop_plugin("probe", "extended", "lock-duration = \"30s\"\n");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("extend-lock"), "n": long(3_600_000), "pause": long(2_000)});
    let instance = engine.start_instance("extended", None, &variables).await.expect("started");
    let later = Timestamp::now() + EXTENDED / 2;
    let later = later.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
    let extended = json!({"processInstanceId": instance, "lockExpirationAfter": later});
    engine.await_external_tasks(&extended, SOON, |count| count == 1).await.expect("extended at the engine");
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.historic_variables(&instance).await.expect("variables")["verdict"]["value"], "ok");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"]);
}

async fn a_lock_that_ran_out_under_a_handler_is_taken_again(engine: Engine) {
    engine.deploy_topic("ran-out").await;
    let home = Home::new();
    home.drop_plugin("probe", "ran-out", "lock-duration = \"4s\"\n");
    // One at a time, so that no fetch takes the task again while its handler runs.
    let builder = home.builder(engine.base_url()).setting("worker.max-concurrent", "1");
    let host = builder.start().expect("the host starts");
    let variables = json!({"behaviour": text("progress"), "n": long(6_000)});
    let instance = engine.start_instance("ran-out", None, &variables).await.expect("started");
    engine.await_variable(&instance, "progress").await;
    let held = engine.task_of(&instance).await;
    let path = format!("/external-task/{}/extendLock", held["id"].as_str().expect("an id"));
    engine.done("POST", &path, json!({"workerId": held["workerId"], "newDuration": 1})).await;
    let count = async |query: serde_json::Value| {
        engine.await_external_tasks(&query, SOON, |count| count == 1).await.expect("so");
    };
    count(json!({"processInstanceId": instance, "notLocked": true})).await;
    count(json!({"processInstanceId": instance, "locked": true})).await;
    assert_eq!(engine.task_of(&instance).await["workerId"], held["workerId"], "no other fetch has it");
    engine.await_completed(&instance, SOON).await.expect("completed");
    assert_eq!(engine.log_of(&instance).await, ["creation", "success"], "{}", host.logs());
}
