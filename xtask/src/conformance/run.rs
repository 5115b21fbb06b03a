//! Runs the suite on one set-up, with an end in time.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fetchlock_harness::real_engine::{EngineBuild, SETUP_VARIABLE};

use super::Subject;
use super::record::{Record, Results, commit, presentable};
use crate::cargo::cargo;

/// How long one set-up may take, engine's start and all: some two minutes on a quiet machine.
const DEADLINE: Duration = Duration::from_secs(20 * 60);

/// How often the running tests are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The names of all tests.
///
/// # Errors
/// They do not compile.
pub(super) fn tests() -> Result<Vec<String>> {
    let list = output_of(&mut cargo(&["test", "--workspace", "--locked", "--test", "engines", "--", "--list"]))?;
    let names: Vec<String> = list.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect();
    if names.is_empty() {
        bail!("there are no tests: what the compiler said is above");
    }
    Ok(names)
}

/// Runs it. An engine that cannot be had is a record, too.
///
/// # Errors
/// The tests do not compile or cannot be started, or do not end in time.
pub(super) fn on(subject: Subject) -> Result<Record> {
    let commit = commit();
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let mut tests = cargo(&["test", "--workspace", "--locked", "--test", "engines", "--"]);
    let engine = match subject {
        Subject::Embedded => {
            tests.args(["--skip", "real::"]);
            "the embedded engine of this version".to_owned()
        }
        Subject::Real(name, setup) => {
            tests.arg("real::").env(SETUP_VARIABLE, name);
            match EngineBuild::ensure(setup.product).and_then(|_| setup.describe()) {
                Ok(engine) => engine,
                Err(error) => {
                    return Ok(Record {
                        engine: wanted(subject),
                        commit,
                        date,
                        results: Results::NotToBeHad(why(&error)),
                    });
                }
            }
        }
    };
    let begun = Instant::now();
    let output = output_of(tests.arg("--show-output").env("INSTA_UPDATE", "no"))?;
    let seconds = begun.elapsed().as_secs();
    if !output.contains("\nrunning ") {
        bail!("no tests were run on {}: what the compiler said is above", subject.name());
    }
    Ok(Record { engine, commit, date, results: Results::Output { seconds, text: presentable(&output) } })
}

/// What the set-up would have been.
fn wanted(subject: Subject) -> String {
    let Subject::Real(_, setup) = subject else { return String::new() };
    let version = setup.product.version().unwrap_or_default();
    format!("{} {version}", setup.product.name()).trim().to_owned()
}

/// What an error comes to: the artifacts that Maven does not find, or the first line that says something.
fn why(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    // From where they were to come is this machine's affair. Maven has one wording for several artifacts and two for one.
    let several = text.split_once("could not be resolved: ").and_then(|(_, rest)| rest.split(": ").next());
    let one = text.split_once("Could not find artifact ").and_then(|(_, rest)| rest.split(" in ").next());
    let one_before =
        text.split_once(" was not found in ").and_then(|(before, _)| before.split_whitespace().next_back());
    if let Some(artifacts) = several.or(one).or(one_before) {
        return format!("Maven does not find {artifacts}");
    }
    let complaint = text.lines().find(|line| line.starts_with("[ERROR]") && line.contains(": "));
    let line = complaint.or(text.lines().next()).unwrap_or_default();
    presentable(line.trim_start_matches("[ERROR]").trim()).trim().to_owned()
}

/// What a command writes on standard output; the other stream goes to the terminal.
fn output_of(command: &mut Command) -> Result<String> {
    let directory = tempfile::tempdir().context("a directory for the tests' output")?;
    let path = directory.path().join("output");
    let file = File::create(&path).context("a file for the tests' output")?;
    let mut child = command.stdin(Stdio::null()).stdout(file).spawn().context("cannot start cargo")?;
    let begun = Instant::now();
    while child.try_wait().context("waiting for the tests")?.is_none() {
        if begun.elapsed() > DEADLINE {
            // The tests themselves end with their engine's input, or by their own deadlines.
            child.kill().context("stopping the tests")?;
            child.wait().context("collecting the tests")?;
            bail!("the tests took more than {DEADLINE:?} and were stopped");
        }
        sleep(LOOK_INTERVAL);
    }
    fs::read_to_string(&path).context("the tests' output")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::why;

    #[test]
    fn an_engine_that_maven_does_not_find_is_told_by_its_artifacts() {
        let error = anyhow!(
            "Maven could not build CIB seven; its output ends:\n[INFO] BUILD FAILURE\n[ERROR] Failed to execute goal on project \
             engine-app: Could not resolve dependencies for project harness:engine-app:jar:1: The following artifacts could not \
             be resolved: a.b:c:jar:2.1.0, a.b:d:jar:2.1.0: a.b:c:jar:2.1.0 was not found in somewhere -> [Help 1]"
        );
        assert_eq!(why(&error), "Maven does not find a.b:c:jar:2.1.0, a.b:d:jar:2.1.0");
        for line in [
            "Could not resolve dependencies for project p:q:jar:1: a.b:c:jar:2.0.0 was not found in somewhere during a \
             previous attempt. This failure was cached",
            "Could not resolve dependencies for project p:q:jar:1: Could not find artifact a.b:c:jar:2.0.0 in central \
             (somewhere) -> [Help 1]",
        ] {
            let error =
                anyhow!("Maven could not build CIB seven; its output ends:\n[ERROR] Failed to execute goal: {line}");
            assert_eq!(why(&error), "Maven does not find a.b:c:jar:2.0.0");
        }
        assert_eq!(why(&anyhow!("PostgreSQL was not found: install it")), "PostgreSQL was not found: install it");
    }
}
