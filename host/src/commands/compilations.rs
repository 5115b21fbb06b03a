//! The sign on a terminal that a component is being compiled, for every command that compiles.

use std::sync::Arc;

use bytesize::ByteSize;

use super::progress::sign;
use crate::plugins::OnCompile;

/// A turning sign on a terminal while a component is compiled; a line of log elsewhere.
pub(super) fn show_compilations() -> OnCompile {
    Arc::new(|name, size| {
        tracing::debug!(plugin = name, size = %ByteSize(size), "compiling");
        Box::new(sign(format!("compiling {name} ({})", ByteSize(size))))
    })
}
