//! The words in which wrong settings are told.

use figment::error::Actual;

use super::{env, strict::Place};

/// A value is quoted up to this many characters.
pub(super) const MAX_QUOTED: usize = 80;

/// What to do about an unknown key: the nearest valid one, or all of them.
pub(crate) fn advice(place: &Place, path: &[String], valid: &[&str]) -> String {
    let Some((unknown, tables)) = path.split_last() else { return String::new() };
    if let Place::Variable(name) = place {
        return advice_on_variable(name, unknown, tables, valid);
    }
    let written = |key: &str| format!("`{key}`");
    match nearest(unknown, valid) {
        Some(near) => format!("did you mean {}?", written(near)),
        None => format!("expected {}", listed(valid, "or", written)),
    }
}

/// The same for a key in the name of a variable, told as the variable that would be right.
fn advice_on_variable(name: &str, unknown: &str, tables: &[String], valid: &[&str]) -> String {
    let variable = |last: &[&str]| env::variable(tables.iter().map(String::as_str).chain(last.iter().copied()));
    let one_underscore =
        valid.iter().find_map(|table| Some((*table, unknown.strip_prefix(*table)?.strip_prefix('-')?)));
    if let Some((table, key)) = one_underscore {
        return format!("two underscores go between table and key, did you mean {}?", variable(&[table, key]));
    }
    if let Some(near) = nearest(unknown, valid) {
        // What follows an unknown table is kept.
        let rest = name.strip_prefix(&variable(&[unknown])).unwrap_or_default();
        return format!("did you mean {}{rest}?", variable(&[near]));
    }
    if tables.is_empty() {
        let known = variable(&["engine", "url"]);
        return format!("every variable that begins like this must be a setting, such as {known}: rename or remove it");
    }
    format!("expected {}", listed(valid, "or", |key| variable(&[key])))
}

/// The valid key that was probably meant.
pub(crate) fn nearest<'a>(unknown: &str, valid: &[&'a str]) -> Option<&'a str> {
    // One typing error in three characters may still be the same word; more is another one.
    let reach = (unknown.chars().count() / 3).max(1);
    let unknown = unknown.to_lowercase().replace('_', "-");
    let distance = |key: &&str| strsim::damerau_levenshtein(&unknown, &key.to_lowercase());
    valid.iter().copied().min_by_key(distance).filter(|key| distance(key) <= reach)
}

/// Names in a row: `a`, `b` or `c`.
pub(crate) fn listed(names: &[&str], last: &str, written: impl Fn(&str) -> String) -> String {
    let names: Vec<String> = names.iter().map(|name| written(name)).collect();
    match names.split_last() {
        None => "nothing".into(),
        Some((only, [])) => only.clone(),
        Some((end, first)) => format!("{} {last} {end}", first.join(", ")),
    }
}

/// What was found, as its writer knows it.
pub(super) fn quoted(found: &Actual) -> String {
    match found {
        Actual::Str(text) if text.chars().count() > MAX_QUOTED => {
            format!("{:?}…", text.chars().take(MAX_QUOTED).collect::<String>())
        }
        Actual::Str(text) => format!("{text:?}"),
        Actual::Bool(truth) => truth.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// What is expected, in the words of TOML instead of those of serde.
pub(super) fn wanted(place: &Place, path: &[String], expected: &str) -> String {
    let plain = match expected {
        "a string" | "path string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "f64" => "a number",
        "u32" | "u64" | "usize" => "a whole number",
        other if other == "a map" || other.starts_with("struct ") => "a table",
        other => other,
    };
    match place {
        Place::Variable(_) if plain == "a table" => {
            let key = env::variable(path.iter().map(String::as_str).chain(["KEY"]));
            format!("a variable for each key of this table, {key}")
        }
        _ => plain.to_owned(),
    }
}
