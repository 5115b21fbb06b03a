//! The host that is measured: the release build, with a plugin directory and a cache that outlive it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fetchlock_harness::fetchlock::Fetchlock;
use serde_json::Value;
use tempfile::TempDir;

use super::process::{self, Usage};
use super::{components, release_binary};

/// How long anything here may take that takes seconds at most.
pub(super) const SOON: Duration = Duration::from_secs(120);

/// The log without a line for each task, as an operator has it.
pub(super) const QUIET: &str = "info";

/// The log with a line for each invocation that tells its version.
pub(super) const TELLING: &str = "info,fetchlock::worker=debug";

/// The directories of a host.
pub(super) struct Home {
    plugins: TempDir,
    cache: TempDir,
}

impl Home {
    pub(super) fn new() -> Result<Self> {
        let directory = || TempDir::with_prefix("fetchlock-bench-").context("a temporary directory");
        Ok(Self { plugins: directory()?, cache: directory()? })
    }

    /// The plugin directory.
    pub(super) fn plugins(&self) -> &Path {
        self.plugins.path()
    }

    /// Puts a component into the plugin directory, at once as a rename does.
    pub(super) fn put(&self, topic: &str, component: &[u8]) -> Result<()> {
        components::lay_ready(self.plugins(), topic, component)?;
        components::swap_in(self.plugins(), topic)
    }

    /// Takes a component away.
    pub(super) fn remove(&self, topic: &str) -> Result<()> {
        fs::remove_file(self.plugins().join(format!("{topic}.wasm"))).context("cannot remove a component")
    }

    /// Starts a host with a fresh journal and the default settings.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(&self, engine: &str, log: &str) -> Result<Fetchlock> {
        let cache = self.cache.path().to_str().context("a cache directory whose name is text")?;
        Fetchlock::builder(release_binary("fetchlock")?)
            .engine(engine)
            .plugins_dir(self.plugins())
            .setting("cache-dir", &format!("{cache:?}"))
            .setting("log.level", &format!("{log:?}"))
            .start()
    }
}

/// What a host has used so far.
///
/// # Errors
/// It has ended.
pub(super) fn usage(host: &Fetchlock) -> Result<Usage> {
    process::usage(host.pid().context("the host has ended")?)
}

/// Waits until a plugin serves a topic.
///
/// # Errors
/// Not in time.
pub(super) async fn await_serving(host: &Fetchlock, topic: &str) -> Result<()> {
    host.await_log(|line| line["message"] == "plugin serving" && line["topic"] == topic, SOON).await.map(drop)
}

/// Waits for the end of an invocation of a version that is not among those seen; that version.
///
/// # Errors
/// Not in time.
pub(super) async fn await_new_version(host: &Fetchlock, seen: &[String]) -> Result<String> {
    let is_new = |line: &Value| {
        line["message"] == "handler returned"
            && line["version"].as_str().is_some_and(|version| seen.iter().all(|old| old != version))
    };
    let line = host.await_log(is_new, SOON).await?;
    line["version"].as_str().map(str::to_owned).context("a line with a version")
}

/// Stops a host as a supervisor does.
///
/// # Errors
/// It does not end in order.
pub(super) async fn stop(mut host: Fetchlock) -> Result<()> {
    host.sigterm()?;
    let status = host.wait_exit(SOON).await?;
    anyhow::ensure!(status.success(), "fetchlock did not stop in order: {status}\n{}", host.logs());
    Ok(())
}
