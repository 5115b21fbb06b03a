//! The engine of a measurement: the embedded one in a process of its own, or Operaton.

use std::ops::Deref;

use anyhow::Result;
use fetchlock_harness::embedded::Embedded;
use fetchlock_harness::engine_client::EngineClient;
use fetchlock_harness::real_engine::{RealEngine, Setup};

use super::release_binary;

/// Operaton's heap, in MiB. It holds the data base too: 60,000 instances and room for a collector that is not in the
/// way.
const HEAP_MIB: u32 = 6 * 1024;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Embedded,
    Operaton,
}

impl Kind {
    /// Its name in the table.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Embedded => "the embedded engine",
            Self::Operaton => "Operaton",
        }
    }
}

/// A running engine. Dropping it ends it.
pub(super) enum Engine {
    Embedded(Box<Embedded>),
    Operaton(Box<RealEngine>),
}

impl Engine {
    /// Starts one.
    ///
    /// # Errors
    /// It does not start.
    pub(super) async fn start(kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Embedded => Self::Embedded(Box::new(Embedded::start(release_binary("fetchlock")?, None).await?)),
            Kind::Operaton => {
                let setup = Setup { heap_mib: HEAP_MIB, ..Setup::OPERATON };
                Self::Operaton(Box::new(RealEngine::start(setup).await?))
            }
        })
    }

    /// Makes sure that instances of a process with one task of this topic can be started.
    ///
    /// # Errors
    /// The engine does not take it.
    pub(super) async fn know(&self, topic: &str) -> Result<()> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Operaton(operaton) => operaton.deploy_topic(topic, None).await,
        }
    }
}

impl Deref for Engine {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        match self {
            Self::Embedded(engine) => engine,
            Self::Operaton(engine) => engine,
        }
    }
}
