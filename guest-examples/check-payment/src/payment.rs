//! The business rule: what becomes of a payment. It knows nothing of engines, tasks or WebAssembly, so that it can be
//! tested like any other code.

use serde::Deserialize;

/// How far the sum of an order may lie from the amount: a cent, and a little for what binary fractions make of a cent.
const TOLERANCE: f64 = 0.01 + 1e-6;

/// The currency that stands for a payment provider that is down, so that this can be tried out.
const UNREACHABLE_CURRENCY: &str = "XXX";

/// The shortest card number in use.
const MIN_CARD_DIGITS: usize = 12;

/// The longest card number that ISO/IEC 7812 allows.
const MAX_CARD_DIGITS: usize = 19;

/// A payment that somebody wants to make: the variables of the task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Payment {
    /// How much.
    pub amount: f64,
    /// Of which currency, if not the usual one.
    pub currency: Option<String>,
    /// The number of the card that is charged.
    pub card: String,
    /// The order that is paid.
    pub order: Option<Order>,
}

/// An order, as the shop's JSON has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Order {
    /// What is bought.
    pub items: Vec<Item>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Item {
    /// Which thing.
    pub sku: String,
    /// How many of it.
    pub quantity: u32,
    /// What one of it costs.
    pub price: f64,
}

/// What becomes of a payment.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The card is charged this much.
    Charged(f64),
    /// The business says no. The text says why.
    Rejected(String),
    /// The data of the process contradict each other. Trying again cannot help; somebody has to look.
    Inconsistent(String),
    /// The payment provider cannot be reached. The payment may be fine.
    ProviderDown(String),
}

/// Decides about a payment in this currency. Nothing above `limit` is charged.
pub fn check(payment: &Payment, currency: &str, limit: f64) -> Verdict {
    // Wrong data first: a rejection would send the process down a path that rests on them.
    if let Some(order) = &payment.order
        && let Err(reason) = check_order(order, payment.amount)
    {
        return Verdict::Inconsistent(reason);
    }
    let Payment { amount, card, .. } = payment;
    if *amount <= 0.0 {
        return Verdict::Rejected(format!("the amount {amount:.2} is not positive"));
    }
    if *amount > limit {
        return Verdict::Rejected(format!("the amount {amount:.2} is above the limit of {limit:.2}"));
    }
    if !passes_luhn(card) {
        // Which number it was is nobody's business who reads logs or incidents.
        return Verdict::Rejected("the card number is not valid".to_owned());
    }
    if currency == UNREACHABLE_CURRENCY {
        return Verdict::ProviderDown(format!("the payment provider for {currency} does not answer"));
    }
    Verdict::Charged(*amount)
}

/// The id of the payment that a process instance makes.
///
/// A handler runs *at least* once per task: a host that dies after the charge and before its decision runs it again.
/// So the id is derived and not drawn: each repeat asks the provider for the same payment, who then sees that it is
/// already made. (A process that pays more than once would add the id of the activity.)
pub fn payment_id(process_instance_id: &str) -> String {
    format!("PAY-{process_instance_id}")
}

/// A card number as it may be shown: its last four digits.
pub fn mask(card: &str) -> String {
    let digits: Vec<char> = card.chars().filter(char::is_ascii_digit).collect();
    // Of a number too short to be one, four digits would be too much.
    let shown = if digits.len() < MIN_CARD_DIGITS { &[] } else { &digits[digits.len() - 4..] };
    format!("…{}", shown.iter().collect::<String>())
}

/// Whether the items of an order add up to the amount.
fn check_order(order: &Order, amount: f64) -> Result<(), String> {
    let sum: f64 = order.items.iter().map(|item| f64::from(item.quantity) * item.price).sum();
    if (sum - amount).abs() <= TOLERANCE {
        return Ok(());
    }
    let skus: Vec<&str> = order.items.iter().map(|item| item.sku.as_str()).collect();
    Err(format!("`amount` is {amount:.2}, but the items of `order` ({}) add up to {sum:.2}", skus.join(", ")))
}

/// Whether a card number's last digit fits the others (the Luhn rule). Spaces and hyphens group digits and do not count.
fn passes_luhn(card: &str) -> bool {
    let mut digits = Vec::with_capacity(MAX_CARD_DIGITS);
    for character in card.chars() {
        match character.to_digit(10) {
            Some(digit) => digits.push(digit),
            None if matches!(character, ' ' | '-') => {}
            None => return false,
        }
    }
    if !(MIN_CARD_DIGITS..=MAX_CARD_DIGITS).contains(&digits.len()) {
        return false;
    }
    // Every second digit, counted from the right, weighs double; of a product above 9 the digits are added.
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled @ 0..=9) => doubled,
            (_, doubled) => doubled - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: f64 = 10_000.0;
    const CURRENCY: &str = "EUR";
    const CARD: &str = "4111 1111 1111 1111";

    fn payment(amount: f64) -> Payment {
        Payment { amount, currency: None, card: CARD.to_owned(), order: None }
    }

    fn with_order(amount: f64, order: &str) -> Payment {
        Payment { order: serde_json::from_str(order).expect("an order"), ..payment(amount) }
    }

    #[test]
    fn a_sound_payment_is_charged() {
        assert_eq!(check(&payment(30.0), CURRENCY, LIMIT), Verdict::Charged(30.0));
    }

    #[test]
    fn the_limit_itself_is_charged_and_a_cent_more_is_rejected() {
        assert_eq!(check(&payment(LIMIT), CURRENCY, LIMIT), Verdict::Charged(LIMIT));
        assert_eq!(
            check(&payment(LIMIT + 0.01), CURRENCY, LIMIT),
            Verdict::Rejected("the amount 10000.01 is above the limit of 10000.00".to_owned())
        );
    }

    #[test]
    fn nothing_and_less_is_rejected() {
        for amount in [0.0, -0.01, -30.0] {
            assert!(matches!(check(&payment(amount), CURRENCY, LIMIT), Verdict::Rejected(_)), "{amount}");
        }
    }

    #[test]
    fn card_numbers_follow_the_luhn_rule() {
        for card in [CARD, "4111-1111-1111-1111", "5500005555555559", "378282246310005", "6304000000000000"] {
            assert!(passes_luhn(card), "{card}");
        }
        for card in ["", "0", "4111111111111112", "4111 1111 1111 111", "4111x1111x1111x1111", "٤١١١١١١١١١١١١١١١"]
        {
            assert!(!passes_luhn(card), "{card}");
        }
        // Zeros satisfy the sum at any length; only the length tells.
        assert!(passes_luhn(&"0".repeat(MIN_CARD_DIGITS)) && passes_luhn(&"0".repeat(MAX_CARD_DIGITS)));
        assert!(!passes_luhn(&"0".repeat(MIN_CARD_DIGITS - 1)) && !passes_luhn(&"0".repeat(MAX_CARD_DIGITS + 1)));
    }

    #[test]
    fn a_rejection_does_not_repeat_the_card_number() {
        let bad = Payment { card: "4111 1111 1111 1112".to_owned(), ..payment(30.0) };
        assert_eq!(check(&bad, CURRENCY, LIMIT), Verdict::Rejected("the card number is not valid".to_owned()));
    }

    #[test]
    fn an_order_must_add_up_to_within_a_cent() {
        let order =
            r#"{"items": [{"sku": "cup", "quantity": 3, "price": 3.33}, {"sku": "pot", "quantity": 1, "price": 20}]}"#;
        for amount in [29.98, 29.99, 30.0] {
            assert_eq!(check(&with_order(amount, order), CURRENCY, LIMIT), Verdict::Charged(amount));
        }
        for amount in [29.97, 30.01] {
            assert!(matches!(check(&with_order(amount, order), CURRENCY, LIMIT), Verdict::Inconsistent(_)), "{amount}");
        }
        assert_eq!(
            check(&with_order(31.0, order), CURRENCY, LIMIT),
            Verdict::Inconsistent("`amount` is 31.00, but the items of `order` (cup, pot) add up to 29.99".to_owned())
        );
    }

    #[test]
    fn wrong_data_outweigh_a_rejection() {
        assert!(matches!(check(&with_order(-1.0, r#"{"items": []}"#), CURRENCY, LIMIT), Verdict::Inconsistent(_)));
    }

    #[test]
    fn the_unreachable_provider_is_asked_only_for_payments_that_would_be_made() {
        assert!(matches!(check(&payment(30.0), UNREACHABLE_CURRENCY, LIMIT), Verdict::ProviderDown(_)));
        assert!(matches!(check(&payment(LIMIT * 2.0), UNREACHABLE_CURRENCY, LIMIT), Verdict::Rejected(_)));
    }

    #[test]
    fn a_repeat_gets_the_same_payment_id() {
        assert_eq!(payment_id("7a"), payment_id("7a"));
        assert_ne!(payment_id("7a"), payment_id("7b"));
    }

    #[test]
    fn a_card_number_shows_its_last_four_digits_only() {
        assert_eq!(mask(CARD), "…1111");
        assert_eq!(mask("1234"), "…");
        assert_eq!(mask(""), "…");
    }
}
