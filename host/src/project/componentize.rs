//! From the core module that a compiler for WASI preview 1 makes to a component: the WIT is written into it, and the
//! calls of preview 1 go through an adapter to those of preview 2.

use std::path::Path;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve, SourceMap, UnresolvedPackageGroup};

use super::embedded;

/// The world that the guest libraries are built against. Of its imports a component has those that it calls.
const WORLD: &str = "handler-with-engine-and-http";

/// Where the files of the packages are that ours uses.
const DEPENDENCIES: &str = "deps/";

/// Why a core module does not become a component.
#[derive(Debug, thiserror::Error)]
#[error(
    "what the compiler made cannot be made a component: {0}; is the guest library one of this version of fetchlock?"
)]
pub struct ComponentizeError(String);

impl ComponentizeError {
    /// Puts what is told in several lines into one.
    fn new(told: &str) -> Self {
        Self(told.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The causes: the crates that do the work give theirs as chains.
macro_rules! told {
    ($result:expr) => {
        $result.map_err(|error| ComponentizeError::new(&format!("{error:#}")))
    };
}

/// Makes a component of a core module. `wit` is the folder of the WIT that the module was built against; without it that
/// of this binary is taken.
pub(super) fn componentize(core: &[u8], wit: Option<&Path>) -> Result<Vec<u8>, ComponentizeError> {
    let mut resolve = Resolve::default();
    let package = match wit {
        Some(dir) => told!(resolve.push_dir(dir))?.0,
        None => embedded_package(&mut resolve)?,
    };
    let world = told!(resolve.select_world(&[package], Some(WORLD)))?;
    let mut module = core.to_vec();
    told!(embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8))?;
    let encoder = told!(ComponentEncoder::default().validate(true).module(&module))?;
    let (name, adapter) = (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
    told!(told!(encoder.adapter(name, adapter))?.encode())
}

fn embedded_package(resolve: &mut Resolve) -> Result<PackageId, ComponentizeError> {
    let (mut ours, mut dependencies) = (SourceMap::new(), Vec::new());
    for (path, bytes) in embedded::wit() {
        let text = told!(std::str::from_utf8(bytes))?;
        if path.starts_with(DEPENDENCIES) {
            let mut dependency = SourceMap::new();
            dependency.push_str(path, text);
            dependencies.push(parsed(dependency)?);
        } else {
            ours.push_str(path, text);
        }
    }
    told!(resolve.push_groups(parsed(ours)?, dependencies))
}

fn parsed(sources: SourceMap) -> Result<UnresolvedPackageGroup, ComponentizeError> {
    sources.parse().map_err(|(sources, error)| ComponentizeError::new(&error.render(&sources)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::inspect::inspect;

    /// What a compiler makes of a handler that logs a line and looks at the clock of WASI preview 1.
    const CORE: &str = include_str!("componentize/handler.wat");

    fn core() -> Vec<u8> {
        wat::parse_str(CORE).expect("WAT")
    }

    #[test]
    fn a_core_module_becomes_a_component_that_imports_what_it_calls_and_no_more() {
        let component = componentize(&core(), None).expect("a component");
        let inspected = inspect(&component).expect("a handler");
        assert_eq!(inspected.exports, ["handle"]);
        let ours: Vec<&String> = inspected.imports.iter().filter(|name| name.starts_with("fetchlock:")).collect();
        assert_eq!(ours, ["fetchlock:handler/log@0.1.0"]);
        let is_there = |name: &str| inspected.imports.iter().any(|import| import.starts_with(name));
        assert!(is_there("wasi:clocks/wall-clock@0.2."), "{:?}", inspected.imports);
        assert!(!is_there("wasi:http/"), "{:?}", inspected.imports);
    }

    #[test]
    fn the_wit_of_a_folder_and_that_of_the_binary_make_the_same_component() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let component = componentize(&core(), Some(&folder)).expect("a component");
        assert!(component == componentize(&core(), None).expect("a component"), "they differ");
    }

    #[test]
    fn a_module_that_calls_something_else_is_told_with_what() {
        let other = CORE.replace("fetchlock:handler/log@0.1.0", "fetchlock:handler/log@0.9.0");
        let error = componentize(&wat::parse_str(other).expect("WAT"), None).expect_err("refused");
        insta::assert_snapshot!(error, @"what the compiler made cannot be made a component: failed to decode world from module: module was not valid: failed to resolve import `fetchlock:handler/log@0.9.0::write`: module requires an import interface named `fetchlock:handler/log@0.9.0`; is the guest library one of this version of fetchlock?");
        let no_module = componentize(b"no module", None).expect_err("refused");
        insta::assert_snapshot!(no_module, @"what the compiler made cannot be made a component: decoding item in module: magic header not detected: bad magic number - expected=[ 0x0, 0x61, 0x73, 0x6d, ] actual=[ 0x6e, 0x6f, 0x20, 0x6d, ] (at offset 0x0); is the guest library one of this version of fetchlock?");
    }
}
