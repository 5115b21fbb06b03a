//! `[limits]`: what one invocation may use. The host's settings give all of them, a manifest changes some.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::written::{Count, GIB, HOUR, KIB, MIB, MILLISECOND, Size, Span};

/// The least memory: one page of WebAssembly.
const MIN_MEMORY: u64 = 64 * KIB;

/// The most memory: what a 32-bit component can address.
const MAX_MEMORY: u64 = 4 * GIB;

/// The most elements in tables: 80 MB of the host's memory.
const MAX_ELEMENTS: u32 = 10_000_000;

/// The most live handles: each costs the host some hundred bytes.
const MAX_HANDLES: u32 = 1_000_000;

/// The most host calls: any number that can be written.
const MAX_CALLS: u32 = u32::MAX;

/// The largest payload: engines and their databases refuse far smaller ones.
const MAX_PAYLOAD: u64 = 256 * MIB;

/// The most lines of log of one invocation.
const MAX_LOG_LINES: u32 = 1_000_000;

/// The most bytes of log of one invocation.
const MAX_LOG_BYTES: u64 = 64 * MIB;

/// Makes the limits and the changes a manifest makes to them from one list, so that the two cannot differ.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr, $written:literal;)*) => {
        /// What one invocation may use. An error about one of them names it.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct Limits {
            $($(#[$doc])* #[serde(with = $written)] pub $name: $type,)*
        }

        /// The limits that a manifest sets, lower or higher than the host's own.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct LimitChanges {
            $($(#[$doc])* #[serde(with = $written)] pub $name: Option<$type>,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// These limits with a plugin's changes.
            pub fn with(&self, changes: &LimitChanges) -> Self {
                Self { $($name: changes.$name.unwrap_or(self.$name),)* }
            }
        }
    };
}

limits! {
    /// Processor time, from 1 ms to an hour; default 10 s. Waiting does not count: it is bounded by `worker.timeout`.
    cpu_time: Duration = Duration::from_secs(10), "Span::<MILLISECOND, HOUR>";
    /// All linear memories together, from 64 KiB (one page) to 4 GiB; default 128 MiB, enough for a garbage-collected
    /// language's runtime.
    memory: ByteSize = ByteSize::mib(128), "Size::<MIN_MEMORY, MAX_MEMORY>";
    /// Elements of all tables together, from 1 to 10,000,000; default 100,000.
    table_elements: u32 = 100_000, "Count::<1, MAX_ELEMENTS>";
    /// Resource handles alive at once, from 1 to 1,000,000; default 1,000.
    handles: u32 = 1_000, "Count::<1, MAX_HANDLES>";
    /// Calls of `fetchlock:handler` functions, from 1; default 100,000. Those of WASI cost processor time.
    host_calls: u32 = 100_000, "Count::<1, MAX_CALLS>";
    /// Bytes in one decision, progress update or loaded file, from 1 KiB to 256 MiB; default 16 MiB.
    payload: ByteSize = ByteSize::mib(16), "Size::<KIB, MAX_PAYLOAD>";
    /// Lines of log, standard output and standard error together, at most 1,000,000; default 1,000.
    log_lines: u32 = 1_000, "Count::<0, MAX_LOG_LINES>";
    /// Bytes of the same, at most 64 MiB; default 256 KiB.
    log_bytes: ByteSize = ByteSize::kib(256), "Size::<0, MAX_LOG_BYTES>";
}
