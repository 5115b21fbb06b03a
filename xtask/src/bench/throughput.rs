//! Tasks per second: the host with a handler that only completes, beside the plain loop, on the same engine.
//!
//! Each run has a topic of its own, whose tasks are all there before its worker is started. The engine tells when each
//! instance ended: the rate is that of all completions between the first and the last, so that the start of neither
//! worker counts. Runs alternate, and each pair begins with the other side, because an engine's speed drifts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

use super::engine::{Engine, Kind};
use super::figure::{Figure, Findings};
use super::host::{self, Home, QUIET};
use super::process::{self, Usage, mib};
use super::statistics::median;
use super::{components, release_binary};

/// How often the engine is asked how far it is: each answer costs it a few milliseconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How long a run may take: ten times what the slowest known engine needs.
const RUN_DEADLINE: Duration = Duration::from_secs(300);

/// Batches, and completions at once, with which the plain loop is tried; it runs with the fastest.
const CANDIDATES: [(usize, usize); 4] = [(50, 8), (100, 8), (100, 16), (200, 16)];

/// The share of the plain loop's rate that the host is to reach.
const GOAL: f64 = 0.9;

/// How much is measured.
struct Extent {
    pairs: usize,
    tasks: usize,
    /// Rounds through [`CANDIDATES`] with a run of the host each: they choose, and warm the engine up. A Java machine
    /// speeds up over its first ten thousand tasks.
    warm_ups: usize,
}

impl Extent {
    fn of(kind: Kind, quick: bool) -> Self {
        match (kind, quick) {
            (_, true) => Self { pairs: 2, tasks: 500, warm_ups: 1 },
            (Kind::Embedded, false) => Self { pairs: 9, tasks: 6_000, warm_ups: 1 },
            (Kind::Operaton, false) => Self { pairs: 9, tasks: 3_000, warm_ups: 2 },
        }
    }
}

/// Who works.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Host,
    Plain { batch: usize, at_once: usize },
}

/// What a run found.
struct Run {
    rate: f64,
    /// Of the worker, from the moment when it could begin.
    cpu_us_per_task: f64,
    usage: Usage,
}

pub(super) async fn measure(kind: Kind, quick: bool) -> Result<Findings> {
    let extent = Extent::of(kind, quick);
    let mut bench = Bench { engine: Engine::start(kind).await?, home: Home::new()?, runs: 0, tasks: extent.tasks };
    let mut findings = Findings::default();
    let plain = bench.warm_up(extent.warm_ups, &mut findings).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for pair in 0..extent.pairs {
        let sides = if pair % 2 == 0 { [Side::Host, plain] } else { [plain, Side::Host] };
        for side in sides {
            let run = bench.run(side).await?;
            findings.row(row("measured", side, &run));
            if side == Side::Host { ours.push(run) } else { theirs.push(run) }
        }
    }
    findings.figures = figures(kind, plain, &ours, &theirs);
    Ok(findings)
}

struct Bench {
    engine: Engine,
    home: Home,
    runs: usize,
    tasks: usize,
}

impl Bench {
    /// Lets every candidate and the host work; the fastest candidate.
    async fn warm_up(&mut self, rounds: usize, findings: &mut Findings) -> Result<Side> {
        let mut best = None;
        for _ in 0..rounds {
            for (batch, at_once) in CANDIDATES {
                let side = Side::Plain { batch, at_once };
                let run = self.run(side).await?;
                findings.row(row("warm-up", side, &run));
                if best.is_none_or(|(rate, _)| run.rate > rate) {
                    best = Some((run.rate, side));
                }
            }
            let run = self.run(Side::Host).await?;
            findings.row(row("warm-up", Side::Host, &run));
        }
        best.map(|(_, side)| side).context("a candidate for the plain loop")
    }

    async fn run(&mut self, side: Side) -> Result<Run> {
        self.runs += 1;
        let topic = format!("run-{}", self.runs);
        self.engine.know(&topic).await?;
        self.engine.start_instances(&topic, self.tasks, |_| json!({})).await?;
        let (cpu, usage) = match side {
            Side::Host => self.work_as_host(&topic).await?,
            Side::Plain { batch, at_once } => self.work_plainly(&topic, batch, at_once).await?,
        };
        let cpu_us_per_task = cpu.as_secs_f64() * 1e6 / self.tasks as f64;
        Ok(Run { rate: self.rate(&topic).await?, cpu_us_per_task, usage })
    }

    async fn work_as_host(&self, topic: &str) -> Result<(Duration, Usage)> {
        self.home.put(topic, &components::numbered("trivial", 0)?)?;
        let host = self.home.start(self.engine.base_url(), QUIET)?;
        host::await_serving(&host, topic).await?;
        let before = host::usage(&host)?.cpu;
        self.await_all(topic).await?;
        let usage = host::usage(&host)?;
        host::stop(host).await?;
        self.home.remove(topic)?;
        Ok((usage.cpu.saturating_sub(before), usage))
    }

    async fn work_plainly(&self, topic: &str, batch: usize, at_once: usize) -> Result<(Duration, Usage)> {
        let mut child = Command::new(release_binary("xtask")?)
            .args(["plain-loop", "--url", self.engine.base_url(), "--topic", topic])
            .args(["--batch", &batch.to_string(), "--at-once", &at_once.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the plain loop")?;
        let pid = child.id().context("the plain loop has ended")?;
        self.await_all(topic).await?;
        let usage = process::usage(pid)?;
        child.kill().await.context("ending the plain loop")?;
        Ok((usage.cpu, usage))
    }

    async fn await_all(&self, topic: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let finished = self.engine.finished_count(topic).await?;
            if usize::try_from(finished).is_ok_and(|finished| finished >= self.tasks) {
                return Ok(());
            }
            if begun.elapsed() > RUN_DEADLINE {
                bail!("{finished} of {} tasks were completed within {RUN_DEADLINE:?}", self.tasks);
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Completions per second, between the first and the last.
    async fn rate(&self, topic: &str) -> Result<f64> {
        let path = format!("/history/process-instance?processDefinitionKey={topic}&finished=true");
        let Value::Array(instances) = self.engine.get(&path).await? else { bail!("a list of instances is expected") };
        let ends = instances.iter().map(|instance| {
            let text = instance["endTime"].as_str().context("an instance without an end")?;
            let end = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text);
            end.with_context(|| format!("the engine's date {text}"))
        });
        let ends = ends.collect::<Result<Vec<_>>>()?;
        let (first, last) = (ends.iter().min().context("no instances")?, ends.iter().max().context("no instances")?);
        let seconds = last.duration_since(*first).as_secs_f64();
        Ok((ends.len() - 1) as f64 / seconds)
    }
}

fn row(phase: &str, side: Side, run: &Run) -> Value {
    let worker = match side {
        Side::Host => json!("fetchlock"),
        Side::Plain { batch, at_once } => json!({"plain-loop": {"batch": batch, "at-once": at_once}}),
    };
    json!({
        "phase": phase, "worker": worker, "tasks-per-second": rounded(run.rate),
        "cpu-us-per-task": rounded(run.cpu_us_per_task), "rss-kib": run.usage.rss_kib, "peak-kib": run.usage.peak_kib,
    })
}

fn figures(kind: Kind, plain: Side, ours: &[Run], theirs: &[Run]) -> Vec<Figure> {
    let of = |runs: &[Run], what: fn(&Run) -> f64| median(&runs.iter().map(what).collect::<Vec<_>>());
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(our, their)| our.rate / their.rate).collect();
    let ratio = median(&ratios);
    let loop_title = match plain {
        Side::Plain { batch, at_once } => format!("plain loop (batches of {batch}, {at_once} completions at once)"),
        Side::Host => "plain loop".to_owned(),
    };
    let on = kind.title();
    let goal = |figure: Figure| match kind {
        Kind::Operaton => figure.goal("at least 0.90", ratio >= GOAL),
        Kind::Embedded => figure,
    };
    let usage = |runs: &[Run]| {
        let (rss, peak) = (of(runs, |run| run.usage.rss_kib as f64), of(runs, |run| run.usage.peak_kib as f64));
        format!(
            "{:.0} µs, {}, peak {}",
            of(runs, |run| run.cpu_us_per_task),
            mib(rss.round() as u64),
            mib(peak.round() as u64)
        )
    };
    vec![
        Figure::new(format!("throughput on {on}: fetchlock"), format!("{:.0} tasks/s", of(ours, |run| run.rate))),
        Figure::new(format!("throughput on {on}: {loop_title}"), format!("{:.0} tasks/s", of(theirs, |run| run.rate))),
        goal(Figure::new(
            format!("fetchlock ÷ plain loop on {on}, median of {} pairs", ratios.len()),
            format!("{ratio:.2}"),
        )),
        Figure::new(format!("client's processor time for a task, resident memory on {on}: fetchlock"), usage(ours)),
        Figure::new(format!("client's processor time for a task, resident memory on {on}: plain loop"), usage(theirs)),
    ]
}

/// One decimal is more than a noisy machine can tell.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
