//! No host: in a test on the developer's machine there is nobody to ask.

use std::time::Duration;

use ::http::Uri;

use crate::engine::{CorrelateError, Message, ProcessStart, Receiver, StartError, Started};
use crate::http::{HttpError, Request, Response};
use crate::running::{LockError, ProgressError};
use crate::variables::LoadError;
use crate::{Task, Value, Variables};

/// Says what to do instead.
fn nobody(what: &str) -> ! {
    panic!(
        "{what} asks the Fetchlock host, and outside of a component there is none: give what it answers to the function \
         under test as an argument, or run the component with the crate `fetchlock-test` (or `fetchlock test`)"
    )
}

pub(crate) fn get_many(names: &[&str]) -> Vec<Option<Value>> {
    nobody(&format!("reading the variables {names:?}"))
}

pub(crate) fn names() -> Vec<String> {
    nobody("`variables::names`")
}

pub(crate) fn type_name(_: &str) -> Option<String> {
    nobody("`variables::type_name`")
}

pub(crate) fn load(name: &str) -> Result<Vec<u8>, LoadError> {
    nobody(&format!("loading the file `{name}`"))
}

pub(crate) fn set_progress(_: Variables, _: bool) -> Result<(), ProgressError> {
    nobody("`set_progress`")
}

pub(crate) fn task() -> Task {
    nobody("`Task::current`")
}

pub(crate) fn extend_lock(_: Duration) -> Result<(), LockError> {
    nobody("`extend_lock`")
}

pub(crate) fn config_get(key: &str) -> Option<String> {
    nobody(&format!("reading the setting `{key}`"))
}

pub(crate) fn config_keys() -> Vec<String> {
    nobody("`config::keys`")
}

pub(crate) fn start_process(_: ProcessStart) -> Result<Started, StartError> {
    nobody("`ProcessStart::start`")
}

pub(crate) fn correlate_message(_: Message, _: bool) -> Result<Vec<Receiver>, CorrelateError> {
    nobody("`Message::correlate`")
}

pub(crate) fn http(request: Request, _: &Uri) -> Result<Response, HttpError> {
    nobody(&format!("{} {}", request.method, request.uri))
}
