//! The commands of the binary.

mod engine;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit code for settings or surroundings with which a command does not start (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// Runs the external tasks of a BPMN engine as sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "fetchlock", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch, run and deliver tasks with the plugins of a directory
    Run(run::Run),
    /// Serve an engine for development and tests: the external-task REST interface in memory, without BPMN
    Engine(engine::Engine),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(run) => run.main(),
        Command::Engine(engine) => engine.main(),
    }
}

/// Says why a command does not start.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("fetchlock: {error}");
    ExitCode::from(EXIT_CONFIG)
}
