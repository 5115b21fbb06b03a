//! `cargo xtask reference`: writes the reference of settings and manifests in `docs/` anew.

use anyhow::Result;

use crate::cargo::{cargo, run as run_command};

/// The test of the host that compares the files with what the code says. It writes them if [`WRITE`] is set, so that
/// this program need not be built with the host, that is with wasmtime.
const TEST: &str = "reference::tests::the_files_in_docs_are_what_the_code_says";

/// What `host/src/reference/tests.rs` looks for.
const WRITE: &str = "WRITE_REFERENCE";

/// Writes the files that differ from what the code says, and names them.
///
/// # Errors
/// The host cannot be built, or a file cannot be written.
pub(crate) fn write() -> Result<()> {
    let test = ["test", "--quiet", "--workspace", "--locked", "--lib", "--", "--exact", TEST, "--nocapture"];
    run_command(cargo(&test).env(WRITE, "1"))
}
