//! Resident memory of the host: with one plugin and with a hundred, each of which has run a task, and over a thousand
//! reloads of one plugin. Every component has other bytes, so each is compiled, and none shares its code.

use anyhow::Result;
use serde_json::json;

use super::components;
use super::engine::{Engine, Kind};
use super::figure::{Figure, Findings};
use super::host::{self, Home, QUIET, TELLING};
use super::process::mib;
use super::statistics;

/// The component whose copies are loaded: the Rust example is larger than most handlers of that language.
const COMPONENT: &str = "check-payment";

/// How far memory may grow between the first reloads and the last.
const GROWTH_GOAL: f64 = 0.10;

const TOPIC: &str = "reloaded";

pub(super) async fn measure(quick: bool) -> Result<Findings> {
    let (plugins, reloads) = if quick { (10, 20) } else { (100, 1_000) };
    let mut findings = Findings::default();
    many_plugins(plugins, &mut findings).await?;
    many_reloads(reloads, &mut findings).await?;
    Ok(findings)
}

async fn many_plugins(count: u32, findings: &mut Findings) -> Result<()> {
    let engine = Engine::start(Kind::Embedded).await?;
    let home = Home::new()?;
    let host = home.start(engine.base_url(), QUIET)?;
    for number in 1..=count {
        let topic = format!("plugin-{number}");
        home.put(&topic, &components::numbered(COMPONENT, number)?)?;
        host::await_serving(&host, &topic).await?;
        run_one(&engine, &topic).await?;
        if number == 1 || number == count {
            let usage = host::usage(&host)?;
            findings.row(json!({"plugins": number, "rss-kib": usage.rss_kib, "peak-kib": usage.peak_kib}));
            let what = format!("resident memory, plugins loaded and run once: {number}");
            let found = format!("{}, peak {}", mib(usage.rss_kib), mib(usage.peak_kib));
            findings.figures.push(Figure::new(what, found));
        }
    }
    host::stop(host).await
}

async fn many_reloads(count: u32, findings: &mut Findings) -> Result<()> {
    let engine = Engine::start(Kind::Embedded).await?;
    let home = Home::new()?;
    home.put(TOPIC, &components::numbered(COMPONENT, 0)?)?;
    let host = home.start(engine.base_url(), TELLING)?;
    host::await_serving(&host, TOPIC).await?;
    run_one(&engine, TOPIC).await?;
    let mut seen = vec![host::await_new_version(&host, &[]).await?];
    let step = count / 10;
    let (mut readings, mut medians) = (Vec::new(), Vec::new());
    for number in 1..=count {
        home.put(TOPIC, &components::numbered(COMPONENT, number)?)?;
        let serves = |line: &serde_json::Value| {
            line["message"] == "plugin serving"
                && line["version"].as_str().is_some_and(|it| seen.iter().all(|old| old != it))
        };
        host.await_log(serves, host::SOON).await?;
        // A task that the new version has served, or else this waits in vain.
        run_one(&engine, TOPIC).await?;
        seen.push(host::await_new_version(&host, &seen).await?);
        let usage = host::usage(&host)?;
        readings.push(usage.rss_kib as f64);
        if number % step == 0 {
            // The half of them before now: a single reading swings with what the compiler has just freed.
            let median = statistics::median(&readings[readings.len() - step as usize / 2..]);
            let peak = usage.peak_kib;
            findings.row(json!({"reloads": number, "median-rss-kib": median, "peak-kib": peak}));
            medians.push(median);
        }
    }
    host::stop(host).await?;
    let (Some(first), Some(last)) = (medians.first(), medians.last()) else { return Ok(()) };
    let growth = last / first - 1.0;
    let what = format!(
        "resident memory after {step} and after {count} reloads of one plugin, a task after each; medians of {} readings",
        step / 2
    );
    let found = format!("{} and {}: {:+.1} %", mib(*first as u64), mib(*last as u64), growth * 100.0);
    findings.figures.push(Figure::new(what, found).goal("no growth beyond 10 %", growth <= GROWTH_GOAL));
    Ok(())
}

/// Starts an instance whose order is paid, and waits for its end.
async fn run_one(engine: &Engine, topic: &str) -> Result<()> {
    let order = json!({
        "amount": {"type": "Double", "value": 60.0},
        "card": {"type": "String", "value": "4111 1111 1111 1111"},
    });
    let instance = engine.start_instance(topic, None, &order).await?;
    let begun = std::time::Instant::now();
    while !engine.instance_ended(&instance).await? {
        anyhow::ensure!(begun.elapsed() < host::SOON, "the task of {topic} was not completed");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(())
}
