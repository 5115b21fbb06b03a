//! Which engine, on what, and how it is set: the set-ups that the tests can run on.

use std::env;

use anyhow::{Context, Result, bail};

use super::postgres;

/// Names the set-up that the tests of the real engine run on; without it they run on the first one.
pub const SETUP_VARIABLE: &str = "FETCHLOCK_TEST_ENGINE";

/// Whose engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Operaton.
    Operaton,
    /// Camunda 7.
    Camunda,
    /// CIB seven.
    CibSeven,
}

impl Product {
    /// Its name, as its makers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operaton => "Operaton",
            Self::Camunda => "Camunda",
            Self::CibSeven => "CIB seven",
        }
    }

    /// Its profile in `tests/engine-app/pom.xml`; the property `PROFILE.version` is the version.
    pub(super) fn profile(self) -> &'static str {
        match self {
            Self::Operaton => "operaton",
            Self::Camunda => "camunda",
            Self::CibSeven => "cibseven",
        }
    }

    /// The Java package of its engine.
    pub(super) fn engine_package(self) -> String {
        format!("org.{}.bpm.engine", self.profile())
    }

    /// The version that is built.
    ///
    /// # Errors
    /// The Maven project cannot be read, or does not tell.
    pub fn version(self) -> Result<String> {
        super::build::pom_property(&format!("{}.version", self.profile()))
    }
}

/// Where the engine keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// H2 in the memory of the engine's process.
    H2,
    /// A PostgreSQL server of its own.
    PostgreSql,
}

impl Database {
    /// Its name and version; of H2 the version is Spring Boot's choice, and not told.
    ///
    /// # Errors
    /// There is no PostgreSQL.
    pub fn describe(self) -> Result<String> {
        match self {
            Self::H2 => Ok("H2 in memory".to_owned()),
            Self::PostgreSql => postgres::version(),
        }
    }
}

/// How an engine is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Whose it is.
    pub product: Product,
    /// Where its state is.
    pub database: Database,
    /// Whether it demands basic authentication ([`super::USER`], [`super::PASSWORD`]).
    pub auth: bool,
    /// Whether a parked fetch ends when another of the same worker id comes (`fetch-and-lock-unique-worker-request`).
    pub unique_worker: bool,
    /// The Java heap, in MiB. It holds H2's data too: 1,024 are enough for about 20,000 instances.
    pub heap_mib: u32,
}

/// The heap of [`Setup::OPERATON`] and the others here, in MiB.
const HEAP_MIB: u32 = 1024;

impl Setup {
    /// Operaton as it comes, on H2.
    pub const OPERATON: Self = Self {
        product: Product::Operaton,
        database: Database::H2,
        auth: false,
        unique_worker: false,
        heap_mib: HEAP_MIB,
    };

    /// All set-ups by name. The first is that of every test run; `cargo xtask conformance` runs all.
    pub const NAMED: &[(&str, Self)] = &[
        ("operaton", Self::OPERATON),
        ("operaton-auth", Self { auth: true, ..Self::OPERATON }),
        ("operaton-unique-worker", Self { unique_worker: true, ..Self::OPERATON }),
        ("operaton-postgresql", Self { database: Database::PostgreSql, ..Self::OPERATON }),
        ("camunda", Self { product: Product::Camunda, ..Self::OPERATON }),
        ("cibseven", Self { product: Product::CibSeven, ..Self::OPERATON }),
    ];

    /// The set-up that [`SETUP_VARIABLE`] names, and its name.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn from_environment() -> Result<(&'static str, Self)> {
        match env::var(SETUP_VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name).with_context(|| SETUP_VARIABLE),
            _ => Ok(Self::NAMED[0]),
        }
    }

    /// The set-up of a name, and that name.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(name: &str) -> Result<(&'static str, Self)> {
        match Self::NAMED.iter().find(|(known, _)| *known == name) {
            Some(found) => Ok(*found),
            None => {
                let known: Vec<&str> = Self::NAMED.iter().map(|(name, _)| *name).collect();
                bail!("`{name}` is no set-up of an engine: expected one of {}", known.join(", "))
            }
        }
    }

    /// In words, with versions.
    ///
    /// # Errors
    /// A version cannot be told.
    pub fn describe(self) -> Result<String> {
        let mut words = format!("{} {} on {}", self.product.name(), self.product.version()?, self.database.describe()?);
        for (set, what) in [(self.auth, "basic authentication"), (self.unique_worker, "the unique-worker flag")] {
            if set {
                words.push_str(", with ");
                words.push_str(what);
            }
        }
        Ok(words)
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::OPERATON
    }
}

#[cfg(test)]
mod tests {
    use super::Setup;

    #[test]
    fn an_unknown_set_up_is_refused_with_the_known_ones() {
        let refusal = Setup::named("camnda").expect_err("refused").to_string();
        assert_eq!(
            refusal,
            "`camnda` is no set-up of an engine: expected one of operaton, operaton-auth, operaton-unique-worker, \
             operaton-postgresql, camunda, cibseven"
        );
    }
}
