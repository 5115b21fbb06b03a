//! Processor time of an invocation: metered around each poll of the guest's future, so that waiting does not count.
//! The epoch only gives the occasion to look at the meter while the guest computes.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
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

/// Runs a future to its end with its polls metered.
pub(crate) async fn metered<F: Future>(inner: F, meter: &CpuMeter) -> F::Output {
    let mut inner = pin!(inner);
    poll_fn(|cx| {
        let began = thread_nanos();
        meter.poll_began_nanos.store(began, Relaxed);
        let result = inner.as_mut().poll(cx);
        meter.used_nanos.fetch_add(thread_nanos().saturating_sub(began), Relaxed);
        result
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

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
        metered(inner, &meter).await;
        assert!(meter.used() >= Duration::from_millis(20));
        assert!(meter.used() + Duration::from_millis(50) < began.elapsed());
    }
}
