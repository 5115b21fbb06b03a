//! A text in a file, which is read again when the file has changed.

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use tokio::{fs, io::AsyncReadExt, time::timeout};

use super::{
    Secret, SecretError,
    renewed::{Fitness, Renewed},
};
use crate::setting_key::SettingKey;

/// How often the file is looked at: what changes it does so by the hour, and a refused request looks at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The largest text that is read, in bytes: a token or key has a few thousand.
pub(super) const MAX_BYTES: u64 = 64 << 10;

/// How long looking and reading may take; a network file system that is gone never answers.
const AT_MOST: Duration = Duration::from_secs(5);

/// How old a change must be for the next one to be seen by its time: clocks of file systems tick by milliseconds, and
/// some by two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// The text of a file.
pub(super) struct FileText {
    setting: SettingKey,
    path: PathBuf,
    read: Renewed<Read, SecretError>,
}

/// A text as it was read.
#[derive(Clone)]
struct Read {
    text: Secret,
    /// None if a change in the same moment could not be told.
    stamp: Option<Stamp>,
}

/// What tells a changed file.
#[derive(Clone, PartialEq)]
struct Stamp {
    modified: SystemTime,
    changed: (i64, i64),
    length: u64,
    file: (u64, u64),
}

impl FileText {
    pub(super) fn new(setting: SettingKey, path: PathBuf) -> Self {
        Self { setting, path, read: Renewed::new() }
    }

    pub(super) async fn get(&self) -> Result<Secret, SecretError> {
        let read = self.read.get(
            // What the file held may have been withdrawn since: it is never used unlooked.
            |had| if had.at.elapsed() < LOOK_EVERY { Fitness::Good } else { Fitness::Spent },
            |last| async {
                let result = match timeout(AT_MOST, look(&self.path, last)).await {
                    Ok(result) => result,
                    Err(_) => Err(format!("cannot be read within {} s", AT_MOST.as_secs())),
                };
                result.map_err(|why| SecretError::File { setting: self.setting.clone(), path: self.shown(), why })
            },
        );
        Ok(read.await?.text)
    }

    pub(super) async fn refused(&self, had: Instant) {
        self.read.refused(had).await;
    }

    pub(super) fn place(&self) -> String {
        format!("the file {}", self.shown())
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The text as it is now, read only if the file has changed.
async fn look(path: &Path, last: Option<Read>) -> Result<Read, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let metadata = fs::metadata(path).await.map_err(unreadable)?;
    if !metadata.is_file() {
        // Reading a pipe might never end.
        return Err("is no regular file".into());
    }
    let stamp = Stamp {
        modified: metadata.modified().map_err(unreadable)?,
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        length: metadata.len(),
        file: (metadata.dev(), metadata.ino()),
    };
    if let Some(last) = last.filter(|last| last.stamp.as_ref() == Some(&stamp)) {
        return Ok(last);
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).await.map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
    let is_settled = stamp.modified.elapsed().is_ok_and(|age| age > SETTLED);
    Ok(Read { text: text(bytes)?, stamp: is_settled.then_some(stamp) })
}

/// The text of the bytes of a file, without the line ends at its end.
pub(super) fn text(bytes: Vec<u8>) -> Result<Secret, String> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!("holds more than {} KiB", MAX_BYTES >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| "holds no UTF-8 text")?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("is empty".into()),
        text => Ok(Secret::new(text)),
    }
}
