//! The embedded engine as a process: `fetchlock engine` on a free loopback port.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::engine_client::EngineClient;
use crate::fetchlock::Fetchlock;

/// How long a start may take: some 20 ms on a quiet machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running embedded engine, and the client of it. Dropping it kills it.
pub struct Embedded {
    process: Fetchlock,
    client: EngineClient,
}

impl Embedded {
    /// Starts `binary` (in a test of package `fetchlock`, `env!("CARGO_BIN_EXE_fetchlock")`) and waits until it has told
    /// its address; its state is kept in `data`, or in memory only.
    ///
    /// # Errors
    /// It cannot be started, or tells no address within 30 s; the text shows the end of its log.
    pub async fn start(binary: impl AsRef<Path>, data: Option<&Path>) -> Result<Self> {
        let mut builder = Fetchlock::builder(binary).command("engine").only_arguments().arg("--port").arg("0");
        if let Some(directory) = data {
            builder = builder.arg("--data").arg(directory);
        }
        let process = builder.start()?;
        let url = process.await_first_output(START_DEADLINE).await.context("the embedded engine told no address")?;
        Ok(Self { process, client: EngineClient::new(url, None)? })
    }

    /// The process, to be stopped or killed, and its log.
    pub fn process(&mut self) -> &mut Fetchlock {
        &mut self.process
    }
}

impl Deref for Embedded {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        &self.client
    }
}
