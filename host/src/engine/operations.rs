//! What an operator sees of an engine: a task with its state, the variables around it, and a batch with its progress.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::TaskQuery;
use crate::task::{TaskId, WorkerId};

/// A task as the engine lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTask {
    /// Its id.
    pub id: TaskId,
    /// Its topic.
    pub topic: String,
    /// Who holds the lock, or held it last.
    pub worker_id: Option<WorkerId>,
    /// When the lock ends or ended, by the engine's clock.
    pub lock_expires: Option<Timestamp>,
    /// The retries left; `None` until a failure or an operator set them.
    pub retries: Option<u32>,
    /// Its priority.
    pub priority: i64,
    /// Whether it is suspended with its process instance.
    pub suspended: bool,
    /// When it was made; CIB seven does not tell everywhere.
    pub created: Option<Timestamp>,
    /// The business key of the process instance.
    pub business_key: Option<String>,
    /// The id of the process instance.
    pub process_instance_id: String,
    /// The id of the execution.
    pub execution_id: String,
    /// The message of its last failure.
    pub error_message: Option<String>,
    /// All that the engine told, also what is not known here, in the engine's names.
    pub fields: Map<String, Value>,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState<'a> {
    /// No retries are left: nobody gets it until somebody gives it some.
    Incident,
    /// Somebody works on it, or it waits for its next retry: the engine does not tell these apart.
    Locked {
        /// Who.
        by: &'a WorkerId,
        /// Until when, by the engine's clock.
        until: Timestamp,
    },
    /// It is there for the next worker that asks.
    Waiting,
}

impl ListedTask {
    /// Its state at a moment of the engine's clock.
    pub fn state(&self, now: Timestamp) -> TaskState<'_> {
        match (self.retries, &self.worker_id, self.lock_expires) {
            (Some(0), _, _) => TaskState::Incident,
            (_, Some(by), Some(until)) if until > now => TaskState::Locked { by, until },
            _ => TaskState::Waiting,
        }
    }
}

/// Tasks at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The tasks, in the order of the query.
    pub tasks: Vec<ListedTask>,
    /// What time it was at the engine, to a second; by this machine's clock if the answer does not tell.
    pub at: Timestamp,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many are passed over.
    pub first: u64,
    /// At most this many.
    pub max: u64,
}

/// A variable that a task can see, without its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VariableType {
    /// Its name.
    pub name: String,
    /// The engine's name of its type.
    pub type_name: String,
}

/// Of which tasks something is changed at once.
#[derive(Debug, Clone, Copy)]
pub enum Selected<'a> {
    /// Of these.
    Tasks(&'a [TaskId]),
    /// Of those that a query finds.
    Query(&'a TaskQuery),
}

/// A change of many tasks that the engine makes by and by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: String,
    /// How many jobs it has; with the engine's usual settings one for each task.
    pub jobs: u64,
    /// Under this id the engine has its jobs.
    pub job_definition_id: String,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchProgress {
    /// How many jobs are not done, the failed ones and those that are still to be made among them.
    pub remaining: u64,
    /// How many jobs have failed and are not tried again.
    pub failed: u64,
    /// Whether somebody has suspended it.
    pub suspended: bool,
}

impl BatchProgress {
    /// Whether nothing more happens to it by itself.
    pub fn has_ended(self) -> bool {
        self.remaining <= self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(retries: Option<u32>, worker: Option<&str>, expires: Option<Timestamp>) -> ListedTask {
        ListedTask {
            id: TaskId::new("t"),
            topic: "topic".into(),
            worker_id: worker.map(WorkerId::new),
            lock_expires: expires,
            retries,
            priority: 0,
            suspended: false,
            created: None,
            business_key: None,
            process_instance_id: "p".into(),
            execution_id: "e".into(),
            error_message: None,
            fields: Map::new(),
        }
    }

    #[test]
    fn a_lock_counts_until_its_end_and_no_retries_count_before_it() {
        let now = Timestamp::UNIX_EPOCH;
        let later = Timestamp::from_second(1).expect("a moment");
        let held = task(Some(1), Some("w"), Some(later));
        assert_eq!(held.state(now), TaskState::Locked { by: &WorkerId::new("w"), until: later });
        assert_eq!(held.state(later), TaskState::Waiting, "at its end it is over");
        assert_eq!(task(Some(0), Some("w"), Some(later)).state(now), TaskState::Incident);
        assert_eq!(task(None, None, None).state(now), TaskState::Waiting, "retries that nobody set are not 0");
    }

    #[test]
    fn a_batch_has_ended_when_what_remains_has_failed() {
        let progress = |remaining, failed| BatchProgress { remaining, failed, suspended: false };
        assert!(!progress(2, 1).has_ended());
        assert!(progress(1, 1).has_ended() && progress(0, 0).has_ended());
    }
}
