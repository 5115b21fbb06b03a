//! Where commands beside the service keep compiled components.

use std::{env, path::PathBuf};

use crate::{plugins::artefacts::Artefacts, sandbox::Sandbox, settings::Loaded};

/// The compiled components that the settings name, or those of the user where there are no settings: components with
/// an interpreter inside take seconds to compile. Without a place all is compiled again.
pub(super) fn artefacts(loaded: &Loaded, sandbox: &Sandbox) -> Option<Artefacts> {
    let is_set = loaded.file.is_some() || loaded.gives(&["cache-dir"]) || loaded.gives(&["state-dir"]);
    let dir = if is_set { loaded.settings.cache_dir() } else { of_user()? };
    let opened = Artefacts::open(&dir, sandbox.compatibility());
    opened.inspect_err(|error| tracing::debug!(dir = %dir.display(), %error, "compiled components are not kept")).ok()
}

/// As the XDG specification has it.
fn of_user() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("fetchlock").join("compiled"))
}
