//! The plugins: which handlers this host serves, and how a change in the plugin directory becomes a new version of one
//! without a restart.

pub mod artefacts;
pub mod case_files;
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

pub(crate) use self::gate::MAX_CASE;
pub use self::{
    catalog::{Catalog, Plugin, PluginSettings},
    check::Checked,
    gate::{CaseText, Gate, Gated},
    keeper::{Keeper, KeeperError, Rhythm},
    load::{Defaults, LoadError, Loader, OnCompile, Why},
    outline::{Outline, inspected, outline},
};
