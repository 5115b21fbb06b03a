//! How commands begin that run handlers or look at them, without the service.

use std::{error::Error, num::NonZeroUsize, path::Path, process::ExitCode, sync::Arc};

use super::{compilations::show_compilations, compiled, exit::refuse};
use crate::{
    plugins::{Loader, case_files::is_case},
    sandbox::Sandbox,
    service,
    settings::{self, Flags, Loaded},
    telemetry,
};

/// Reads the settings, from this file or as `fetchlock run` finds them, begins the log, and does something on a runtime
/// of its own. What fails is told, with the exit code of settings that are wrong.
pub(super) fn with_settings<F>(config: Option<&Path>, work: impl FnOnce(Loaded) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, Box<dyn Error>>>,
{
    let flags = Flags { config: config.map(Path::to_owned), ..Flags::default() };
    match settings::load(&flags) {
        Ok(loaded) => begin(loaded, work).unwrap_or_else(|error| refuse(&*error)),
        Err(problems) => refuse(&problems),
    }
}

fn begin<F>(loaded: Loaded, work: impl FnOnce(Loaded) -> F) -> Result<ExitCode, Box<dyn Error>>
where
    F: Future<Output = Result<ExitCode, Box<dyn Error>>>,
{
    telemetry::init(loaded.settings.log.format, &loaded.settings.log.level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock").enable_all().build()?;
    let code = runtime.block_on(work(loaded));
    // A compilation that took too long cannot be stopped, and nobody waits for it.
    runtime.shutdown_background();
    code
}

/// What is to be said of a file that is no component by its name.
pub(super) fn no_component(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let (stem, ending) = name.rsplit_once('.')?;
    match ending {
        "toml" if is_case(name) => None,
        "toml" => Some("that is a manifest: name the component beside it, NAME.wasm"),
        "yaml" | "yml" | "json" if stem.ends_with(".case") => Some("cases are written in TOML: NAME.case.toml"),
        _ => None,
    }
}

/// What runs handlers as the host does.
pub(super) struct Workbench {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) loader: Arc<Loader>,
}

impl Workbench {
    /// A sandbox for so many handlers at once, with the limits of the settings.
    pub(super) fn new(loaded: &Loaded, at_once: NonZeroUsize) -> Result<Self, Box<dyn Error>> {
        let sandbox = Arc::new(Sandbox::new(at_once, loaded.settings.limits.table_elements as usize)?);
        let artefacts = compiled::artefacts(loaded, &sandbox);
        let loader = service::loader(&loaded.settings, &sandbox, artefacts, show_compilations());
        // Here cases are not what decides whether it is loaded.
        let loader = Arc::new(loader.with_gate(None));
        Ok(Self { sandbox, loader })
    }
}
