//! A Fetchlock plugin for the topic `check-payment`: it charges a card, or says why not.
//!
//! This file speaks with the host: it takes the variables of the task and returns what becomes of it. What is decided
//! stands in [`payment`].

mod payment;

use fetchlock::{BpmnError, Failure, Outcome, Task, config, log};
use payment::{Payment, Verdict};
use serde::Serialize;

/// The largest amount that is charged, if the manifest sets no `limit`.
const DEFAULT_LIMIT: f64 = 10_000.0;

/// The currency of a payment that names none, if the manifest sets no `default-currency`.
const DEFAULT_CURRENCY: &str = "EUR";

/// The code of the BPMN error of a payment that the business does not want. The model catches it.
const PAYMENT_REJECTED: &str = "PAYMENT_REJECTED";

/// What a payment that was made tells the process.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Charged {
    payment_id: String,
    charged: f64,
}

/// What it tells the task alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    checked_by: &'static str,
}

/// An error that is returned with `?` is a failure under the plugin's retry policy.
#[fetchlock::handler]
fn handle(task: Task, payment: Payment) -> fetchlock::Result<Outcome> {
    let limit = config::parse("limit")?.unwrap_or(DEFAULT_LIMIT);
    let default_currency = || config::get("default-currency").unwrap_or_else(|| DEFAULT_CURRENCY.to_owned());
    let currency = payment.currency.clone().unwrap_or_else(default_currency);
    let verdict = payment::check(&payment, &currency, limit);
    tell(&payment, &currency, &verdict);
    decide(&task, verdict)
}

/// What becomes of the task.
fn decide(task: &Task, verdict: Verdict) -> fetchlock::Result<Outcome> {
    match verdict {
        Verdict::Charged(charged) => {
            let charged = Charged { payment_id: payment::payment_id(&task.process_instance_id), charged };
            let checked = Checked { checked_by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")) };
            Ok(Outcome::complete(&charged)?.with_local(&checked)?)
        }
        Verdict::Rejected(reason) => {
            Err(BpmnError::new(PAYMENT_REJECTED, &reason).with("rejectedBecause", reason).into())
        }
        Verdict::Inconsistent(reason) => Err(Failure::new(reason).never_again().into()),
        Verdict::ProviderDown(reason) => Err(Failure::new(reason).system_down().into()),
    }
}

/// Logs a verdict.
fn tell(payment: &Payment, currency: &str, verdict: &Verdict) {
    let (decision, reason) = match verdict {
        Verdict::Charged(_) => ("charged", None),
        Verdict::Rejected(reason) => ("rejected", Some(reason)),
        Verdict::Inconsistent(reason) => ("inconsistent", Some(reason)),
        Verdict::ProviderDown(reason) => ("provider-down", Some(reason)),
    };
    let (amount, card) = (format!("{:.2}", payment.amount), payment::mask(&payment.card));
    match reason {
        Some(reason) => log::info!(decision, amount:%, currency, card:%, reason:%; "payment checked"),
        None => log::info!(decision, amount:%, currency, card:%; "payment checked"),
    }
}

#[cfg(test)]
mod tests {
    use fetchlock::{Value, Variables};

    use super::*;

    /// Reads a payment of sound variables, of which one is replaced.
    fn read_with(name: &str, value: impl Into<Value>) -> Result<Payment, String> {
        let sound = Variables::new().with("amount", 30).with("card", "4111 1111 1111 1111");
        sound.with(name, value).read().map_err(|error| error.to_string())
    }

    #[test]
    fn an_amount_may_be_integer_long_or_double() {
        for amount in [Value::Integer(30), Value::Long(30), Value::Double(30.0)] {
            assert_eq!(read_with("amount", amount).map(|payment| payment.amount), Ok(30.0));
        }
    }

    #[test]
    fn a_missing_or_wrong_variable_is_named_with_both_types() {
        let cases = [
            ("amount", Value::from("30"), "variable `amount`: expected Double, found String"),
            ("card", Value::Null(None), "variable `card`: expected String, found Null"),
            ("currency", Value::from(true), "variable `currency`: expected String, found Boolean"),
            ("order", Value::from("{}"), "variable `order`: expected Json, found String"),
            (
                "order",
                Value::Json("{}".to_owned()),
                "variable `order`: the Json does not fit: missing field `items` at line 1 column 2",
            ),
        ];
        for (name, value, message) in cases {
            assert_eq!(read_with(name, value), Err(message.to_owned()));
        }
        assert_eq!(
            Variables::new().with("card", "4111").read::<Payment>().map_err(|error| error.to_string()),
            Err("variable `amount`: expected Double, found no such variable".to_owned())
        );
    }

    #[test]
    fn currency_and_order_may_be_missing_or_null() {
        let payment = read_with("currency", Value::Null(None)).expect("a payment");
        assert_eq!((payment.currency, payment.order), (None, None));
    }

    #[test]
    fn a_payment_that_is_made_completes_the_task_and_all_else_is_told_as_what_it_is() {
        let task = Task::default();
        let reason = || "because".to_owned();
        assert!(matches!(decide(&task, Verdict::Charged(30.0)), Ok(Outcome::Complete(_))));
        let outcome = |verdict| decide(&task, verdict).unwrap_or_else(fetchlock::Error::into_outcome);
        assert_eq!(
            outcome(Verdict::Rejected(reason())),
            BpmnError::new(PAYMENT_REJECTED, "because").with("rejectedBecause", "because").into()
        );
        assert_eq!(outcome(Verdict::Inconsistent(reason())), Failure::new("because").never_again().into());
        assert_eq!(outcome(Verdict::ProviderDown(reason())), Failure::new("because").system_down().into());
    }
}
