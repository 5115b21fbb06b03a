//! Python: a script of the guest library runs componentize-py.

mod packages;

use std::{
    env,
    path::{Path, PathBuf},
};

use self::packages::Surroundings;
use super::{
    BuildError, Project, ToolError, Version,
    build::{Made, OnStep},
    inputs::Inputs,
    script::Script,
    tool::Tool,
    unchanged::{Recipe, Workshop},
};
use crate::plugins::Outline;

/// The first version whose syntax the guest library has.
const OLDEST: Version = Version(3, 10);

const INSTALL: &str =
    "install Python 3.10 or newer, with `apt-get install python3 python3-venv` or `brew install python3`";

const INSTALL_LIBRARY: &str = "`fetchlock new` makes a project with it";

/// The script of the guest library.
const SCRIPT: &str = "fetchlock/build.py";

/// The project's own virtual environment.
const ENVIRONMENT: &str = ".venv";

/// Where a virtual environment has its interpreter.
const INTERPRETER: &str = "bin/python";

/// Builds the component.
pub(super) async fn build(
    project: &Project,
    workshop: &Workshop,
    outline: &Outline,
    on_step: &OnStep,
) -> Result<Made, BuildError> {
    if !project.dir.join(SCRIPT).is_file() {
        let what = format!("the guest library is not in {}", project.dir.join("fetchlock").display());
        return Err(ToolError::Incomplete { what, install: INSTALL_LIBRARY }.into());
    }
    let grants = &outline.manifest.grants;
    let requests_engine = !(grants.start_process.is_empty() && grants.correlate_message.is_empty());
    let flags = [requests_engine.then_some("--engine"), outline.requests_http.then_some("--http")];
    let flags: Vec<&str> = flags.into_iter().flatten().collect();
    let inputs = Inputs::of(&project.dir).map_err(BuildError::unreadable(&project.dir))?;
    let recipe = Surroundings::present().add_to(&project.dir, inputs.add_to(Recipe::new("python")));
    let ingredients = recipe.with("flags", flags.concat()).ingredients();
    let script = Script {
        interpreter: Tool::new(interpreter(&project.dir), "python3", INSTALL),
        oldest: OLDEST,
        // Isolated, or the library's modules would hide the standard library's of the same name.
        begin: vec!["-I".into(), SCRIPT.into()],
        flags,
        step: "building with componentize-py",
    };
    script.make(project, workshop, &inputs, ingredients, on_step).await
}

/// The project's own interpreter, that of the environment that is active, or the system's.
fn interpreter(dir: &Path) -> PathBuf {
    // Absolute, for it is started in the project's folder. Its links are not followed: they are what makes the
    // environment.
    let own = std::path::absolute(dir.join(ENVIRONMENT)).ok();
    let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let environments = own.into_iter().chain(active).map(|environment| environment.join(INTERPRETER));
    environments.into_iter().find(|interpreter| interpreter.is_file()).unwrap_or_else(|| "python3".into())
}
