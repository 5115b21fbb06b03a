//! Giving a task back: first an extension of the lock, which the engine grants to its holder only, then the unlock,
//! which it grants to everybody. A bare unlock could free somebody else's task.

use std::time::Duration;

use super::Desk;
use crate::{
    engine::EngineError,
    task::{TaskId, WorkerId},
};

/// How long the proof of ownership holds: the time for the unlock to arrive.
const PROOF: Duration = Duration::from_secs(10);

/// How often a release is tried. If all fail the lock expires by itself.
const TRIES: usize = 3;

/// Between tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets a held task go and releases it. In this order: an unlocked task may come back before the engine's answer does.
pub(super) async fn release(desk: &Desk, task: &TaskId) {
    let worker = desk.held.worker(task);
    desk.held.remove(task);
    if let Some(worker) = worker {
        unlock(desk, task, &worker).await;
    }
}

/// Unlocks a task if this worker id holds it.
pub(super) async fn unlock(desk: &Desk, task: &TaskId, worker: &WorkerId) {
    for attempt in 1..=TRIES {
        match try_unlock(desk, task, worker).await {
            Ok(()) => return,
            // Not ours (any more): nothing to give back.
            Err(EngineError::TaskGone { .. } | EngineError::OtherWorker { .. } | EngineError::LockExpired { .. }) => {
                return;
            }
            Err(error) if attempt == TRIES => {
                tracing::warn!(%task, %error, "a task could not be given back; its lock will expire");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn try_unlock(desk: &Desk, task: &TaskId, worker: &WorkerId) -> Result<(), EngineError> {
    desk.engine.extend_lock(task, worker, PROOF).await?;
    desk.engine.unlock(task).await
}
