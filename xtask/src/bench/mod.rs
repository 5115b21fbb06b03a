//! `cargo xtask bench`: what Fetchlock costs and how fast it is. Each measurement writes what it found to
//! `docs/performance/NAME.json`, and the table in `docs/performance.md` is made from these files.
//!
//! It drives the release build as a process, from outside. Machines are noisy, so what is compared is measured in
//! pairs within one run, and told as ratios and medians.

mod components;
mod engine;
mod figure;
mod host;
mod inside;
mod languages;
mod latency;
mod machine;
mod memory;
mod page;
mod plain_loop;
mod process;
mod reload;
mod statistics;
mod throughput;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use fetchlock_harness::guests::target_dir;

use self::engine::Kind;
use self::figure::Findings;
use crate::cargo::{cargo, run as run_command};
use crate::{guests, prerequisites};

pub(crate) use plain_loop::Options as PlainLoop;

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these measurements; all of them take about half an hour
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Few repetitions, to see that it works; nothing is written to docs/
    #[arg(long)]
    quick: bool,
    /// Measure nothing: make the table anew from what was measured
    #[arg(long, conflicts_with_all = ["only", "quick"])]
    table: bool,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// An invocation beside the same call on wasmtime alone, the journal, the reading of a fetch (criterion)
    Inside,
    /// In each language: an invocation beside the same call on wasmtime alone, loading from the cache, unchanged builds
    Languages,
    /// Tasks per second on the embedded engine, beside a plain loop
    ThroughputEmbedded,
    /// Tasks per second on Operaton, beside a plain loop
    ThroughputOperaton,
    /// From the creation of a task to its completion when nothing else is to do
    Latency,
    /// From the rename of a new file to the first task served by it
    Reload,
    /// Resident memory with 1 and 100 plugins, and after 1,000 reloads
    Memory,
}

impl Measurement {
    const ALL: [Self; 7] = [
        Self::Inside,
        Self::Languages,
        Self::ThroughputEmbedded,
        Self::ThroughputOperaton,
        Self::Latency,
        Self::Reload,
        Self::Memory,
    ];

    /// The name of its file.
    fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Languages => "languages",
            Self::ThroughputEmbedded => "throughput-embedded",
            Self::ThroughputOperaton => "throughput-operaton",
            Self::Latency => "latency",
            Self::Reload => "reload",
            Self::Memory => "memory",
        }
    }

    fn needs_operaton(self) -> bool {
        matches!(self, Self::ThroughputOperaton | Self::Latency)
    }

    async fn measure(self, quick: bool) -> Result<Findings> {
        match self {
            Self::Inside => inside::measure(quick),
            Self::Languages => languages::measure(quick),
            Self::ThroughputEmbedded => throughput::measure(Kind::Embedded, quick).await,
            Self::ThroughputOperaton => throughput::measure(Kind::Operaton, quick).await,
            Self::Latency => latency::measure(quick).await,
            Self::Reload => reload::measure(quick).await,
            Self::Memory => memory::measure(quick).await,
        }
    }
}

/// Builds what is needed, measures, and writes the results.
///
/// # Errors
/// Something is missing or does not build, or a measurement fails. A goal that is missed is no error: it is told.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.table {
        return page::write();
    }
    let wanted = if options.only.is_empty() { Measurement::ALL.to_vec() } else { options.only.clone() };
    let mut needed = vec![prerequisites::RUST];
    if wanted.iter().any(|measurement| measurement.needs_operaton()) {
        needed.push(prerequisites::ENGINE);
    }
    if wanted.contains(&Measurement::Languages) {
        needed.push(prerequisites::LANGUAGES);
    }
    prerequisites::ensure(&needed)?;
    // The whole workspace, so that wasmtime is compiled once; this program too, for the plain loop is to be optimised.
    run_command(&mut cargo(&["build", "--release", "--workspace", "--locked"]))?;
    guests::build(guests::ALL)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("an async runtime")?;
    for measurement in wanted {
        let begun = Instant::now();
        println!("\n== {}", measurement.name());
        let findings = runtime
            .block_on(measurement.measure(options.quick))
            .with_context(|| format!("measurement `{}` failed", measurement.name()))?;
        for figure in &findings.figures {
            println!("{figure}");
        }
        println!("== {} took {:.0?}", measurement.name(), begun.elapsed());
        if !options.quick {
            findings.write(measurement.name())?;
        }
    }
    if options.quick { Ok(()) } else { page::write() }
}

/// Works as the plain loop, in a process of its own.
///
/// # Errors
/// The engine does not answer.
pub(crate) fn run_plain_loop(options: &PlainLoop) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("an async runtime")?;
    runtime.block_on(plain_loop::work(options))
}

/// A program of the release build.
fn release_binary(name: &str) -> Result<PathBuf> {
    Ok(target_dir()?.join("release").join(name))
}
