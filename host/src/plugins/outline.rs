//! What can be told of a plugin's files without the host's settings and without compiling anything, for those who make
//! plugins: in the words in which the host refuses them.

use std::{io, path::Path};

use toml_edit::ImDocument;

use super::{
    inspect::{Inspected, inspect},
    load::{Described, LoadError, Why, describe, file_name, read_manifest},
    manifest::{KnownEngines, Manifest},
    scan::{Candidate, is_plugin},
};
use crate::task::{EngineName, Topic};

/// What a manifest says, or follows from there being none.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The manifest.
    pub manifest: Manifest,
    /// The topic that the plugin would serve.
    pub topic: Topic,
    /// Whether it requests to send HTTP requests.
    pub requests_http: bool,
}

/// Reads the manifest that belongs to a component, which need not be there yet.
///
/// # Errors
/// The host would pass over the component or refuse the manifest.
pub fn outline(component: &Path) -> Result<Outline, LoadError> {
    let candidate = Candidate::new(component.to_owned()).filter(|candidate| is_plugin(&candidate.component));
    let Some(candidate) = candidate else {
        return Err(LoadError { file: file_name(component), why: Why::PassedOver });
    };
    let text = match read_manifest(&candidate.manifest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some),
    };
    let outlined = text.map_err(Why::from).and_then(|text| {
        let document = ImDocument::parse(text.clone().unwrap_or_default()).ok();
        let Described { manifest, topic, .. } = describe(&candidate, text, &engines_of(document.as_ref()))?;
        Ok(Outline { manifest, topic, requests_http: document.is_some_and(|document| requests_http(&document)) })
    });
    outlined.map_err(|why| LoadError { file: file_name(component), why })
}

/// What a component imports and exports.
///
/// # Errors
/// The host would refuse it.
pub fn inspected(file: &Path, component: &[u8]) -> Result<Inspected, LoadError> {
    inspect(component).map_err(|error| LoadError { file: file_name(file), why: error.into() })
}

/// Which engines there are is the host's to know: the one that the manifest names is good for now.
fn engines_of(manifest: Option<&ImDocument<String>>) -> KnownEngines {
    let named = manifest.and_then(|manifest| manifest.get("engine")?.as_str()).unwrap_or_default();
    KnownEngines { default: EngineName::new(named), others: Vec::new() }
}

fn requests_http(manifest: &ImDocument<String>) -> bool {
    let requested = manifest.get("grants").and_then(|grants| grants.get("http"));
    requested.is_some_and(|requested| requested.as_array().is_none_or(|requests| !requests.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn outlined(component: &str, manifest: &str) -> Result<Outline, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let component = dir.path().join(component);
        fs::write(component.with_extension("toml"), manifest).expect("written");
        outline(&component).map_err(|error| error.to_string())
    }

    #[test]
    fn a_manifest_may_name_an_engine_that_only_the_host_knows() {
        let outline = outlined("charge.wasm", "topic = \"charge-card\"\nengine = \"orders\"").expect("a manifest");
        assert_eq!((outline.topic.as_str(), outline.manifest.engine), ("charge-card", Some(EngineName::new("orders"))));
    }

    #[test]
    fn without_a_manifest_the_file_names_the_topic() {
        assert_eq!(outline(Path::new("/no/such/charge.wasm")).expect("an outline").topic.as_str(), "charge");
    }

    #[test]
    fn what_the_host_would_refuse_is_told_in_its_words() {
        insta::assert_snapshot!(outlined("charge.wasm", "topics = 1\nengine = \"\"").expect_err("refused"), @r#"
        charge.wasm: charge.toml:1: unknown key `topics`: did you mean `topic`?
        charge.toml:2: `engine` is "": expected a name of 1 to 255 characters without control characters
        "#);
        insta::assert_snapshot!(outlined("charge.tmp.wasm", "").expect_err("refused"), @"charge.tmp.wasm: the host passes over a file of this name: expected NAME.wasm, not hidden and not named like a temporary file; rename it");
        let error = inspected(Path::new("x/charge.wasm"), b"text").expect_err("refused");
        insta::assert_snapshot!(error, @r#"charge.wasm: this is no WebAssembly: expected a component (\0asm), found text beginning with "text"; build the handler for wasm32-wasip2"#);
    }
}
