//! The thread that writes: it gathers the changes that wait, commits them together, and tells those who wait for them.
//!
//! A commit costs the processor several times what the rest of a task does, most of it in the kernel. So under load
//! decisions wait a little for each other, and what nobody waits for rides along with them ([`RHYTHM`]).

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use redb::WriteTransaction;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{JournalError, OUTCOMES, WORKERS};
use crate::{
    data_file::DataFile,
    task::{EngineName, TaskId, WorkerId},
};

/// Changes that may wait for the next commit. More than this wait in their callers: the disk is the limit then.
const QUEUE: usize = 1_024;

/// So many changes are worth a commit: its price is a small part of theirs.
const FULL: usize = 32;

/// When changes are committed.
struct Rhythm {
    /// Under load, the time from the beginning of one commit to that of the next, unless [`FULL`] changes wait before.
    pace: Duration,
    /// How often it is looked whether that many wait. A look costs less than to be told of each change.
    look: Duration,
    /// A change that nobody waits for is on the disk after this at the latest.
    soon: Duration,
    /// After a failure the changes that nobody waits for are tried again after this.
    again: Duration,
}

const RHYTHM: Rhythm = Rhythm {
    // Short beside a call to a busy engine.
    pace: Duration::from_millis(20),
    look: Duration::from_millis(5),
    soon: Duration::from_millis(100),
    again: Duration::from_secs(1),
};

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

/// A change on its way to the disk.
struct Queued {
    change: Change,
    /// Who waits for it. What nobody waits for is repeated until the disk takes it.
    asked: Option<Reply>,
}

/// The writing thread. Dropping it commits what waits and closes the database.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
    sound: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn start(file: DataFile) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let sound = Arc::new(AtomicBool::new(true));
        let told = sound.clone();
        // Its own, for its timers: the thread outlives whoever opened the journal.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new()
            .name("fetchlock-journal".into())
            .spawn(move || runtime.block_on(write(file, waiting, &RHYTHM, &told)))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), sound })
    }

    /// Whether the last commit succeeded.
    pub(super) fn is_sound(&self) -> bool {
        self.sound.load(Relaxed)
    }

    /// Returns when the change is on the disk.
    pub(super) async fn commit(&self, change: Change) -> Result<(), JournalError> {
        let (reply, committed) = oneshot::channel();
        self.send(Queued { change, asked: Some(reply) }).await?;
        committed.await.map_err(|_| ended())?.map_err(JournalError::Write)
    }

    /// Returns when the change is on its way: it is on the disk soon, and after every change that was sent before.
    pub(super) async fn commit_soon(&self, change: Change) -> Result<(), JournalError> {
        self.send(Queued { change, asked: None }).await
    }

    async fn send(&self, queued: Queued) -> Result<(), JournalError> {
        self.queue.as_ref().ok_or_else(ended)?.send(queued).await.map_err(|_| ended())
    }
}

fn ended() -> JournalError {
    JournalError::Write("its thread has ended".into())
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

/// Commits what comes until the queue is closed.
async fn write(mut file: DataFile, mut queue: mpsc::Receiver<Queued>, rhythm: &Rhythm, sound: &AtomicBool) {
    let mut batch = Vec::new();
    // Of the last commit, if it served several.
    let mut began = None;
    loop {
        let open = gather(&mut queue, &mut batch, rhythm).await;
        if batch.is_empty() {
            return;
        }
        let queue_is_full = |queue: &mpsc::Receiver<Queued>| batch.len() + queue.len() >= FULL;
        while began.is_some_and(|began: Instant| began.elapsed() < rhythm.pace) && !queue_is_full(&queue) {
            tokio::time::sleep(rhythm.look).await;
        }
        while batch.len() < QUEUE
            && let Ok(queued) = queue.try_recv()
        {
            batch.push(queued);
        }
        // A lone decision is no load: the next one need not wait for company.
        let shared = batch.iter().filter(|queued| queued.asked.is_some()).count() > 1;
        began = shared.then(Instant::now);
        let result = file.write(|transaction| apply(transaction, &batch));
        tell(sound, &result);
        reply(&mut batch, &result);
        if !open {
            break;
        }
    }
    if !batch.is_empty() {
        let outcomes = batch.len();
        tracing::error!(
            outcomes,
            "the journal still has outcomes that the engine has: they are sent again and found delivered"
        );
    }
}

/// Waits until there is something to commit; `false` when there will be no more.
async fn gather(queue: &mut mpsc::Receiver<Queued>, batch: &mut Vec<Queued>, rhythm: &Rhythm) -> bool {
    let mut due = (!batch.is_empty()).then(|| Instant::now() + rhythm.again);
    loop {
        let received = match due {
            None => queue.recv().await,
            Some(due) => match tokio::time::timeout_at(due, queue.recv()).await {
                Ok(received) => received,
                Err(_) => return true,
            },
        };
        let Some(queued) = received else { return false };
        let urgent = queued.asked.is_some();
        batch.push(queued);
        if urgent {
            return true;
        }
        due.get_or_insert_with(|| Instant::now() + rhythm.soon);
    }
}

fn tell(sound: &AtomicBool, result: &Result<(), String>) {
    if sound.swap(result.is_ok(), Relaxed) == result.is_ok() {
        return;
    }
    match result {
        Ok(()) => tracing::info!("the journal can be written again"),
        Err(why) => tracing::error!(why, "the journal cannot be written: no tasks are fetched until it can"),
    }
}

/// Tells those who wait; what nobody waits for stays in the batch until it is committed.
fn reply(batch: &mut Vec<Queued>, result: &Result<(), String>) {
    for Queued { change, asked } in std::mem::take(batch) {
        let Some(asked) = asked else {
            if result.is_err() {
                batch.push(Queued { change, asked });
            }
            continue;
        };
        if asked.send(result.clone()).is_err() {
            tracing::trace!("a journal entry was written for a caller that no longer waits");
        }
    }
}

fn apply(transaction: &WriteTransaction, batch: &[Queued]) -> Result<(), redb::Error> {
    let mut outcomes = transaction.open_table(OUTCOMES)?;
    let mut workers = transaction.open_table(WORKERS)?;
    for queued in batch {
        match &queued.change {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use redb::{Database, ReadableDatabase};

    use super::*;

    fn soon(task: &str) -> Queued {
        let (engine, task) = (EngineName::new("default"), TaskId::new(task));
        Queued { change: Change::Put { engine, task, bytes: vec![1] }, asked: None }
    }

    fn asked() -> (Queued, oneshot::Receiver<Result<(), String>>) {
        let (reply, committed) = oneshot::channel();
        (Queued { change: Change::Check, asked: Some(reply) }, committed)
    }

    /// Where a test would wait for ever if the rule did not hold.
    const NEVER: Duration = Duration::from_secs(3_600);

    const SLOW: Rhythm = Rhythm { pace: NEVER, look: Duration::from_millis(1), soon: NEVER, again: NEVER };

    #[tokio::test]
    async fn what_nobody_waits_for_is_gathered_for_a_while_and_no_longer() {
        let rhythm = Rhythm { soon: Duration::from_millis(30), ..SLOW };
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let began = Instant::now();
        queue.send(soon("1")).await.expect("sent");
        queue.send(soon("2")).await.expect("sent");
        let mut batch = Vec::new();
        assert!(gather(&mut waiting, &mut batch, &rhythm).await);
        assert_eq!(batch.len(), 2);
        assert!(began.elapsed() >= rhythm.soon);
    }

    #[tokio::test]
    async fn what_somebody_waits_for_is_committed_at_once_with_what_came_before() {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        queue.send(soon("1")).await.expect("sent");
        queue.send(asked().0).await.expect("sent");
        let mut batch = Vec::new();
        assert!(gather(&mut waiting, &mut batch, &SLOW).await);
        assert_eq!(batch.len(), 2);
    }

    /// Commits four times that many decisions, one round after the other; returns how long it took.
    async fn time_of_four_rounds(decisions: usize, pace: Duration) -> Duration {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.redb");
        let database = Database::create(&path).expect("made");
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (rhythm, sound) = (Rhythm { pace, ..SLOW }, AtomicBool::new(true));
        let writing = write(DataFile::new(path, database), waiting, &rhythm, &sound);
        let began = Instant::now();
        let asking = async {
            for _ in 0..4 {
                let (queued, replies): (Vec<_>, Vec<_>) = (0..decisions).map(|_| asked()).unzip();
                for queued in queued {
                    queue.send(queued).await.expect("sent");
                }
                for reply in replies {
                    reply.await.expect("answered").expect("committed");
                }
            }
            drop(queue);
            began.elapsed()
        };
        tokio::join!(writing, asking).1
    }

    #[tokio::test]
    async fn lone_decisions_do_not_wait_for_company() {
        time_of_four_rounds(1, NEVER).await;
    }

    #[tokio::test]
    async fn where_decisions_share_a_commit_the_next_one_waits_for_more() {
        let pace = Duration::from_millis(20);
        assert!(time_of_four_rounds(2, pace).await >= 3 * pace);
    }

    #[tokio::test]
    async fn enough_decisions_are_committed_without_waiting_for_more() {
        time_of_four_rounds(FULL, NEVER).await;
    }

    #[tokio::test]
    async fn after_an_error_nothing_is_sound_until_the_disk_takes_what_was_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state").join("journal.redb");
        std::fs::create_dir(dir.path().join("state")).expect("made");
        drop(Database::create(&path).expect("made"));
        // As after an error of the disk: closed, and the place is not to be had.
        let file = DataFile::closed(path.clone());
        std::fs::rename(dir.path().join("state"), dir.path().join("away")).expect("moved away");
        let rhythm = Rhythm { again: Duration::from_millis(10), ..RHYTHM };
        let sound = AtomicBool::new(true);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let asking = async {
            queue.send(soon("1")).await.expect("sent");
            let (check, failed) = asked();
            queue.send(check).await.expect("sent");
            failed.await.expect("answered").expect_err("the place is away");
            assert!(!sound.load(Relaxed));
            std::fs::rename(dir.path().join("away"), dir.path().join("state")).expect("moved back");
            while !sound.load(Relaxed) {
                tokio::time::sleep(rhythm.again).await;
            }
            drop(queue);
        };
        tokio::join!(write(file, waiting, &rhythm, &sound), asking);
        let database = Database::open(&path).expect("opened");
        let outcomes = database.begin_read().expect("begun").open_table(OUTCOMES).expect("there");
        assert!(outcomes.get(("default", "1")).expect("read").is_some());
    }
}
