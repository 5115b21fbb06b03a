//! A real engine with its REST interface: Operaton, Camunda 7 or CIB seven, built by Maven from `tests/engine-app` and
//! run on a free loopback port.
//!
//! One process is deployed: `order` (topic `check-payment`; end events `accepted` and `rejected`, the latter behind a
//! boundary event for the error `PAYMENT_REJECTED`). Others are deployed by whoever needs them
//! ([`RealEngine::deploy`], [`RealEngine::deploy_topic`]).

mod build;
mod deployment;
mod postgres;
mod setup;

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

use self::postgres::Postgres;
use crate::engine_client::{EngineClient, POLL_INTERVAL};

pub use build::EngineBuild;
pub use setup::{Database, Product, SETUP_VARIABLE, Setup};

/// How long a start may take: 7 to 9 s on a quiet machine, 20 s while others compile, and CI machines are slower still.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How often a start is tried when another program took the free port first.
const PORT_ATTEMPTS: u32 = 3;

/// The first user, who may do anything.
pub const USER: &str = "demo";

/// The password of [`USER`].
pub const PASSWORD: &str = "demo";

/// A running engine, and the client of it. Dropping it kills it; it also ends when this process does, however that
/// happens.
pub struct RealEngine {
    process: Child,
    client: EngineClient,
    product: Product,
    log: PathBuf,
    _postgres: Option<Postgres>,
    _home: TempDir,
}

impl RealEngine {
    /// Builds the engine if need be, starts it and waits until it answers.
    ///
    /// # Errors
    /// Java, Maven or PostgreSQL is missing, the build fails, a process ends, or the engine does not answer within
    /// 120 s; the text shows the end of the log concerned.
    pub async fn start(setup: Setup) -> Result<Self> {
        let build = tokio::task::spawn_blocking(move || EngineBuild::ensure(setup.product));
        let build = build.await.context("the build of the engine panicked")??;
        for attempt in 1.. {
            match Self::start_once(&build, setup).await {
                Err(error) if attempt < PORT_ATTEMPTS && format!("{error:#}").contains("already in use") => {}
                started => return started,
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn start_once(build: &EngineBuild, setup: Setup) -> Result<Self> {
        let product = setup.product;
        let postgres = match setup.database {
            Database::H2 => None,
            Database::PostgreSql => Some(Postgres::start().await?),
        };
        let home = tempfile::Builder::new().prefix("engine-").tempdir().context("a directory for the engine")?;
        let log = home.path().join("engine.log");
        let log_file = File::create(&log).context("cannot create the engine's log")?;
        let address = crate::free_loopback_address()?;
        let auth = setup.auth.then_some((USER, PASSWORD));
        let client = EngineClient::new(format!("http://{address}/engine-rest"), auth)?;
        let mut java = Command::new(crate::java::tool("java"));
        java.arg(format!("-Xmx{}m", setup.heap_mib))
            // One collector thread: the tests share the machine with the engine.
            .arg("-XX:+UseSerialGC")
            .arg("-cp")
            .arg(build.class_path())
            .arg("harness.EngineApp")
            .arg(format!("--server.port={}", address.port()))
            .arg("--harness.end-with-stdin=true")
            .arg(format!("--harness.engine={}", product.engine_package()))
            .arg(format!("--harness.anonymous={}", !setup.auth));
        if setup.unique_worker {
            java.arg("--server.servlet.context-parameters.fetch-and-lock-unique-worker-request=true");
        }
        if let Some(postgres) = &postgres {
            java.args(postgres.data_source());
        }
        let process = java
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone().context("the engine's log")?)
            .stderr(log_file)
            .process_group(0)
            .spawn()
            .context("cannot start java")?;
        // From here on the guard kills the process if anything fails.
        let mut engine = Self { process, client, product, log, _postgres: postgres, _home: home };
        engine.await_up().await?;
        Ok(engine)
    }

    async fn await_up(&mut self) -> Result<()> {
        let started = Instant::now();
        let name = self.product.name();
        loop {
            if let Some(status) = self.process.try_wait().context("waiting for java")? {
                bail!("{name} ended while it started ({status}); its log ends:\n{}", self.log_tail());
            }
            if self.client.answers().await {
                return Ok(());
            }
            if started.elapsed() > START_DEADLINE {
                let url = self.base_url();
                bail!("{name} at {url} did not answer within {START_DEADLINE:?}; its log ends:\n{}", self.log_tail());
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

impl Deref for RealEngine {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        &self.client
    }
}

impl Drop for RealEngine {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        // Not collected yet, so the id is still the engine's. It has nothing to save, so it need not be asked.
        if let (Ok(None), Some(pid)) = (self.process.try_wait(), pid) {
            kill_process_group(pid, Signal::KILL).ok();
            drop(self.process.wait());
        }
    }
}
