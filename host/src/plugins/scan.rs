//! Which files of the plugin directory are plugins, and how to tell that one has changed.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::case_files::{case_files, cases_of};

/// What tells one state of a file from another without reading it. The inode is among it because a symlink swap (as
/// Kubernetes mounts do) may keep size and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    component: Stamp,
    manifest: Option<Stamp>,
    /// Of each case; none of one that cannot be looked at.
    cases: Vec<Option<Stamp>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds; permissions that were mended change nothing else.
    changed: (i64, i64),
    inode: u64,
    regular: bool,
}

/// A plugin's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// `NAME.wasm`
    pub(super) component: PathBuf,
    /// `NAME.toml`, whether it exists or not.
    pub(super) manifest: PathBuf,
    /// `NAME`
    pub(super) name: String,
    /// `NAME.case.toml` and `NAME.*.case.toml`, sorted.
    pub(super) cases: Vec<PathBuf>,
}

impl Candidate {
    /// The plugin of this component, with the cases that are beside it; none if its name is not UTF-8.
    pub(super) fn new(component: PathBuf) -> Option<Self> {
        // Where nothing can be listed, reading the component tells why.
        let cases = cases_of(&component).unwrap_or_default();
        Self::with_cases(component, cases)
    }

    fn with_cases(component: PathBuf, cases: Vec<PathBuf>) -> Option<Self> {
        let name = component.file_stem()?.to_str()?.to_owned();
        Some(Self { manifest: component.with_extension("toml"), component, name, cases })
    }

    /// The present state of the files; an error if the component is gone.
    pub(super) fn fingerprint(&self) -> io::Result<Fingerprint> {
        let manifest = match stamp(&self.manifest) {
            Ok(stamp) => Some(stamp),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let cases = self.cases.iter().map(|case| stamp(case).ok()).collect();
        Ok(Fingerprint { component: stamp(&self.component)?, manifest, cases })
    }
}

impl Fingerprint {
    /// The component's size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.component.size
    }

    /// Whether there is something to read: not a directory, a pipe or a device.
    pub(super) fn regular(&self) -> bool {
        self.component.regular && self.manifest.as_ref().is_none_or(|manifest| manifest.regular)
    }

    /// Whether there is a manifest.
    pub(super) fn has_manifest(&self) -> bool {
        self.manifest.is_some()
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    // Follows symbolic links: what matters is what would be read.
    let metadata = fs::metadata(path)?;
    Ok(Stamp {
        size: metadata.len(),
        modified: metadata.modified().ok(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        regular: metadata.is_file(),
    })
}

/// The plugins of a directory by their component's path. Hidden files and the temporary files of editors and copying
/// tools are none; a file that vanishes while we look is none either.
///
/// # Errors
/// When the directory cannot be listed.
pub(super) fn scan(dir: &Path) -> io::Result<BTreeMap<PathBuf, (Candidate, io::Result<Fingerprint>)>> {
    let mut found = BTreeMap::new();
    let cases = case_files(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if !is_plugin(&path) {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let own = cases.iter().filter(|(_, owner)| owner.as_deref() == stem).map(|(case, _)| case.clone()).collect();
        let Some(candidate) = Candidate::with_cases(path.clone(), own) else { continue };
        let fingerprint = candidate.fingerprint();
        if fingerprint.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            continue;
        }
        found.insert(path, (candidate, fingerprint));
    }
    Ok(found)
}

/// Whether a path has the name of a plugin: `NAME.wasm`, and not one of the names that editors and copying tools use
/// while they write (`.x.wasm`, `x.wasm~`, `#x.wasm#`, `x.tmp.wasm`, `~x.wasm`).
pub(super) fn is_plugin(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    // `.cwasm` is one that is refused, with the reason, rather than passed over.
    let Some(stem) = name.strip_suffix(".wasm").or_else(|| name.strip_suffix(".cwasm")) else { return false };
    !stem.is_empty() && !name.starts_with(['.', '~', '#']) && !stem.ends_with(".tmp") && !stem.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        scan(dir).expect("listed").into_values().map(|(candidate, _)| candidate.name).collect()
    }

    #[test]
    fn temporary_and_hidden_files_are_no_plugins() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [
            "a.wasm",
            ".a.wasm",
            "a.wasm~",
            "a.wasm.tmp",
            "a.tmp.wasm",
            "#a.wasm#",
            "~a.wasm",
            "a.swp",
            "a.toml",
            ".wasm",
        ] {
            fs::write(dir.path().join(name), b"x").expect("written");
        }
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn a_swapped_symlink_changes_the_fingerprint() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        for version in ["1", "2"] {
            fs::create_dir(path(version)).expect("made");
            fs::write(path(version).join("a.wasm"), version).expect("written");
        }
        symlink("1", path("..data")).expect("linked");
        symlink("..data/a.wasm", path("a.wasm")).expect("linked");
        let candidate = Candidate::new(path("a.wasm")).expect("a plugin");
        let before = candidate.fingerprint().expect("there");
        symlink("2", path("..tmp")).expect("linked");
        fs::rename(path("..tmp"), path("..data")).expect("swapped");
        assert_ne!(candidate.fingerprint().expect("there"), before);
    }

    #[test]
    fn a_manifest_that_appears_changes_the_fingerprint() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("a.wasm"), "x").expect("written");
        let candidate = Candidate::new(dir.path().join("a.wasm")).expect("a plugin");
        let before = candidate.fingerprint().expect("there");
        fs::write(dir.path().join("a.toml"), "").expect("written");
        assert_ne!(candidate.fingerprint().expect("there"), before);
    }

    #[test]
    fn a_case_that_appears_or_changes_changes_the_fingerprint_of_its_plugin_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
        write("a.wasm", "x");
        write("b.wasm", "x");
        let look = || {
            let found = scan(dir.path()).expect("listed").into_values();
            found.map(|(_, fingerprint)| fingerprint.expect("there")).collect::<Vec<_>>()
        };
        let before = look();
        write("a.one.case.toml", "1");
        let with_case = look();
        write("a.one.case.toml", "12");
        let changed = look();
        assert!(before[0] != with_case[0] && with_case[0] != changed[0]);
        assert!(before[1] == with_case[1] && with_case[1] == changed[1]);
    }

    #[test]
    fn a_symlink_loop_is_an_error_of_that_file_only() {
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("b.wasm", dir.path().join("a.wasm")).expect("linked");
        std::os::unix::fs::symlink("a.wasm", dir.path().join("b.wasm")).expect("linked");
        fs::write(dir.path().join("c.wasm"), "x").expect("written");
        let found = scan(dir.path()).expect("listed");
        assert!(found[&dir.path().join("a.wasm")].1.is_err());
        assert!(found[&dir.path().join("c.wasm")].1.is_ok());
    }
}
