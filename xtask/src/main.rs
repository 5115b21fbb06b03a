//! The chores of this repository: `cargo xtask test`, `cargo xtask demo`, `cargo xtask guests`,
//! `cargo xtask guest-bindings`, `cargo xtask reference`, `cargo xtask screenshot`, `cargo xtask bench` and
//! `cargo xtask conformance`.

mod bench;
mod cargo;
mod conformance;
mod demo;
mod guest_bindings;
mod guests;
mod orders;
mod picture;
mod prerequisites;
mod projects;
mod readme;
mod reference;
mod screenshot;
mod stage;
mod terminal;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of this repository
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every check: format, lints, unit tests, black-box tests, and the tests on a real engine
    Test(test::Options),
    /// Show the host at work with the example plugin, on the embedded engine or a real one, until Ctrl-C
    Demo(demo::Options),
    /// Build the guest components, and put the example into the plugin directory
    Guests,
    /// Generate the bindings of the Go package anew, from wit/
    GuestBindings(guest_bindings::Options),
    /// Write the reference of settings and manifests in docs/ anew, from the host's types
    Reference,
    /// Do the README's handlers in every language, line by line, with the checkout out of reach
    Readme,
    /// Take the picture of `fetchlock dev` in docs/images/ anew
    Screenshot,
    /// Measure cost and speed on this machine, and write docs/performance.md
    Bench(bench::Options),
    /// Run the tests on every engine set-up that can be had, and write docs/conformance.md
    Conformance(conformance::Options),
    /// The worker that throughput is compared with; `bench` starts it
    #[command(hide = true)]
    PlainLoop(bench::PlainLoop),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Demo(options) => demo::run(&options),
        Chore::Guests => prerequisites::ensure(&[prerequisites::RUST, prerequisites::LANGUAGES])
            .and_then(|()| guests::build(guests::ALL))
            .and_then(|()| projects::build()),
        Chore::GuestBindings(options) => guest_bindings::run(&options),
        Chore::Reference => prerequisites::ensure(&[prerequisites::RUST]).and_then(|()| reference::write()),
        Chore::Readme => prerequisites::ensure(&[prerequisites::RUST, prerequisites::LANGUAGES])
            .and_then(|()| cargo::build_workspace())
            .and_then(|()| readme::check()),
        Chore::Screenshot => screenshot::run(),
        Chore::Bench(options) => bench::run(&options),
        Chore::Conformance(options) => conformance::run(&options),
        Chore::PlainLoop(options) => bench::run_plain_loop(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
