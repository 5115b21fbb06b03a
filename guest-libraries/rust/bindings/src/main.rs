//! Writes `fetchlock/src/host/bindings.rs` from the contract in `wit/`; with `--check`, only tells whether it is up to
//! date.
//!
//! The bindings are in the sources of the library, and not made by a macro while a handler is built, because that takes
//! most of the time of its first build: 25 crates that read WIT and write Rust.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

/// The world with all that a handler may import.
const WORLD: &str = "handler-with-engine-and-http";

/// What the library uses of WASI. Bindings of all of it would be ten times those of the contract.
const USED_OF_WASI: &[&str] = &[
    "[method]pollable.block",
    "[method]error.to-debug-string",
    "[method]input-stream.blocking-read",
    "[method]output-stream.blocking-write-and-flush",
    "[static]fields.from-list",
    "[method]fields.entries",
    "[constructor]outgoing-request",
    "[method]outgoing-request.set-method",
    "[method]outgoing-request.set-scheme",
    "[method]outgoing-request.set-authority",
    "[method]outgoing-request.set-path-with-query",
    "[method]outgoing-request.body",
    "[constructor]request-options",
    "[method]request-options.set-connect-timeout",
    "[method]request-options.set-first-byte-timeout",
    "[method]request-options.set-between-bytes-timeout",
    "[method]outgoing-body.write",
    "[static]outgoing-body.finish",
    "[method]future-incoming-response.subscribe",
    "[method]future-incoming-response.get",
    "[method]incoming-response.status",
    "[method]incoming-response.headers",
    "[method]incoming-response.consume",
    "[method]incoming-body.stream",
    "http-error-code",
];

/// What stands before the generated text.
const HEADER: &str = "// Generated from `wit/` by `cargo run -p fetchlock-bindings` in guest-libraries/rust.\n\
    #![allow(missing_docs, unsafe_op_in_unsafe_fn, unreachable_pub, rust_2018_idioms, clippy::all, clippy::unwrap_used)]\n";

fn main() -> Result<()> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fetchlock");
    let goal = library.join("src/host/bindings.rs");
    let text = generate(&library.join("wit"))?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => fs::write(&goal, text).with_context(|| format!("cannot write {}", goal.display())),
        ["--check"] => {
            let found = fs::read_to_string(&goal).with_context(|| format!("cannot read {}", goal.display()))?;
            ensure!(found == text, "{} is not what `wit/` says: run this without --check", goal.display());
            Ok(())
        }
        _ => bail!("expected nothing or --check, found {arguments:?}"),
    }
}

fn generate(wit: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).with_context(|| format!("{}", wit.display()))?;
    let world = resolve.select_world(&[package], Some(WORLD)).context(WORLD)?;
    let of_wasi = resolve.interfaces.iter().filter(|(_, interface)| interface.package != Some(package));
    let functions = of_wasi.flat_map(|(_, interface)| interface.functions.keys());
    // `handle` is also what is exported.
    let unused = functions.filter(|name| !USED_OF_WASI.contains(&name.as_str()) && *name != "handle");
    let options = Opts {
        skip: unused.cloned().collect(),
        generate_all: true,
        pub_export_macro: true,
        export_macro_name: Some("export_component".to_owned()),
        // The macro is used in the handler's crate, which has no dependency of its own on the runtime.
        runtime_path: Some("::fetchlock::glue::wit_bindgen_rt".to_owned()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, text) = files.iter().next().context("no file was generated")?;
    // Nobody reads it; the contract is documented in `wit/`. Indentation and comments are two thirds of it.
    let lines = std::str::from_utf8(text)?.lines().map(str::trim_start).filter(|line| !line.starts_with("///"));
    Ok(lines.fold(HEADER.to_owned(), |text, line| text + line + "\n"))
}
