//! Idle instances: kept after a task for the next one of the same handler, where its plugin wishes that.
//!
//! Running and idle ones together take no more places than the sandbox is made for: whoever needs a fresh instance gets
//! the place of the one that has been idle longest, whosever it is. A place is free when its instance is gone, not before,
//! because the pool of wasmtime has as many and a few to spare.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
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

    /// This many, the first one included.
    pub fn up_to(tasks: NonZeroUsize) -> Self {
        Self(tasks)
    }

    /// Whether an instance that has been given so many tasks may be given one more.
    pub(super) fn allows_after(self, tasks: usize) -> bool {
        tasks < self.0.get()
    }
}

/// The idle instances of a sandbox, and its places.
#[derive(Debug)]
pub(super) struct IdleInstances<T> {
    capacity: usize,
    max_idle: Duration,
    taken: Arc<AtomicUsize>,
    /// The one that has been idle longest first.
    idle: Mutex<VecDeque<Idle<T>>>,
    added: Notify,
}

#[derive(Debug)]
struct Idle<T> {
    of: HandlerId,
    since: Instant,
    placed: Placed<T>,
}

/// The place of one instance, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

/// An instance in its place. The instance is dropped first.
#[derive(Debug)]
pub(super) struct Placed<T> {
    pub(super) instance: T,
    place: Place,
}

impl<T> IdleInstances<T> {
    /// None as yet; they and those that run are to be no more than `capacity`, and none is to be idle for longer.
    pub(super) fn new(capacity: NonZeroUsize, max_idle: Duration) -> Self {
        Self { capacity: capacity.get(), max_idle, taken: Arc::default(), idle: Mutex::default(), added: Notify::new() }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle<T>>> {
        // Nothing that could panic leaves them half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a fresh instance. Where there is none left, the instance that has been idle longest is dropped.
    pub(super) fn place(&self) -> Place {
        let place = Place(self.taken.clone());
        if place.0.fetch_add(1, Relaxed) >= self.capacity {
            let dropped = self.idle().pop_front();
            // Not within the lock: it gives its memory back.
            drop(dropped);
        }
        place
    }

    /// An idle instance of this handler: the one that ran last, so that those which are not needed grow old.
    pub(super) fn take(&self, of: HandlerId) -> Option<Placed<T>> {
        let mut idle = self.idle();
        let position = idle.iter().rposition(|idle| idle.of == of)?;
        idle.remove(position).map(|idle| idle.placed)
    }

    /// Leaves an instance, which is idle since now, to the next task of its handler, unless more places are taken than
    /// there should be.
    pub(super) fn keep(&self, of: HandlerId, placed: Placed<T>, since: Instant) {
        if placed.place.0.load(Relaxed) > self.capacity {
            return;
        }
        let mut idle = self.idle();
        let was_empty = idle.is_empty();
        idle.push_back(Idle { of, since, placed });
        drop(idle);
        if was_empty {
            self.added.notify_one();
        }
    }

    /// Drops what has been idle for too long, as long as it is polled.
    pub(super) async fn clear(self: Arc<Self>) {
        loop {
            let oldest = self.idle().front().map(|idle| idle.since);
            match oldest {
                Some(since) => tokio::time::sleep_until(since + self.max_idle).await,
                None => self.added.notified().await,
            }
            // One at a time, so that others may compute meanwhile.
            while let Some(expired) = self.expired() {
                drop(expired);
                tokio::task::yield_now().await;
            }
        }
    }

    fn expired(&self) -> Option<Placed<T>> {
        let mut idle = self.idle();
        let is_expired = idle.front().is_some_and(|oldest| oldest.since.elapsed() >= self.max_idle);
        if is_expired { idle.pop_front().map(|idle| idle.placed) } else { None }
    }
}

impl Place {
    /// With the instance that is made here.
    pub(super) fn with<T>(self, instance: T) -> Placed<T> {
        Placed { instance, place: self }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: HandlerId = HandlerId(1);
    const OTHER: HandlerId = HandlerId(2);

    /// An instance with a name, which sees when it is dropped that its place is still taken.
    #[derive(Debug)]
    struct Named(&'static str, Arc<AtomicUsize>);

    impl Drop for Named {
        fn drop(&mut self) {
            assert!(self.1.load(Relaxed) > 0, "the place of {} was given away before it was gone", self.0);
        }
    }

    struct Fixture(Arc<IdleInstances<Named>>);

    impl Fixture {
        fn of(capacity: usize) -> Self {
            Self(Arc::new(IdleInstances::new(NonZeroUsize::new(capacity).expect("positive"), MAX_IDLE)))
        }

        fn run(&self, name: &'static str) -> Placed<Named> {
            self.0.place().with(Named(name, self.0.taken.clone()))
        }

        fn keep(&self, of: HandlerId, placed: Placed<Named>) {
            self.0.keep(of, placed, Instant::now());
        }

        fn take(&self, of: HandlerId) -> Option<&'static str> {
            self.0.take(of).map(|placed| placed.instance.0)
        }

        fn idle(&self) -> Vec<&'static str> {
            self.0.idle().iter().map(|idle| idle.placed.instance.0).collect()
        }

        fn taken(&self) -> usize {
            self.0.taken.load(Relaxed)
        }
    }

    #[tokio::test]
    async fn an_instance_is_given_to_its_own_handler_only_and_once() {
        let all = Fixture::of(2);
        all.keep(HANDLER, all.run("a"));
        assert_eq!(all.take(OTHER), None);
        assert_eq!(all.take(HANDLER), Some("a"));
        assert_eq!(all.take(HANDLER), None);
        assert_eq!(all.taken(), 0);
    }

    #[tokio::test]
    async fn the_instance_that_ran_last_is_taken_first_so_that_the_others_expire() {
        let all = Fixture::of(2);
        let (first, second) = (all.run("first"), all.run("second"));
        all.keep(HANDLER, first);
        all.keep(HANDLER, second);
        assert_eq!(all.take(HANDLER), Some("second"));
    }

    #[tokio::test]
    async fn a_fresh_instance_takes_the_place_of_the_one_that_is_idle_longest_and_of_none_while_there_is_room() {
        let all = Fixture::of(3);
        let (first, second) = (all.run("first"), all.run("second"));
        all.keep(HANDLER, first);
        all.keep(OTHER, second);
        let _within = all.run("within");
        assert_eq!(all.idle(), ["first", "second"]);
        let _beyond = all.run("beyond");
        assert_eq!(all.idle(), ["second"]);
        assert_eq!(all.taken(), 3);
    }

    #[tokio::test]
    async fn what_runs_beyond_the_places_is_not_kept() {
        let all = Fixture::of(1);
        let (first, second) = (all.run("first"), all.run("second"));
        all.keep(HANDLER, second);
        assert_eq!(all.idle(), [""; 0]);
        all.keep(HANDLER, first);
        assert_eq!(all.idle(), ["first"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_is_idle_too_long_is_dropped_and_then_its_place_is_free() {
        let all = Fixture::of(2);
        let clearing = tokio::spawn(all.0.clone().clear());
        let (first, second) = (all.run("first"), all.run("second"));
        all.keep(HANDLER, first);
        tokio::time::sleep(MAX_IDLE / 2).await;
        all.keep(HANDLER, second);
        tokio::time::sleep(MAX_IDLE * 3 / 4).await;
        assert_eq!((all.idle(), all.taken()), (vec!["second"], 1));
        tokio::time::sleep(MAX_IDLE).await;
        assert_eq!((all.idle(), all.taken()), (vec![], 0));
        clearing.abort();
    }
}
