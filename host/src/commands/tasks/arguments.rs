//! How conditions, orders, moments and waits are written on the command line, and what is said about those that are not.

use std::time::Duration;

use jiff::{Timestamp, fmt::strtime};
use serde::de::{
    IntoDeserializer,
    value::{Error, StrDeserializer},
};

use crate::{
    engine::{Comparand, Condition, Operator, SortKey, SortOrder, Sorting},
    settings::written::{DAY, SECOND, Span},
};

/// The engine's own form of a moment, which jiff's does not include.
const ENGINE_DATE: &str = "%Y-%m-%dT%H:%M:%S%.f%z";

/// Reads `NAME OPERATOR VALUE`. The first word that is an operator ends the name, which may have spaces. A value that is
/// a number, `true`, `false`, `null` or a text in double quotes as in JSON is that; any other is a text as it stands.
pub(super) fn condition(text: &str) -> Result<Condition, String> {
    let operators = || Operator::ALL.map(Operator::name).join(", ");
    let wanted = "expected NAME OPERATOR VALUE, such as \"amount gteq 100\"";
    let mut at = 0;
    for word in text.split(' ') {
        let operator = Operator::ALL.into_iter().find(|operator| operator.name() == word);
        let (name, rest) = (text[..at].trim(), text[at + word.len()..].trim_start());
        at += word.len() + 1;
        if let Some(operator) = operator.filter(|_| !name.is_empty()) {
            if rest.is_empty() {
                return Err(format!("there is no value behind `{word}`; {wanted}; \"\" is the empty text"));
            }
            return condition_of(name, operator, rest);
        }
    }
    Err(format!("{wanted}, where OPERATOR is one of {}", operators()))
}

fn condition_of(name: &str, operator: Operator, value: &str) -> Result<Condition, String> {
    let value = comparand(value, operator)?;
    Condition::new(name.to_owned(), operator, value).map_err(|error| error.to_string())
}

fn comparand(text: &str, operator: Operator) -> Result<Comparand, String> {
    let read: Option<serde_json::Value> = serde_json::from_str(text).ok();
    match read {
        Some(serde_json::Value::String(text)) => Ok(Comparand::Text(text)),
        // `like 5%` and `like 5` are both patterns.
        _ if operator.is_pattern() => Ok(Comparand::Text(text.to_owned())),
        None => Ok(Comparand::Text(text.to_owned())),
        Some(serde_json::Value::Null) => Ok(Comparand::Null),
        Some(serde_json::Value::Bool(truth)) => Ok(Comparand::Boolean(truth)),
        Some(serde_json::Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Comparand::Long(whole)),
            (None, Some(fraction)) => Ok(Comparand::Double(fraction)),
            (None, None) => Err(format!("the engine has no number {number}")),
        },
        Some(serde_json::Value::Array(_) | serde_json::Value::Object(_)) => {
            Err("the engine compares no lists and no objects; put a text that looks like one into double quotes".into())
        }
    }
}

/// Reads `KEY`, `KEY:asc` or `KEY:desc`.
pub(super) fn sorting(text: &str) -> Result<Sorting, String> {
    let (key, order) = text.split_once(':').unwrap_or((text, SortOrder::Ascending.name()));
    let by = SortKey::ALL.into_iter().find(|by| by.name() == key);
    let order = SortOrder::ALL.into_iter().find(|it| it.name() == order);
    match (by, order) {
        (Some(by), Some(order)) => Ok(Sorting { by, order }),
        (None, _) => Err(format!("expected one of {}", SortKey::ALL.map(SortKey::name).join(", "))),
        (_, None) => Err("expected `asc` or `desc` behind the colon".into()),
    }
}

/// Reads a moment with its offset, as RFC 3339 or the engine writes it.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let of_engine = || strtime::parse(ENGINE_DATE, text).and_then(|parts| parts.to_timestamp());
    text.parse::<Timestamp>().or_else(|_| of_engine()).map_err(|_| {
        "expected a moment with its offset, such as 2026-11-21T10:11:12Z or 2026-11-21T10:11:12.345+0100".into()
    })
}

/// Reads how long to wait.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    let text: StrDeserializer<'_, Error> = text.into_deserializer();
    Span::<SECOND, DAY>::deserialize(text).map_err(|error| error.to_string())
}

/// Reads how many tasks to print at most: a number, or `none` for all.
pub(super) fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(u64::MAX)),
        number => number.parse().map(Limit).map_err(|_| "expected a number, or `none` for all".into()),
    }
}

/// How many tasks to print at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit(pub(super) u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_name_an_operator_and_a_value() {
        let long = |number| Comparand::Long(number);
        let text = |text: &str| Comparand::Text(text.to_owned());
        for (written, name, operator, value) in [
            ("amount gteq 100", "amount", Operator::GreaterOrEqual, long(100)),
            ("a b eq  c  d", "a b", Operator::Equal, text("c  d")),
            ("eq eq eq", "eq", Operator::Equal, text("eq")),
            ("n eq \"5\"", "n", Operator::Equal, text("5")),
            ("n eq \"\"", "n", Operator::Equal, text("")),
            ("n lt 0.5", "n", Operator::Less, Comparand::Double(0.5)),
            ("n neq null", "n", Operator::NotEqual, Comparand::Null),
            ("n eq true", "n", Operator::Equal, Comparand::Boolean(true)),
            ("n like 5", "n", Operator::Like, text("5")),
            ("n notLike %x_", "n", Operator::NotLike, text("%x_")),
            ("größe eq ä", "größe", Operator::Equal, text("ä")),
        ] {
            let expected = Condition::new(name.into(), operator, value).expect("they fit");
            assert_eq!(condition(written), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_condition_is_told_with_what_is_expected() {
        let told = |text: &str| condition(text).expect_err("refused");
        insta::assert_snapshot!(told("amount"), @r#"expected NAME OPERATOR VALUE, such as "amount gteq 100", where OPERATOR is one of eq, neq, gt, gteq, lt, lteq, like, notLike"#);
        insta::assert_snapshot!(told("amount >= 100"), @r#"expected NAME OPERATOR VALUE, such as "amount gteq 100", where OPERATOR is one of eq, neq, gt, gteq, lt, lteq, like, notLike"#);
        insta::assert_snapshot!(told("eq 5"), @r#"expected NAME OPERATOR VALUE, such as "amount gteq 100", where OPERATOR is one of eq, neq, gt, gteq, lt, lteq, like, notLike"#);
        insta::assert_snapshot!(told("amount eq "), @r#"there is no value behind `eq`; expected NAME OPERATOR VALUE, such as "amount gteq 100"; "" is the empty text"#);
        insta::assert_snapshot!(told("paid gt true"), @"`gt` compares with a number, a text or a date, found a truth value");
        insta::assert_snapshot!(told("list eq [1]"), @"the engine compares no lists and no objects; put a text that looks like one into double quotes");
    }

    #[test]
    fn an_order_is_a_key_of_the_engine_and_a_direction() {
        let sorted = |by, order| Ok(Sorting { by, order });
        assert_eq!(sorting("createTime"), sorted(SortKey::CreateTime, SortOrder::Ascending));
        assert_eq!(sorting("taskPriority:desc"), sorted(SortKey::TaskPriority, SortOrder::Descending));
        insta::assert_snapshot!(sorting("age").expect_err("refused"), @"expected one of id, lockExpirationTime, processInstanceId, processDefinitionId, processDefinitionKey, taskPriority, createTime, tenantId");
        insta::assert_snapshot!(sorting("id:up").expect_err("refused"), @"expected `asc` or `desc` behind the colon");
    }

    #[test]
    fn a_moment_has_an_offset() {
        let expected: Timestamp = "2026-11-21T09:11:12.345Z".parse().expect("a moment");
        for text in ["2026-11-21T09:11:12.345Z", "2026-11-21T10:11:12.345+0100", "2026-11-21T10:11:12.345+01:00"] {
            assert_eq!(moment(text), Ok(expected), "{text}");
        }
        for text in ["", "now", "2026-11-21", "2026-11-21T10:11:12"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wait_has_a_unit_and_an_end() {
        assert_eq!(wait("90s"), Ok(Duration::from_secs(90)));
        for text in ["10", "0s", "25h", "soon"] {
            assert!(wait(text).is_err(), "{text}");
        }
    }
}
