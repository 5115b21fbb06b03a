//! The terminal below whose log the summary is drawn: the echo of Ctrl-C would break it.

use std::io::{self, Stdin};

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};

/// Keeps the terminal from showing `^C`, as long as this lives. The summary is redrawn from where the cursor was left,
/// at the right edge: what the terminal writes there by itself moves the cursor one row down, and the summary with it.
#[derive(Debug)]
pub(super) struct QuietKeys {
    keyboard: Stdin,
    before: Termios,
}

impl QuietKeys {
    /// None if standard input is no terminal, or another process's at the moment.
    pub(super) fn begin() -> Option<Self> {
        let keyboard = io::stdin();
        let before = tcgetattr(&keyboard).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        set(&keyboard, &quiet);
        Some(Self { keyboard, before })
    }
}

impl Drop for QuietKeys {
    fn drop(&mut self) {
        set(&self.keyboard, &self.before);
    }
}

fn set(keyboard: &Stdin, modes: &Termios) {
    // In the background the attempt alone would stop the process.
    if tcgetpgrp(keyboard).ok() != Some(getpgrp()) {
        return;
    }
    if let Err(error) = tcsetattr(keyboard, OptionalActions::Now, modes) {
        tracing::debug!(%error, "the terminal keeps its modes");
    }
}
