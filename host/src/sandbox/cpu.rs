//! Processor time of an invocation: metered around each poll of the guest's future, so that waiting does not count.
//! The epoch only gives the occasion to look at the meter while the guest computes.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
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
    /// Does one poll of the guest's future, and meters it.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        let (cpu_began, began) = (thread_nanos(), Instant::now());
        self.poll_began_nanos.store(cpu_began, Relaxed);
        let result = poll();
        let wall = began.elapsed();
        let used = if wall < SHORT_POLL {
            u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX)
        } else {
            thread_nanos().saturating_sub(cpu_began)
        };
        self.used_nanos.fetch_add(used, Relaxed);
        result
    }

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

/// A poll that was shorter than this on the wall is charged with that time: it cannot have used more, and the thread's
/// clock is a system call (0.8 µs on a virtual machine), which a short poll need not pay twice.
const SHORT_POLL: Duration = Duration::from_micros(100);

fn thread_nanos() -> u64 {
    u64::try_from(ThreadTime::now().as_duration().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, sync::Arc};

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
        let mut inner = pin!(inner);
        poll_fn(|cx| meter.poll(|| inner.as_mut().poll(cx))).await;
        assert!(meter.used() >= Duration::from_millis(20));
        assert!(meter.used() + Duration::from_millis(50) < began.elapsed());
    }
}
