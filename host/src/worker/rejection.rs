//! What in a rejected outcome the engine most likely could not keep. Its own words do not tell: a text that is longer
//! than its column comes as "an exception occurred in the persistence layer".

use crate::{
    engine::EngineError,
    foreign::excerpt,
    value::{Value, Variables},
};

/// `BuiltinExceptionCode.COLUMN_SIZE_TOO_SMALL`
const COLUMN_TOO_SMALL: i64 = 10_002;

/// The longest String of the engine, in UTF-16 units: its column on most databases.
const LONGEST: usize = 4_000;

/// The same on Oracle.
const LONGEST_ON_ORACLE: usize = 2_000;

/// How many variables are named.
const NAMED: usize = 3;

/// How many characters of a name are shown.
const SHOWN_NAME: usize = 80;

/// Which variables do not fit, and what to do; `None` if that cannot be told from the error.
pub(super) fn advice(error: &EngineError, sets: &[&Variables]) -> Option<String> {
    if !matches!(error, EngineError::Rejected { code: Some(COLUMN_TOO_SMALL), .. }) {
        return None;
    }
    let mut long: Vec<(&str, usize)> = Vec::new();
    for (name, variable) in sets.iter().flat_map(|set| set.iter()) {
        if let Value::String(text) = &variable.value {
            let units = text.encode_utf16().count();
            long.extend((units > LONGEST_ON_ORACLE).then_some((name.as_str(), units)));
        }
    }
    // The others fit, unless none is longer than most databases take.
    if long.iter().any(|(_, units)| *units > LONGEST) {
        long.retain(|(_, units)| *units > LONGEST);
    }
    long.sort_by_key(|(_, units)| std::cmp::Reverse(*units));
    let named: Vec<String> = long
        .iter()
        .take(NAMED)
        .map(|(name, units)| format!("the variable `{}` is a String of {units} characters", excerpt(name, SHOWN_NAME)))
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "{}, and the engine keeps {LONGEST} ({LONGEST_ON_ORACLE} on Oracle): send longer texts as Json, Bytes or File",
            named.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Variable;

    fn rejected(code: Option<i64>) -> EngineError {
        EngineError::Rejected { status: 500, kind: "x".into(), message: "persistence layer".into(), code }
    }

    fn strings(lengths: &[(&str, usize)]) -> Variables {
        let variable = |length| Variable::from(Value::String("x".repeat(length)));
        lengths.iter().map(|(name, length)| ((*name).to_owned(), variable(*length))).collect()
    }

    #[test]
    fn a_string_that_is_longer_than_its_column_is_named_with_the_limit() {
        let (process, local) = (strings(&[("fits", 4_000), ("note", 4_001)]), strings(&[("log", 9_000)]));
        let advice = advice(&rejected(Some(COLUMN_TOO_SMALL)), &[&process, &local]).expect("known");
        insta::assert_snapshot!(advice, @"the variable `log` is a String of 9000 characters, the variable `note` is a String of 4001 characters, and the engine keeps 4000 (2000 on Oracle): send longer texts as Json, Bytes or File");
    }

    #[test]
    fn on_a_database_with_a_smaller_column_the_longest_is_named() {
        let variables = strings(&[("a", 2_000), ("b", 2_001)]);
        let advice = advice(&rejected(Some(COLUMN_TOO_SMALL)), &[&variables]).expect("known");
        assert!(advice.starts_with("the variable `b` is a String of 2001 characters, and"), "{advice}");
    }

    #[test]
    fn nothing_is_guessed() {
        let variables = strings(&[("a", 5_000)]);
        assert_eq!(advice(&rejected(Some(0)), &[&variables]), None);
        assert_eq!(advice(&rejected(None), &[&variables]), None);
        assert_eq!(advice(&rejected(Some(COLUMN_TOO_SMALL)), &[&strings(&[("a", 2_000)])]), None);
    }
}
