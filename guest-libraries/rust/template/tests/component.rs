//! The component itself, in the sandbox of production. (`fetchlock test` runs the cases in `plugin/` alike.)

use fetchlock_test::Case;

#[test]
fn an_amount_above_the_limit_is_a_business_error() {
    let ran = Case::of_project()
        .variable("amount", 42)
        .variable("customer", "Ada")
        .config("limit", "10")
        .run();
    assert_eq!(ran.outcome, "bpmn-error", "{ran}");
    assert_eq!(ran.code.as_deref(), Some("TOO_MUCH"));
}
