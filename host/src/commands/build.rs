//! `fetchlock build`: from a project to its plugin.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use bytesize::ByteSize;
use clap::{Args, ValueHint};

use super::{
    exit::{EXIT_FORCED, EXIT_FOUND, refuse},
    interrupt::unless_interrupted,
    progress::sign,
};
use crate::{
    foreign::Escaped,
    project::{self, BuildError, Built, OnStep, PlaceError, Project, WatchError, Watcher, Workplace, place},
};

/// Make the component of a project with the toolchain of its language, and check that a host would take it.
///
/// The language is known by its files: Cargo.toml, go.mod, package.json with or without tsconfig.json, or handler.py.
/// The component is plugin/NAME.wasm, beside its manifest. The exit code is 0 if it is there, 1 if the sources are
/// wrong, and 78 if something is missing that they need.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// The folder of the project
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath, hide_default_value = true)]
    dir: PathBuf,
    /// Put the plugin into this directory too: manifest, test cases and component. A host may be serving it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    to: Option<PathBuf>,
    /// Build again whenever a file of the project changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Why there is no build.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildCommandError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Build {
    pub(super) fn main(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock").enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        let code = runtime.block_on(self.until_a_signal());
        // What is being made a component cannot be stopped, and nobody waits for it.
        runtime.shutdown_background();
        code
    }

    async fn until_a_signal(self) -> ExitCode {
        match unless_interrupted(self.run()).await {
            Ok(Some(Ok(()))) => ExitCode::SUCCESS,
            Ok(Some(Err(error))) => tell(&error),
            Ok(None) if self.watch => ExitCode::SUCCESS,
            Ok(None) => ExitCode::from(EXIT_FORCED),
            Err(error) => refuse(&error),
        }
    }

    async fn run(&self) -> Result<(), BuildCommandError> {
        if !self.watch {
            return self.once().await;
        }
        Project::find(&self.dir).map_err(BuildError::from)?;
        let mut watcher = Watcher::new(vec![Workplace::Project(self.dir.clone())])?;
        loop {
            if let Err(error) = self.once().await {
                tell(&error);
            }
            eprintln!("fetchlock: waiting for a change in {}; Ctrl-C ends this", Escaped(self.dir.display()));
            watcher.changed().await?;
        }
    }

    async fn once(&self) -> Result<(), BuildCommandError> {
        if let Some(to) = &self.to {
            project::check_directory(to)?;
        }
        let project = Project::find(&self.dir).map_err(BuildError::from)?;
        let built = build(&project).await?;
        let component = match &self.to {
            None => built.component.clone(),
            Some(to) => {
                let placed = place(&project, to)?;
                for case in placed.left_over {
                    eprintln!("fetchlock: {} is no case of this project, and was left there", Escaped(case.display()));
                }
                placed.component
            }
        };
        match writeln!(io::stdout(), "{}", summary(&component, &built)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Builds a project, and tells what the toolchain warns of.
pub(super) async fn build(project: &Project) -> Result<Built, BuildCommandError> {
    let on_step: OnStep = Arc::new(|step| Box::new(sign(step.to_owned())));
    let built = project::build(project, &on_step).await?;
    io::stderr().write_all(&built.said)?;
    Ok(built)
}

/// Says why there is no component.
fn tell(error: &BuildCommandError) -> ExitCode {
    show_said(error);
    let refused = refuse(error);
    if error.is_about_the_sources() { ExitCode::from(EXIT_FOUND) } else { refused }
}

impl BuildCommandError {
    /// Whether its author has to look at what he wrote, and not at what is installed.
    pub(super) fn is_about_the_sources(&self) -> bool {
        matches!(self, Self::Build(error) if error.is_about_the_sources())
    }

    /// What a report tells that stands alone.
    pub(super) fn in_full(&self) -> String {
        match self {
            Self::Build(error) => error.in_full(),
            other => other.to_string(),
        }
    }
}

/// Shows what the toolchain said, as it said it.
pub(super) fn show_said(error: &BuildCommandError) {
    if let BuildCommandError::Build(error) = error {
        // There is nobody to tell of a closed standard error.
        io::stderr().write_all(error.said()).ok();
    }
}

/// What was made, in one line.
fn summary(component: &Path, Built { size, topic, imports, .. }: &Built) -> String {
    let component = component.strip_prefix(".").unwrap_or(component).display();
    let mut imports: Vec<&str> = imports.iter().filter_map(|import| shown(import)).collect();
    imports.sort_unstable();
    let imports = if imports.is_empty() { "nothing".to_owned() } else { imports.join(", ") };
    Escaped(format!("{component}: {}, topic {topic}, imports {imports}", ByteSize(*size))).to_string()
}

/// How an import is told: ours by the interface, HTTP because it has to be granted. All else that a component imports it
/// does not get anything by.
fn shown(import: &str) -> Option<&str> {
    let name = import.split('@').next()?;
    match name.strip_prefix("fetchlock:handler/") {
        // Types alone do nothing.
        Some("types") => None,
        Some(interface) => Some(interface),
        None => (name == "wasi:http/outgoing-handler").then_some("wasi:http"),
    }
}
