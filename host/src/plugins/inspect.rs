//! What a file is, read from its bytes before any time is spent on compiling it.

use std::fmt;

use bytesize::ByteSize;
use wasmparser::{Parser, Payload};

use crate::sandbox::{v0_1, wasi};

/// The first bytes of every WebAssembly file.
const WASM_MAGIC: &[u8] = b"\0asm";

/// Bytes 4 to 8 of a core module: version 1, layer 0.
const MODULE_LAYER: [u8; 4] = [1, 0, 0, 0];

/// Bytes 6 and 7 of a component: layer 1.
const COMPONENT_LAYER: [u8; 2] = [1, 0];

/// The first bytes of an ELF file, which is what wasmtime's precompiled `.cwasm` is.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// How much of a wrong file's beginning is shown.
const SHOWN_START: usize = 24;

/// Why a file cannot be a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Nothing in it.
    #[error("the file is empty: expected a WebAssembly component; was it copied whole?")]
    Empty,
    /// Larger than the operator allows.
    #[error("the file has {}, more than plugins.max-size allows ({}): raise that setting if this is meant", ByteSize(*.size), ByteSize(*.limit))]
    TooLarge {
        /// Bytes found.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Another kind of file.
    #[error(
        "this is no WebAssembly: expected a component (\\0asm), found {found}; build the handler for wasm32-wasip2"
    )]
    NotWasm {
        /// What it looks like.
        found: String,
    },
    /// wasmtime's machine code.
    #[error(
        "this is precompiled machine code (.cwasm), which is never loaded from the plugin directory because it would run outside the sandbox: drop the component (.wasm) itself, fetchlock compiles and caches it"
    )]
    Precompiled,
    /// A module where a component is needed.
    #[error(
        "this is a core WebAssembly module, not a component: build it for wasm32-wasip2, or turn it into a component with `wasm-tools component new`"
    )]
    CoreModule,
    /// The structure does not hold.
    #[error("the component is damaged at byte {offset} of {size}: {why}; was it copied whole? Build or copy it again")]
    Damaged {
        /// Where.
        offset: u64,
        /// The file's size in bytes.
        size: u64,
        /// What the parser says.
        why: String,
    },
    /// It was built for another world.
    #[error("{0}")]
    WrongWorld(WrongWorld),
}

/// All the ways in which a component is not a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongWorld {
    /// Exports that a handler must have and this one has not.
    pub missing_exports: Vec<String>,
    /// What it exports instead.
    pub found_exports: Vec<String>,
    /// Imports that the host does not offer, each with what would come nearest.
    pub unknown_imports: Vec<(String, Option<String>)>,
}

impl fmt::Display for WrongWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component is not built for fetchlock:handler@{}:", v0_1::VERSION)?;
        if !self.missing_exports.is_empty() {
            write!(f, " it does not export {}", quoted(&self.missing_exports))?;
            if self.found_exports.is_empty() {
                f.write_str(" (it exports nothing);")?;
            } else {
                write!(f, " (it exports {});", quoted(&self.found_exports))?;
            }
        }
        if !self.unknown_imports.is_empty() {
            let imports: Vec<String> = self
                .unknown_imports
                .iter()
                .map(|(name, near)| match near {
                    Some(near) => format!("`{name}` (this host has `{near}`)"),
                    None => format!("`{name}`"),
                })
                .collect();
            write!(f, " it imports what this host does not offer: {};", imports.join(", "))?;
        }
        f.write_str(
            " author: build against the WIT package fetchlock:handler, world `handler`; operator: take a build for this \
             host's version, or a newer host",
        )
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What an acceptable component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// All imports, as named in the component.
    pub imports: Vec<String>,
    /// All exports.
    pub exports: Vec<String>,
}

impl Inspected {
    /// The contract that it was built for, as a WIT package with its version.
    pub fn contract(&self) -> String {
        format!("fetchlock:handler@{}", v0_1::VERSION)
    }
}

/// Looks at the first bytes only.
///
/// # Errors
/// When they are not those of a component.
pub fn inspect_header(bytes: &[u8]) -> Result<(), InspectError> {
    if bytes.is_empty() {
        return Err(InspectError::Empty);
    }
    if bytes.starts_with(ELF_MAGIC) {
        return Err(InspectError::Precompiled);
    }
    if !bytes.starts_with(WASM_MAGIC) {
        if WASM_MAGIC.starts_with(bytes) {
            let size = bytes.len() as u64;
            return Err(InspectError::Damaged { offset: size, size, why: "the header ends too early".into() });
        }
        return Err(InspectError::NotWasm { found: looks_like(bytes) });
    }
    match bytes.get(4..8) {
        Some(layer) if layer == MODULE_LAYER => Err(InspectError::CoreModule),
        Some(layer) if layer[2..] == COMPONENT_LAYER => Ok(()),
        Some(layer) => Err(InspectError::NotWasm { found: format!("WebAssembly of an unknown version {layer:?}") }),
        None => {
            let size = bytes.len() as u64;
            Err(InspectError::Damaged { offset: size, size, why: "the header ends too early".into() })
        }
    }
}

fn looks_like(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(SHOWN_START)];
    let text = std::str::from_utf8(start).or_else(|error| std::str::from_utf8(&start[..error.valid_up_to()]));
    match text {
        Ok(text) if !text.is_empty() && !text.contains('\0') => {
            let kind = if text.trim_start().starts_with('(') { "WebAssembly text (WAT)" } else { "text" };
            format!("{kind} beginning with {text:?}")
        }
        _ => format!("bytes beginning with {start:02x?}"),
    }
}

/// Reads a component's imports and exports and compares them with the contract.
///
/// # Errors
/// See [`InspectError`]; a component of another world has *all* its differences listed.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, InspectError> {
    inspect_header(bytes)?;
    let size = bytes.len() as u64;
    let damaged = |error: wasmparser::Error| InspectError::Damaged {
        offset: error.offset() as u64,
        size,
        why: error.message().to_string(),
    };
    let mut depth = 0_usize;
    let mut found = Inspected { imports: Vec::new(), exports: Vec::new() };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.imports.push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.exports.push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    compare(&found)?;
    Ok(found)
}

fn compare(found: &Inspected) -> Result<(), InspectError> {
    let missing_exports: Vec<String> = match found.exports.iter().any(|name| name == v0_1::EXPORT) {
        true => Vec::new(),
        false => vec![v0_1::EXPORT.to_owned()],
    };
    let unknown_imports: Vec<_> =
        found.imports.iter().filter(|name| !offered(name)).map(|name| (name.clone(), nearest(name))).collect();
    if missing_exports.is_empty() && unknown_imports.is_empty() {
        return Ok(());
    }
    Err(InspectError::WrongWorld(WrongWorld { missing_exports, found_exports: found.exports.clone(), unknown_imports }))
}

/// Whether the linker has an import: our own at exactly their version, WASI at any 0.2.
fn offered(name: &str) -> bool {
    if v0_1::IMPORTS.contains(&name) {
        return true;
    }
    let Some((interface, version)) = name.split_once('@') else { return false };
    wasi::IMPORTS.contains(&interface) && version.strip_prefix(wasi::VERSION).is_some_and(|rest| rest.starts_with('.'))
}

/// The offered interface that an unknown one may have meant: the same name at another version, or a similar name.
fn nearest(name: &str) -> Option<String> {
    /// Less alike than this is another word.
    const ALIKE: f64 = 0.85;
    let interface = name.split('@').next().unwrap_or(name);
    let ours = v0_1::IMPORTS.iter().map(|name| (*name).to_owned());
    let theirs = wasi::IMPORTS.iter().map(|name| format!("{name}@{}", wasi::VERSION));
    ours.chain(theirs)
        .map(|offered| {
            let alike = strsim::jaro_winkler(interface, offered.split('@').next().unwrap_or_default());
            (alike, offered)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, offered)| offered)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn error(bytes: &[u8]) -> String {
        inspect(bytes).expect_err("refused").to_string()
    }

    fn component(wat: &str) -> Vec<u8> {
        wat::parse_str(wat).expect("WAT")
    }

    const HANDLER: &str = r#"(component
        (import "fetchlock:handler/log@0.1.0" (instance))
        (import "wasi:io/poll@0.2.6" (instance))
        (core module $m (func (export "f") (result i32) unreachable))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "f")))
        (export "handle" (func $f)))"#;

    #[test]
    fn a_handler_is_accepted_with_its_imports_and_exports() {
        let found = inspect(&component(HANDLER)).expect("accepted");
        assert_eq!(found.imports, ["fetchlock:handler/log@0.1.0", "wasi:io/poll@0.2.6"]);
        assert_eq!(found.exports, ["handle"]);
    }

    #[test]
    fn an_empty_file_says_so() {
        assert_snapshot!(error(b""), @"the file is empty: expected a WebAssembly component; was it copied whole?");
    }

    #[test]
    fn a_text_file_is_shown() {
        assert_snapshot!(error(b"<html>not found</html>"), @r#"this is no WebAssembly: expected a component (\0asm), found text beginning with "<html>not found</html>"; build the handler for wasm32-wasip2"#);
    }

    #[test]
    fn a_core_module_gets_the_way_to_a_component() {
        assert_snapshot!(error(&component("(module)")), @"this is a core WebAssembly module, not a component: build it for wasm32-wasip2, or turn it into a component with `wasm-tools component new`");
    }

    #[test]
    fn precompiled_code_is_never_loaded() {
        assert_snapshot!(error(b"\x7fELF\x02\x01\x01"), @"this is precompiled machine code (.cwasm), which is never loaded from the plugin directory because it would run outside the sandbox: drop the component (.wasm) itself, fetchlock compiles and caches it");
    }

    #[test]
    fn a_component_truncated_anywhere_is_damaged_and_never_a_panic() {
        let whole = component(HANDLER);
        for length in 1..whole.len() {
            match inspect(&whole[..length]) {
                Err(InspectError::Damaged { .. } | InspectError::WrongWorld(_)) => {}
                Err(other) => panic!("{length}: {other}"),
                // Cut off behind the last section that matters: only names for debugging are lost.
                Ok(found) => assert_eq!(found.exports, ["handle"]),
            }
        }
        let half = error(&whole[..whole.len() / 2]);
        assert!(half.contains("damaged at byte") && half.contains("was it copied whole?"), "{half}");
    }

    #[test]
    fn another_world_has_all_its_differences_listed() {
        let other = component(
            r#"(component
                (import "fetchlock:handler/outcome@0.9.0" (instance))
                (import "wasi:keyvalue/store@0.2.0" (instance))
                (import "wasi:io/poll@0.3.0" (instance))
                (instance $empty)
                (export "wasi:http/incoming-handler@0.2.0" (instance $empty)))"#,
        );
        assert_snapshot!(error(&other), @"the component is not built for fetchlock:handler@0.1.0: it does not export `handle` (it exports `wasi:http/incoming-handler@0.2.0`); it imports what this host does not offer: `fetchlock:handler/outcome@0.9.0` (this host has `fetchlock:handler/outcome@0.1.0`), `wasi:keyvalue/store@0.2.0`, `wasi:io/poll@0.3.0` (this host has `wasi:io/poll@0.2`); author: build against the WIT package fetchlock:handler, world `handler`; operator: take a build for this host's version, or a newer host");
    }
}
