//! The circuit breaker of a route: when a handler says that a system it needs is down, the topic pauses for its plugin,
//! single tasks probe, and the first that succeeds resumes it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::task::Route;

/// The first pause. Long enough to spare a system that restarts, short enough for a hiccup.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether a route may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As many as there are slots.
    Open,
    /// One task, to see whether the system is back.
    Probe,
    /// None before this moment, `None` while a probe runs.
    Closed(Option<Instant>),
}

#[derive(Debug)]
struct Outage {
    pause: Duration,
    until: Instant,
    probing: bool,
}

/// The breakers of all routes.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<Route, Outage>>);

impl Breakers {
    fn outages(&self) -> MutexGuard<'_, HashMap<Route, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a route may run now.
    pub(super) fn gate(&self, route: &Route, now: Instant) -> Gate {
        match self.outages().get(route) {
            None => Gate::Open,
            Some(outage) if outage.probing => Gate::Closed(None),
            Some(outage) if outage.until <= now => Gate::Probe,
            Some(outage) => Gate::Closed(Some(outage.until)),
        }
    }

    /// A task of a paused route has been fetched as its probe.
    pub(super) fn probing(&self, route: &Route) {
        if let Some(outage) = self.outages().get_mut(route) {
            outage.probing = true;
        }
    }

    /// A handler says that its system is down. Returns how long the route pauses.
    pub(super) fn trip(&self, route: &Route, now: Instant) -> Duration {
        let mut outages = self.outages();
        let pause = match outages.get(route) {
            None => FIRST_PAUSE,
            // Others that were running when the first one found out say nothing new.
            Some(outage) if !outage.probing => return outage.until.saturating_duration_since(now),
            Some(outage) => (outage.pause * 2).min(LONGEST_PAUSE),
        };
        tracing::warn!(topic = %route.topic, plugin = %route.plugin, pause_s = pause.as_secs(), "a handler reports that a system it needs is down: the topic pauses");
        outages.insert(route.clone(), Outage { pause, until: now + pause, probing: false });
        pause
    }

    /// A probe ended without an answer to the question: the next task probes.
    pub(super) fn probe_ended(&self, route: &Route) {
        if let Some(outage) = self.outages().get_mut(route) {
            outage.probing = false;
        }
    }

    /// A handler of the route did its work.
    pub(super) fn well(&self, route: &Route) {
        let mut outages = self.outages();
        // Only the probe tells: what was started before the outage may still succeed.
        if outages.get(route).is_some_and(|outage| outage.probing) {
            outages.remove(route);
            tracing::info!(topic = %route.topic, plugin = %route.plugin, "the system that the handler needs is back: the topic resumes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PluginName, Topic};

    fn route() -> Route {
        Route { topic: Topic::new("t"), plugin: PluginName::new("p") }
    }

    #[test]
    fn a_topic_pauses_probes_and_resumes() {
        let (breakers, route, now) = (Breakers::default(), route(), Instant::now());
        assert_eq!(breakers.gate(&route, now), Gate::Open);
        let pause = breakers.trip(&route, now);
        assert_eq!(breakers.gate(&route, now), Gate::Closed(Some(now + pause)));
        assert_eq!(breakers.gate(&route, now + pause), Gate::Probe);
        breakers.probing(&route);
        assert_eq!(breakers.gate(&route, now + pause), Gate::Closed(None));
        breakers.well(&route);
        assert_eq!(breakers.gate(&route, now + pause), Gate::Open);
    }

    #[test]
    fn a_probe_that_fails_makes_the_pause_longer_and_latecomers_do_not() {
        let (breakers, route, now) = (Breakers::default(), route(), Instant::now());
        let first = breakers.trip(&route, now);
        assert_eq!(breakers.trip(&route, now), first, "a latecomer changes nothing");
        breakers.probing(&route);
        assert_eq!(breakers.trip(&route, now + first), first * 2);
    }

    #[test]
    fn success_of_what_ran_before_does_not_resume() {
        let (breakers, route, now) = (Breakers::default(), route(), Instant::now());
        breakers.trip(&route, now);
        breakers.well(&route);
        assert!(matches!(breakers.gate(&route, now), Gate::Closed(Some(_))));
    }
}
