//! The circuit breaker of a topic: when a handler says that a system it needs is down, its topic pauses, single tasks
//! probe, and the first that succeeds resumes it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::task::Topic;

/// The first pause. Long enough to spare a system that restarts, short enough for a hiccup.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether a topic may run.
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

/// The breakers of all topics.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<Topic, Outage>>);

impl Breakers {
    fn outages(&self) -> MutexGuard<'_, HashMap<Topic, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a topic may run now.
    pub(super) fn gate(&self, topic: &Topic, now: Instant) -> Gate {
        match self.outages().get(topic) {
            None => Gate::Open,
            Some(outage) if outage.probing => Gate::Closed(None),
            Some(outage) if outage.until <= now => Gate::Probe,
            Some(outage) => Gate::Closed(Some(outage.until)),
        }
    }

    /// A task of a paused topic has been fetched as its probe.
    pub(super) fn probing(&self, topic: &Topic) {
        if let Some(outage) = self.outages().get_mut(topic) {
            outage.probing = true;
        }
    }

    /// A handler says that its system is down. Returns how long the topic pauses.
    pub(super) fn trip(&self, topic: &Topic, now: Instant) -> Duration {
        let mut outages = self.outages();
        let pause = match outages.get(topic) {
            None => FIRST_PAUSE,
            // Others that were running when the first one found out say nothing new.
            Some(outage) if !outage.probing => return outage.until.saturating_duration_since(now),
            Some(outage) => (outage.pause * 2).min(LONGEST_PAUSE),
        };
        tracing::warn!(%topic, pause_s = pause.as_secs(), "a handler reports that a system it needs is down: the topic pauses");
        outages.insert(topic.clone(), Outage { pause, until: now + pause, probing: false });
        pause
    }

    /// A probe ended without an answer to the question: the next task probes.
    pub(super) fn probe_ended(&self, topic: &Topic) {
        if let Some(outage) = self.outages().get_mut(topic) {
            outage.probing = false;
        }
    }

    /// A handler of the topic did its work.
    pub(super) fn well(&self, topic: &Topic) {
        let mut outages = self.outages();
        // Only the probe tells: what was started before the outage may still succeed.
        if outages.get(topic).is_some_and(|outage| outage.probing) {
            outages.remove(topic);
            tracing::info!(%topic, "the system that the handler needs is back: the topic resumes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_pauses_probes_and_resumes() {
        let (breakers, topic, now) = (Breakers::default(), Topic::new("t"), Instant::now());
        assert_eq!(breakers.gate(&topic, now), Gate::Open);
        let pause = breakers.trip(&topic, now);
        assert_eq!(breakers.gate(&topic, now), Gate::Closed(Some(now + pause)));
        assert_eq!(breakers.gate(&topic, now + pause), Gate::Probe);
        breakers.probing(&topic);
        assert_eq!(breakers.gate(&topic, now + pause), Gate::Closed(None));
        breakers.well(&topic);
        assert_eq!(breakers.gate(&topic, now + pause), Gate::Open);
    }

    #[test]
    fn a_probe_that_fails_makes_the_pause_longer_and_latecomers_do_not() {
        let (breakers, topic, now) = (Breakers::default(), Topic::new("t"), Instant::now());
        let first = breakers.trip(&topic, now);
        assert_eq!(breakers.trip(&topic, now), first, "a latecomer changes nothing");
        breakers.probing(&topic);
        assert_eq!(breakers.trip(&topic, now + first), first * 2);
    }

    #[test]
    fn success_of_what_ran_before_does_not_resume() {
        let (breakers, topic, now) = (Breakers::default(), Topic::new("t"), Instant::now());
        breakers.trip(&topic, now);
        breakers.well(&topic);
        assert!(matches!(breakers.gate(&topic, now), Gate::Closed(Some(_))));
    }
}
