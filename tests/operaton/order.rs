//! The example on its process: completes, takes the boundary event, fails into an incident.

use serde_json::{Value, json};

use crate::engine::{Home, SOON, example_manifest, long, on_engine, text};

const CARD: &str = "4111111111111111";

fn order(amount: Value) -> Value {
    json!({"amount": amount, "currency": text("EUR"), "card": text(CARD)})
}

fn host() -> Home {
    let home = Home::new();
    // A short lock: the tests here share the topic, and a host that ends may hold a task of another test.
    let manifest = example_manifest().replace("R3/PT10S", "R2/PT0.5S").replace("\"60s\"", "\"5s\"");
    home.drop_plugin("check-payment", "check-payment", &manifest);
    home
}

#[test]
fn an_instance_completes_with_the_right_variables_and_a_bpmn_error_takes_its_boundary_event() {
    on_engine(async |engine| {
        let home = host();
        let _host = home.start(engine.base_url());
        let paid = engine.start_instance("order", Some("o-1"), &order(long(250))).await.expect("started");
        let refused = engine.start_instance("order", Some("o-2"), &order(long(25_000))).await.expect("started");

        let passed = engine.await_completed(&paid, SOON).await.expect("completed");
        assert_eq!(passed.last().map(String::as_str), Some("accepted"));
        let variables = engine.historic_variables(&paid).await.expect("variables");
        assert_eq!(variables["charged"]["type"], "Double");
        assert_eq!(variables["charged"]["value"], 250.0);
        assert_eq!(variables["paymentId"]["value"], format!("PAY-{paid}"));

        let passed = engine.await_completed(&refused, SOON).await.expect("completed");
        assert_eq!(passed.last().map(String::as_str), Some("rejected"));
        let variables = engine.historic_variables(&refused).await.expect("variables");
        assert!(variables.contains_key("rejectedBecause"), "{variables:?}");
        assert!(!variables.contains_key("paymentId"), "{variables:?}");
    });
}

#[test]
fn a_failing_handler_counts_its_retries_down_to_an_incident_with_our_message() {
    on_engine(async |engine| {
        let home = host();
        let _host = home.start(engine.base_url());
        let instance = engine.start_instance("order", None, &json!({"card": text(CARD)})).await.expect("started");
        let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
        let message = incident["incidentMessage"].as_str().expect("a message");
        assert!(message.starts_with("check-payment (version ") && message.contains("amount"), "{message}");
        let log = engine.external_task_log(&instance).await.expect("the log");
        // The engine notes what was left before each failure; a task that never failed has none noted.
        let failures: Vec<_> =
            log.iter().filter(|it| it["failureLog"] == true).map(|it| it["retries"].clone()).collect();
        assert_eq!(failures, [json!(null), json!(2), json!(1)], "{log:#?}");
    });
}

#[test]
fn a_trap_ends_in_an_incident_whose_details_hold_the_guests_backtrace() {
    on_engine(async |engine| {
        let home = Home::new();
        home.drop_plugin("probe", "always-fails", "retry = \"R1/PT0.5S\"\n");
        let _host = home.start(engine.base_url());
        let variables = json!({"behaviour": text("trap"), "text": text("no such card")});
        let instance = engine.start_instance("retry", None, &variables).await.expect("started");
        let incident = engine.await_incident(&instance, SOON).await.expect("an incident");
        let message = incident["incidentMessage"].as_str().expect("a message");
        assert!(message.contains("trap: unreachable code") && message.contains("no such card"), "{message}");
        let details = engine.error_details(incident["configuration"].as_str().expect("a task")).await.expect("details");
        assert!(details.contains("probe::harm::trap"), "{details}");
    });
}
