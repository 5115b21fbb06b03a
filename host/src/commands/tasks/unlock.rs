//! `fetchlock tasks unlock`: gives tasks back to the workers before their locks expire.

use clap::Args;

use super::{
    Done, TasksError,
    change::{Ids, NotChanged, each},
    output::Output,
    table::moment,
};
use crate::{
    engine::{Engine, ListedTask, Page, TaskQuery, rest::RestEngine},
    task::TaskId,
};

/// Free tasks, so that any worker gets them at once.
///
/// The engine frees a task whoever holds it. If that worker still runs, it loses the task without knowing: another
/// worker runs the task a second time, and what the first one reports is refused. So a lock that has not expired is
/// refused here without --force. Use that only for workers that are known to be gone, or for a task that waits for its
/// next retry, which the engine shows as locked, too.
#[derive(Debug, Args)]
pub(super) struct Unlock {
    #[command(flatten)]
    ids: Ids,
    /// Free tasks whose locks have not expired, too
    #[arg(long)]
    force: bool,
}

impl Unlock {
    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        each(&self.ids.get(), output, "not locked any more", async |task| {
            if let Some(holder) = holder(engine, task).await? {
                if !self.force {
                    let why = "it runs there, or waits for its next retry; --force frees it all the same";
                    return Err(NotChanged::Refused(format!("not unlocked: it is {}; {why}", held(&holder))));
                }
                super::output::problem(&format!("{task}: it was {}", held(&holder)));
            }
            Ok(engine.unlock(task).await?)
        })
        .await
    }
}

/// The task if somebody holds it, which the engine decides by its own clock.
async fn holder(engine: &RestEngine, task: &TaskId) -> Result<Option<ListedTask>, NotChanged> {
    let query = TaskQuery { id: Some(task.clone()), locked: Some(true), ..TaskQuery::default() };
    Ok(engine.list(&query, Page { first: 0, max: 1 }).await?.tasks.into_iter().next())
}

/// By whom a task is held, and until when.
fn held(task: &ListedTask) -> String {
    let worker = task.worker_id.as_ref().map_or("somebody", |worker| worker.as_str());
    let until = task.lock_expires.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    format!("locked by {worker}{until}")
}
