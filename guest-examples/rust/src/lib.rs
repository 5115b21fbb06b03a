//! A Fetchlock plugin for the topic `check-payment`: it charges a card, or says why not.
//!
//! This file speaks with the host: it reads the variables of the task and reports what was decided. What is decided
//! stands in [`payment`].

mod payment;

use bindings::fetchlock::handler::log::{self, Level};
use bindings::fetchlock::handler::outcome::{self, Failure, Retry};
use bindings::fetchlock::handler::types::{Value, Variable};
use bindings::fetchlock::handler::{config, task, variables};
use payment::{Payment, Verdict};

/// What wit-bindgen makes of the contract in `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "handler" });
}

/// The largest amount that is charged, if the manifest sets no `limit`.
const DEFAULT_LIMIT: f64 = 10_000.0;

/// The currency of a payment that names none, if the manifest sets no `default-currency`.
const DEFAULT_CURRENCY: &str = "EUR";

/// The code of the BPMN error of a payment that the business does not want. The model catches it.
const PAYMENT_REJECTED: &str = "PAYMENT_REJECTED";

/// What the task's variable `checkedBy` says.
const CHECKED_BY: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

struct CheckPayment;

bindings::export!(CheckPayment with_types_in bindings);

impl bindings::Guest for CheckPayment {
    /// An error that is returned here is a failure under the plugin's retry policy.
    fn handle() -> Result<(), String> {
        let payment = read_payment(variables::get, config::get)?;
        let limit = read_limit(config::get)?;
        decide(&payment, payment::check(&payment, limit))
    }
}

/// Reports a verdict to the host, and logs it.
fn decide(payment: &Payment, verdict: Verdict) -> Result<(), String> {
    match &verdict {
        Verdict::Charged(amount) => {
            let payment_id = payment::payment_id(&task::get().process_instance_id);
            outcome::complete(
                &[variable("paymentId", Value::Text(payment_id)), variable("charged", Value::Double(*amount))],
                &[variable("checkedBy", Value::Text(CHECKED_BY.to_owned()))],
            )
        }
        Verdict::Rejected(reason) => outcome::bpmn_error(
            PAYMENT_REJECTED,
            Some(reason),
            &[variable("rejectedBecause", Value::Text(reason.clone()))],
        ),
        Verdict::Inconsistent(reason) => outcome::fail(&failure(reason, Retry::Never)),
        Verdict::ProviderDown(reason) => outcome::fail(&failure(reason, Retry::SystemDown)),
    }
    .map_err(|error| format!("the host did not accept the decision: {error}"))?;

    let (what, reason) = match &verdict {
        Verdict::Charged(_) => ("charged", ""),
        Verdict::Rejected(reason) => ("rejected", reason.as_str()),
        Verdict::Inconsistent(reason) => ("inconsistent", reason.as_str()),
        Verdict::ProviderDown(reason) => ("provider-down", reason.as_str()),
    };
    let mut fields = vec![
        ("decision".to_owned(), what.to_owned()),
        ("amount".to_owned(), format!("{:.2}", payment.amount)),
        ("currency".to_owned(), payment.currency.clone()),
        ("card".to_owned(), payment::mask(&payment.card)),
    ];
    if !reason.is_empty() {
        fields.push(("reason".to_owned(), reason.to_owned()));
    }
    log::write(Level::Info, "payment checked", &fields);
    Ok(())
}

/// Reads the payment from the variables that `get` answers. (Tests pass their own; so this runs without a host.)
fn read_payment(
    get: impl Fn(&str) -> Option<Value>,
    setting: impl Fn(&str) -> Option<String>,
) -> Result<Payment, String> {
    let amount = match get("amount") {
        Some(Value::Integer(amount)) => f64::from(amount),
        // Exact up to 2^53, which is above any limit that makes sense.
        Some(Value::Long(amount)) => amount as f64,
        Some(Value::Double(amount)) => amount,
        found => {
            return Err(unexpected("amount", "Integer, Long or Double", found.as_ref()));
        }
    };
    let card = match get("card") {
        Some(Value::Text(card)) => card,
        found => return Err(unexpected("card", "String", found.as_ref())),
    };
    let currency = match get("currency") {
        Some(Value::Text(currency)) => currency,
        None | Some(Value::Null(_)) => setting("default-currency").unwrap_or_else(|| DEFAULT_CURRENCY.to_owned()),
        found => return Err(unexpected("currency", "String", found.as_ref())),
    };
    let order = match get("order") {
        Some(Value::Json(order)) => Some(order),
        None | Some(Value::Null(_)) => None,
        found => return Err(unexpected("order", "Json", found.as_ref())),
    };
    Ok(Payment { amount, currency, card, order })
}

/// Reads the limit from the settings.
fn read_limit(setting: impl Fn(&str) -> Option<String>) -> Result<f64, String> {
    let Some(text) = setting("limit") else {
        return Ok(DEFAULT_LIMIT);
    };
    match text.parse() {
        Ok(limit) if f64::is_finite(limit) => Ok(limit),
        _ => Err(format!("setting `limit`: expected a number, found `{text}`")),
    }
}

/// What is wrong with a variable: its name, and the types that were expected and found.
fn unexpected(name: &str, expected: &str, found: Option<&Value>) -> String {
    let found = match found {
        None => "no such variable",
        Some(Value::Null(_)) => "Null",
        Some(Value::Boolean(_)) => "Boolean",
        Some(Value::Short(_)) => "Short",
        Some(Value::Integer(_)) => "Integer",
        Some(Value::Long(_)) => "Long",
        Some(Value::Double(_)) => "Double",
        Some(Value::Text(_)) => "String",
        Some(Value::Date(_)) => "Date",
        Some(Value::Bytes(_)) => "Bytes",
        Some(Value::File(_)) => "File",
        Some(Value::Json(_)) => "Json",
        Some(Value::Xml(_)) => "Xml",
        Some(Value::Object(object)) => &object.type_name,
        Some(Value::Other(other)) => &other.type_name,
    };
    format!("variable `{name}`: expected {expected}, found {found}")
}

fn variable(name: &str, value: Value) -> Variable {
    Variable { name: name.to_owned(), value, transient: false }
}

fn failure(message: &str, retry: Retry) -> Failure {
    Failure { message: message.to_owned(), details: None, retry, variables: Vec::new(), local_variables: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_settings(_: &str) -> Option<String> {
        None
    }

    /// Reads a payment of sound variables, of which `name` is replaced.
    fn read_with(name: &str, value: Option<Value>) -> Result<Payment, String> {
        read_payment(
            |asked| match asked {
                _ if asked == name => value.clone(),
                "amount" => Some(Value::Integer(30)),
                "card" => Some(Value::Text("4111 1111 1111 1111".to_owned())),
                _ => None,
            },
            no_settings,
        )
    }

    #[test]
    fn an_amount_may_be_integer_long_or_double() {
        for amount in [Value::Integer(30), Value::Long(30), Value::Double(30.0)] {
            assert_eq!(read_with("amount", Some(amount)).map(|payment| payment.amount), Ok(30.0));
        }
    }

    #[test]
    fn a_missing_or_wrong_variable_is_named_with_both_types() {
        let cases = [
            ("amount", None, "variable `amount`: expected Integer, Long or Double, found no such variable"),
            (
                "amount",
                Some(Value::Text("30".to_owned())),
                "variable `amount`: expected Integer, Long or Double, found String",
            ),
            ("card", Some(Value::Null(None)), "variable `card`: expected String, found Null"),
            ("currency", Some(Value::Boolean(true)), "variable `currency`: expected String, found Boolean"),
            ("order", Some(Value::Text("{}".to_owned())), "variable `order`: expected Json, found String"),
        ];
        for (name, value, message) in cases {
            assert_eq!(read_with(name, value), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_missing_currency_is_the_default_one() {
        let currency = |setting: fn(&str) -> Option<String>| {
            let get = |name: &str| match name {
                "amount" => Some(Value::Integer(30)),
                "card" => Some(Value::Text(String::new())),
                _ => Some(Value::Null(None)),
            };
            read_payment(get, setting).map(|payment| payment.currency)
        };
        assert_eq!(currency(no_settings), Ok("EUR".to_owned()));
        assert_eq!(currency(|key| (key == "default-currency").then(|| "CHF".to_owned())), Ok("CHF".to_owned()));
    }

    #[test]
    fn the_limit_is_a_setting() {
        assert_eq!(read_limit(no_settings), Ok(DEFAULT_LIMIT));
        assert_eq!(read_limit(|_| Some("99.5".to_owned())), Ok(99.5));
        assert_eq!(
            read_limit(|_| Some("much".to_owned())),
            Err("setting `limit`: expected a number, found `much`".to_owned())
        );
    }
}
