//! What a handler costs by its language: the first call of a fresh instance and a further one beside the same on wasmtime
//! alone, loading from the cache, and the build of a project of which nothing has changed. The handlers are those of new projects, which
//! do the same in each language.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fetchlock_harness::guests::target_dir;
use serde_json::{Value, json};

use super::figure::{Figure, Findings};
use super::inside::{GOAL, microseconds, rows};
use super::release_binary;
use super::statistics::median;
use crate::cargo::{cargo, run};
use crate::projects::{Language, tools};

/// The languages by their names in `fetchlock new`. TypeScript becomes JavaScript before it becomes a component.
const LANGUAGES: [(&str, &str, Language); 4] = [
    ("rust", "Rust", Language::Rust),
    ("go", "Go", Language::Go),
    ("js", "JavaScript", Language::Node),
    ("python", "Python", Language::Python),
];

/// Builds of a project of which nothing has changed.
const BUILDS: usize = 20;

/// How long such a build may take.
const BUILD_GOAL: Duration = Duration::from_secs(2);

/// How long loading from the cache may take.
const LOAD_GOAL: Duration = Duration::from_millis(50);

/// Where the bench `invocation` finds what it is to measure.
const COMPONENTS: &str = "FETCHLOCK_BENCH_COMPONENTS";

pub(super) fn measure(quick: bool) -> Result<Findings> {
    let dir = target_dir()?.join("bench-projects");
    let components = dir.join("components");
    if dir.exists() {
        fs::remove_dir_all(&dir).context("the projects of the last time")?;
    }
    fs::create_dir_all(&components).context("a directory for components")?;
    let mut findings = Findings::default();
    for (name, _, language) in LANGUAGES {
        make(&dir, &components, name, language)?;
        let builds = if quick { 2 } else { BUILDS };
        let times = (0..builds).map(|_| unchanged_build(&dir, name)).collect::<Result<Vec<_>>>()?;
        let times: Vec<f64> = times.iter().map(|time| (time.as_secs_f64() * 1e4).round() / 10.0).collect();
        findings.rows.push(json!({"name": name, "unchanged-builds-ms": times}));
    }
    let mut bench = cargo(&["bench", "--workspace", "--locked", "--bench", "invocation"]);
    findings.rows.extend(rows(bench.env(COMPONENTS, &components))?);
    for (name, told, _) in LANGUAGES {
        findings.figures.extend(figures(&findings.rows, name, told));
    }
    Ok(findings)
}

/// Makes a project and its component.
fn make(dir: &Path, components: &Path, name: &str, language: Language) -> Result<()> {
    run(fetchlock(dir)?.args(["new", name, "--lang", name]))?;
    language.prepare(&dir.join(name))?;
    run(fetchlock(dir)?.args(["build", name, "--to"]).arg(components))
}

fn unchanged_build(dir: &Path, name: &str) -> Result<Duration> {
    let mut fetchlock = fetchlock(dir)?;
    let began = Instant::now();
    run(fetchlock.args(["build", name]))?;
    Ok(began.elapsed())
}

/// The release build, among the projects.
fn fetchlock(dir: &Path) -> Result<Command> {
    let mut command = Command::new(release_binary("fetchlock")?);
    command.current_dir(dir).envs(tools()?);
    Ok(command)
}

fn figures(rows: &[Value], name: &str, told: &str) -> Vec<Figure> {
    let of = |name: &str, key: &str| rows.iter().find(|row| row["name"] == name && !row[key].is_null());
    let number_of = |name: &str, key: &str| of(name, key).and_then(|row| row[key].as_f64()).unwrap_or(f64::NAN);
    let compared = |name: &str, what: &str| {
        let ratio = number_of(name, "ratio");
        let sides = ["fetchlock-ns", "baseline-ns"].map(|side| microseconds(number_of(name, side)));
        Figure::new(
            format!("{told}: {what}: fetchlock ÷ wasmtime alone"),
            format!("{ratio:.2} ({} ÷ {})", sides[0], sides[1]),
        )
        .goal(format!("at most {GOAL}"), ratio <= GOAL)
    };
    let number = |key: &str| number_of(name, key);
    let load = number("load-ns");
    let builds = of(name, "unchanged-builds-ms").and_then(|row| row["unchanged-builds-ms"].as_array());
    let builds: Vec<f64> = builds.into_iter().flatten().filter_map(Value::as_f64).collect();
    let (build, slowest) = (median(&builds), builds.iter().copied().fold(f64::NAN, f64::max));
    vec![
        compared(name, "fresh instance and first call"),
        compared(&format!("{name}-again"), "a further call of the same instance (`reuse`)"),
        Figure::new(
            format!(
                "{told}: loading from the cache of compiled components (compiled first: {})",
                seconds(number("compile-and-load-ns"))
            ),
            format!("median {}, worst {}", microseconds(load), microseconds(number("worst-load-ns"))),
        )
        .goal(format!("median under {LOAD_GOAL:?}"), load < LOAD_GOAL.as_nanos() as f64),
        Figure::new(
            format!("{told}: `fetchlock build` of a project of which nothing has changed"),
            format!("median {build:.0} ms, worst {slowest:.0} ms"),
        )
        .goal(format!("median under {BUILD_GOAL:?}"), build < BUILD_GOAL.as_secs_f64() * 1e3),
    ]
}

fn seconds(nanos: f64) -> String {
    format!("{:.1} s", nanos / 1e9)
}
