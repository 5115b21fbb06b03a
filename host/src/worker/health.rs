//! How the engine is: whether it answers, keeps up and takes fetches, since when not, how long to leave it alone, and
//! how fast it answers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;

use crate::{
    engine::{EngineError, Standing},
    task::EngineName,
};

/// The waits between failing requests. Only errors make anybody wait; an empty answer does not.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The first wait (`worker.backoff.initial`).
    pub initial: Duration,
    /// By what each is multiplied to give the next; at least 1 (`worker.backoff.factor`).
    pub factor: f64,
    /// The longest (`worker.backoff.max`).
    pub max: Duration,
    /// The longest while the engine is there but overloaded (`worker.backoff.overload-max`).
    pub overload_max: Duration,
    /// The part of a wait, from 0 to 1, that is left to chance (`worker.backoff.jitter`).
    pub jitter: f64,
}

impl Backoff {
    /// Endless waits with jitter, so that many hosts do not come back at the same moment.
    pub(super) fn waits(&self) -> Waits {
        let waits = ExponentialBuilder::new()
            .with_min_delay(self.initial)
            .with_max_delay(self.max)
            .with_factor(self.factor as f32)
            .without_max_times()
            .build();
        Waits { waits, options: self.clone() }
    }
}

/// The waits of one series of failures.
pub(super) struct Waits {
    waits: ExponentialBackoff,
    options: Backoff,
}

impl Waits {
    /// The wait after another failure of the engine; what it asked for comes first.
    pub(super) fn after(&mut self, error: &EngineError) -> Duration {
        let longest = match error.standing() {
            // It works off what it has, so it can be asked again sooner than one that is away.
            Standing::Overloaded => self.options.overload_max,
            Standing::Away | Standing::There | Standing::NotAsked => self.options.max,
        };
        let own = self.at_most(longest);
        error.retry_after().map_or(own, |asked| asked.max(own))
    }

    /// The wait after another failure.
    pub(super) fn next(&mut self) -> Duration {
        self.at_most(self.options.max)
    }

    fn at_most(&mut self, longest: Duration) -> Duration {
        let whole = self.waits.next().unwrap_or(longest).min(longest);
        whole.mul_f64(1.0 - self.options.jitter * fastrand::f64())
    }
}

/// The health of one engine as this host sees it.
pub(super) struct Health {
    /// The engine's, for a host may have several.
    name: EngineName,
    state: Mutex<State>,
    /// Changes when the engine answers again after an outage.
    recovered: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    /// When the engine answered last.
    answered: Option<Instant>,
    latency: Duration,
}

/// What is wrong with the engine.
struct Trouble {
    standing: Standing,
    since: Instant,
    told: Instant,
}

/// An overload is told again after this long; each refusal would fill the log.
const REMIND: Duration = Duration::from_secs(60);

impl Health {
    pub(super) fn new(name: EngineName) -> Self {
        Self { name, state: Mutex::default(), recovered: watch::Sender::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine answered, whatever it said: an outage is over.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        let Some(outage) = state.trouble.take_if(|it| it.standing == Standing::Away) else { return };
        drop(state);
        tracing::info!(engine = %self.name, away_s = whole_seconds(outage.since), "the engine answers again");
        self.recovered.send_replace(());
    }

    /// The engine took a fetch: whatever was wrong is over.
    pub(super) fn fetched(&self) {
        self.answered();
        let Some(trouble) = self.state().trouble.take() else { return };
        match trouble.standing {
            Standing::Overloaded => {
                tracing::info!(engine = %self.name, overloaded_s = whole_seconds(trouble.since), "the engine keeps up again");
            }
            Standing::There | Standing::NotAsked | Standing::Away => {
                tracing::info!(engine = %self.name, refused_s = whole_seconds(trouble.since), "the engine takes fetches again");
            }
        }
    }

    /// A call that is never parked took so long; half of it is about what an answer needs to come here.
    pub(super) fn took(&self, round_trip: Duration) {
        let mut state = self.state();
        state.latency = if state.latency.is_zero() { round_trip } else { (state.latency * 7 + round_trip) / 8 };
    }

    /// How long an answer may have been on its way.
    pub(super) fn latency(&self) -> Duration {
        self.state().latency
    }

    /// A poll failed; the next one waits so long.
    pub(super) fn failed(&self, error: &EngineError, wait: Duration) {
        let standing = error.standing();
        if matches!(standing, Standing::There | Standing::Overloaded) {
            self.answered();
        }
        let now = Instant::now();
        let mut state = self.state();
        let begins = state.begins(standing, now);
        let Some(trouble) = &mut state.trouble else { return };
        let since = trouble.since;
        let reminds = now.duration_since(trouble.told) >= REMIND;
        if reminds {
            trouble.told = now;
        }
        drop(state);
        let next_try_s = round(wait.as_secs_f64());
        match standing {
            Standing::Overloaded if begins => {
                tracing::warn!(engine = %self.name, next_try_s, "fetching slows down: {error}")
            }
            Standing::Overloaded if reminds => {
                tracing::warn!(engine = %self.name, next_try_s, overloaded_s = whole_seconds(since), "still: {error}");
            }
            Standing::Overloaded => {
                tracing::debug!(engine = %self.name, next_try_s, overloaded_s = whole_seconds(since), "still: {error}");
            }
            Standing::Away | Standing::There | Standing::NotAsked if begins => {
                tracing::error!(engine = %self.name, next_try_s, "{error}")
            }
            Standing::Away => {
                tracing::warn!(engine = %self.name, next_try_s, down_s = whole_seconds(since), "still: {error}")
            }
            Standing::There | Standing::NotAsked => {
                tracing::warn!(engine = %self.name, next_try_s, refused_s = whole_seconds(since), "still: {error}")
            }
        }
    }

    /// A call for a task failed that was sent at this moment. If nobody has had an answer since, it is an outage, be
    /// there a poll that notices or none (all slots may be taken).
    pub(super) fn missed(&self, error: &EngineError, sent: Instant) {
        match error.standing() {
            Standing::There | Standing::Overloaded => return self.answered(),
            Standing::NotAsked => return,
            Standing::Away => {}
        }
        let mut state = self.state();
        if state.answered.is_some_and(|answered| answered >= sent) {
            return;
        }
        let begins = state.begins(Standing::Away, Instant::now());
        drop(state);
        if begins {
            tracing::error!(engine = %self.name, "{error}");
        }
    }

    /// Told whenever the engine answers again after an outage.
    pub(super) fn recoveries(&self) -> watch::Receiver<()> {
        self.recovered.subscribe()
    }

    /// Waits, but no longer than until the engine has recovered.
    pub(super) async fn wait(&self, wait: Duration) {
        let mut recovered = self.recoveries();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = recovered.changed() => {
                // All that waited would come at once otherwise.
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..SPREAD_MS))).await;
            }
        }
    }
}

impl State {
    /// Notes what is wrong; true if it was not so before.
    fn begins(&mut self, standing: Standing, now: Instant) -> bool {
        let begins = self.trouble.as_ref().is_none_or(|it| it.standing != standing);
        if begins {
            self.trouble = Some(Trouble { standing, since: now, told: now });
        }
        begins
    }
}

/// Over how many milliseconds those who waited for the engine spread their next try.
const SPREAD_MS: u64 = 500;

fn whole_seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64().round()
}

fn round(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    const EXACT: Backoff =
        Backoff { initial: SECOND, factor: 3.0, max: MINUTE, overload_max: Duration::from_secs(5), jitter: 0.0 };

    fn silence() -> EngineError {
        EngineError::TimedOut { after: SECOND }
    }

    fn overload(retry_after: Option<Duration>) -> EngineError {
        EngineError::Overloaded { status: 503, message: String::new(), retry_after }
    }

    fn refusal() -> EngineError {
        EngineError::Forbidden { message: String::new() }
    }

    fn is_away(health: &Health) -> bool {
        health.state().trouble.as_ref().is_some_and(|it| it.standing == Standing::Away)
    }

    #[test]
    fn waits_grow_by_the_factor_up_to_the_maximum_and_never_end() {
        let mut waits = EXACT.waits();
        let seconds: Vec<u64> = (0..6).map(|_| waits.after(&silence()).as_secs()).collect();
        assert_eq!(seconds, [1, 3, 9, 27, 60, 60]);
        assert!((0..200).all(|_| waits.after(&silence()) == MINUTE));
    }

    #[test]
    fn jitter_takes_its_part_of_each_wait_away_and_never_adds_any() {
        let mut waits = Backoff { factor: 1.0, jitter: 0.5, ..EXACT }.waits();
        let waits: Vec<Duration> = (0..200).map(|_| waits.next()).collect();
        assert!(waits.iter().all(|wait| (SECOND / 2..=SECOND).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < SECOND * 6 / 10) && waits.iter().any(|wait| *wait > SECOND * 9 / 10));
    }

    #[test]
    fn an_overloaded_engine_is_asked_again_sooner_than_one_that_is_away() {
        let mut waits = EXACT.waits();
        let seconds: Vec<u64> = (0..4).map(|_| waits.after(&overload(None)).as_secs()).collect();
        assert_eq!(seconds, [1, 3, 5, 5]);
    }

    #[test]
    fn what_the_engine_asks_for_is_honoured() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(EXACT.waits().after(&overload(asked)), Duration::from_secs(7));
        let less = Some(Duration::from_millis(1));
        assert_eq!(EXACT.waits().after(&overload(less)), SECOND, "never less than the wait of its own");
    }

    #[test]
    fn an_overload_or_a_refusal_is_no_outage_and_ends_one() {
        let health = Health::new(EngineName::new("default"));
        let recoveries = health.recoveries();
        for error in [overload(None), refusal()] {
            health.failed(&error, SECOND);
            assert!(!is_away(&health));
            health.failed(&silence(), SECOND);
            assert!(is_away(&health));
            health.failed(&error, SECOND);
            assert!(!is_away(&health) && recoveries.has_changed().expect("open"));
        }
        health.answered();
        assert!(health.state().trouble.is_some(), "other calls may well be taken while fetches are not");
        health.fetched();
        assert!(health.state().trouble.is_none());
    }

    #[test]
    fn a_call_that_fails_while_others_are_answered_is_no_outage() {
        let health = Health::new(EngineName::new("default"));
        let sent = Instant::now();
        health.answered();
        health.missed(&silence(), sent);
        assert!(!is_away(&health));
        health.missed(&silence(), Instant::now() + SECOND);
        assert!(is_away(&health));
        health.missed(&refusal(), sent);
        assert!(!is_away(&health), "whatever it says, it answers");
    }

    #[tokio::test]
    async fn a_recovery_ends_every_wait() {
        let health = Health::new(EngineName::new("default"));
        health.failed(&silence(), MINUTE);
        let began = Instant::now();
        let waiting = health.wait(MINUTE);
        tokio::pin!(waiting);
        // It subscribes when it is first polled.
        assert!(tokio::time::timeout(Duration::from_millis(10), &mut waiting).await.is_err());
        health.answered();
        waiting.await;
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
