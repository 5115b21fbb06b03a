//! Texts that are shown nowhere, and the places from which they can be had.

use std::{fmt, path::PathBuf, time::Duration};

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

/// Where a text that may be secret comes from, if it is read once, at the start. The place may be shown, the text never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretAtStart {
    /// The text itself.
    Text(Secret),
    /// A file. A line end at its end does not belong to the text.
    File(PathBuf),
    /// An environment variable.
    Env(String),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself_and_its_place_does() {
        let secret = Secret::new("hush");
        let shown =
            format!("{secret} {secret:?} {:?} {:?}", SecretSource::Text(secret.clone()), SecretSource::Env("E".into()));
        assert_eq!(shown, "(hidden) (hidden) Text((hidden)) Env(\"E\")");
    }
}
