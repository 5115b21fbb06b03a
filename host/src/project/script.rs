//! The scripts of guest libraries that make components. They take seconds, so they run only if something has changed.

use std::{ffi::OsString, fs, path::Path};

use super::{
    BuildError, Project, ToolError, Version,
    build::{Made, OnStep},
    inputs::Inputs,
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
    /// The component of a project, made of these ingredients, the project's own inputs among them: the last one if nothing
    /// has changed.
    pub(super) async fn make(
        self,
        project: &Project,
        workshop: &Workshop,
        inputs: &Inputs,
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
        // Of what has been written meanwhile nobody knows whether the script has read it.
        let is_untouched = Inputs::of(&project.dir).is_ok_and(|now| now.are_untouched_since(inputs));
        Ok(Made { component, of: is_untouched.then_some(ingredients), said })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::project::{Language, unchanged::Recipe};

    /// What is remembered of a component whose script is this one.
    async fn remembered(script: &str) -> Option<Ingredients> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a.py"), "").expect("written");
        let project = Project { dir: dir.path().to_owned(), language: Language::Python, name: "a".into() };
        let workshop = Workshop::of(&project).expect("a workshop");
        let inputs = Inputs::of(&project.dir).expect("read");
        let script = Script {
            interpreter: Tool::new("bash", "bash", "install bash"),
            oldest: Version(1, 0),
            begin: vec!["-c".into(), format!("echo made > $1; {script}").into()],
            flags: Vec::new(),
            step: "making",
        };
        let ingredients = inputs.add_to(Recipe::new("python")).ingredients();
        let on_step: OnStep = Arc::new(|_| Box::new(()));
        let made = script.make(&project, &workshop, &inputs, ingredients, &on_step).await.expect("made");
        assert_eq!(made.component, b"made\n");
        made.of
    }

    #[tokio::test]
    async fn what_a_component_was_made_of_is_remembered_unless_it_was_written_meanwhile() {
        assert!(remembered("true").await.is_some());
        assert!(remembered("touch --date '1 hour' a.py").await.is_none());
    }
}
