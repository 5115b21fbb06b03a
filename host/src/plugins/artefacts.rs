//! Compiled components on disk, by content: compiling a large one takes seconds, loading its artefact milliseconds.
//!
//! Artefacts hold machine code that runs unchecked, so the directory is the host's alone (mode 0700), never the plugin
//! directory; each file carries a checksum of its own, and nothing is changed in place.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

/// The beginning of every artefact file: this format.
const MAGIC: &[u8; 8] = b"FLAOT\0\0\x01";

/// The length of the checksum behind it.
const CHECKSUM: usize = 32;

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

    /// The artefact of the component with this digest, if there is one and its checksum holds.
    pub fn read(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest);
        match read_checked(&path) {
            Ok(artefact) => {
                // For `UNUSED`; if it cannot be noted it is compiled once more, in a month.
                if let Err(error) = File::open(&path).and_then(|file| file.set_modified(SystemTime::now())) {
                    tracing::debug!(file = %path.display(), %error, "the use of an artefact is not noted");
                }
                Some(artefact)
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
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(artefact))?;
        file.write_all(artefact)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest))?;
        Ok(())
    }
}

fn read_checked(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = fs::read(path)?;
    let body = MAGIC.len() + CHECKSUM;
    if bytes.len() < body || !bytes.starts_with(MAGIC) {
        return Err(io::Error::other("its header is not ours"));
    }
    let artefact = bytes.split_off(body);
    if bytes[MAGIC.len()..] != Sha256::digest(&artefact)[..] {
        return Err(io::Error::other("its checksum does not hold"));
    }
    Ok(artefact)
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
        assert_eq!(artefacts.read("ab"), None);
        artefacts.write("ab", b"code").expect("written");
        assert_eq!(artefacts.read("ab").as_deref(), Some(&b"code"[..]));
    }

    #[test]
    fn a_damaged_or_truncated_artefact_is_not_used() {
        let (_dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        let path = artefacts.path("ab");
        let whole = fs::read(&path).expect("read");
        let mut damaged = whole.clone();
        *damaged.last_mut().expect("bytes") ^= 1;
        for bytes in [&damaged[..], &whole[..whole.len() - 1], &whole[..10], b""] {
            fs::write(&path, bytes).expect("overwritten");
            assert_eq!(artefacts.read("ab"), None);
        }
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        std::os::unix::fs::symlink(artefacts.path("ab"), artefacts.path("cd")).expect("linked");
        assert_eq!(artefacts.read("cd"), None);
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
        assert_eq!(again.read("ab"), None);
        assert_eq!(again.read("cd").as_deref(), Some(&b"new"[..]));
        assert_eq!(fs::read_dir(dir.path().join("cache")).expect("listed").count(), 1);
    }

    #[test]
    fn artefacts_of_another_version_are_removed() {
        let (dir, artefacts) = artefacts();
        artefacts.write("ab", b"code").expect("written");
        let other = Artefacts::open(&dir.path().join("cache"), 8).expect("opened");
        assert_eq!(other.read("ab"), None);
        assert_eq!(fs::read_dir(dir.path().join("cache")).expect("listed").count(), 0);
    }
}
