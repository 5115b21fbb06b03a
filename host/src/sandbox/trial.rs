//! What an instance without a task is given: in the trial of a new plugin, which is one instance whose handler is not
//! called, so that a component whose start functions trap is found before it is swapped in; and between two tasks.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    engine_calls::EngineCalls,
    http::HttpCalls,
    idle::Reuse,
    invocation::Assignment,
    limits::Limits,
    output::OutputTo,
    port::{Decision, DecisionError, LoadError, LockError, SetError, TaskPort},
    secrets::Secrets,
    surroundings::Surroundings,
};
use crate::{
    task::{Task, TaskId, Topic, WorkerId},
    value::{Scope, Variables},
};

/// What an instance is given that is tried out.
pub(super) fn assignment(
    topic: &Topic,
    version: &str,
    limits: &Limits,
    config: Arc<BTreeMap<String, String>>,
    secrets: Secrets,
) -> Assignment {
    Assignment {
        task: Arc::new(task("(trial)", topic.clone())),
        config,
        version: version.into(),
        limits: limits.clone(),
        secrets,
        ..nothing().clone()
    }
}

/// What an instance is given that has no task.
pub(super) fn nothing() -> &'static Assignment {
    static NOTHING: LazyLock<Assignment> = LazyLock::new(|| Assignment {
        task: Arc::new(task("(none)", Topic::new("(none)"))),
        variables: Arc::default(),
        config: Arc::default(),
        version: "".into(),
        limits: NO_LIMITS,
        port: Arc::new(NoTask),
        engine_calls: EngineCalls::none(),
        http: HttpCalls::none(),
        secrets: Secrets::none(),
        surroundings: Surroundings::real(),
        output: OutputTo::Log,
        reuse: Reuse::NEVER,
    });
    &NOTHING
}

/// For whoever does nothing.
const NO_LIMITS: Limits = Limits {
    timeout: Duration::ZERO,
    cpu_time: Duration::ZERO,
    memory: 0,
    table_elements: 0,
    handles: 0,
    host_calls: 0,
    payload: 0,
    http_requests: 0,
    http_body: 0,
    http_timeout: Duration::ZERO,
    log_lines: 0,
    log_bytes: 0,
};

fn task(id: &str, topic: Topic) -> Task {
    Task {
        id: TaskId::new(id),
        topic,
        worker_id: WorkerId::new(id),
        business_key: None,
        activity_id: String::new(),
        activity_instance_id: String::new(),
        execution_id: String::new(),
        process_instance_id: String::new(),
        process_definition_id: String::new(),
        process_definition_key: String::new(),
        process_definition_version_tag: None,
        tenant_id: None,
        retries: None,
        priority: 0,
        create_time: None,
        extension_properties: BTreeMap::new(),
        error_message: None,
        error_details: None,
    }
}

/// A port behind which there is no task: a component that decides something before its handler is called gets an
/// error.
struct NoTask;

const NO_TASK: &str = "there is no task before the handler is called";

#[async_trait]
impl TaskPort for NoTask {
    async fn decide(&self, _: Decision) -> Result<(), DecisionError> {
        Err(DecisionError::Invalid(NO_TASK.into()))
    }

    async fn extend_lock(&self, _: Duration) -> Result<(), LockError> {
        Err(LockError::Lost)
    }

    async fn set_progress(&self, _: Scope, _: Variables) -> Result<(), SetError> {
        Err(SetError::Invalid(NO_TASK.into()))
    }

    async fn load(&self, _: &str, _: usize) -> Result<Bytes, LoadError> {
        Err(LoadError::Unavailable(NO_TASK.into()))
    }
}
