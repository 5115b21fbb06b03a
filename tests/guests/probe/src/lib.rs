//! One guest that misbehaves in every way the host must withstand.
//!
//! The text variable `behaviour` picks what it does: a name of [`BEHAVIOURS`]. The variable `n` (an integer of any width,
//! or a double) and the text variable `text` refine it where the description of a behaviour says so. A task without
//! `behaviour`, or with one that is not known, fails with an error that says so; nothing is guessed.
//!
//! What must not happen (a host that accepts a second decision, say) is a panic: the test sees a trap with a message
//! instead of a completion.

mod begin;
mod decide;
mod fetch;
mod harm;
mod keep;
mod look;
mod secrets;
mod support;

use support::text_variable;

/// What wit-bindgen makes of the contract in `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "handler-with-engine-and-http", generate_all });
}

/// What a behaviour returns, and with it the handler.
type Returned = Result<(), String>;

/// A name and what it does.
type Behaviour = (&'static str, fn() -> Returned);

/// All behaviours. Each is described at its function.
const BEHAVIOURS: &[Behaviour] = &[
    // Decisions, good and bad.
    ("complete", decide::complete),
    ("complete-slowly", decide::complete_slowly),
    ("complete-both", decide::complete_both),
    ("complete-locally", decide::complete_locally),
    ("err", decide::err),
    ("fail-retry", decide::fail_retry),
    ("fail-then-context", decide::fail_then_context),
    ("fail-exactly", decide::fail_exactly),
    ("fail-never", decide::fail_never),
    ("fail-with-file", decide::fail_with_file),
    ("system-down", decide::system_down),
    ("bpmn-error", decide::bpmn_error),
    ("unlock", decide::unlock),
    ("hand-off", decide::hand_off),
    ("undecided", decide::undecided),
    ("decide-twice", decide::decide_twice),
    ("decide-then-trap", decide::decide_then_trap),
    ("decide-then-err", decide::decide_then_err),
    ("decide-then-loop", decide::decide_then_loop),
    ("invalid-decision", decide::invalid_decision),
    ("nan", decide::nan),
    ("extend-lock", decide::extend_lock),
    ("date", decide::date),
    ("progress", decide::progress),
    // Work beside the task.
    ("start-process", begin::start_process),
    ("start-then-trap", begin::start_then_trap),
    ("correlate-message", begin::correlate_message),
    ("start-flood", begin::start_flood),
    // Requests over HTTP, and secrets.
    ("fetch", fetch::fetch),
    ("fetch-flood", fetch::fetch_flood),
    ("fetch-unfinished", fetch::fetch_unfinished),
    ("fetch-headers", fetch::fetch_headers),
    ("fetch-and-leave", fetch::fetch_and_leave),
    ("leak-handles", fetch::leak_handles),
    ("say-secret", secrets::say_secret),
    ("fail-with-secret", secrets::fail_with_secret),
    ("err-secret", secrets::err_secret),
    ("panic-with-secret", secrets::panic_with_secret),
    // What an instance keeps.
    ("keep", keep::keep),
    ("say-kept", keep::say_kept),
    // Harm.
    ("trap", harm::trap),
    ("stack-overflow", harm::stack_overflow),
    ("spin", harm::spin),
    ("sleep-forever", harm::sleep_forever),
    ("memory-bomb", harm::memory_bomb),
    ("log-flood", harm::log_flood),
    ("log-escapes", harm::log_escapes),
    ("stdout-noise", harm::stdout_noise),
    ("host-call-flood", harm::host_call_flood),
    ("huge-variable", harm::huge_variable),
    ("exit", harm::exit),
    // What a guest can see.
    ("load-file", look::load_file),
    ("config", look::config),
    ("context", look::context),
    ("values", look::values),
    ("probe-sandbox", look::probe_sandbox),
    ("random", look::random),
];

struct Probe;

bindings::export!(Probe with_types_in bindings);

impl bindings::Guest for Probe {
    fn handle() -> Returned {
        let name =
            text_variable("behaviour")?.ok_or("variable `behaviour`: expected a String, found no such variable")?;
        let Some((_, behave)) = BEHAVIOURS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = BEHAVIOURS.iter().map(|(name, _)| *name).collect();
            return Err(format!("behaviour `{name}` is not one of {}", known.join(", ")));
        };
        behave()
    }
}
