//! The component itself, in the sandbox of production.

use fetchlock_test::{Case, json, long};

const CARD: &str = "4111 1111 1111 1111";

#[test]
fn a_payment_is_charged_once_whatever_the_type_of_its_amount() {
    for amount in [30.into(), long(30), 30.0.into()] {
        let ran = Case::of_project()
            .task("process-instance-id", "7a")
            .variable("amount", amount)
            .variable("card", CARD)
            .run();
        assert_eq!(ran.outcome, "complete", "{ran}");
        assert_eq!(ran.value("paymentId"), "PAY-7a");
        assert_eq!(ran.variables["charged"].type_name, "Double");
    }
}

#[test]
fn an_order_of_another_shape_is_told() {
    let ran = Case::of_project().variable("amount", 30).variable("card", CARD).variable("order", json("[1]")).run();
    assert_eq!(ran.outcome, "failure", "{ran}");
    assert_eq!(ran.retry.as_deref(), Some("policy"));
    assert!(ran.message.is_some_and(|message| message.starts_with("variable `order`: the Json does not fit")));
}

#[test]
fn the_log_shows_the_last_digits_of_a_card_only() {
    let ran = Case::of_project().variable("amount", 30).variable("card", CARD).run();
    assert!(ran.has_logged("info", "payment checked"));
    assert_eq!(ran.logs[0].fields["card"], "…1111");
}
