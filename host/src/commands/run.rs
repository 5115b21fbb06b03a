//! `fetchlock run`: the service.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use super::{
    compilations::show_compilations,
    exit::{EXIT_FORCED, refuse},
};
use crate::{
    service::{self, Ended},
    settings::{self, Flags, Loaded},
    telemetry,
};

/// Fetch, run and deliver tasks with the plugins of a directory.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    flags: Flags,
    /// Print every setting with the place it comes from, secrets hidden, and exit
    #[arg(long)]
    print_config: bool,
}

impl Run {
    pub(super) fn main(self) -> ExitCode {
        let loaded = match settings::load(&self.flags) {
            Ok(loaded) => loaded,
            Err(problems) => return refuse(&problems),
        };
        if self.print_config {
            return print(&loaded);
        }
        serve(&loaded)
    }
}

/// Prints the settings on standard output.
fn print(loaded: &Loaded) -> ExitCode {
    match io::stdout().lock().write_all(loaded.to_string().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

fn serve(loaded: &Loaded) -> ExitCode {
    let settings = &loaded.settings;
    // Before the log begins: this is for whoever typed the command.
    if let Err(error) = settings.engine.address() {
        return refuse(&error);
    }
    let log = telemetry::init(settings.log.format, &settings.log.level);
    if let Err(error) = log {
        return refuse(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock").enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error),
    };
    let code = match runtime.block_on(service::run(settings, show_compilations(), |_| ())) {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        Ok(Ended::Forced) => ExitCode::from(EXIT_FORCED),
        Err(error) => refuse(&error.with_places(loaded)),
    };
    // After a second signal nothing is waited for; in order, nothing is left to wait for.
    runtime.shutdown_background();
    code
}
