//! How the engine is: whether it answers, since when it does not, how long to leave it alone, and how fast it answers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;

use crate::engine::EngineError;

/// The growth of a wait from one failure to the next.
const FACTOR: f32 = 2.0;

/// The waits between failing requests. Only errors make anybody wait; an empty answer does not.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The first wait (`worker.backoff.initial`).
    pub initial: Duration,
    /// The longest (`worker.backoff.max`).
    pub max: Duration,
}

impl Backoff {
    /// Endless waits with jitter, so that many hosts do not come back at the same moment.
    pub(super) fn waits(&self) -> Waits {
        let waits = ExponentialBuilder::new()
            .with_min_delay(self.initial)
            .with_max_delay(self.max)
            .with_factor(FACTOR)
            .without_max_times()
            .with_jitter()
            .build();
        Waits { waits, max: self.max }
    }
}

/// The waits of one series of failures.
pub(super) struct Waits {
    waits: ExponentialBackoff,
    max: Duration,
}

impl Waits {
    /// The wait after another failure of the engine; what it asked for comes first.
    pub(super) fn after(&mut self, error: &EngineError) -> Duration {
        let own = self.next();
        error.retry_after().map_or(own, |asked| asked.max(own))
    }

    /// The wait after another failure.
    pub(super) fn next(&mut self) -> Duration {
        self.waits.next().unwrap_or(self.max)
    }
}

/// The health of one engine as this host sees it.
pub(super) struct Health {
    state: Mutex<State>,
    /// Changes when the engine answers again after an outage.
    recovered: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    down_since: Option<Instant>,
    latency: Duration,
}

impl Health {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), recovered: watch::Sender::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine answered, whatever it said.
    pub(super) fn answered(&self) {
        let Some(since) = self.state().down_since.take() else { return };
        tracing::info!(away_s = since.elapsed().as_secs_f64().round(), "the engine answers again");
        self.recovered.send_replace(());
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
        let mut state = self.state();
        let first = state.down_since.is_none();
        let since = *state.down_since.get_or_insert_with(Instant::now);
        drop(state);
        let (next_try_s, down_s) = (wait.as_secs_f64(), since.elapsed().as_secs_f64().round());
        if first {
            tracing::error!(next_try_s = round(next_try_s), "{error}");
        } else {
            tracing::warn!(next_try_s = round(next_try_s), down_s, "still: {error}");
        }
    }

    /// Waits, but no longer than until the engine has recovered.
    pub(super) async fn wait(&self, wait: Duration) {
        let mut recovered = self.recovered.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = recovered.changed() => {
                // All that waited would come at once otherwise.
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..SPREAD_MS))).await;
            }
        }
    }
}

/// Over how many milliseconds those who waited for the engine spread their next try.
const SPREAD_MS: u64 = 500;

fn round(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> EngineError {
        EngineError::TimedOut { after: Duration::from_secs(1) }
    }

    #[test]
    fn waits_grow_up_to_the_maximum_and_never_end() {
        let backoff = Backoff { initial: Duration::from_millis(500), max: Duration::from_secs(60) };
        let mut waits = backoff.waits();
        let waits: Vec<Duration> = (0..200).map(|_| waits.after(&unreachable())).collect();
        assert!(waits[0] >= Duration::from_millis(500) && waits[0] <= Duration::from_millis(1_000));
        assert!(waits.iter().all(|wait| *wait <= 2 * Duration::from_secs(60)));
        assert!(waits[199] >= Duration::from_secs(60));
    }

    #[test]
    fn what_the_engine_asks_for_is_honoured() {
        let backoff = Backoff { initial: Duration::from_millis(1), max: Duration::from_millis(2) };
        let asked = Some(Duration::from_secs(7));
        let error = EngineError::Overloaded { status: 503, message: String::new(), retry_after: asked };
        assert_eq!(backoff.waits().after(&error), Duration::from_secs(7));
    }

    #[tokio::test]
    async fn a_recovery_ends_every_wait() {
        let health = Health::new();
        health.failed(&unreachable(), Duration::from_secs(60));
        let began = Instant::now();
        let waiting = health.wait(Duration::from_secs(60));
        tokio::pin!(waiting);
        // It subscribes when it is first polled.
        assert!(tokio::time::timeout(Duration::from_millis(10), &mut waiting).await.is_err());
        health.answered();
        waiting.await;
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
