//! Idle latency: a task is created while the host's request is parked at the engine, one at a time, and completed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::sleep;

use super::components;
use super::engine::{Engine, Kind};
use super::figure::{Figure, Findings};
use super::host::{self, Home, QUIET};
use super::statistics::quantile;

/// Between two tasks, so that the host is idle again and its next request is parked.
const PAUSE: Duration = Duration::from_millis(60);

/// Between two questions whether the instance has ended; asking an idle engine costs it processor time that the
/// completion needs.
fn look_interval(kind: Kind) -> Duration {
    match kind {
        Kind::Embedded => Duration::from_millis(1),
        Kind::Operaton => Duration::from_millis(5),
    }
}

const TOPIC: &str = "idle";

pub(super) async fn measure(quick: bool) -> Result<Findings> {
    let mut findings = Findings::default();
    for kind in [Kind::Embedded, Kind::Operaton] {
        let (warm_up, count) = if quick { (5, 30) } else { (200, 500) };
        one_by_one(kind, warm_up, count, &mut findings).await?;
    }
    Ok(findings)
}

async fn one_by_one(kind: Kind, warm_up: usize, count: usize, findings: &mut Findings) -> Result<()> {
    let engine = Engine::start(kind).await?;
    engine.know(TOPIC).await?;
    let home = Home::new()?;
    home.put(TOPIC, &components::numbered("trivial", 0)?)?;
    let host = home.start(engine.base_url(), QUIET)?;
    host::await_serving(&host, TOPIC).await?;
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    for number in 0..warm_up + count {
        sleep(PAUSE).await;
        let (outside, inside) = one(&engine, look_interval(kind)).await?;
        if number >= warm_up {
            seen.push(outside.as_secs_f64() * 1e3);
            told.push(inside);
        }
    }
    host::stop(host).await?;
    let rounded = |values: &[f64]| values.iter().map(|ms| (ms * 100.0).round() / 100.0).collect::<Vec<_>>();
    findings.row(json!({"engine": kind.title(), "seen-from-outside-ms": rounded(&seen)}));
    findings.row(json!({"engine": kind.title(), "told-by-the-engine-ms": told}));
    let shown = |values: &[f64], decimals: usize| {
        format!("p50 {:.decimals$} ms, p99 {:.decimals$} ms", quantile(values, 0.5), quantile(values, 0.99))
    };
    let what = format!("idle latency on {}: start call to seen ended, {count} tasks one at a time", kind.title());
    findings.figures.push(Figure::new(what, shown(&seen, 1)));
    let what = format!("idle latency on {}: instance's duration by the engine's own clock", kind.title());
    findings.figures.push(Figure::new(what, shown(&told, 0)));
    Ok(())
}

/// The time from the sending of the start call until the instance is seen to have ended, and what the engine tells of
/// its duration, in milliseconds.
async fn one(engine: &Engine, interval: Duration) -> Result<(Duration, f64)> {
    let began = Instant::now();
    let instance = engine.start_instance(TOPIC, None, &json!({})).await?;
    loop {
        let found = engine.get(&format!("/history/process-instance/{instance}")).await?;
        if found["state"] == "COMPLETED" {
            let seen = began.elapsed();
            return Ok((seen, found["durationInMillis"].as_f64().context("an ended instance without a duration")?));
        }
        anyhow::ensure!(began.elapsed() < host::SOON, "the task was not completed; its instance is {found}");
        sleep(interval).await;
    }
}
