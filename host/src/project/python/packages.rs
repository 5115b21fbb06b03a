//! The packages of Python that a component is made with: componentize-py, and those that the handler may import. No
//! interpreter is started to find them, for a build of which nothing has changed is done at once.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, Metadata},
    path::{Path, PathBuf},
};

use super::ENVIRONMENT;
use crate::project::{inputs::digest, unchanged::Recipe};

/// What makes the component.
const TOOL: &str = "componentize-py";

/// What componentize-py asks for packages if there is no environment.
const INTERPRETER: &str = "python3";

/// Where an installation of a user has its files, in the home directory.
const OF_USER: &str = ".local";

/// How folders of packages are called; the second are those of Debian.
const FOLDERS: [&str; 2] = ["site-packages", "dist-packages"];

/// How the names of what an installer writes about a package end, behind the package's name and version.
const ABOUT: [&str; 2] = [".dist-info", ".egg-info"];

/// The list of a package's files with their digests, which an installer writes.
const RECORD: &str = "RECORD";

/// Where packages and programs may be, beside the project.
pub(super) struct Surroundings {
    /// The environment that is active.
    active: Option<PathBuf>,
    /// The folders of programs.
    path: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub(super) fn present() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            active: set("VIRTUAL_ENV").map(PathBuf::from),
            path: set("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default(),
            home: set("HOME").map(PathBuf::from),
        }
    }

    /// What is installed for a project, as ingredients.
    pub(super) fn add_to(&self, dir: &Path, recipe: Recipe) -> Recipe {
        let installed = self.folders(dir).into_iter().flat_map(|folder| list(&folder));
        installed.fold(recipe, |recipe, path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !ABOUT.iter().any(|ending| name.ends_with(ending)) {
                return recipe;
            }
            let record = path.join(RECORD);
            let metadata = fs::metadata(&record).ok().filter(Metadata::is_file);
            // Of a package without a list the version counts, which is in the name.
            let state = metadata.and_then(|metadata| digest(&record, &metadata)).unwrap_or_default();
            recipe.with(&name, state)
        })
    }

    /// The folders of packages, each once.
    fn folders(&self, dir: &Path) -> BTreeSet<PathBuf> {
        let versions = self.installations(dir).into_iter().flat_map(|it| list(&it.join("lib")));
        // `python3.13`, `pypy3.11`; a system has thousands of others beside them.
        let is_python = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("py"));
        let folders = versions.filter(is_python).flat_map(|version| FOLDERS.map(|name| version.join(name)));
        folders.filter_map(|folder| folder.canonicalize().ok()).collect()
    }

    /// The folders with `bin` and `lib` in them from which packages are taken. The script of the guest library and
    /// componentize-py look for them in this order.
    fn installations(&self, dir: &Path) -> Vec<PathBuf> {
        let own = Some(dir.join(ENVIRONMENT)).filter(|own| own.is_dir());
        let environments: Vec<PathBuf> = own.into_iter().chain(self.active.clone()).collect();
        let programs = environments.iter().map(|it| it.join("bin")).chain(self.path.iter().cloned());
        let mut found = around(TOOL, programs);
        match environments.into_iter().next() {
            Some(environment) => found.push(environment),
            None => {
                found.extend(around(INTERPRETER, self.path.iter().cloned()));
                found.extend(self.home.as_ref().map(|home| home.join(OF_USER)));
            }
        }
        found
    }
}

/// The installations that a program belongs to: that in which it is found, and that to which a link leads.
fn around(program: &str, folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
    let places = found.into_iter().flat_map(|path| [path.canonicalize().ok(), Some(path)]).flatten();
    places.filter_map(|path| Some(path.parent()?.parent()?.to_owned())).collect()
}

/// What is in a folder, in order; nothing if it cannot be listed, for then nothing in it can be imported either.
fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const PACKAGES: &str = "lib/python3.13/site-packages";

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn nowhere() -> Surroundings {
        Surroundings { active: None, path: Vec::new(), home: None }
    }

    #[test]
    fn a_package_that_is_installed_replaced_or_removed_makes_other_ingredients() {
        let dir = tempfile::tempdir().expect("a folder");
        let packages = dir.path().join(ENVIRONMENT).join(PACKAGES);
        let state = || nowhere().add_to(dir.path(), Recipe::new("python")).ingredients();
        let mut states = vec![state()];
        write(&packages.join("a-1.0.dist-info/RECORD"), "a/__init__.py,sha256=1,1");
        states.push(state());
        // The same version, built anew.
        write(&packages.join("a-1.0.dist-info/RECORD"), "a/__init__.py,sha256=2,1");
        states.push(state());
        fs::rename(packages.join("a-1.0.dist-info"), packages.join("a-1.1.dist-info")).expect("renamed");
        states.push(state());
        // Without a list of its files, as Debian has it.
        write(&packages.join("b-1.0.egg-info"), "Version: 1.0");
        states.push(state());
        for (at, state) in states.iter().enumerate() {
            assert!(!states[..at].contains(state), "{at}");
        }
        write(&packages.join("a/__pycache__/__init__.pyc"), "compiled");
        assert_eq!(states.last(), Some(&state()));
        fs::remove_dir_all(packages.join("a-1.1.dist-info")).expect("removed");
        fs::remove_file(packages.join("b-1.0.egg-info")).expect("removed");
        assert_eq!(states.first(), Some(&state()));
    }

    #[test]
    fn packages_are_looked_for_where_componentize_py_is_and_takes_them_from() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a path");
        for installation in ["project/.venv", "active", "system", "tools", "home/.local"] {
            fs::create_dir_all(root.join(installation).join(PACKAGES)).expect("made");
        }
        write(&root.join("system/bin/python3"), "");
        write(&root.join("tools/bin/componentize-py"), "");
        fs::create_dir(root.join("linked")).expect("made");
        symlink("../tools/bin/componentize-py", root.join("linked/componentize-py")).expect("linked");
        let found = |dir: &str, active: Option<&str>| {
            let path = ["linked", "system/bin"].map(|it| root.join(it)).to_vec();
            let around = Surroundings { active: active.map(|it| root.join(it)), path, home: Some(root.join("home")) };
            let folders = around.folders(&root.join(dir));
            let ending = format!("/{PACKAGES}");
            let names = folders.iter().filter_map(|it| it.strip_prefix(&root).ok()?.to_str()?.strip_suffix(&ending));
            names.collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(found("project", Some("active")), @"project/.venv tools");
        insta::assert_snapshot!(found("other", Some("active")), @"active tools");
        insta::assert_snapshot!(found("other", None), @"home/.local system tools");
        write(&root.join("active/bin/componentize-py"), "");
        insta::assert_snapshot!(found("project", Some("active")), @"active project/.venv");
    }
}
