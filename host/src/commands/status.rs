//! `fetchlock status`: what a running host serves, what it refuses and why, and how its tasks have ended.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueHint};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{
    exit::{EXIT_FOUND, EXIT_NOT_RUNNING, refuse},
    summary::{Room, render},
};
use crate::{
    foreign::escape,
    settings::{self, Flags},
    status::{self, AskError, EngineStatus, HostStatus},
};

/// Show what a running host serves, what it refuses and why, and how its tasks have ended.
///
/// The host is the one on this machine with the same state directory, and is asked as its user. The exit code is 0 if it
/// runs and refuses nothing of its plugin directory, 1 if it refuses something, 3 if it does not run or does not answer,
/// and 78 if the settings are wrong.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Ask the host with this state directory [default: .fetchlock]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    state_dir: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn main(self) -> ExitCode {
        let Self { config, state_dir, json } = self;
        let settings = match settings::load(&Flags { config, state_dir, ..Flags::default() }) {
            Ok(loaded) => loaded.settings,
            Err(problems) => return refuse(&problems),
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        let (told, status) = match runtime.block_on(ask(settings.state_dir)) {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("fetchlock: {error}");
                return ExitCode::from(EXIT_NOT_RUNNING);
            }
        };
        let text = if json { format!("{told:#}\n") } else { shown(&status) };
        match io::stdout().lock().write_all(text.as_bytes()) {
            // A reader such as `head` has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => refuse(&error),
            _ if status.refused.is_empty() => ExitCode::SUCCESS,
            _ => ExitCode::from(EXIT_FOUND),
        }
    }
}

/// What a host says, and what of it this version understands.
async fn ask(dir: PathBuf) -> Result<(Value, status::Status), AskError> {
    let told = status::ask(&dir).await?;
    match status::Status::deserialize(&told) {
        Ok(status) => Ok((told, status)),
        Err(source) => Err(AskError::Answer { dir, source }),
    }
}

fn shown(status: &status::Status) -> String {
    let HostStatus { version, process, started, engines, plugins_dir } = &status.host;
    let started = started.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
    let mut text = format!("fetchlock {}, process {process}, since {started}\n", escape(version));
    for EngineStatus { name, url } in engines {
        text.push_str(&format!("  engine   {} ({})\n", escape(url), escape(name.as_str())));
    }
    text.push_str(&format!("  plugins  {}\n\n", escape(plugins_dir)));
    text.push_str(&render(&status.plugins, &status.refused, Room::ENDLESS));
    text.push('\n');
    text
}
