//! Texts that are shown nowhere, and the places from which they can be had.
//!
//! A text that may change (a file, what a command prints) is had anew when it is due, by one at a time while the others
//! wait for the same result ([`renewed`]).

mod command;
mod file;
pub(crate) mod renewed;
mod text;

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::Serialize;

pub(crate) use self::text::{Text, variable};
use crate::setting_key::SettingKey;

/// What is shown instead of a secret.
pub(crate) const HIDDEN: &str = "(hidden)";

/// A text that is shown neither by `Debug` nor by `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Where a text that may be secret comes from. The place may be shown, the text never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The text itself.
    Text(Secret),
    /// A file, which is read again when it has changed. A line end at its end does not belong to the text.
    File(PathBuf),
    /// An environment variable, read once.
    Env(String),
    /// What a command prints.
    Command(SecretCommand),
}

/// The sources of secrets by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretSources(BTreeMap<String, SecretSource>);

impl SecretSources {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, SecretSource)> for SecretSources {
    fn from_iter<I: IntoIterator<Item = (String, SecretSource)>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

/// The secrets of one plugin, had from their sources when they are needed.
#[derive(Default)]
pub struct SecretStore(BTreeMap<String, Result<Text, SecretError>>);

impl SecretStore {
    /// The secrets from these sources; variables are read here, once. `table` is the table of the settings that names
    /// them.
    pub fn new(table: &SettingKey, sources: &SecretSources) -> Self {
        let text = |(name, source): (&String, &SecretSource)| {
            let setting = table.of(name);
            let text = Text::new(setting.clone(), source).map_err(|error| SecretError::Variable { setting, error });
            (name.clone(), text)
        };
        Self(sources.0.iter().map(text).collect())
    }

    /// The secret of this name as it is now; `None` if there is none of it.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn get(&self, name: &str) -> Option<Result<Secret, SecretError>> {
        match self.0.get(name)? {
            Ok(text) => Some(text.get().await),
            Err(error) => Some(Err(error.clone())),
        }
    }
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl From<Secret> for SecretSource {
    fn from(secret: Secret) -> Self {
        Self::Text(secret)
    }
}

/// A command that prints a secret; it is run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCommand {
    /// The program, by path or to be found in `PATH`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long what it printed is used before it is run again.
    pub cache: Duration,
}

/// Why a secret cannot be had. None of the texts holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// An environment variable that holds no text.
    #[error("{setting}: {error}")]
    Variable {
        /// The setting that names it.
        setting: SettingKey,
        /// What is wrong with it.
        error: VariableError,
    },
    /// A file that cannot be used.
    #[error("{setting}: the file {path} {why}")]
    File {
        /// The setting that names it.
        setting: SettingKey,
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A command that printed no text to use.
    #[error("{setting}: the command {program} {why}")]
    Command {
        /// The setting that names it.
        setting: SettingKey,
        /// Its program.
        program: String,
        /// What became of it.
        why: String,
    },
}

/// An environment variable that holds no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {why}; set it before the start, or name another one")]
pub struct VariableError {
    /// The variable.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

#[cfg(test)]
mod tests;
