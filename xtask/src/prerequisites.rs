//! What a chore needs of the machine. Rust's own parts are installed by rustup if they are missing; of everything else
//! all that is missing is named at once, with how to install it.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use fetchlock_harness::java;

use crate::cargo::{cargo, root, run};

/// The target that guests are compiled for.
pub(crate) const GUEST_TARGET: &str = "wasm32-wasip2";

/// One thing that is needed: looks for it, and tells what is missing.
pub(crate) type Prerequisite = fn() -> Vec<String>;

/// The guests' compilation target, and a C compiler as the linker of the host.
pub(crate) const RUST: Prerequisite = || [guest_target(), c_compiler()].into_iter().flatten().collect();

/// rustfmt and clippy.
pub(crate) const LINTERS: Prerequisite =
    || [component("rustfmt", "fmt"), component("clippy", "clippy")].into_iter().flatten().collect();

/// What the real engine needs.
pub(crate) const ENGINE: Prerequisite = java::missing;

/// The toolchains of the other languages in which handlers are written, and what the lines of the README need.
pub(crate) const LANGUAGES: Prerequisite = || {
    let tool = |program: &str, argument: &str, what: &str| {
        (!succeeds(Command::new(program).arg(argument))).then(|| format!("{what} (`{program}` was not found)"))
    };
    [
        tool("go", "version", "Go 1.26 or newer: `apt install golang`, or https://go.dev/dl"),
        tool("npm", "--version", "Node.js 20 or newer with npm: `apt install nodejs npm`, or https://nodejs.org"),
        tool("python3", "--version", "Python 3.10 or newer: `apt install python3 python3-venv`"),
        tool("unshare", "--version", "unshare: `apt install util-linux`"),
        tool("curl", "--version", "curl: `apt install curl`"),
    ]
    .into_iter()
    .flatten()
    .collect()
};

/// Makes sure that everything is there.
///
/// # Errors
/// Something is missing and cannot be installed; the text lists all of it.
pub(crate) fn ensure(prerequisites: &[Prerequisite]) -> Result<()> {
    let missing: Vec<String> = prerequisites.iter().flat_map(|look| look()).collect();
    if !missing.is_empty() {
        bail!("this machine lacks:\n  - {}", missing.join("\n  - "));
    }
    Ok(())
}

fn guest_target() -> Option<String> {
    if has_guest_target().unwrap_or(false) {
        return None;
    }
    // At the top of the repository, rustup takes the toolchain that rust-toolchain.toml pins.
    install(&["target", "add", GUEST_TARGET]).err().map(|error| {
        format!(
            "Rust's target {GUEST_TARGET}: install rustup (https://rustup.rs), which brings it by itself ({error:#})"
        )
    })
}

/// Whether the standard library of the guests' target lies where the compiler looks for it.
fn has_guest_target() -> Result<bool> {
    let mut rustc = Command::new("rustc");
    let output = rustc.args(["--print", "sysroot"]).current_dir(root()).output();
    let output = output.context("asking for the compiler's directory")?;
    let sysroot = String::from_utf8(output.stdout).context("the compiler's directory")?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(GUEST_TARGET).join("lib").is_dir())
}

fn component(name: &str, subcommand: &str) -> Option<String> {
    if succeeds(&mut cargo(&[subcommand, "--version"])) {
        return None;
    }
    install(&["component", "add", name]).err().map(|error| {
        format!("Rust's component {name}: install rustup (https://rustup.rs), which brings it by itself ({error:#})")
    })
}

fn install(arguments: &[&str]) -> Result<()> {
    run(Command::new("rustup").args(arguments).current_dir(root()))
}

fn c_compiler() -> Option<String> {
    let compiler = env::var("CC").ok().filter(|set| !set.is_empty()).unwrap_or_else(|| "cc".to_owned());
    // CC may hold arguments too.
    let mut words = compiler.split_whitespace();
    let found = words.next().is_some_and(|program| succeeds(Command::new(program).args(words).arg("--version")));
    (!found).then(|| {
        format!(
            "a C compiler (`{compiler}` was not found): `apt install gcc libc6-dev` on Debian and Ubuntu, \
             `xcode-select --install` on macOS"
        )
    })
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
