//! What was seen, in the words of a case file, for people.

use super::{asked::Made, observed::Seen, write};
use crate::value::Variables;

/// The parts of an outcome by their keys in a case file.
pub fn seen(seen: &Seen) -> Vec<(String, String)> {
    let mut rows = vec![("outcome".to_owned(), seen.outcome.name().to_owned())];
    let mut add = |key: &str, value: Option<String>| rows.extend(value.map(|value| (key.to_owned(), value)));
    add("code", seen.code.clone());
    add("message", seen.message.clone());
    add("details", seen.details.clone());
    add("retry", seen.retry.map(write::retry));
    add("retries-left", seen.retries_left.map(|it| it.to_string()));
    add("retry-after", seen.retry_after.map(write::duration));
    add("delay", seen.delay.map(write::duration));
    add("duration", seen.duration.map(write::duration));
    add("variables", lines(&seen.variables));
    add("local-variables", lines(&seen.local_variables));
    rows
}

fn lines(variables: &Variables) -> Option<String> {
    let lines: Vec<String> =
        variables.iter().map(|(name, it)| format!("{} = {}", write::key(name), write::variable(it))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A call with its answer.
pub fn call(made: &Made) -> String {
    [write::asked(&made.asked), write::answer(&made.answer)].concat().join("\n")
}
