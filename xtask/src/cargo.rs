//! Calls of cargo, and where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A call of the cargo that runs this program, at the top of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    // `cargo xtask` describes this package to it. Some build scripts (ring's) ask to run again when these change, so
    // every other call would compile a TLS stack anew.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds the host, as the tests build it: with another selection than the whole workspace cargo would compile wasmtime
/// once more.
///
/// # Errors
/// It does not build.
pub(crate) fn build_workspace() -> Result<()> {
    run(&mut cargo(&["build", "--workspace", "--locked"]))
}

/// Runs a command with its output on the terminal.
///
/// # Errors
/// It cannot be started, or does not succeed; the text shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let shown = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}
