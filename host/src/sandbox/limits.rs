//! What one invocation may use, and the guard over its memories and tables.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The limits of one invocation. Each is a setting of the same name; an error names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Wall clock, host calls included (setting `timeout`).
    pub timeout: Duration,
    /// Time on a processor, host calls included, waiting not (`limits.cpu-time`).
    pub cpu_time: Duration,
    /// Bytes of all linear memories together (`limits.memory`).
    pub memory: usize,
    /// Elements of all tables together (`limits.table-elements`).
    pub table_elements: usize,
    /// Live handles of resources (`limits.handles`).
    pub handles: usize,
    /// Calls of `fetchlock:handler` functions (`limits.host-calls`).
    pub host_calls: u64,
    /// Bytes in one decision, one progress update or one loaded file (`limits.payload`).
    pub payload: usize,
    /// Requests over HTTP (`limits.http-requests`).
    pub http_requests: u64,
    /// Bytes of the body of one request, and of one answer (`limits.http-body`).
    pub http_body: usize,
    /// How long one exchange may take in all (`limits.http-timeout`).
    pub http_timeout: Duration,
    /// Lines of log, standard output and standard error (`limits.log-lines`).
    pub log_lines: usize,
    /// Bytes of the same (`limits.log-bytes`).
    pub log_bytes: usize,
}

/// The error by which the sandbox ends an invocation that has used up a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{setting}` of {allowed} is used up")]
pub struct LimitExceeded {
    /// The setting that says how much is allowed.
    pub setting: &'static str,
    /// How much that is, with its unit.
    pub allowed: String,
}

/// The setting of [`Limits::memory`].
const MEMORY: &str = "limits.memory";

/// The setting of [`Limits::table_elements`].
const TABLES: &str = "limits.table-elements";

/// Counts all memories and tables of a store together: wasmtime's own limits hold for each one alone, so that two
/// memories would double what a plugin gets.
#[derive(Debug)]
pub(crate) struct MemoryGuard {
    allowed_bytes: usize,
    allowed_elements: usize,
    bytes: usize,
    elements: usize,
    /// What the growth in progress asked for, given back should it fail.
    pending_bytes: usize,
    pending_elements: usize,
}

impl MemoryGuard {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            allowed_bytes: limits.memory,
            allowed_elements: limits.table_elements,
            bytes: 0,
            elements: 0,
            pending_bytes: 0,
            pending_elements: 0,
        }
    }

    /// The bytes of all linear memories; they never shrink.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The setting of which more than one part in so many is in use.
    pub(crate) fn used_beyond(&self, parts: usize) -> Option<&'static str> {
        let is_beyond = |used: usize, allowed: usize| used > allowed / parts;
        is_beyond(self.bytes, self.allowed_bytes)
            .then_some(MEMORY)
            .or_else(|| is_beyond(self.elements, self.allowed_elements).then_some(TABLES))
    }
}

impl ResourceLimiter for MemoryGuard {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let total = self.bytes.saturating_add(more);
        if total > self.allowed_bytes {
            // A failed growth leaves most guests with an unexplained trap; ending them here keeps the reason.
            let allowed = bytesize::ByteSize(self.allowed_bytes as u64).to_string();
            return Err(LimitExceeded { setting: MEMORY, allowed }.into());
        }
        self.bytes = total;
        self.pending_bytes = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.bytes -= std::mem::take(&mut self.pending_bytes).min(self.bytes);
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let total = self.elements.saturating_add(more);
        if total > self.allowed_elements {
            let allowed = format!("{} elements", self.allowed_elements);
            return Err(LimitExceeded { setting: TABLES, allowed }.into());
        }
        self.elements = total;
        self.pending_elements = more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.elements -= std::mem::take(&mut self.pending_elements).min(self.elements);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn test_limits() -> Limits {
    Limits {
        timeout: Duration::from_secs(10),
        cpu_time: Duration::from_secs(5),
        memory: 64 << 20,
        table_elements: 100_000,
        handles: 1_000,
        host_calls: 1_000,
        payload: 1 << 20,
        http_requests: 10,
        http_body: 64 << 10,
        http_timeout: Duration::from_secs(5),
        log_lines: 100,
        log_bytes: 16 << 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 64 << 10;

    fn guard() -> MemoryGuard {
        MemoryGuard::new(&Limits { memory: 4 * PAGE, table_elements: 10, ..test_limits() })
    }

    #[test]
    fn two_memories_within_the_sum_are_obeyed() {
        let mut guard = guard();
        assert!(guard.memory_growing(0, 2 * PAGE, None).expect("first"));
        assert!(guard.memory_growing(0, 2 * PAGE, None).expect("second"));
        assert_eq!(guard.bytes(), 4 * PAGE);
    }

    #[test]
    fn two_memories_beyond_the_sum_are_violated() {
        let mut guard = guard();
        assert!(guard.memory_growing(0, 3 * PAGE, None).expect("first"));
        let error = guard.memory_growing(0, 2 * PAGE, None).expect_err("the second");
        assert_eq!(error.to_string(), "the limit `limits.memory` of 256.0 KiB is used up");
    }

    #[test]
    fn a_growth_that_failed_is_given_back() {
        let mut guard = guard();
        assert!(guard.memory_growing(0, 4 * PAGE, None).expect("granted"));
        guard.memory_grow_failed(wasmtime::Error::msg("no room")).expect("noted");
        assert!(guard.memory_growing(0, 4 * PAGE, None).expect("granted again"));
    }

    #[test]
    fn tables_are_summed_too() {
        let mut guard = guard();
        assert!(guard.table_growing(0, 6, None).expect("first"));
        assert!(guard.table_growing(0, 5, None).is_err());
    }
}
