//! The live summary of `fetchlock dev`: one line for each topic and plugin, and the last failure with its backtrace. On a terminal
//! it stays below the log and leaves room for it; elsewhere it is printed when it has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::IsTerminal,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{
    advice,
    terminal::{QuietKeys, Room},
};
use crate::{
    foreign::escape,
    service::View,
    task::{Route, Topic},
    telemetry,
    worker::{LastFailure, RouteActivity},
};

/// How often it is drawn at most on a terminal: fast enough to look alive.
const DRAW: Duration = Duration::from_millis(100);

/// How often it is printed at most elsewhere: it would fill a file otherwise.
const PRINT: Duration = Duration::from_secs(2);

/// How many lines of a failure's details are shown; the engine has them all.
const MAX_DETAILS: usize = 12;

/// How many rows a failure's message may take on a terminal.
const MAX_MESSAGE: usize = 4;

/// The least width of the column of topics, unless the terminal is narrow.
const TOPIC_WIDTH: usize = 16;

/// The width of a plugin's version.
const VERSION_WIDTH: usize = 12;

/// What is counted of each topic.
const COUNTS: [&str; 5] = ["running", "done", "BPMN errors", "failed", "incidents"];

/// The least width of a number: all columns together fit into 80.
const COUNT_WIDTH: usize = 6;

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
        let refused = view.catalog.borrow().refused().to_vec();
        let text = render(&versions(&view), &refused, &view.activity.routes(), display.room());
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

fn versions(view: &View) -> BTreeMap<Route, String> {
    view.catalog.borrow().plugins().map(|plugin| (plugin.route.clone(), plugin.version.clone())).collect()
}

/// The summary as text. A failure may take half of the room, and more if there are few topics.
fn render(
    versions: &BTreeMap<Route, String>,
    refused: &[String],
    activity: &BTreeMap<Route, RouteActivity>,
    room: Room,
) -> String {
    let failures = activity.values().filter_map(|it| it.last_failure.as_ref());
    let failure = failures.max_by_key(|failure| failure.at);
    let refused: Vec<String> = refused.iter().flat_map(|why| refusal(why, room)).collect();
    let wanted = refused.len() + failure.map_or(0, |failure| last_failure(failure, room, usize::MAX).len());
    let mut lines = table(versions, activity, room, room.rows.saturating_sub(wanted).max(room.rows / 2));
    lines.extend(refused);
    if let Some(failure) = failure {
        lines.extend(last_failure(failure, room, room.rows.saturating_sub(lines.len())));
    }
    lines.join("\n")
}

/// A table of the topics and their plugins, of at most so many rows. Those that had tasks come before others if not all
/// fit.
fn table(
    versions: &BTreeMap<Route, String>,
    activity: &BTreeMap<Route, RouteActivity>,
    room: Room,
    rows: usize,
) -> Vec<String> {
    let mut routes: Vec<&Route> = versions.keys().chain(activity.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    if routes.is_empty() {
        return vec!["no plugin yet: drop a NAME.wasm into the directory".to_owned()];
    }
    let all = routes.len();
    if all + 1 > rows {
        routes.sort_by_key(|route| !activity.contains_key(*route));
        // The head and the number of the others take a row each.
        routes.truncate(rows.saturating_sub(2));
        routes.sort();
    }
    let shares = |route: &Route, other: &&Route| route.topic == other.topic && route.plugin != other.plugin;
    let names = routes.iter().map(|route| match versions.keys().chain(activity.keys()).find(|it| shares(route, it)) {
        None => escape(route.topic.as_str()),
        // The topic alone would not tell which.
        Some(_) => escape(&format!("{} ({})", route.topic, route.plugin)),
    });
    let names: Vec<String> = names.collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let numbers: usize = COUNTS.iter().map(|title| 2 + title.len().max(COUNT_WIDTH)).sum();
    let width = longest.max(TOPIC_WIDTH).min(room.columns - VERSION_WIDTH - 2 - numbers);
    let names_room = Room { columns: width, ..room };

    let row = |name: &str, version: &str, counts: [&str; COUNTS.len()]| {
        let mut row = format!("{:width$}  {version:VERSION_WIDTH$}", names_room.cut(name));
        for (title, count) in COUNTS.iter().zip(counts) {
            // Writing to a string cannot fail.
            let _infallible = write!(row, "  {count:>width$}", width = title.len().max(COUNT_WIDTH));
        }
        row
    };
    let mut lines = vec![row("topic", "version", COUNTS)];
    let idle = RouteActivity::default();
    for (route, name) in routes.iter().zip(&names) {
        let version = versions.get(*route).map_or("(removed)", String::as_str);
        let activity = activity.get(*route).unwrap_or(&idle);
        let counts =
            [activity.running as u64, activity.completed, activity.bpmn_errors, activity.failures, activity.incidents]
                .map(|count| count.to_string());
        lines.push(row(name, version, counts.each_ref().map(String::as_str)));
    }
    if all > routes.len() {
        lines.push(format!("… and {} topics more", all - routes.len()));
    }
    lines
}

/// What is not taken from the directory, until it is mended.
fn refusal(why: &str, room: Room) -> Vec<String> {
    room.wrap(&format!("refused: {}", escape(why)), MAX_MESSAGE)
}

/// What went wrong last, in at most so many rows: the message, and as much of the details as there is room for.
fn last_failure(failure: &LastFailure, room: Room, rows: usize) -> Vec<String> {
    // Texts of guests were escaped when they became a failure.
    let message = format!("last failure (task {}): {}", failure.task, failure.message);
    let mut lines = room.wrap(&message, rows.min(MAX_MESSAGE));
    let details = failure.details.as_deref().unwrap_or_default();
    let own: Vec<&str> = details.lines().filter(|line| !is_of_the_runtime(line)).collect();
    // The number of the others takes a row.
    let shown = own.len().min(MAX_DETAILS).min(rows.saturating_sub(lines.len() + 1));
    lines.extend(own.iter().take(shown).map(|line| room.cut(&format!("  {line}"))));
    let more = details.lines().count() - shown;
    if more > 0 && lines.len() < rows {
        lines.push(room.cut(&format!("  … and {more} lines more, in the engine's error details")));
    }
    lines
}

/// Whether a line of a backtrace is about a language's own runtime, which is not where an author looks first.
fn is_of_the_runtime(line: &str) -> bool {
    ["!std[", "!std::", "!core[", "!core::", "!alloc[", "!alloc::", "!__rustc", "!abort", "!runtime."]
        .iter()
        .any(|runtime| line.contains(runtime))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PluginName, TaskId};

    const SMALL: Room = Room { rows: 8, columns: 80 };

    fn route(topic: &str, plugin: &str) -> Route {
        Route { topic: Topic::new(topic), plugin: PluginName::new(plugin) }
    }

    fn failed() -> RouteActivity {
        let last_failure = LastFailure {
            at: jiff::Timestamp::UNIX_EPOCH,
            task: TaskId::new("t"),
            message: "m".repeat(100),
            details: Some("a frame of the backtrace\n".repeat(20)),
        };
        RouteActivity { failures: 1, last_failure: Some(last_failure), ..RouteActivity::default() }
    }

    #[test]
    fn it_fits_the_terminal_however_many_topics_there_are_and_shows_those_that_work() {
        let versions: BTreeMap<Route, String> =
            (0..40).map(|number| (route(&format!("topic-{number}"), "p"), "0123456789ab".to_owned())).collect();
        let activity = BTreeMap::from([(route("topic-39", "p"), failed())]);
        insta::assert_snapshot!(render(&versions, &[], &activity, SMALL), @"
        topic             version       running    done  BPMN errors  failed  incidents
        topic-0           0123456789ab        0       0            0       0          0
        topic-39          0123456789ab        0       0            0       1          0
        … and 38 topics more
        last failure (task t): mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
          a frame of the backtrace
          … and 19 lines more, in the engine's error details
        ");
    }

    #[test]
    fn plugins_that_share_a_topic_are_told_apart() {
        let routes = [route("charge", "eu"), route("charge", "us"), route("ship", "ship")];
        let versions = routes.into_iter().map(|route| (route, "0123456789ab".to_owned())).collect();
        insta::assert_snapshot!(render(&versions, &[], &BTreeMap::new(), SMALL), @"
        topic             version       running    done  BPMN errors  failed  incidents
        charge (eu)       0123456789ab        0       0            0       0          0
        charge (us)       0123456789ab        0       0            0       0          0
        ship              0123456789ab        0       0            0       0          0
        ");
    }

    #[test]
    fn a_failure_takes_the_room_that_topics_leave() {
        let activity = BTreeMap::from([(route("a-topic-with-a-name-that-is-too-long", "p"), failed())]);
        insta::assert_snapshot!(render(&BTreeMap::new(), &[], &activity, SMALL), @"
        topic              version       running    done  BPMN errors  failed  incidents
        a-topic-with-a-n…  (removed)           0       0            0       1          0
        last failure (task t): mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
          a frame of the backtrace
          a frame of the backtrace
          a frame of the backtrace
          … and 17 lines more, in the engine's error details
        ");
    }

    #[test]
    fn nothing_is_cut_where_nothing_is_redrawn() {
        let activity = BTreeMap::from([(route("charge", "p"), failed())]);
        let text = render(&BTreeMap::new(), &[], &activity, Room::ENDLESS);
        assert!(text.contains(&"m".repeat(100)), "{text}");
        assert_eq!(text.lines().count(), 3 + MAX_DETAILS + 1, "{text}");
    }
}
