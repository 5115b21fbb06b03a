//! The trial of a new plugin: one instance, whose handler is not called, so that a component whose start functions
//! trap is found before it is swapped in.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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

/// What an instance is given that has no task.
pub(super) fn assignment(
    topic: &Topic,
    version: &str,
    limits: &Limits,
    config: Arc<BTreeMap<String, String>>,
    secrets: Secrets,
) -> Assignment {
    let task = Task {
        id: TaskId::new("(trial)"),
        topic: topic.clone(),
        worker_id: WorkerId::new("(trial)"),
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
    };
    Assignment {
        task: Arc::new(task),
        variables: Arc::default(),
        config,
        version: version.to_owned(),
        limits: limits.clone(),
        port: Arc::new(NoTask),
        engine_calls: EngineCalls::none(),
        http: HttpCalls::none(),
        secrets,
        surroundings: Surroundings::real(),
        output: OutputTo::Log,
        reuse: Reuse::NEVER,
    }
}

/// A port behind which there is no task: a component that decides something before its handler is called gets an
/// error.
pub(super) struct NoTask;

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
