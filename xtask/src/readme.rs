//! The README's handlers, one in each language, made as their reader makes them: the lines are taken from the page and
//! run, with the checkout out of reach, because the reader has none. The host runs from the beginning, as in the reader's
//! other terminal. Each language has its own toolchain and no other. (Only how `fetchlock` gets into the `PATH` is not
//! done as written: that would compile it once more.)

mod toolchains;

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fetchlock_harness::engine_client::{EngineClient, HistoryState};
use fetchlock_harness::guests::target_dir;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::cargo::{root, run};

/// What stands before the languages.
const HEADING: &str = "## Your own handler in six lines";

/// The languages, as their headings call them, and what the README of a new project calls its tests by.
const LANGUAGES: [(&str, &str); 5] = [
    ("Rust", "cargo test"),
    ("Go", "go test"),
    ("JavaScript", "node --test"),
    ("TypeScript", "npm test"),
    ("Python", "python3 -m unittest"),
];

/// How many lines each has, as the heading says.
const LINES: usize = 6;

/// Where the host's engine listens, for the lines say so.
const ADDRESS: &str = "127.0.0.1:8080";

/// How long the host may take to answer, and then each new plugin to be compiled and its task to end.
const DEADLINE: Duration = Duration::from_secs(180);

/// How often it is asked whether the host answers.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Covers the checkout with an empty directory for the commands that follow, and runs them. `$0` is the checkout, `$1`
/// the lines.
const OUT_OF_REACH: &str = r#"mount -t tmpfs -o ro none "$0" && exec sh -e -c "$1""#;

/// Has all that a shell has started end with its `unshare`, however that ends.
const ENDS_AS_A_WHOLE: [&str; 3] = ["--pid", "--fork", "--kill-child"];

/// Starts the host and runs the lines of every language, all in one empty directory; each task that they start is worked
/// on by the plugin that they made, which the running host takes up.
///
/// # Errors
/// The port of the lines is taken, a line fails, or a task does not end as the README says.
pub(crate) fn check() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("README.md")?;
    let (_, section) = readme.split_once(HEADING).with_context(|| format!("README.md has no {HEADING:?}"))?;
    ensure_port_is_free()?;
    let reader = Reader::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("an async runtime")?;
    let line = line_of_host(section)?;
    println!("-- {line}");
    let mut host = OtherTerminal::open(&reader, line)?;
    let checked = runtime.block_on(host.await_engine()).and_then(|()| check_languages(&runtime, &reader, section));
    if checked.is_err() {
        eprintln!("-- the host said:\n{}", host.said());
    }
    checked
}

fn check_languages(runtime: &Runtime, reader: &Reader, section: &str) -> Result<()> {
    LANGUAGES.into_iter().try_for_each(|(language, own_tests)| {
        println!("-- {language}");
        let made = make(reader, section, language, own_tests);
        let checked = made.and_then(|instance| runtime.block_on(await_approval(&instance)));
        checked.with_context(|| language.to_owned())
    })
}

/// Runs the lines of a language, and the tests that the project begins with; the instance that the last line starts.
fn make(reader: &Reader, section: &str, language: &str, own_tests: &str) -> Result<String> {
    let lines = lines_of(section, language)?;
    let (start, making) = lines.split_last().context("no lines")?;
    let path = reader.toolchain(language)?;
    let script = format!("{}\n{own_tests}", making.join("\n"));
    run(reader.shell(&[], &script)?.env("PATH", &path))?;
    let answer = printed(reader.shell(&[], start)?.env("PATH", &path)).with_context(|| (*start).to_owned())?;
    let started: Value = serde_json::from_str(&answer).with_context(|| format!("{start}: no JSON: {answer:?}"))?;
    let instance = started["id"].as_str().with_context(|| format!("{start}: no instance: {answer}"))?;
    Ok(instance.to_owned())
}

/// Waits until an instance has ended with its amount approved.
async fn await_approval(instance: &str) -> Result<()> {
    let engine = engine()?;
    engine.await_history_state(instance, &HistoryState::Completed, DEADLINE).await?;
    let approved = engine.historic_variables(instance).await?.remove("approved").context("no variable `approved`")?;
    ensure!(approved["value"] == true, "expected the amount to be approved, found {approved}");
    Ok(())
}

fn engine() -> Result<EngineClient> {
    EngineClient::new(format!("http://{ADDRESS}/engine-rest"), None)
}

/// The lines name the port, so that no other will do.
fn ensure_port_is_free() -> Result<()> {
    TcpListener::bind(ADDRESS)
        .map(drop)
        .with_context(|| format!("{ADDRESS}: the README's lines need this port: end what uses it, and try again"))
}

/// What the reader has: `fetchlock` in the `PATH`, and an empty directory.
struct Reader {
    home: TempDir,
}

impl Reader {
    fn new() -> Result<Self> {
        let reader = Self { home: tempfile::tempdir().context("a directory")? };
        for directory in [reader.bin(), reader.directory(), reader.temporary()] {
            fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        }
        let built = target_dir()?.join("debug").join("fetchlock");
        fs::copy(built, reader.bin().join("fetchlock")).context("the binary is not built")?;
        Ok(reader)
    }

    fn bin(&self) -> PathBuf {
        self.home.path().join("bin")
    }

    /// Where the lines are run.
    fn directory(&self) -> PathBuf {
        self.home.path().join("empty")
    }

    /// For the host's temporary files, which it leaves when it is killed.
    fn temporary(&self) -> PathBuf {
        self.home.path().join("tmp")
    }

    /// A `PATH` with `fetchlock` and the toolchain of a language.
    fn toolchain(&self, language: &str) -> Result<OsString> {
        let programs = self.home.path().join(language);
        toolchains::link(language, &programs)?;
        env::join_paths([self.bin(), programs]).context("a PATH")
    }

    /// A shell in the directory, from which the checkout cannot be read; `options` are further ones of `unshare`.
    fn shell(&self, options: &[&str], script: &str) -> Result<Command> {
        let path = env::var("PATH").context("PATH")?;
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "--map-root-user"]).args(options);
        shell.args(["sh", "-e", "-c", OUT_OF_REACH]).arg(root()).arg(script);
        shell.current_dir(self.directory()).env("PATH", format!("{}:{path}", self.bin().display()));
        // As in a terminal of its own: what cargo tells this program is not for them, nor are settings of another host.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO") || text.starts_with("FETCHLOCK") {
                shell.env_remove(&name);
            }
        }
        Ok(shell)
    }
}

/// The terminal in which the host runs. Dropping it ends the host.
struct OtherTerminal {
    process: Child,
    output: PathBuf,
}

impl OtherTerminal {
    fn open(reader: &Reader, line: &str) -> Result<Self> {
        let output = reader.home.path().join("host.log");
        let file = File::create(&output).with_context(|| format!("cannot create {}", output.display()))?;
        let mut shell = reader.shell(&ENDS_AS_A_WHOLE, line)?;
        shell.env("TMPDIR", reader.temporary()).stdin(Stdio::null());
        shell.stdout(file.try_clone().context("the host's output")?).stderr(file);
        let process = shell.spawn().with_context(|| format!("cannot start `{line}`"))?;
        Ok(Self { process, output })
    }

    /// Waits until the host's engine answers.
    async fn await_engine(&mut self) -> Result<()> {
        let (engine, begun) = (engine()?, Instant::now());
        while let Err(error) = engine.get("/engine").await {
            if let Some(status) = self.process.try_wait().context("waiting for the host")? {
                bail!("the host has ended ({status})");
            }
            ensure!(begun.elapsed() < DEADLINE, "the host does not answer within {DEADLINE:?}: {error:#}");
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_else(|error| format!("its output cannot be read: {error}"))
    }
}

impl Drop for OtherTerminal {
    fn drop(&mut self) {
        // Only one that has ended by itself cannot be killed, and there is nothing left to do then.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Runs a command with its errors on the terminal; what it prints.
fn printed(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot start a shell")?;
    ensure!(output.status.success(), "it failed ({})", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The line that starts the host, before the languages.
fn line_of_host(section: &str) -> Result<&str> {
    let (intro, _) = section.split_once("\n### ").context("no language")?;
    let lines = shell_block(intro).context("before the languages")?;
    ensure!(lines.len() == 1, "before the languages: expected the line that starts the host, found {lines:?}");
    Ok(lines[0])
}

fn lines_of<'a>(section: &'a str, language: &str) -> Result<Vec<&'a str>> {
    let (_, own) = section.split_once(&format!("\n### {language}\n")).context("there is no such heading")?;
    let lines = shell_block(own)?;
    ensure!(lines.len() == LINES, "expected {LINES} lines, found {}", lines.len());
    Ok(lines)
}

/// The lines of the first block of shell in a text.
fn shell_block(text: &str) -> Result<Vec<&str>> {
    let (_, block) = text.split_once("```sh\n").context("no block of shell")?;
    let (block, _) = block.split_once("```").context("the block of shell does not end")?;
    Ok(block.lines().collect())
}
