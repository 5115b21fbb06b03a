//! The scripts of guest libraries that make components. They take seconds, so they run only if something has changed.

use std::{ffi::OsString, fs, path::Path};

use super::{
    BuildError, Project, ToolError, Version,
    build::{Made, OnStep},
    tool::Tool,
    unchanged::{Ingredients, WORKSHOP, Workshop},
};

/// What a script makes, in the workshop.
const MADE: &str = "made.wasm";

/// A script, and what runs it.
pub(super) struct Script<'a> {
    pub(super) interpreter: Tool,
    /// The first version of the interpreter that will do.
    pub(super) oldest: Version,
    /// What the interpreter is told before the script's own arguments: the script.
    pub(super) begin: Vec<OsString>,
    /// What the script is told beside where to put the component.
    pub(super) flags: Vec<&'a str>,
    /// What it does, for whoever waits.
    pub(super) step: &'static str,
}

impl Script<'_> {
    /// The component of a project, made of these ingredients: the last one if nothing has changed.
    pub(super) async fn make(
        self,
        project: &Project,
        workshop: &Workshop,
        ingredients: Ingredients,
        on_step: &OnStep,
    ) -> Result<Made, BuildError> {
        if let Some(component) = workshop.made_of(&ingredients) {
            return Ok(Made::just(component));
        }
        self.interpreter.at_least(self.oldest, &["--version"]).await?;
        let mut command = self.interpreter.command();
        command.args(self.begin).arg("--out").arg(Path::new(WORKSHOP).join(MADE)).args(self.flags);
        command.current_dir(&project.dir);
        let _shown = on_step(self.step);
        let said = self.interpreter.run(command).await.map_err(ToolError::of_script)?;
        let made = workshop.file(MADE);
        let component = fs::read(&made).map_err(BuildError::unreadable(&made))?;
        Ok(Made { component, of: Some(ingredients), said })
    }
}
