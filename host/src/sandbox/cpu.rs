//! Processor time of an invocation: metered around each poll of the guest's future, so that waiting does not count.
//! The epoch only gives the occasion to look at the meter while the guest computes.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;

use super::ticker::TICK;

/// The time that one invocation has used.
///
/// A thread's clock is a system call, which on a virtual machine costs as much as a few host calls, and most invocations
/// are over in a few short polls. So it is asked only where it matters. A poll that was short on the wall is charged
/// with that time. The first poll is metered from the first tick of the epoch in it: before, it computed for one tick
/// at most.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    used_nanos: AtomicU64,
    /// The thread's clock from which the poll in progress is metered; 0 if it is not, as yet.
    clock_nanos: AtomicU64,
    /// Made right before the first poll.
    made: Instant,
    /// Whether the first poll has begun.
    polled: AtomicBool,
}

/// A poll that takes less than this on the wall cannot have used more, and hardly less.
const SHORT_POLL: Duration = Duration::from_micros(100);

impl CpuMeter {
    /// A meter that is made now, shortly before the first poll.
    pub(crate) fn new(made: Instant) -> Self {
        Self { used_nanos: AtomicU64::new(0), clock_nanos: AtomicU64::new(0), made, polled: AtomicBool::new(false) }
    }

    /// Does one poll of the guest's future, and meters it.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        let is_first = !self.polled.swap(true, Relaxed);
        if !is_first {
            self.clock_nanos.store(thread_nanos(), Relaxed);
        }
        let began = Instant::now();
        let result = poll();
        let wall = began.elapsed();
        match self.clock_nanos.load(Relaxed) {
            clock if clock > 0 && (is_first || wall >= SHORT_POLL) => {
                self.charge(Duration::from_nanos(thread_nanos().saturating_sub(clock)));
            }
            _ => self.charge(wall),
        }
        result
    }

    /// All time used before the poll in progress.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_nanos.load(Relaxed))
    }

    /// All time used, the poll in progress included. Only for code that runs within that poll, at a tick of the epoch: a
    /// thread's clock means nothing on another thread.
    pub(crate) fn used_within_poll(&self) -> Duration {
        let now = thread_nanos();
        match self.clock_nanos.load(Relaxed) {
            0 => {
                self.clock_nanos.store(now, Relaxed);
                // On the wall it may be more, if the thread had to wait for a processor.
                self.charge(self.made.elapsed().min(TICK));
                self.used()
            }
            clock => self.used() + Duration::from_nanos(now.saturating_sub(clock)),
        }
    }

    fn charge(&self, time: Duration) {
        self.used_nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}

fn thread_nanos() -> u64 {
    u64::try_from(ThreadTime::now().as_duration().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, sync::Arc};

    use super::*;

    #[tokio::test]
    async fn computing_counts_and_waiting_does_not() {
        let meter = Arc::new(CpuMeter::new(Instant::now()));
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
    #[test]
    fn computing_in_the_first_poll_counts_too() {
        let meter = CpuMeter::new(Instant::now());
        meter.poll(|| {
            while meter.used_within_poll() < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
        });
        assert!(meter.used() >= Duration::from_millis(20));
    }

    #[test]
    fn what_was_waited_for_a_processor_before_the_first_tick_counts_as_one_tick_at_most() {
        let meter = CpuMeter::new(Instant::now() - 100 * TICK);
        meter.poll(|| assert!(meter.used_within_poll() <= TICK));
        assert!(meter.used() < 2 * TICK);
    }
}
