//! The variables of a process instance and of an execution while they run: read, set and deleted from outside. The
//! engine checks no lock here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    instance::Instance,
    refusal::Refusal,
    state::State,
    variable::{self, Checked, Given, GivenVariables, Variable, Variables},
};

/// Whose variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// `/process-instance/{id}/variables`: those of the instance; seen from an execution, its own before them.
    Instance,
    /// `/execution/{id}/localVariables`: those of this execution alone.
    Execution,
}

/// The body of a change of several variables.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Changes {
    modifications: GivenVariables,
    deletions: Option<Vec<String>>,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Instance => "process instance",
            Self::Execution => "execution",
        }
    }

    /// The variables that are seen from an id.
    fn seen<'a>(self, instance: &'a Instance, id: &str) -> BTreeMap<&'a String, &'a Variable> {
        let task = &instance.task;
        match (self, id == task.execution_id) {
            (_, false) => instance.variables.iter().collect(),
            (Self::Instance, true) => instance.visible(false).collect(),
            (Self::Execution, true) => task.local.iter().collect(),
        }
    }

    /// The variables among which one of this name is set or deleted.
    fn place<'a>(self, instance: &'a mut Instance, id: &str, name: &str) -> &'a mut Variables {
        let own =
            id == instance.task.execution_id && (self == Self::Execution || instance.task.local.contains_key(name));
        if own { &mut instance.task.local } else { &mut instance.variables }
    }
}

impl State {
    /// All variables of a scope.
    pub(super) fn variables(&self, scope: Scope, id: &str) -> Result<Value, Refusal> {
        let instance = self.running(id).ok_or_else(|| no_execution(id))?;
        let shown = scope.seen(instance, id).into_iter().map(|(name, variable)| (name.clone(), variable.shown()));
        Ok(Value::Object(shown.collect::<Map<_, _>>()))
    }

    /// One variable of a scope.
    pub(super) fn variable(&self, scope: Scope, id: &str, name: &str) -> Result<&Variable, Refusal> {
        let kind = scope.name();
        let unknown = || of_engine(no_execution(id), &format!("Cannot get {kind} variable {name}"));
        let instance = self.running(id).ok_or_else(unknown)?;
        let found = scope.seen(instance, id).into_iter().find(|(found, _)| *found == name);
        let missing = || Refusal::not_there(format!("{kind} variable with name {name} does not exist"));
        found.map(|(_, variable)| variable).ok_or_else(missing)
    }

    /// Sets and deletes variables of a scope.
    pub(super) fn change_variables(&mut self, scope: Scope, id: &str, changes: Changes) -> Result<(), Refusal> {
        let what = format!("Cannot modify variables for {}", scope.name());
        let set = variable::read(changes.modifications).map_err(|refusal| of_value(refusal, &what))?;
        self.set_variables(scope, id, set, &format!("{what} {id}"))?;
        let instance = self.change_running(id).ok_or_else(|| no_execution(id))?;
        for name in changes.deletions.unwrap_or_default() {
            scope.place(instance, id, &name).remove(&name);
        }
        Ok(())
    }

    /// Sets one variable of a scope.
    pub(super) fn put_variable(&mut self, scope: Scope, id: &str, name: &str, given: Given) -> Result<(), Refusal> {
        let what = format!("Cannot put {} variable {name}", scope.name());
        let set = variable::read_one(name, given).map_err(|refusal| of_value(refusal, &what))?;
        self.set_variables(scope, id, set, &what).map_err(|refusal| {
            // Here alone the REST layer takes it for the caller's mistake.
            let status = if refusal.message.ends_with(TOO_LONG) { 400 } else { refusal.status };
            Refusal { status, ..refusal }
        })
    }

    fn set_variables(&mut self, scope: Scope, id: &str, set: Checked, what: &str) -> Result<(), Refusal> {
        let instance = self.change_running(id).ok_or_else(|| of_engine(no_execution(id), what))?;
        let is_kept = |name: &str| scope.seen(instance, id).into_keys().any(|kept| kept == name);
        set.fit(is_kept).map_err(|refusal| of_engine(refusal, what))?;
        for (name, variable) in set.into_kept() {
            scope.place(instance, id, &name).insert(name, variable);
        }
        Ok(())
    }

    /// Sets one variable of a scope to a value that is in order.
    pub(super) fn keep_variable(
        &mut self,
        scope: Scope,
        id: &str,
        name: &str,
        variable: Variable,
    ) -> Result<(), Refusal> {
        let what = format!("Cannot put {} variable {name}", scope.name());
        let instance = self.change_running(id).ok_or_else(|| of_engine(no_execution(id), &what))?;
        scope.place(instance, id, name).insert(name.to_owned(), variable);
        Ok(())
    }

    /// Deletes one variable of a scope; one that is not there is no mistake.
    pub(super) fn delete_variable(&mut self, scope: Scope, id: &str, name: &str) -> Result<(), Refusal> {
        let what = format!("Cannot delete {} variable {name}", scope.name());
        let instance = self.change_running(id).ok_or_else(|| of_engine(no_execution(id), &what))?;
        scope.place(instance, id, name).remove(name);
        Ok(())
    }
}

fn no_execution(id: &str) -> Refusal {
    Refusal::internal("NullValueException", format!("execution {id} doesn't exist: execution is null"))
}

/// What the engine says of a text that is longer than its column, here alone in these words.
const TOO_LONG: &str = "Variable value is too long";

/// What the engine proper refused, as the REST layer wraps it.
fn of_engine(refusal: Refusal, what: &str) -> Refusal {
    if refusal.is_column_too_small() {
        return Refusal::internal("RestException", TOO_LONG).about(what);
    }
    Refusal { kind: "RestException", ..refusal }.about(what)
}

/// A value that the REST layer refuses: a wrong one is the caller's mistake; a broken file passes through all layers.
fn of_value(refusal: Refusal, what: &str) -> Refusal {
    match refusal.status {
        400 => Refusal { kind: "InvalidRequestException", ..refusal }.about(what),
        _ => refusal,
    }
}
