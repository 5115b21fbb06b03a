//! Where an invocation's time and random numbers come from: the machine, or a case that fixes both so that a run can be
//! repeated.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder, clocks::WallClock};

/// The time and the random numbers of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Its clocks.
    pub clock: Clock,
    /// Its random numbers.
    pub random: Random,
}

/// The clocks of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clock {
    /// Those of the machine.
    Real,
    /// Those of the machine; what the guest reads first of the time of day is noted.
    Noted(FirstReading),
    /// One that begins at a moment, stands while the guest computes, and jumps ahead when it waits. It is that of the
    /// tokio runtime on which the invocation is polled, which must be one of a single thread with paused time.
    Virtual {
        /// The moment, since 1970-01-01T00:00:00Z.
        start: Duration,
    },
}

/// What a guest has read first of the time of day, since 1970-01-01T00:00:00Z; nothing if it has not looked. Cheap to
/// clone.
pub type FirstReading = Arc<OnceLock<Duration>>;

/// The random numbers of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Random {
    /// Those of the machine.
    Real,
    /// Always the same for a seed. Whoever knows the seed knows the numbers, those of `wasi:random/random` too.
    Seeded(Seed),
}

/// What random numbers are derived from: any text, of which a number is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

/// What [`Seed`] is hashed with, so that each interface has numbers of its own.
const SECURE: &str = "wasi:random/random";
const INSECURE: &str = "wasi:random/insecure";
const INSECURE_SEED: &str = "wasi:random/insecure-seed";

impl Seed {
    /// A seed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self, of: &str) -> [u8; 32] {
        Sha256::new().chain_update(of).chain_update([0]).chain_update(&self.0).finalize().into()
    }
}

impl Surroundings {
    /// Those of the machine.
    pub fn real() -> Self {
        Self { clock: Clock::Real, random: Random::Real }
    }

    /// Whether time passes only while the guest waits.
    pub(super) fn is_virtual(&self) -> bool {
        matches!(self.clock, Clock::Virtual { .. })
    }

    /// Gives them to an instance. On the runtime that polls it, for a virtual clock begins now.
    pub(super) fn apply(&self, wasi: &mut WasiCtxBuilder) {
        match &self.clock {
            Clock::Real => {}
            Clock::Noted(first) => drop(wasi.wall_clock(NotedClock { clock: WallClock::new(), first: first.clone() })),
            Clock::Virtual { start } => {
                let clock = VirtualClock { start: *start, began: Instant::now() };
                wasi.wall_clock(clock.clone()).monotonic_clock(clock);
            }
        }
        if let Random::Seeded(seed) = &self.random {
            let [first, second] = [SECURE, INSECURE].map(|of| ChaCha20Rng::from_seed(seed.key(of)));
            let mut number = [0; 16];
            number.copy_from_slice(&seed.key(INSECURE_SEED)[..16]);
            wasi.secure_random(first).insecure_random(second).insecure_random_seed(u128::from_le_bytes(number));
        }
    }
}

/// The clock of the machine, with what was read first.
struct NotedClock {
    clock: WallClock,
    first: FirstReading,
}

impl HostWallClock for NotedClock {
    fn resolution(&self) -> Duration {
        self.clock.resolution()
    }

    fn now(&self) -> Duration {
        let now = self.clock.now();
        self.first.get_or_init(|| now);
        now
    }
}

/// A clock that goes with the runtime's.
#[derive(Debug, Clone)]
struct VirtualClock {
    start: Duration,
    began: Instant,
}

/// What the monotonic clock shows at the beginning: Go's runtime takes 0 for a broken clock and gives up.
const UPTIME: Duration = Duration::from_secs(1);

/// The resolution of tokio's timers.
const RESOLUTION: Duration = Duration::from_millis(1);

impl HostWallClock for VirtualClock {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        self.start.saturating_add(self.began.elapsed())
    }
}

impl HostMonotonicClock for VirtualClock {
    fn resolution(&self) -> u64 {
        nanos(RESOLUTION)
    }

    fn now(&self) -> u64 {
        nanos(UPTIME.saturating_add(self.began.elapsed()))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
