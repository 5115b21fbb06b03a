//! The example on its process: completes, or takes the boundary event. It needs BPMN, so a real engine.

use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, example_manifest, long, on_real_engine, text};

const CARD: &str = "4111111111111111";

fn order(amount: Value) -> Value {
    json!({"amount": amount, "currency": text("EUR"), "card": text(CARD)})
}

fn host() -> Home {
    let home = Home::new();
    home.drop_plugin("check-payment", "check-payment", &example_manifest());
    home
}

on_real_engine!(an_instance_completes_with_the_right_variables_and_a_bpmn_error_takes_its_boundary_event,);

async fn an_instance_completes_with_the_right_variables_and_a_bpmn_error_takes_its_boundary_event(engine: Engine) {
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
}
