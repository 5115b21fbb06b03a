//! The secrets of a plugin: what its handler reads with `config.get` and nobody else sees.

use std::{collections::BTreeMap, sync::Arc};

use crate::secret::Secret;

/// The secrets that an invocation may read, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Secrets(#[expect(dead_code, reason = "used by the next change")] Arc<BTreeMap<String, Secret>>);

impl Secrets {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// These texts, for tests and cases.
    pub fn fixed(texts: BTreeMap<String, Secret>) -> Self {
        Self(Arc::new(texts))
    }
}
