//! The live summary of `fetchlock dev`: one line for each topic, and the last failure with its backtrace. On a terminal
//! it stays below the log; elsewhere it is printed when it has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::IsTerminal,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::advice;
use crate::{
    foreign::escape,
    service::View,
    task::Topic,
    telemetry,
    worker::{LastFailure, TopicActivity},
};

/// How often it is drawn at most on a terminal: fast enough to look alive.
const DRAW: Duration = Duration::from_millis(100);

/// How often it is printed at most elsewhere: it would fill a file otherwise.
const PRINT: Duration = Duration::from_secs(2);

/// How many lines of a failure's details are shown; the engine has them all.
const MAX_DETAILS: usize = 12;

/// The least width of the column of topics.
const TOPIC_WIDTH: usize = 16;

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
        let text = render(&versions(&view), &view.activity.topics());
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
        if introduced.insert(plugin.topic.clone()) {
            advice::say(&advice::start_of(url, plugin));
        }
    }
}

fn versions(view: &View) -> BTreeMap<Topic, String> {
    view.catalog.borrow().plugins().map(|plugin| (plugin.topic.clone(), plugin.version.clone())).collect()
}

/// The summary as text.
fn render(versions: &BTreeMap<Topic, String>, activity: &BTreeMap<Topic, TopicActivity>) -> String {
    let topics: BTreeSet<&Topic> = versions.keys().chain(activity.keys()).collect();
    let mut text = String::new();
    if topics.is_empty() {
        return "no plugin yet: drop a NAME.wasm into the directory".to_owned();
    }
    let names: Vec<String> = topics.iter().map(|topic| escape(topic.as_str())).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(TOPIC_WIDTH);
    let head = ["running", "done", "BPMN errors", "failed", "incidents"];
    // Writing to a string cannot fail.
    let _infallible = write!(text, "{:width$}  {:12}", "topic", "version");
    for title in head {
        let _infallible = write!(text, "  {title:>7}");
    }
    let idle = TopicActivity::default();
    for (topic, name) in topics.iter().zip(&names) {
        let version = versions.get(*topic).map_or("(removed)", String::as_str);
        let activity = activity.get(*topic).unwrap_or(&idle);
        let _infallible = write!(text, "\n{name:width$}  {version:12}");
        let counts =
            [activity.running as u64, activity.completed, activity.bpmn_errors, activity.failures, activity.incidents];
        for (title, count) in head.iter().zip(counts) {
            let _infallible = write!(text, "  {count:>width$}", width = title.len().max(7));
        }
    }
    let failures = activity.values().filter_map(|topic| topic.last_failure.as_ref());
    if let Some(failure) = failures.max_by_key(|failure| failure.at) {
        text.push_str(&last_failure(failure));
    }
    text
}

fn last_failure(failure: &LastFailure) -> String {
    // Texts of guests were escaped when they became a failure.
    let mut text = format!("\nlast failure (task {}): {}", failure.task, failure.message);
    let details = failure.details.as_deref().unwrap_or_default();
    let own: Vec<&str> = details.lines().filter(|line| !is_of_the_runtime(line)).collect();
    for line in own.iter().take(MAX_DETAILS) {
        let _infallible = write!(text, "\n  {line}");
    }
    let more = details.lines().count() - own.len().min(MAX_DETAILS);
    if more > 0 {
        let _infallible = write!(text, "\n  … and {more} lines more, in the engine's error details");
    }
    text
}

/// Whether a line of a backtrace is about a language's own runtime, which is not where an author looks first.
fn is_of_the_runtime(line: &str) -> bool {
    ["!std[", "!core[", "!alloc[", "!__rustc[", "!abort", "!runtime."].iter().any(|runtime| line.contains(runtime))
}

/// Where the summary is shown.
enum Display {
    /// Below the log of a terminal.
    Live(ProgressBar),
    /// On standard output.
    Printed,
}

impl Display {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Printed;
        }
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Live(telemetry::progress().add(ProgressBar::no_length().with_style(style)))
    }

    fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    fn show(&self, text: &str) {
        match self {
            Self::Live(bar) => {
                bar.set_message(text.to_owned());
                bar.tick();
            }
            Self::Printed => advice::say(text),
        }
    }

    /// Leaves the last state standing.
    fn finish(&self) {
        if let Self::Live(bar) = self {
            bar.abandon();
        }
    }
}
