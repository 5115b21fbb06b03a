//! The journal: the durable record of outcomes that are decided and not yet delivered. What is in it reaches the
//! engine however often this host is killed, and its task's handler is not run again.
//!
//! Writes are group-committed by one thread of its own: a decision waits for one flush to disk, and shares it with
//! every other decision of that moment, and with what became of the outcomes before.

mod entry;
mod writer;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

pub use self::entry::{Entry, State};
use self::{
    entry::{decode, encode},
    writer::{Change, Writer},
};
use crate::{
    data_file::{DataFile, WRONG_CHECKSUMS, without_panic},
    task::{EngineName, TaskId, WorkerId},
};

/// Outcomes by engine and task.
const OUTCOMES: TableDefinition<'static, (&str, &str), &[u8]> = TableDefinition::new("outcomes-v1");

/// The worker ids under which this host has fetched, by engine: what is locked under one of them and not in
/// [`OUTCOMES`] belongs to nobody after a crash.
const WORKERS: TableDefinition<'static, (&str, &str), u64> = TableDefinition::new("workers-v1");

/// The file in the state directory.
const FILE_NAME: &str = "journal.redb";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("the journal {path} is in use: another fetchlock runs with the same state-dir; give each its own")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The state directory cannot be made or written.
    #[error("the state directory {path} cannot be used: {source}; check state-dir and its permissions")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be opened or read.
    #[error(
        "the journal {path} cannot be read: {why}; restore it, or move it away and accept that undelivered outcomes are lost and their handlers run again"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Writing failed; nothing of it is durable.
    #[error("the journal cannot be written: {0}")]
    Write(String),
}

/// The journal of a host. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    /// What is in the database, for the questions that every fetched task asks.
    index: Arc<Mutex<Index>>,
    writer: Arc<Writer>,
}

#[derive(Default)]
struct Index {
    outcomes: HashMap<(EngineName, TaskId), Arc<Entry>>,
    workers: Vec<(EngineName, WorkerId)>,
}

impl Journal {
    /// Opens the journal in a state directory, which is made if need be.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(state_dir: &Path) -> Result<Self, JournalError> {
        make_private(state_dir).map_err(|source| JournalError::Directory { path: state_dir.to_owned(), source })?;
        let path = state_dir.join(FILE_NAME);
        let unreadable = |why: String| JournalError::Unreadable { path: path.clone(), why };
        let open = || open_file(&path, state_dir);
        let (database, index) = without_panic(open).unwrap_or_else(|why| Err(unreadable(why)))?;
        let writer = Writer::start(DataFile::new(path, database))
            .map_err(|source| JournalError::Directory { path: state_dir.to_owned(), source })?;
        Ok(Self { index: Arc::new(Mutex::new(index)), writer: Arc::new(writer) })
    }

    fn index(&self) -> std::sync::MutexGuard<'_, Index> {
        // The maps are changed by single inserts and removals only, so a panic leaves them whole.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an outcome durable. When this returns `Ok` it survives the death of the process and of the machine.
    ///
    /// # Errors
    /// [`JournalError::Write`]; nothing is recorded then.
    pub async fn record(&self, engine: &EngineName, entry: Arc<Entry>) -> Result<(), JournalError> {
        let bytes = encode(&entry).map_err(JournalError::Write)?;
        let task = entry.task.clone();
        self.writer.commit(Change::Put { engine: engine.clone(), task: task.clone(), bytes }).await?;
        self.index().outcomes.insert((engine.clone(), task), entry);
        Ok(())
    }

    /// Replaces an outcome by what became of it. Known at once; durable a moment later, and repeated until the disk takes
    /// it: whoever dies before delivers the outcome again, and finds it delivered.
    ///
    /// # Errors
    /// [`JournalError::Write`] if it can never become durable.
    pub async fn record_soon(&self, engine: &EngineName, entry: Arc<Entry>) -> Result<(), JournalError> {
        let bytes = encode(&entry).map_err(JournalError::Write)?;
        let task = entry.task.clone();
        self.index().outcomes.insert((engine.clone(), task.clone()), entry);
        self.writer.commit_soon(Change::Put { engine: engine.clone(), task, bytes }).await
    }

    /// Whether the last write succeeded. While it did not, no handler should be run: its decision could not be kept.
    pub fn is_sound(&self) -> bool {
        self.writer.is_sound()
    }

    /// Finds out whether the journal can be written.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub async fn check(&self) -> Result<(), JournalError> {
        self.writer.commit(Change::Check).await
    }

    /// Forgets an outcome: it was delivered, or needs no delivery any more. Durable as [`Self::record_soon`] is.
    ///
    /// # Errors
    /// [`JournalError::Write`] if it can never become durable.
    pub async fn forget_soon(&self, engine: &EngineName, task: &TaskId) -> Result<(), JournalError> {
        self.index().outcomes.remove(&(engine.clone(), task.clone()));
        self.writer.commit_soon(Change::Remove { engine: engine.clone(), task: task.clone() }).await
    }

    /// Forgets an outcome before its task is worked on anew. When this returns `Ok` the old outcome cannot come back.
    ///
    /// # Errors
    /// [`JournalError::Write`]; after a restart the outcome will be delivered again, and found to be gone.
    pub async fn forget(&self, engine: &EngineName, task: &TaskId) -> Result<(), JournalError> {
        self.index().outcomes.remove(&(engine.clone(), task.clone()));
        self.writer.commit(Change::Remove { engine: engine.clone(), task: task.clone() }).await
    }

    /// The outcome of a task, if one is recorded.
    pub fn find(&self, engine: &EngineName, task: &TaskId) -> Option<Arc<Entry>> {
        self.index().outcomes.get(&(engine.clone(), task.clone())).cloned()
    }

    /// How many outcomes of each engine are still to be delivered.
    pub fn pending_by_engine(&self) -> BTreeMap<EngineName, usize> {
        let mut counts = BTreeMap::new();
        for ((engine, _), _) in self.index().outcomes.iter().filter(|(_, entry)| entry.is_pending()) {
            *counts.entry(engine.clone()).or_default() += 1;
        }
        counts
    }

    /// All outcomes of an engine.
    pub fn entries(&self, engine: &EngineName) -> Vec<Arc<Entry>> {
        let index = self.index();
        index.outcomes.iter().filter(|((name, _), _)| name == engine).map(|(_, entry)| entry.clone()).collect()
    }

    /// Remembers a worker id before the first fetch under it.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub async fn remember_worker(&self, engine: &EngineName, worker: &WorkerId) -> Result<(), JournalError> {
        self.writer.commit(Change::AddWorker { engine: engine.clone(), worker: worker.clone() }).await?;
        self.index().workers.push((engine.clone(), worker.clone()));
        Ok(())
    }

    /// Forgets a worker id under which nothing can be locked any more.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub async fn forget_worker(&self, engine: &EngineName, worker: &WorkerId) -> Result<(), JournalError> {
        self.index().workers.retain(|(e, w)| (e, w) != (engine, worker));
        self.writer.commit(Change::RemoveWorker { engine: engine.clone(), worker: worker.clone() }).await
    }

    /// The worker ids that are remembered for an engine, those of earlier processes among them.
    pub fn workers(&self, engine: &EngineName) -> Vec<WorkerId> {
        self.index().workers.iter().filter(|(name, _)| name == engine).map(|(_, worker)| worker.clone()).collect()
    }
}

/// Makes a directory that only its owner may look into: the journal holds variables of processes.
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn open_file(path: &Path, state_dir: &Path) -> Result<(Database, Index), JournalError> {
    let unreadable = |why: String| JournalError::Unreadable { path: path.to_owned(), why };
    let mut database = Database::create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse { path: path.to_owned() },
        redb::DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() == io::ErrorKind::PermissionDenied =>
        {
            JournalError::Directory { path: state_dir.to_owned(), source }
        }
        error => unreadable(error.to_string()),
    })?;
    match database.check_integrity() {
        Ok(true) => {}
        // What is left of it is better delivered than not.
        Ok(false) => {
            tracing::warn!(path = %path.display(), "the journal was damaged and is repaired: {WRONG_CHECKSUMS}")
        }
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let index = read(&database).map_err(unreadable)?;
    Ok((database, index))
}

fn read(database: &Database) -> Result<Index, String> {
    let text = |error: redb::Error| error.to_string();
    let write = database.begin_write().map_err(|e| text(e.into()))?;
    // Opening a table makes it, so that reading a new journal is not a special case.
    write.open_table(OUTCOMES).map(drop).map_err(|e| text(e.into()))?;
    write.open_table(WORKERS).map(drop).map_err(|e| text(e.into()))?;
    write.commit().map_err(|e| text(e.into()))?;

    let mut index = Index::default();
    let read = database.begin_read().map_err(|e| text(e.into()))?;
    let outcomes = read.open_table(OUTCOMES).map_err(|e| text(e.into()))?;
    for row in outcomes.iter().map_err(|e| text(e.into()))? {
        let (key, value) = row.map_err(|e| text(e.into()))?;
        let (engine, task) = key.value();
        let entry = decode(value.value()).map_err(|why| format!("the outcome of task {task}: {why}"))?;
        index.outcomes.insert((EngineName::new(engine), TaskId::new(task)), Arc::new(entry));
    }
    let workers = read.open_table(WORKERS).map_err(|e| text(e.into()))?;
    for row in workers.iter().map_err(|e| text(e.into()))? {
        let (key, _) = row.map_err(|e| text(e.into()))?;
        let (engine, worker) = key.value();
        index.workers.push((EngineName::new(engine), WorkerId::new(worker)));
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        outcome::{Failure, Outcome},
        task::{PluginName, Route, Topic},
        value::{Date, File, FileContent, Object, Other, Value, Variable, Variables},
    };

    fn entry(task: &str, outcome: Outcome) -> Arc<Entry> {
        Arc::new(Entry {
            task: TaskId::new(task),
            route: Route { topic: Topic::new("t"), plugin: PluginName::new("p") },
            worker: WorkerId::new("w"),
            execution_id: "e".into(),
            version: "v".into(),
            outcome,
            decided: jiff::Timestamp::now(),
            state: State::Pending,
        })
    }

    fn every_value() -> Variables {
        let date = |text: &str| Value::Date(text.parse::<Date>().expect("a date"));
        let file = |content| {
            let (mime_type, encoding) = (Some("text/plain".into()), Some("UTF-8".into()));
            Value::File(File { filename: "a.txt".into(), mime_type, encoding, content })
        };
        let values = [
            Value::Null(None),
            Value::Null(Some("String".into())),
            Value::Boolean(true),
            Value::Short(i16::MIN),
            Value::Integer(i32::MAX),
            Value::Long(9_007_199_254_740_993),
            Value::Double(5e-324),
            Value::Double(-0.0),
            Value::String("h\u{e9}llo\u{0}".into()),
            date("2026-11-21T12:11:12.345+0200"),
            date("9999-12-31T23:59:59.999-1200"),
            Value::Bytes(vec![0, 255].into()),
            file(FileContent::Bytes(vec![1].into())),
            file(FileContent::Stored("other".into())),
            Value::Json("{\"a\":[1,{\"b\":null}]}".into()),
            Value::Xml("<a/>".into()),
            Value::Object(Object {
                type_name: "java.util.List".into(),
                format: "application/json".into(),
                text: "[]".into(),
            }),
            Value::Other(Other { type_name: "Colour".into(), value: "[1]".into(), value_info: "{\"x\":1}".into() }),
        ];
        values
            .into_iter()
            .enumerate()
            .map(|(n, value)| (format!("v{n}"), Variable { value, transient: n % 2 == 0 }))
            .collect()
    }

    #[tokio::test]
    async fn every_outcome_with_every_value_comes_back_after_a_restart_as_it_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = EngineName::new("default");
        let failure = Failure {
            variables: every_value(),
            ..Failure::new("m", Some("d".into()), 2, Duration::from_millis(1_500))
        };
        let entries = [
            entry("1", Outcome::Complete { variables: every_value(), local_variables: every_value() }),
            entry("2", Outcome::Failure(failure)),
            entry("3", Outcome::BpmnError { code: "E".into(), message: None, variables: every_value() }),
            entry("4", Outcome::Unlock { delay: Duration::from_secs(1) }),
            entry("5", Outcome::HandOff { duration: Duration::from_secs(3600) }),
        ];
        let journal = Journal::open(dir.path()).expect("opened");
        for entry in &entries {
            journal.record(&engine, entry.clone()).await.expect("recorded");
        }
        drop(journal);
        let journal = Journal::open(dir.path()).expect("opened again");
        for entry in &entries {
            assert_eq!(journal.find(&engine, &entry.task).as_ref(), Some(entry));
        }
        assert_eq!(journal.find(&EngineName::new("another"), &entries[0].task), None);
    }

    #[tokio::test]
    async fn what_was_forgotten_does_not_come_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = EngineName::new("default");
        let journal = Journal::open(dir.path()).expect("opened");
        let entry = entry("1", Outcome::Unlock { delay: Duration::ZERO });
        journal.record(&engine, entry.clone()).await.expect("recorded");
        journal.remember_worker(&engine, &WorkerId::new("w")).await.expect("remembered");
        journal.forget(&engine, &entry.task).await.expect("forgotten");
        drop(journal);
        let journal = Journal::open(dir.path()).expect("opened again");
        assert!(journal.entries(&engine).is_empty());
        assert_eq!(journal.workers(&engine), [WorkerId::new("w")]);
    }

    #[tokio::test]
    async fn concurrent_decisions_share_a_flush_and_all_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = EngineName::new("default");
        let journal = Journal::open(dir.path()).expect("opened");
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..200 {
            let (journal, engine) = (journal.clone(), engine.clone());
            tasks.spawn(async move {
                journal.record(&engine, entry(&n.to_string(), Outcome::Unlock { delay: Duration::ZERO })).await
            });
        }
        while let Some(result) = tasks.join_next().await {
            result.expect("joined").expect("recorded");
        }
        drop(journal);
        assert_eq!(Journal::open(dir.path()).expect("opened again").entries(&engine).len(), 200);
    }

    #[tokio::test]
    async fn a_damaged_journal_is_repaired_or_refused_and_never_a_panic() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = EngineName::new("default");
        let journal = Journal::open(dir.path()).expect("opened");
        for n in 0..50 {
            let outcome = Outcome::Unlock { delay: Duration::ZERO };
            journal.record(&engine, entry(&n.to_string(), outcome)).await.expect("recorded");
        }
        drop(journal);
        let path = dir.path().join(FILE_NAME);
        let whole = std::fs::read(&path).expect("read");
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..40 {
            let mut damaged = whole.clone();
            let at = random.usize(..damaged.len() - 64);
            random.fill(&mut damaged[at..at + 64]);
            std::fs::write(&path, damaged).expect("written");
            match Journal::open(dir.path()) {
                Ok(journal) => assert!(journal.entries(&engine).len() <= 50),
                Err(error) => assert!(matches!(error, JournalError::Unreadable { .. }), "{error}"),
            }
        }
    }

    #[test]
    fn a_journal_in_use_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().expect("a directory");
        let _first = Journal::open(dir.path()).expect("opened");
        let error = Journal::open(dir.path()).map(drop).expect_err("in use");
        assert!(error.to_string().contains("another fetchlock runs with the same state-dir"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(FILE_NAME), b"not a database at all").expect("written");
        let error = Journal::open(dir.path()).map(drop).expect_err("unreadable");
        assert!(matches!(error, JournalError::Unreadable { .. }), "{error}");
        assert_eq!(std::fs::read(dir.path().join(FILE_NAME)).expect("read"), b"not a database at all");
    }
}
