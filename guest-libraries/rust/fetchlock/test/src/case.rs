//! One run of a component, as a test sets it up.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::program::{self, TestError};
use crate::{Call, Given, Ran};

/// What a component is given. `run` runs it.
#[derive(Debug, Clone)]
#[must_use = "nothing runs before `run`"]
pub struct Case {
    component: Option<PathBuf>,
    document: Table,
    /// Contents of variables, each for a file of its own beside the case.
    contents: Vec<(String, Vec<u8>)>,
}

impl Case {
    /// A run of the component of this project, which is built first if it is not.
    pub fn of_project() -> Self {
        Self { component: None, document: Table::new(), contents: Vec::new() }
    }

    /// A run of this component, with its manifest if one lies beside it. A relative path begins at the folder of the
    /// crate that is tested.
    pub fn of(component: impl Into<PathBuf>) -> Self {
        Self { component: Some(component.into()), ..Self::of_project() }
    }

    /// With a variable of the task.
    pub fn variable(mut self, name: &str, value: impl Into<Given>) -> Self {
        let Given { mut value, content } = value.into();
        if let Some(content) = content {
            let file = format!("content-{}", self.contents.len());
            value.insert("file".to_owned(), file.clone().into());
            self.contents.push((file, content));
        }
        self.put("variables", name, value.into());
        self
    }

    /// With a setting or secret, over the `[config]` of the manifest.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.put("config", key, value.into());
        self
    }

    /// With a part of the task, under its name in case files: `task("business-key", "b-1")`, `task("retries", 2)`.
    pub fn task(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.put("task", key, value.into());
        self
    }

    /// Foresees a call of the handler, after those that are foreseen already.
    pub fn calls(mut self, call: Call) -> Self {
        let calls = self.document.entry("calls").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(calls) = calls.as_array_mut() {
            calls.push(call.0.into());
        }
        self
    }

    /// With random numbers of another seed.
    pub fn seed(mut self, seed: i64) -> Self {
        self.document.insert("seed".to_owned(), seed.into());
        self
    }

    /// With a clock that begins at another moment: `2026-01-31T12:00:00Z`.
    ///
    /// # Panics
    /// It is none.
    pub fn clock(mut self, moment: &str) -> Self {
        match moment.parse::<toml::value::Datetime>() {
            Ok(moment) => self.document.insert("clock".to_owned(), moment.into()),
            Err(error) => panic!("`{moment}` is no moment for a clock: {error}"),
        };
        self
    }

    /// Runs it.
    ///
    /// # Panics
    /// It could not be run, or the handler called what is not foreseen; the message says what.
    #[track_caller]
    pub fn run(self) -> Ran {
        match self.try_run() {
            Ok(ran) => ran,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// It could not be run, or the handler called what is not foreseen.
    pub fn try_run(self) -> Result<Ran, TestError> {
        let component = match &self.component {
            Some(component) => program::project().join(component),
            None => program::built()?,
        };
        let folder =
            tempfile::tempdir().map_err(|error| TestError::File { path: std::env::temp_dir(), problem: error })?;
        let case = self.lay_out(&component, folder.path())?;
        program::test(&case)
    }

    fn put(&mut self, table: &str, key: &str, value: Value) {
        let entry = self.document.entry(table).or_insert_with(|| Table::new().into());
        if let Some(table) = entry.as_table_mut() {
            table.insert(key.to_owned(), value);
        }
    }

    /// Puts the component, its manifest and the case into a folder, where nothing else is.
    fn lay_out(&self, component: &Path, folder: &Path) -> Result<PathBuf, TestError> {
        let missing = || TestError::NoComponent(component.to_owned());
        let name = component.file_stem().and_then(|name| name.to_str()).ok_or_else(missing)?;
        if !component.is_file() {
            return Err(missing());
        }
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |problem| TestError::File { path, problem }
        };
        let copy = folder.join(format!("{name}.wasm"));
        fs::copy(component, &copy).map_err(failed(component))?;
        let manifest = component.with_extension("toml");
        if manifest.is_file() {
            fs::copy(&manifest, folder.join(format!("{name}.toml"))).map_err(failed(&manifest))?;
        }
        for (file, content) in &self.contents {
            let path = folder.join(file);
            fs::write(&path, content).map_err(failed(&path))?;
        }
        let case = folder.join(format!("{name}.test.case.toml"));
        fs::write(&case, self.document.to_string()).map_err(failed(&case))?;
        Ok(case)
    }
}
