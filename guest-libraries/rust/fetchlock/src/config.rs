//! The plugin's settings, from the `[config]` table of its manifest, and the secrets granted to it.

use std::fmt::Display;
use std::str::FromStr;

use crate::host;

/// Why a setting is not what a handler wants it to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// There is none of this name.
    #[error("setting `{0}`: expected one in `[config]` of the manifest, found none")]
    Missing(String),
    /// Its text is not of the type that is wanted. The text is not told: it may be a secret.
    #[error("setting `{key}`: {problem}")]
    Invalid {
        /// The setting.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// One setting or secret.
pub fn get(key: &str) -> Option<String> {
    host::config_get(key)
}

/// One setting, as what it stands for: `config::parse::<f64>("limit")?.unwrap_or(DEFAULT_LIMIT)`.
///
/// # Errors
/// Its text is not of this type.
pub fn parse<T: FromStr<Err: Display>>(key: &str) -> Result<Option<T>, SettingError> {
    let invalid = |error: T::Err| SettingError::Invalid { key: key.to_owned(), problem: error.to_string() };
    get(key).map(|text| text.parse().map_err(invalid)).transpose()
}

/// One setting that must be there.
///
/// # Errors
/// It is not there, or its text is not of this type.
pub fn require<T: FromStr<Err: Display>>(key: &str) -> Result<T, SettingError> {
    parse(key)?.ok_or_else(|| SettingError::Missing(key.to_owned()))
}

/// The names of all settings, sorted.
pub fn keys() -> Vec<String> {
    host::config_keys()
}
