//! A text from any of its sources.

use std::{env, time::Instant};

use super::{Secret, SecretError, SecretSource, VariableError, command::CommandText, file::FileText};
use crate::{header, setting_key::SettingKey};

/// A text that may be secret, had from its source when it is needed.
pub(crate) struct Text {
    setting: SettingKey,
    source: Source,
}

enum Source {
    Fixed(Secret),
    File(FileText),
    Command(CommandText),
}

impl Text {
    /// Takes a source, which is told in messages as `setting`.
    ///
    /// # Errors
    /// An environment variable is read here, once.
    pub(crate) fn new(setting: SettingKey, source: &SecretSource) -> Result<Self, VariableError> {
        let source = match source {
            SecretSource::Text(text) => Source::Fixed(text.clone()),
            SecretSource::Env(name) => Source::Fixed(variable(name)?),
            SecretSource::File(path) => Source::File(FileText::new(setting.clone(), path.clone())),
            SecretSource::Command(command) => Source::Command(CommandText::new(setting.clone(), command.clone())),
        };
        Ok(Self { setting, source })
    }

    /// The text as it is now.
    ///
    /// # Errors
    /// It cannot be had, by a file or a command; each has its own limit of time.
    pub(crate) async fn get(&self) -> Result<Secret, SecretError> {
        match &self.source {
            Source::Fixed(text) => Ok(text.clone()),
            Source::File(file) => file.get().await,
            Source::Command(command) => command.get().await,
        }
    }

    /// The text that was had at `had` was not accepted: the next call looks for another one.
    pub(crate) async fn refused(&self, had: Instant) {
        match &self.source {
            Source::Fixed(_) => {}
            Source::File(file) => file.refused(had).await,
            Source::Command(command) => command.refused(had).await,
        }
    }

    /// The setting that names the source.
    pub(crate) fn setting(&self) -> &SettingKey {
        &self.setting
    }

    /// Where the text comes from, in the words of messages.
    pub(crate) fn place(&self) -> String {
        match &self.source {
            Source::Fixed(_) => "the settings or the environment".to_owned(),
            Source::File(file) => file.place(),
            Source::Command(command) => command.place(),
        }
    }

    /// Whether a header cannot carry it; known here of a fixed text only.
    pub(crate) fn is_unfit(&self) -> bool {
        match &self.source {
            Source::Fixed(text) => !header::carries(text.reveal()),
            Source::File(_) | Source::Command(_) => false,
        }
    }
}

/// The value of an environment variable, at the start.
pub(crate) fn variable(name: &str) -> Result<Secret, VariableError> {
    let error = |why| VariableError { name: name.to_owned(), why };
    match env::var(name) {
        Ok(text) if text.is_empty() => Err(error("is empty")),
        Ok(text) => Ok(Secret::new(text)),
        Err(env::VarError::NotPresent) => Err(error("is not set")),
        Err(env::VarError::NotUnicode(_)) => Err(error("is no UTF-8")),
    }
}
