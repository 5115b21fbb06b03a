//! Compiled components on disk, by content: compiling a large one takes seconds, loading its artefact milliseconds.
//!
//! Artefacts hold machine code that runs unchecked, so the directory is the host's alone (mode 0700), never the plugin
//! directory; each file carries a checksum of its own, and nothing is changed in place.
//!
//! A file is the artefact from its first byte on, so that it can be mapped into memory instead of being copied there; the
//! checksum and the mark of this format are its end, which nobody reads who maps it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use blake3::Hash;

/// The end of every artefact file: this format.
const MAGIC: &[u8; 8] = b"FLAOT\0\0\x02";

/// The length of the checksum before it.
const CHECKSUM: usize = blake3::OUT_LEN;

/// How much of a file is read at once to compute its checksum, in bytes: small enough for the processor's cache, large
/// enough to be worth several processors.
const CHUNK: usize = 1 << 20;

/// The file name's ending.
const ENDING: &str = "artefact";

/// The beginning of a name while the file is being written.
const TEMPORARY: &str = ".writing-";

/// A file that has been being written for so long was left behind: several processes may share the directory.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// An artefact that was not asked for in so long belongs to a component that was replaced.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The directory of artefacts.
#[derive(Debug, Clone)]
pub struct Artefacts {
    dir: PathBuf,
    compatibility: u64,
}

impl Artefacts {
    /// Opens the directory, makes it if need be, and removes what nobody will ask for: artefacts of other versions of
    /// the host, those not used for [`UNUSED`], and what a killed host left half written.
    ///
    /// # Errors
    /// When it cannot be made or belongs to somebody else.
    pub fn open(dir: &Path, compatibility: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        if fs::symlink_metadata(dir)?.is_symlink() {
            return Err(io::Error::other("it is a symbolic link"));
        }
        // Only the owner may do this, so it also proves whose directory it is.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let artefacts = Self { dir: dir.to_owned(), compatibility };
        artefacts.clean()?;
        Ok(artefacts)
    }

    fn suffix(&self) -> String {
        format!("-{:016x}.{ENDING}", self.compatibility)
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}{}", self.suffix()))
    }

    fn clean(&self) -> io::Result<()> {
        let suffix = self.suffix();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // What another process has removed meanwhile is no longer of interest.
            let age = entry.metadata().ok().and_then(|it| it.modified().ok()?.elapsed().ok()).unwrap_or_default();
            let half_written = name.starts_with(TEMPORARY) && age > ABANDONED;
            let foreign = name.ends_with(&format!(".{ENDING}")) && !name.ends_with(&suffix);
            if half_written || foreign || (name.ends_with(&suffix) && age > UNUSED) {
                tracing::debug!(file = %name, "removing an artefact that nobody will ask for");
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The file with the artefact of the component with this digest, if there is one and its checksum holds.
    pub fn find(&self, digest: &str) -> Option<PathBuf> {
        let path = self.path(digest);
        match check(&path) {
            Ok(()) => {
                // For `UNUSED`; if it cannot be noted it is compiled once more, in a month.
                if let Err(error) = File::open(&path).and_then(|file| file.set_modified(SystemTime::now())) {
                    tracing::debug!(file = %path.display(), %error, "the use of an artefact is not noted");
                }
                Some(path)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "an artefact cannot be used: compiling again");
                None
            }
        }
    }

    /// Keeps an artefact: written beside, flushed, renamed.
    ///
    /// # Errors
    /// When the disk does not take it; the plugin can be served all the same.
    pub fn write(&self, digest: &str, artefact: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.dir)?;
        file.write_all(artefact)?;
        file.write_all(blake3::hash(artefact).as_bytes())?;
        file.write_all(MAGIC)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest))?;
        Ok(())
    }
}

/// Fails unless a file is an artefact as it was written.
fn check(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let end = (CHECKSUM + MAGIC.len()) as u64;
    let length = metadata.len().checked_sub(end).ok_or_else(|| io::Error::other("it is too short"))?;
    let mut file = File::open(path)?;
    let found = checksum((&mut file).take(length))?;
    let (mut wanted, mut magic) = ([0; CHECKSUM], [0; MAGIC.len()]);
    file.read_exact(&mut wanted)?;
    file.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(io::Error::other("its end is not ours"));
    }
    if found != Hash::from_bytes(wanted) {
        return Err(io::Error::other("its checksum does not hold"));
    }
    Ok(())
}

fn checksum(mut artefact: impl Read) -> io::Result<Hash> {
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match artefact.read(&mut chunk)? {
            0 => return Ok(hasher.finalize()),
            read => hasher.update_rayon(&chunk[..read]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefacts() -> (tempfile::TempDir, Artefacts) {
        let dir = tempfile::tempdir().expect("a directory");
        let artefacts = Artefacts::open(&dir.path().join("cache"), 7).expect("opened");
        (dir, artefacts)
    }

    #[test]
    fn an_artefact_comes_back() {
        let (_dir, artefacts) = artefacts();
        assert_eq!(artefacts.find("ab"), None);
        artefacts.write("ab", b"code").expect("written");
        let path = artefacts.find("ab").expect("there");
        assert!(fs::read(path).expect("read").starts_with(b"code"), "it can be mapped");
    }

    #[test]
    fn a_damaged_or_truncated_artefact_is_not_used() {
        let (_dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        let path = artefacts.path("ab");
        let whole = fs::read(&path).expect("read");
        let mut damaged = whole.clone();
        damaged[0] ^= 1;
        for bytes in [&damaged[..], &whole[..whole.len() - 1], &whole[1..], &whole[..10], b""] {
            fs::write(&path, bytes).expect("overwritten");
            assert_eq!(artefacts.find("ab"), None);
        }
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        std::os::unix::fs::symlink(artefacts.path("ab"), artefacts.path("cd")).expect("linked");
        assert_eq!(artefacts.find("cd"), None);
        std::os::unix::fs::symlink(dir.path().join("cache"), dir.path().join("link")).expect("linked");
        assert!(Artefacts::open(&dir.path().join("link"), 7).is_err());
    }

    #[test]
    fn what_was_not_used_for_long_or_was_left_half_written_is_removed() {
        let (dir, artefacts) = artefacts();
        artefacts.write("ab", b"old").expect("written");
        artefacts.write("cd", b"new").expect("written");
        let long_ago = SystemTime::now() - 2 * UNUSED;
        let half = dir.path().join("cache").join(".writing-x");
        fs::write(&half, b"half").expect("written");
        for path in [artefacts.path("ab"), half] {
            File::open(path).and_then(|file| file.set_modified(long_ago)).expect("aged");
        }
        let again = Artefacts::open(&dir.path().join("cache"), 7).expect("opened");
        assert_eq!(again.find("ab"), None);
        assert!(again.find("cd").is_some());
        assert_eq!(fs::read_dir(dir.path().join("cache")).expect("listed").count(), 1);
    }

    #[test]
    fn artefacts_of_another_version_are_removed() {
        let (dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        let other = Artefacts::open(&dir.path().join("cache"), 8).expect("opened");
        assert_eq!(other.find("ab"), None);
        assert_eq!(fs::read_dir(dir.path().join("cache")).expect("listed").count(), 0);
    }
}
