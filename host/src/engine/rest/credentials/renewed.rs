//! A value that is had anew when it is due, by one at a time.

use std::{future::Future, time::Instant};

use tokio::sync::Mutex;

use super::{CredentialError, REFUSAL_PAUSE};

/// A value and how it was had last.
///
/// Whoever finds it due has it anew, in its own time; if that one gives up, the next does. Who comes meanwhile waits,
/// and gets the same result, be it an error.
pub(super) struct Renewed<T> {
    // Held while the value is had: that is what makes it one at a time.
    state: Mutex<State<T>>,
}

struct State<T> {
    had: Option<Had<T>>,
    failure: Option<(Instant, CredentialError)>,
    refusal: Option<Instant>,
}

/// A value and when it was had.
pub(super) struct Had<T> {
    pub(super) value: T,
    pub(super) at: Instant,
}

impl<T: Clone> Renewed<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { had: None, failure: None, refusal: None }) }
    }

    /// The value, if it is still `good`, or what `renew` makes of the last one.
    ///
    /// # Errors
    /// That of `renew`, of this caller or of another for whom it waited.
    pub(super) async fn get<F>(
        &self,
        good: impl FnOnce(&Had<T>) -> bool,
        renew: impl FnOnce(Option<T>) -> F,
    ) -> Result<T, CredentialError>
    where
        F: Future<Output = Result<T, CredentialError>>,
    {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(had) = state.had.as_ref().filter(|had| good(had)) {
            return Ok(had.value.clone());
        }
        if let Some((at, error)) = &state.failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        let last = state.had.as_ref().map(|had| had.value.clone());
        match renew(last).await {
            Ok(value) => {
                state.had = Some(Had { value: value.clone(), at: Instant::now() });
                state.failure = None;
                Ok(value)
            }
            Err(error) => {
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets a value that was refused after it had been had at `had`; not one that was renewed since, and not twice
    /// within a short time.
    pub(super) async fn refused(&self, had: Instant) {
        let mut state = self.state.lock().await;
        let pauses = state.refusal.is_some_and(|last| last.elapsed() < REFUSAL_PAUSE);
        if !pauses && state.had.as_ref().is_some_and(|it| it.at <= had) {
            state.had = None;
            state.refusal = Some(Instant::now());
        }
    }
}
