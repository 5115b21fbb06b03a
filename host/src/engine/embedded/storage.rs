//! The data directory of an embedded engine: its instances in one file, so that they are there again at the next start.
//!
//! A thread writes. It takes the newest state of every instance that has changed since its last commit, so that under
//! load many changes share one flush; a caller's answer waits for the commit that holds its change.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use redb::{Database, ReadableDatabase, TableDefinition, TableHandle, WriteTransaction};
use tokio::sync::watch;

use super::instance::{Instance, Number};
use crate::data_file::{DataFile, WRONG_CHECKSUMS, without_panic};

/// Instances by number, as JSON that a person can read in need.
const INSTANCES: TableDefinition<'static, Number, &[u8]> = TableDefinition::new("instances-v1");

/// The file in the data directory.
const FILE_NAME: &str = "engine.redb";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The directory cannot be made or written.
    #[error("the data directory {path} cannot be used: {source}; check its permissions, or choose another")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another engine has it open.
    #[error("the data file {path} is in use: another embedded engine runs with the same directory; give each its own")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is none of ours, or damaged.
    #[error("the data file {path} is damaged: {why}; restore it, or move it away to begin with no tasks")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The writing thread. Dropping it writes what waits and closes the file.
pub(super) struct Storage {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
    written: watch::Sender<Written>,
}

/// What the next commit will hold.
#[derive(Default)]
struct Waiting {
    /// The newest state of each instance; none if it is forgotten.
    instances: BTreeMap<Number, Option<Vec<u8>>>,
    /// Counts the batches; a caller waits for that of its change.
    batch: u64,
    closed: bool,
}

/// The last commit.
#[derive(Debug, Clone, Default)]
struct Written {
    batch: u64,
    error: Option<String>,
}

impl Storage {
    /// Opens a data directory, which is made if need be, and reads what is in it.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(super) fn open(directory: &Path) -> Result<(Self, BTreeMap<Number, Instance>), StorageError> {
        let unusable = |source| StorageError::Directory { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(unusable)?;
        let path = directory.join(FILE_NAME);
        let opened = without_panic(|| open_file(&path)).unwrap_or_else(|why| Err(OpenError::Damaged(why)));
        let (database, instances) = opened.map_err(|error| match error {
            OpenError::InUse => StorageError::InUse { path: path.clone() },
            OpenError::Io(source) => unusable(source),
            OpenError::Damaged(why) => StorageError::Damaged { path: path.clone(), why },
        })?;
        let shared =
            Arc::new(Shared { waiting: Mutex::default(), more: Condvar::new(), written: watch::Sender::default() });
        let writing = shared.clone();
        let thread = std::thread::Builder::new()
            .name("fetchlock-engine".into())
            .spawn(move || write_until_closed(&writing, DataFile::new(path, database)))
            .map_err(unusable)?;
        Ok((Self { shared, thread: Some(thread) }, instances))
    }

    /// Has the thread write the state of instances; to be called in the order of their changes. The batch to wait for.
    pub(super) fn put<'a>(&self, instances: impl Iterator<Item = (Number, Option<&'a Instance>)>) -> u64 {
        let mut waiting = self.shared.waiting();
        for (number, instance) in instances {
            // A value of our own types always becomes JSON.
            let bytes = instance.map(|instance| serde_json::to_vec(instance).unwrap_or_default());
            waiting.instances.insert(number, bytes);
        }
        self.shared.more.notify_one();
        waiting.batch
    }

    /// Returns when a batch is on the disk.
    ///
    /// # Errors
    /// It could not be written; the text tells why.
    pub(super) async fn written(&self, batch: u64) -> Result<(), String> {
        let mut written = self.shared.written.subscribe();
        let written = written.wait_for(|written| written.batch > batch).await.map_err(|error| error.to_string())?;
        written.error.clone().map_or(Ok(()), Err)
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.shared.waiting().closed = true;
        self.shared.more.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the data file panicked");
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_until_closed(shared: &Shared, mut file: DataFile) {
    let mut sound = true;
    loop {
        let (instances, batch) = {
            let mut waiting = shared.waiting();
            while waiting.instances.is_empty() && !waiting.closed {
                waiting = shared.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.instances.is_empty() {
                return;
            }
            waiting.batch += 1;
            (std::mem::take(&mut waiting.instances), waiting.batch)
        };
        let error = file.write(|transaction| apply(transaction, &instances)).err();
        match (&error, sound) {
            (Some(why), true) => tracing::error!(why, "the data file cannot be written; it is tried again"),
            (None, false) => tracing::info!("the data file can be written again"),
            _ => {}
        }
        sound = error.is_none();
        if !sound {
            // Tried again after a while, unless a newer state has come meanwhile.
            let mut waiting = shared.waiting();
            for (number, bytes) in instances {
                waiting.instances.entry(number).or_insert(bytes);
            }
            if waiting.closed {
                return;
            }
        }
        shared.written.send_replace(Written { batch, error });
        if !sound {
            std::thread::sleep(RETRY);
        }
    }
}

/// How long the thread waits after an error: a full disk is not emptied by asking.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

fn apply(transaction: &WriteTransaction, instances: &BTreeMap<Number, Option<Vec<u8>>>) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(INSTANCES)?;
    for (number, bytes) in instances {
        match bytes {
            Some(bytes) => drop(table.insert(number, bytes.as_slice())?),
            None => drop(table.remove(number)?),
        }
    }
    Ok(())
}

/// Why a file cannot be opened.
enum OpenError {
    InUse,
    Io(io::Error),
    Damaged(String),
}

impl From<redb::Error> for OpenError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Io(source)
                if source.kind() != io::ErrorKind::InvalidData && source.kind() != io::ErrorKind::UnexpectedEof =>
            {
                Self::Io(source)
            }
            error => Self::Damaged(error.to_string()),
        }
    }
}

fn open_file(path: &Path) -> Result<(Database, BTreeMap<Number, Instance>), OpenError> {
    let mut database = Database::create(path).map_err(redb::Error::from)?;
    if !database.check_integrity().map_err(redb::Error::from)? {
        return Err(OpenError::Damaged(WRONG_CHECKSUMS.to_owned()));
    }
    refuse_other_tables(&database)?;
    let instances = read(&database)?;
    Ok((database, instances))
}

/// Refuses a data base of something else, such as a host's journal.
fn refuse_other_tables(database: &Database) -> Result<(), OpenError> {
    let tables = || -> Result<Vec<String>, redb::Error> {
        let transaction = database.begin_read()?;
        Ok(transaction.list_tables()?.map(|table| table.name().to_owned()).collect())
    };
    match tables()?.iter().find(|table| *table != INSTANCES.name()) {
        Some(other) => Err(OpenError::Damaged(format!("it is that of something else, with a table `{other}`"))),
        None => Ok(()),
    }
}

fn read(database: &Database) -> Result<BTreeMap<Number, Instance>, OpenError> {
    let mut instances = BTreeMap::new();
    let rows = || -> Result<_, redb::Error> {
        let write = database.begin_write()?;
        // Opening a table makes it, so that reading a new file is not a special case.
        write.open_table(INSTANCES).map(drop)?;
        write.commit()?;
        Ok(database.begin_read()?.open_table(INSTANCES)?.range::<Number>(..)?)
    };
    for row in rows()? {
        let (number, bytes) = row.map_err(redb::Error::from)?;
        let number = number.value();
        let instance = serde_json::from_slice(bytes.value())
            .map_err(|why| OpenError::Damaged(format!("instance {number}: {why}")))?;
        instances.insert(number, instance);
    }
    Ok(instances)
}
