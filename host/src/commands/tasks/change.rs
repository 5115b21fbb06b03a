//! A change of single tasks, one after another: what could not be done is told by id, and the others are done.

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    Done, TasksError,
    output::{self, Output, counted},
};
use crate::{engine::EngineError, task::TaskId};

/// The tasks to change.
#[derive(Debug, Args)]
pub(super) struct Ids {
    /// The ids of the tasks
    #[arg(value_name = "ID", required = true, value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
}

impl Ids {
    /// The ids, each once.
    pub(super) fn get(&self) -> Vec<TaskId> {
        distinct(&self.ids)
    }
}

/// Ids in their order, each once.
pub(super) fn distinct(ids: &[String]) -> Vec<TaskId> {
    let mut distinct: Vec<TaskId> = Vec::new();
    for id in ids.iter().map(TaskId::new) {
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    distinct
}

/// Why one task was not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotChanged {
    /// The engine's words.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A rule of ours.
    #[error("{0}")]
    Refused(String),
}

/// Whether it would be the same for every task: nobody answers, or nobody is let in.
fn is_about_the_engine(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Unreachable { .. }
            | EngineError::TimedOut { .. }
            | EngineError::Unauthorized
            | EngineError::NotAnEngine { .. }
    )
}

/// Changes each task, and tells how many were: `2 of 3 tasks: {what}`.
///
/// # Errors
/// The engine itself cannot be spoken to; then the rest is not tried.
pub(super) async fn each(
    tasks: &[TaskId],
    output: &Output,
    what: &str,
    mut change: impl AsyncFnMut(&TaskId) -> Result<(), NotChanged>,
) -> Result<Done, TasksError> {
    let mut changed = 0;
    let mut left = tasks.iter();
    while let Some(task) = left.next() {
        match change(task).await {
            Ok(()) => changed += 1,
            Err(NotChanged::Engine(error)) if is_about_the_engine(&error) => {
                output.line(&sum(changed, tasks.len(), what))?;
                return Err(TasksError::Task { task: task.clone(), error, untried: left.cloned().collect() });
            }
            Err(error) => output::problem(&format!("{task}: {error}")),
        }
    }
    output.line(&sum(changed, tasks.len(), what))?;
    Ok(if changed == tasks.len() { Done::All } else { Done::NotAll })
}

/// How many of how many.
fn sum(changed: usize, of: usize, what: &str) -> String {
    if changed == of {
        format!("{}: {what}", counted(of as u64, "task"))
    } else {
        format!("{changed} of {}: {what}", counted(of as u64, "task"))
    }
}
