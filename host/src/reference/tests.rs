//! The rules of the reference: it is up to date, whole, and true.

use std::{collections::BTreeSet, env, fs, path::Path};

use serde_json::Value;

use super::*;
use crate::{plugins::manifest::KnownEngines, settings::load_from, task::EngineName};

/// The variable with which `cargo xtask reference` asks for the files to be written instead of compared. (Not one that
/// begins with `FETCHLOCK_`: those are settings.)
const WRITE: &str = "WRITE_REFERENCE";

const README: &str = include_str!("../../../README.md");
const LOGINS: &str = include_str!("../../../docs/engines.md");
const OTHER_CLIENTS: &str = include_str!("../../../docs/coming-from-other-clients.md");
const EXAMPLE_MANIFEST: &str = include_str!("../../../guest-examples/check-payment/plugin/check-payment.toml");

#[test]
fn the_files_in_docs_are_what_the_code_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let files = [
        ("settings.md", settings_page()),
        ("manifest.md", manifest_page()),
        ("errors.md", errors_page()),
        ("schema/fetchlock.schema.json", settings_schema()),
        ("schema/manifest.schema.json", manifest_schema()),
    ];
    let mut stale = Vec::new();
    for (name, generated) in files {
        let path = docs.join(name);
        if fs::read_to_string(&path).is_ok_and(|text| text == generated) {
            continue;
        }
        if env::var_os(WRITE).is_some() {
            fs::create_dir_all(path.parent().expect("a directory")).expect("docs can be written");
            fs::write(&path, generated).expect("docs can be written");
            println!("docs/{name} is written");
        } else {
            stale.push(format!("docs/{name}"));
        }
    }
    assert!(stale.is_empty(), "{} differ from what the code says: run `cargo xtask reference`", stale.join(", "));
}

#[test]
fn each_key_has_a_meaning_a_form_and_a_default() {
    for key in settings_keys().into_iter().chain(manifest_keys()) {
        assert!(key.doc.ends_with('.'), "the doc comment of {} is no sentence: {}", key.path, key.doc);
        assert!(key.expected.is_some() || !key.choices.is_empty(), "what is written for {} is not told", key.path);
        assert!(key.default.is_some(), "{} has neither a default nor words for it (x-absent)", key.path);
    }
}

#[test]
fn defaults_and_bounds_are_those_that_are_read() {
    let keys = settings_keys();
    let told = |path: &str| {
        let key = keys.iter().find(|key| key.path == path).expect("a key");
        (key.expected.clone().unwrap_or_default(), key.default.clone().unwrap_or_default())
    };
    let expect = |expected: &str, default: &str| (expected.to_owned(), default.to_owned());
    assert_eq!(told("worker.poll"), expect("a duration from 1s to 30m", "`\"30s\"`"));
    assert_eq!(told("plugins.max-size"), expect("a size from 1 KiB to 1 GiB", "`\"64 MiB\"`"));
    assert_eq!(told("worker.max-batch"), expect("a whole number from 1 to 10000", "`200`"));
    assert_eq!(told("cache-dir"), expect("a path", "`cache` in `state-dir`"));
    assert_eq!(told("engine.use-priority"), expect("true or false", "`false`"));
}

#[test]
fn a_page_names_no_item_of_the_code_and_no_key_that_does_not_exist() {
    let keys: BTreeSet<String> = settings_keys().into_iter().chain(manifest_keys()).map(|key| key.path).collect();
    let tables: BTreeSet<&str> = keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    for page in [settings_page(), manifest_page(), errors_page()] {
        assert!(!page.contains("[`"), "an intra-doc link is in\n{page}");
        // What stands in backticks and begins like a key is one.
        for quoted in page.split('`').skip(1).step_by(2) {
            let is_key = quoted.chars().all(|c| c.is_ascii_lowercase() || "-.".contains(c))
                && quoted.split_once('.').is_some_and(|(table, _)| tables.contains(table))
                && quoted != "config.get";
            assert!(!is_key || keys.contains(quoted), "`{quoted}` is no key");
        }
    }
}

#[test]
fn help_tells_the_defaults_of_the_settings() {
    for key in settings_keys() {
        let Some(argument) = Flags::of_setting(&key.path) else { continue };
        let help = argument.get_help().expect("a help text").to_string();
        let default = key.default.expect("a default").replace(['`', '"'], "");
        let told = help.contains(&format!("[default: {default}]"));
        assert!(told || key.path == "engine.url", "--{} tells another default than {default}", key.path);
    }
}

/// The TOML in a text of Markdown.
fn toml_blocks(markdown: &str) -> impl Iterator<Item = &str> {
    markdown.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0))
}

/// A chapter of the README.
fn chapter(title: &str) -> &'static str {
    let chapters = README.split("\n## ").filter(|chapter| chapter.starts_with(title));
    chapters.last().unwrap_or_else(|| panic!("README.md has no chapter {title}"))
}

#[test]
fn the_examples_of_settings_are_read_and_known_to_the_schema() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("fetchlock.toml");
    let schema: Value = serde_json::from_str(&settings_schema()).expect("a schema");
    let page = settings_page();
    let examples: Vec<&str> = toml_blocks(&page).chain(toml_blocks(chapter("Settings"))).collect();
    assert!(examples.len() >= 4, "an example is missing");
    for example in examples.into_iter().chain(toml_blocks(LOGINS)) {
        fs::write(&file, example).expect("a file");
        load_from(&Flags::default(), &file, []).map(drop).unwrap_or_else(|error| panic!("{error} in\n{example}"));
        assert_known(example, &schema);
    }
}

/// Every key that a page names in the way `table.key` exists.
#[test]
fn the_page_for_users_of_other_clients_names_only_keys_that_exist() {
    let [settings, manifest] =
        [settings_schema(), manifest_schema()].map(|text| -> Value { text.parse().expect("a schema") });
    let tables = ["engine", "plugins", "worker", "limits", "log", "filter"];
    let is_key = |text: &&str| {
        let plain = text.chars().all(|c| c.is_ascii_lowercase() || ".-".contains(c));
        plain && text.split_once('.').is_some_and(|(table, _)| tables.contains(&table))
    };
    let exists = |key: &str, schema: &Value| {
        let found = key.split('.').try_fold(schema, |schema, part| schema["properties"].get(part));
        found.is_some()
    };
    // Every second part is between backticks.
    let named: Vec<&str> = OTHER_CLIENTS.split('`').skip(1).step_by(2).filter(is_key).collect();
    assert!(named.len() > 20, "{named:?}");
    let unknown: Vec<_> = named.iter().filter(|key| !exists(key, &settings) && !exists(key, &manifest)).collect();
    assert!(unknown.is_empty(), "no such keys: {unknown:?}");
}

#[test]
fn the_examples_of_manifests_are_read_and_known_to_the_schema() {
    let schema: Value = serde_json::from_str(&manifest_schema()).expect("a schema");
    let page = manifest_page();
    let examples: Vec<&str> = toml_blocks(&page).chain(toml_blocks(chapter("Manifests"))).collect();
    assert!(examples.len() >= 3, "an example is missing");
    let engines = KnownEngines { default: EngineName::new("default"), others: Vec::new() };
    for example in examples.into_iter().chain([EXAMPLE_MANIFEST]) {
        Manifest::parse(Path::new("example.toml"), example, &engines)
            .unwrap_or_else(|error| panic!("{error} in\n{example}"));
        assert_known(example, &schema);
    }
}

/// Asserts that a schema knows all keys of a text of TOML, so that no editor calls a valid file wrong.
fn assert_known(text: &str, schema: &Value) {
    use figment::providers::{Format, Toml};
    let value: Value = Toml::from_str(text).expect("TOML");
    assert_key_known("", &value, schema, schema);
}

fn assert_key_known(path: &str, value: &Value, schema: &Value, whole: &Value) {
    let Value::Object(table) = value else { return };
    let schema =
        schema["allOf"][0]["$ref"].as_str().and_then(|at| whole.pointer(at.strip_prefix('#')?)).unwrap_or(schema);
    for (name, inner) in table {
        let path = format!("{path}.{name}");
        let forms = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        let known = forms.iter().find_map(|form| match form["properties"].get(name) {
            Some(known) => Some(known.clone()),
            None => Some(form["additionalProperties"].clone()).filter(Value::is_object),
        });
        assert_key_known(&path, inner, &known.unwrap_or_else(|| panic!("the schema does not know {path}")), whole);
    }
}
