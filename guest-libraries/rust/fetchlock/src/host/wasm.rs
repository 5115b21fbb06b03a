//! The host's functions, in this library's words.

use std::time::Duration;

use log::Level;

use super::bindings::fetchlock::handler as wit;
use super::convert::{millis, value_of, wit_variables};
use crate::engine::{CorrelateError, Message, ProcessStart, Receiver, StartError, Started};
use crate::running::{LockError, ProgressError};
use crate::variables::LoadError;
use crate::{Task, Value, Variables};

pub(crate) fn get_many(names: &[&str]) -> Vec<Option<Value>> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    wit::variables::get_many(&names).into_iter().map(|value| value.map(value_of)).collect()
}

pub(crate) fn names() -> Vec<String> {
    wit::variables::names()
}

pub(crate) fn type_name(name: &str) -> Option<String> {
    wit::variables::type_name(name)
}

pub(crate) fn load(name: &str) -> Result<Vec<u8>, LoadError> {
    use wit::variables::LoadError as Wit;

    let in_variable = name.to_owned();
    wit::variables::load(name).map_err(|error| match error {
        Wit::Unknown => LoadError::Unknown(in_variable),
        Wit::NotAFile => LoadError::NotAFile(in_variable),
        Wit::Unavailable(why) => LoadError::Unavailable(in_variable, why),
        Wit::TooLarge(limit) => LoadError::TooLarge(in_variable, limit),
    })
}

pub(crate) fn set_progress(variables: Variables, is_local: bool) -> Result<(), ProgressError> {
    use wit::variables::{Scope, SetError as Wit};

    let scope = if is_local { Scope::Local } else { Scope::Process };
    wit::variables::set_progress(&wit_variables(variables), scope).map_err(|error| match error {
        Wit::Invalid(why) => ProgressError::Invalid(why),
        Wit::Gone => ProgressError::Gone,
        Wit::Unavailable(why) => ProgressError::Unavailable(why),
    })
}

pub(crate) fn task() -> Task {
    let task = wit::task::get();
    Task {
        id: task.id,
        topic: task.topic,
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
        create_time: task.create_time.map(Into::into),
        extension_properties: task.extension_properties,
        worker_id: task.worker_id,
        error_message: task.error_message,
        error_details: task.error_details,
    }
}

pub(crate) fn extend_lock(duration: Duration) -> Result<(), LockError> {
    use wit::outcome::LockError as Wit;

    wit::outcome::extend_lock(millis(duration)).map_err(|error| match error {
        Wit::LockLost => LockError::Lost,
        Wit::Invalid(why) => LockError::Invalid(why),
        Wit::Unavailable(why) => LockError::Unavailable(why),
    })
}

pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
    let level = match level {
        Level::Trace => wit::log::Level::Trace,
        Level::Debug => wit::log::Level::Debug,
        Level::Info => wit::log::Level::Info,
        Level::Warn => wit::log::Level::Warn,
        Level::Error => wit::log::Level::Error,
    };
    wit::log::write(level, message, fields);
}

pub(crate) fn config_get(key: &str) -> Option<String> {
    wit::config::get(key)
}

pub(crate) fn config_keys() -> Vec<String> {
    wit::config::keys()
}

pub(crate) fn start_process(start: ProcessStart) -> Result<Started, StartError> {
    use wit::engine::{StartError as Error, Started as Wit};

    let start = wit::engine::ProcessStart {
        key: start.key,
        tenant_id: start.tenant_id,
        business_key: start.business_key,
        variables: wit_variables(start.variables),
        unless_running: start.unless_running,
    };
    match wit::engine::start_process(&start) {
        Ok(Wit::New(id)) => Ok(Started::New(id)),
        Ok(Wit::Running(id)) => Ok(Started::Running(id)),
        Err(Error::Denied(why)) => Err(StartError::Denied(why)),
        Err(Error::Invalid(why)) => Err(StartError::Invalid(why)),
        Err(Error::NoSuchProcess(why)) => Err(StartError::NoSuchProcess(why)),
        Err(Error::Rejected(why)) => Err(StartError::Rejected(why)),
        Err(Error::Unavailable(why)) => Err(StartError::Unavailable(why)),
        Err(Error::Unanswered(why)) => Err(StartError::Unanswered(why)),
    }
}

pub(crate) fn correlate_message(message: Message, to_all: bool) -> Result<Vec<Receiver>, CorrelateError> {
    use wit::engine::{CorrelateError as Error, Receiver as Wit, Receivers};

    let message = wit::engine::Message {
        name: message.name,
        business_key: message.business_key,
        process_instance_id: message.process_instance_id,
        correlation_keys: wit_variables(message.correlation_keys),
        local_correlation_keys: wit_variables(message.local_correlation_keys),
        tenant: message.tenant.into(),
        variables: wit_variables(message.variables),
        local_variables: wit_variables(message.local_variables),
        receivers: if to_all { Receivers::All } else { Receivers::One },
    };
    let receiver = |receiver| match receiver {
        Wit::Waiting(id) => Receiver::Waiting(id),
        Wit::Started(id) => Receiver::Started(id),
    };
    match wit::engine::correlate_message(&message) {
        Ok(receivers) => Ok(receivers.into_iter().map(receiver).collect()),
        Err(Error::Denied(why)) => Err(CorrelateError::Denied(why)),
        Err(Error::Invalid(why)) => Err(CorrelateError::Invalid(why)),
        Err(Error::NoMatch(why)) => Err(CorrelateError::NoMatch(why)),
        Err(Error::Ambiguous(why)) => Err(CorrelateError::Ambiguous(why)),
        Err(Error::Rejected(why)) => Err(CorrelateError::Rejected(why)),
        Err(Error::Unavailable(why)) => Err(CorrelateError::Unavailable(why)),
        Err(Error::Unanswered(why)) => Err(CorrelateError::Unanswered(why)),
    }
}
