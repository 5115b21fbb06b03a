//! The machine on which was measured, without a name that would tell whose it is.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use fetchlock_harness::java;
use fetchlock_harness::real_engine::Product;
use serde::{Deserialize, Serialize};

use crate::cargo::root;

/// What a reader needs to know to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    cpu: String,
    /// Processors that this process may use.
    cores: usize,
    memory_gib: u64,
    kernel: String,
    rustc: String,
    wasmtime: String,
    operaton: String,
    java: String,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// One of its files, or of the repository's, is not as expected.
    pub(super) fn this() -> Result<Self> {
        let cpu = after("/proc/cpuinfo", "model name")?;
        let memory = after("/proc/meminfo", "MemTotal")?;
        let kib: u64 = memory.trim_end_matches("kB").trim().parse().context("MemTotal in /proc/meminfo")?;
        let lock = fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock")?;
        Ok(Self {
            cpu,
            cores: thread::available_parallelism().context("the number of processors")?.get(),
            memory_gib: kib.div_ceil(1 << 20),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").context("the kernel's version")?.trim().to_owned(),
            rustc: first_line(Command::new("rustc").arg("--version").current_dir(root()), |output| output.stdout)?,
            wasmtime: between(&lock, "name = \"wasmtime\"\nversion = \"", "\"").context("wasmtime in Cargo.lock")?,
            operaton: Product::Operaton.version()?,
            java: first_line(Command::new(java::tool("java")).arg("-version"), |output| output.stderr)
                .unwrap_or_else(|_| "none".to_owned()),
        })
    }

    /// In one sentence.
    pub(super) fn describe(&self) -> String {
        let Self { cpu, cores, memory_gib, kernel, rustc, wasmtime, operaton, java } = self;
        format!(
            "{cpu}, {cores} processors, {memory_gib} GiB of memory, Linux {kernel}; {rustc}, wasmtime {wasmtime}, \
             Operaton {operaton} with H2 in memory on {java}"
        )
    }
}

/// The value behind the first line of a file that begins so.
fn after(path: &str, key: &str) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
    value.map(|(_, value)| value.trim().to_owned()).with_context(|| format!("{path} tells no `{key}`"))
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    Some(text.split_once(before)?.1.split_once(after)?.0.to_owned())
}

fn first_line(command: &mut Command, stream: fn(std::process::Output) -> Vec<u8>) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&stream(output)).into_owned();
    text.lines().next().map(str::to_owned).context("it says nothing")
}
