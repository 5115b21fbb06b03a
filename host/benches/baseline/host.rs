//! The baseline's host functions: the shortest that return what the sandbox's return.

use std::{collections::BTreeMap, sync::Arc};

use fetchlock::{
    task::Task,
    value::{Value, Variables},
};
use wasmtime::Result;

use self::bindings::fetchlock::handler::{config, log, outcome, task, types, variables};
use super::Call;

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "fetchlock:handler/handler",
        imports: {
            "fetchlock:handler/variables.load": async | trappable,
            "fetchlock:handler/variables.set-progress": async | trappable,
            "fetchlock:handler/outcome.complete": async | trappable,
            "fetchlock:handler/outcome.fail": async | trappable,
            "fetchlock:handler/outcome.bpmn-error": async | trappable,
            "fetchlock:handler/outcome.unlock": async | trappable,
            "fetchlock:handler/outcome.hand-off": async | trappable,
            "fetchlock:handler/outcome.extend-lock": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// What a call is given; in the contract's own types, so that nothing has to be converted.
pub(crate) struct Given {
    pub(crate) task: task::Context,
    pub(crate) variables: BTreeMap<String, types::Value>,
    pub(crate) config: Arc<BTreeMap<String, String>>,
}

impl Given {
    /// # Panics
    /// For types of values that the example does not read.
    pub(crate) fn new(task: &Task, variables: &Variables, config: Arc<BTreeMap<String, String>>) -> Self {
        let value = |value: &Value| match value {
            Value::Double(it) => types::Value::Double(*it),
            Value::String(it) => types::Value::Text(it.clone()),
            Value::Json(it) => types::Value::Json(it.clone()),
            other => unimplemented!("a value of type {}", other.type_name()),
        };
        let variables = variables.iter().map(|(name, variable)| (name.clone(), value(&variable.value))).collect();
        Self { task: context(task), variables, config }
    }
}

fn context(task: &Task) -> task::Context {
    let task = task.clone();
    task::Context {
        id: task.id.to_string(),
        topic: task.topic.to_string(),
        business_key: task.business_key,
        activity_id: task.activity_id,
        activity_instance_id: task.activity_instance_id,
        execution_id: task.execution_id,
        process_instance_id: task.process_instance_id,
        process_definition_id: task.process_definition_id,
        process_definition_key: task.process_definition_key,
        process_definition_version_tag: task.process_definition_version_tag,
        tenant_id: task.tenant_id,
        retries: task.retries,
        priority: task.priority,
        create_time: task.create_time.map(|date| types::Date { unix_millis: date.unix_millis(), offset_minutes: 60 }),
        extension_properties: task.extension_properties.into_iter().collect(),
        worker_id: task.worker_id.to_string(),
        error_message: task.error_message,
        error_details: task.error_details,
    }
}

impl types::Host for Call {}

impl variables::Host for Call {
    fn get(&mut self, name: String) -> Result<Option<types::Value>> {
        Ok(self.given.variables.get(&name).cloned())
    }

    fn get_many(&mut self, names: Vec<String>) -> Result<Vec<Option<types::Value>>> {
        Ok(names.iter().map(|name| self.given.variables.get(name).cloned()).collect())
    }

    fn type_name(&mut self, _: String) -> Result<Option<String>> {
        Err(not_measured())
    }

    fn names(&mut self) -> Result<Vec<String>> {
        Ok(self.given.variables.keys().cloned().collect())
    }

    async fn load(&mut self, _: String) -> Result<Result<Vec<u8>, variables::LoadError>> {
        Err(not_measured())
    }

    async fn set_progress(
        &mut self,
        _: Vec<types::Variable>,
        _: variables::Scope,
    ) -> Result<Result<(), variables::SetError>> {
        Err(not_measured())
    }
}

impl task::Host for Call {
    fn get(&mut self) -> Result<task::Context> {
        Ok(self.given.task.clone())
    }
}

type Decided = Result<Result<(), outcome::DecisionError>>;

impl outcome::Host for Call {
    async fn complete(&mut self, variables: Vec<types::Variable>, local_variables: Vec<types::Variable>) -> Decided {
        std::hint::black_box((variables, local_variables));
        Ok(Ok(()))
    }

    async fn fail(&mut self, _: outcome::Failure) -> Decided {
        Err(not_measured())
    }

    async fn bpmn_error(&mut self, _: String, _: Option<String>, _: Vec<types::Variable>) -> Decided {
        Err(not_measured())
    }

    async fn unlock(&mut self, _: u64) -> Decided {
        Err(not_measured())
    }

    async fn hand_off(&mut self, _: u64) -> Decided {
        Err(not_measured())
    }

    async fn extend_lock(&mut self, _: u64) -> Result<Result<(), outcome::LockError>> {
        Err(not_measured())
    }
}

impl log::Host for Call {
    fn write(&mut self, _: log::Level, message: String, fields: Vec<(String, String)>) -> Result<()> {
        std::hint::black_box((message, fields));
        Ok(())
    }
}

impl config::Host for Call {
    fn get(&mut self, key: String) -> Result<Option<String>> {
        Ok(self.given.config.get(&key).cloned())
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        Ok(self.given.config.keys().cloned().collect())
    }
}

/// A function that the measured handlers do not call: should one of them, the comparison is to fail, not to flatter.
fn not_measured() -> wasmtime::Error {
    wasmtime::Error::msg("the baseline has no such function")
}
