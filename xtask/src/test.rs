//! `cargo xtask test`: every check of this repository, on a machine that may be fresh.

use std::env;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use fetchlock_harness::real_engine::{EngineBuild, Product};

use crate::cargo::{cargo, run as run_command};
use crate::{guest_bindings, guests, prerequisites, projects, readme};

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave out the tests on a real engine, which need Java 17 and Maven (refused where CI=true)
    #[arg(long)]
    no_engine: bool,
}

/// Runs all steps in order; the first that fails ends it.
///
/// # Errors
/// A step failed; the text names it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let with_engine = !options.no_engine;
    if options.no_engine && is_ci() {
        bail!("--no-engine: expected a run of everything, because CI=true; unset CI or drop the option");
    }
    let begun = Instant::now();
    step("prerequisites", || {
        let mut needed = vec![prerequisites::RUST, prerequisites::LINTERS, prerequisites::LANGUAGES];
        if with_engine {
            needed.push(prerequisites::ENGINE);
        }
        prerequisites::ensure(&needed)
    })?;
    // Mostly a download: it goes on while this machine compiles.
    let engine = with_engine.then(|| thread::spawn(|| EngineBuild::ensure(Product::Operaton)));

    step("format", || {
        run_command(&mut cargo(&["fmt", "--all", "--check"]))?;
        guests::check_format()
    })?;
    step("lints of the host", || {
        run_command(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))
    })?;
    step("lints of the guests", guests::check_lints)?;
    step("guests", || guests::build(guests::ALL))?;
    step("handlers in every language", projects::build)?;
    step("bindings of the guest library in Go", || guest_bindings::run(&guest_bindings::Options { check: true }))?;
    step("tests of the guest library in Rust", guests::test_library)?;
    step("tests of the example in Rust", guests::test_example)?;
    step("tests of the other guest libraries and examples", projects::test)?;
    if let Some(engine) = engine {
        step("build of the real engine", || {
            engine.join().map_err(|_| anyhow!("it panicked; the text is above"))?.map(drop)
        })?;
    }
    if with_engine {
        step("tests", || run_command(&mut cargo(&["test", "--workspace", "--locked"])))?;
    } else {
        step("tests without the real engine", || {
            let without =
                ["--lib", "--bins", "--test", "blackbox", "--test", "scripted_engine", "--test", "guest-languages"];
            run_command(cargo(&["test", "--workspace", "--locked"]).args(without))?;
            // By name, so that the output counts what is left out.
            let embedded = ["--test", "engines", "--", "--skip", "real::"];
            run_command(cargo(&["test", "--workspace", "--locked"]).args(embedded))?;
            run_command(&mut cargo(&["test", "--workspace", "--locked", "--doc"]))
        })?;
    }
    step("the README's handlers in every language", readme::check)?;
    let engine = if with_engine { "" } else { "; the tests on a real engine were left out" };
    println!("\n== all passed in {:.0?}{engine}", begun.elapsed());
    Ok(())
}

/// Runs one step between a heading and the time that it took.
fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let begun = Instant::now();
    work().with_context(|| format!("step `{name}` failed"))?;
    println!("== {name}: passed in {:.1?}", begun.elapsed());
    Ok(())
}

/// Whether this runs on a continuous-integration machine, where nothing is left out.
fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
