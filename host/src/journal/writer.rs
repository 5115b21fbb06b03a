//! The thread that writes: it takes all changes that wait, commits them together, and tells those who wait for them.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::{JournalError, OUTCOMES, WORKERS};
use crate::task::{EngineName, TaskId, WorkerId};

/// Changes that may wait for the next commit. More than this wait in their callers: the disk is the limit then.
const QUEUE: usize = 1_024;

/// One change.
pub(super) enum Change {
    Put {
        engine: EngineName,
        task: TaskId,
        bytes: Vec<u8>,
    },
    Remove {
        engine: EngineName,
        task: TaskId,
    },
    AddWorker {
        engine: EngineName,
        worker: WorkerId,
    },
    RemoveWorker {
        engine: EngineName,
        worker: WorkerId,
    },
    /// Nothing; whether it can be committed is what is asked.
    Check,
}

type Reply = oneshot::Sender<Result<(), String>>;

/// The writing thread. Dropping it commits what waits and closes the database.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<(Change, Reply)>>,
    thread: Option<JoinHandle<()>>,
    sound: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn start(path: PathBuf, database: Database) -> io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel::<(Change, Reply)>(QUEUE);
        let sound = Arc::new(AtomicBool::new(true));
        let told = sound.clone();
        let thread = std::thread::Builder::new().name("fetchlock-journal".into()).spawn(move || {
            let mut file = File { path, database: Some(database) };
            let mut batch = Vec::new();
            while waiting.blocking_recv_many(&mut batch, QUEUE) > 0 {
                let (changes, replies): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let result = file.commit(&changes).map_err(|error| error.to_string());
                if told.swap(result.is_ok(), Relaxed) != result.is_ok() {
                    match &result {
                        Ok(()) => tracing::info!("the journal can be written again"),
                        Err(why) => {
                            tracing::error!(why, "the journal cannot be written: no tasks are fetched until it can")
                        }
                    }
                }
                for reply in replies {
                    if reply.send(result.clone()).is_err() {
                        tracing::trace!("a journal entry was written for a caller that no longer waits");
                    }
                }
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), sound })
    }

    /// Whether the last commit succeeded.
    pub(super) fn is_sound(&self) -> bool {
        self.sound.load(Relaxed)
    }

    /// Returns when the change is on the disk.
    pub(super) async fn commit(&self, change: Change) -> Result<(), JournalError> {
        let ended = || JournalError::Write("its thread has ended".into());
        let (reply, committed) = oneshot::channel();
        self.queue.as_ref().ok_or_else(ended)?.send((change, reply)).await.map_err(|_| ended())?;
        committed.await.map_err(|_| ended())?.map_err(JournalError::Write)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}

/// The database; closed after an error, because redb refuses everything until it is opened again.
struct File {
    path: PathBuf,
    database: Option<Database>,
}

impl File {
    fn commit(&mut self, changes: &[Change]) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            // Not made anew: an empty one in its place would hide that outcomes are lost.
            None => Database::open(&self.path)?,
        };
        commit(&database, changes)?;
        self.database = Some(database);
        Ok(())
    }
}

/// One transaction; redb flushes to the disk before `commit` returns.
fn commit(database: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut outcomes = transaction.open_table(OUTCOMES)?;
        let mut workers = transaction.open_table(WORKERS)?;
        for change in changes {
            match change {
                Change::Put { engine, task, bytes } => {
                    outcomes.insert((engine.as_str(), task.as_str()), bytes.as_slice())?;
                }
                Change::Remove { engine, task } => {
                    outcomes.remove((engine.as_str(), task.as_str()))?;
                }
                Change::AddWorker { engine, worker } => {
                    let now = jiff::Timestamp::now().as_millisecond();
                    workers.insert((engine.as_str(), worker.as_str()), now.unsigned_abs())?;
                }
                Change::RemoveWorker { engine, worker } => {
                    workers.remove((engine.as_str(), worker.as_str()))?;
                }
                Change::Check => {}
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_an_error_nothing_is_sound_until_a_commit_succeeds_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state").join("journal.redb");
        std::fs::create_dir(dir.path().join("state")).expect("made");
        drop(Database::create(&path).expect("made"));
        // As after an error of the disk: closed, and the place is not to be had.
        let mut file = File { path, database: None };
        std::fs::rename(dir.path().join("state"), dir.path().join("away")).expect("moved away");
        assert!(file.commit(&[Change::Check]).is_err());
        std::fs::rename(dir.path().join("away"), dir.path().join("state")).expect("moved back");
        file.commit(&[Change::Check]).expect("opened again");
        assert!(file.database.is_some());
    }
}
