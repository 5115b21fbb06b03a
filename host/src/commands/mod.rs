//! The commands of the binary.

mod begin;
mod build;
mod call;
mod check;
mod compilations;
mod compiled;
mod dev;
mod engine;
mod exit;
mod interrupt;
mod new;
mod progress;
mod run;
mod status;
mod summary;
mod tasks;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the external tasks of a BPMN engine as sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "fetchlock", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Build(build::Build),
    /// Fetch, run and deliver tasks with the plugins of a directory
    Run(run::Run),
    Call(call::Call),
    Check(check::Check),
    Dev(dev::Dev),
    /// Serve an engine for development and tests: the external-task REST interface in memory, without BPMN
    Engine(engine::Engine),
    Status(status::Status),
    // In a box, for its filters are many.
    Tasks(Box<tasks::Tasks>),
    Test(test::Test),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::New(new) => new.main(),
        Command::Build(build) => build.main(),
        Command::Run(run) => run.main(),
        Command::Call(call) => call.main(),
        Command::Check(check) => check.main(),
        Command::Dev(dev) => dev.main(),
        Command::Engine(engine) => engine.main(),
        Command::Status(status) => status.main(),
        Command::Tasks(tasks) => tasks.main(),
        Command::Test(test) => test.main(),
    }
}
