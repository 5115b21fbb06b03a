//! One instance of a guest, called many times, on a host that is nothing but data.

use std::collections::BTreeMap;

use fetchlock_harness::guests::guest;
use wasmtime::{
    Engine, ResourceLimiter, Result, Store,
    component::{Component, HasSelf, Linker},
};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use self::bindings::{
    Handler,
    fetchlock::handler::{config, log, outcome, task, variables},
};

pub(crate) use self::bindings::fetchlock::handler::types;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "fetchlock:handler/handler",
        additional_derives: [Clone, PartialEq],
        imports: { default: trappable },
    });
}

/// What the instance sees, and what it did.
struct Host {
    variables: BTreeMap<String, types::Value>,
    completed: Vec<types::Variable>,
    memory: usize,
    table: ResourceTable,
    wasi: WasiCtx,
}

/// An instance and its store.
pub(crate) struct Warm {
    store: Store<Host>,
    handler: Handler,
}

impl Warm {
    /// # Panics
    /// The guest is not built, or cannot be instantiated.
    pub(crate) fn new(name: &str) -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, guest(name).expect("a built guest")).expect("a component");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("WASI");
        Handler::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Host| host).expect("the contract");
        // What it says when it dies is part of the test's output.
        let wasi = WasiCtx::builder().inherit_stderr().build();
        let (variables, completed, table) = (BTreeMap::new(), Vec::new(), ResourceTable::new());
        let mut store = Store::new(&engine, Host { variables, completed, memory: 0, table, wasi });
        store.limiter(|host| host);
        let handler = Handler::instantiate(&mut store, &component, &linker).expect("an instance");
        Self { store, handler }
    }

    /// Calls the handler with variables, and returns what it completes the task with, sorted by name.
    ///
    /// # Panics
    /// The instance dies, or the handler fails.
    pub(crate) fn call(&mut self, given: &[(&str, types::Value)]) -> Vec<(String, types::Value)> {
        let host = self.store.data_mut();
        host.variables = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        host.completed.clear();
        let handled = self.handler.call_handle(&mut self.store).expect("the instance lives");
        handled.expect("the handler succeeds");
        let completed = std::mem::take(&mut self.store.data_mut().completed);
        let mut completed: Vec<_> = completed.into_iter().map(|it| (it.name, it.value)).collect();
        completed.sort_by(|a, b| a.0.cmp(&b.0));
        completed
    }

    /// Calls the handler with variables, and expects each back under a name that begins with `echo_`.
    ///
    /// # Panics
    /// The instance dies, fails, or returns something else.
    pub(crate) fn echoes(&mut self, given: &[(&str, types::Value)]) {
        let (names, values): (Vec<_>, Vec<_>) = self.call(given).into_iter().unzip();
        let host = self.store.data();
        let expected: Vec<_> = host.variables.keys().map(|name| format!("echo_{name}")).collect();
        assert_eq!(names, expected);
        // Not with `assert_eq`: a large value is no help in a message.
        assert!(values.iter().eq(host.variables.values()), "a value came back changed");
    }

    /// The bytes of memory that the instance has.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().memory
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.memory += desired - current;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for Host {}

impl variables::Host for Host {
    fn get(&mut self, name: String) -> Result<Option<types::Value>> {
        Ok(self.variables.get(&name).cloned())
    }

    fn get_many(&mut self, names: Vec<String>) -> Result<Vec<Option<types::Value>>> {
        Ok(names.iter().map(|name| self.variables.get(name).cloned()).collect())
    }

    fn type_name(&mut self, _: String) -> Result<Option<String>> {
        Err(not_here())
    }

    fn names(&mut self) -> Result<Vec<String>> {
        Ok(self.variables.keys().cloned().collect())
    }

    fn load(&mut self, name: String) -> Result<Result<Vec<u8>, variables::LoadError>> {
        match self.variables.get(&name) {
            Some(types::Value::Bytes(bytes)) => Ok(Ok(bytes.clone())),
            _ => Ok(Err(variables::LoadError::Unknown)),
        }
    }

    fn set_progress(
        &mut self,
        _: Vec<types::Variable>,
        _: variables::Scope,
    ) -> Result<Result<(), variables::SetError>> {
        Err(not_here())
    }
}

impl task::Host for Host {
    fn get(&mut self) -> Result<task::Context> {
        Ok(task::Context {
            id: "task".into(),
            topic: "echo".into(),
            business_key: Some("order 7".into()),
            activity_id: "service".into(),
            activity_instance_id: "service:1".into(),
            execution_id: "execution".into(),
            process_instance_id: "instance".into(),
            process_definition_id: "order:1".into(),
            process_definition_key: "order".into(),
            process_definition_version_tag: None,
            tenant_id: None,
            retries: Some(3),
            priority: 0,
            create_time: Some(types::Date { unix_millis: 0, offset_minutes: 60 }),
            extension_properties: vec![("retry".into(), "R3/PT1M".into())],
            worker_id: "worker".into(),
            error_message: None,
            error_details: None,
        })
    }
}

type Decided = Result<Result<(), outcome::DecisionError>>;

impl outcome::Host for Host {
    fn complete(&mut self, variables: Vec<types::Variable>, _: Vec<types::Variable>) -> Decided {
        self.completed = variables;
        Ok(Ok(()))
    }

    fn fail(&mut self, failure: outcome::Failure) -> Decided {
        Err(wasmtime::Error::msg(format!("the handler reports a failure: {}", failure.message)))
    }

    fn bpmn_error(&mut self, _: String, _: Option<String>, _: Vec<types::Variable>) -> Decided {
        Err(not_here())
    }

    fn unlock(&mut self, _: u64) -> Decided {
        Err(not_here())
    }

    fn hand_off(&mut self, _: u64) -> Decided {
        Err(not_here())
    }

    fn extend_lock(&mut self, _: u64) -> Result<Result<(), outcome::LockError>> {
        Err(not_here())
    }
}

impl log::Host for Host {
    fn write(&mut self, _: log::Level, _: String, _: Vec<(String, String)>) -> Result<()> {
        Ok(())
    }
}

impl config::Host for Host {
    fn get(&mut self, _: String) -> Result<Option<String>> {
        Ok(None)
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A function that the guests of these tests do not call.
fn not_here() -> wasmtime::Error {
    wasmtime::Error::msg("this host has no such function")
}
