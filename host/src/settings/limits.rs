//! `[limits]`: what one invocation may use. The host's settings give all of them, a manifest changes some.

use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
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

/// The most requests over HTTP of one invocation: who sends more than this for one task floods somebody.
const MAX_REQUESTS: u32 = 10_000;

/// The largest body over HTTP; it is held in the host's memory as a whole.
const MAX_BODY: u64 = 256 * MIB;

/// What holds for a limit that a manifest leaves out.
const OF_THE_HOST: &str = "that of the host's settings";

/// Makes the limits and the changes a manifest makes to them from one list, so that the two cannot differ.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr, $written:literal;)*) => {
        /// What one invocation may use. An error about one of them names it.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct Limits {
            $($(#[$doc])* #[serde(with = $written)] pub $name: $type,)*
        }

        /// The limits that a manifest sets, lower or higher than the host's own.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct LimitChanges {
            $(
                $(#[$doc])*
                #[serde(with = $written)]
                #[schemars(extend("x-absent" = OF_THE_HOST))]
                pub $name: Option<$type>,
            )*
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
    /// Processor time. Waiting does not count: it is bounded by `worker.timeout`.
    cpu_time: Duration = Duration::from_secs(10), "Span::<MILLISECOND, HOUR>";
    /// All linear memories together. Runtimes of garbage-collected languages need tens of MiB; a page has 64 KiB.
    memory: ByteSize = ByteSize::mib(128), "Size::<MIN_MEMORY, MAX_MEMORY>";
    /// Elements of all tables together.
    table_elements: u32 = 100_000, "Count::<1, MAX_ELEMENTS>";
    /// Resource handles alive at once.
    handles: u32 = 1_000, "Count::<1, MAX_HANDLES>";
    /// Calls of `fetchlock:handler` functions. Those of WASI cost processor time.
    host_calls: u32 = 100_000, "Count::<1, MAX_CALLS>";
    /// Bytes in one decision, progress update, call to the engine or loaded file.
    payload: ByteSize = ByteSize::mib(16), "Size::<KIB, MAX_PAYLOAD>";
    /// Requests over HTTP.
    http_requests: u32 = 100, "Count::<0, MAX_REQUESTS>";
    /// Bytes in the body of one request over HTTP, and in that of its answer. The host holds both in its memory.
    http_body: ByteSize = ByteSize::mib(8), "Size::<KIB, MAX_BODY>";
    /// How long one request over HTTP may take in all: name, connection, TLS, sending, and reading the whole answer.
    http_timeout: Duration = Duration::from_secs(10), "Span::<MILLISECOND, HOUR>";
    /// Lines of log, standard output and standard error together. What is beyond is left out; the handler goes on.
    log_lines: u32 = 1_000, "Count::<0, MAX_LOG_LINES>";
    /// Bytes of log, standard output and standard error together. What is beyond is left out; the handler goes on.
    log_bytes: ByteSize = ByteSize::kib(256), "Size::<0, MAX_LOG_BYTES>";
}
