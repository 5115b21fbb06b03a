//! `cargo xtask demo`: the host at work on a real engine, with the example plugin.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use fetchlock_harness::engine_client::HistoryState;
use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_harness::guests::target_dir;
use fetchlock_harness::operaton::{Operaton, OperatonOptions};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::cargo::{cargo, root, run as run_command};
use crate::orders::{Expected, Order};
use crate::{guests, prerequisites};

/// How often the endless demo places an order: slow enough to read along.
const PACE: Duration = Duration::from_millis(400);

/// How often the endless demo prints a summary.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// Of this many orders of the endless demo, one has no amount and fails.
const BROKEN_EVERY: usize = 25;

/// How long `--once` waits for all orders: compiling the plugin takes seconds, the orders less.
const ONCE_DEADLINE: Duration = Duration::from_secs(120);

/// How often the orders of `--once` are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How long the host may take to stop: a little more than it gives its own deliveries.
const STOP_DEADLINE: Duration = Duration::from_secs(45);

/// Options of `cargo xtask demo`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Place a number of orders, check how each of them ended, and exit
    #[arg(long)]
    once: bool,
    /// How many orders are placed (with --once), or placed at the beginning (without)
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    instances: u32,
}

/// Builds what is needed and runs the demo.
///
/// # Errors
/// Something is missing or does not build, the engine or the host does not start, or an order ended otherwise than
/// expected.
pub(crate) fn run(options: &Options) -> Result<()> {
    prerequisites::ensure(&[prerequisites::RUST, prerequisites::ENGINE])?;
    // The whole workspace, as the tests build it: with another selection cargo would compile wasmtime once more.
    run_command(&mut cargo(&["build", "--workspace", "--locked"]))?;
    guests::build(&[guests::EXAMPLE])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("an async runtime")?;
    let shown = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let stop = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        show(options, stop).await
    });
    // A build of the engine that was interrupted is not waited for.
    runtime.shutdown_background();
    shown
}

/// Starts engine and host, shows the orders, and stops both, whichever way it ends.
async fn show(options: &Options, stop: impl Future<Output = ()>) -> Result<()> {
    tokio::pin!(stop);
    println!("== starting Operaton (the first time Maven downloads it)");
    let engine = tokio::select! {
        engine = Operaton::start(OperatonOptions::default()) => engine?,
        () = &mut stop => bail!("stopped before the engine was up"),
    };
    println!("== Operaton answers at {}", engine.base_url());
    let mut host = Fetchlock::builder(target_dir()?.join("debug").join("fetchlock"))
        .engine(engine.base_url())
        .plugins_dir(&root().join("plugins"))
        .on_terminal()
        .start()?;
    let count = usize::try_from(options.instances).context("the number of orders")?;
    let shown = tokio::select! {
        shown = work(&engine, &mut host, count, options.once) => shown,
        () = &mut stop => Ok(()),
    };
    let interrupted =
        options.once && shown.is_ok() && engine.finished_count("order").await? < u64::from(options.instances);
    println!("== stopping");
    let stopped = stop_host(&mut host).await;
    if let Ok(summary) = summary(&engine).await {
        println!("== {summary}");
    }
    shown.and(stopped)?;
    if interrupted {
        bail!("stopped before every order had ended");
    }
    Ok(())
}

async fn work(engine: &Operaton, host: &mut Fetchlock, count: usize, once: bool) -> Result<()> {
    let orders: Vec<Order> = (0..count).map(Order::numbered).collect();
    let instances = engine.start_instances("order", count, |number| orders[number].variables.clone()).await?;
    println!("== {count} orders placed");
    if once {
        let placed: Vec<(Order, String)> = orders.into_iter().zip(instances).collect();
        return check_all(engine, host, &placed).await;
    }
    println!("== more follow until Ctrl-C; change plugins/check-payment.wasm or .toml meanwhile");
    go_on(engine, host, count).await
}

/// Places orders until the host is gone.
async fn go_on(engine: &Operaton, host: &mut Fetchlock, placed: usize) -> Result<()> {
    let mut pace = interval(PACE);
    // After a pause of the machine no burst is wanted.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_summary = Instant::now();
    for number in placed.. {
        pace.tick().await;
        ensure_running(host)?;
        let order = if number % BROKEN_EVERY == 0 { Order::broken() } else { Order::numbered(number) };
        engine.start_instance("order", None, &order.variables).await?;
        if last_summary.elapsed() >= SUMMARY_INTERVAL {
            last_summary = Instant::now();
            println!("== {}", summary(engine).await?);
        }
    }
    Ok(())
}

/// Waits until all orders have ended, and prints how.
async fn check_all(engine: &Operaton, host: &mut Fetchlock, placed: &[(Order, String)]) -> Result<()> {
    let begun = Instant::now();
    let ended = || async {
        let count = engine.finished_count("order").await?;
        anyhow::Ok(usize::try_from(count).is_ok_and(|count| count >= placed.len()))
    };
    while !ended().await? && begun.elapsed() < ONCE_DEADLINE {
        ensure_running(host)?;
        sleep(LOOK_INTERVAL).await;
    }
    let took = begun.elapsed();

    println!("\n{:>3}  {:<18} {:>9}  {:<9}  result", "#", "order", "amount", "expected");
    let mut wrong = Vec::new();
    for (number, (order, instance)) in placed.iter().enumerate() {
        let result = match engine.history_state(instance).await? {
            HistoryState::Completed => order.check(engine, instance).await,
            other => Err(unfinished(engine, instance, &other).await),
        };
        let shown = match &result {
            Ok(()) => "as expected".to_owned(),
            Err(error) => format!("WRONG: {error:#}"),
        };
        let expected = order.expected.end_event().unwrap_or("incident");
        println!("{:>3}  {:<18} {:>9.2}  {expected:<9}  {shown}", number + 1, order.title, order.amount);
        if let Err(error) = result {
            wrong.push(format!("order {} ({}, instance {instance}): {error:#}", number + 1, order.title));
        }
    }
    println!();
    if !wrong.is_empty() {
        bail!("{} of {} orders did not end as expected:\n  {}", wrong.len(), placed.len(), wrong.join("\n  "));
    }
    let accepted = placed.iter().filter(|(order, _)| order.expected == Expected::Accepted).count();
    let rejected = placed.len() - accepted;
    println!("== {accepted} accepted, {rejected} rejected, all as expected, {took:.1?} after the last was placed");
    Ok(())
}

/// Why an order has not ended, as far as the engine knows.
async fn unfinished(engine: &Operaton, instance: &str, state: &HistoryState) -> anyhow::Error {
    let tasks = engine.external_tasks(&json!({"processInstanceId": instance})).await.unwrap_or_default();
    let task = tasks.first().map(|task| {
        format!("its task: worker {}, retries {}, error {}", task["workerId"], task["retries"], task["errorMessage"])
    });
    anyhow::anyhow!(
        "not ended within {ONCE_DEADLINE:?} but {state:?}; {}",
        task.unwrap_or_else(|| "no task".to_owned())
    )
}

fn ensure_running(host: &mut Fetchlock) -> Result<()> {
    if !host.is_running() {
        bail!("fetchlock ended by itself; its last words are above");
    }
    Ok(())
}

/// How the orders stand, in one line.
async fn summary(engine: &Operaton) -> Result<String> {
    let ended_at = |event: &'static str| async move {
        // Only the process `order` has these end events.
        let path = format!("/history/activity-instance/count?activityId={event}&finished=true");
        let found = engine.get(&path).await?;
        found["count"].as_u64().context("the engine answered no count")
    };
    let (accepted, rejected) = (ended_at("accepted").await?, ended_at("rejected").await?);
    let waiting = engine.external_task_count(&json!({"topicName": "check-payment", "withRetriesLeft": true})).await?;
    let incidents = engine.external_task_count(&json!({"topicName": "check-payment", "noRetriesLeft": true})).await?;
    Ok(format!("orders: {accepted} accepted, {rejected} rejected, {waiting} waiting, {incidents} with an incident"))
}

/// Ends the host as a supervisor does, and expects it to go in order.
async fn stop_host(host: &mut Fetchlock) -> Result<()> {
    if !host.is_running() {
        // Why is told by whoever noticed it.
        return Ok(());
    }
    host.sigterm()?;
    let status = host.wait_exit(STOP_DEADLINE).await?;
    if !status.success() {
        bail!("fetchlock did not stop in order after SIGTERM: {status}");
    }
    Ok(())
}
