//! A text from any of its sources.

use std::{env, time::Instant};

use super::{CredentialError, command::CommandText, file::FileText};
use crate::{
    engine::rest::{RestEngineError, Unusable},
    header,
    secret::{Secret, SecretSource},
    setting_key::SettingKey,
};

/// A text that may be secret, had from its source when it is needed.
pub(in crate::engine::rest) struct Text {
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
    /// [`Unusable::Variable`]: an environment variable is read here, once.
    pub(in crate::engine::rest) fn new(setting: SettingKey, source: &SecretSource) -> Result<Self, RestEngineError> {
        let source = match source {
            SecretSource::Text(text) => Source::Fixed(text.clone()),
            SecretSource::Env(name) => Source::Fixed(variable(setting.clone(), name)?),
            SecretSource::File(path) => Source::File(FileText::new(setting.clone(), path.clone())),
            SecretSource::Command(command) => Source::Command(CommandText::new(setting.clone(), command.clone())),
        };
        Ok(Self { setting, source })
    }

    /// The text as it is now.
    ///
    /// # Errors
    /// It cannot be had, by a file or a command; each has its own limit of time.
    pub(super) async fn get(&self) -> Result<Secret, CredentialError> {
        match &self.source {
            Source::Fixed(text) => Ok(text.clone()),
            Source::File(file) => file.get().await,
            Source::Command(command) => command.get().await,
        }
    }

    /// The text that was had at `had` was not accepted: the next call looks for another one.
    pub(super) async fn refused(&self, had: Instant) {
        match &self.source {
            Source::Fixed(_) => {}
            Source::File(file) => file.refused(had).await,
            Source::Command(command) => command.refused(had).await,
        }
    }

    /// The error for a text that no header can carry.
    pub(super) fn unfit(&self) -> CredentialError {
        let place = match &self.source {
            Source::Fixed(_) => "the settings or the environment".to_owned(),
            Source::File(file) => file.place(),
            Source::Command(command) => command.place(),
        };
        let why = "cannot be sent in a header: expected one line without control characters";
        CredentialError::Text { setting: self.setting.clone(), place, why }
    }

    /// Whether a header cannot carry it; known here of a fixed text only.
    pub(in crate::engine::rest) fn is_unfit(&self) -> bool {
        match &self.source {
            Source::Fixed(text) => !header::carries(text.reveal()),
            Source::File(_) | Source::Command(_) => false,
        }
    }
}

/// The value of an environment variable, at the start.
pub(in crate::engine::rest) fn variable(setting: SettingKey, name: &str) -> Result<Secret, RestEngineError> {
    let error = |why| RestEngineError { key: setting, why: Unusable::Variable { name: name.to_owned(), why } };
    match env::var(name) {
        Ok(text) if text.is_empty() => Err(error("is empty")),
        Ok(text) => Ok(Secret::new(text)),
        Err(env::VarError::NotPresent) => Err(error("is not set")),
        Err(env::VarError::NotUnicode(_)) => Err(error("is no UTF-8")),
    }
}
