//! The programs of the languages' toolchains: found or told with how to get them, run for a limited time, ended with all
//! that they have started, and what they say kept as they say it.

use std::{
    fmt,
    io::{self, PipeReader},
    os::fd::OwnedFd,
    path::PathBuf,
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, copy, sink},
    net::unix::pipe,
    process::{Child, Command},
    time::timeout,
};

use crate::{foreign::escape_lines, process_group::ProcessGroup};

/// How long a program may run: a first build with all its downloads on a slow machine takes minutes.
const AT_MOST: Duration = Duration::from_secs(30 * 60);

/// How much of what a program says to people is kept, in bytes. A compiler's first messages matter most.
const MAX_SAID: u64 = 1 << 20;

/// How much of what a program prints for us is read, in bytes: cargo has a line for each of its packages.
const MAX_PRINTED: u64 = 64 << 20;

/// How long the end of its output is awaited after a program has ended: a helper that it left behind may hold the pipe.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program, and how to get it.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    program: PathBuf,
    name: &'static str,
    install: &'static str,
}

/// Why a program did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("`{tool}` is not there, or not in PATH: {install}")]
    Missing {
        /// The program.
        tool: &'static str,
        /// What to do.
        install: &'static str,
    },
    /// It is of no use in its version.
    #[error("`{tool}` is too old: expected {needed} or newer, found {found}; {install}")]
    TooOld {
        /// The program.
        tool: &'static str,
        /// The least version.
        needed: Version,
        /// Its version.
        found: Version,
        /// What to do.
        install: &'static str,
    },
    /// Something else that it needs is not installed.
    #[error("{what}: {install}")]
    Incomplete {
        /// What is missing.
        what: String,
        /// What to do.
        install: &'static str,
    },
    /// It found something wrong.
    #[error("`{tool}` failed ({status}); what it said is above")]
    Failed {
        /// The program.
        tool: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it said, unless it said it to the user itself.
        said: Vec<u8>,
    },
    /// A script of a guest library misses something, and says what and how to get it.
    #[error("{0}")]
    Unready(String),
    /// It hangs.
    #[error("`{tool}` did not end within {minutes} minutes and was killed; does it wait for the network?")]
    TookTooLong {
        /// The program.
        tool: &'static str,
        /// How long it ran.
        minutes: u64,
    },
    /// The system.
    #[error("`{tool}` cannot be run: {source}")]
    Io {
        /// The program.
        tool: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// How the scripts of the guest libraries end if something is missing that they need, and not in the sources.
const UNREADY: i32 = 2;

impl ToolError {
    /// The same of a script of a guest library.
    pub(super) fn of_script(self) -> Self {
        match self {
            Self::Failed { status, said, .. } if status.code() == Some(UNREADY) => {
                Self::Unready(escape_lines(String::from_utf8_lossy(&said).trim()))
            }
            other => other,
        }
    }
}

/// A version of a program, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Version {
    /// The first version in a text, such as `go version go1.26.8 linux/amd64`.
    fn find(text: &str) -> Option<Self> {
        let from_digit = text.find(|c: char| c.is_ascii_digit()).map(|at| &text[at..])?;
        let mut parts = from_digit.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
        Some(Self(parts.next()??, parts.next().flatten().unwrap_or(0)))
    }
}

impl Tool {
    /// A program by its path, or by its name in `PATH`. `install` goes on behind the message that it is missing.
    pub(super) fn new(program: impl Into<PathBuf>, name: &'static str, install: &'static str) -> Self {
        Self { program: program.into(), name, install }
    }

    /// A command that runs it.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Fails if it is missing or, by what it says to these arguments, older than needed.
    pub(super) async fn at_least(&self, needed: Version, arguments: &[&str]) -> Result<(), ToolError> {
        let mut command = self.command();
        command.args(arguments).stderr(Stdio::null());
        let said = self.print(command).await?;
        match Version::find(&String::from_utf8_lossy(&said)) {
            Some(found) if found < needed => {
                Err(ToolError::TooOld { tool: self.name, needed, found, install: self.install })
            }
            // One that does not tell its version may do.
            _ => Ok(()),
        }
    }

    /// Runs a command of it. What it says on standard error is returned, or is part of the error; what it prints is not
    /// of interest.
    pub(super) async fn run(&self, mut command: Command) -> Result<Vec<u8>, ToolError> {
        let (reader, writer) = io::pipe().map_err(|source| self.io(source))?;
        command.stdout(Stdio::null()).stderr(writer);
        let (status, said) = self.to_the_end(command, reader, MAX_SAID).await?;
        if status.success() { Ok(said) } else { Err(ToolError::Failed { tool: self.name, status, said }) }
    }

    /// Runs a command of it, and returns what it prints on its standard output. Its standard error is the user's unless
    /// the command says otherwise.
    pub(super) async fn print(&self, mut command: Command) -> Result<Vec<u8>, ToolError> {
        let (reader, writer) = io::pipe().map_err(|source| self.io(source))?;
        command.stdout(writer);
        let (status, printed) = self.to_the_end(command, reader, MAX_PRINTED).await?;
        let said = Vec::new();
        if status.success() { Ok(printed) } else { Err(ToolError::Failed { tool: self.name, status, said }) }
    }

    async fn to_the_end(
        &self,
        mut command: Command,
        output: PipeReader,
        most: u64,
    ) -> Result<(ExitStatus, Vec<u8>), ToolError> {
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(output)).map_err(|source| self.io(source))?;
        // A group of its own, so that what it starts can be ended with it.
        let spawned = command.stdin(Stdio::null()).process_group(0).kill_on_drop(true).spawn();
        let mut child = spawned.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ToolError::Missing { tool: self.name, install: self.install },
            _ => self.io(source),
        })?;
        // It has ends of the pipe, without which reading would not end.
        drop(command);
        let group = ProcessGroup::of(&child);
        let mut said = Vec::new();
        match timeout(AT_MOST, until_the_end(&mut child, output, &mut said, most)).await {
            Ok(status) => {
                let status = status.map_err(|source| self.io(source))?;
                group.has_ended();
                Ok((status, said))
            }
            Err(_) => Err(ToolError::TookTooLong { tool: self.name, minutes: AT_MOST.as_secs() / 60 }),
        }
    }

    fn io(&self, source: io::Error) -> ToolError {
        ToolError::Io { tool: self.name, source }
    }
}

/// Reads a program's output until it and the program have ended.
async fn until_the_end(
    child: &mut Child,
    output: pipe::Receiver,
    said: &mut Vec<u8>,
    most: u64,
) -> io::Result<ExitStatus> {
    let mut reading = pin!(read(output, said, most));
    let status = tokio::select! {
        status = child.wait() => status?,
        read = &mut reading => {
            read?;
            return child.wait().await;
        }
    };
    match timeout(LAST_WORDS, reading).await {
        Ok(read) => read.map(|()| status),
        // Something that it left behind holds the pipe open, and has nothing to say about this.
        Err(_) => Ok(status),
    }
}

/// Keeps the beginning of an output. The rest is read, too, for a full pipe would stop the program.
async fn read(mut output: pipe::Receiver, said: &mut Vec<u8>, most: u64) -> io::Result<()> {
    (&mut output).take(most).read_to_end(said).await?;
    let left_out = copy(&mut output, &mut sink()).await?;
    if left_out > 0 {
        said.extend(format!("\n[fetchlock: {left_out} more bytes are left out]\n").into_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Tool, Command) {
        let tool = Tool::new("sh", "sh", "install a shell");
        let mut command = tool.command();
        command.args(["-c", script]);
        (tool, command)
    }

    #[tokio::test]
    async fn what_a_failed_program_says_is_kept_as_it_is() {
        let (tool, command) = shell("echo one >&2; echo two; echo three >&2; exit 3");
        let error = tool.run(command).await.expect_err("failed");
        insta::assert_snapshot!(error, @"`sh` failed (exit status: 3); what it said is above");
        let ToolError::Failed { said, .. } = error else { panic!("{error}") };
        assert_eq!(String::from_utf8_lossy(&said), "one\nthree\n");
    }

    #[tokio::test]
    async fn a_missing_program_is_told_with_how_to_get_it() {
        let tool = Tool::new("no-such-compiler", "no-such-compiler", "install it with `get no-such-compiler`");
        let error = tool.run(tool.command()).await.expect_err("missing");
        insta::assert_snapshot!(error, @"`no-such-compiler` is not there, or not in PATH: install it with `get no-such-compiler`");
    }

    #[tokio::test]
    async fn an_old_program_is_told_with_what_is_needed() {
        let tool = Tool::new("echo", "echo", "install a newer one");
        tool.at_least(Version(1, 25), &["go version go1.25.0 linux/amd64"]).await.expect("new enough");
        let error = tool.at_least(Version(1, 25), &["go version go1.9.7"]).await.expect_err("too old");
        insta::assert_snapshot!(error, @"`echo` is too old: expected 1.25 or newer, found 1.9; install a newer one");
        tool.at_least(Version(1, 25), &["no version"]).await.expect("it may do");
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_with_the_pipe_is_not_waited_for() {
        let (tool, command) = shell("sleep 60 & echo $! >&2");
        let said = tool.run(command).await.expect("ended");
        let left_behind = String::from_utf8(said).expect("a number").trim().parse().expect("a number");
        let left_behind = rustix::process::Pid::from_raw(left_behind).expect("a process");
        rustix::process::kill_process(left_behind, rustix::process::Signal::KILL).expect("it lives");
    }
}
