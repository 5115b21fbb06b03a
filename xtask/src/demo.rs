//! `cargo xtask demo`: the host at work with the example plugin, on the embedded engine or on a real one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use fetchlock_harness::engine_client::HistoryState;
use fetchlock_harness::fetchlock::Fetchlock;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::cargo::build_workspace;
use crate::orders::{Expected, Order};
use crate::stage::{EngineKind, Stage};
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
    /// The engine
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineKind::Embedded)]
    engine: EngineKind,
}

/// Builds what is needed and runs the demo.
///
/// # Errors
/// Something is missing or does not build, the engine or the host does not start, or an order ended otherwise than
/// expected.
pub(crate) fn run(options: &Options) -> Result<()> {
    match options.engine {
        EngineKind::Embedded => prerequisites::ensure(&[prerequisites::RUST])?,
        EngineKind::Operaton => prerequisites::ensure(&[prerequisites::RUST, prerequisites::ENGINE])?,
    }
    build_workspace()?;
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
    let mut stage = tokio::select! {
        stage = Stage::set(options.engine) => stage?,
        () = &mut stop => bail!("stopped before the engine was up"),
    };
    let count = usize::try_from(options.instances).context("the number of orders")?;
    let shown = tokio::select! {
        shown = work(&mut stage, count, options.once) => shown,
        () = &mut stop => Ok(()),
    };
    let finished = stage.finished_count(stage.process()).await;
    let interrupted = options.once && shown.is_ok() && finished? < u64::from(options.instances);
    if let Ok(summary) = stage.summary().await {
        println!("== {summary}");
    }
    println!("== stopping");
    let stopped = stop_host(&mut stage.host).await;
    shown.and(stopped)?;
    if interrupted {
        bail!("stopped before every order had ended");
    }
    Ok(())
}

async fn work(stage: &mut Stage, count: usize, once: bool) -> Result<()> {
    let orders: Vec<Order> = (0..count).map(Order::numbered).collect();
    let process = stage.process();
    let instances = stage.start_instances(process, count, |number| orders[number].variables.clone()).await?;
    println!("== {count} orders placed");
    if once {
        let placed: Vec<(Order, String)> = orders.into_iter().zip(instances).collect();
        return check_all(stage, &placed).await;
    }
    println!(
        "== more follow until Ctrl-C; meanwhile change guest-examples/check-payment/src/payment.rs and run `cargo xtask guests`"
    );
    go_on(stage, count).await
}

/// Places orders until the host is gone.
async fn go_on(stage: &mut Stage, placed: usize) -> Result<()> {
    let mut pace = interval(PACE);
    // After a pause of the machine no burst is wanted.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_summary = Instant::now();
    for number in placed.. {
        pace.tick().await;
        stage.ensure_running()?;
        let order = if number % BROKEN_EVERY == 0 { Order::broken() } else { Order::numbered(number) };
        stage.start_instance(stage.process(), None, &order.variables).await?;
        if last_summary.elapsed() >= SUMMARY_INTERVAL {
            last_summary = Instant::now();
            println!("== {}", stage.summary().await?);
        }
    }
    Ok(())
}

/// Waits until all orders have ended, and prints how.
async fn check_all(stage: &mut Stage, placed: &[(Order, String)]) -> Result<()> {
    let begun = Instant::now();
    while !all_ended(stage, placed.len()).await? && begun.elapsed() < ONCE_DEADLINE {
        stage.ensure_running()?;
        sleep(LOOK_INTERVAL).await;
    }
    let took = begun.elapsed();

    println!("\n{:>3}  {:<18} {:>9}  {:<9}  result", "#", "order", "amount", "expected");
    let mut wrong = Vec::new();
    for (number, (order, instance)) in placed.iter().enumerate() {
        let result = match stage.history_state(instance).await? {
            HistoryState::Completed => order.check(stage, instance).await,
            other => Err(unfinished(stage, instance, &other).await),
        };
        let shown = match &result {
            Ok(()) => "as expected".to_owned(),
            Err(error) => format!("WRONG: {error:#}"),
        };
        let expected = order.expected.name();
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

async fn all_ended(stage: &Stage, placed: usize) -> Result<bool> {
    let count = stage.finished_count(stage.process()).await?;
    Ok(usize::try_from(count).is_ok_and(|count| count >= placed))
}

/// Why an order has not ended, as far as the engine knows.
async fn unfinished(stage: &Stage, instance: &str, state: &HistoryState) -> anyhow::Error {
    let tasks = stage.external_tasks(&json!({"processInstanceId": instance})).await.unwrap_or_default();
    let task = tasks.first().map(|task| {
        format!("its task: worker {}, retries {}, error {}", task["workerId"], task["retries"], task["errorMessage"])
    });
    anyhow::anyhow!(
        "not ended within {ONCE_DEADLINE:?} but {state:?}; {}",
        task.unwrap_or_else(|| "no task".to_owned())
    )
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
