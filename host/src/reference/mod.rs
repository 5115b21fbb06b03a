//! The reference: the pages `docs/settings.md` and `docs/manifest.md`, JSON schemas with which editors complete and
//! check both files, and the page `docs/errors.md` about what goes wrong with the engine.
//!
//! Settings and manifests are generated from the types that are read: their doc comments, names, bounds and `Default`
//! values; the errors from the cases of the REST client and `EngineError::treatment`. Only the heads of the pages are
//! written by hand (the `.md` files here). `cargo xtask reference` writes the files; a test fails when one of them is
//! not what the code says.

mod errors;
mod keys;
mod page;
mod schema;
#[cfg(test)]
mod tests;

pub use self::keys::{Choice, Key, Table};
use crate::{
    plugins::manifest::Manifest,
    settings::{Flags, Settings, variable},
};

/// The page about `fetchlock.toml`, in Markdown.
pub fn settings_page() -> String {
    page::write(include_str!("settings.md"), &keys::tables(&schema::described::<Settings>()), |key| {
        let table_keys: &[&str] = match (key.is_table, key.holds_tables) {
            (true, false) => &["NAME"],
            (true, true) => &["NAME", "KEY"],
            (false, _) => &[],
        };
        let flag = Flags::of_setting(&key.path).and_then(|argument| {
            let value = argument.get_value_names()?.first()?.to_string();
            Some(format!("- Flag: `--{} {value}`", argument.get_long()?))
        });
        let variable = variable(key.path.split('.').chain(table_keys.iter().copied()));
        [Some(format!("- Variable: `{variable}`")), flag].into_iter().flatten().collect()
    })
}

/// The page about the manifests of plugins, in Markdown.
pub fn manifest_page() -> String {
    page::write(include_str!("manifest.md"), &keys::tables(&schema::described::<Manifest>()), |_| Vec::new())
}

/// The page about the errors of the engine, in Markdown.
pub fn errors_page() -> String {
    errors::page()
}

/// The JSON schema of `fetchlock.toml`.
pub fn settings_schema() -> String {
    schema::published(schema::described::<Settings>(), "fetchlock.toml: the settings of a Fetchlock host")
}

/// The JSON schema of the manifests of plugins.
pub fn manifest_schema() -> String {
    schema::published(schema::described::<Manifest>(), "NAME.toml: the manifest of a Fetchlock plugin")
}

/// The keys of `fetchlock.toml`, in the order of the page.
pub fn settings_keys() -> Vec<Key> {
    keys::tables(&schema::described::<Settings>()).into_iter().flat_map(|table| table.keys).collect()
}

/// The keys of manifests, in the order of the page.
pub fn manifest_keys() -> Vec<Key> {
    keys::tables(&schema::described::<Manifest>()).into_iter().flat_map(|table| table.keys).collect()
}
