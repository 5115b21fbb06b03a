//! Idle instances: kept after a task for the next one of the same handler, where its plugin wishes that.
//!
//! Running and idle ones together are never more than the sandbox is made for: whoever needs a fresh instance takes the
//! place of the one that has been idle longest, whosever it is.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::HandlerId;

/// How long an instance may be idle: longer than the pauses in a steady flow of tasks, and not so long that the memory
/// of a burst stays.
pub(super) const MAX_IDLE: Duration = Duration::from_secs(5);

/// How many tasks one instance may be given, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse(NonZeroUsize);

impl Reuse {
    /// One: each task has an instance of its own.
    pub const NEVER: Self = Self(NonZeroUsize::MIN);

    /// So many.
    pub fn up_to(tasks: NonZeroUsize) -> Self {
        Self(tasks)
    }

    /// Whether an instance that has been given so many tasks may be given one more.
    pub(super) fn allows_after(self, tasks: usize) -> bool {
        tasks < self.0.get()
    }
}

/// The idle instances of a sandbox, and how many are running.
#[derive(Debug)]
pub(super) struct IdleInstances<T> {
    capacity: usize,
    places: Mutex<Places<T>>,
    added: Notify,
}

#[derive(Debug)]
struct Places<T> {
    running: usize,
    /// The one that has been idle longest first.
    idle: VecDeque<Idle<T>>,
}

#[derive(Debug)]
struct Idle<T> {
    of: HandlerId,
    since: Instant,
    instance: T,
}

/// The place of a running instance, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place<T>(Arc<IdleInstances<T>>);

impl<T> IdleInstances<T> {
    /// None as yet; running and idle ones together are to be no more than this.
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        let places = Places { running: 0, idle: VecDeque::new() };
        Self { capacity: capacity.get(), places: Mutex::new(places), added: Notify::new() }
    }

    fn places(&self) -> MutexGuard<'_, Places<T>> {
        // Nothing that could panic leaves them half changed.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a fresh instance. Where all are taken, the instance that has been idle longest is dropped.
    pub(super) fn place(self: &Arc<Self>) -> Place<T> {
        let dropped = {
            let mut places = self.places();
            places.running += 1;
            let is_full = places.running + places.idle.len() > self.capacity;
            is_full.then(|| places.idle.pop_front())
        };
        // Not within the lock: it gives its memory back.
        drop(dropped);
        Place(self.clone())
    }

    /// An idle instance of this handler, the one that ran last, and its place.
    pub(super) fn take(self: &Arc<Self>, of: HandlerId) -> Option<(T, Place<T>)> {
        let mut places = self.places();
        let position = places.idle.iter().rposition(|idle| idle.of == of)?;
        let idle = places.idle.remove(position)?;
        places.running += 1;
        Some((idle.instance, Place(self.clone())))
    }

    /// Drops what has been idle for too long, as long as it is polled.
    pub(super) async fn clear(self: Arc<Self>) {
        loop {
            let oldest = self.places().idle.front().map(|idle| idle.since);
            match oldest {
                Some(since) => tokio::time::sleep_until(since + MAX_IDLE).await,
                None => self.added.notified().await,
            }
            drop(self.expired());
        }
    }

    fn expired(&self) -> Vec<Idle<T>> {
        let mut places = self.places();
        let expired = places.idle.iter().take_while(|idle| idle.since.elapsed() >= MAX_IDLE).count();
        places.idle.drain(..expired).collect()
    }
}

impl<T> Place<T> {
    /// Leaves the instance that ran here to the next task of its handler.
    pub(super) fn keep(self, of: HandlerId, instance: T) {
        let idle = &self.0;
        let mut places = idle.places();
        let was_empty = places.idle.is_empty();
        places.idle.push_back(Idle { of, since: Instant::now(), instance });
        drop(places);
        if was_empty {
            idle.added.notify_one();
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.0.places().running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: HandlerId = HandlerId(1);
    const OTHER: HandlerId = HandlerId(2);

    fn of(capacity: usize) -> Arc<IdleInstances<&'static str>> {
        Arc::new(IdleInstances::new(NonZeroUsize::new(capacity).expect("positive")))
    }

    fn taken(idle: &Arc<IdleInstances<&'static str>>, of: HandlerId) -> Option<&'static str> {
        idle.take(of).map(|(instance, _)| instance)
    }

    #[tokio::test]
    async fn an_instance_is_given_to_its_own_handler_only_and_once() {
        let idle = of(2);
        idle.place().keep(HANDLER, "a");
        assert_eq!(taken(&idle, OTHER), None);
        assert_eq!(taken(&idle, HANDLER), Some("a"));
        assert_eq!(taken(&idle, HANDLER), None);
    }

    #[tokio::test]
    async fn the_instance_that_ran_last_is_taken_first_so_that_the_others_expire() {
        let idle = of(2);
        let (first, second) = (idle.place(), idle.place());
        first.keep(HANDLER, "first");
        second.keep(HANDLER, "second");
        assert_eq!(taken(&idle, HANDLER), Some("second"));
    }

    #[tokio::test]
    async fn a_fresh_instance_takes_the_place_of_the_one_that_is_idle_longest_and_of_none_while_there_is_room() {
        let idle = of(3);
        let (first, second) = (idle.place(), idle.place());
        first.keep(HANDLER, "first");
        second.keep(OTHER, "second");
        let _within = idle.place();
        assert_eq!(idle.places().idle.len(), 2);
        let _beyond = idle.place();
        assert_eq!(taken(&idle, HANDLER), None);
        assert_eq!(taken(&idle, OTHER), Some("second"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_is_idle_too_long_is_dropped() {
        let idle = of(2);
        let clearing = tokio::spawn(idle.clone().clear());
        let (first, second) = (idle.place(), idle.place());
        first.keep(HANDLER, "first");
        tokio::time::sleep(MAX_IDLE / 2).await;
        second.keep(HANDLER, "second");
        tokio::time::sleep(MAX_IDLE * 3 / 4).await;
        let left: Vec<_> = idle.places().idle.iter().map(|idle| idle.instance).collect();
        assert_eq!(left, ["second"]);
        tokio::time::sleep(MAX_IDLE).await;
        assert_eq!(taken(&idle, HANDLER), None);
        clearing.abort();
    }
}
