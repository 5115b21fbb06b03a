//! The tasks that this host holds: under which worker id, until when, and in which phase. The lock keeper reads here
//! what to extend, the dispatcher what it has already.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::dispatch::Asked;
use crate::task::{LockedTask, TaskId, WorkerId};

/// Where a held task is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Fetched, without a slot.
    Waiting,
    /// In its invocation.
    Running,
    /// Its outcome is decided and on its way to the engine.
    Delivering,
}

/// A lock by our own monotonic clock; the engine's clock may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lock {
    /// When it ends at the earliest.
    pub(super) until: Instant,
    /// How long an extension makes it.
    pub(super) duration: Duration,
}

#[derive(Debug)]
struct Holding {
    worker: WorkerId,
    lock: Lock,
    /// When to extend; `None` while an extension is under way.
    renew_at: Option<Instant>,
    phase: Phase,
    cancel: CancellationToken,
    again: Option<Again>,
    /// Held by whoever calls the engine about the lock: an extension that was late would undo an outcome that had set
    /// the lock's time.
    calls: Arc<tokio::sync::Mutex<()>>,
    /// The engine has accepted an outcome: the lock is not to be touched any more.
    settled: bool,
}

/// A task that arrived while its outcome was on its way. Which of the two the engine saw first is known only when it
/// has answered.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) locked: LockedTask,
    pub(super) asked: Option<Asked>,
    pub(super) arrived: Instant,
}

/// A lock to extend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renewal {
    pub(super) task: TaskId,
    pub(super) worker: WorkerId,
    pub(super) duration: Duration,
}

/// The tasks that this host holds.
pub(super) struct Held {
    tasks: Mutex<HashMap<TaskId, Holding>>,
    /// Told whenever the next extension may be due sooner.
    pub(super) changed: Notify,
    /// Told whenever a task is let go.
    removed: watch::Sender<()>,
    halt: CancellationToken,
}

/// The part of a lock's duration after which it is extended.
const RENEW_AFTER: f64 = 0.5;

impl Held {
    /// Cancelling `halt` cancels every invocation.
    pub(super) fn new(halt: CancellationToken) -> Self {
        Self { tasks: Mutex::default(), changed: Notify::new(), removed: watch::Sender::new(()), halt }
    }

    /// Returns when `done` holds; it is asked whenever a task is let go.
    pub(super) async fn until(&self, done: impl Fn(&Self) -> bool) {
        let mut removed = self.removed.subscribe();
        while !done(self) {
            if removed.changed().await.is_err() {
                return;
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<TaskId, Holding>> {
        // Every change is one insert, removal or assignment.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a task in that is not held.
    pub(super) fn take(&self, task: &TaskId, worker: &WorkerId, lock: Lock, phase: Phase) {
        let cancel = self.halt.child_token();
        let renew_at = Some(renew_at(&lock));
        let holding = Holding {
            worker: worker.clone(),
            lock,
            renew_at,
            phase,
            cancel,
            again: None,
            calls: Arc::default(),
            settled: false,
        };
        self.tasks().insert(task.clone(), holding);
        self.changed.notify_one();
    }

    /// If a task is held already: takes its new lock over and returns its phase. While its outcome is on its way the
    /// arrival is kept until the engine has answered.
    pub(super) fn adopt(
        &self,
        task: &TaskId,
        worker: &WorkerId,
        lock: Lock,
        again: impl FnOnce() -> Again,
    ) -> Option<Phase> {
        let mut tasks = self.tasks();
        let holding = tasks.get_mut(task)?;
        holding.worker = worker.clone();
        holding.lock = lock;
        holding.renew_at = Some(renew_at(&lock));
        if holding.phase == Phase::Delivering {
            holding.again = Some(again());
        }
        let phase = holding.phase;
        drop(tasks);
        self.changed.notify_one();
        Some(phase)
    }

    /// Takes a waiting task into its invocation. `None` if it was lost while it waited; should it have been fetched
    /// again since, only one of the two that wait gets it.
    pub(super) fn begin(&self, task: &TaskId) -> Option<CancellationToken> {
        let mut tasks = self.tasks();
        let holding = tasks.get_mut(task).filter(|holding| holding.phase == Phase::Waiting)?;
        holding.phase = Phase::Running;
        Some(holding.cancel.clone())
    }

    /// The task's outcome is decided and journalled.
    pub(super) fn decided(&self, task: &TaskId) {
        if let Some(holding) = self.tasks().get_mut(task) {
            holding.phase = Phase::Delivering;
        }
    }

    /// The id under which a task is locked now.
    pub(super) fn worker(&self, task: &TaskId) -> Option<WorkerId> {
        self.tasks().get(task).map(|holding| holding.worker.clone())
    }

    /// The task turned out to be locked under another id of ours.
    pub(super) fn found_under(&self, task: &TaskId, worker: &WorkerId) {
        if let Some(holding) = self.tasks().get_mut(task) {
            holding.worker = worker.clone();
            holding.renew_at = Some(Instant::now());
        }
        self.changed.notify_one();
    }

    /// What must be locked by whoever calls the engine about a task's lock.
    pub(super) fn calls(&self, task: &TaskId) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.tasks().get(task).map(|holding| holding.calls.clone())
    }

    /// Whether a task's lock is still to be extended under this id.
    pub(super) fn is_renewable(&self, task: &TaskId, worker: &WorkerId) -> bool {
        self.tasks().get(task).is_some_and(|holding| holding.worker == *worker && !holding.settled)
    }

    /// The engine has accepted an outcome of the task.
    pub(super) fn settle(&self, task: &TaskId) {
        if let Some(holding) = self.tasks().get_mut(task) {
            holding.settled = true;
            holding.renew_at = None;
        }
    }

    /// Whether a task is held.
    pub(super) fn contains(&self, task: &TaskId) -> bool {
        self.tasks().contains_key(task)
    }

    /// How many tasks are held.
    pub(super) fn len(&self) -> usize {
        self.tasks().len()
    }

    /// Lets a task go; what arrived of it while its outcome was on its way is returned.
    pub(super) fn remove(&self, task: &TaskId) -> Option<Again> {
        let removed = self.tasks().remove(task);
        self.removed.send_replace(());
        removed.and_then(|holding| holding.again)
    }

    /// The task is not ours any more: its invocation is cancelled. An outcome on its way finds out by itself.
    pub(super) fn lose(&self, task: &TaskId) {
        let mut tasks = self.tasks();
        if let Some(holding) = tasks.get_mut(task) {
            holding.renew_at = None;
            if holding.phase != Phase::Delivering
                && let Some(holding) = tasks.remove(task)
            {
                holding.cancel.cancel();
            }
        }
        drop(tasks);
        self.removed.send_replace(());
    }

    /// The locks that are due for an extension, and when the next one is.
    pub(super) fn due(&self, now: Instant) -> (Vec<Renewal>, Option<Instant>) {
        let mut renewals = Vec::new();
        let mut next = None;
        for (task, holding) in self.tasks().iter_mut() {
            let Some(at) = holding.renew_at else { continue };
            if at <= now {
                holding.renew_at = None;
                let (worker, duration) = (holding.worker.clone(), holding.lock.duration);
                renewals.push(Renewal { task: task.clone(), worker, duration });
            } else if next.is_none_or(|next| at < next) {
                next = Some(at);
            }
        }
        (renewals, next)
    }

    /// A lock was extended.
    pub(super) fn renewed(&self, task: &TaskId, until: Instant) {
        if let Some(holding) = self.tasks().get_mut(task) {
            holding.lock.until = until;
            // A lock that the handler made longer is not to be shortened by the next extension.
            let half = holding.lock.duration.mul_f64(RENEW_AFTER);
            holding.renew_at = Some(until.checked_sub(half).unwrap_or(until));
        }
        self.changed.notify_one();
    }

    /// An extension failed for now.
    pub(super) fn renew_at(&self, task: &TaskId, at: Instant) {
        if let Some(holding) = self.tasks().get_mut(task) {
            holding.renew_at = Some(at);
        }
        self.changed.notify_one();
    }
}

fn renew_at(lock: &Lock) -> Instant {
    let half = lock.duration.mul_f64(RENEW_AFTER);
    lock.until.checked_sub(half).unwrap_or(lock.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn task() -> TaskId {
        TaskId::new("1")
    }

    fn take(held: &Held, worker: &str, now: Instant) {
        held.take(&task(), &WorkerId::new(worker), Lock { until: now + MINUTE, duration: MINUTE }, Phase::Waiting);
    }

    #[test]
    fn a_lock_is_extended_after_half_of_its_time_and_not_before() {
        let (held, now) = (Held::new(CancellationToken::new()), Instant::now());
        take(&held, "a", now);
        let (due, next) = held.due(now + MINUTE / 2 - Duration::from_millis(1));
        assert!(due.is_empty());
        assert_eq!(next, Some(now + MINUTE / 2));
        let (due, next) = held.due(now + MINUTE / 2);
        assert_eq!(due, [Renewal { task: task(), worker: WorkerId::new("a"), duration: MINUTE }]);
        assert_eq!(next, None, "no second extension while one is under way");
    }

    #[test]
    fn a_task_that_arrives_again_keeps_its_phase_and_takes_the_new_lock_over() {
        let (held, now) = (Held::new(CancellationToken::new()), Instant::now());
        let lock = Lock { until: now + 2 * MINUTE, duration: MINUTE };
        let adopt = || held.adopt(&task(), &WorkerId::new("b"), lock, || unreachable!("nothing is on its way"));
        assert_eq!(adopt(), None, "a task that is not held is not ours to adopt");
        take(&held, "a", now);
        held.begin(&task()).expect("held");
        assert_eq!(adopt(), Some(Phase::Running));
        assert_eq!(held.worker(&task()), Some(WorkerId::new("b")));
        assert!(held.due(now + MINUTE).0.is_empty());
    }

    #[test]
    fn a_lost_task_is_cancelled_but_its_delivery_is_not() {
        let (held, now) = (Held::new(CancellationToken::new()), Instant::now());
        take(&held, "a", now);
        let cancel = held.begin(&task()).expect("held");
        held.lose(&task());
        assert!(cancel.is_cancelled());
        assert!(!held.contains(&task()));

        take(&held, "a", now);
        let cancel = held.begin(&task()).expect("held");
        held.decided(&task());
        held.lose(&task());
        assert!(!cancel.is_cancelled());
        assert!(held.contains(&task()));
        assert!(held.due(now + 2 * MINUTE).0.is_empty(), "a lost lock is not extended");
    }

    #[test]
    fn a_task_that_waits_twice_is_begun_once() {
        let (held, now) = (Held::new(CancellationToken::new()), Instant::now());
        take(&held, "a", now);
        held.lose(&task());
        assert!(held.begin(&task()).is_none(), "lost while it waited");
        // Fetched again, while what was lost still stands in the queue.
        take(&held, "a", now);
        assert!(held.begin(&task()).is_some());
        assert!(held.begin(&task()).is_none());
    }
}
