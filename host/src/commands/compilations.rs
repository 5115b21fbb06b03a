//! The sign on a terminal that a component is being compiled, for every command that compiles.

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{plugins::OnCompile, telemetry};

/// How often the sign turns.
const SPIN: Duration = Duration::from_millis(100);

/// A turning sign on a terminal while a component is compiled; a line of log elsewhere.
pub(super) fn show_compilations() -> OnCompile {
    Arc::new(|name, size| {
        tracing::debug!(plugin = name, size = %ByteSize(size), "compiling");
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = telemetry::progress().add(ProgressBar::new_spinner().with_style(style));
        bar.set_message(format!("compiling {name} ({})", ByteSize(size)));
        bar.enable_steady_tick(SPIN);
        Box::new(Cleared(bar))
    })
}

/// A sign that goes away without a trace.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
