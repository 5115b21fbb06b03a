//! The README's first handler, made as its reader makes it: the lines are taken from the page and run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fetchlock_harness::engine_client::{EngineClient, HistoryState};
use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_harness::guests::target_dir;
use serde_json::Value;

use crate::cargo::{root, run};

/// What stands before the lines.
const HEADING: &str = "## Your own handler in six lines";

/// How many there are, as the heading says.
const LINES: usize = 6;

/// How long the new plugin and its task may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs the lines in a copy of what they need, and has the started task worked on by the plugin that they make.
///
/// # Errors
/// A line fails, or the task does not end as the README says.
pub(crate) fn check() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("README.md")?;
    let lines = lines_of(&readme)?;
    let (start, making) = lines.split_last().context("no lines")?;
    let copy = tempfile::tempdir().context("a directory")?;
    let plugins = copy.path().join("plugins");
    for directory in [&plugins, &copy.path().join("guest-examples"), &copy.path().join("guest-libraries")] {
        fs::create_dir(directory).context("a directory")?;
    }
    for what in ["guest-examples/check-payment", "guest-libraries/rust", "wit", "rust-toolchain.toml"] {
        run(Command::new("cp").arg("-r").arg(root().join(what)).arg(copy.path().join(what)))?;
    }
    let script = making.join("\n");
    // As in a terminal of its own: what cargo tells this program is not for them.
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &script]).current_dir(copy.path()).env_remove("CARGO_TARGET_DIR");
    run(&mut shell)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("an async runtime")?;
    runtime.block_on(serve(&plugins, start))
}

/// Starts the task that the last line starts, and waits for its end.
async fn serve(plugins: &Path, line: &str) -> Result<()> {
    let binary = target_dir()?.join("debug").join("fetchlock");
    let host =
        Fetchlock::builder(binary).command("dev").only_arguments().arg(plugins).arg("--port").arg("0").start()?;
    let told = host.await_text("  engine   http://127.0.0.1:", DEADLINE).await?;
    let engine = EngineClient::new(told.split_whitespace().nth(1).context("an address")?, None)?;
    let (path, body) = request(line).with_context(|| format!("the last line is no start of a task: {line}"))?;
    let started = engine.post(path, &body).await?;
    let instance = started["id"].as_str().context("an instance")?;
    engine.await_history_state(instance, &HistoryState::Completed, DEADLINE).await?;
    let because = engine.historic_variables(instance).await?.remove("rejectedBecause");
    ensure!(because.is_some(), "expected a BPMN error, because the amount is above the new limit");
    Ok(())
}

/// What a `curl` line sends: path below the engine's address, and body.
fn request(line: &str) -> Option<(&str, Value)> {
    let (url, rest) = line.strip_prefix("curl -s ")?.split_once(' ')?;
    let (_, path) = url.split_once("/engine-rest")?;
    let (_, body) = rest.split_once("-d '")?;
    Some((path, serde_json::from_str(body.trim_end().strip_suffix('\'')?).ok()?))
}

fn lines_of(readme: &str) -> Result<Vec<&str>> {
    let (_, section) = readme.split_once(HEADING).with_context(|| format!("README.md has no {HEADING:?}"))?;
    let (_, block) = section.split_once("```sh\n").context("no block of shell below it")?;
    let (block, _) = block.split_once("```").context("the block does not end")?;
    let lines: Vec<&str> = block.lines().collect();
    if lines.len() != LINES {
        bail!("expected {LINES} lines, found {}", lines.len());
    }
    Ok(lines)
}
