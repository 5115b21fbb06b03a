//! `[log]`: what is logged and how.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tracing_subscriber::EnvFilter;

/// What is logged and how. The log goes to standard error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogSettings {
    /// The least important events that are shown. By module the most exact one counts: with `info,fetchlock::guest=off`
    /// everything at `info` and above, but nothing of what handlers say.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of the log's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// `human` on a terminal, `json` elsewhere.
    #[default]
    Auto,
    /// A readable line for each event.
    Human,
    /// A JSON object on a line for each event.
    Json,
}

/// Which events are logged: a level, or levels by module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-written" = WANTED))]
pub struct LogLevel(String);

/// What is expected as a level.
const WANTED: &str =
    "error, warn, info, debug, trace or off, or levels by module like \"warn,fetchlock::worker=debug\"";

/// The levels by name. The filter takes numbers and nothing at all for levels too, but nobody knows which.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// A text that tells no levels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log level: expected {WANTED}")]
pub struct LogLevelError(String);

impl LogLevel {
    /// The levels as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The levels as the subscriber takes them.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::builder().parse_lossy(&self.0)
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".into())
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The filter would take a misspelt level for the name of a module, and show nothing but that module.
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        let told = |part: &str| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level).trim());
        if text.split(',').all(told) && EnvFilter::builder().parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(LogLevelError(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_alone_and_by_module_are_taken() {
        for text in ["info", "WARN", "off", "warn,fetchlock=debug", "info,fetchlock::worker=trace,hyper=off"] {
            assert!(text.parse::<LogLevel>().is_ok(), "{text} was refused");
        }
    }

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_module() {
        for text in ["inf", "", "3", "fetchlock", "fetchlock=loud", "info,", "a=b=c"] {
            assert!(text.parse::<LogLevel>().is_err(), "{text} was taken");
        }
    }
}
