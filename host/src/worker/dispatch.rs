//! What a fetched task is to this host: new work, a task that it has already, one whose outcome is decided, or none of
//! its business.

use std::{
    collections::{HashMap, HashSet},
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
    task::{LockedTask, Route, Subscription, Task, TaskId},
    value::Variables,
};

/// A task that waits for a slot. It is run by the version that served when it was fetched.
pub(super) struct Waiting {
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    pub(super) plugin: Arc<Plugin>,
}

/// What a request asked for, for one plugin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) route: Route,
    pub(super) subscription: Subscription,
}

/// Whether an answer made sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Sense {
    /// Each task was asked for, and told once.
    Sound,
    /// Some task was not, and has been given back.
    Odd,
}

/// Takes the tasks of one answer in. Each belongs to the plugin for which its topic was asked.
pub(super) fn take_in(desk: &Arc<Desk>, tasks: Vec<LockedTask>, asked: &[Asked], arrived: Instant) -> Sense {
    let mut twice = told_twice(&tasks);
    let mut sense = Sense::Sound;
    for locked in tasks {
        let asked = asked.iter().find(|it| it.subscription.topic == locked.task.topic);
        let odd = match twice.get_mut(&locked.task.id) {
            // Once is enough to give it back.
            Some(Seen(true)) => continue,
            Some(seen) => {
                seen.0 = true;
                Some("the engine told it twice in one answer, and only one can be right")
            }
            None => asked.is_none().then_some("nobody asked for its topic"),
        };
        if odd.is_some() {
            sense = Sense::Odd;
        }
        take_one(desk, locked, asked, arrived, odd);
    }
    sense
}

/// Whether one of the tellings of a task has been dealt with.
#[derive(Default)]
struct Seen(bool);

/// The tasks that are more than once in an answer.
fn told_twice(tasks: &[LockedTask]) -> HashMap<TaskId, Seen> {
    let mut once = HashSet::with_capacity(tasks.len());
    let twice = tasks.iter().map(|locked| &locked.task.id).filter(|id| !once.insert(*id));
    twice.map(|id| (id.clone(), Seen::default())).collect()
}

/// Takes a task in that arrived while its outcome was on its way, now that the engine has answered.
pub(super) fn take_again(desk: &Arc<Desk>, again: Again) {
    take_one(desk, again.locked, again.asked.as_ref(), again.arrived, None);
}

fn take_one(desk: &Arc<Desk>, locked: LockedTask, asked: Option<&Asked>, arrived: Instant, odd: Option<&'static str>) {
    let duration = asked.map_or(DEFAULT_LOCK, |it| it.subscription.lock_duration);
    // The lock began when the engine answered, not when the request was sent: it may have been parked since.
    let until = (arrived + duration).checked_sub(desk.health.latency()).unwrap_or(arrived);
    let lock = Lock { until, duration };
    let (id, worker) = (&locked.task.id, &locked.task.worker_id);
    let topic = &locked.task.topic;
    if let Some(why) = odd {
        tracing::warn!(%topic, task = %id, why, "the engine's answer has a task that makes no sense");
    }
    let again = || Again { locked: locked.clone(), asked: asked.cloned(), arrived };
    if let Some(phase) = desk.held.adopt(id, worker, lock, again) {
        tracing::debug!(%topic, task = %id, ?phase, "a task came again: its new lock is taken over");
        return;
    }
    match relation(desk, &locked.task, asked, odd) {
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

fn relation(desk: &Arc<Desk>, task: &Task, asked: Option<&Asked>, odd: Option<&'static str>) -> Relation {
    let work = match desk.journal.find(&desk.engine_name, &task.id) {
        None => Relation::New,
        Some(entry) if to_be_delivered(&entry, task) => return Relation::Decided(entry),
        Some(_) => {
            tracing::debug!(topic = %task.topic, task = %task.id, "its journalled outcome had reached the engine");
            Relation::Anew
        }
    };
    if let Some(why) = odd {
        return Relation::Nobodys(why);
    }
    if desk.stop.is_cancelled() {
        return Relation::Nobodys("this host stops");
    }
    let Some(asked) = asked else { return Relation::Nobodys("nobody asked for its topic") };
    let plugin = desk.catalog.borrow().get(&desk.engine_name, &asked.route).cloned();
    match plugin {
        None => Relation::Nobodys("the plugin for which it was fetched serves no more"),
        Some(plugin) if asked.subscription != plugin.settings.subscription => {
            Relation::Nobodys("it was fetched for a version whose variables or filter differ")
        }
        Some(plugin) => match desk.breakers.gate(&plugin.route, Instant::now()) {
            Gate::Open => work(plugin),
            Gate::Probe => {
                desk.breakers.probing(&plugin.route);
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
            let waiting = Waiting { task, variables: Arc::new(variables), plugin: plugin.clone() };
            desk.slots.wait(&plugin.route, waiting);
        }
        Err(why) => {
            desk.breakers.probe_ended(&plugin.route);
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
    desk.breakers.probe_ended(&waiting.plugin.route);
    release(desk, waiting.task.id.clone());
}

fn release(desk: &Arc<Desk>, task: TaskId) {
    let desk = desk.clone();
    desk.tracker.clone().spawn(async move { release::release(&desk, &task).await });
}
