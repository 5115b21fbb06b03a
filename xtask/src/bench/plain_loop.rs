//! The plain loop: fetch and lock a batch, complete its tasks, and again. No sandbox, no journal, no limits; what the
//! engine itself can do. It runs as a process of its own, optimised, until it is killed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

/// How long tasks are locked, and a request may be parked. A run is over sooner.
const LOCK_MS: u64 = 60_000;
const POLL_MS: u64 = 5_000;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The worker id; one loop works at a time.
const WORKER: &str = "plain-loop";

/// Options of `cargo xtask plain-loop`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The engine's base URL
    #[arg(long)]
    pub(super) url: String,
    /// The topic
    #[arg(long)]
    pub(super) topic: String,
    /// Tasks of one fetch
    #[arg(long)]
    pub(super) batch: usize,
    /// Tasks that are completed at once
    #[arg(long)]
    pub(super) at_once: usize,
}

#[derive(Deserialize)]
struct Task {
    id: String,
}

/// Works until the process is killed.
///
/// # Errors
/// The engine does not answer, or answers with an error.
pub(crate) async fn work(options: &Options) -> Result<()> {
    // Somebody else in this process may have been first, with the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build().context("an HTTP client")?;
    let base: Arc<str> = format!("{}/external-task", options.url).into();
    let fetch = json!({
        "workerId": WORKER, "maxTasks": options.batch, "usePriority": true, "asyncResponseTimeout": POLL_MS,
        "topics": [{"topicName": options.topic, "lockDuration": LOCK_MS}],
    });
    loop {
        let answer = http.post(format!("{base}/fetchAndLock")).json(&fetch).send().await.context("a fetch")?;
        let tasks: Vec<Task> = answer.error_for_status()?.json().await.context("the answer to a fetch")?;
        let mut running = JoinSet::new();
        for task in tasks {
            if running.len() >= options.at_once {
                running.join_next().await.context("one is running")???;
            }
            running.spawn(complete(http.clone(), base.clone(), task));
        }
        for completed in running.join_all().await {
            completed?;
        }
    }
}

async fn complete(http: reqwest::Client, base: Arc<str>, task: Task) -> Result<()> {
    let body = json!({"workerId": WORKER});
    let answer = http.post(format!("{base}/{}/complete", task.id)).json(&body).send().await.context("a completion")?;
    let status = answer.status();
    ensure!(status.is_success(), "completing was answered {status}: {}", answer.text().await.unwrap_or_default());
    Ok(())
}
