//! Go: the Go toolchain compiles to a core module for WASI preview 1, which becomes a component here.

use std::{fs, path::Path};

use super::{
    BuildError, Project, Version,
    build::{Made, OnStep},
    componentize::componentize,
    tool::Tool,
    unchanged::{Recipe, WORKSHOP, Workshop},
};

/// The version with which the guest library is known to work.
const OLDEST: Version = Version(1, 26);

const INSTALL: &str =
    "install Go 1.26 or newer from https://go.dev/dl, or with `snap install go --classic` or `brew install go`";

/// What the compiler makes, in the workshop.
const CORE: &str = "core.wasm";

/// Without the commit and the places of this machine, so that the same sources make the same bytes.
const BUILD: [&str; 5] = ["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w"];

/// What is compiled for.
const TARGET: [(&str, &str); 2] = [("GOOS", "wasip1"), ("GOARCH", "wasm")];

/// No other toolchain is downloaded, and no workspace around the project hides where it has the guest library from.
const ALONE: [(&str, &str); 2] = [("GOTOOLCHAIN", "local"), ("GOWORK", "off")];

/// Builds the component. The compiler knows by itself what is unchanged; what it makes tells whether there is more to do.
pub(super) async fn build(project: &Project, workshop: &Workshop, on_step: &OnStep) -> Result<Made, BuildError> {
    let go = Tool::new("go", "go", INSTALL);
    go.at_least(OLDEST, &["version"]).await?;
    let core = workshop.file(CORE);
    let mut command = go.command();
    command.args(BUILD).arg("-o").arg(Path::new(WORKSHOP).join(CORE)).arg(".");
    command.envs(TARGET).envs(ALONE).current_dir(&project.dir);
    let shown = on_step("compiling with go");
    let said = go.run(command).await?;
    drop(shown);
    let core = fs::read(&core).map_err(BuildError::unreadable(&core))?;
    // The project's own, which its bindings were made of; a project without the guest library has none.
    let wit = Some(project.dir.join("fetchlock/wit")).filter(|wit| wit.is_dir());
    let ingredients = Recipe::new("go").with("core", &core).ingredients();
    if let Some(component) = workshop.made_of(&ingredients) {
        return Ok(Made::just(component));
    }
    let _shown = on_step("making the component");
    let component = tokio::task::spawn_blocking(move || componentize(&core, wit.as_deref())).await;
    let component = component.map_err(|panic| BuildError::Internal(panic.to_string()))??;
    Ok(Made { component, of: Some(ingredients), said })
}
