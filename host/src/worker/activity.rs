//! The activity: for each route how many invocations run now and how its tasks ended so far, for whoever shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    journal::Entry,
    outcome::{Failure, Outcome},
    task::{Route, TaskId},
};

/// What has been going on since the start. Cheap to clone; all clones show the same.
#[derive(Clone, Default)]
pub struct Activity(Arc<Shared>);

#[derive(Default)]
struct Shared {
    routes: Mutex<BTreeMap<Route, RouteActivity>>,
    changes: watch::Sender<()>,
}

/// What has been going on with one plugin on its topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RouteActivity {
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    /// All routes that have had a task, as they are now.
    pub fn routes(&self) -> BTreeMap<Route, RouteActivity> {
        self.lock().clone()
    }

    /// Changes with every invocation and every outcome.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// An invocation begins; it ends when the guard is dropped.
    pub(super) fn running(&self, route: &Route) -> Running {
        self.change(route, |it| it.running += 1);
        Running { activity: self.clone(), route: route.clone() }
    }

    /// The engine has taken an outcome.
    pub(super) fn delivered(&self, entry: &Entry) {
        self.change(&entry.route, |it| match &entry.outcome {
            Outcome::Complete { .. } => it.completed += 1,
            Outcome::BpmnError { .. } => it.bpmn_errors += 1,
            Outcome::Failure(failure) => it.failed(&entry.task, failure),
            // The task lives on.
            Outcome::Unlock { .. } | Outcome::HandOff { .. } => {}
        });
    }

    /// The engine rejects an outcome, and has taken an incident in its place.
    pub(super) fn rejected(&self, entry: &Entry, incident: &Failure) {
        self.change(&entry.route, |it| it.failed(&entry.task, incident));
    }

    fn change(&self, route: &Route, change: impl FnOnce(&mut RouteActivity)) {
        change(self.lock().entry(route.clone()).or_default());
        self.0.changes.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Route, RouteActivity>> {
        // Only counters: a panic between two of them spoils nothing.
        self.0.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteActivity {
    /// Whether there has been a task.
    pub fn has_worked(&self) -> bool {
        self.running > 0 || self.completed + self.bpmn_errors + self.failures > 0
    }

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
    route: Route,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.activity.change(&self.route, |it| it.running -= 1);
    }
}
