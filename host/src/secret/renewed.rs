//! A value that is had anew when it is due, by one at a time.

use std::{
    future::Future,
    sync::{Mutex as StdMutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

/// How long a refusal is no reason to have the same value anew a second time: a server that refuses everything must not
/// make every request run a command or ask for a token.
const REFUSAL_PAUSE: Duration = Duration::from_secs(10);

/// A value and how it was had last.
///
/// Whoever finds it due has it anew, in its own time; if that one gives up, the next does. Who comes meanwhile gets the
/// last value if that is still of use; if not, it waits and gets the same result, be it an error.
pub(crate) struct Renewed<T, E> {
    /// Held while the value is had, and by whoever changes `state`: that is what makes it one at a time.
    renewal: Mutex<()>,
    /// Never held while anything is awaited.
    state: StdMutex<State<T, E>>,
}

struct State<T, E> {
    had: Option<Had<T>>,
    failure: Option<(Instant, E)>,
    refusal: Option<Instant>,
}

/// A value and when it was had.
pub(crate) struct Had<T> {
    pub(crate) value: T,
    pub(crate) at: Instant,
}

/// What a value is good for that was had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// Everybody uses it.
    Good,
    /// Somebody is to have it anew; the others use it meanwhile.
    Due,
    /// Nobody uses it.
    Spent,
}

impl<T: Clone, E: Clone> Renewed<T, E> {
    pub(crate) fn new() -> Self {
        Self { renewal: Mutex::new(()), state: StdMutex::new(State { had: None, failure: None, refusal: None }) }
    }

    /// The last value if it is fit for it, or what `renew` makes of it. How long a value that is only due may be
    /// waited for is for `renew` to limit.
    ///
    /// # Errors
    /// That of `renew`, of this caller or of another for whom it waited.
    pub(crate) async fn get<F>(
        &self,
        fitness: impl Fn(&Had<T>) -> Fitness,
        renew: impl FnOnce(Option<T>) -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let asked = Instant::now();
        let _renewal = match self.last(&fitness) {
            Some((Fitness::Good, value)) => return Ok(value),
            Some((Fitness::Due, value)) => match self.renewal.try_lock() {
                Ok(renewal) => renewal,
                Err(_) => return Ok(value),
            },
            Some((Fitness::Spent, _)) | None => self.renewal.lock().await,
        };
        // Another caller may have been here since.
        let last = match self.last(&fitness) {
            Some((Fitness::Good, value)) => return Ok(value),
            last => last.map(|(_, value)| value),
        };
        if let Some((at, error)) = &self.state().failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        let result = renew(last).await;
        let mut state = self.state();
        match &result {
            Ok(value) => {
                state.had = Some(Had { value: value.clone(), at: Instant::now() });
                state.failure = None;
            }
            Err(error) => state.failure = Some((Instant::now(), error.clone())),
        }
        result
    }

    /// Forgets a value that was refused after it had been had at `had`; not one that was renewed since, and not twice
    /// within a short time.
    pub(crate) async fn refused(&self, had: Instant) {
        // A renewal under way may end with the value that was refused.
        let _renewal = self.renewal.lock().await;
        let mut state = self.state();
        let pauses = state.refusal.is_some_and(|last| last.elapsed() < REFUSAL_PAUSE);
        if !pauses && state.had.as_ref().is_some_and(|it| it.at <= had) {
            state.had = None;
            state.refusal = Some(Instant::now());
        }
    }

    /// The last value and what it is good for.
    fn last(&self, fitness: impl Fn(&Had<T>) -> Fitness) -> Option<(Fitness, T)> {
        self.state().had.as_ref().map(|had| (fitness(had), had.value.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
