//! The name of a setting: the way to it from the root of the settings, table by table.

use std::{borrow::Cow, fmt};

/// The key of a setting or of a table of settings, such as `engine.tls.ca-file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingKey(Vec<String>);

impl SettingKey {
    /// The key with these parts, from the outermost table on.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(parts.into_iter().map(str::to_owned).collect())
    }

    /// A key of the table that this is.
    #[must_use]
    pub fn of(&self, key: &str) -> Self {
        Self(self.0.iter().cloned().chain([key.to_owned()]).collect())
    }

    /// The parts, from the outermost table on.
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

/// As TOML writes it.
impl fmt::Display for SettingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dotted(&self.0))
    }
}

/// A path of keys as TOML writes it.
pub(crate) fn dotted(path: &[String]) -> String {
    let bare = |key: &&String| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let keys = path.iter().map(|key| match Some(key).filter(bare) {
        Some(bare) => Cow::Borrowed(bare.as_str()),
        None => Cow::Owned(format!("{key:?}")),
    });
    keys.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_as_toml_writes_it() {
        let key = SettingKey::new(["engines", "a b"]).of("tls").of("ca-file");
        assert_eq!(key.to_string(), r#"engines."a b".tls.ca-file"#);
    }
}
