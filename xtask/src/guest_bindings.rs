//! `cargo xtask guest-bindings`: generates what the Go package calls the host with, from the WIT of this repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use wit_bindgen_core::{Files, wit_parser::Resolve};

use crate::cargo::root;

/// Whether to write.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only tell whether the files are as they would be written
    #[arg(long)]
    check: bool,
}

/// The world that guest libraries are built against.
const WORLD: &str = "handler-with-engine-and-http";

/// Where the Go package has its bindings, and how Go names the place.
const FOLDER: &str = "guest-libraries/go/fetchlock/internal/bindings";
const PACKAGE: &str = "fetchlock/internal/bindings";

/// Imports of the generated code that are elsewhere in our package: upstream's runtime, whose module the Go proxy has no
/// checksum of, is copied into it, and the handler that the export calls is a package written by hand.
const MOVED: [(&str, &str); 2] = [
    ("\"go.bytecodealliance.org/pkg/wit/", "\"fetchlock/internal/wit/"),
    ("\"fetchlock/internal/bindings/export_wit_world\"", "export_wit_world \"fetchlock/internal/entry\""),
];

/// The generated code links in a component only; without it the package's tests run on any machine.
const CONSTRAINT: &str = "//go:build wasm\n\n";

/// Writes the bindings, or compares them.
///
/// # Errors
/// The WIT cannot be read, gofmt is missing, a file cannot be written, or, with `--check`, one differs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = generate()?;
    let folder = root().join(FOLDER);
    let found = read(&folder)?;
    if wanted == found {
        return Ok(());
    }
    let all = wanted.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
    let differing: Vec<_> = all.into_iter().filter(|path| wanted.get(*path) != found.get(*path)).collect();
    if options.check {
        let list = differing.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        bail!("{FOLDER} is not what the WIT says ({list}): run `cargo xtask guest-bindings`");
    }
    for path in differing {
        let file = folder.join(path);
        match wanted.get(path) {
            Some(text) => write(&file, text)?,
            None => fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?,
        }
        println!("{FOLDER}/{}", path.display());
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// The files as they are to be, by their path in the folder.
fn generate() -> Result<BTreeMap<PathBuf, String>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root().join("wit"))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let options = wit_bindgen_go::Opts {
        // It would leave code as it is where gofmt is missing.
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(PACKAGE.to_owned()),
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let mut sources = BTreeMap::new();
    for (name, code) in files.iter() {
        // The others are empty assembler files, which Go needs for functions that are linked by another name. There are
        // none here.
        if name.ends_with(".go") {
            let code = std::str::from_utf8(code).with_context(|| format!("{name} is not UTF-8"))?;
            let code = MOVED.iter().fold(code.to_owned(), |code, (from, to)| code.replace(from, to));
            let formatted = gofmt(&format!("{CONSTRAINT}{code}")).with_context(|| format!("formatting {name}"))?;
            sources.insert(PathBuf::from(name), formatted);
        }
    }
    Ok(sources)
}

fn gofmt(code: &str) -> Result<String> {
    let mut gofmt = Command::new("gofmt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start `gofmt`; it comes with Go: https://go.dev/dl")?;
    let mut input = gofmt.stdin.take().context("gofmt's input")?;
    // gofmt reads all before it writes.
    input.write_all(code.as_bytes()).context("gofmt's input")?;
    drop(input);
    let output = gofmt.wait_with_output().context("gofmt's output")?;
    if !output.status.success() {
        bail!("`gofmt` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).context("gofmt's output")
}

/// The files as they are, by their path in the folder.
fn read(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).with_context(|| format!("cannot read {}", inner.display()))? {
            let path = entry.with_context(|| format!("cannot read {}", inner.display()))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(path.strip_prefix(folder)?.to_path_buf(), text);
            }
        }
    }
    Ok(files)
}
