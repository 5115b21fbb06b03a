//! The lanes: what the last fetches of each route told, when it may be fetched again, and which routes go together into
//! one request.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::dispatch::Asked;
use crate::{engine::EngineError, task::Subscription};

/// Under a backlog a fetch waits until one part in so many of the capacity is free: a fetch costs the engine 5 to
/// 14 ms whatever its size.
const REFILL_PART: usize = 4;

/// But no longer than this, so that slow handlers do not leave slots empty.
const LINGER: Duration = Duration::from_millis(100);

/// A route is not fetched more often than this. After idling the first task is there at once all the same; a stream of
/// tasks comes in small batches instead of one fetch each.
const FETCH_GAP: Duration = Duration::from_millis(20);

/// After an answer that made no sense: an engine that goes on like this must not keep both sides busy with fetching and
/// giving back.
const ODD_PAUSE: Duration = Duration::from_secs(1);

/// So often a fetch for one plugin alone must be rejected, by an engine that is well otherwise, before that plugin is
/// left out: a single rejection may have come from the engine's own bad luck.
const REJECTIONS: u32 = 3;

/// For how long it is left out then, unless its manifest changes: somebody may mend it at the engine.
const LEFT_OUT: Duration = Duration::from_secs(2 * 60);

/// What the last fetches of a route told.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) last_fetch: Option<Instant>,
    /// The last fetch brought as much as was asked for.
    backlog: bool,
    /// Since when there is room again, under a backlog.
    room_since: Option<Instant>,
    /// Not to be fetched before this moment, after an answer that made no sense.
    rests_until: Option<Instant>,
    rejected: Option<Rejected>,
}

/// The engine rejected a request that this lane was in.
struct Rejected {
    /// What was asked for; another version of the plugin may ask for something better.
    subscription: Subscription,
    /// How often it was rejected when nothing else was in the request.
    alone: u32,
    /// When to ask again.
    until: Instant,
}

/// What there is room for, for one plugin.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) asked: Asked,
    /// So many tasks at most.
    pub(super) room: usize,
}

impl Lane {
    /// A request for it is sent.
    pub(super) fn fetched(&mut self, now: Instant) {
        self.last_fetch = Some(now);
        self.room_since = None;
    }

    /// There is no room for any task.
    pub(super) fn full(&mut self) {
        self.room_since = None;
    }

    /// A request for it was answered, with as many tasks as were asked for or fewer.
    pub(super) fn answered(&mut self, asked: &Asked, full: bool) {
        self.backlog = full;
        let rejected = self.rejected.take_if(|it| it.subscription == asked.subscription);
        if rejected.is_some_and(|it| it.alone >= REJECTIONS) {
            tracing::info!(topic = %asked.route.topic, plugin = %asked.route.plugin, "the engine takes this plugin's fetches again");
        }
    }

    /// The answer that this lane was in made no sense.
    pub(super) fn rest(&mut self, now: Instant) {
        self.rests_until = Some(now + ODD_PAUSE);
    }

    /// The engine rejected a request with this lane and others, and is well otherwise: the next one has it alone.
    pub(super) fn suspect(&mut self, asked: &Asked, now: Instant) {
        let same = self.rejected.as_ref().is_some_and(|it| it.subscription == asked.subscription);
        if !same {
            self.rejected = Some(Rejected { subscription: asked.subscription.clone(), alone: 0, until: now });
        }
    }

    /// The engine rejected a request with this lane alone, and is well otherwise. Told once, when it is certain.
    pub(super) fn rejected(&mut self, asked: &Asked, error: &EngineError, pause: Duration, now: Instant) {
        self.suspect(asked, now);
        let Some(rejected) = &mut self.rejected else { return };
        rejected.alone = rejected.alone.saturating_add(1);
        let (topic, plugin, left_out_s) = (&asked.route.topic, &asked.route.plugin, LEFT_OUT.as_secs());
        if rejected.alone == REJECTIONS {
            tracing::error!(%topic, %plugin, left_out_s, "what this plugin's manifest asks for is not fetched, the others go on; change its manifest, or it is asked for again when that time is over: {error}");
        } else {
            tracing::debug!(%topic, %plugin, times = rejected.alone, "{error}");
        }
        rejected.until = now + if rejected.alone < REJECTIONS { pause } else { LEFT_OUT };
    }

    /// Whether it is to be asked for alone: it was in a request that was rejected.
    pub(super) fn is_suspect(&mut self, subscription: &Subscription) -> bool {
        self.rejected.take_if(|it| it.subscription != *subscription);
        self.rejected.is_some()
    }

    /// Until when this route should not be fetched although it has room.
    pub(super) fn not_before(&mut self, room: usize, capacity: usize, now: Instant) -> Option<Instant> {
        let gap = self.last_fetch.map(|last| last + FETCH_GAP);
        let rejected = self.rejected.as_ref().map(|it| it.until);
        let linger = (self.backlog && room < capacity.div_ceil(REFILL_PART))
            .then(|| *self.room_since.get_or_insert(now) + LINGER);
        gap.max(rejected).max(self.rests_until).max(linger).filter(|until| *until > now)
    }
}

/// Puts routes with about equal room together: a request may bring all its tasks from one of its topics, so it asks for
/// what the least of them can take. No topic is in a group twice, because the engine keys a request by topic. The
/// routes come in their own order.
pub(super) fn groups(wants: Vec<Want>) -> Vec<Vec<Want>> {
    let mut sizes: BTreeMap<u32, Vec<Vec<Want>>> = BTreeMap::new();
    for want in wants {
        let groups = sizes.entry(want.room.max(1).ilog2()).or_default();
        // Routes of one topic follow each other, so that its last one tells whether a group has the topic.
        let has_not =
            |group: &&mut Vec<Want>| group.last().is_none_or(|last| last.asked.route.topic != want.asked.route.topic);
        match groups.iter_mut().find(has_not) {
            Some(group) => group.push(want),
            None => groups.push(vec![want]),
        }
    }
    sizes.into_values().rev().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PluginName, Route, Topic};

    fn asked(topic: &str, plugin: &str) -> Asked {
        let topic = Topic::new(topic);
        let subscription = Subscription {
            topic: topic.clone(),
            lock_duration: Duration::from_secs(60),
            variables: None,
            local_variables: false,
            deserialize_values: false,
            filter: Default::default(),
        };
        Asked { route: Route { topic, plugin: PluginName::new(plugin) }, subscription }
    }

    fn grouped(wants: &[(&str, &str, usize)]) -> Vec<Vec<String>> {
        let wants = wants.iter().map(|(topic, plugin, room)| Want { asked: asked(topic, plugin), room: *room });
        let name = |want: Want| want.asked.route.plugin.to_string();
        groups(wants.collect()).into_iter().map(|group| group.into_iter().map(name).collect()).collect()
    }

    #[test]
    fn topics_with_equal_room_share_a_request_and_a_limited_one_does_not_slow_them() {
        let wants = [("a", "a", 64), ("b", "b", 2), ("c", "c", 64)];
        assert_eq!(grouped(&wants), [vec!["a", "c"], vec!["b"]]);
    }

    #[test]
    fn two_plugins_of_one_topic_never_share_a_request() {
        let wants =
            [("a", "a1", 64), ("a", "a2", 64), ("a", "a3", 2), ("b", "b1", 64), ("b", "b2", 64), ("c", "c", 64)];
        assert_eq!(grouped(&wants), [vec!["a1", "b1", "c"], vec!["a2", "b2"], vec!["a3"]]);
    }

    #[test]
    fn without_a_backlog_a_topic_with_room_is_fetched_at_once() {
        let now = Instant::now();
        assert_eq!(Lane::default().not_before(1, 64, now), None);
    }

    #[test]
    fn under_a_backlog_a_fetch_waits_for_a_batch_but_not_for_ever() {
        let now = Instant::now();
        let mut lane = Lane { backlog: true, ..Lane::default() };
        assert_eq!(lane.not_before(1, 64, now), Some(now + LINGER));
        assert_eq!(lane.not_before(16, 64, now), None);
        assert_eq!(lane.not_before(1, 64, now + LINGER), None);
    }

    #[test]
    fn a_stream_of_tasks_does_not_cost_a_fetch_each() {
        let now = Instant::now();
        let mut lane = Lane { last_fetch: Some(now), ..Lane::default() };
        assert_eq!(lane.not_before(64, 64, now), Some(now + FETCH_GAP));
        assert_eq!(lane.not_before(64, 64, now + FETCH_GAP), None);
    }

    const PAUSE: Duration = Duration::from_millis(500);

    fn rejection() -> EngineError {
        EngineError::Rejected { status: 500, kind: "E".into(), message: "no".into(), code: None }
    }

    #[test]
    fn what_the_engine_rejects_alone_is_left_out_for_some_minutes() {
        let (mut lane, asked, now) = (Lane::default(), asked("a", "p"), Instant::now());
        lane.suspect(&asked, now);
        assert!(lane.is_suspect(&asked.subscription));
        assert_eq!(lane.not_before(1, 1, now), None, "asked for alone at once");
        for _ in 1..REJECTIONS {
            lane.rejected(&asked, &rejection(), PAUSE, now);
            assert_eq!(lane.not_before(1, 1, now), Some(now + PAUSE));
        }
        lane.rejected(&asked, &rejection(), PAUSE, now);
        assert_eq!(lane.not_before(1, 1, now), Some(now + LEFT_OUT));
    }

    #[test]
    fn another_manifest_or_an_answer_ends_the_suspicion() {
        let (mut lane, old, now) = (Lane::default(), asked("a", "p"), Instant::now());
        lane.rejected(&old, &rejection(), PAUSE, now);
        let new = Subscription { local_variables: true, ..old.subscription.clone() };
        assert!(!lane.is_suspect(&new));
        assert_eq!(lane.not_before(1, 1, now), None);
        lane.suspect(&old, now);
        lane.answered(&old, false);
        assert!(!lane.is_suspect(&old.subscription));
    }

    #[test]
    fn an_answer_without_sense_makes_a_pause() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        lane.rest(now);
        assert_eq!(lane.not_before(1, 1, now), Some(now + ODD_PAUSE));
        assert_eq!(lane.not_before(1, 1, now + ODD_PAUSE), None);
    }
}
