//! Handlers that fail end in an incident that says why.

use serde_json::json;

use crate::engine::{Engine, Home, SOON, example_manifest, on_both_engines, text};

on_both_engines!(
    a_failing_handler_counts_its_retries_down_to_an_incident_with_our_message,
    a_trap_ends_in_an_incident_whose_details_hold_the_guests_backtrace,
);

async fn a_failing_handler_counts_its_retries_down_to_an_incident_with_our_message(engine: Engine) {
    engine.deploy_topic("retries").await;
    let home = Home::new();
    let manifest = example_manifest().replace("\"check-payment\"", "\"retries\"").replace("R3/PT10S", "R2/PT0.5S");
    home.drop_plugin("check-payment", "retries", &manifest);
    let _host = home.start(engine.base_url());
    let variables = json!({"card": text("4111111111111111")});
    let instance = engine.start_instance("retries", None, &variables).await.expect("started");
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.starts_with("retries (version ") && message.contains("amount"), "{message}");
    let log = engine.external_task_log(&instance).await.expect("the log");
    // The engine notes what was left before each failure; a task that never failed has none noted.
    let failures: Vec<_> = log.iter().filter(|it| it["failureLog"] == true).map(|it| it["retries"].clone()).collect();
    assert_eq!(failures, [json!(null), json!(2), json!(1)], "{log:#?}");
}

async fn a_trap_ends_in_an_incident_whose_details_hold_the_guests_backtrace(engine: Engine) {
    engine.deploy_topic("always-fails").await;
    let home = Home::new();
    home.drop_plugin("probe", "always-fails", "retry = \"R1/PT0.5S\"\n");
    let _host = home.start(engine.base_url());
    let variables = json!({"behaviour": text("trap"), "text": text("no such card")});
    let instance = engine.start_instance("always-fails", None, &variables).await.expect("started");
    let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
    let message = incident["incidentMessage"].as_str().expect("a message");
    assert!(message.contains("trap: unreachable code") && message.contains("no such card"), "{message}");
    let details = engine.error_details(incident["configuration"].as_str().expect("a task")).await.expect("details");
    assert!(details.contains("probe::harm::trap"), "{details}");
}
