//! What a fetched task is to this host: new work, a task that it has already, one whose outcome is decided, or none of
//! its business.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Desk,
    breaker::Gate,
    decision, delivery,
    held::{Again, Lock, Phase},
    release,
};
use crate::{
    journal::{Entry, State},
    outcome::{Failure, Outcome},
    plugins::Plugin,
    task::{LockedTask, Subscription, Task, TaskId},
    value::Variables,
};

/// A task that waits for a slot. It is run by the version that served when it was fetched.
pub(super) struct Waiting {
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    pub(super) plugin: Arc<Plugin>,
}

/// Takes the tasks of one answer in.
pub(super) fn take_in(desk: &Arc<Desk>, tasks: Vec<LockedTask>, asked: &[Subscription], arrived: Instant) {
    for locked in tasks {
        let subscription = asked.iter().find(|it| it.topic == locked.task.topic);
        take_one(desk, locked, subscription, arrived);
    }
}

/// Takes a task in that arrived while its outcome was on its way, now that the engine has answered.
pub(super) fn take_again(desk: &Arc<Desk>, again: Again) {
    take_one(desk, again.locked, again.subscription.as_ref(), again.arrived);
}

fn take_one(desk: &Arc<Desk>, locked: LockedTask, subscription: Option<&Subscription>, arrived: Instant) {
    let duration = subscription.map_or(DEFAULT_LOCK, |it| it.lock_duration);
    // The lock began when the engine answered, not when the request was sent: it may have been parked since.
    let until = (arrived + duration).checked_sub(desk.health.latency()).unwrap_or(arrived);
    let lock = Lock { until, duration };
    let (id, worker) = (&locked.task.id, &locked.task.worker_id);
    let topic = &locked.task.topic;
    let again = || Again { locked: locked.clone(), subscription: subscription.cloned(), arrived };
    if let Some(phase) = desk.held.adopt(id, worker, lock, again) {
        tracing::debug!(%topic, task = %id, ?phase, "a task came again: its new lock is taken over");
        return;
    }
    match relation(desk, &locked.task, subscription) {
        Relation::Decided(entry) => {
            let outcome = entry.outcome.name();
            tracing::info!(%topic, task = %id, outcome, "the outcome of this task is journalled: it is delivered again, its handler is not run");
            desk.held.take(id, worker, lock, Phase::Delivering);
            delivery::start(desk, entry, None);
        }
        Relation::New(plugin) => {
            desk.held.take(id, worker, lock, Phase::Waiting);
            begin(desk, Arc::new(locked.task), locked.variables, plugin);
        }
        Relation::Anew(plugin) => {
            desk.held.take(id, worker, lock, Phase::Waiting);
            let (task, variables) = (Arc::new(locked.task), locked.variables);
            // First the old outcome is forgotten: it must not be found in the place of the new one.
            let desk = desk.clone();
            desk.tracker.clone().spawn(async move {
                if let Err(error) = desk.journal.forget(&desk.engine_name, &task.id).await {
                    tracing::error!(task = %task.id, %error, "an outcome that the engine has stays in the journal");
                }
                begin(&desk, task, variables, plugin);
            });
        }
        Relation::Nobodys(why) => {
            tracing::info!(%topic, task = %id, why, "a task is given back");
            desk.held.take(id, worker, lock, Phase::Waiting);
            release(desk, id.clone());
        }
    }
}

/// For a task of a topic that was not in the request; it is given back at once.
const DEFAULT_LOCK: Duration = Duration::from_secs(10);

enum Relation {
    Decided(Arc<Entry>),
    New(Arc<Plugin>),
    /// An earlier outcome of it is journalled, which the engine has.
    Anew(Arc<Plugin>),
    Nobodys(&'static str),
}

fn relation(desk: &Arc<Desk>, task: &Task, asked: Option<&Subscription>) -> Relation {
    let work = match desk.journal.find(&desk.engine_name, &task.id) {
        None => Relation::New,
        Some(entry) if to_be_delivered(&entry, task) => return Relation::Decided(entry),
        Some(_) => {
            tracing::debug!(topic = %task.topic, task = %task.id, "its journalled outcome had reached the engine");
            Relation::Anew
        }
    };
    if desk.stop.is_cancelled() {
        return Relation::Nobodys("this host stops");
    }
    let plugin = desk.catalog.borrow().get(&task.topic).cloned();
    match plugin {
        None => Relation::Nobodys("no plugin serves its topic"),
        Some(plugin) if asked != Some(&plugin.settings.subscription) => {
            Relation::Nobodys("it was fetched for a version whose variables or filter differ")
        }
        Some(plugin) => match desk.breakers.gate(&task.topic, Instant::now()) {
            Gate::Open => work(plugin),
            Gate::Probe => {
                desk.breakers.probing(&task.topic);
                work(plugin)
            }
            Gate::Closed(_) => Relation::Nobodys("its topic is paused"),
        },
    }
}

/// Whether a journalled outcome has still to be delivered, now that the engine has handed the task out again.
fn to_be_delivered(entry: &Entry, task: &Task) -> bool {
    match (&entry.outcome, &entry.state) {
        // Delivered; the time for which the engine was to keep the task is over.
        (_, State::Resting(_)) => false,
        // Our failure has arrived when the task shows it; this is the retry that it asked for.
        (Outcome::Failure(failure), State::Pending) => {
            !has_arrived(failure, task.retries, task.error_message.as_deref())
        }
        (Outcome::Unlock { delay }, State::Pending) => entry.age() < *delay,
        (_, State::Pending | State::Rejected(_)) => true,
    }
}

/// Whether a task shows this failure.
pub(super) fn has_arrived(failure: &Failure, retries: Option<u32>, message: Option<&str>) -> bool {
    retries == Some(failure.retries) && message == Some(failure.message.as_str())
}

fn begin(desk: &Arc<Desk>, task: Arc<Task>, variables: Result<Variables, String>, plugin: Arc<Plugin>) {
    match variables {
        Ok(variables) => {
            let topic = task.topic.clone();
            desk.slots.wait(&topic, Waiting { task, variables: Arc::new(variables), plugin });
        }
        Err(why) => {
            desk.breakers.probe_ended(&task.topic);
            let desk = desk.clone();
            desk.tracker.clone().spawn(async move {
                let outcome = decision::failure(&task, &plugin, &format!("its variables cannot be read: {why}"), None);
                decision::decide_without_handler(&desk, &task, &plugin, outcome, None).await;
            });
        }
    }
}

/// Gives back a task that never started.
pub(super) fn give_back(desk: &Arc<Desk>, waiting: Waiting) {
    tracing::debug!(topic = %waiting.task.topic, task = %waiting.task.id, "a task that had not started is given back");
    desk.breakers.probe_ended(&waiting.task.topic);
    release(desk, waiting.task.id.clone());
}

fn release(desk: &Arc<Desk>, task: TaskId) {
    let desk = desk.clone();
    desk.tracker.clone().spawn(async move { release::release(&desk, &task).await });
}
