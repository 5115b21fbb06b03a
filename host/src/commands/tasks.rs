//! `fetchlock tasks`: what an operator sees and does about the external tasks of an engine, as after a repaired plugin,
//! when its incidents must be woken.

mod arguments;
mod change;
mod filters;
mod list;
mod output;
mod priority;
mod retry;
mod show;
mod table;
mod unlock;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueHint};

use self::output::Output;
use super::exit::{EXIT_FOUND, refuse};
use crate::{
    engine::{EngineError, rest::RestEngine},
    service,
    settings::{self, Flags, NamedEngine},
    task::{EngineName, TaskId},
    telemetry,
};

/// List the external tasks of an engine, and give them retries, another priority, or back to the workers.
///
/// The engine's address and login are read as `fetchlock run` reads them. Nothing is asked back: a change is made at
/// once, `retry --dry-run` tells what it would be. The exit code is 0 if all was done, 1 if something was not done or
/// not found, 2 if the command line is wrong, and 78 if the settings are.
#[derive(Debug, Args)]
pub(super) struct Tasks {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    given: Given,
}

/// The settings that may be given here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
struct Given {
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Ask the engine with this REST address, such as http://localhost:8080/engine-rest
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    engine_url: Option<String>,
    /// Ask the engine of this name, a table `[engines.NAME]` [default: that of `[engine]`]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "engine_url")]
    engine: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Count(list::Count),
    Show(show::Show),
    Retry(retry::Retry),
    Unlock(unlock::Unlock),
    Priority(priority::Priority),
}

/// Whether a command did all that it was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All of it.
    All,
    /// Not all; what was not done has been told.
    NotAll,
}

/// Why a command ended before its end.
#[derive(Debug, thiserror::Error)]
enum TasksError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{task}: {error}")]
    Task { task: TaskId, error: EngineError, untried: Vec<TaskId> },
}

impl Tasks {
    pub(super) fn main(self) -> ExitCode {
        self.command.check();
        let Given { config, engine_url, engine: name } = self.given;
        let loaded = match settings::load(&Flags { config, engine_url, ..Flags::default() }) {
            Ok(loaded) => loaded,
            Err(problems) => return refuse(&problems),
        };
        let settings = &loaded.settings;
        let name = name.map(EngineName::new);
        let named = match settings.engine_named(name.as_ref()) {
            Ok(named) => named,
            Err(unknown) => return refuse(&unknown),
        };
        let engine = match service::client(&named) {
            Ok(engine) => engine,
            Err(error) => return refuse(&error.with_places(&loaded)),
        };
        let log = telemetry::init(settings.log.format, &settings.log.level).map_err(io::Error::other);
        let runtime = log.and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        match runtime.block_on(self.command.run(&engine, &Output::new())) {
            Ok(Done::All) => ExitCode::SUCCESS,
            Ok(Done::NotAll) => ExitCode::from(EXIT_FOUND),
            // Who reads only the beginning has seen enough.
            Err(TasksError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                output::problem(&advised(&error, &named));
                if let TasksError::Task { untried, .. } = &error {
                    untried.iter().for_each(|task| output::problem(&format!("{task}: not tried")));
                }
                ExitCode::from(EXIT_FOUND)
            }
        }
    }
}

/// An error with what it does not tell itself and a person wants to know.
fn advised(error: &TasksError, engine: &NamedEngine<'_>) -> String {
    let (TasksError::Engine(of_engine) | TasksError::Task { error: of_engine, .. }) = error else {
        return error.to_string();
    };
    let NamedEngine { table, settings } = engine;
    let at = settings.url.as_ref().map(|url| format!(" ({table}.url is {url})")).unwrap_or_default();
    match of_engine {
        EngineError::Unreachable { .. } => format!("{error}{at}"),
        EngineError::TimedOut { .. } => {
            format!("{error}{at}; raise {table}.request-timeout if it is only slow, and look at what was done")
        }
        _ => error.to_string(),
    }
}

impl Command {
    /// Refuses, as the command line's parser does, what that cannot see by itself.
    fn check(&self) {
        if let Self::Retry(retry) = self {
            retry.check();
        }
    }

    async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        match self {
            Self::List(list) => list.run(engine, output).await,
            Self::Count(count) => count.run(engine, output).await,
            Self::Show(show) => show.run(engine, output).await,
            Self::Retry(retry) => retry.run(engine, output).await,
            Self::Unlock(unlock) => unlock.run(engine, output).await,
            Self::Priority(priority) => priority.run(engine, output).await,
        }
    }
}
