//! Rust: cargo makes the component, and finds out by itself what is unchanged.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;

use super::{BuildError, Project, ToolError, tool::Tool};

/// The target whose compiled crates are components.
const TARGET: &str = "wasm32-wasip2";

const INSTALL_RUST: &str = "install Rust with rustup: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";

const INSTALL_TARGET: &str = "rustup target add wasm32-wasip2";

/// A line of cargo's, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Builds the component. What cargo says goes to the user as it comes, with its own progress.
pub(super) async fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    check_target(project).await?;
    let cargo = Tool::new("cargo", "cargo", INSTALL_RUST);
    let mut command = cargo.command();
    command.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    // Standard error is inherited, whatever becomes of standard output.
    command.current_dir(&project.dir);
    let printed = cargo.print(command).await?;
    let component = component_of(&printed, &project.dir)?;
    fs::read(&component).map_err(BuildError::unreadable(&component))
}

/// Without the target's standard library the compiler fails at the first crate, which may not be the project's own.
async fn check_target(project: &Project) -> Result<(), BuildError> {
    let rustc = Tool::new("rustc", "rustc", INSTALL_RUST);
    let mut command = rustc.command();
    command.args(["--print", "target-libdir", "--target", TARGET]).current_dir(&project.dir).stderr(Stdio::null());
    let libraries = match rustc.print(command).await {
        // One that does not know the target says so itself when it compiles.
        Err(ToolError::Failed { .. }) => return Ok(()),
        printed => printed?,
    };
    if Path::new(String::from_utf8_lossy(&libraries).trim()).is_dir() {
        return Ok(());
    }
    let what = format!("the Rust target {TARGET} is not installed");
    Err(ToolError::Incomplete { what, install: INSTALL_TARGET }.into())
}

/// The component among what cargo has made: that of the project's own package, if a workspace has others.
fn component_of(printed: &[u8], dir: &Path) -> Result<PathBuf, BuildError> {
    let lines = printed.split(|byte| *byte == b'\n');
    let made = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let made = made.filter(|message| message.reason == "compiler-artifact");
    let mut components = Vec::new();
    for message in made {
        let is_library = message.target.is_some_and(|it| it.crate_types.iter().any(|kind| kind == "cdylib"));
        let file = message.filenames.into_iter().find(|file| file.extension().is_some_and(|it| it == "wasm"));
        components.extend(file.map(|file| (message.manifest_path, is_library, file)));
    }
    let own = dir.join("Cargo.toml").canonicalize().unwrap_or_default();
    if components.iter().any(|(manifest, ..)| *manifest == own) {
        components.retain(|(manifest, ..)| *manifest == own);
    }
    // A program is no handler, and may lie beside one.
    if components.iter().any(|(_, is_library, _)| *is_library) {
        components.retain(|(_, is_library, _)| *is_library);
    }
    let found: Vec<String> = components.iter().map(|(.., file)| file.display().to_string()).collect();
    match components.len() {
        1 => Ok(components.remove(0).2),
        _ => Err(BuildError::NotOneComponent { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefact(package: &str, kind: &str, file: &str) -> String {
        serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": format!("{package}/Cargo.toml"),
            "target": { "name": "x", "kind": [kind], "crate_types": [kind] },
            "filenames": [file],
        })
        .to_string()
    }

    fn found(lines: &[String]) -> Result<PathBuf, String> {
        component_of(lines.join("\n").as_bytes(), Path::new("/p")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_component_is_the_one_library_that_cargo_has_made() {
        let other = r#"{"reason":"build-finished","success":true}"#.to_owned();
        let dependency = artefact("/d", "lib", "/t/libd.rlib");
        let (handler, program) = (artefact("/p", "cdylib", "/t/p.wasm"), artefact("/p", "bin", "/t/q.wasm"));
        assert_eq!(found(&[dependency.clone(), program.clone(), handler, other.clone()]), Ok("/t/p.wasm".into()));
        assert_eq!(found(&[program]), Ok("/t/q.wasm".into()));
        insta::assert_snapshot!(found(&[dependency, other]).expect_err("none"), @r#"cargo has made no component: expected one component, of a package with `crate-type = ["cdylib"]`; in a workspace name the folder of the package"#);
        let two = [artefact("/a", "cdylib", "/t/a.wasm"), artefact("/b", "cdylib", "/t/b.wasm")];
        insta::assert_snapshot!(found(&two).expect_err("two"), @r#"cargo has made /t/a.wasm, /t/b.wasm: expected one component, of a package with `crate-type = ["cdylib"]`; in a workspace name the folder of the package"#);
    }
}
