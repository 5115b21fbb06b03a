//! Components that differ in their bytes only: the same one with another custom section at its end.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use fetchlock_harness::guests::guest;

/// The id of a custom section, in components as in modules. Nobody reads it, and the bytes differ all the same.
const CUSTOM_SECTION: u8 = 0;

/// The section's name.
const NAME: &[u8] = b"bench";

/// A guest's component with a number in it.
///
/// # Errors
/// The guest is not built.
pub(super) fn numbered(name: &str, number: u32) -> Result<Vec<u8>> {
    let path = guest(name)?;
    let mut component = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut content = vec![u8::try_from(NAME.len()).context("a short name")?];
    content.extend_from_slice(NAME);
    content.extend_from_slice(&number.to_le_bytes());
    component.push(CUSTOM_SECTION);
    // Below 128, one byte of LEB128.
    component.push(u8::try_from(content.len()).context("a short section")?);
    component.extend(content);
    Ok(component)
}

/// Puts a component beside its place in the plugin directory, under a name that the host ignores. What is left to do is
/// [`swap_in`].
///
/// # Errors
/// It cannot be written.
pub(super) fn lay_ready(plugins: &Path, topic: &str, component: &[u8]) -> Result<()> {
    fs::write(part(plugins, topic), component).context("cannot write a component")
}

/// Renames what was laid ready into its place.
///
/// # Errors
/// It cannot be renamed.
pub(super) fn swap_in(plugins: &Path, topic: &str) -> Result<()> {
    fs::rename(part(plugins, topic), plugins.join(format!("{topic}.wasm"))).context("cannot rename a component")
}

fn part(plugins: &Path, topic: &str) -> std::path::PathBuf {
    plugins.join(format!(".{topic}.part"))
}
