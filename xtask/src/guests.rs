//! Building the guest components.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use fetchlock_harness::guests::{guests_dir, target_dir};

use crate::cargo::{build_workspace, cargo, root, run};
use crate::prerequisites::GUEST_TARGET;

/// One component that is built.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Under this name, with `.wasm`, it lies among the built guests.
    name: &'static str,
    /// Its crate's folder in the repository.
    folder: &'static str,
    /// Its crate's name.
    package: &'static str,
    /// The features that it is built with.
    features: &'static [&'static str],
    /// Whether it is put into the plugin directory too, with the manifest from its folder `plugin`.
    is_example: bool,
}

/// The example that a newcomer sees at work.
pub(crate) const EXAMPLE: Guest = Guest {
    name: "check-payment",
    folder: "guest-examples/check-payment",
    package: "check-payment",
    features: &[],
    is_example: true,
};

/// The guest library in Rust, a workspace of its own.
const LIBRARY: &str = "guest-libraries/rust";

/// The project whose component does all that the library offers.
const LIBRARY_GUEST: &str = "tests/guests/rust-library";

/// The project that passes variables on by the library, built with those of the other languages.
const ECHO: &str = "tests/guests/echo-rust";

/// Every guest.
pub(crate) const ALL: &[Guest] = &[
    EXAMPLE,
    Guest { name: "probe", folder: "tests/guests/probe", package: "probe", features: &[], is_example: false },
    // What is measured around a handler.
    Guest { name: "trivial", folder: "tests/guests/trivial", package: "trivial", features: &[], is_example: false },
    // Twice the same plugin with other bytes, for the tests of hot reload.
    Guest {
        name: "versioned-v1",
        folder: "tests/guests/versioned",
        package: "versioned",
        features: &[],
        is_example: false,
    },
    Guest {
        name: "versioned-v2",
        folder: "tests/guests/versioned",
        package: "versioned",
        features: &["v2"],
        is_example: false,
    },
];

/// Builds guests, copies each to `<target>/guests/NAME.wasm`, and installs the example into `plugins/`.
///
/// # Errors
/// A guest does not compile, or a file cannot be written.
pub(crate) fn build(guests: &[Guest]) -> Result<()> {
    // Of their own, so that the host's build and theirs do not wait for each other's locks.
    let target = target_dir()?.join("guest-build");
    let built = guests_dir()?;
    fs::create_dir_all(&built).with_context(|| format!("cannot create {}", built.display()))?;
    for guest in guests {
        let mut command = cargo(&["build", "--release", "--locked", "--target", GUEST_TARGET, "--manifest-path"]);
        command.arg(manifest(guest.folder)).arg("--target-dir").arg(&target);
        command.args(guest.features.iter().flat_map(|feature| ["--features", feature]));
        run(&mut command)?;
        let file = format!("{}.wasm", guest.package.replace('-', "_"));
        let component = target.join(GUEST_TARGET).join("release").join(file);
        install(&component, &built, &format!("{}.wasm", guest.name))?;
        if guest.is_example {
            let plugins = root().join("plugins");
            fs::create_dir_all(&plugins).with_context(|| format!("cannot create {}", plugins.display()))?;
            // The manifest first: a running host would else serve the component without its settings for a moment.
            let manifest = format!("{}.toml", guest.name);
            install(&root().join(guest.folder).join("plugin").join(&manifest), &plugins, &manifest)?;
            install(&component, &plugins, &format!("{}.wasm", guest.name))?;
        }
    }
    Ok(())
}

/// Checks the format of every guest's sources, and of the library's.
///
/// # Errors
/// One of them is not formatted.
pub(crate) fn check_format() -> Result<()> {
    for folder in folders() {
        run(cargo(&["fmt", "--check", "--manifest-path"]).arg(manifest(folder)))?;
    }
    run(cargo(&["fmt", "--all", "--check", "--manifest-path"]).arg(manifest(LIBRARY)))
}

/// Runs clippy on every guest, for the target that it is built for, and on the library for both of its targets.
///
/// # Errors
/// One of them has a finding.
pub(crate) fn check_lints() -> Result<()> {
    let target = target_dir()?.join("guest-build");
    for folder in folders() {
        let mut command = cargo(&["clippy", "--locked", "--all-features", "--target", GUEST_TARGET, "--manifest-path"]);
        command.arg(manifest(folder)).arg("--target-dir").arg(&target);
        run(command.args(["--", "--deny", "warnings"]))?;
    }
    let mut command =
        cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--manifest-path"]);
    command.arg(manifest(LIBRARY)).arg("--target-dir").arg(&target);
    run(command.args(["--", "--deny", "warnings"]))?;
    let mut command =
        cargo(&["clippy", "--package", "fetchlock", "--all-features", "--locked", "--target", GUEST_TARGET]);
    command.arg("--manifest-path").arg(manifest(LIBRARY)).arg("--target-dir").arg(&target);
    run(command.args(["--", "--deny", "warnings"]))
}

/// Runs the tests of the library, on this machine and in a component, and compares its bindings with the contract.
///
/// # Errors
/// One of them fails.
pub(crate) fn test_library() -> Result<()> {
    let target = target_dir()?.join("guest-build");
    let library = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.arg("--manifest-path").arg(manifest(LIBRARY)).arg("--target-dir").arg(&target);
        command
    };
    run(&mut library(&["test", "--workspace", "--all-features", "--locked"]))?;
    run(library(&["run", "--locked", "--package", "fetchlock-bindings"]).args(["--", "--check"]))?;
    test_project(LIBRARY_GUEST)
}

/// Runs the tests of the example: of its business rule, which needs no host, and of its component in this host.
///
/// # Errors
/// One of them fails.
pub(crate) fn test_example() -> Result<()> {
    test_project(EXAMPLE.folder)
}

/// Runs the tests of a project, which run its component in this repository's host.
fn test_project(folder: &str) -> Result<()> {
    build_workspace()?;
    let target = target_dir()?;
    let mut command = cargo(&["test", "--locked", "--manifest-path"]);
    command.arg(manifest(folder)).arg("--target-dir").arg(target.join("guest-build"));
    run(command.env("FETCHLOCK", target.join("debug/fetchlock")))
}

/// The folders of all guests, each once.
fn folders() -> Vec<&'static str> {
    let mut folders: Vec<&str> = ALL.iter().map(|guest| guest.folder).chain([LIBRARY_GUEST, ECHO]).collect();
    folders.dedup();
    folders
}

fn manifest(folder: &str) -> std::path::PathBuf {
    root().join(folder).join("Cargo.toml")
}

/// Copies a file so that who watches the directory sees it whole or not at all: beside it under a name that the host
/// ignores, then renamed.
fn install(from: &Path, directory: &Path, name: &str) -> Result<()> {
    let partial = directory.join(format!(".{name}.tmp"));
    let goal = directory.join(name);
    fs::copy(from, &partial).with_context(|| format!("cannot copy {} to {}", from.display(), partial.display()))?;
    fs::rename(&partial, &goal).with_context(|| format!("cannot rename {} to {}", partial.display(), goal.display()))
}
