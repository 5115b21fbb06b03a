//! Handler projects in every language: built as their authors build them, by `fetchlock build`, and tested by the
//! language's own tools and by `fetchlock test`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use fetchlock_harness::guests::{guests_dir, target_dir};

use crate::cargo::{build_workspace, root, run};

/// What a project is written in, as far as its preparation differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Go,
    /// JavaScript or TypeScript.
    Node,
    Python,
}

/// A project of this repository.
struct Project {
    folder: &'static str,
    language: Language,
}

/// The examples. They share one plugin directory, `<target>/guests/examples`.
const EXAMPLES: [Project; 5] = [
    Project { folder: "guest-examples/check-payment", language: Language::Rust },
    Project { folder: "guest-examples/check-iban", language: Language::Go },
    Project { folder: "guest-examples/price-order", language: Language::Node },
    Project { folder: "guest-examples/mask-data", language: Language::Node },
    Project { folder: "guest-examples/convert-invoice", language: Language::Python },
];

/// What tests need; they lie among the other guests.
const TEST_GUESTS: [Project; 6] = [
    Project { folder: "tests/guests/echo-rust", language: Language::Rust },
    Project { folder: "tests/guests/echo-go", language: Language::Go },
    Project { folder: "tests/guests/loading-go", language: Language::Go },
    Project { folder: "tests/guests/echo-js", language: Language::Node },
    Project { folder: "tests/guests/echo-ts", language: Language::Node },
    Project { folder: "tests/guests/echo-python", language: Language::Python },
];

/// Builds all of them.
///
/// # Errors
/// A toolchain is missing, or a project does not build.
pub(crate) fn build() -> Result<()> {
    build_workspace()?;
    let examples = examples_dir()?;
    fs::create_dir_all(&examples).with_context(|| format!("cannot create {}", examples.display()))?;
    let projects = EXAMPLES.iter().map(|it| (it, examples.clone()));
    for (project, to) in
        projects.chain(TEST_GUESTS.iter().map(|it| Ok((it, guests_dir()?))).collect::<Result<Vec<_>>>()?)
    {
        project.language.prepare(&root().join(project.folder))?;
        run(fetchlock()?.arg("build").arg(root().join(project.folder)).arg("--to").arg(to))?;
    }
    Ok(())
}

/// Runs the tests of the examples and of the guest libraries: those of their languages, and the cases of the examples.
///
/// # Errors
/// One of them fails.
pub(crate) fn test() -> Result<()> {
    run(in_folder("guest-libraries/go/fetchlock", "go").args(["vet", "./..."]))?;
    run(in_folder("guest-libraries/go/fetchlock", "go").args(["test", "./..."]))?;
    run(in_folder("guest-libraries/js", "node").args(["--test", "tests"]))?;
    run(in_folder("guest-libraries/python", "python3").args(["-m", "unittest", "discover", "-s", "tests", "-t", "."]))?;
    // Go does not see what `fetchlock` reads, and would take the result of the last time.
    run(in_folder("guest-examples/check-iban", "go").args(["test", "-count=1", "./..."]).envs(own_tool()?))?;
    run(in_folder("guest-examples/mask-data", "npm").arg("test"))?;
    run(in_folder("guest-examples/mask-data", "npm").args(["run", "test:component"]).envs(own_tool()?))?;
    run(in_folder("guest-examples/price-order", "npm").args(["run", "types"]))?;
    run(in_folder("guest-examples/price-order", "npm").arg("test"))?;
    run(in_folder("guest-examples/convert-invoice", "python3").args(["-m", "unittest"]).envs(own_tool()?))?;
    run(fetchlock()?.arg("test").arg(examples_dir()?))
}

/// The plugin directory of all examples.
///
/// # Errors
/// The target directory cannot be told.
fn examples_dir() -> Result<PathBuf> {
    Ok(guests_dir()?.join("examples"))
}

impl Language {
    /// Has what the README of a project says to be had once.
    ///
    /// # Errors
    /// A tool is missing, or does not find what the project wants.
    pub(crate) fn prepare(self, project: &Path) -> Result<()> {
        match self {
            Self::Rust | Self::Go => Ok(()),
            Self::Node => {
                // npm writes this file when all packages are there.
                let installed = project.join("node_modules/.package-lock.json");
                if is_newer(&installed, &project.join("package-lock.json"))? {
                    return Ok(());
                }
                run(Command::new("npm").current_dir(project).args(["ci", "--no-audit", "--no-fund"]))
            }
            Self::Python => {
                let (tools, list) = (python_tools()?, project.join("requirements.txt"));
                let installed = tools.join("installed");
                let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
                if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
                    return Ok(());
                }
                run(Command::new("python3").args(["-m", "venv"]).arg(&tools))?;
                run(Command::new(tools.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(&list))?;
                fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))
            }
        }
    }
}

/// Whether a file is there and has been written after another.
fn is_newer(file: &Path, other: &Path) -> Result<bool> {
    let time = |path: &Path| fs::metadata(path).and_then(|it| it.modified());
    let other = time(other).with_context(|| format!("cannot look at {}", other.display()))?;
    Ok(time(file).is_ok_and(|time| time >= other))
}

/// Where the packages for Python projects are, one environment for all.
fn python_tools() -> Result<PathBuf> {
    Ok(target_dir()?.join("projects").join("python-tools"))
}

/// The built `fetchlock`, which finds the tools of Python projects in its `PATH`.
fn fetchlock() -> Result<Command> {
    let mut command = Command::new(target_dir()?.join("debug").join("fetchlock"));
    command.current_dir(root()).envs(own_tool()?);
    Ok(command)
}

/// The environment in which tests of projects find this repository's `fetchlock`, and that finds its tools.
fn own_tool() -> Result<[(&'static str, OsString); 3]> {
    let [path, built] = tools()?;
    Ok([path, built, ("FETCHLOCK", target_dir()?.join("debug/fetchlock").into_os_string())])
}

/// The environment in which `fetchlock` finds the tools of projects that [`Language::prepare`] has had.
///
/// # Errors
/// The target directory cannot be told.
pub(crate) fn tools() -> Result<[(&'static str, OsString); 2]> {
    let target = target_dir()?;
    let path = env::var_os("PATH").unwrap_or_default();
    let own = [target.join("debug"), python_tools()?.join("bin")];
    let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).context("PATH")?;
    // Cargo's builds of projects, apart from that of the host, which would wait for them.
    Ok([("PATH", path), ("CARGO_TARGET_DIR", target.join("guest-build").into_os_string())])
}

/// A test of a project. It finds itself in continuous integration wherever this runs: there, what needs `fetchlock` and
/// does not find it fails, and is not skipped as on its users' machines.
fn in_folder(folder: &str, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root().join(folder)).env("CI", "true");
    command
}
