//! What a process has used, as the kernel tells.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of processor times in `/proc`: `USER_HZ`, which is 100 on every Linux of today.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Processor time, of all threads, in the program and in the kernel.
    pub(super) cpu: Duration,
    /// Resident memory now, in KiB.
    pub(super) rss_kib: u64,
    /// The most it ever was, in KiB.
    pub(super) peak_kib: u64,
}

/// Asks the kernel about a process.
///
/// # Errors
/// It is gone, or the kernel tells something else than expected.
pub(super) fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    // The name, in parentheses, may hold anything; the state is the first field behind it, utime and stime the 12th
    // and 13th.
    let (_, fields) = stat.rsplit_once(')').context("a process without a name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>().context("processor times of a process")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    let kib = |key: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let value = value.and_then(|value| value.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        value.with_context(|| format!("process {pid} tells no {key}"))
    };
    let cpu = Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND);
    Ok(Usage { cpu, rss_kib: kib("VmRSS")?, peak_kib: kib("VmHWM")? })
}

/// KiB as MiB, for people.
pub(super) fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
