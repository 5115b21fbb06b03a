//! Processor time of an invocation: metered around each poll of the guest's future, so that waiting does not count.
//! The epoch only gives the occasion to look at the meter while the guest computes.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use cpu_time::ThreadTime;

/// The time that one invocation has used.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    used_nanos: AtomicU64,
    /// The thread's clock at the beginning of the poll in progress.
    poll_began_nanos: AtomicU64,
}

impl CpuMeter {
    /// All time used before the poll in progress.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_nanos.load(Relaxed))
    }

    /// All time used, the poll in progress included. Only for code that runs within that poll: a thread's clock means
    /// nothing on another thread.
    pub(crate) fn used_within_poll(&self) -> Duration {
        let poll = thread_nanos().saturating_sub(self.poll_began_nanos.load(Relaxed));
        self.used() + Duration::from_nanos(poll)
    }
}

fn thread_nanos() -> u64 {
    u64::try_from(ThreadTime::now().as_duration().as_nanos()).unwrap_or(u64::MAX)
}

/// A future whose polls are metered.
pub(crate) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<CpuMeter>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(inner: F, meter: Arc<CpuMeter>) -> Self {
        Self { inner: Box::pin(inner), meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_nanos();
        self.meter.poll_began_nanos.store(began, Relaxed);
        let result = self.inner.as_mut().poll(cx);
        self.meter.used_nanos.fetch_add(thread_nanos().saturating_sub(began), Relaxed);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn computing_counts_and_waiting_does_not() {
        let meter = Arc::new(CpuMeter::default());
        let inner = {
            let meter = meter.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                while meter.used_within_poll() < Duration::from_millis(20) {
                    std::hint::spin_loop();
                }
            }
        };
        let began = Instant::now();
        Metered::new(inner, meter.clone()).await;
        assert!(meter.used() >= Duration::from_millis(20));
        assert!(meter.used() + Duration::from_millis(50) < began.elapsed());
    }
}
