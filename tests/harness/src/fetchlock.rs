//! The built binary, driven from outside: its arguments, its log, its signals, its exit.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, waitpid};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a killed process may take to be gone: the kernel only has to notice.
const KILLED: Duration = Duration::from_secs(10);

/// How a process is to be started. Made by [`Fetchlock::builder`].
#[derive(Debug)]
pub struct Builder {
    binary: PathBuf,
    command: String,
    engine: Option<String>,
    plugins: Option<PathBuf>,
    state: Option<PathBuf>,
    settings: String,
    toml: String,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    terminal: bool,
    only_arguments: bool,
}

impl Builder {
    /// The subcommand; `run` unless set.
    pub fn command(mut self, command: &str) -> Self {
        self.command = command.to_owned();
        self
    }

    /// The engine's base URL (`--engine-url`). Without this call none is passed.
    pub fn engine(mut self, url: &str) -> Self {
        self.engine = Some(url.to_owned());
        self
    }

    /// The plugin directory (`--plugins`). Without this call it is an empty temporary one.
    pub fn plugins_dir(mut self, directory: &Path) -> Self {
        self.plugins = Some(directory.to_owned());
        self
    }

    /// The state directory (`--state-dir`). Without this call it is a temporary one, so a test that starts the host
    /// again on the same journal must give its own.
    pub fn state_dir(mut self, directory: &Path) -> Self {
        self.state = Some(directory.to_owned());
        self
    }

    /// One setting of `fetchlock.toml`, `value` as TOML writes it: `.setting("worker.max-concurrent", "4")`,
    /// `.setting("engine.user", "\"demo\"")`. Do not open a table of the same name in [`Builder::toml`].
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        writeln!(self.settings, "{key} = {value}").expect("writing to a String cannot fail");
        self
    }

    /// Text that is added to `fetchlock.toml` as it is, after the settings.
    pub fn toml(mut self, text: &str) -> Self {
        self.toml.push_str(text);
        self.toml.push('\n');
        self
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// One more environment variable. (Those of this process that begin with `FETCHLOCK_` are not passed on.)
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Passes the subcommand and [`Builder::arg`]s only, none of the options of `run`.
    pub fn only_arguments(mut self) -> Self {
        self.only_arguments = true;
        self
    }

    /// Lets the process write to this one's stdout and stderr. Nothing is captured then.
    pub fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// Starts the process, in a process group of its own, so that a Ctrl-C at the terminal reaches only its caller.
    ///
    /// # Errors
    /// No directory for its files can be made, or the binary cannot be started.
    pub fn start(self) -> Result<Fetchlock> {
        let home = tempfile::Builder::new().prefix("fetchlock-test-").tempdir().context("a directory for the host")?;
        let config = home.path().join("fetchlock.toml");
        let plugins = self.plugins.unwrap_or_else(|| home.path().join("plugins"));
        let state = self.state.unwrap_or_else(|| home.path().join("state"));
        for directory in [&plugins, &state] {
            fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        }
        fs::write(&config, format!("{}{}", self.settings, self.toml)).context("cannot write fetchlock.toml")?;

        let mut command = Command::new(&self.binary);
        command.arg(&self.command);
        if !self.only_arguments {
            command.arg("--config").arg(&config).arg("--plugins").arg(&plugins).arg("--state-dir").arg(&state);
        }
        if let Some(url) = &self.engine {
            command.arg("--engine-url").arg(url);
        }
        command.args(&self.arguments);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FETCHLOCK_")) {
            command.env_remove(name);
        }
        command.envs(self.environment).stdin(Stdio::null()).process_group(0).kill_on_drop(true);

        let log = Arc::new(Log::default());
        if !self.terminal {
            for stream in [Stream::Stdout, Stream::Stderr] {
                let (reader, writer) = pipe().context("a pipe for the host's output")?;
                match stream {
                    Stream::Stdout => command.stdout(writer),
                    Stream::Stderr => command.stderr(writer),
                };
                log.follow(stream, reader);
            }
        }
        let child = command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?;
        Ok(Fetchlock { child, log, config, plugins, state, _home: home })
    }
}

/// A started `fetchlock` process. Dropping it kills it.
pub struct Fetchlock {
    child: Child,
    log: Arc<Log>,
    config: PathBuf,
    plugins: PathBuf,
    state: PathBuf,
    _home: TempDir,
}

impl Fetchlock {
    /// How to start `binary`; in a test of package `fetchlock` that is `env!("CARGO_BIN_EXE_fetchlock")`.
    pub fn builder(binary: impl AsRef<Path>) -> Builder {
        Builder {
            binary: binary.as_ref().to_owned(),
            command: "run".to_owned(),
            engine: None,
            plugins: None,
            state: None,
            settings: String::new(),
            toml: String::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            terminal: false,
            only_arguments: false,
        }
    }

    /// Its settings file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Its plugin directory.
    pub fn plugins_dir(&self) -> &Path {
        &self.plugins
    }

    /// Its state directory.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// Its process id; none once its exit was seen.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Everything it wrote so far, both streams, in the order in which the lines arrived.
    pub fn logs(&self) -> String {
        self.log.text()
    }

    /// Everything it wrote so far to one stream.
    pub fn output(&self, stream: Stream) -> String {
        let lines = self.log.lines();
        lines.all.iter().filter(|line| line.stream == stream).map(|line| format!("{}\n", line.text)).collect()
    }

    /// The lines so far that are JSON.
    pub fn log_lines(&self) -> Vec<Value> {
        self.log.lines().all.iter().filter_map(|line| line.json.clone()).collect()
    }

    /// Waits for a log line (JSON) that is looked for, past ones included; that line.
    ///
    /// # Errors
    /// Not within `deadline`, or the process closed its output before; the text shows the end of the log.
    pub async fn await_log(&self, matches: impl Fn(&Value) -> bool, deadline: Duration) -> Result<Value> {
        self.await_line(deadline, |line| line.json.clone().filter(|json| matches(json))).await
    }

    /// Waits for a line that contains `text`, past ones included; that line.
    ///
    /// # Errors
    /// As [`Fetchlock::await_log`].
    pub async fn await_text(&self, text: &str, deadline: Duration) -> Result<String> {
        let found = self.await_line(deadline, |line| line.text.contains(text).then(|| line.text.clone())).await;
        found.with_context(|| format!("no line contains {text:?}"))
    }

    /// Waits for the first line on standard output.
    ///
    /// # Errors
    /// As [`Fetchlock::await_log`].
    pub(crate) async fn await_first_output(&self, deadline: Duration) -> Result<String> {
        self.await_line(deadline, |line| (line.stream == Stream::Stdout).then(|| line.text.clone())).await
    }

    /// Waits for a line that is looked for, past ones included; that line.
    ///
    /// # Errors
    /// As [`Fetchlock::await_log`].
    pub async fn await_line_where(&self, matches: impl Fn(&str) -> bool, deadline: Duration) -> Result<String> {
        self.await_line(deadline, |line| matches(&line.text).then(|| line.text.clone())).await
    }

    async fn await_line<T>(&self, deadline: Duration, look: impl Fn(&Line) -> Option<T>) -> Result<T> {
        let mut changes = self.log.changes.subscribe();
        let mut seen = 0;
        let search = timeout(deadline, async {
            loop {
                {
                    let lines = self.log.lines();
                    if let Some(found) = lines.all[seen..].iter().find_map(&look) {
                        return Some(found);
                    }
                    seen = lines.all.len();
                    if lines.open == 0 {
                        return None;
                    }
                }
                // The sender lives in `self.log`, so this only ever ends by a change.
                drop(changes.changed().await);
            }
        });
        match search.await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => bail!("fetchlock closed its output before the awaited line; its log:\n{}", self.log.tail()),
            Err(_) => bail!("the awaited line did not come within {deadline:?}; the log ends:\n{}", self.log.tail()),
        }
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// The process is not there any more.
    pub fn sigterm(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends SIGHUP.
    ///
    /// # Errors
    /// The process is not there any more.
    pub fn sighup(&self) -> Result<()> {
        self.signal(Signal::HUP)
    }

    /// Sends SIGINT.
    ///
    /// # Errors
    /// The process is not there any more.
    pub fn sigint(&self) -> Result<()> {
        self.signal(Signal::INT)
    }

    /// Has the kernel stop it as it is, until [`Self::resume`].
    ///
    /// # Errors
    /// The process is not there any more.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// The process is not there any more.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        // There is an id as long as the exit was not collected, so it cannot have become somebody else's.
        let pid = self.raw_pid().context("fetchlock has exited already")?;
        kill_process(pid, signal).with_context(|| format!("cannot send {signal:?} to fetchlock"))
    }

    fn raw_pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }

    /// Kills it with SIGKILL, as the kernel or an impatient supervisor does, and waits until it is gone.
    ///
    /// # Errors
    /// It had exited already.
    pub async fn kill9(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.wait_exit(KILLED).await.map(drop)
    }

    /// Waits until it exits by itself.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows the end of the log.
    pub async fn wait_exit(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let Ok(status) = timeout(deadline, self.child.wait()).await else {
            bail!("fetchlock did not exit within {deadline:?}; its log ends:\n{}", self.log.tail());
        };
        let status = status.context("waiting for fetchlock")?;
        // What it wrote last may still be in the pipes.
        let mut changes = self.log.changes.subscribe();
        drop(timeout(KILLED, changes.wait_for(|_| self.log.lines().open == 0)).await);
        Ok(status)
    }
}

impl Drop for Fetchlock {
    fn drop(&mut self) {
        if let Some(pid) = self.raw_pid().filter(|_| self.is_running()) {
            // A process that is gone in this very moment needs neither.
            kill_process(pid, Signal::KILL).ok();
            waitpid(Some(pid), rustix::process::WaitOptions::empty()).ok();
        }
    }
}

/// One of a process's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

struct Line {
    stream: Stream,
    text: String,
    /// The line read as JSON, if it is a JSON object.
    json: Option<Value>,
}

#[derive(Default)]
struct Lines {
    all: Vec<Line>,
    /// How many streams are still open.
    open: usize,
}

struct Log {
    lines: Mutex<Lines>,
    changes: watch::Sender<()>,
}

impl Default for Log {
    fn default() -> Self {
        Self { lines: Mutex::default(), changes: watch::Sender::new(()) }
    }
}

impl Log {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a stream to its end, on a thread, so that a test that blocks its runtime never blocks the host's output.
    fn follow(self: &Arc<Self>, stream: Stream, reader: PipeReader) {
        let log = Arc::clone(self);
        log.lines().open += 1;
        thread::spawn(move || {
            for bytes in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let json = serde_json::from_str(&text).ok().filter(Value::is_object);
                log.lines().all.push(Line { stream, text, json });
                log.changes.send_replace(());
            }
            log.lines().open -= 1;
            log.changes.send_replace(());
        });
    }

    fn text(&self) -> String {
        self.lines().all.iter().map(|line| format!("{}\n", line.text)).collect()
    }

    fn tail(&self) -> String {
        crate::tail(&self.text())
    }
}
