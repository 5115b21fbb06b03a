//! The sweep: tasks that are locked under an id which nobody fetches under any more. They come from a killed process,
//! or from a request that went on parking at the engine after its connection was lost.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use super::{Desk, release};
use crate::{
    engine::TaskQuery,
    journal::State,
    task::{TaskId, WorkerId},
};

/// Between two looks while there are retired ids.
const EVERY: Duration = Duration::from_secs(5);

/// Beyond the end of a parked request, for its answer to be lost.
const MARGIN: Duration = Duration::from_secs(5);

/// Retires the ids of earlier processes with this state directory.
pub(super) fn retire_predecessors(desk: &Desk) {
    let until = Instant::now() + desk.options.poll;
    for worker in desk.journal.workers(&desk.engine_name) {
        desk.retire(worker, until);
    }
}

/// Looks for what turns up under retired ids, until the worker gives up.
pub(super) async fn run(desk: Arc<Desk>) {
    loop {
        sweep(&desk).await;
        tokio::select! {
            () = desk.abandon.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Looks once more before the host exits, also under the ids that were in use.
pub(super) async fn last(desk: &Desk) {
    /// Of the whole look: a host that stops does not wait for an engine that is away.
    const AT_MOST: Duration = Duration::from_secs(3);
    let workers = desk.journal.workers(&desk.engine_name);
    let look = async {
        for worker in &workers {
            if release_left(desk, worker).await && !retired(desk).iter().any(|(id, _)| id == worker) {
                forget(desk, worker).await;
            }
        }
    };
    if tokio::time::timeout(AT_MOST, look).await.is_err() {
        tracing::warn!("the engine does not tell in time whether tasks are left locked; their locks will expire");
    }
}

fn retired(desk: &Desk) -> Vec<(WorkerId, Instant)> {
    desk.retired.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn sweep(desk: &Arc<Desk>) {
    drop_old_hand_offs(desk).await;
    for (worker, until) in retired(desk) {
        let over = Instant::now() > until + MARGIN;
        if release_left(desk, &worker).await && over {
            forget(desk, &worker).await;
            desk.retired.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != worker);
        }
    }
}

async fn forget(desk: &Desk, worker: &WorkerId) {
    if let Err(error) = desk.journal.forget_worker(&desk.engine_name, worker).await {
        tracing::warn!(%worker, %error, "a worker id stays in the journal");
    }
}

/// Gives back what is locked under an id and neither held nor decided. True if the engine told and nothing is left.
async fn release_left(desk: &Desk, worker: &WorkerId) -> bool {
    let query = TaskQuery { worker_id: Some(worker.clone()), locked: true, ..TaskQuery::default() };
    let tasks = match desk.engine.tasks(&query).await {
        Ok(tasks) => tasks,
        Err(error) => {
            tracing::debug!(%worker, %error, "the engine does not tell what is locked under a retired id");
            return false;
        }
    };
    let mut none_left = true;
    for task in tasks {
        if desk.held.contains(&task.id) || decided(desk, &task.id) {
            none_left = false;
            continue;
        }
        tracing::info!(topic = task.topic, task = %task.id, %worker, "a task was left locked: it is given back");
        release::unlock(desk, &task.id, worker).await;
    }
    none_left
}

fn decided(desk: &Desk, task: &TaskId) -> bool {
    desk.journal.find(&desk.engine_name, task).is_some()
}

/// Hand-offs whose time is over: the engine gives such a task to anybody now.
async fn drop_old_hand_offs(desk: &Desk) {
    let now = jiff::Timestamp::now().as_millisecond();
    for entry in desk.journal.entries(&desk.engine_name) {
        if matches!(entry.state, State::HandedOff(until) if until < now)
            && let Err(error) = desk.journal.forget(&desk.engine_name, &entry.task).await
        {
            tracing::warn!(task = %entry.task, %error, "an old hand-off stays in the journal");
        }
    }
}
