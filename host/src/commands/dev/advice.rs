//! What `fetchlock dev` tells its user to do: start a task, change a plugin, go on to a real engine.

use std::{io::Write, path::Path};

use serde_json::{Map, Value, json};

use crate::{plugins::Plugin, telemetry};

/// What is told at the beginning.
pub(super) fn greet(url: &str, plugins: &Path, data: Option<&Path>) {
    let plugins = plugins.display();
    let kept = match data {
        Some(data) => format!("kept in {}", data.display()),
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
    let body = json!({ "variables": variables }).to_string();
    let topic = encoded(plugin.topic.as_str());
    format!(
        "start a task of {}:\n  curl -s {url}/process-definition/key/{topic}/start \\\n    \
         -H 'Content-Type: application/json' -d '{}'\n",
        crate::foreign::escape(plugin.topic.as_str()),
        body.replace('\'', "'\\''")
    )
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
