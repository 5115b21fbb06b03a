//! The plugins: which handlers this host serves, and how a change in the plugin directory becomes a new version of one
//! without a restart.

pub mod artefacts;
pub mod case_files;
mod case_text;
mod catalog;
mod check;
mod claim;
mod gate;
pub mod inspect;
mod keeper;
mod load;
pub mod manifest;
mod outline;
mod scan;
mod version;

pub use self::{
    case_text::{CaseText, NoCaseText},
    catalog::{Catalog, Plugin, PluginSettings, Refusal},
    check::Checked,
    gate::{Gate, Gated},
    keeper::{Keeper, KeeperError, Rhythm},
    load::{Defaults, LoadError, Loader, OnCompile, Why},
    outline::{Outline, inspected, outline},
};
