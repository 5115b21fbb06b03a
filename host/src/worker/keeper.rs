//! The lock keeper: extends the locks of all tasks that are held, whatever their phase, and tells those whose lock is
//! lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{Desk, held::Renewal};
use crate::engine::{AfterExtension, Disposition};

/// Extensions at once. They come in the batches of their fetches.
const AT_ONCE: usize = 8;

/// After an extension that failed for a passing reason.
const AGAIN: Duration = Duration::from_secs(1);

/// Over how many milliseconds the next tries are spread, for locks were taken in batches.
const AGAIN_JITTER_MS: u64 = 1_000;

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
    let Some(calls) = desk.held.calls(&task) else { return };
    let _turn = calls.lock().await;
    // It may have been decided, lost or fetched again while this waited.
    if !desk.held.is_renewable(&task, &worker) {
        return;
    }
    let sent = Instant::now();
    let extended = match desk.engine.extend_lock(&task, &worker, duration).await {
        // Nobody may have fetched it meanwhile: then it is still ours to lock.
        Err(expired) if expired.treatment().extension == AfterExtension::LockAgain => {
            desk.engine.lock(&task, &worker, duration).await
        }
        other => other,
    };
    let error = match extended {
        Ok(()) => {
            desk.health.answered();
            desk.health.took(sent.elapsed());
            desk.held.renewed(&task, sent + duration);
            return;
        }
        Err(error) => error,
    };
    desk.health.missed(&error, sent);
    match error.treatment().extension {
        AfterExtension::Lost => {
            tracing::info!(%task, "the task is gone from the engine: its invocation is cancelled");
            desk.held.lose(&task);
        }
        AfterExtension::WhoHolds => {
            // A fetch of ours may have locked it again, with its answer still on the way or lost.
            match desk.our_id_that_holds(&task).await {
                Ok(Some(ours)) => desk.held.found_under(&task, &ours),
                Ok(None) => {
                    tracing::warn!(%task, %error, "another worker holds the task: its invocation is cancelled");
                    desk.held.lose(&task);
                }
                Err(error) => {
                    tracing::debug!(%task, %error, "the engine does not tell who holds a task");
                    desk.held.renew_at(&task, Instant::now() + AGAIN);
                }
            }
        }
        // Nobody else can have it while its instance is suspended.
        AfterExtension::Later => {
            tracing::debug!(%task, %error, "a lock cannot be extended while its instance is suspended");
            desk.held.renew_at(&task, Instant::now() + SUSPENDED_AGAIN);
        }
        // The lock expired once more between the two calls.
        AfterExtension::LockAgain | AfterExtension::Again => {
            // What keeps outcomes waiting is told once by whoever polls, not again for each lock.
            if error.disposition() == Disposition::Retry {
                tracing::debug!(%task, %error, "a lock could not be extended; trying again");
            } else {
                tracing::warn!(%task, %error, "a lock could not be extended; trying again");
            }
            let jitter = Duration::from_millis(fastrand::u64(0..AGAIN_JITTER_MS));
            desk.held.renew_at(&task, Instant::now() + AGAIN + jitter);
        }
    }
}
