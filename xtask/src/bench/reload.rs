//! Reload: from the rename of a new file to the first task served by it, for the Rust example. Every file has other
//! bytes, so each is compiled anew.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fetchlock_harness::engine_client::EngineClient;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::components;
use super::engine::{Engine, Kind};
use super::figure::{Figure, Findings};
use super::host::{self, Home, TELLING};
use super::statistics::{median, quantile};
use crate::cargo::root;

/// How often a task is started meanwhile: the first that the new version serves is late by no more than this.
const PACE: Duration = Duration::from_millis(5);

/// Between two reloads: the work of the one before is over.
const PAUSE: Duration = Duration::from_millis(500);

/// The goal, in milliseconds.
const GOAL_MS: f64 = 300.0;

const TOPIC: &str = "check-payment";

pub(super) async fn measure(quick: bool) -> Result<Findings> {
    let count: u32 = if quick { 3 } else { 30 };
    let engine = Engine::start(Kind::Embedded).await?;
    let home = Home::new()?;
    let manifest = root().join("guest-examples/check-payment/plugin/check-payment.toml");
    fs::copy(&manifest, home.plugins().join("check-payment.toml")).context("the example's manifest")?;
    home.put(TOPIC, &components::numbered("check-payment", 0)?)?;
    let host = home.start(engine.base_url(), TELLING)?;
    host::await_serving(&host, TOPIC).await?;
    engine.start_instance(TOPIC, None, &order()).await?;
    let mut seen = vec![host::await_new_version(&host, &[]).await?];
    let mut findings = Findings::default();
    let mut times = Vec::new();
    for number in 1..=count {
        sleep(PAUSE).await;
        components::lay_ready(home.plugins(), TOPIC, &components::numbered("check-payment", number)?)?;
        let began = Instant::now();
        components::swap_in(home.plugins(), TOPIC)?;
        let version = tokio::select! {
            version = host::await_new_version(&host, &seen) => version?,
            failed = start_tasks(&engine) => return Err(failed),
        };
        let took = began.elapsed().as_secs_f64() * 1e3;
        let compiled =
            host.await_log(|line| line["message"] == "plugin serving" && line["version"] == version, host::SOON);
        let compiled = compiled.await?["compiled_ms"].clone();
        findings.row(json!({"reload": number, "ms": (took * 10.0).round() / 10.0, "of-it-compiling-ms": compiled}));
        seen.push(version);
        times.push(took);
    }
    host::stop(host).await?;
    let (middle, worst) = (median(&times), quantile(&times, 1.0));
    let what =
        format!("reload of the Rust example: rename to the first task served by it, {count} times, compiled each");
    let found = format!("median {middle:.0} ms, worst {worst:.0} ms");
    findings.figures.push(Figure::new(what, found).goal("under 300 ms", middle < GOAL_MS));
    Ok(findings)
}

/// Starts tasks until it is dropped or fails.
async fn start_tasks(engine: &EngineClient) -> anyhow::Error {
    loop {
        if let Err(error) = engine.start_instance(TOPIC, None, &order()).await {
            return error;
        }
        sleep(PACE).await;
    }
}

/// An order that is paid.
fn order() -> Value {
    json!({
        "amount": {"type": "Double", "value": 60.0},
        "currency": {"type": "String", "value": "EUR"},
        "card": {"type": "String", "value": "4111 1111 1111 1111"},
    })
}
