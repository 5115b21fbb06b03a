//! The handler of the topic `{{topic}}`.

use fetchlock::{BpmnError, config, log};
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
fn handle(order: Order) -> fetchlock::Result<Approval> {
    let limit = config::parse("limit")?.unwrap_or(DEFAULT_LIMIT);
    let approval = approve(&order, limit)?;
    log::info!(amount = order.amount; "approved");
    Ok(approval)
}

/// The rule. It asks the host for nothing, so that it can be tested like any other function.
fn approve(order: &Order, limit: f64) -> Result<Approval, BpmnError> {
    let Order { amount, customer } = order;
    if *amount > limit {
        return Err(BpmnError::new(
            "TOO_MUCH",
            format!("{amount} is above the limit of {limit}"),
        ));
    }
    Ok(Approval {
        approved: true,
        message: format!("Thank you, {customer}: {amount} is approved"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_approved_and_more_is_not() {
        let order = |amount| Order {
            amount,
            customer: "Ada".to_owned(),
        };
        assert!(approve(&order(50.0), 50.0).is_ok_and(|approval| approval.approved));
        assert!(approve(&order(50.01), 50.0).is_err_and(|error| error.code == "TOO_MUCH"));
    }
}
