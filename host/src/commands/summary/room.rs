//! How much room a summary has on a terminal, and how texts are fitted into it.

use std::io;

use rustix::termios::tcgetwinsize;

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
pub(in crate::commands) struct Room {
    /// How many rows at most.
    pub(in crate::commands) rows: usize,
    /// How many columns at most.
    pub(in crate::commands) columns: usize,
}

impl Room {
    /// Where nothing is redrawn nothing needs to be cut.
    pub(in crate::commands) const ENDLESS: Self = Self { rows: usize::MAX, columns: usize::MAX };

    /// What the terminal at standard error has now; its user may change its size at any time.
    pub(in crate::commands) fn on_terminal() -> Self {
        let told = tcgetwinsize(io::stderr()).ok().map(|size| (size.ws_row, size.ws_col));
        let (rows, columns) = told.filter(|(rows, columns)| *rows > 0 && *columns > 0).unwrap_or(USUAL);
        Self { rows: (usize::from(rows) * 2 / THIRDS).max(MIN_ROWS), columns: usize::from(columns).max(MIN_COLUMNS) }
    }

    /// A text in one row, without what does not fit.
    pub(in crate::commands) fn cut(self, text: &str) -> String {
        if text.chars().count() <= self.columns {
            return text.to_owned();
        }
        text.chars().take(self.columns - 1).chain(['…']).collect()
    }

    /// A text in several rows, without what does not fit into `rows` of them.
    pub(in crate::commands) fn wrap(self, text: &str, rows: usize) -> Vec<String> {
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
