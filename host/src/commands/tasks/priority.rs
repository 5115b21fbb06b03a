//! `fetchlock tasks priority`: which tasks are fetched first.

use clap::Args;

use super::{
    Done, TasksError,
    change::{Ids, each},
    output::Output,
};
use crate::engine::rest::RestEngine;

/// Set the priority of tasks.
///
/// Tasks of a higher priority are fetched first by workers that ask for it; for Fetchlock that is the setting
/// engine.use-priority.
#[derive(Debug, Args)]
pub(super) struct Priority {
    #[command(flatten)]
    ids: Ids,
    /// The priority, a whole number of 64 bits
    #[arg(long, value_name = "N", required = true, allow_negative_numbers = true)]
    priority: i64,
}

impl Priority {
    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        let what = format!("priority set to {}", self.priority);
        each(&self.ids.get(), output, &what, async |task| Ok(engine.set_priority(task, self.priority).await?)).await
    }
}
