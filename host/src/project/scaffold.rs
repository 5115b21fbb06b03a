//! A new project: the template of its language with the names filled in, the guest library and the WIT.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{Language, ProjectName, embedded};
use crate::task::Topic;

/// The folder of the guest library in a project.
const LIBRARY: &str = "fetchlock";

/// Behind the names of files that tools would act on in this repository.
const TEMPLATE: &str = ".template";

/// How the name of a project's folder begins until all is in it.
const UNFINISHED: &str = ".fetchlock-new-";

/// What everybody may do with a new folder, as far as the umask allows it.
const FOLDER_MODE: u32 = 0o777;

/// What a new project is to be.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// Its name, and that of its folder.
    pub name: ProjectName,
    /// What it is written in.
    pub language: Language,
    /// The topic that its plugin serves.
    pub topic: Topic,
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// There is something of that name.
    #[error(
        "{path} is there already, and nothing is ever overwritten: take another name, or move it away; an empty folder would do"
    )]
    Exists {
        /// The project's folder.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("{path} cannot be made: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes a project in a folder of its name. It is there as a whole or not at all.
///
/// # Errors
/// There is a folder of that name that is not empty, or it cannot be written.
pub fn scaffold(new: &NewProject, parent: &Path) -> Result<PathBuf, ScaffoldError> {
    let goal = parent.join(new.name.as_str());
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ScaffoldError::Io { path, source }
    };
    // Told before anything is written; the renaming below is what makes sure.
    let is_free = match fs::read_dir(&goal) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&goal).is_err(),
    };
    if !is_free {
        return Err(ScaffoldError::Exists { path: goal });
    }
    let mut unfinished = tempfile::Builder::new();
    let unfinished = unfinished.prefix(UNFINISHED).permissions(Permissions::from_mode(FOLDER_MODE));
    let unfinished = unfinished.tempdir_in(parent).map_err(|error| failed(&goal)(error.kind().into()))?;
    for (path, bytes) in files(new) {
        let file = unfinished.path().join(&path);
        let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, bytes));
        written.map_err(failed(&goal.join(&path)))?;
    }
    // Replaces nothing but an empty folder.
    match fs::rename(unfinished.path(), &goal) {
        Ok(()) => {
            // There is nothing left to be removed.
            let _renamed = unfinished.keep();
            Ok(goal)
        }
        Err(error) => match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                Err(ScaffoldError::Exists { path: goal })
            }
            _ => Err(failed(&goal)(error)),
        },
    }
}

/// The files of a new project.
fn files(new: &NewProject) -> Vec<(String, Vec<u8>)> {
    let template = embedded::template(new.language).map(|(path, bytes)| {
        let path = filled(path, new, Form::Raw);
        let form = if path.ends_with(".md") { Form::Raw } else { Form::InQuotes };
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => filled(text, new, form).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        (path, bytes)
    });
    let library = embedded::library(new.language).map(|(path, bytes)| (format!("{LIBRARY}/{path}"), bytes.to_vec()));
    let wit = embedded::wit().map(|(path, bytes)| (format!("{LIBRARY}/wit/{path}"), bytes.to_vec()));
    let stripped = |path: String| path.strip_suffix(TEMPLATE).map(str::to_owned).unwrap_or(path);
    template.chain(library).chain(wit).map(|(path, bytes)| (stripped(path), bytes)).collect()
}

/// How a topic is written where it stands.
#[derive(Clone, Copy)]
enum Form {
    /// As it is.
    Raw,
    /// Between the quotes of TOML, JSON and the languages.
    InQuotes,
}

/// A text with the names in the places that are kept for them.
fn filled(text: &str, new: &NewProject, form: Form) -> String {
    let topic = new.topic.as_str();
    let topic = match form {
        Form::Raw => topic.to_owned(),
        Form::InQuotes => topic.replace('\\', "\\\\").replace('"', "\\\""),
    };
    let named = text.replace("{{name}}", new.name.as_str()).replace("{{ident}}", &new.name.identifier());
    // Last, for it may contain anything.
    named.replace("{{topic}}", &topic)
}
