//! The criterion benches of the host, and the pairs that they measure: run as `cargo bench`, and read from what they
//! leave behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use fetchlock_harness::guests::target_dir;
use serde_json::{Value, json};

use super::figure::{Figure, Findings};
use crate::cargo::cargo;

/// How a line begins on which the bench `invocation` tells what it has measured itself.
const ROW: &str = "row ";

/// How many times the baseline an invocation may cost.
pub(super) const GOAL: f64 = 1.25;

pub(super) fn measure(quick: bool) -> Result<Findings> {
    let results = target_dir()?.join("criterion");
    let mut command = cargo(&["bench", "--workspace", "--locked", "--bench", "invocation", "--bench", "parts", "--"]);
    command.args(["--noplot"]);
    if quick {
        command.args(["--warm-up-time", "0.5", "--measurement-time", "1", "--sample-size", "20"]);
    }
    let mut findings = Findings { rows: rows(command.env("CRITERION_HOME", &results))?, ..Findings::default() };
    findings.figures = pair_figures(&findings.rows);
    for (bench, what) in BENCHES {
        let estimate = Estimate::read(&results.join(bench))?;
        findings
            .rows
            .push(json!({"bench": bench, "median-ns": estimate.median, "from": estimate.from, "to": estimate.to}));
        findings.figures.push(Figure::new(*what, microseconds(estimate.median)));
    }
    Ok(findings)
}

/// Runs `cargo bench`, and returns what the bench `invocation` has measured itself.
///
/// # Errors
/// It fails.
pub(super) fn rows(command: &mut Command) -> Result<Vec<Value>> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cargo bench")?;
    let output = child.stdout.take().context("the output of cargo bench")?;
    let mut rows = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("the output of cargo bench")?;
        match line.strip_prefix(ROW) {
            Some(row) => rows.push(serde_json::from_str(row).context("a row of the bench")?),
            None => println!("{line}"),
        }
    }
    let status = child.wait().context("cargo bench")?;
    ensure!(status.success(), "cargo bench failed: {status}");
    Ok(rows)
}

/// Criterion's benches that stand in the table; those of `invocation` stand there as pairs.
const BENCHES: &[(&str, &str)] = &[
    ("journal/one", "journal: one outcome recorded on the disk, and forgotten soon after"),
    ("journal/64-at-once", "journal: 64 of them at once, for all"),
    ("fetch-100", "a fetch of 100 tasks with four variables each, over HTTP, read"),
];

fn pair_figures(rows: &[Value]) -> Vec<Figure> {
    let figure = |row: &Value| {
        let number = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        let (name, clock, ratio) = (row["name"].as_str()?, row["clock"].as_str()?, number("ratio"));
        let what = match (name, clock) {
            ("example", "wall") => "invocation of the Rust example, fresh store included: fetchlock ÷ baseline",
            ("example-busy", "cpu") => "the same, 64 under way at once, processor time of all threads",
            ("example-spawned", "wall") => "the same, one at a time on another thread that sleeps between",
            ("instantiate", "wall") => "a store and an instance, on another thread that sleeps between",
            ("empty", "wall") => "a handler that does nothing, fresh store included",
            _ => return None,
        };
        let sides = [number("fetchlock-ns"), number("baseline-ns")].map(microseconds);
        let figure = Figure::new(what, format!("{ratio:.2} ({} ÷ {})", sides[0], sides[1]));
        Some(if name == "example" { figure.goal("at most 1.25", ratio <= GOAL) } else { figure })
    };
    rows.iter().filter_map(figure).collect()
}

/// What criterion estimates, in nanoseconds.
struct Estimate {
    median: f64,
    from: f64,
    to: f64,
}

impl Estimate {
    fn read(bench: &Path) -> Result<Self> {
        let path = bench.join("new").join("estimates.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let estimates: Value = serde_json::from_str(&text).context("criterion's estimates")?;
        let median = &estimates["median"];
        let number = |value: &Value| value.as_f64().context("a number in criterion's estimates");
        let interval = &median["confidence_interval"];
        Ok(Self {
            median: number(&median["point_estimate"])?.round(),
            from: number(&interval["lower_bound"])?.round(),
            to: number(&interval["upper_bound"])?.round(),
        })
    }
}

/// A time for people.
pub(super) fn microseconds(nanos: f64) -> String {
    if nanos >= 1e6 { format!("{:.2} ms", nanos / 1e6) } else { format!("{:.1} µs", nanos / 1e3) }
}
