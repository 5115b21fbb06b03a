//! The terminal below whose log the summary is drawn: how much room it has, and the echo of Ctrl-C that would break it.

use std::io::{self, Stdin};

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr},
};

/// The rows and columns of a terminal that does not tell its size.
const USUAL: (u16, u16) = (24, 80);

/// Of so many thirds of the terminal the summary takes two at most: the log needs some.
const THIRDS: usize = 3;

/// The least height of the summary, in rows: the head, a topic, how many more there are, and a failure.
const MIN_ROWS: usize = 4;

/// The least width of the summary, in columns: beside its numbers a topic has some room.
const MIN_COLUMNS: usize = 72;

/// How much room the summary has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// How many rows at most.
    pub(super) rows: usize,
    /// How many columns at most.
    pub(super) columns: usize,
}

impl Room {
    /// Where nothing is redrawn nothing needs to be cut.
    pub(super) const ENDLESS: Self = Self { rows: usize::MAX, columns: usize::MAX };

    /// What the terminal at standard error has now; its user may change its size at any time.
    pub(super) fn on_terminal() -> Self {
        let told = tcgetwinsize(io::stderr()).ok().map(|size| (size.ws_row, size.ws_col));
        let (rows, columns) = told.filter(|(rows, columns)| *rows > 0 && *columns > 0).unwrap_or(USUAL);
        Self { rows: (usize::from(rows) * 2 / THIRDS).max(MIN_ROWS), columns: usize::from(columns).max(MIN_COLUMNS) }
    }

    /// A text in one row, without what does not fit.
    pub(super) fn cut(self, text: &str) -> String {
        if text.chars().count() <= self.columns {
            return text.to_owned();
        }
        text.chars().take(self.columns - 1).chain(['…']).collect()
    }

    /// A text in several rows, without what does not fit into `rows` of them.
    pub(super) fn wrap(self, text: &str, rows: usize) -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        let mut wrapped: Vec<String> = characters.chunks(self.columns).map(|row| row.iter().collect()).collect();
        if wrapped.len() > rows {
            wrapped.truncate(rows);
            if let Some(last) = wrapped.last_mut() {
                last.pop();
                last.push('…');
            }
        }
        wrapped
    }
}

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
