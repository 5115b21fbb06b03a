//! Where the built guest components are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The component of a guest, `<target>/guests/NAME.wasm`, as `cargo xtask guests` leaves it.
///
/// # Errors
/// It is not built; the text tells how to.
pub fn guest(name: &str) -> Result<PathBuf> {
    let path = guests_dir()?.join(format!("{name}.wasm"));
    if !path.is_file() {
        bail!("the guest component {} is missing; build it with `cargo xtask guests`", path.display());
    }
    Ok(path)
}

/// The directory of all built guest components.
///
/// # Errors
/// The target directory cannot be told.
pub fn guests_dir() -> Result<PathBuf> {
    Ok(target_dir()?.join("guests"))
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or else the one from which this program was started.
///
/// # Errors
/// Neither is there: the program was copied elsewhere.
pub fn target_dir() -> Result<PathBuf> {
    if let Some(set) = env::var_os("CARGO_TARGET_DIR").filter(|set| !set.is_empty()) {
        let set = PathBuf::from(set);
        // Cargo takes a relative one from the directory where it is called; tests run in that of their package.
        if set.is_absolute() {
            return Ok(set);
        }
    }
    let program = env::current_exe().context("the path of the running program")?;
    let target = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file());
    let target = target.or_else(|| program.ancestors().find(|directory| directory.join("debug").is_dir()));
    target.map(Path::to_path_buf).with_context(|| {
        format!("{} is under no cargo target directory; set CARGO_TARGET_DIR to an absolute path", program.display())
    })
}
