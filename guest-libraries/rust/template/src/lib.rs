//! The handler of the topic `{{topic}}`.

use fetchlock::{BpmnError, Task, config, log};
use serde::{Deserialize, Serialize};

/// The largest amount that is approved, if the manifest sets no `limit`.
const DEFAULT_LIMIT: f64 = 1_000.0;

/// The variables of the task that the handler needs.
#[derive(Deserialize)]
struct Order {
    amount: f64,
    customer: String,
}

/// The variables that it gives back.
#[derive(Debug, PartialEq, Serialize)]
struct Approval {
    approved: bool,
    message: String,
}

/// Called for each task. An error is a failure, which is tried again; a `BpmnError` is for the process to catch.
#[fetchlock::handler]
fn handle(task: Task, order: Order) -> fetchlock::Result<Approval> {
    let limit = config::parse("limit")?.unwrap_or(DEFAULT_LIMIT);
    let approval = approve(&order, limit)?;
    log::info!(amount = order.amount, task:% = task.id; "approved");
    Ok(approval)
}

/// The rule. It asks the host for nothing, so that it can be tested like any other function.
fn approve(order: &Order, limit: f64) -> Result<Approval, BpmnError> {
    let Order { amount, customer } = order;
    if *amount > limit {
        return Err(BpmnError::new(
            "TOO_MUCH",
            format!("{amount} is more than {limit}"),
        ));
    }
    Ok(Approval {
        approved: true,
        message: format!("Thank you, {customer}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(amount: f64) -> Order {
        let customer = "Ada".to_owned();
        Order { amount, customer }
    }

    #[test]
    fn an_amount_within_the_limit_is_approved() {
        let approval = Approval {
            approved: true,
            message: "Thank you, Ada".to_owned(),
        };
        assert_eq!(approve(&order(42.0), DEFAULT_LIMIT), Ok(approval));
    }

    #[test]
    fn an_amount_above_the_limit_is_a_business_error() {
        let too_much = BpmnError::new("TOO_MUCH", "42 is more than 10");
        assert_eq!(approve(&order(42.0), 10.0), Err(too_much));
    }
}
