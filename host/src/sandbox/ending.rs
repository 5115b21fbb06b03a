//! How an invocation ended, and what it used.

use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};

use super::{limits::LimitExceeded, secrets::SecretMissing};
use crate::foreign::{escape, excerpt};

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The handler returned; an error is its text.
    Returned(Result<(), String>),
    /// The handler trapped, used up a limit, or exited.
    Broken(Breakdown),
    /// The worker cancelled it: the task is not ours any more, or the host stops.
    Cancelled,
    /// The host could not run it; the plugin is not to blame.
    HostFault(String),
}

/// A handler's end that its author has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// What happened, in one line.
    pub cause: String,
    /// Where in the guest, if it is known, and its last words on standard error.
    pub details: String,
    /// The setting of the limit that it used up, if that is what happened.
    pub limit: Option<&'static str>,
}

/// What an invocation used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Wall clock.
    pub wall: Duration,
    /// Time on a processor.
    pub cpu: Duration,
    /// Bytes of all memories at the end; they never shrink.
    pub memory: usize,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Lines of log that did not fit the limits.
    pub dropped_lines: u64,
    /// Which of the tasks of its instance it was, counted from 1.
    pub task_of_instance: usize,
}

impl Ending {
    /// Reads what wasmtime tells of a call that did not return.
    pub(super) fn from_error(error: &wasmtime::Error, stderr: &str) -> Self {
        // Not the plugin's doing: the pool had no room, which the worker's slots should have prevented.
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::HostFault(format!("{error:#}"));
        }
        let limit = error.downcast_ref::<LimitExceeded>();
        let cause = match (limit, error.downcast_ref::<SecretMissing>()) {
            (Some(limit), _) => limit.to_string(),
            (_, Some(missing)) => escape(&missing.to_string()),
            (None, None) => match (error.downcast_ref::<wasmtime_wasi::I32Exit>(), error.downcast_ref::<Trap>()) {
                // WASI 0.2 tells no more than that.
                (Some(exit), _) if exit.0 == 0 => "the handler ended itself, as a program that is done".to_owned(),
                (Some(_), _) => "the handler ended itself, as a program that has failed".to_owned(),
                (None, Some(trap)) => format!("trap: {}", describe(*trap)),
                (None, None) => format!("trap: {}", error.root_cause()),
            },
        };
        let mut details = String::new();
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            // wasmtime's own form demangles names and knows lines, if the component has them.
            details.push_str(&format!("guest backtrace: {}\n", shown(&backtrace.to_string())));
        }
        if !stderr.is_empty() {
            details.push_str("standard error:\n");
            details.push_str(stderr);
        }
        // The first line of a panic says more than "unreachable".
        let cause = match panic_message(stderr) {
            Some(panic) if cause.contains("unreachable") => format!("{cause} ({panic})"),
            _ => cause,
        };
        Self::Broken(Breakdown { cause, details, limit: limit.map(|limit| limit.setting) })
    }

    /// This ending of an instance's so-manieth task: what breaks down may have been left so by one before.
    pub(super) fn of_task(mut self, number: usize) -> Self {
        if let Self::Broken(Breakdown { details, .. }) = &mut self
            && number > 1
        {
            let gap = if details.is_empty() || details.ends_with('\n') { "" } else { "\n" };
            details.push_str(&format!("{gap}it was task {number} of its instance (`reuse` in the manifest)"));
        }
        self
    }

    /// An invocation that did not end in time and was dropped in the middle of a host call.
    pub(super) fn timed_out(timeout: Duration, stderr: &str) -> Self {
        let limit = LimitExceeded { setting: "timeout", allowed: show(timeout) };
        let mut details = String::from("the handler was waiting for a host call\n");
        details.push_str(stderr);
        Self::Broken(Breakdown { cause: limit.to_string(), details, limit: Some(limit.setting) })
    }
}

/// Names in a backtrace are the guest's: they are bounded and escaped, line by line.
fn shown(backtrace: &str) -> String {
    const MAX_LINES: usize = 60;
    const MAX_LINE: usize = 400;
    backtrace.lines().take(MAX_LINES).map(|line| excerpt(line, MAX_LINE)).collect::<Vec<_>>().join("\n")
}

/// A duration as a person writes it.
pub(crate) fn show(duration: Duration) -> String {
    if duration.as_millis() < 1_000 {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", (duration.as_millis() as f64 / 100.0).round() / 10.0)
    }
}

fn describe(trap: Trap) -> String {
    match trap {
        Trap::StackOverflow => "stack overflow: the handler's recursion is too deep".into(),
        Trap::UnreachableCodeReached => "unreachable code: a panic or abort of the handler".into(),
        other => other.to_string(),
    }
}

/// What the runtime of JavaScript writes when it has nothing more to do and the handler's promise is not settled.
const UNSETTLED: &str = "event loop error, but no exception is pending";

/// The message of a panic on standard error, as Rust and Go write it, or what JavaScript's runtime means.
fn panic_message(stderr: &str) -> Option<String> {
    if stderr.contains(UNSETTLED) {
        return Some("it waits for a promise that nothing settles any more".to_owned());
    }
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.find(|line| line.contains("panicked at") || line.starts_with("panic:"))?;
    // Rust puts the message on the next line.
    let message = if line.ends_with(':') { lines.next().unwrap_or(line) } else { line };
    Some(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panics_message_is_found_in_rust_and_in_go_and_a_lost_promise_in_javascript() {
        let rust = "\nthread '<unnamed>' panicked at src/lib.rs:4:5:\nno such card\nnote: run with";
        assert_eq!(panic_message(rust).as_deref(), Some("no such card"));
        assert_eq!(panic_message("panic: no such card\n\ngoroutine 1").as_deref(), Some("panic: no such card"));
        assert_eq!(panic_message("all is well"), None);
        let js = "Error while (call) event loop error, but no exception is pending. Aborting";
        assert_eq!(panic_message(js).as_deref(), Some("it waits for a promise that nothing settles any more"));
    }

    #[test]
    fn a_trap_names_its_cause() {
        let Ending::Broken(breakdown) = Ending::from_error(&Trap::StackOverflow.into(), "") else {
            panic!("a trap is a breakdown");
        };
        assert_eq!(breakdown.cause, "trap: stack overflow: the handler's recursion is too deep");
    }
}
