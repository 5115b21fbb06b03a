//! `fetchlock run`: the service.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use bytesize::ByteSize;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    plugins::OnCompile,
    service::{self, Ended},
    settings::{self, Flags, Loaded},
    telemetry,
};

/// The exit code for settings or surroundings with which a host does not start (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// The exit code after a second signal, as a shell reports an interrupt.
const EXIT_FORCED: u8 = 130;

/// How often the sign of a compilation turns.
const SPIN: Duration = Duration::from_millis(100);

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

fn serve(Loaded { settings, .. }: &Loaded) -> ExitCode {
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
    let code = match runtime.block_on(service::run(settings, show_compilations())) {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        Ok(Ended::Forced) => ExitCode::from(EXIT_FORCED),
        Err(error) => refuse(&error),
    };
    // After a second signal nothing is waited for; in order, nothing is left to wait for.
    runtime.shutdown_background();
    code
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("fetchlock: {error}");
    ExitCode::from(EXIT_CONFIG)
}

/// A turning sign on a terminal while a component is compiled; a line of log elsewhere.
fn show_compilations() -> OnCompile {
    Arc::new(|name, size| {
        tracing::debug!(plugin = name, size = %ByteSize(size), "compiling");
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = telemetry::progress().add(ProgressBar::new_spinner().with_style(style));
        bar.set_message(format!("compiling {name} ({})", ByteSize(size)));
        bar.enable_steady_tick(SPIN);
        Box::new(Cleared(bar))
    })
}

/// A sign that goes away without a trace.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
