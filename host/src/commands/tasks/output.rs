//! Where results and problems go: results to standard output, problems to standard error, one line each.

use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;

use crate::foreign::escape;

/// Standard output.
pub(super) struct Output {
    /// The columns of the terminal, if it is one.
    pub(super) columns: Option<usize>,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let size = if stdout.is_terminal() { tcgetwinsize(&stdout).ok() } else { None };
        Self { columns: size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0) }
    }

    /// Writes a text as it is.
    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        io::stdout().lock().write_all(text.as_bytes())
    }

    /// Writes a line.
    pub(super) fn line(&self, line: &str) -> io::Result<()> {
        self.write(&format!("{line}\n"))
    }
}

/// Tells what was not done, or is worth knowing beside the result.
pub(super) fn problem(line: &str) {
    eprintln!("fetchlock: {}", escape(line));
}

/// A number with what it counts.
pub(super) fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
