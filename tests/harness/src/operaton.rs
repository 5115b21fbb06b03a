//! A real engine: Operaton with its REST interface on H2 in memory, built by Maven from `tests/operaton-app` and run on a
//! free loopback port.
//!
//! One process is deployed: `order` (topic `check-payment`; end events `accepted` and `rejected`, the latter behind a
//! boundary event for the error `PAYMENT_REJECTED`). Others, of one external task each, are deployed by whoever needs
//! them ([`Operaton::deploy_topic`]).

mod build;
mod deployment;

use std::fs::{self, File};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::engine_client::{EngineClient, POLL_INTERVAL};

pub use build::OperatonBuild;

/// How long a start may take: 7 to 9 s on a quiet machine, 20 s while others compile, and CI machines are slower still.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How often a start is tried when another program took the free port first.
const PORT_ATTEMPTS: u32 = 3;

/// The only user, who may do anything.
pub const USER: &str = "demo";

/// The password of [`USER`].
pub const PASSWORD: &str = "demo";

/// How an engine is started.
#[derive(Debug, Clone)]
pub struct OperatonOptions {
    /// Whether it demands basic auth ([`USER`], [`PASSWORD`]).
    pub auth: bool,
    /// The Java heap, in MiB. It holds the data base too: 1,024 are enough for about 20,000 instances.
    pub heap_mib: u32,
}

impl Default for OperatonOptions {
    fn default() -> Self {
        Self { auth: false, heap_mib: 1024 }
    }
}

/// A running Operaton, and the client of it. Dropping it kills it; it also ends when this process does, however that
/// happens.
pub struct Operaton {
    process: Child,
    client: EngineClient,
    log: PathBuf,
    _home: TempDir,
}

impl Operaton {
    /// Builds the engine if need be, starts it and waits until it answers.
    ///
    /// # Errors
    /// Java or Maven is missing, the build fails, the process ends, or it does not answer within 120 s; the text shows
    /// the end of the log concerned.
    pub async fn start(options: OperatonOptions) -> Result<Self> {
        let build =
            tokio::task::spawn_blocking(OperatonBuild::ensure).await.context("the build of Operaton panicked")??;
        for attempt in 1.. {
            match Self::start_once(&build, &options).await {
                Err(error) if attempt < PORT_ATTEMPTS && format!("{error:#}").contains("already in use") => {}
                started => return started,
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn start_once(build: &OperatonBuild, options: &OperatonOptions) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("operaton-").tempdir().context("a directory for Operaton")?;
        let log = home.path().join("operaton.log");
        let log_file = File::create(&log).context("cannot create Operaton's log")?;
        let address = crate::free_loopback_address()?;
        let auth = options.auth.then_some((USER, PASSWORD));
        let client = EngineClient::new(format!("http://{address}/engine-rest"), auth)?;
        let process = Command::new(crate::java::tool("java"))
            .arg(format!("-Xmx{}m", options.heap_mib))
            // One collector thread: the tests share the machine with the engine.
            .arg("-XX:+UseSerialGC")
            .arg("-cp")
            .arg(build.class_path())
            .arg("harness.OperatonApp")
            .arg(format!("--server.port={}", address.port()))
            .arg("--harness.end-with-stdin=true")
            .arg(format!("--harness.auth={}", options.auth))
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone().context("Operaton's log")?)
            .stderr(log_file)
            .process_group(0)
            .spawn()
            .context("cannot start java")?;
        // From here on the guard kills the process if anything fails.
        let mut engine = Self { process, client, log, _home: home };
        engine.await_up().await?;
        Ok(engine)
    }

    async fn await_up(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().context("waiting for java")? {
                bail!("Operaton ended while it started ({status}); its log ends:\n{}", self.log_tail());
            }
            if self.client.answers().await {
                return Ok(());
            }
            if started.elapsed() > START_DEADLINE {
                let url = self.base_url();
                bail!("Operaton at {url} did not answer within {START_DEADLINE:?}; its log ends:\n{}", self.log_tail());
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The process id of the Java machine.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The end of the engine's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        crate::tail(&String::from_utf8_lossy(&log))
    }
}

impl Deref for Operaton {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        &self.client
    }
}

impl Drop for Operaton {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        // Not collected yet, so the id is still the engine's. It has nothing to save, so it need not be asked.
        if let (Ok(None), Some(pid)) = (self.process.try_wait(), pid) {
            kill_process_group(pid, Signal::KILL).ok();
            drop(self.process.wait());
        }
    }
}
