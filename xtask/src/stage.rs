//! Where the demo plays: an engine, the host that works for it, and how orders look on it.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use fetchlock_harness::engine_client::EngineClient;
use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_harness::guests::target_dir;
use fetchlock_harness::real_engine::{RealEngine, Setup};
use serde_json::json;
use tokio::time::sleep;

use crate::cargo::root;
use crate::orders::Expected;

/// The port on which newcomers look for an engine first. If it is taken, any other will do.
const USUAL_PORT: u16 = 8080;

/// How long the embedded engine may take to answer: a few milliseconds, on a machine that does nothing else.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// How often it is asked.
const ASK_INTERVAL: Duration = Duration::from_millis(20);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// The one inside Fetchlock (`fetchlock dev`): no Java, and no BPMN
    Embedded,
    /// A real Operaton with a deployed process; needs a JDK and Maven
    Operaton,
}

/// An engine, and the host that works for it.
pub(crate) struct Stage {
    engine: Engine,
    pub(crate) host: Fetchlock,
}

enum Engine {
    Embedded(EngineClient),
    Operaton(RealEngine),
}

impl Deref for Stage {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        match &self.engine {
            Engine::Embedded(client) => client,
            Engine::Operaton(operaton) => operaton,
        }
    }
}

impl Stage {
    /// Starts engine and host with the plugins of the repository's drop directory. They write to the terminal.
    pub(crate) async fn set(kind: EngineKind) -> Result<Self> {
        let host = Fetchlock::builder(target_dir()?.join("debug").join("fetchlock")).on_terminal();
        let plugins = root().join("plugins");
        match kind {
            EngineKind::Embedded => {
                let port = free_port()?;
                let host = host.command("dev").only_arguments().arg(&plugins).arg("--port").arg(port.to_string());
                let client = EngineClient::new(format!("http://127.0.0.1:{port}/engine-rest"), None)?;
                let mut stage = Self { engine: Engine::Embedded(client), host: host.start()? };
                stage.await_engine().await?;
                Ok(stage)
            }
            EngineKind::Operaton => {
                println!("== starting Operaton (the first time Maven downloads it)");
                let operaton = RealEngine::start(Setup::OPERATON).await?;
                println!("== Operaton answers at {}", operaton.base_url());
                let host = host.engine(operaton.base_url()).plugins_dir(&plugins).start()?;
                Ok(Self { engine: Engine::Operaton(operaton), host })
            }
        }
    }

    async fn await_engine(&mut self) -> Result<()> {
        let begun = Instant::now();
        while self.get("/engine").await.is_err() {
            self.ensure_running()?;
            if begun.elapsed() > START_DEADLINE {
                bail!("the embedded engine does not answer at {}", self.base_url());
            }
            sleep(ASK_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether the host is still there.
    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        if !self.host.is_running() {
            bail!("fetchlock ended by itself; its last words are above");
        }
        Ok(())
    }

    /// Whether a BPMN error is caught and leads somewhere.
    pub(crate) fn has_bpmn(&self) -> bool {
        matches!(self.engine, Engine::Operaton(_))
    }

    /// The key of the process that an order is an instance of.
    pub(crate) fn process(&self) -> &'static str {
        if self.has_bpmn() { "order" } else { "check-payment" }
    }

    /// The activity at which such an order ends; none if it does not end.
    pub(crate) fn end_of(&self, expected: Expected) -> Option<&'static str> {
        match (expected, self.has_bpmn()) {
            (Expected::Accepted, true) => Some("accepted"),
            (Expected::Rejected, true) => Some("rejected"),
            (Expected::Accepted, false) => Some("done"),
            // Without BPMN nothing catches the error: the task is the last that happened.
            (Expected::Rejected, false) => Some("work"),
            (Expected::Incident, _) => None,
        }
    }

    /// How the orders stand, in one line.
    pub(crate) async fn summary(&self) -> Result<String> {
        let accepted = self.end_of(Expected::Accepted).unwrap_or_default();
        let path = format!(
            "/history/activity-instance/count?processDefinitionKey={}&activityId={accepted}&finished=true",
            self.process()
        );
        let accepted = self.get(&path).await?["count"].as_u64().context("the engine answered no count")?;
        let rejected = self.finished_count(self.process()).await?.saturating_sub(accepted);
        let open =
            async |flag: &str| self.external_task_count(&json!({"topicName": "check-payment", flag: true})).await;
        let (waiting, incidents) = (open("withRetriesLeft").await?, open("noRetriesLeft").await?);
        Ok(format!("orders: {accepted} accepted, {rejected} rejected, {waiting} waiting, {incidents} with an incident"))
    }
}

/// A port of loopback for an engine: the usual one, or any that is free.
///
/// # Errors
/// None is free.
pub(crate) fn free_port() -> Result<u16> {
    let usual = TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL_PORT));
    let listener = usual.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).context("no free loopback port")?;
    Ok(listener.local_addr().context("the address of a bound port")?.port())
}
