//! The activity: for each topic how many invocations run now and how its tasks ended so far, for whoever shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    journal::Entry,
    outcome::{Failure, Outcome},
    task::{TaskId, Topic},
};

/// What has been going on since the start. Cheap to clone; all clones show the same.
#[derive(Clone, Default)]
pub struct Activity(Arc<Shared>);

#[derive(Default)]
struct Shared {
    topics: Mutex<BTreeMap<Topic, TopicActivity>>,
    changes: watch::Sender<()>,
}

/// What has been going on with one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicActivity {
    /// Invocations that run now.
    pub running: usize,
    /// Tasks that the engine knows as completed.
    pub completed: u64,
    /// Tasks that ended with a BPMN error.
    pub bpmn_errors: u64,
    /// Failures that the engine was told, those that made an incident among them.
    pub failures: u64,
    /// Failures after which no retry was left.
    pub incidents: u64,
    /// The latest of the failures.
    pub last_failure: Option<LastFailure>,
}

/// A failure as the engine was told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// When the engine had taken it.
    pub at: Timestamp,
    /// The task.
    pub task: TaskId,
    /// The message, which tells topic and version.
    pub message: String,
    /// The details: the guest's backtrace, if there is one.
    pub details: Option<String>,
}

impl Activity {
    /// All topics that have had a task, as they are now.
    pub fn topics(&self) -> BTreeMap<Topic, TopicActivity> {
        self.lock().clone()
    }

    /// Changes with every invocation and every outcome.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// An invocation begins; it ends when the guard is dropped.
    pub(super) fn running(&self, topic: &Topic) -> Running {
        self.change(topic, |topic| topic.running += 1);
        Running { activity: self.clone(), topic: topic.clone() }
    }

    /// The engine has taken an outcome.
    pub(super) fn delivered(&self, entry: &Entry) {
        self.change(&entry.topic, |topic| match &entry.outcome {
            Outcome::Complete { .. } => topic.completed += 1,
            Outcome::BpmnError { .. } => topic.bpmn_errors += 1,
            Outcome::Failure(failure) => topic.failed(&entry.task, failure),
            // The task lives on.
            Outcome::Unlock { .. } | Outcome::HandOff { .. } => {}
        });
    }

    /// The engine rejects an outcome, and has taken an incident in its place.
    pub(super) fn rejected(&self, entry: &Entry, incident: &Failure) {
        self.change(&entry.topic, |topic| topic.failed(&entry.task, incident));
    }

    fn change(&self, topic: &Topic, change: impl FnOnce(&mut TopicActivity)) {
        change(self.lock().entry(topic.clone()).or_default());
        self.0.changes.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Topic, TopicActivity>> {
        // Only counters: a panic between two of them spoils nothing.
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TopicActivity {
    fn failed(&mut self, task: &TaskId, failure: &Failure) {
        self.failures += 1;
        self.incidents += u64::from(failure.retries == 0);
        let (message, details) = (failure.message.clone(), failure.details.clone());
        self.last_failure = Some(LastFailure { at: Timestamp::now(), task: task.clone(), message, details });
    }
}

/// While it lives, an invocation runs.
pub(super) struct Running {
    activity: Activity,
    topic: Topic,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.activity.change(&self.topic, |topic| topic.running -= 1);
    }
}
