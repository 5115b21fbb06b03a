//! All instances with their tasks, and where to find them. No I/O and no clock: each rule is a method that is told what
//! time it is, in `outcomes`, `fetch`, `scopes` and `history` beside this file.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use super::{
    EmbeddedOptions,
    batch::Batches,
    instance::{End, Instance, LogKind, NewInstance, Number},
    refusal::Refusal,
};

/// The instances of an embedded engine.
#[derive(Default)]
pub(super) struct State {
    /// In the order of their creation.
    instances: BTreeMap<Number, Instance>,
    by_id: HashMap<String, Number>,
    /// Open tasks only: one that has ended is gone for the engine.
    by_task: HashMap<String, Number>,
    by_execution: HashMap<String, Number>,
    /// Open tasks by topic.
    open: BTreeMap<String, BTreeSet<Number>>,
    /// Instances that have ended, the first to be forgotten first.
    ended: VecDeque<Number>,
    /// What they hold.
    ended_bytes: usize,
    keep: Keep,
    /// In memory only, whatever the data directory keeps.
    pub(super) batches: Batches,
    next: Number,
    changes: Changes,
}

/// How much is remembered of instances that have ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keep {
    pub(super) instances: usize,
    pub(super) bytes: usize,
}

impl Keep {
    pub(super) fn of(options: &EmbeddedOptions) -> Self {
        Self { instances: options.keep_ended, bytes: options.keep_ended_bytes }
    }
}

/// What a rule has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// These instances are other than before, or gone.
    pub(super) touched: BTreeSet<Number>,
    /// There may be something for a parked fetch. As on a real engine only a new task and an unlock are.
    pub(super) wake: bool,
}

impl State {
    /// An empty state that remembers so much of what has ended.
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, ..Self::default() }
    }

    /// A state of instances that were stored.
    pub(super) fn restored(keep: Keep, stored: BTreeMap<Number, Instance>) -> Self {
        let mut state = Self::new(keep);
        state.next = stored.last_key_value().map_or(0, |(last, _)| last + 1);
        let mut ended = Vec::new();
        for (number, instance) in stored {
            state.index(number, &instance);
            if let Some((at, _)) = instance.ended {
                ended.push((at, number));
                state.ended_bytes += instance.weight();
            }
            state.instances.insert(number, instance);
        }
        ended.sort_unstable();
        state.ended = ended.into_iter().map(|(_, number)| number).collect();
        state.forget_old();
        state
    }

    fn index(&mut self, number: Number, instance: &Instance) {
        self.by_id.insert(instance.id.clone(), number);
        if instance.ended.is_none() {
            self.by_task.insert(instance.task.id.clone(), number);
            self.by_execution.insert(instance.task.execution_id.clone(), number);
            self.open.entry(instance.task.topic.clone()).or_default().insert(number);
        }
    }

    /// Makes an instance; its place.
    pub(super) fn add(&mut self, new: NewInstance, now: Timestamp) -> &Instance {
        let number = self.next;
        self.next += 1;
        let instance = Instance::new(new, now);
        self.index(number, &instance);
        self.changes.touched.insert(number);
        self.changes.wake = true;
        self.instances.entry(number).or_insert(instance)
    }

    /// What has changed since the last call.
    pub(super) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Notes that there may be something for a parked fetch.
    pub(super) fn wake(&mut self) {
        self.changes.wake = true;
    }

    /// The instance of a place, if it is still remembered.
    pub(super) fn at(&self, number: Number) -> Option<&Instance> {
        self.instances.get(&number)
    }

    /// All instances in the order of their creation.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Instance> {
        self.instances.values()
    }

    /// The instances whose task is open, in the order of their creation.
    pub(super) fn open(&self) -> impl Iterator<Item = &Instance> {
        self.all().filter(|instance| instance.ended.is_none())
    }

    /// The open tasks of a topic, in the order of their creation.
    pub(super) fn open_of(&self, topic: &str) -> impl Iterator<Item = (Number, &Instance)> {
        let numbers = self.open.get(topic).into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.instances.get(number)?)))
    }

    /// The instance with an id, ended or not.
    pub(super) fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(self.by_id.get(id)?)
    }

    /// The instance with an id whose task is open. Where the engine wants a process instance it takes an execution too.
    pub(super) fn running(&self, id: &str) -> Option<&Instance> {
        let number = self.by_execution.get(id).or_else(|| self.by_id.get(id))?;
        self.instances.get(number).filter(|instance| instance.ended.is_none())
    }

    /// The instance of an open task.
    pub(super) fn of_task(&self, task: &str) -> Option<&Instance> {
        self.instances.get(self.by_task.get(task)?)
    }

    /// The instance of an open task, to be changed.
    pub(super) fn change_task(&mut self, task: &str) -> Result<&mut Instance, Refusal> {
        let number = self.by_task.get(task).copied();
        number.and_then(|number| self.change(number)).ok_or_else(|| Refusal::no_task(task))
    }

    /// The instance with an id (or with an execution) whose task is open, to be changed.
    pub(super) fn change_running(&mut self, id: &str) -> Option<&mut Instance> {
        let number = self.by_execution.get(id).or_else(|| self.by_id.get(id)).copied()?;
        self.change(number).filter(|instance| instance.ended.is_none())
    }

    /// The instance of a place, to be changed.
    pub(super) fn change(&mut self, number: Number) -> Option<&mut Instance> {
        let instance = self.instances.get_mut(&number)?;
        self.changes.touched.insert(number);
        Some(instance)
    }

    /// Ends the instance of an open task, with a last line in the task's history.
    pub(super) fn end(&mut self, task: &str, end: End, now: Timestamp) -> Result<(), Refusal> {
        let instance = self.change_task(task)?;
        instance.note(if end == End::Completed { LogKind::Succeeded } else { LogKind::Deleted }, now);
        instance.end(end, now);
        let (topic, execution) = (instance.task.topic.clone(), instance.task.execution_id.clone());
        let weight = instance.weight();
        self.ended_bytes += weight;
        self.by_execution.remove(&execution);
        if let Some(number) = self.by_task.remove(task) {
            if let Some(open) = self.open.get_mut(&topic) {
                open.remove(&number);
                if open.is_empty() {
                    self.open.remove(&topic);
                }
            }
            self.ended.push_back(number);
        }
        self.forget_old();
        Ok(())
    }

    /// A development engine that is left running must not fill the memory.
    fn forget_old(&mut self) {
        while self.ended.len() > self.keep.instances || self.ended_bytes > self.keep.bytes {
            let Some(instance) = self.ended.pop_front().and_then(|number| {
                self.changes.touched.insert(number);
                self.instances.remove(&number)
            }) else {
                return;
            };
            self.by_id.remove(&instance.id);
            self.ended_bytes = self.ended_bytes.saturating_sub(instance.weight());
        }
    }
}
