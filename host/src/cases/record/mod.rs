//! Records invocations of the running host as cases: the task, every call with its answer, and what came of it, so that
//! an incident can be run again by copying a file.
//!
//! It is done by ports around the ports of an invocation, and written by a thread of its own. What cannot be written is a
//! warning and costs the task nothing.

mod ports;
mod redact;
mod text;

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::ports::{Outside, Recording};
use self::text::Recorded;
use super::expected::OutcomeName;
use crate::plugins::{Plugin, case_files::CASE_ENDING, manifest::RecordWish};

/// Recordings that wait for the disk. What comes beyond is left out.
const QUEUE: usize = 64;

/// How long the end of the host waits for recordings to be written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Which invocations are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordWhat {
    /// Those that plugins ask for with `record` in their manifests.
    Requested,
    /// Those of all plugins that fail.
    Failures,
    /// All.
    All,
}

/// Where and how much is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOptions {
    /// Which invocations.
    pub what: RecordWhat,
    /// The directory.
    pub dir: PathBuf,
    /// No more than so many recordings are made.
    pub max_files: u64,
    /// A larger one is left out.
    pub max_size: usize,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// There is something else where the directory should be.
    #[error("{0}, where recordings go, is no directory: name another place with --record or record.dir")]
    NoDirectory(PathBuf),
    /// A thread cannot be started.
    #[error("the thread that writes recordings does not start: {0}")]
    Thread(#[from] io::Error),
}

/// Makes recordings.
pub struct Recorder {
    options: RecordOptions,
    queue: Mutex<Option<SyncSender<Box<Recorded>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    left_out: AtomicU64,
}

impl Recorder {
    /// A recorder. The directory is made when something is to be recorded.
    ///
    /// # Errors
    /// See [`RecorderError`].
    pub fn start(options: RecordOptions) -> Result<Arc<Self>, RecorderError> {
        if fs::metadata(&options.dir).is_ok_and(|found| !found.is_dir()) {
            return Err(RecorderError::NoDirectory(options.dir));
        }
        let (queue, recorded) = sync_channel(QUEUE);
        let writer = Writer {
            dir: options.dir.clone(),
            max_files: options.max_files,
            max_size: options.max_size,
            made: None,
            is_full: false,
        };
        let writer =
            std::thread::Builder::new().name("fetchlock-record".into()).spawn(move || writer.run(&recorded))?;
        Ok(Arc::new(Self {
            options,
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
            left_out: AtomicU64::new(0),
        }))
    }

    /// Which invocations of a plugin are recorded: what the host records, and what the plugin asks for.
    fn wish(&self, plugin: &Plugin) -> RecordWish {
        match self.options.what {
            RecordWhat::All => RecordWish::All,
            RecordWhat::Failures => plugin.settings.record.max(RecordWish::Failures),
            RecordWhat::Requested => plugin.settings.record,
        }
    }

    /// Takes a recording to be written, if its outcome is one that is recorded.
    fn take(&self, recorded: Box<Recorded>) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().map(|queue| queue.try_send(recorded)) {
            Some(Err(TrySendError::Full(_))) => {
                // One line for each power of two: a flood of failures is no reason for a flood of these.
                let left_out = self.left_out.fetch_add(1, Relaxed) + 1;
                if left_out.is_power_of_two() {
                    tracing::warn!(left_out, "recordings come faster than the disk takes them: some are left out");
                }
            }
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => {}
        }
    }

    /// Writes what has been taken, and ends. Waits a few seconds at most, and is not for an async thread.
    pub fn finish(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let began = SystemTime::now();
        while !writer.is_finished() && began.elapsed().is_ok_and(|waited| waited < LAST_WORDS) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if writer.is_finished() && writer.join().is_err() {
            tracing::error!("the thread that writes recordings panicked");
        }
    }
}

/// Whether an outcome is one that somebody has to look at.
fn is_failure(outcome: OutcomeName) -> bool {
    match outcome {
        OutcomeName::Complete | OutcomeName::BpmnError | OutcomeName::Unlock | OutcomeName::HandOff => false,
        OutcomeName::Failure
        | OutcomeName::Undecided
        | OutcomeName::Error
        | OutcomeName::Trap
        | OutcomeName::Timeout => true,
    }
}

/// Writes recordings.
struct Writer {
    dir: PathBuf,
    max_files: u64,
    max_size: usize,
    /// How many recordings there are; counted when the first is written.
    made: Option<u64>,
    is_full: bool,
}

impl Writer {
    fn run(mut self, recorded: &Receiver<Box<Recorded>>) {
        while let Ok(recorded) = recorded.recv() {
            match self.write(&recorded) {
                Ok(Some(path)) => {
                    tracing::info!(file = %path.display(), task = %recorded.task.id, "invocation recorded")
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(dir = %self.dir.display(), task = %recorded.task.id, %error, "an invocation cannot be recorded");
                }
            }
        }
    }

    fn write(&mut self, recorded: &Recorded) -> io::Result<Option<PathBuf>> {
        // For its owner only: it holds what the processes hold.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let made = match self.made {
            Some(made) => made,
            None => count(&self.dir)?,
        };
        self.made = Some(made);
        if made >= self.max_files {
            if !std::mem::replace(&mut self.is_full, true) {
                tracing::warn!(dir = %self.dir.display(), made, "there are record.max-files recordings: no more are made until the host is started again with fewer");
            }
            return Ok(None);
        }
        let text = recorded.text().map_err(io::Error::other)?;
        if text.len() > self.max_size {
            return Err(io::Error::other(format!("it would have {} bytes, more than record.max-size", text.len())));
        }
        let mut file = tempfile::Builder::new().prefix(".").tempfile_in(&self.dir)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
        let path = self.dir.join(recorded.file_name());
        file.persist(&path)?;
        self.made = Some(made + 1);
        Ok(Some(path))
    }
}

/// How many cases lie in a directory.
fn count(dir: &Path) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(dir)? {
        count += u64::from(entry?.file_name().to_string_lossy().ends_with(CASE_ENDING));
    }
    Ok(count)
}
