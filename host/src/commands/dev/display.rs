//! The live summary of `fetchlock dev`. On a terminal it stays below the log and leaves room for it; elsewhere it is
//! printed when it has changed.

use std::{collections::BTreeSet, io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{
    super::summary::{Room, render},
    advice,
    terminal::QuietKeys,
};
use crate::{
    status::{Status, View},
    task::Topic,
    telemetry,
};

/// How often it is drawn at most on a terminal: fast enough to look alive.
const DRAW: Duration = Duration::from_millis(100);

/// How often it is printed at most elsewhere: it would fill a file otherwise.
const PRINT: Duration = Duration::from_secs(2);

/// Shows the summary until it is told to stop; then once more as it ends.
pub(super) async fn show(mut view: View, url: String, stop: CancellationToken) {
    let display = Display::new();
    let period = if display.is_live() { DRAW } else { PRINT };
    // Not at once: plugins that are there already are loaded by then.
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut introduced = BTreeSet::new();
    let mut shown = String::new();
    loop {
        let stopping = tokio::select! {
            _ = ticks.tick() => false,
            () = stop.cancelled() => true,
        };
        introduce(&mut view, &url, &mut introduced);
        let Status { plugins, refused, .. } = view.status();
        let text = render(&plugins, &refused, display.room());
        if text != shown {
            display.show(&text);
            shown = text;
        }
        if stopping {
            return display.finish();
        }
    }
}

/// Tells for each new topic how to start a task of it.
fn introduce(view: &mut View, url: &str, introduced: &mut BTreeSet<Topic>) {
    let catalog = view.catalog.borrow_and_update().clone();
    for plugin in catalog.plugins() {
        if introduced.insert(plugin.route.topic.clone()) {
            advice::say(&advice::start_of(url, plugin));
        }
    }
}

/// Where the summary is shown.
enum Display {
    /// Below the log of a terminal.
    Live { bar: ProgressBar, _keys: Option<QuietKeys> },
    /// On standard output.
    Printed,
}

impl Display {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Printed;
        }
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = telemetry::progress().add(ProgressBar::no_length().with_style(style));
        Self::Live { bar, _keys: QuietKeys::begin() }
    }

    fn room(&self) -> Room {
        if self.is_live() { Room::on_terminal() } else { Room::ENDLESS }
    }

    fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    fn show(&self, text: &str) {
        match self {
            Self::Live { bar, .. } => {
                bar.set_message(text.to_owned());
                bar.tick();
            }
            Self::Printed => advice::say(text),
        }
    }

    /// Leaves the last state standing.
    fn finish(&self) {
        if let Self::Live { bar, .. } = self {
            bar.abandon();
        }
    }
}
