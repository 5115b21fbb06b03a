//! What `fetchlock dev` tells its user to do: start a task, change a plugin, go on to a real engine.

use std::{io::Write, path::Path};

use serde_json::{Map, Value, json};

use crate::{foreign::escape, plugins::Plugin, telemetry};

/// What is told at the beginning.
pub(super) fn greet(url: &str, plugins: &Path, data: Option<&Path>) {
    let plugins = quoted(&escape(&plugins.to_string_lossy()));
    let kept = match data {
        Some(data) => format!("kept in {}", escape(&data.to_string_lossy())),
        None => "in memory, gone at the end".to_owned(),
    };
    say(&format!(
        "fetchlock dev\n  \
         engine   {url} (embedded: no BPMN; tasks {kept})\n  \
         plugins  {plugins} (drop, replace or remove NAME.wasm and NAME.toml at any time)\n  \
         a real engine instead: fetchlock run --plugins {plugins} --engine-url http://HOST:8080/engine-rest\n"
    ));
}

/// What is told when a topic is served for the first time: how to start a task of it.
pub(super) fn start_of(url: &str, plugin: &Plugin) -> String {
    let names = plugin.settings.subscription.variables.iter().flatten();
    // Without types: the engine takes that of the JSON value.
    let variables: Map<String, Value> = names.map(|name| (name.clone(), json!({"value": null}))).collect();
    let body = quoted(&in_ascii(&json!({ "variables": variables }).to_string()));
    let topic = encoded(plugin.route.topic.as_str());
    format!(
        "start a task of {}, with variables like {{\"amount\":{{\"value\":42}}}}:\n  \
         curl -s {url}/process-definition/key/{topic}/start \\\n    -H 'Content-Type: application/json' -d {body}\n",
        escape(plugin.route.topic.as_str()),
    )
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// JSON that says the same without a letter that could steer a terminal.
fn in_ascii(json: &str) -> String {
    let mut units = [0; 2];
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            ' '..='~' => ascii.push(letter),
            other => ascii.extend(other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    ascii
}

fn encoded(topic: &str) -> String {
    /// What RFC 3986 leaves unreserved stays readable.
    const READABLE: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(topic, READABLE).to_string()
}

/// Writes to standard output, above the live summary. That nobody reads it is no reason to stop.
pub(super) fn say(text: &str) {
    let written = telemetry::progress().suspend(|| writeln!(std::io::stdout(), "{text}"));
    if let Err(error) = written {
        tracing::debug!(%error, "nobody reads standard output");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_to_paste_is_one_word_for_any_shell() {
        assert_eq!(quoted("a/b-c.d"), "a/b-c.d");
        assert_eq!(quoted("pl ug'x"), "'pl ug'\\''x'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
    }

    #[test]
    fn json_stays_the_same_without_a_letter_that_steers_a_terminal() {
        let json = json!({"a\u{9b}31m\u{202e}\u{1d11e}": "é"}).to_string();
        let ascii = in_ascii(&json);
        assert!(ascii.is_ascii() && !ascii.contains(char::is_control), "{ascii}");
        assert_eq!(
            serde_json::from_str::<Value>(&ascii).expect("JSON"),
            serde_json::from_str::<Value>(&json).expect("JSON")
        );
    }
}
