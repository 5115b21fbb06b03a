//! The lock keeper: extends the locks of all tasks that are held, whatever their phase, and tells those whose lock is
//! lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{Desk, held::Renewal};
use crate::engine::EngineError;

/// Extensions at once. They come in the batches of their fetches.
const AT_ONCE: usize = 8;

/// After an extension that failed for a passing reason.
const AGAIN: Duration = Duration::from_secs(1);

/// While the task's instance is suspended, which an operator ends.
const SUSPENDED_AGAIN: Duration = Duration::from_secs(10);

/// When no lock is held.
const IDLE: Duration = Duration::from_secs(3600);

/// Keeps locks until the worker gives up.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut renewals = JoinSet::new();
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let now = Instant::now();
        let (due, next) = desk.held.due(now);
        for renewal in due {
            let (desk, at_once) = (desk.clone(), at_once.clone());
            renewals.spawn(async move {
                // Closed never.
                if let Ok(_permit) = at_once.acquire().await {
                    renew(&desk, renewal).await;
                }
            });
        }
        tokio::select! {
            () = desk.abandon.cancelled() => return,
            () = desk.held.changed.notified() => {}
            Some(ended) = renewals.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "an extension of a lock failed inside the host");
                }
            }
            () = tokio::time::sleep_until(next.unwrap_or(now + IDLE).into()) => {}
        }
    }
}

async fn renew(desk: &Desk, Renewal { task, worker, duration }: Renewal) {
    let sent = Instant::now();
    let extended = match desk.engine.extend_lock(&task, &worker, duration).await {
        // Nobody may have fetched it meanwhile: then it is still ours to lock.
        Err(EngineError::LockExpired { .. }) => desk.engine.lock(&task, &worker, duration).await,
        other => other,
    };
    match extended {
        Ok(()) => {
            desk.health.took(sent.elapsed());
            desk.held.renewed(&task, sent + duration);
        }
        Err(EngineError::TaskGone { .. }) => {
            tracing::info!(%task, "the task is gone from the engine: its invocation is cancelled");
            desk.held.lose(&task);
        }
        Err(EngineError::OtherWorker { message }) => {
            // A fetch of another lane may have brought it to us again.
            if desk.held.worker(&task).is_some_and(|now| now != worker) {
                return;
            }
            tracing::warn!(%task, message, "another worker holds the task: its invocation is cancelled");
            desk.held.lose(&task);
        }
        // Nobody else can have it while its instance is suspended.
        Err(EngineError::Suspended { message }) => {
            tracing::debug!(%task, message, "a lock cannot be extended while its instance is suspended");
            desk.held.renew_at(&task, Instant::now() + SUSPENDED_AGAIN);
        }
        Err(error) => {
            tracing::warn!(%task, %error, "a lock could not be extended; trying again");
            desk.held.renew_at(&task, Instant::now() + AGAIN);
        }
    }
}
