//! Conditions on process variables, in queries and in the filters of a fetch: which values equal, exceed or are like
//! others.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use super::{
    date,
    instance::Instance,
    refusal::Refusal,
    variable::{Kind, Variable},
};

/// One condition of a query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    name: Option<String>,
    operator: Option<String>,
    value: Value,
}

/// Where a query makes no difference between capitals and small letters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct IgnoreCase {
    pub(super) names: bool,
    pub(super) values: bool,
}

impl Condition {
    /// Refuses a condition that makes no sense.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let orders = match self.operator.as_deref() {
            Some("eq" | "neq" | "like" | "notLike") => None,
            Some("gt") => Some("greater than"),
            Some("gteq") => Some("greater than or equal"),
            Some("lt") => Some("less than"),
            Some("lteq") => Some("less than or equal"),
            other => {
                let other = other.unwrap_or("null");
                return Err(Refusal::invalid(format!("Invalid process variable comparator specified: {other}")));
            }
        };
        if self.name.is_none() {
            return Err(Refusal::is_null("name"));
        }
        let unfit = |message: String| Err(Refusal::internal("ProcessEngineException", message));
        let like = matches!(self.operator.as_deref(), Some("like" | "notLike"));
        match (&self.value, orders) {
            (Value::Null | Value::Bool(_), Some(orders)) => {
                unfit(format!("Booleans and null cannot be used in '{orders}' condition"))
            }
            (Value::Array(_) | Value::Object(_), _) if !like => {
                unfit("Object values cannot be used to query".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether an instance has a variable for which it holds.
    pub(super) fn holds(&self, instance: &Instance, ignore_case: IgnoreCase) -> bool {
        let Some(wanted) = &self.name else { return false };
        let named = |name: &str| if ignore_case.names { alike(name, wanted) } else { name == wanted };
        instance.variables.iter().any(|(name, found)| named(name) && self.holds_for(found, ignore_case.values))
    }

    fn holds_for(&self, found: &Variable, ignore_case: bool) -> bool {
        let ordering = compare(found, &self.value, ignore_case);
        let equal = match (&found.value, &self.value) {
            (found, Value::Null) => found.is_null(),
            (Value::Bool(found), Value::Bool(wanted)) => found == wanted,
            _ => ordering.is_some_and(Ordering::is_eq),
        };
        match self.operator.as_deref().unwrap_or_default() {
            "eq" => equal,
            "neq" => !equal,
            "gt" => ordering.is_some_and(Ordering::is_gt),
            "gteq" => ordering.is_some_and(Ordering::is_ge),
            "lt" => ordering.is_some_and(Ordering::is_lt),
            "lteq" => ordering.is_some_and(Ordering::is_le),
            "like" => self.is_like(found, ignore_case),
            "notLike" => !self.is_like(found, ignore_case),
            _ => false,
        }
    }

    fn is_like(&self, found: &Variable, ignore_case: bool) -> bool {
        let pattern = self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned);
        let (Kind::String, Some(text)) = (found.kind, found.value.as_str()) else { return false };
        if ignore_case { like(&pattern.to_lowercase(), &text.to_lowercase()) } else { like(&pattern, text) }
    }
}

fn alike(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Compares a variable with a plain value as a query does: numbers by what they count, whatever their types, and dates
/// with texts that are dates.
fn compare(variable: &Variable, plain: &Value, ignore_case: bool) -> Option<Ordering> {
    match variable.kind {
        Kind::Short | Kind::Integer | Kind::Long | Kind::Double => match (variable.value.as_i64(), plain.as_i64()) {
            (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
            _ => variable.value.as_f64()?.partial_cmp(&plain.as_f64()?),
        },
        Kind::String => {
            let (found, wanted) = (variable.value.as_str()?, plain.as_str()?);
            // A text that is a date is one in a query, and never a String.
            date::read(wanted).is_none().then(|| match ignore_case {
                true => found.to_lowercase().cmp(&wanted.to_lowercase()),
                false => found.cmp(wanted),
            })
        }
        Kind::Date => Some(date::read(variable.value.as_str()?)?.cmp(&date::read(plain.as_str()?)?)),
        _ => None,
    }
}

/// Whether a variable equals a plain value as the filter of a fetch compares them: the types must agree, so that a Long
/// of 1 is not the Integer that `1` means.
pub(super) fn equals(variable: &Variable, plain: &Value) -> bool {
    let is_integer = plain.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
    match (variable.kind, plain) {
        (_, Value::Null) => variable.value.is_null(),
        (Kind::Boolean, Value::Bool(_)) | (Kind::String, Value::String(_)) => variable.value == *plain,
        (Kind::Integer, Value::Number(_)) => is_integer && variable.value.as_i64() == plain.as_i64(),
        (Kind::Long, Value::Number(_)) => !is_integer && plain.is_i64() && variable.value.as_i64() == plain.as_i64(),
        (Kind::Double, Value::Number(_)) => plain.is_f64() && variable.value.as_f64() == plain.as_f64(),
        _ => false,
    }
}

/// SQL's LIKE: `%` stands for any text, `_` for one character. In constant space, and in the product of both lengths at
/// most: on a mismatch only the last `%` can take one character more.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut next) = (0, 0);
    // Behind the last `%`, and where its text ends so far.
    let mut retry: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some('%') => {
                at += 1;
                retry = Some((at, next));
            }
            Some(letter) if *letter == '_' || *letter == text[next] => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((behind, end)) = retry else { return false };
                at = behind;
                next = end + 1;
                retry = Some((behind, next));
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '%')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_is_that_of_sql() {
        for (pattern, text, fits) in [
            ("v%", "v1.2", true),
            ("%2", "v1.2", true),
            ("v_.2", "v1.2", true),
            ("v", "v1", false),
            ("v_", "v", false),
            ("%", "", true),
            ("", "", true),
            ("", "a", false),
            ("%a%b", "xaxbxb", true),
            ("%a%b", "xaxbxc", false),
            ("a%%", "a", true),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_malicious_pattern_neither_recurses_nor_takes_for_ever() {
        assert!(like(&"_".repeat(100_000), &"a".repeat(100_000)));
        assert!(!like(&format!("{}%b", "%a".repeat(200)), &"a".repeat(4_000)));
    }

    #[test]
    fn a_query_counts_numbers_and_a_fetch_wants_their_types() {
        let given = serde_json::from_value(json!({"value": 1, "type": "Long"})).expect("a variable");
        let long = super::super::variable::read_one("l", given).expect("read").into_kept().remove("l").expect("kept");
        assert_eq!(compare(&long, &json!(1), false), Some(Ordering::Equal));
        assert_eq!(compare(&long, &json!(0.5), false), Some(Ordering::Greater));
        assert!(!equals(&long, &json!(1)));
    }
}
