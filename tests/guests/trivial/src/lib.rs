//! A guest that completes its task without variables, to measure what is around a handler.

use bindings::fetchlock::handler::outcome;

/// What wit-bindgen makes of the contract in `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "handler" });
}

struct Trivial;

bindings::export!(Trivial with_types_in bindings);

impl bindings::Guest for Trivial {
    fn handle() -> Result<(), String> {
        outcome::complete(&[], &[]).map_err(|error| format!("the host did not accept the decision: {error}"))
    }
}
