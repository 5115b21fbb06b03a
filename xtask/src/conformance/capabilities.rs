//! Which test shows which capability: read from `tests/engines/capabilities.toml`.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo::root;

/// The file, beside the tests.
const FILE: &str = "tests/engines/capabilities.toml";

/// All capabilities, in groups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capabilities {
    #[serde(rename = "group")]
    pub(super) groups: Vec<Group>,
}

/// Capabilities under one heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) capabilities: Vec<Capability>,
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Capability {
    pub(super) words: String,
    /// Prefixes of the names of its tests, without `embedded` and `real`.
    tests: Vec<String>,
    /// Why there is no test of it on the embedded engine.
    pub(super) on_embedded: Option<String>,
    /// Why there is no test of it on a real engine.
    pub(super) on_real: Option<String>,
}

impl Capabilities {
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        toml_edit::de::from_str(&text).with_context(|| format!("{FILE} cannot be understood"))
    }

    /// Whether each test shows one.
    ///
    /// # Errors
    /// For the first that shows none.
    pub(super) fn cover(&self, tests: &[String]) -> Result<()> {
        tests.iter().try_for_each(|test| self.of(test).map(drop))
    }

    /// The capability that a test shows: the one with the longest prefix of its name.
    ///
    /// # Errors
    /// None has one.
    pub(super) fn of(&self, test: &str) -> Result<&Capability> {
        let rule = test.replacen("::embedded::", "::", 1).replacen("::real::", "::", 1);
        let all = self.groups.iter().flat_map(|group| &group.capabilities);
        let prefix = |capability: &&Capability| {
            capability.tests.iter().filter(|prefix| rule.starts_with(prefix.as_str())).map(String::len).max()
        };
        let best = all.filter(|capability| prefix(capability).is_some()).max_by_key(prefix);
        best.with_context(|| format!("the test {test} belongs to no capability: name it in {FILE}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Capabilities;

    #[test]
    fn the_longest_prefix_counts_and_a_test_without_one_is_an_error() {
        let text = r#"
            [[group]]
            name = "g"
            capabilities = [
                { words = "all", tests = ["a::"] },
                { words = "some", tests = ["b::", "a::some"], on-embedded = "needs BPMN" },
            ]
        "#;
        let capabilities: Capabilities = toml_edit::de::from_str(text).expect("read");
        for (test, words) in [("a::real::rule", "all"), ("a::embedded::some_rule", "some"), ("b::c::real::x", "some")] {
            assert_eq!(capabilities.of(test).expect("one").words, words);
        }
        let refusal = capabilities.of("c::real::rule").expect_err("none").to_string();
        assert_eq!(
            refusal,
            "the test c::real::rule belongs to no capability: name it in tests/engines/capabilities.toml"
        );
    }
}
