//! `[http]`: the requests of handlers to other servers, as far as they concern the host as a whole.

use std::{num::NonZeroUsize, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{AtLeastOne, FilePath};

/// More exchanges at once than a host has connections for.
const MAX_EXCHANGES: u32 = 10_000;

/// How handlers reach other servers over HTTP, where that is granted. What one invocation may use is in `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpSettings {
    /// A file of certificates in PEM: authorities that are trusted besides the system's.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "only the system's authorities are trusted"))]
    pub ca_file: Option<PathBuf>,
    /// How many exchanges of all handlers together may be under way at once. Others wait, within their
    /// `limits.http-timeout`.
    #[serde(with = "AtLeastOne::<MAX_EXCHANGES>")]
    pub max_concurrent: NonZeroUsize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { ca_file: None, max_concurrent: DEFAULT_EXCHANGES }
    }
}

/// As many as a host has invocations by default, and a few that send several requests at once.
const DEFAULT_EXCHANGES: NonZeroUsize = NonZeroUsize::new(128).expect("not zero");
