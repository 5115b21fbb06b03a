//! Slots: who may run. One limit for the host, one for a plugin that wants it, and a share for every route (a topic and
//! one of its plugins) that no other route can take, so that a slow one never fills the pool.

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroUsize,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::task::Route;

/// How fast the measured time of a route's invocations follows the present: the weight of the newest in a moving
/// average. A tenth follows a change within a few dozen tasks and is not thrown by one.
const NEWEST_WEIGHT: f64 = 0.1;

/// The slots of a host, and the tasks that wait for one.
pub(super) struct Slots<W> {
    state: Mutex<State<W>>,
    /// Told whenever a task waits or a slot becomes free.
    changed: watch::Sender<()>,
}

struct State<W> {
    max: usize,
    used: usize,
    routes: BTreeMap<Route, RouteState<W>>,
    /// The route that was served last, so that the next one is served next.
    last: Option<Route>,
}

struct RouteState<W> {
    /// The plugin's own limit.
    limit: usize,
    /// Whether a plugin serves the route; one that is gone needs no share.
    served: bool,
    running: usize,
    waiting: VecDeque<W>,
    /// The time that a slot is occupied by one task, outcome delivered.
    occupied: Option<Duration>,
}

impl<W> Default for RouteState<W> {
    fn default() -> Self {
        Self { limit: usize::MAX, served: false, running: 0, waiting: VecDeque::new(), occupied: None }
    }
}

/// What a route can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Tasks that may be fetched now.
    pub(super) tasks: usize,
    /// Tasks that it could take if it were idle, the fetch-ahead included.
    pub(super) capacity: usize,
}

impl<W> Slots<W> {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        let state = State { max: max.get(), used: 0, routes: BTreeMap::new(), last: None };
        Self { state: Mutex::new(state), changed: watch::Sender::new(()) }
    }

    /// Hears whenever a task waits or a slot becomes free.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        // Counters are changed in single steps; a panic between them is not possible.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which routes are served, and their limits.
    pub(super) fn serve(&self, routes: impl IntoIterator<Item = (Route, Option<NonZeroUsize>)>) {
        let mut state = self.state();
        for route in state.routes.values_mut() {
            route.served = false;
        }
        for (route, limit) in routes {
            let entry = state.routes.entry(route).or_default();
            entry.served = true;
            entry.limit = limit.map_or(usize::MAX, NonZeroUsize::get);
        }
        state.routes.retain(|_, route| route.served || route.running > 0 || !route.waiting.is_empty());
        drop(state);
        self.changed.send_replace(());
    }

    /// Tells everybody who subscribes to look again, though nothing has changed here.
    pub(super) fn look_again(&self) {
        self.changed.send_replace(());
    }

    /// Queues a task.
    pub(super) fn wait(&self, route: &Route, waiting: W) {
        self.state().routes.entry(route.clone()).or_default().waiting.push_back(waiting);
        self.changed.send_replace(());
    }

    /// Takes a slot for the next waiting task, if one may run. Routes take turns.
    pub(super) fn next(self: &Arc<Self>) -> Option<(W, Slot<W>)> {
        let mut state = self.state();
        let reserved = state.reserved();
        let ready =
            |(_, entry): &(&Route, &RouteState<W>)| !entry.waiting.is_empty() && state.takes(entry, reserved) > 0;
        // From the one after the last, and round.
        let after = state.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let turn = state.routes.range((after, Bound::Unbounded)).chain(&state.routes);
        let route = turn.into_iter().find(ready).map(|(route, _)| route.clone())?;
        let entry = state.routes.get_mut(&route)?;
        let waiting = entry.waiting.pop_front()?;
        entry.running += 1;
        state.used += 1;
        state.last = Some(route.clone());
        drop(state);
        Some((waiting, Slot { slots: self.clone(), route, taken: Instant::now(), permit: None }))
    }

    /// What each served route can take: free slots and, when its tasks are quick, a fetch-ahead of so much work.
    pub(super) fn rooms(&self, fetch_ahead: Duration) -> BTreeMap<Route, Room> {
        let state = self.state();
        let all = state.reserved();
        let served = state.routes.iter().filter(|(_, route)| route.served);
        served.map(|(name, route)| (name.clone(), state.room(route, all, fetch_ahead))).collect()
    }

    /// Takes all waiting tasks of the routes for which `which` holds out of their queues.
    pub(super) fn drain(&self, which: impl Fn(&Route) -> bool) -> Vec<W> {
        let mut state = self.state();
        state
            .routes
            .iter_mut()
            .filter(|(route, _)| which(route))
            .flat_map(|(_, entry)| entry.waiting.drain(..))
            .collect()
    }
}

impl<W> State<W> {
    fn served(&self) -> usize {
        self.routes.values().filter(|route| route.served).count().max(1)
    }

    /// The slots that every served route can count on: half of the pool, in equal parts. The other half goes to
    /// whoever needs it. With very many routes there is nothing to divide, and [`Self::most`] alone keeps one of them
    /// from filling the pool.
    fn guarantee(&self) -> usize {
        let served = self.served();
        if served == 1 { self.max } else { self.max / (2 * served) }
    }

    /// The most slots that one route may take: of several none takes the last quarter of the pool.
    fn most(&self) -> usize {
        if self.served() == 1 { self.max } else { (self.max - (self.max / 4).max(1)).max(1) }
    }

    /// What a route's guarantee still holds back for it.
    fn unused(&self, route: &RouteState<W>, guarantee: usize) -> usize {
        if route.served { guarantee.min(route.limit).saturating_sub(route.running) } else { 0 }
    }

    /// The free slots that the guarantees of all routes hold back.
    fn reserved(&self) -> usize {
        let guarantee = self.guarantee();
        self.routes.values().map(|route| self.unused(route, guarantee)).sum()
    }

    /// How many more slots a route may take now, given what is reserved for all of them.
    fn takes(&self, route: &RouteState<W>, reserved: usize) -> usize {
        let guarantee = self.guarantee();
        let free = self.max - self.used;
        let for_others = reserved - self.unused(route, guarantee);
        let own = guarantee.saturating_sub(route.running).min(free);
        own.max(free.saturating_sub(for_others)).min(route.limit.min(self.most()).saturating_sub(route.running))
    }

    fn room(&self, route: &RouteState<W>, reserved: usize, fetch_ahead: Duration) -> Room {
        // Several routes at work share the pool, and with it what is fetched ahead.
        let at_work = self.routes.values().filter(|route| route.running > 0 || !route.waiting.is_empty()).count();
        let most = route.limit.min(self.max.div_ceil(at_work.max(1)));
        let ahead = match route.occupied {
            // Unmeasured or slow: what is fetched ahead would only wait with its lock running.
            None => 0,
            Some(occupied) if occupied > fetch_ahead => 0,
            Some(occupied) => {
                let rounds = fetch_ahead.as_secs_f64() / occupied.as_secs_f64().max(SHORTEST_MEASURE);
                (most as f64 * rounds) as usize
            }
        };
        let tasks = (self.takes(route, reserved) + ahead).saturating_sub(route.waiting.len());
        Room { tasks, capacity: most + ahead }
    }
}

/// Seconds; nothing that reaches the engine is quicker.
const SHORTEST_MEASURE: f64 = 0.000_1;

/// A slot; free again when dropped.
pub(super) struct Slot<W> {
    slots: Arc<Slots<W>>,
    route: Route,
    taken: Instant,
    /// The host's, whose workers share one limit.
    permit: Option<OwnedSemaphorePermit>,
}

impl<W> Slot<W> {
    /// This slot with a permit of the host, which becomes free with it.
    pub(super) fn with(self, permit: OwnedSemaphorePermit) -> Self {
        let mut slot = self;
        slot.permit = Some(permit);
        slot
    }
}

impl<W> Drop for Slot<W> {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        state.used -= 1;
        if let Some(entry) = state.routes.get_mut(&self.route) {
            entry.running -= 1;
            let newest = self.taken.elapsed();
            entry.occupied = Some(match entry.occupied {
                None => newest,
                Some(before) => before.mul_f64(1.0 - NEWEST_WEIGHT) + newest.mul_f64(NEWEST_WEIGHT),
            });
        }
        drop(state);
        self.slots.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PluginName, Topic};

    fn route(name: &str) -> Route {
        Route { topic: Topic::new("t"), plugin: PluginName::new(name) }
    }

    fn slots(max: usize, routes: &[(&str, Option<usize>)]) -> Arc<Slots<&'static str>> {
        let slots = Slots::new(NonZeroUsize::new(max).expect("positive"));
        slots.serve(routes.iter().map(|(name, limit)| (route(name), limit.and_then(NonZeroUsize::new))));
        Arc::new(slots)
    }

    fn fill(slots: &Arc<Slots<&'static str>>, name: &'static str, count: usize) {
        for _ in 0..count {
            slots.wait(&route(name), name);
        }
    }

    fn run(slots: &Arc<Slots<&'static str>>) -> Vec<(&'static str, Slot<&'static str>)> {
        std::iter::from_fn(|| slots.next()).collect()
    }

    fn room(slots: &Arc<Slots<&'static str>>, fetch_ahead: Duration) -> usize {
        slots.rooms(fetch_ahead)[&route("a")].tasks
    }

    #[test]
    fn the_only_route_may_use_the_whole_pool() {
        let slots = slots(8, &[("a", None)]);
        fill(&slots, "a", 10);
        assert_eq!(run(&slots).len(), 8);
    }

    #[test]
    fn a_route_that_fills_the_pool_leaves_the_others_their_share() {
        let slots = slots(8, &[("slow", None), ("quick", None)]);
        fill(&slots, "slow", 20);
        let slow = run(&slots);
        assert_eq!(slow.len(), 6);
        fill(&slots, "quick", 20);
        assert_eq!(run(&slots).iter().filter(|(route, _)| *route == "quick").count(), 2);
    }

    #[test]
    fn waiting_routes_take_turns() {
        let slots = slots(4, &[("a", None), ("b", None)]);
        fill(&slots, "a", 4);
        fill(&slots, "b", 4);
        let order: Vec<_> = run(&slots).into_iter().map(|(route, _)| route).collect();
        assert_eq!(order.len(), 4);
        assert_eq!(order.iter().filter(|route| **route == "a").count(), 2);
    }

    #[test]
    fn a_plugins_own_limit_holds() {
        let slots = slots(8, &[("a", Some(2))]);
        fill(&slots, "a", 10);
        let running = run(&slots);
        assert_eq!(running.len(), 2);
        drop(running);
        assert_eq!(run(&slots).len(), 2);
    }

    #[test]
    fn a_freed_slot_can_be_taken_again() {
        let slots = slots(1, &[("a", None)]);
        fill(&slots, "a", 2);
        let first = slots.next().expect("a slot");
        assert!(slots.next().is_none());
        drop(first);
        assert!(slots.next().is_some());
    }

    #[test]
    fn more_routes_than_slots_still_run_and_none_fills_the_pool() {
        let slots = slots(4, &[("a", None), ("b", None), ("c", None), ("d", None), ("e", None)]);
        fill(&slots, "c", 10);
        let running = run(&slots);
        assert_eq!(running.len(), 3);
        fill(&slots, "d", 1);
        assert_eq!(run(&slots).len(), 1);
    }

    #[test]
    fn a_single_slot_serves_several_routes_in_turn() {
        let slots = slots(1, &[("a", None), ("b", None)]);
        fill(&slots, "b", 1);
        assert_eq!(run(&slots).len(), 1);
    }

    #[test]
    fn quick_work_is_fetched_ahead_and_slow_work_is_not() {
        let slots = slots(4, &[("a", None)]);
        let a = route("a");
        assert_eq!(room(&slots, Duration::from_millis(500)), 4);
        slots.state().routes.get_mut(&a).expect("served").occupied = Some(Duration::from_millis(100));
        assert_eq!(room(&slots, Duration::from_millis(500)), 4 + 20);
        slots.state().routes.get_mut(&a).expect("served").occupied = Some(Duration::from_millis(600));
        assert_eq!(room(&slots, Duration::from_millis(500)), 4);
    }

    #[test]
    fn what_waits_is_not_fetched_again() {
        let slots = slots(4, &[("a", None)]);
        fill(&slots, "a", 3);
        assert_eq!(room(&slots, Duration::ZERO), 1);
        assert_eq!(slots.drain(|_| true).len(), 3);
        assert_eq!(room(&slots, Duration::ZERO), 4);
    }
}
