//! The way from a project to its plugin: the toolchain of the language makes the component, and what the host would
//! refuse never gets into the folder of the plugin.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    DetectError, Language, PlaceError, Project, ToolError,
    componentize::ComponentizeError,
    go, javascript,
    place::put,
    python, rust,
    unchanged::{Ingredients, Workshop},
};
use crate::{
    foreign::escape_lines,
    plugins::{LoadError, inspected, outline},
    task::Topic,
};

/// Shows that something is being done, until the returned guard is dropped.
pub type OnStep = Arc<dyn Fn(&str) -> Box<dyn Send> + Send + Sync>;

/// Why a project is not built. The plugin is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder.
    #[error(transparent)]
    Project(#[from] DetectError),
    /// The toolchain.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Cargo made none, or several.
    #[error(
        "cargo has made {}: expected one component, of a package with `crate-type = [\"cdylib\"]`; in a workspace name the folder of the package",
        if .found.is_empty() { "no component".to_owned() } else { .found.join(", ") }
    )]
    NotOneComponent {
        /// What it made.
        found: Vec<String>,
    },
    /// The core module.
    #[error(transparent)]
    Componentize(#[from] ComponentizeError),
    /// A host would not take it.
    #[error(transparent)]
    Refused(Box<LoadError>),
    /// It cannot be put where it belongs.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A file that must be there.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something of our own failed.
    #[error("the build failed: {0}")]
    Internal(String),
}

impl BuildError {
    pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Unreadable { path, source }
    }

    /// What a tool said that has not been shown yet.
    pub fn said(&self) -> &[u8] {
        match self {
            Self::Tool(ToolError::Failed { said, .. }) => said,
            _ => &[],
        }
    }

    /// The error with all that a tool said, for a report that stands alone.
    pub fn in_full(&self) -> String {
        match self {
            Self::Tool(ToolError::Failed { tool, status, said }) if !said.is_empty() => {
                format!("`{tool}` failed ({status}):\n{}", escape_lines(String::from_utf8_lossy(said).trim_end()))
            }
            other => other.to_string(),
        }
    }

    /// Whether the sources are wrong, and not what surrounds them.
    pub fn is_about_the_sources(&self) -> bool {
        match self {
            Self::Tool(error) => matches!(error, ToolError::Failed { .. }),
            Self::NotOneComponent { .. } | Self::Componentize(_) | Self::Refused(_) => true,
            _ => false,
        }
    }
}

/// A project whose component is in the folder of its plugin.
#[derive(Debug)]
pub struct Built {
    /// The component.
    pub component: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The topic that the plugin would serve.
    pub topic: Topic,
    /// What the component imports.
    pub imports: Vec<String>,
    /// What the toolchain warns of, in its own words.
    pub said: Vec<u8>,
}

/// Makes the component of a project, and puts it into the folder of its plugin.
///
/// # Errors
/// The toolchain is not there or finds something wrong, or a host would refuse what it makes.
pub async fn build(project: &Project, on_step: &OnStep) -> Result<Built, BuildError> {
    let path = project.component();
    // First, for a manifest is read at once and a compiler takes its time.
    let outline = outline(&path).map_err(|error| BuildError::Refused(Box::new(error)))?;
    let workshop = Workshop::of(project)?;
    let made = match project.language {
        Language::Rust => Made::just(rust::build(project).await?),
        Language::Go => go::build(project, &workshop, on_step).await?,
        Language::JavaScript | Language::TypeScript => javascript::build(project, &workshop, &outline, on_step).await?,
        Language::Python => python::build(project, &workshop, &outline, on_step).await?,
    };
    let inspected = inspected(&path, &made.component).map_err(|error| BuildError::Refused(Box::new(error)))?;
    put(&path, &made.component)?;
    if let Some(ingredients) = made.of {
        workshop.remember(ingredients, &made.component)?;
    }
    let size = made.component.len() as u64;
    Ok(Built { component: path, size, topic: outline.topic, imports: inspected.imports, said: made.said })
}

/// What a language has made of a project.
pub(super) struct Made {
    pub(super) component: Vec<u8>,
    /// Of what, if that is to be remembered.
    pub(super) of: Option<Ingredients>,
    /// What the toolchain said about it.
    pub(super) said: Vec<u8>,
}

impl Made {
    /// A component of which nothing is to be remembered, nor told.
    pub(super) fn just(component: Vec<u8>) -> Self {
        Self { component, of: None, said: Vec::new() }
    }
}
