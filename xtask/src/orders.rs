//! The orders that the demo places, and what must become of them.

use anyhow::{Result, ensure};
use fetchlock_harness::operaton::Operaton;
use serde_json::{Value, json};

/// A card number that passes the check of its digits.
const GOOD_CARD: &str = "4111 1111 1111 1111";

/// One that does not.
const BAD_CARD: &str = "4111 1111 1111 1112";

/// How an order must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The payment is made.
    Accepted,
    /// The handler reports the BPMN error, and the boundary event catches it.
    Rejected,
    /// The handler fails until its retries are used up.
    Incident,
}

impl Expected {
    /// The end event that it reaches; none for an incident.
    pub(crate) fn end_event(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("accepted"),
            Self::Rejected => Some("rejected"),
            Self::Incident => None,
        }
    }
}

/// One order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// What it is about, for the table.
    pub(crate) title: &'static str,
    /// The amount to be charged.
    pub(crate) amount: f64,
    /// How it must end.
    pub(crate) expected: Expected,
    /// The variables of its process instance.
    pub(crate) variables: Value,
}

impl Order {
    /// The order of a number: of five two are plain, one carries its items, and two are rejected.
    pub(crate) fn numbered(number: usize) -> Self {
        let step = f64::from(u32::try_from(number % 1000).unwrap_or_default());
        let (title, amount, expected) = match number % 5 {
            0 => ("whole amount", 20.0 + step, Expected::Accepted),
            1 => ("amount with cents", 19.99 + step, Expected::Accepted),
            2 => ("with its items", 60.0, Expected::Accepted),
            3 => ("above the limit", 12_500.0 + step, Expected::Rejected),
            _ => ("invalid card", 35.0 + step, Expected::Rejected),
        };
        let card = if title == "invalid card" { BAD_CARD } else { GOOD_CARD };
        let mut variables = json!({
            "amount": {"type": "Double", "value": amount},
            "currency": {"type": "String", "value": "EUR"},
            "card": {"type": "String", "value": card},
        });
        if title == "whole amount" {
            // Another type of number for the same variable, as processes have them. (Whole, and far below 2^53.)
            variables["amount"] = json!({"type": "Long", "value": amount as i64});
        }
        if title == "with its items" {
            let items = json!({"items": [{"sku": "book", "quantity": 2, "price": 25.0},
                                         {"sku": "pen", "quantity": 1, "price": 10.0}]});
            variables["order"] = json!({"type": "Json", "value": items.to_string()});
        }
        Self { title, amount, expected, variables }
    }

    /// An order without an amount: its handler fails, is retried, and ends in an incident.
    pub(crate) fn broken() -> Self {
        let variables = json!({"card": {"type": "String", "value": GOOD_CARD}});
        Self { title: "no amount", amount: 0.0, expected: Expected::Incident, variables }
    }

    /// Checks an instance that has ended against what must have become of it.
    ///
    /// # Errors
    /// Something is other than expected; the text tells what, with what was found.
    pub(crate) async fn check(&self, engine: &Operaton, instance: &str) -> Result<()> {
        let passed = engine.historic_activities(instance).await?;
        let end = passed.last().map(String::as_str);
        ensure!(end == self.expected.end_event(), "expected the end {:?}, found {passed:?}", self.expected);
        let variables = engine.historic_variables(instance).await?;
        let value = |name: &str| variables.get(name).map(|variable| variable["value"].clone()).unwrap_or_default();
        let (payment, charged) = (value("paymentId"), value("charged"));
        match self.expected {
            Expected::Accepted => {
                let named = payment.as_str().is_some_and(|id| !id.is_empty());
                ensure!(named, "expected `paymentId` to be a text, found {payment}");
                let right = charged.as_f64().is_some_and(|charged| (charged - self.amount).abs() < 0.005);
                ensure!(right, "expected `charged` to be {}, found {charged}", self.amount);
            }
            Expected::Rejected | Expected::Incident => {
                ensure!(
                    payment.is_null() && charged.is_null(),
                    "charged {charged} ({payment}) although it was rejected"
                );
                let code = value("rejectionCode");
                ensure!(code == "PAYMENT_REJECTED", "expected the code PAYMENT_REJECTED, found {code}");
            }
        }
        Ok(())
    }
}
