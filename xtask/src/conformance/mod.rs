//! `cargo xtask conformance`: the suite `tests/engines` on every engine set-up, one after the other. Each run's output
//! goes to `docs/conformance/SET-UP.txt`, and the table in `docs/conformance.md` is made from these files.

mod capabilities;
mod page;
mod record;
mod run;

use anyhow::{Result, bail};
use clap::Args;
use fetchlock_harness::real_engine::Setup;

use self::capabilities::Capabilities;
use self::record::Record;
use crate::{guests, prerequisites};

/// Options of `cargo xtask conformance`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these set-ups, which must be to be had; all of them take about a quarter of an hour
    #[arg(long, value_name = "SET-UP", num_args = 1.., value_delimiter = ',', value_parser = Subject::parse)]
    only: Vec<Subject>,
    /// Run nothing: make the table anew from the last runs
    #[arg(long, conflicts_with = "only")]
    table: bool,
}

/// What the suite is run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The engine inside Fetchlock.
    Embedded,
    /// A real engine, with the name of its set-up.
    Real(&'static str, Setup),
}

impl Subject {
    fn all() -> impl Iterator<Item = Self> {
        let real = Setup::NAMED.iter().map(|(name, setup)| Self::Real(name, *setup));
        std::iter::once(Self::Embedded).chain(real)
    }

    /// Its name on the command line and in the table.
    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Real(name, _) => name,
        }
    }

    fn parse(name: &str) -> Result<Self> {
        match Self::all().find(|subject| subject.name() == name) {
            Some(subject) => Ok(subject),
            None => {
                let known: Vec<&str> = Self::all().map(Self::name).collect();
                bail!("`{name}` is no set-up: expected one of {}", known.join(", "))
            }
        }
    }
}

/// Runs the suite on each set-up that was asked for, and writes the table.
///
/// # Errors
/// A test failed or a set-up that was named is not to be had (after all were run and the table was written), or nothing
/// could be run.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut failed = Vec::new();
    if !options.table {
        prerequisites::ensure(&[prerequisites::RUST, prerequisites::ENGINE])?;
        guests::build(guests::ALL)?;
        // Before the runs, which take their time.
        Capabilities::read()?.cover(&run::tests()?)?;
        for subject in Subject::all().filter(|subject| options.only.is_empty() || options.only.contains(subject)) {
            let name = subject.name();
            println!("\n== {name}");
            let record = run::on(subject)?;
            println!("== {name}: {}", record.summary());
            record.write(name)?;
            let is_missing = record.is_not_to_be_had() && !options.only.is_empty();
            if record.has_failures() || is_missing {
                // Here too, for the file is gone with the machine that CI ran on.
                println!("{}", record.failures());
                failed.push(name);
            }
        }
    }
    page::write(&records()?)?;
    println!("\n== docs/conformance.md is written");
    if !failed.is_empty() {
        bail!("failed on, or not to be had: {}; the output is in docs/conformance/", failed.join(", "));
    }
    Ok(())
}

/// The last run of each set-up that ever ran, in their order.
fn records() -> Result<Vec<(Subject, Record)>> {
    let mut found = Vec::new();
    for subject in Subject::all() {
        found.extend(Record::read(subject.name())?.map(|record| (subject, record)));
    }
    Ok(found)
}
