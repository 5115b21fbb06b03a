//! A guest that says which version of itself ran.
//!
//! It completes with `build`, which the feature `v2` changes (so the component differs), and with `version`, the
//! setting of that name (so the manifest alone can make another version). With the setting `sleep-ms` it takes so long,
//! for a test to replace it while it runs.

use std::thread::sleep;
use std::time::Duration;

use bindings::fetchlock::handler::types::{Value, Variable};
use bindings::fetchlock::handler::{config, outcome};

/// What wit-bindgen makes of the contract in `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "handler" });
}

/// Which build this is.
const BUILD: &str = if cfg!(feature = "v2") { "v2" } else { "v1" };

struct Versioned;

bindings::export!(Versioned with_types_in bindings);

impl bindings::Guest for Versioned {
    fn handle() -> Result<(), String> {
        if let Some(text) = config::get("sleep-ms") {
            let millis = text.parse().map_err(|_| format!("setting `sleep-ms`: expected a number, found `{text}`"))?;
            sleep(Duration::from_millis(millis));
        }
        let version = config::get("version").map_or_else(|| Value::Null(Some("String".to_owned())), Value::Text);
        let variables = [variable("build", Value::Text(BUILD.to_owned())), variable("version", version)];
        outcome::complete(&variables, &[]).map_err(|error| format!("the host did not accept the decision: {error}"))
    }
}

fn variable(name: &str, value: Value) -> Variable {
    Variable { name: name.to_owned(), value, transient: false }
}
