//! Lists the guest libraries, the templates and the WIT as files that the binary has in it.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What is embedded, each with the name of the list that is made of it.
const TREES: [(&str, &str); 2] = [("GUEST_LIBRARIES", "guest-libraries"), ("WIT", "wit")];

/// Folders that builds and package managers leave behind. None of their files belongs into a new project.
const LEFT_BEHIND: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name));
    let repository = variable("CARGO_MANIFEST_DIR")?.join("..");
    let mut list = fs::File::create(variable("OUT_DIR")?.join("embedded.rs"))?;
    println!("cargo:rerun-if-changed=build.rs");
    for (name, folder) in TREES {
        let root = repository.join(folder);
        // Before a guest library is there, nothing of it is embedded.
        println!("cargo:rerun-if-changed={}", root.display());
        let mut files = Vec::new();
        if root.is_dir() {
            collect(&root, &mut files)?;
        }
        files.sort();
        writeln!(list, "pub(super) static {name}: &[(&str, &[u8])] = &[")?;
        for file in files {
            let relative = file.strip_prefix(&root).map_err(io::Error::other)?;
            writeln!(list, "    ({relative:?}, include_bytes!({:?})),", file.canonicalize()?)?;
        }
        writeln!(list, "];")?;
    }
    Ok(())
}

/// The files below a folder. Links are left out: the only ones lead to the WIT, which is embedded once.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        // Hidden folders are caches and environments; hidden files may be a project's.
        let left_behind = name.to_str().is_none_or(|name| LEFT_BEHIND.contains(&name) || name.starts_with('.'));
        if kind.is_dir() && !left_behind {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
