//! A text that a command prints, used for a stated time.

use std::{
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    Secret, SecretCommand, SecretError,
    file::MAX_BYTES,
    renewed::{Fitness, Renewed},
};
use crate::{foreign::excerpt, setting_key::SettingKey};

/// How long a command may run: those that ask a server answer within seconds or not at all.
const AT_MOST: Duration = Duration::from_secs(30);

/// How much of a command's standard error is looked at, in bytes: its first line.
const MAX_COMPLAINT: u64 = 4 << 10;

/// How many characters of that line an error shows.
const MAX_SHOWN: usize = 300;

/// The text of a command.
pub(super) struct CommandText {
    setting: SettingKey,
    command: SecretCommand,
    at_most: Duration,
    printed: Renewed<Secret, SecretError>,
}

impl CommandText {
    pub(super) fn new(setting: SettingKey, command: SecretCommand) -> Self {
        Self { setting, command, at_most: AT_MOST, printed: Renewed::new() }
    }

    #[cfg(test)]
    pub(super) fn within(self, at_most: Duration) -> Self {
        Self { at_most, ..self }
    }

    pub(super) async fn get(&self) -> Result<Secret, SecretError> {
        let program = &self.command.program;
        let failed = |why| SecretError::Command { setting: self.setting.clone(), program: program.clone(), why };
        let printed = self.printed.get(
            // `cache` says how long the text is used, and no longer.
            |had| if had.at.elapsed() < self.command.cache { Fitness::Good } else { Fitness::Spent },
            |_| async { run(&self.command, self.at_most).await.map_err(failed) },
        );
        printed.await
    }

    pub(super) async fn refused(&self, had: Instant) {
        self.printed.refused(had).await;
    }

    pub(super) fn place(&self) -> String {
        format!("the command {}", self.command.program)
    }
}

/// Runs the command once: what it prints, or why there is nothing.
async fn run(command: &SecretCommand, at_most: Duration) -> Result<Secret, String> {
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts can be ended with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let group = Group::of(&child);
    let (status, printed, complaint) = match timeout(at_most, output(&mut child)).await {
        Ok(ended) => ended.map_err(|error| format!("was lost: {error}"))?,
        Err(_) => return Err(format!("did not end within {} ms and was killed", at_most.as_millis())),
    };
    group.has_ended();
    if !status.success() {
        let said = complaint.lines().find(|line| !line.trim().is_empty());
        let said = said.map_or_else(
            || ", without a word on standard error".into(),
            |it| format!(": {}", excerpt(it.trim(), MAX_SHOWN)),
        );
        return Err(format!("failed ({status}){said}"));
    }
    if u64::try_from(printed.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!("printed more than {} KiB", MAX_BYTES >> 10));
    }
    let text = String::from_utf8(printed).map_err(|_| "printed no UTF-8 text")?;
    match text.trim() {
        "" => Err("printed nothing".into()),
        text => Ok(Secret::new(text)),
    }
}

/// How a command ended, what it printed, and the beginning of what it said on standard error.
async fn output(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>, String)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (printed, complaint, status) =
        tokio::try_join!(beginning(stdout, MAX_BYTES + 1), beginning(stderr, MAX_COMPLAINT), child.wait())?;
    Ok((status, printed, String::from_utf8_lossy(&complaint).into_owned()))
}

/// The first bytes of a stream. The rest is read, too, and dropped, for a full pipe would stop the command.
async fn beginning(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(limit).read_to_end(&mut bytes).await?;
        io::copy(&mut stream, &mut io::sink()).await?;
    }
    Ok(bytes)
}

/// The processes of a command, which end with this.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    /// The command ended by itself; its id may be another's soon.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // What is gone in this very moment needs no signal.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
