//! The orders that the demo places, and what must become of them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::stage::Stage;

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
    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Incident => "incident",
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

    /// An order whose items do not add up to its amount: its handler fails without a retry.
    pub(crate) fn inconsistent() -> Self {
        let mut order = Self::numbered(2);
        order.title = "other items";
        order.variables["amount"]["value"] = json!(order.amount + 15.0);
        order.expected = Expected::Incident;
        order
    }

    /// Checks an instance that has ended against what must have become of it.
    ///
    /// # Errors
    /// Something is other than expected; the text tells what, with what was found.
    pub(crate) async fn check(&self, stage: &Stage, instance: &str) -> Result<()> {
        let passed = stage.historic_activities(instance).await?;
        let end = passed.last().map(String::as_str);
        ensure!(end == stage.end_of(self.expected), "expected the end {:?}, found {passed:?}", self.expected);
        let variables = stage.historic_variables(instance).await?;
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
                // The model's boundary event keeps the code; without BPMN the handler's own variable must do.
                let (name, expected) = match stage.has_bpmn() {
                    true => ("rejectionCode", Some("PAYMENT_REJECTED")),
                    false => ("rejectedBecause", None),
                };
                let found = value(name);
                let right = found.as_str().is_some_and(|text| expected.is_none_or(|expected| text == expected));
                ensure!(right, "expected `{name}` to be {}, found {found}", expected.unwrap_or("a text"));
            }
        }
        Ok(())
    }
}
