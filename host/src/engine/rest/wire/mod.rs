//! The JSON of the REST contract: what is sent, what comes back, and the engine's typed values both ways.

mod decode;
mod encode;
mod operation;
mod query;
mod request;
mod response;
mod work;

#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod variable_tests;

pub(super) use operation::{
    batch, batch_progress, count, exception_messages, listed_task, listed_tasks, priority, retries, retries_of,
    variable_types,
};
pub(super) use query::task_query;
pub(super) use request::{bpmn_error, complete, extend_lock, failure, fetch, lock, modifications, unlock};
pub(super) use response::{locked_tasks, task_summaries};
pub(super) use work::{first_instance, instance, message, process_start, receivers, running_instance};

/// The format of an object that is null and knows none: without any, the engine answers 500, for it finds no
/// serialiser, and Java's own format is prohibited unless the operator allows it (Operaton 1.0.3).
const NULL_OBJECT_FORMAT: &str = "application/json";
