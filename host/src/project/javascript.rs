//! JavaScript and TypeScript: node runs the script of the guest library that checks the types, bundles and makes the
//! component.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::Deserialize;

use super::{
    BuildError, Project, ToolError, Version,
    build::{Made, OnStep},
    inputs::Inputs,
    script::Script,
    tool::Tool,
    unchanged::{Recipe, Workshop},
};
use crate::plugins::Outline;

/// The first version that the packages of the toolchain support.
const OLDEST: Version = Version(20, 0);

const INSTALL: &str = "install Node.js 20 or newer with npm from https://nodejs.org, or with `snap install node --classic` or `brew install node`";

/// The script of the guest library, as npm has put it into its place.
const SCRIPT: &str = "node_modules/fetchlock/build.js";

/// What npm writes when it has installed what the lock file names.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// What the lock file is called.
const LOCK: &str = "package-lock.json";

/// Builds the component.
pub(super) async fn build(
    project: &Project,
    workshop: &Workshop,
    outline: &Outline,
    on_step: &OnStep,
) -> Result<Made, BuildError> {
    let requests_http = outline.requests_http;
    let script = script(project)?;
    let inputs = Inputs::of(&project.dir).map_err(BuildError::unreadable(&project.dir))?;
    let library = script.parent().unwrap_or(&project.dir);
    // The library may lie elsewhere, with a link to it in the project.
    let library = Inputs::of(library).map_err(BuildError::unreadable(library))?;
    let recipe = library.add_to(inputs.add_to(Recipe::new("js")));
    let ingredients = recipe.with("http", [u8::from(requests_http)]).ingredients();
    let script = Script {
        interpreter: Tool::new("node", "node", INSTALL),
        oldest: OLDEST,
        begin: vec![script.into()],
        flags: requests_http.then_some("--http").into_iter().collect(),
        step: "building with componentize-js",
    };
    script.make(project, workshop, &inputs, ingredients, on_step).await
}

/// The script, if npm has installed what the project needs.
fn script(project: &Project) -> Result<PathBuf, BuildError> {
    let locked = fs::read(project.dir.join(LOCK)).ok();
    let install = if locked.is_some() { "run `npm ci` there" } else { "run `npm install` there" };
    let incomplete = |what: &str| {
        let what = format!("{what} in {}", project.dir.display());
        BuildError::from(ToolError::Incomplete { what, install })
    };
    // In a workspace of npm the packages are in a folder above.
    let dir = project.dir.canonicalize().map_err(BuildError::unreadable(&project.dir))?;
    let script = dir.ancestors().map(|folder| folder.join(SCRIPT)).find(|script| script.is_file());
    let script = script.ok_or_else(|| incomplete("the packages from npm are not installed"))?;
    if let (Some(locked), Ok(installed)) = (locked, fs::read(project.dir.join(INSTALLED)))
        && let Some(package) = outdated(&locked, &installed)
    {
        return Err(incomplete(&format!("{package} is not installed as package-lock.json wants it")));
    }
    Ok(script)
}

/// What both of npm's lists say about a package.
#[derive(Debug, Deserialize)]
struct Package {
    version: Option<String>,
    /// One that other systems need.
    #[serde(default)]
    optional: bool,
}

#[derive(Debug, Deserialize)]
struct Packages {
    packages: BTreeMap<String, Package>,
}

/// A package that the lock file names and that is missing or has another version. What cannot be understood may do.
fn outdated(locked: &[u8], installed: &[u8]) -> Option<String> {
    let read = |list| serde_json::from_slice::<Packages>(list).ok().map(|list| list.packages);
    let (locked, installed) = (read(locked)?, read(installed)?);
    let is_outdated = |(path, package): &(String, Package)| {
        let found = installed.get(path).map(|found| &found.version);
        // The folders of the project itself are no packages of npm's.
        path.starts_with("node_modules/") && !package.optional && found != Some(&package.version)
    };
    let (path, _) = locked.into_iter().find(is_outdated)?;
    path.rsplit("node_modules/").next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_missing_or_of_another_version_is_named() {
        let list = |esbuild: &str, more: &str| {
            format!(
                r#"{{"packages": {{"": {{"name": "x"}}, "node_modules/esbuild": {{"version": "{esbuild}"}}{more}}}}}"#
            )
        };
        let optional = r#", "node_modules/@esbuild/other": {"version": "1", "optional": true}"#;
        let scoped = r#", "node_modules/a/node_modules/@x/y": {"version": "1"}"#;
        let link = r#", "fetchlock": {"version": "0.1.0"}, "node_modules/fetchlock": {"link": true}"#;
        let outdated = |locked: &str, installed: &str| outdated(locked.as_bytes(), installed.as_bytes());
        assert_eq!(outdated(&list("1", optional), &list("1", "")), None);
        assert_eq!(outdated(&list("1", link), &list("1", link)), None);
        assert_eq!(outdated(&list("2", ""), &list("1", "")).as_deref(), Some("esbuild"));
        assert_eq!(outdated(&list("1", scoped), &list("1", "")).as_deref(), Some("@x/y"));
        assert_eq!(outdated("no list", &list("1", "")), None);
    }
}
