//! `fetchlock dev`: a host and an engine of its own in one process, for newcomers and for authors of handlers.

mod advice;
mod display;
mod terminal;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueHint};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    compilations::show_compilations,
    engine::{DEFAULT_PORT, base_url, listen},
    exit::{EXIT_FORCED, refuse},
};
use crate::{
    engine::embedded::{EmbeddedEngine, EmbeddedOptions, ServeError, StorageError},
    service::{self, Ended, ServiceError},
    settings::{self, Flags, Loaded, LogLevel},
    telemetry,
};

/// What is logged unless the settings say otherwise: what goes wrong, new versions of plugins, and what handlers log.
const QUIET: &str = "warn,fetchlock::plugins::keeper=info,fetchlock::guest=info,fetchlock::cases::record=info";

/// Run the plugins of a directory on an engine of their own, with a live summary.
///
/// The engine is the embedded one of `fetchlock engine`: the external-task REST interface on loopback, without BPMN. A
/// start of process TOPIC makes one task of topic TOPIC. Settings are read as `fetchlock run` reads them, but for the
/// engine's address and logins. Files may be dropped, replaced and removed at any time.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where the plugins are [default: plugins]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<String>,
    /// The port of the engine, on 127.0.0.1; 0 for any that is free
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Keep the state of engine and host in this directory; without it tasks are gone when the process ends
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: Option<PathBuf>,
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// What to log, such as `info`, also by module [default: what goes wrong, new plugins, and what handlers log]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
enum DevError {
    #[error("the plugin directory {0} is not there: create it, or name another, `fetchlock dev DIR`")]
    NoPlugins(PathBuf),
    #[error("{0} is no directory: `fetchlock dev DIR` takes the directory of plugins")]
    NoDirectory(PathBuf),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the engine's own address: {0}")]
    Address(#[from] url::ParseError),
}

impl Dev {
    pub(super) fn main(self) -> ExitCode {
        let flags = Flags {
            config: self.config.clone(),
            plugins: self.dir.clone(),
            log_level: self.log_level.clone(),
            ..Flags::default()
        };
        let loaded = match settings::load(&flags) {
            Ok(loaded) => loaded,
            Err(problems) => return refuse(&problems),
        };
        let log = &loaded.settings.log;
        let level = match loaded.gives(&["log", "level"]) {
            true => Ok(log.level.clone()),
            false => QUIET.parse::<LogLevel>(),
        };
        let begun = level.map_err(io::Error::other).and_then(|level| {
            telemetry::init(log.format, &level).map_err(io::Error::other)?;
            tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock").enable_all().build()
        });
        let runtime = match begun {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        let code = match runtime.block_on(self.run(loaded)) {
            Ok(Ended::Stopped) => ExitCode::SUCCESS,
            Ok(Ended::Forced) => ExitCode::from(EXIT_FORCED),
            Err(error) => refuse(&error),
        };
        runtime.shutdown_background();
        code
    }

    async fn run(self, Loaded { settings, .. }: Loaded) -> Result<Ended, DevError> {
        let plugins = &settings.plugins.dir;
        match fs::metadata(plugins) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(DevError::NoDirectory(plugins.clone())),
            Err(_) => return Err(DevError::NoPlugins(plugins.clone())),
        }
        let stop = CancellationToken::new();
        let listener = listen(self.port).await?;
        let url = base_url(&listener)?;
        let state = StateDir::of(self.data.as_deref())?;
        let options = EmbeddedOptions { data: self.data.clone(), ..EmbeddedOptions::default() };
        let settings = settings.for_embedded_engine(&url.parse()?, state.path().to_owned());
        let mut engine = EmbeddedEngine::start(&options, listener, stop.clone())?;

        let mut display: Option<JoinHandle<()>> = None;
        let host = service::run(&settings, show_compilations(), |view| {
            advice::greet(&url, &settings.plugins.dir, self.data.as_deref());
            display = Some(tokio::spawn(display::show(view, url.clone(), stop.clone())));
        });
        let ended = tokio::select! {
            ended = host => Ok(ended),
            // Without its engine the host has nothing to do; what it has decided is in its journal.
            failed = &mut engine => Err(failed),
        };
        stop.cancel();
        if let Some(display) = display {
            display.await.map_err(io::Error::other)?;
        }
        match ended {
            Ok(ended) => {
                engine.await.map_err(io::Error::other)??;
                Ok(ended?)
            }
            Err(failed) => {
                failed.map_err(io::Error::other)??;
                Ok(Ended::Stopped)
            }
        }
    }
}

/// Where the journal is: it fits one engine, so it lives as long as the engine's tasks do.
enum StateDir {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl StateDir {
    fn of(data: Option<&Path>) -> Result<Self, StorageError> {
        match data {
            Some(data) => Ok(Self::Kept(data.join("host"))),
            None => match tempfile::Builder::new().prefix("fetchlock-dev-").tempdir() {
                Ok(directory) => Ok(Self::Temporary(directory)),
                Err(source) => Err(StorageError::Directory { path: std::env::temp_dir(), source }),
            },
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}
