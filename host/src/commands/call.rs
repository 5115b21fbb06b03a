//! `fetchlock call`: one invocation without an engine.

mod given;
mod told;

use std::{
    error::Error,
    io::{self, Write},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueHint};

use self::given::Given;
use super::{
    begin::{Workbench, no_component, with_settings},
    exit::EXIT_FOUND,
};
use crate::{
    cases::{NoHttp, Observed, OutcomeName, run_alone},
    plugins::{Plugin, case_files::is_case},
    sandbox::HttpPort,
    service,
    settings::Loaded,
};

/// Run a handler once with a task that is given here, and show what it decides, says and calls.
///
/// It runs in the sandbox of the running host with the limits of its manifest, without an engine: progress and longer
/// locks are accepted and go nowhere, processes and messages are answered as by an engine that is away. The exit code is
/// 0 if the task would end or go on well (complete, bpmn-error, unlock, hand-off), 1 if the handler failed or decided
/// nothing, and 78 if it could not be run.
#[derive(Debug, Args)]
pub(super) struct Call {
    /// The component, NAME.wasm, with its manifest NAME.toml if there is one
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// A variable of the task: a number, true, false or a text; or with its engine type, such as order:Json={"a":1}; @FILE
    /// stands for what is in a file, as in order:Json=@order.json or doc:File=@scan.pdf
    #[arg(long, value_name = "NAME[:TYPE]=VALUE")]
    var: Vec<String>,
    /// A part of the task, such as business-key=b1 or extension-properties.retry=R3/PT5M
    #[arg(long, value_name = "KEY=VALUE")]
    task: Vec<String>,
    /// A setting of the handler, over the [config] of its manifest, or a secret that the manifest requests; @FILE stands
    /// for what is in a file, without the end of its last line
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Send HTTP requests, as far as the manifest requests them, and to addresses that are not public as far as the settings
    /// name them; without this none is sent
    #[arg(long)]
    allow_http: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

impl Call {
    pub(super) fn main(self) -> ExitCode {
        with_settings(self.config.as_deref(), async |loaded| self.run(&loaded).await)
    }

    async fn run(&self, loaded: &Loaded) -> Result<ExitCode, Box<dyn Error>> {
        let case = Given { variables: &self.var, task: &self.task, config: &self.set }.case()?;
        self.check_file()?;
        let workbench = Workbench::new(loaded, NonZeroUsize::MIN)?;
        let plugin = workbench.loader.load_file(&self.file).await?;
        let http: Arc<dyn HttpPort> = match self.allow_http {
            true => service::network(&loaded.settings.http)?,
            false => Arc::new(NoHttp),
        };
        let observed = run_alone(&workbench.sandbox, &plugin, case, http).await?;
        self.tell(&plugin, &observed)?;
        Ok(if is_well(observed.seen.outcome) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FOUND) })
    }

    /// Tells what is wrong with a file that cannot be a component.
    fn check_file(&self) -> Result<(), String> {
        let file = self.file.display();
        let is_case = self.file.file_name().and_then(|name| name.to_str()).is_some_and(is_case);
        match no_component(&self.file) {
            _ if self.file.is_dir() => Err(format!("{file} is a directory: name one component in it, NAME.wasm")),
            _ if is_case => Err(format!("{file} is a case: `fetchlock test` runs it")),
            Some(why) => Err(format!("{file}: {why}")),
            None if !self.file.exists() => Err(format!("{file} is not there: expected a component, NAME.wasm")),
            None => Ok(()),
        }
    }

    fn tell(&self, plugin: &Plugin, observed: &Observed) -> Result<(), Box<dyn Error>> {
        let text = match self.json {
            true => serde_json::to_string_pretty(&told::json(plugin, observed))? + "\n",
            false => told::human(plugin, observed),
        };
        // The handler's own words are without them already; what it sends and is sent is not.
        let text = observed.revealed.conceal(&text);
        match io::stdout().write_all(text.as_bytes()) {
            // Who reads only the beginning has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether the task ends or goes on without anybody having to look at it.
fn is_well(outcome: OutcomeName) -> bool {
    match outcome {
        OutcomeName::Complete | OutcomeName::BpmnError | OutcomeName::Unlock | OutcomeName::HandOff => true,
        OutcomeName::Failure
        | OutcomeName::Undecided
        | OutcomeName::Error
        | OutcomeName::Trap
        | OutcomeName::Timeout => false,
    }
}
