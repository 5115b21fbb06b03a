//! The settings that command line flags give.

use std::path::PathBuf;

use clap::{Arg, Args, Command, ValueEnum, ValueHint};
use figment::value::Value;

use super::{log::LogFormat, strict::Place};

/// Flags that override settings from the environment and the settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Work for the engine with this REST address, such as http://localhost:8080/engine-rest
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub engine_url: Option<String>,
    /// Load plugins from this directory [default: plugins]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub plugins: Option<String>,
    /// Keep the journal and compiled plugins in this directory [default: .fetchlock]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<String>,
    /// Run at most this many invocations at once [default: 64]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_concurrent: Option<i64>,
    /// Record every invocation as a case in this directory, not only what manifests ask for [default: recordings in state-dir]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub record: Option<String>,
    /// Log events of this level and above: error, warn, info, debug, trace or off, also by module [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log in this form [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Flags {
    /// The settings that were given, each with its flag and its key.
    pub(super) fn given(&self) -> impl Iterator<Item = (Place, Vec<String>, Value)> {
        self.all().into_iter().filter_map(|(flag, key, value)| {
            Some((Place::Flag(flag), key.split('.').map(str::to_owned).collect(), value?))
        })
    }

    /// The flag for a setting, such as `worker.max-concurrent`, if there is one.
    pub(crate) fn of_setting(key: &str) -> Option<Arg> {
        let (flag, ..) = Self::default().all().into_iter().find(|(_, other, _)| *other == key)?;
        let command = Self::augment_args(Command::new("fetchlock"));
        command.get_arguments().find(|argument| argument.get_long() == flag.strip_prefix("--")).cloned()
    }

    /// Each flag for a setting, the setting's key, and the value if it was given.
    fn all(&self) -> [(&'static str, &'static str, Option<Value>); 7] {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        // What its values are called here is what clap calls them.
        let format = self.log_format.and_then(|format| format.to_possible_value());
        [
            ("--engine-url", "engine.url", text(&self.engine_url)),
            ("--plugins", "plugins.dir", text(&self.plugins)),
            ("--state-dir", "state-dir", text(&self.state_dir)),
            ("--max-concurrent", "worker.max-concurrent", self.max_concurrent.map(Value::from)),
            ("--record", "record.dir", text(&self.record)),
            ("--log-level", "log.level", text(&self.log_level)),
            ("--log-format", "log.format", format.map(|format| Value::from(format.get_name()))),
        ]
    }
}
