//! What a folder is as a project: its language, and the name of its plugin.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Language;
use crate::plugins::case_files::{cases_of, is_case};

/// Where a project keeps its manifest and its cases, and where its component is put.
const PLUGIN: &str = "plugin";

/// A folder with the sources of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder.
    pub dir: PathBuf,
    /// What it is written in.
    pub language: Language,
    /// The name of its plugin: that of its manifest, of its package or of its folder.
    pub name: String,
}

/// Why a path is no folder.
#[derive(Debug, thiserror::Error)]
pub enum NoFolder {
    /// There is nothing.
    #[error("there is no folder {0}: `fetchlock build` takes the folder of a project")]
    Absent(PathBuf),
    /// There is a file.
    #[error("{0} is a file: `fetchlock build` takes the folder of the project")]
    File(PathBuf),
}

/// Why a folder is no project.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// It is not there.
    #[error(transparent)]
    Missing(#[from] NoFolder),
    /// Nothing of what a project has.
    #[error("{dir} is no project of a known language: expected {}; `fetchlock new` makes one", signs())]
    UnknownLanguage {
        /// The folder.
        dir: PathBuf,
    },
    /// A plugin has one manifest.
    #[error("{dir} has several manifests ({}): expected one, for the plugin has its name", .found.join(", "))]
    SeveralManifests {
        /// The folder of the manifests.
        dir: PathBuf,
        /// Their names.
        found: Vec<String>,
    },
    /// It cannot be listed.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is looked for, in words.
fn signs() -> String {
    Language::ALL.map(|language| format!("{} ({language})", language.signs())).join(", ")
}

impl Project {
    /// Looks what a folder is.
    ///
    /// # Errors
    /// It is not there, is of no known language, or has several manifests.
    pub fn find(dir: &Path) -> Result<Self, DetectError> {
        if !dir.is_dir() {
            let no_folder = if dir.exists() { NoFolder::File } else { NoFolder::Absent };
            return Err(no_folder(dir.to_owned()).into());
        }
        let Some(language) = language_of(dir) else {
            return Err(DetectError::UnknownLanguage { dir: dir.to_owned() });
        };
        let name = match name_of_manifest(&dir.join(PLUGIN))? {
            Some(name) => name,
            None => name_of_package(dir, language).or_else(|| name_of_folder(dir)).unwrap_or_else(|| "handler".into()),
        };
        Ok(Self { dir: dir.to_owned(), language, name })
    }

    /// The folder of what is dropped into a plugin directory.
    pub fn plugin_dir(&self) -> PathBuf {
        self.dir.join(PLUGIN)
    }

    /// The component that a build makes.
    pub fn component(&self) -> PathBuf {
        self.plugin_dir().join(format!("{}.wasm", self.name))
    }

    /// The manifest, which need not be there.
    pub fn manifest(&self) -> PathBuf {
        self.plugin_dir().join(format!("{}.toml", self.name))
    }

    /// The test cases of the plugin, once it is built.
    pub(super) fn cases(&self) -> Result<Vec<PathBuf>, DetectError> {
        let dir = self.plugin_dir();
        cases_of(&self.component()).map_err(|source| DetectError::Io { path: dir, source })
    }
}

/// The language of a folder, by its files.
pub(super) fn language_of(dir: &Path) -> Option<Language> {
    let is_there = |file: &str| dir.join(file).is_file();
    Language::ALL.into_iter().find(|language| language.signs().are_there(is_there))
}

fn name_of_manifest(dir: &Path) -> Result<Option<String>, DetectError> {
    let mut found: Vec<String> = toml_files(dir)?.into_iter().filter(|file| !is_case(file)).collect();
    match found.len() {
        0 | 1 => Ok(found.pop().and_then(|file| file.strip_suffix(".toml").map(str::to_owned))),
        _ => Err(DetectError::SeveralManifests { dir: dir.to_owned(), found }),
    }
}

/// The visible TOML files of a folder by their names; none if it is not there.
fn toml_files(dir: &Path) -> Result<Vec<String>, DetectError> {
    let failed = |source| DetectError::Io { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        // A name that is no UTF-8 is no plugin's.
        files.extend(name.to_str().filter(|name| name.ends_with(".toml") && !name.starts_with('.')).map(str::to_owned));
    }
    files.sort();
    Ok(files)
}

/// The name by which the language's own tools know it.
fn name_of_package(dir: &Path, language: Language) -> Option<String> {
    let read = |file: &str| fs::read_to_string(dir.join(file)).ok();
    let name = match language {
        Language::Rust => {
            let manifest: toml_edit::DocumentMut = read("Cargo.toml")?.parse().ok()?;
            manifest.get("package")?.get("name")?.as_str()?.to_owned()
        }
        Language::Go => {
            let file = read("go.mod")?;
            let module = file.lines().find_map(|line| line.trim().strip_prefix("module "))?.trim().to_owned();
            module.rsplit('/').next()?.to_owned()
        }
        Language::JavaScript | Language::TypeScript => {
            let package: serde_json::Value = serde_json::from_str(&read("package.json")?).ok()?;
            // Behind the scope, if there is one.
            package.get("name")?.as_str()?.rsplit('/').next()?.to_owned()
        }
        Language::Python => return None,
    };
    (!name.is_empty()).then_some(name)
}

fn name_of_folder(dir: &Path) -> Option<String> {
    Some(dir.canonicalize().ok()?.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder<const N: usize>(files: [(&str, &str); N]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        dir
    }

    fn found<const N: usize>(files: [(&str, &str); N]) -> (Language, String) {
        let project = Project::find(folder(files).path()).expect("a project");
        (project.language, project.name)
    }

    #[test]
    fn a_language_is_known_by_its_files() {
        assert_eq!(found([("Cargo.toml", "[package]\nname = \"a\"")]), (Language::Rust, "a".into()));
        assert_eq!(found([("go.mod", "module example.com/b\n")]), (Language::Go, "b".into()));
        let package = ("package.json", r#"{"name": "@x/c"}"#);
        assert_eq!(found([package]), (Language::JavaScript, "c".into()));
        assert_eq!(found([package, ("tsconfig.json", "{}")]), (Language::TypeScript, "c".into()));
        for file in ["handler.py", "pyproject.toml", "requirements.txt"] {
            assert_eq!(found([(file, ""), ("plugin/d.toml", "")]), (Language::Python, "d".into()));
        }
    }

    #[test]
    fn the_manifest_names_the_plugin_and_cases_are_no_manifests() {
        let dir = folder([
            ("go.mod", "module example.com/b"),
            ("plugin/a.toml", ""),
            ("plugin/a.wasm", ""),
            ("plugin/a.case.toml", ""),
            ("plugin/a.x.case.toml", ""),
            ("plugin/ab.case.toml", ""),
            ("plugin/.a.toml.tmp", ""),
        ]);
        let project = Project::find(dir.path()).expect("a project");
        assert_eq!(project.name, "a");
        let cases = project.cases().expect("listed").into_iter().map(|it| it.file_name().map(ToOwned::to_owned));
        assert_eq!(cases.collect::<Option<Vec<_>>>().expect("names"), ["a.case.toml", "a.x.case.toml"]);
    }

    #[test]
    fn a_folder_of_no_known_language_is_told_what_is_looked_for() {
        let error = |dir: &Path| {
            Project::find(dir).expect_err("refused").to_string().replace(&dir.display().to_string(), "DIR")
        };
        insta::assert_snapshot!(error(folder([("main.c", "")]).path()), @"DIR is no project of a known language: expected Cargo.toml (Rust), go.mod (Go), package.json with tsconfig.json (TypeScript), package.json (JavaScript), handler.py or pyproject.toml or requirements.txt (Python); `fetchlock new` makes one");
        let two = [("go.mod", ""), ("plugin/a.toml", ""), ("plugin/b.toml", "")];
        insta::assert_snapshot!(error(folder(two).path()), @"DIR/plugin has several manifests (a.toml, b.toml): expected one, for the plugin has its name");
        insta::assert_snapshot!(error(Path::new("/no/such/folder")), @"there is no folder DIR: `fetchlock build` takes the folder of a project");
        let file = folder([("handler.go", "")]);
        insta::assert_snapshot!(error(&file.path().join("handler.go")), @"DIR is a file: `fetchlock build` takes the folder of the project");
    }
}
