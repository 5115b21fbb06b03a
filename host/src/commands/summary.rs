//! What a host does and what went wrong, as lines of text: one for each topic and plugin, what is refused, and the last
//! failure with its backtrace.

mod room;

use std::fmt::Write as _;

pub(in crate::commands) use self::room::Room;
use crate::{
    foreign::escape,
    plugins::Refusal,
    status::PluginStatus,
    task::Route,
    worker::{LastFailure, RouteActivity},
};

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

/// The summary as text. What is refused and a failure may take half of the room, and more if there are few topics.
pub(super) fn render(plugins: &[PluginStatus], refused: &[Refusal], room: Room) -> String {
    let failures = plugins.iter().filter_map(|plugin| plugin.activity.last_failure.as_ref());
    let failure = failures.max_by_key(|failure| failure.at);
    let refused: Vec<String> = refused.iter().flat_map(|refusal| refusal_lines(refusal, room)).collect();
    let wanted = refused.len() + failure.map_or(0, |failure| last_failure(failure, room, usize::MAX).len());
    let mut lines = table(plugins, room, room.rows.saturating_sub(wanted).max(room.rows / 2));
    let left = room.rows.saturating_sub(lines.len());
    lines.extend(at_most(refused, left));
    if let Some(failure) = failure {
        lines.extend(last_failure(failure, room, room.rows.saturating_sub(lines.len())));
    }
    lines.join("\n")
}

/// As many lines as there is room for; the last one tells how many more there are.
fn at_most(mut lines: Vec<String>, rows: usize) -> Vec<String> {
    if lines.len() > rows {
        let shown = rows.saturating_sub(1);
        let more = lines.len() - shown;
        lines.truncate(shown);
        lines.extend((rows > 0).then(|| format!("  … and {more} lines more, in the log")));
    }
    lines
}

/// A table of the topics and their plugins, of at most so many rows. Those that had tasks come before others if not all
/// fit.
fn table(plugins: &[PluginStatus], room: Room, rows: usize) -> Vec<String> {
    let mut shown: Vec<&PluginStatus> = plugins.iter().collect();
    if shown.is_empty() {
        return vec!["no plugin yet: drop a NAME.wasm into the directory".to_owned()];
    }
    if shown.len() + 1 > rows {
        shown.sort_by_key(|plugin| !plugin.activity.has_worked());
        // The head and the number of the others take a row each.
        shown.truncate(rows.saturating_sub(2));
        shown.sort_by_key(|plugin| &plugin.route);
    }
    let names: Vec<String> = shown.iter().map(|plugin| name(&plugin.route, plugins)).collect();
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
    for (plugin, name) in shown.iter().zip(&names) {
        let RouteActivity { running, completed, bpmn_errors, failures, incidents, .. } = plugin.activity;
        let counts = [running as u64, completed, bpmn_errors, failures, incidents].map(|count| count.to_string());
        let version = plugin.version.as_deref().unwrap_or("(removed)");
        lines.push(row(name, version, counts.each_ref().map(String::as_str)));
    }
    if plugins.len() > shown.len() {
        lines.push(format!("… and {} topics more", plugins.len() - shown.len()));
    }
    lines
}

/// What a plugin is called: its topic, and its own name where the topic alone would not tell which.
fn name(route: &Route, plugins: &[PluginStatus]) -> String {
    let shares = |other: &PluginStatus| other.route.topic == route.topic && other.route.plugin != route.plugin;
    match plugins.iter().any(shares) {
        false => escape(route.topic.as_str()),
        true => escape(&format!("{} ({})", route.topic, route.plugin)),
    }
}

/// What is not taken from the directory, until it is mended.
fn refusal_lines(refusal: &Refusal, room: Room) -> Vec<String> {
    let Refusal { why, details, serving } = refusal;
    let meanwhile = serving.as_ref().map(|version| format!(" (version {version} keeps serving)")).unwrap_or_default();
    let mut lines = room.wrap(&format!("refused: {}{meanwhile}", escape(why)), MAX_MESSAGE);
    lines.extend(details.lines().map(|line| room.cut(&format!("  {}", escape(line)))));
    lines
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PluginName, TaskId, Topic};

    const SMALL: Room = Room { rows: 8, columns: 80 };

    fn plugin(topic: &str, plugin: &str) -> PluginStatus {
        PluginStatus {
            route: Route { topic: Topic::new(topic), plugin: PluginName::new(plugin) },
            version: Some("0123456789ab".into()),
            engine: None,
            activity: RouteActivity::default(),
        }
    }

    fn failed(topic: &str) -> PluginStatus {
        let last_failure = LastFailure {
            at: jiff::Timestamp::UNIX_EPOCH,
            task: TaskId::new("t"),
            message: "m".repeat(100),
            details: Some("a frame of the backtrace\n".repeat(20)),
        };
        let activity = RouteActivity { failures: 1, last_failure: Some(last_failure), ..RouteActivity::default() };
        PluginStatus { activity, version: None, ..plugin(topic, "p") }
    }

    fn refused(lines: usize) -> Refusal {
        Refusal {
            why: "charge.wasm: its cases fail".into(),
            details: "expected one, found two\n".repeat(lines),
            serving: Some("0123456789ab".into()),
        }
    }

    #[test]
    fn it_fits_the_terminal_however_many_topics_there_are_and_shows_those_that_work() {
        let idle = (0..39).map(|number| plugin(&format!("topic-{number}"), "p"));
        let plugins: Vec<PluginStatus> = idle.chain([failed("topic-39")]).collect();
        insta::assert_snapshot!(render(&plugins, &[], SMALL), @"
        topic             version       running    done  BPMN errors  failed  incidents
        topic-0           0123456789ab        0       0            0       0          0
        topic-39          (removed)           0       0            0       1          0
        … and 38 topics more
        last failure (task t): mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
          a frame of the backtrace
          … and 19 lines more, in the engine's error details
        ");
    }

    #[test]
    fn plugins_that_share_a_topic_are_told_apart() {
        let plugins = [plugin("charge", "eu"), plugin("charge", "us"), plugin("ship", "ship")];
        insta::assert_snapshot!(render(&plugins, &[], SMALL), @"
        topic             version       running    done  BPMN errors  failed  incidents
        charge (eu)       0123456789ab        0       0            0       0          0
        charge (us)       0123456789ab        0       0            0       0          0
        ship              0123456789ab        0       0            0       0          0
        ");
    }

    #[test]
    fn a_failure_takes_the_room_that_topics_leave() {
        insta::assert_snapshot!(render(&[failed("a-topic-with-a-name-that-is-too-long")], &[], SMALL), @"
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
    fn what_is_refused_is_shown_with_what_a_case_found_as_far_as_there_is_room() {
        insta::assert_snapshot!(render(&[plugin("charge", "charge")], &[refused(2)], SMALL), @"
        topic             version       running    done  BPMN errors  failed  incidents
        charge            0123456789ab        0       0            0       0          0
        refused: charge.wasm: its cases fail (version 0123456789ab keeps serving)
          expected one, found two
          expected one, found two
        ");
        let text = render(&[plugin("charge", "charge")], &[refused(20)], SMALL);
        assert_eq!(text.lines().count(), SMALL.rows, "{text}");
        assert!(text.ends_with("… and 16 lines more, in the log"), "{text}");
    }

    #[test]
    fn nothing_is_cut_where_nothing_is_redrawn() {
        let text = render(&[failed("charge")], &[refused(20)], Room::ENDLESS);
        assert!(text.contains(&"m".repeat(100)), "{text}");
        assert_eq!(text.lines().count(), 2 + 21 + 1 + MAX_DETAILS + 1, "{text}");
    }
}
