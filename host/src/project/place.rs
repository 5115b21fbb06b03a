//! Putting files where a host may be looking: each is there as a whole or not at all, and the component comes last.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use toml_edit::{ImDocument, TableLike};

use super::{DetectError, Project};
use crate::plugins::case_files::cases_of;

/// What everybody may do with a new file, as far as the umask allows it.
const FILE_MODE: u32 = 0o666;

/// A plugin that was copied into a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The component there.
    pub component: PathBuf,
    /// Test cases of the plugin that are in the directory and not in the project.
    pub left_over: Vec<PathBuf>,
}

/// Why a file cannot be put where it belongs.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The directory is not there.
    #[error("the directory {0} is not there, so nothing can be put into it: create it, or name another with --to")]
    NoDirectory(PathBuf),
    /// The project changed meanwhile.
    #[error(transparent)]
    Project(#[from] DetectError),
    /// The system.
    #[error("{path} cannot be {what}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl PlaceError {
    pub(super) fn io(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, what, source }
    }
}

/// Tells early that there is no directory to put something into.
///
/// # Errors
/// It is not there.
pub fn check_directory(dir: &Path) -> Result<(), PlaceError> {
    if dir.is_dir() { Ok(()) } else { Err(PlaceError::NoDirectory(dir.to_owned())) }
}

/// Copies a built plugin into a directory: its manifest, its cases with the files that they name, then its component.
///
/// # Errors
/// The directory is not there, or a file cannot be read or written.
pub fn place(project: &Project, dir: &Path) -> Result<Placed, PlaceError> {
    check_directory(dir)?;
    let mut copied = BTreeSet::new();
    let mut copy = |relative: &Path| {
        copied.insert(relative.to_owned());
        copy_file(&project.plugin_dir().join(relative), &dir.join(relative))
    };
    let manifest = project.manifest();
    if manifest.is_file() {
        copy(&name_of(&manifest))?;
    }
    let cases = project.cases()?;
    for case in &cases {
        for file in files_of(case)? {
            copy(&file)?;
        }
    }
    for case in &cases {
        copy(&name_of(case))?;
    }
    let component = name_of(&project.component());
    copy(&component)?;
    let component = dir.join(component);
    let mut left_over = cases_of(&component).map_err(PlaceError::io(dir, "listed"))?;
    left_over.retain(|case| !copied.contains(&name_of(case)));
    Ok(Placed { component, left_over })
}

fn name_of(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

fn copy_file(from: &Path, to: &Path) -> Result<(), PlaceError> {
    let bytes = fs::read(from).map_err(PlaceError::io(from, "read"))?;
    put(to, &bytes).map(|_| ())
}

/// Writes a file beside its place, under a name that the host passes over, and renames it. Whether that was needed: a
/// file with the same content is left alone.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<bool, PlaceError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let failed = || PlaceError::io(path, "written");
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed())?;
    let mut partial = tempfile::Builder::new();
    let partial = partial.prefix(".").suffix(".tmp").permissions(Permissions::from_mode(FILE_MODE));
    let mut partial = partial.tempfile_in(dir).map_err(|error| failed()(error.kind().into()))?;
    partial.write_all(bytes).map_err(failed())?;
    partial.persist(path).map_err(|error| failed()(error.error))?;
    Ok(true)
}

/// The files that a case takes values from, relative to it. Those outside of its folder are not the plugin's to bring.
fn files_of(case: &Path) -> Result<BTreeSet<PathBuf>, PlaceError> {
    let text = fs::read_to_string(case).map_err(PlaceError::io(case, "read"))?;
    let mut files = BTreeSet::new();
    // A case that is no TOML is told by those who run it.
    if let Ok(document) = ImDocument::parse(text) {
        collect(document.as_table(), &mut files);
    }
    let folder = case.parent().unwrap_or(Path::new("."));
    files.retain(|file| {
        file.components().all(|part| matches!(part, Component::Normal(_))) && folder.join(file).is_file()
    });
    Ok(files)
}

/// The values of the key `file` in all tables.
fn collect(table: &dyn TableLike, files: &mut BTreeSet<PathBuf>) {
    for (key, item) in table.iter() {
        if let Some(file) = item.as_str().filter(|_| key == "file") {
            files.insert(file.into());
        }
        if let Some(inner) = item.as_table_like() {
            collect(inner, files);
        }
        for table in item.as_array_of_tables().into_iter().flatten() {
            collect(table, files);
        }
        for table in item.as_array().into_iter().flatten().filter_map(toml_edit::Value::as_inline_table) {
            collect(table, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Language;

    /// A project that is built, with a case that names a file.
    fn project(dir: &Path) -> Project {
        let files = [
            ("a.toml", ""),
            ("a.wasm", "component"),
            (
                "a.x.case.toml",
                "[variables]\ndoc = { type = \"File\", file = \"data/doc.xml\" }\n[[calls]]\nbody.file = \"../secret\"",
            ),
            ("data/doc.xml", "<a/>"),
            ("notes.txt", ""),
        ];
        for (name, text) in files {
            put(&dir.join("plugin").join(name), text.as_bytes()).expect("written");
        }
        Project { dir: dir.to_owned(), language: Language::Rust, name: "a".into() }
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("listed").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_plugin_is_copied_with_its_manifest_its_cases_and_their_files() {
        let (dir, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        fs::write(to.path().join("a.old.case.toml"), "").expect("written");
        let placed = place(&project(dir.path()), to.path()).expect("placed");
        assert_eq!(names(to.path()), ["a.old.case.toml", "a.toml", "a.wasm", "a.x.case.toml", "data"]);
        assert_eq!(
            placed,
            Placed { component: to.path().join("a.wasm"), left_over: vec![to.path().join("a.old.case.toml")] }
        );
        assert_eq!(fs::read_to_string(to.path().join("data/doc.xml")).expect("read"), "<a/>");
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        assert!(put(&path, b"1").expect("written"));
        assert!(!put(&path, b"1").expect("left alone"));
        assert!(put(&path, b"2").expect("written"));
        assert_eq!((fs::read(&path).expect("read"), names(dir.path())), (b"2".to_vec(), vec!["a".to_owned()]));
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_made() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = place(&project(dir.path()), Path::new("/no/such")).expect_err("refused");
        insta::assert_snapshot!(error, @"the directory /no/such is not there, so nothing can be put into it: create it, or name another with --to");
    }
}
