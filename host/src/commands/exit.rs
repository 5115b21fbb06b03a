//! With which codes the commands end, and how they refuse to begin.

use std::process::ExitCode;

/// The exit code of a command that did its work and found something wrong.
pub(super) const EXIT_FOUND: u8 = 1;

/// The exit code where a host is asked for and none runs, as that of a service manager for its services (LSB).
pub(super) const EXIT_NOT_RUNNING: u8 = 3;

/// The exit code for settings or surroundings with which a command does not begin (`EX_CONFIG` of sysexits.h).
pub(super) const EXIT_CONFIG: u8 = 78;

/// The exit code after a second signal, as a shell reports an interrupt.
pub(super) const EXIT_FORCED: u8 = 130;

/// Says why a command does not begin.
pub(super) fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("fetchlock: {error}");
    ExitCode::from(EXIT_CONFIG)
}
