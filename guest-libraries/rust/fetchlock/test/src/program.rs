//! The program `fetchlock`, which does the work.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::Ran;

/// Why a component was not run, or not as the test foresees it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// There is no such program.
    #[error("cannot start `{}`: {source}: put fetchlock into PATH, or its path into the variable FETCHLOCK", .program.display())]
    NoProgram {
        /// What was started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no component.
    #[error("{}: there is no such component: build it with `fetchlock build`", .0.display())]
    NoComponent(PathBuf),
    /// A file that the run needs cannot be read or written.
    #[error("{}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        problem: io::Error,
    },
    /// The project does not build; the text is what the build says.
    #[error("`fetchlock build` fails:\n{0}")]
    Build(String),
    /// The component was not run, or called what is not foreseen; the text says it all.
    #[error("{0}")]
    Test(String),
}

/// The folder of the crate that is tested.
pub(crate) fn project() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

/// The component of the project. It is built at the first call in this process, and the others wait for it.
pub(crate) fn built() -> Result<PathBuf, TestError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(component) = &*built {
        return Ok(component.clone());
    }
    let output = run(Command::new(program()).arg("build").arg(project()))?;
    if !output.status.success() {
        return Err(TestError::Build(text_of(&output)));
    }
    let component = component(&project().join("plugin"))?;
    *built = Some(component.clone());
    Ok(component)
}

/// The one component of a folder.
fn component(plugins: &Path) -> Result<PathBuf, TestError> {
    let entries = plugins.read_dir().map_err(|error| TestError::File { path: plugins.to_owned(), problem: error })?;
    let mut files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let component = files.find(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    component.ok_or_else(|| TestError::NoComponent(plugins.join("NAME.wasm")))
}

/// Runs a case that expects nothing, and tells what was seen.
pub(crate) fn test(case: &Path) -> Result<Ran, TestError> {
    // A case without an expectation can only be updated: what was found is written into it, and told.
    let output = run(Command::new(program()).args(["test", "--update", "--json"]).arg(case))?;
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        return Err(TestError::Test(format!("`fetchlock test` fails:\n{}", text_of(&output))));
    };
    let told = &report["cases"][0];
    if told["passed"] == true {
        return Ok(Ran::of(told.clone()));
    }
    let lines = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)).collect()
    };
    let mut problems = [lines(&report["problems"]), lines(&told["problems"])].concat();
    problems.extend(told["diff"].as_str().filter(|diff| !diff.is_empty()).map(str::to_owned));
    let ran = Ran::of(told.clone());
    problems.extend((!ran.outcome.is_empty()).then(|| format!("the handler ended with {ran}")));
    problems.extend(ran.logs.iter().map(|line| format!("the handler said: {line}")));
    Err(TestError::Test(problems.join("\n")))
}

fn program() -> OsString {
    env::var_os("FETCHLOCK").unwrap_or_else(|| "fetchlock".into())
}

fn run(command: &mut Command) -> Result<Output, TestError> {
    command.output().map_err(|source| TestError::NoProgram { program: program().into(), source })
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
