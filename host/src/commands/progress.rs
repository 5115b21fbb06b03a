//! The sign on a terminal that something is being done.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::telemetry;

/// How often the sign turns.
const SPIN: Duration = Duration::from_millis(100);

/// A turning sign on a terminal, with what is being done and for how long. It goes away without a trace.
pub(super) fn sign(what: String) -> Sign {
    let style =
        ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = telemetry::progress().add(ProgressBar::new_spinner().with_style(style));
    bar.set_message(what);
    bar.enable_steady_tick(SPIN);
    Sign(bar)
}

/// A sign on the terminal until this is dropped.
pub(super) struct Sign(ProgressBar);

impl Drop for Sign {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
