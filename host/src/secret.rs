//! Texts that are shown nowhere, and the places from which they can be had.
//!
//! A text that may change (a file, what a command prints) is had anew when it is due, by one at a time while the others
//! wait for the same result ([`renewed`]).

mod command;
mod file;
pub(crate) mod renewed;
mod text;

use std::{fmt, path::PathBuf, time::Duration};

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
pub(crate) enum SecretError {
    /// An environment variable that holds no text.
    #[error("{setting}: {error}")]
    Variable { setting: SettingKey, error: VariableError },
    /// A file that cannot be used.
    #[error("{setting}: the file {path} {why}")]
    File { setting: SettingKey, path: String, why: String },
    /// A command that printed no text to use.
    #[error("{setting}: the command {program} {why}")]
    Command { setting: SettingKey, program: String, why: String },
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
