//! Projects: the folders in which people write handlers. A new one is made by [`scaffold()`], and [`build()`] makes its
//! plugin with the toolchain of its language.
//!
//! It knows [`plugins`](crate::plugins) for what a plugin is, and nothing of settings, engines or what runs.

mod build;
mod componentize;
mod detect;
mod embedded;
mod go;
mod inputs;
mod javascript;
mod language;
mod name;
mod place;
mod python;
mod rust;
mod scaffold;
mod script;
mod tool;
mod unchanged;
mod watch;

pub use self::{
    build::{BuildError, Built, OnStep, build},
    detect::{DetectError, NoFolder, Project},
    language::Language,
    name::{BadName, ProjectName},
    place::{PlaceError, Placed, check_directory, place},
    scaffold::{NewProject, ScaffoldError, scaffold},
    tool::{ToolError, Version},
    watch::{WatchError, Watcher, Workplace},
};
