//! What `fetchlock call` tells of an invocation.

use bytesize::ByteSize;
use serde_json::{Value as Json, json};

use crate::{
    cases::{Observed, calls_json, case_lines, lines_json, log_line, seen_json},
    foreign::{Escaped, escape_lines},
    plugins::Plugin,
    sandbox::Usage,
};

/// How wide the column of labels is.
const LABELS: usize = 16;

/// One JSON object. Its keys are those of `fetchlock test --json`, and what was used.
pub(super) fn json(plugin: &Plugin, observed: &Observed) -> Json {
    let Usage { wall, cpu, memory, host_calls, dropped_lines, task_of_instance: _ } = observed.usage;
    let mut told = json!({
        "topic": plugin.route.topic,
        "version": &*plugin.version,
        "after-decision": observed.afterwards.iter().map(|it| it.what.name()).collect::<Vec<_>>(),
        "calls": calls_json(&observed.calls),
        "logs": lines_json(&observed.logs),
        "usage": {
            "wall-micros": wall.as_micros() as u64,
            "cpu-micros": cpu.as_micros() as u64,
            "memory-bytes": memory,
            "host-calls": host_calls,
            "dropped-lines": dropped_lines,
        },
    });
    if let Json::Object(told) = &mut told {
        told.extend(seen_json(&observed.seen));
    }
    told
}

/// Labels with what stands beside them, line by line.
pub(super) fn human(plugin: &Plugin, observed: &Observed) -> String {
    let mut text = format!("{} (version {})\n", Escaped(&plugin.route.topic), plugin.version);
    let mut row = |label: &str, value: &str| {
        for (number, line) in escape_lines(value).lines().enumerate() {
            text.push_str(&format!("  {:LABELS$} {line}\n", if number == 0 { label } else { "" }));
        }
    };
    for (label, value) in case_lines::seen(&observed.seen) {
        row(&label, &value);
    }
    for after in &observed.afterwards {
        row("after-decision", &after.text);
    }
    for made in &observed.calls {
        row("call", &case_lines::call(made));
    }
    if observed.more_calls > 0 {
        row("call", &format!("and {} more", observed.more_calls));
    }
    for line in &observed.logs {
        row("log", &log_line(line));
    }
    let Usage { wall, cpu, memory, host_calls, dropped_lines, task_of_instance: _ } = observed.usage;
    if dropped_lines > 0 {
        row("log", &format!("{dropped_lines} lines more than limits.log-lines or limits.log-bytes allow were dropped"));
    }
    let micros = |duration: std::time::Duration| format!("{:.1} ms", duration.as_secs_f64() * 1_000.0);
    row(
        "used",
        &format!(
            "{}, {} of processor time, {} of memory, {host_calls} host calls",
            micros(wall),
            micros(cpu),
            ByteSize(memory as u64)
        ),
    );
    text
}
