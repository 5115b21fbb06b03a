//! `[record]`: which invocations are recorded as cases, and where.

use std::path::PathBuf;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{Count, FilePath, GIB, KIB, Size};
use crate::cases::{RecordOptions, RecordWhat};

/// The most recordings: a directory of more cannot be looked through.
const MAX_FILES: u32 = 1_000_000;

/// `[record]`: which invocations are recorded as cases, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordSettings {
    /// The directory of recordings, which is made if it is missing. They hold what processes hold: the host lets only its
    /// own user read them.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "`recordings` in `state-dir`"))]
    pub dir: Option<PathBuf>,
    /// Which invocations are recorded. While one is recorded, its random numbers follow from a seed that stands in the
    /// recording: who reads it can tell what they were.
    #[schemars(with = "RecordWhat", extend("x-absent" = "`\"all\"` if `record.dir` is set, else `\"requested\"`"))]
    pub what: Option<RecordWhat>,
    /// No more than so many recordings are kept. What comes later is left out.
    #[serde(with = "Count::<1, MAX_FILES>")]
    pub max_files: u32,
    /// A recording larger than this is left out.
    #[serde(with = "Size::<KIB, GIB>")]
    pub max_size: ByteSize,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self { dir: None, what: None, max_files: 1_000, max_size: ByteSize::mib(4) }
    }
}

impl RecordSettings {
    /// The same settings, as they are with this state directory, for a host that has another.
    pub(super) fn kept_in(&self, state_dir: &std::path::Path) -> Self {
        let RecordOptions { what, dir, .. } = self.options(state_dir);
        Self { dir: Some(dir), what: Some(what), ..self.clone() }
    }

    /// What they mean for a host with this state directory.
    pub fn options(&self, state_dir: &std::path::Path) -> RecordOptions {
        let unsaid = if self.dir.is_some() { RecordWhat::All } else { RecordWhat::Requested };
        RecordOptions {
            what: self.what.unwrap_or(unsaid),
            dir: self.dir.clone().unwrap_or_else(|| state_dir.join("recordings")),
            max_files: self.max_files.into(),
            max_size: usize::try_from(self.max_size.as_u64()).unwrap_or(usize::MAX),
        }
    }
}
