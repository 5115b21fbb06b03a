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
    // An extension under way must not lock it again behind the unlock.
    let calls = desk.held.calls(task).unwrap_or_default();
    let _turn = calls.lock().await;
    let worker = desk.held.worker(task);
    desk.held.remove(task);
    if let Some(worker) = worker {
        give_back(desk, task, &worker).await;
    }
}

/// Unlocks a task if this worker id holds it; if the engine does not answer, its lock will expire.
pub(super) async fn give_back(desk: &Desk, task: &TaskId, worker: &WorkerId) {
    // There may be as many as were fetched ahead. Closed never.
    let Ok(_permit) = desk.deliveries.acquire().await else { return };
    for attempt in 1..=TRIES {
        match unlock(desk, task, worker).await {
            Ok(()) => return,
            Err(error) if attempt == TRIES => {
                tracing::warn!(%task, %error, "a task could not be given back; its lock will expire");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Unlocks a task if this worker id holds it. It is no error if it does not (any more): then there is nothing to give
/// back.
pub(super) async fn unlock(desk: &Desk, task: &TaskId, worker: &WorkerId) -> Result<(), EngineError> {
    match desk.engine.extend_lock(task, worker, PROOF).await {
        Ok(()) => {}
        Err(EngineError::TaskGone { .. } | EngineError::OtherWorker { .. } | EngineError::LockExpired { .. }) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    match desk.engine.unlock(task).await {
        Err(EngineError::TaskGone { .. }) => Ok(()),
        other => other,
    }
}
