//! The README's handlers, one in each language, made as their reader makes them: the lines are taken from the page and
//! run, with the checkout out of reach, because the reader has none.

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

/// What stands before the languages.
const HEADING: &str = "## Your own handler in six lines";

/// The languages, as their headings call them.
const LANGUAGES: [&str; 5] = ["Rust", "Go", "JavaScript", "TypeScript", "Python"];

/// How many lines each has, as the heading says.
const LINES: usize = 6;

/// How long the new plugins may take to be compiled, and their tasks to end.
const DEADLINE: Duration = Duration::from_secs(180);

/// Covers the checkout with an empty directory for the commands that follow, and runs them. `$0` is the checkout, `$1`
/// the lines.
const OUT_OF_REACH: &str = r#"mount -t tmpfs -o ro none "$0" && exec sh -e -c "$1""#;

/// Runs the lines of every language in one empty directory beside a plugin directory, and has the tasks that they start
/// worked on by the plugins that they made.
///
/// # Errors
/// A line fails, or a task does not end as the README says.
pub(crate) fn check() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("README.md")?;
    let (_, section) = readme.split_once(HEADING).with_context(|| format!("README.md has no {HEADING:?}"))?;
    let place = tempfile::tempdir().context("a directory")?;
    let (plugins, bin) = (place.path().join("plugins"), place.path().join("bin"));
    for directory in [&plugins, &bin] {
        fs::create_dir(directory).context("a directory")?;
    }
    let binary = bin.join("fetchlock");
    fs::copy(target_dir()?.join("debug").join("fetchlock"), &binary).context("the binary is not built")?;
    let mut starts = Vec::new();
    for language in LANGUAGES {
        println!("-- {language}");
        let lines = lines_of(section, language)?;
        let (start, making) = lines.split_last().context("no lines")?;
        run(&mut elsewhere(place.path(), &making.join("\n"))?)?;
        starts.push((language, *start));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("an async runtime")?;
    runtime.block_on(serve(&binary, &plugins, &starts))
}

/// A shell in a directory, from which the checkout cannot be read.
fn elsewhere(place: &Path, script: &str) -> Result<Command> {
    let path = std::env::var("PATH").context("PATH")?;
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "--map-root-user", "sh", "-e", "-c", OUT_OF_REACH]).arg(root()).arg(script);
    shell.current_dir(place).env("PATH", format!("{}/bin:{path}", place.display()));
    // As in a terminal of its own: what cargo tells this program is not for them.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO") {
            shell.env_remove(name);
        }
    }
    Ok(shell)
}

/// Starts a host on the plugins, and the tasks, and waits for their ends.
async fn serve(binary: &Path, plugins: &Path, starts: &[(&str, &str)]) -> Result<()> {
    let host =
        Fetchlock::builder(binary).command("dev").only_arguments().arg(plugins).arg("--port").arg("0").start()?;
    let told = host.await_text("  engine   http://127.0.0.1:", DEADLINE).await?;
    let engine = EngineClient::new(told.split_whitespace().nth(1).context("an address")?, None)?;
    for (language, line) in starts {
        let (path, body) = request(line).with_context(|| format!("the last line is no start of a task: {line}"))?;
        let started = engine.post(path, &body).await?;
        let instance = started["id"].as_str().context("an instance")?;
        engine
            .await_history_state(instance, &HistoryState::Completed, DEADLINE)
            .await
            .with_context(|| (*language).to_owned())?;
        let approved = engine.historic_variables(instance).await?.remove("approved");
        let approved = approved.with_context(|| format!("{language}: no variable `approved`"))?;
        ensure!(approved["value"] == true, "{language}: expected the amount to be approved, found {approved}");
    }
    Ok(())
}

/// What a `curl` line sends: path below the engine's address, and body.
fn request(line: &str) -> Option<(&str, Value)> {
    let (url, rest) = line.strip_prefix("curl -s ")?.split_once(' ')?;
    let (_, path) = url.split_once("/engine-rest")?;
    let (_, body) = rest.split_once("-d '")?;
    Some((path, serde_json::from_str(body.trim_end().strip_suffix('\'')?).ok()?))
}

fn lines_of<'a>(section: &'a str, language: &str) -> Result<Vec<&'a str>> {
    let (_, own) = section.split_once(&format!("\n### {language}\n")).with_context(|| format!("no {language}"))?;
    let (_, block) = own.split_once("```sh\n").with_context(|| format!("{language}: no block of shell"))?;
    let (block, _) = block.split_once("```").with_context(|| format!("{language}: the block does not end"))?;
    let lines: Vec<&str> = block.lines().collect();
    if lines.len() != LINES {
        bail!("{language}: expected {LINES} lines, found {}", lines.len());
    }
    Ok(lines)
}
