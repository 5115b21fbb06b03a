//! What the reader of one language has in the `PATH`: all that the machine has, but for the programs of other languages'
//! toolchains and of WebAssembly's. So a line that needs one of them fails as it would for its reader.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::{env, fs, io};

use anyhow::{Context, Result, ensure};

/// A language's programs, by the beginnings of their names: `python` is `python3.13`, too.
struct Toolchain {
    languages: &'static [&'static str],
    programs: &'static [&'static str],
}

/// The compiler of C is Rust's: it links what runs at a build. No other needs one.
const TOOLCHAINS: [Toolchain; 4] = [
    Toolchain {
        languages: &["Rust"],
        programs: &["cargo", "rust", "cc", "gcc", "c++", "g++", "clang", "x86_64-linux-gnu-"],
    },
    Toolchain { languages: &["Go"], programs: &["go", "tinygo"] },
    Toolchain {
        languages: &["JavaScript", "TypeScript"],
        programs: &["node", "npm", "npx", "corepack", "pnpm", "yarn"],
    },
    Toolchain { languages: &["Python"], programs: &["python", "pip", "pyenv", "uv", "virtualenv"] },
];

/// What people have who know how components are made, and others have not.
const OF_WEBASSEMBLY: [&str; 5] = ["wasm", "wit-bindgen", "jco", "componentize-", "wkg"];

/// Fills a directory with links to the programs that the reader of a language has.
///
/// # Errors
/// The file system.
pub(super) fn link(language: &str, directory: &Path) -> Result<()> {
    let others: Vec<&str> = (TOOLCHAINS.iter().filter(|toolchain| !toolchain.languages.contains(&language)))
        .flat_map(|toolchain| toolchain.programs)
        .chain(&OF_WEBASSEMBLY)
        .copied()
        .collect();
    let is_another_languages = |name: &OsString| others.iter().any(|other| name.to_string_lossy().starts_with(other));
    fs::create_dir(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let (mut linked, mut hidden) = (BTreeSet::new(), 0);
    for place in env::split_paths(&env::var_os("PATH").context("PATH")?) {
        // One that does not exist is nothing unusual in a PATH.
        let entries = fs::read_dir(&place).map(|entries| entries.collect::<io::Result<Vec<_>>>());
        for name in entries.into_iter().flatten().flatten().map(|entry| entry.file_name()) {
            if is_another_languages(&name) {
                hidden += 1;
            } else if !linked.contains(&name) {
                // The first in the PATH is the one that is run.
                symlink(place.join(&name), directory.join(&name)).with_context(|| format!("{}", name.display()))?;
                linked.insert(name);
            }
        }
    }
    ensure!(hidden > 0, "{language}: no other toolchain is here, so nothing shows that none is needed");
    Ok(())
}
