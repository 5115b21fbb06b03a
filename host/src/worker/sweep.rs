//! The sweep: tasks that are locked under an id which nobody fetches under any more. They come from a killed process,
//! or from a request that went on parking at the engine after its connection was lost.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use bytesize::ByteSize;

use super::{Desk, Retired, release};
use crate::{
    engine::{TaskQuery, TaskSummary},
    journal::State,
    outcome::Failure,
    task::{TaskId, WorkerId},
};

/// How long a request that still parks may take to lock what was just given back, measured at 14 ms and doubled often.
const GHOSTS_AWAKE: Duration = Duration::from_millis(150);

/// Between two looks while there are retired ids.
const EVERY: Duration = Duration::from_secs(5);

/// Beyond the end of a parked request, for its answer to be lost.
const MARGIN: Duration = Duration::from_secs(5);

/// Retires the ids of earlier processes with this state directory.
pub(super) fn retire_predecessors(desk: &Desk) {
    let until = Instant::now() + desk.options.poll;
    for worker in desk.journal.workers(&desk.engine_name) {
        desk.retire(Retired { worker, until, too_large: None });
    }
}

/// Looks for what turns up under retired ids, until the worker gives up.
pub(super) async fn run(desk: Arc<Desk>) {
    let sweep_for_ever = async {
        loop {
            sweep(&desk).await;
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = desk.abandon.cancelled() => {}
        () = sweep_for_ever => {}
    }
}

/// Looks once more before the host exits, also under the ids that were in use.
pub(super) async fn last(desk: &Desk) {
    /// Of the whole look: a host that stops does not wait for an engine that is away.
    const AT_MOST: Duration = Duration::from_secs(2);
    let workers = desk.journal.workers(&desk.engine_name);
    let look = async {
        // What is given back may wake a request that was given up and still parks at the engine: look until nothing
        // more turns up.
        while !look_once(desk, &workers).await {
            tokio::time::sleep(GHOSTS_AWAKE).await;
        }
    };
    if tokio::time::timeout(AT_MOST, look).await.is_err() {
        tracing::warn!("the engine does not tell in time whether tasks are left locked; their locks will expire");
    }
}

/// True if, as far as the engine told, nothing had to be given back.
async fn look_once(desk: &Desk, workers: &[WorkerId]) -> bool {
    let mut quiet = true;
    for worker in workers {
        match release_left(desk, worker, None).await {
            Some(Left { given_back: 0, ours: 0 }) if !retired(desk).iter().any(|it| it.worker == *worker) => {
                forget(desk, worker).await;
            }
            Some(Left { given_back: 0, .. }) => {}
            Some(_) => quiet = false,
            // An engine that is away is not waited for.
            None => {}
        }
    }
    quiet
}

fn retired(desk: &Desk) -> Vec<Retired> {
    desk.retired.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn sweep(desk: &Arc<Desk>) {
    drop_rested(desk).await;
    for Retired { worker, until, too_large } in retired(desk) {
        let over = Instant::now() > until + MARGIN;
        let left = release_left(desk, &worker, too_large).await;
        if over && matches!(left, Some(Left { given_back: 0, ours: 0 })) {
            forget(desk, &worker).await;
            desk.retired.lock().unwrap_or_else(PoisonError::into_inner).retain(|it| it.worker != worker);
        }
    }
}

async fn forget(desk: &Desk, worker: &WorkerId) {
    if let Err(error) = desk.journal.forget_worker(&desk.engine_name, worker).await {
        tracing::warn!(%worker, %error, "a worker id stays in the journal");
    }
}

/// What was locked under an id.
struct Left {
    /// Tasks that nobody here knew of.
    given_back: usize,
    /// Tasks that are held or decided here.
    ours: usize,
}

/// Gives back what is locked under an id and neither held nor decided, or fails it if it was too large to be fetched;
/// `None` if the engine does not tell.
async fn release_left(desk: &Desk, worker: &WorkerId, too_large: Option<usize>) -> Option<Left> {
    let query = TaskQuery { worker_id: Some(worker.clone()), locked: Some(true), ..TaskQuery::default() };
    let tasks = match desk.engine.tasks(&query).await {
        Ok(tasks) => {
            desk.health.answered();
            tasks
        }
        Err(error) => {
            tracing::debug!(%worker, %error, "the engine does not tell what is locked under a retired id");
            return None;
        }
    };
    let mut left = Left { given_back: 0, ours: 0 };
    for task in tasks {
        if desk.held.contains(&task.id) || decided(desk, &task.id) {
            left.ours += 1;
            continue;
        }
        match too_large {
            Some(limit) => fail_too_large(desk, &task, worker, limit).await,
            None => {
                tracing::info!(topic = task.topic, task = %task.id, %worker, "a task was left locked: it is given back");
                release::give_back(desk, &task.id, worker).await;
            }
        }
        left.given_back += 1;
    }
    Some(left)
}

/// Makes an incident of a task whose variables are more than what is read of an answer. If that fails the task stays
/// locked, and the next look finds it again.
async fn fail_too_large(desk: &Desk, task: &TaskSummary, worker: &WorkerId, limit: usize) {
    let limit = ByteSize::b(limit as u64).display().iec();
    let message = format!(
        "{}: the task and its variables are more than {limit}, which is all that is read of an answer: name the \
         variables that the handler needs in the manifest (`variables`), or make a large one a file",
        task.topic
    );
    let incident = Failure::new(&message, None, 0, Duration::ZERO);
    let Ok(_permit) = desk.deliveries.acquire().await else { return };
    match desk.engine.failure(&task.id, worker, &incident).await {
        Ok(()) => tracing::error!(topic = task.topic, task = %task.id, "incident: {message}"),
        Err(error) => tracing::warn!(topic = task.topic, task = %task.id, %error, "no incident yet: {message}"),
    }
}

fn decided(desk: &Desk, task: &TaskId) -> bool {
    desk.journal.find(&desk.engine_name, task).is_some()
}

/// Forgets what has rested for its time: the engine gives such a task to anybody now.
async fn drop_rested(desk: &Desk) {
    let now = jiff::Timestamp::now().as_millisecond();
    for entry in desk.journal.entries(&desk.engine_name) {
        // One that is held has come again: its next outcome may be on the way to this very place in the journal.
        if matches!(entry.state, State::Resting(until) if until < now)
            && !desk.held.contains(&entry.task)
            && let Err(error) = desk.journal.forget_soon(&desk.engine_name, &entry.task).await
        {
            tracing::warn!(task = %entry.task, %error, "a delivered outcome stays in the journal");
        }
    }
}
