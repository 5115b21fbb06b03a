//! Tasks with which handlers are called, as the worker would hand them to the sandbox: an order that the Rust example
//! charges, and an amount that the handler of a new project approves.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use bytesize::ByteSize;
use fetchlock::{
    sandbox::{
        Assignment, Decision, DecisionError, Ending, EngineCalls, Handler, HttpCalls, Limits, LoadError, LockError,
        OutputTo, Reuse, Sandbox, Secrets, SetError, Surroundings, TaskPort,
    },
    settings,
    task::{Task, TaskId, Topic, WorkerId},
    value::{Scope, Value, Variable, Variables},
};
use tokio_util::sync::CancellationToken;

use crate::baseline::Given;

/// The default of `worker.max-concurrent`.
pub(crate) const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("positive");

/// The default of `worker.timeout`.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// As long as a version in the host's log.
const VERSION: &str = "0123456789ab";

/// The bytes of the example's component.
pub(crate) fn component() -> Vec<u8> {
    let path = fetchlock_harness::guests::guest("check-payment").expect("guests are built");
    std::fs::read(path).expect("the component")
}

/// What a handler is called with.
pub(crate) struct Example {
    task: Arc<Task>,
    variables: Arc<Variables>,
    config: Arc<BTreeMap<String, String>>,
    limits: Limits,
    given: Arc<Given>,
    version: Arc<str>,
    port: Arc<Accepts>,
    cancel: CancellationToken,
    /// One of the variables with which the task is completed.
    completed: (&'static str, Value),
}

impl Example {
    /// What the handler of a new project approves, in any language.
    pub(crate) fn small_amount() -> Self {
        let variables = [("amount", Value::Double(60.0)), ("customer", Value::String("Ada".into()))];
        Self::new(variables, [("limit", "1000")], ("approved", Value::Boolean(true)))
    }

    /// What the Rust example charges.
    pub(crate) fn paid_order() -> Self {
        let order = r#"{"items":[{"sku":"book","quantity":2,"price":25.0},{"sku":"pen","quantity":1,"price":10.0}]}"#;
        let variables = [
            ("amount", Value::Double(60.0)),
            ("currency", Value::String("EUR".into())),
            ("card", Value::String("4111 1111 1111 1111".into())),
            ("order", Value::Json(order.into())),
        ];
        let config = [("limit", "10000"), ("default-currency", "EUR")];
        Self::new(variables, config, ("charged", Value::Double(60.0)))
    }

    fn new<const V: usize, const C: usize>(
        variables: [(&str, Value); V],
        config: [(&str, &str); C],
        completed: (&'static str, Value),
    ) -> Self {
        let variables: Variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), Variable::from(value))).collect();
        let config: BTreeMap<_, _> = config.map(|(key, value)| (key.into(), value.into())).into();
        let (task, config) = (task(), Arc::new(config));
        let given = Given::new(&task, &variables, config.clone());
        Self {
            task: Arc::new(task),
            variables: Arc::new(variables),
            config,
            limits: default_limits(),
            given: Arc::new(given),
            version: VERSION.into(),
            port: Arc::new(Accepts(Mutex::new(None))),
            cancel: CancellationToken::new(),
            completed,
        }
    }

    /// What an invocation may use: the host's defaults.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same for the baseline.
    pub(crate) fn given(&self) -> Arc<Given> {
        self.given.clone()
    }

    fn assignment(&self) -> Assignment {
        Assignment {
            task: self.task.clone(),
            variables: self.variables.clone(),
            config: self.config.clone(),
            version: self.version.clone(),
            limits: self.limits.clone(),
            port: self.port.clone(),
            engine_calls: EngineCalls::none(),
            http: HttpCalls::none(),
            secrets: Secrets::none(),
            surroundings: Surroundings::real(),
            output: OutputTo::Log,
            reuse: Reuse::NEVER,
        }
    }

    /// One invocation.
    pub(crate) fn call(&self, sandbox: &Sandbox, handler: &Handler) -> impl Future<Output = ()> + Send + use<> {
        invoked(sandbox, handler, self.assignment(), &self.cancel)
    }

    /// One invocation in the instance of the one before.
    pub(crate) fn call_again(&self, sandbox: &Sandbox, handler: &Handler) -> impl Future<Output = ()> + Send + use<> {
        let reuse = Reuse::up_to(NonZeroUsize::MAX);
        invoked(sandbox, handler, Assignment { reuse, ..self.assignment() }, &self.cancel)
    }

    /// One instance, without a call.
    pub(crate) async fn instantiate(&self, sandbox: &Sandbox, handler: &Handler) {
        let made =
            sandbox.try_out(handler, &self.task.topic, VERSION, &self.limits, &self.config, &Secrets::none()).await;
        made.expect("an instance");
    }

    /// Sees that an invocation completes the task: a handler that fails early would make a fine benchmark.
    pub(crate) async fn check(&self, sandbox: &Sandbox, handler: &Handler) {
        self.call(sandbox, handler).await;
        let decided = self.port.0.lock().expect("unpoisoned").take();
        let Some(Decision::Complete { variables, .. }) = decided else { panic!("not completed: {decided:?}") };
        let (name, value) = &self.completed;
        assert_eq!(&variables[*name].value, value);
    }
}

fn invoked(
    sandbox: &Sandbox,
    handler: &Handler,
    assignment: Assignment,
    cancel: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let invocation = sandbox.invoke(handler, assignment, cancel.clone());
    async {
        let (ending, _) = invocation.await;
        assert_eq!(ending, Ending::Returned(Ok(())));
    }
}

fn default_limits() -> Limits {
    let defaults = settings::Limits::default();
    let size = |size: ByteSize| usize::try_from(size.as_u64()).expect("fits");
    Limits {
        timeout: TIMEOUT,
        cpu_time: defaults.cpu_time,
        memory: size(defaults.memory),
        table_elements: defaults.table_elements as usize,
        handles: defaults.handles as usize,
        host_calls: defaults.host_calls.into(),
        payload: size(defaults.payload),
        http_requests: defaults.http_requests.into(),
        http_body: defaults.http_body.as_u64() as usize,
        http_timeout: defaults.http_timeout,
        log_lines: defaults.log_lines as usize,
        log_bytes: size(defaults.log_bytes),
    }
}

/// A port that takes every decision, and keeps the last.
struct Accepts(Mutex<Option<Decision>>);

#[async_trait]
impl TaskPort for Accepts {
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError> {
        *self.0.lock().expect("unpoisoned") = Some(decision);
        Ok(())
    }

    async fn extend_lock(&self, _: Duration) -> Result<(), LockError> {
        Err(LockError::Lost)
    }

    async fn set_progress(&self, _: Scope, _: Variables) -> Result<(), SetError> {
        Err(SetError::Gone)
    }

    async fn load(&self, _: &str, _: usize) -> Result<Bytes, LoadError> {
        Err(LoadError::Unknown)
    }
}

/// A task with texts of the lengths that engines give them.
fn task() -> Task {
    let id = |name: &str| format!("{name}-8f1c2d3e-9a4b-11f0-8c5d-0242ac1200");
    Task {
        id: TaskId::new(id("ta")),
        topic: Topic::new("check-payment"),
        worker_id: WorkerId::new(id("fetchlock")),
        business_key: Some("order-4711".into()),
        activity_id: "check-payment".into(),
        activity_instance_id: id("check-payment"),
        execution_id: id("ex"),
        process_instance_id: id("pi"),
        process_definition_id: id("order:1"),
        process_definition_key: "order".into(),
        process_definition_version_tag: None,
        tenant_id: None,
        retries: None,
        priority: 0,
        create_time: Some("2026-11-21T11:11:12.345+0100".parse().expect("a date")),
        extension_properties: BTreeMap::new(),
        error_message: None,
        error_details: None,
    }
}
