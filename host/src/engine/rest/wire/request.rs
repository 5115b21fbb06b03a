//! The bodies of the requests, each in the engine's own DTO.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use super::{
    encode::{self, Encoded},
    query::WireSorting,
};
use crate::{
    engine::{EngineError, FetchRequest, MAX_POLL, SortKey, SortOrder, Sorting},
    outcome::{Failure, MAX_ERROR_MESSAGE},
    task::{FetchOrder, Plain, Subscription, WorkerId},
    value::Variables,
};

/// The largest number of tasks and of retries: both are Java `int`s.
pub(super) const MAX_INT: u32 = i32::MAX as u32;

/// The longest time sent, a hundred years: the engine adds it to its clock, and must not overflow.
const MAX_MILLIS: u64 = 100 * 365 * 24 * 3_600_000;

/// The shortest lock: the engine answers a zero with 500.
const MIN_LOCK_MILLIS: u64 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fetch<'a> {
    worker_id: &'a str,
    max_tasks: u32,
    use_priority: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sorting: Option<[WireSorting; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    async_response_timeout: Option<u64>,
    topics: Vec<Topic<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Topic<'a> {
    topic_name: &'a str,
    lock_duration: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<&'a [String]>,
    local_variables: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    process_definition_id_in: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    process_definition_key_in: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    process_definition_version_tag: Option<&'a str>,
    /// Plain values without types, unlike variables everywhere else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    process_variables: BTreeMap<&'a str, Bare<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tenant_id_in: &'a [String],
    without_tenant_id: bool,
    /// Here; the DTO has one for all topics, too, which nobody reads. Always asked for: a task's own retry policy is
    /// one of them.
    include_extension_properties: bool,
    /// Needs the classes at the engine, and replaces the value by another one.
    deserialize_values: bool,
}

/// A value from which the engine infers the type.
#[derive(Serialize)]
#[serde(untagged)]
enum Bare<'a> {
    Null,
    Text(&'a str),
    Truth(bool),
    Whole(i64),
    Fraction(f64),
}

impl<'a> From<&'a Plain> for Bare<'a> {
    fn from(plain: &'a Plain) -> Self {
        match plain {
            Plain::Null => Self::Null,
            Plain::Text(text) => Self::Text(text),
            Plain::Truth(truth) => Self::Truth(*truth),
            Plain::Whole(number) => Self::Whole(*number),
            Plain::Fraction(number) => Self::Fraction(*number),
        }
    }
}

impl<'a> From<&'a Subscription> for Topic<'a> {
    fn from(subscription: &'a Subscription) -> Self {
        let filter = &subscription.filter;
        Self {
            topic_name: subscription.topic.as_str(),
            lock_duration: lock_millis(subscription.lock_duration),
            variables: subscription.variables.as_deref(),
            local_variables: subscription.local_variables,
            business_key: filter.business_key.as_deref(),
            process_definition_id: filter.process_definition_id.as_deref(),
            process_definition_id_in: &filter.process_definition_id_in,
            process_definition_key: filter.process_definition_key.as_deref(),
            process_definition_key_in: &filter.process_definition_key_in,
            process_definition_version_tag: filter.process_definition_version_tag.as_deref(),
            process_variables: filter.process_variables.iter().map(|(name, it)| (name.as_str(), it.into())).collect(),
            tenant_id_in: &filter.tenant_id_in,
            without_tenant_id: filter.without_tenant_id,
            include_extension_properties: true,
            deserialize_values: subscription.deserialize_values,
        }
    }
}

/// `FetchExternalTasksExtendedDto`.
///
/// # Errors
/// [`EngineError::Unsendable`] for a topic given twice: the engine would serve the last of them and drop the others
/// without a word.
pub(in super::super) fn fetch(request: &FetchRequest) -> Result<Vec<u8>, EngineError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = request.subscriptions.iter().find(|it| !names.insert(&it.topic)) {
        let message = format!("a fetch asks for each topic once, found `{}` twice", twice.topic);
        return Err(EngineError::Unsendable { message });
    }
    to_json(&Fetch {
        worker_id: request.worker_id.as_str(),
        max_tasks: u32::try_from(request.max_tasks).unwrap_or(MAX_INT).min(MAX_INT),
        use_priority: request.use_priority,
        sorting: sorting(request.order),
        async_response_timeout: (!request.poll.is_zero()).then(|| millis(request.poll.min(MAX_POLL))),
        topics: request.subscriptions.iter().map(Topic::from).collect(),
    })
}

fn sorting(order: FetchOrder) -> Option<[WireSorting; 1]> {
    let order = match order {
        FetchOrder::Unordered => return None,
        FetchOrder::OldestFirst => SortOrder::Ascending,
        FetchOrder::NewestFirst => SortOrder::Descending,
    };
    Some([WireSorting::from(&Sorting { by: SortKey::CreateTime, order })])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complete<'a> {
    worker_id: &'a str,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    variables: Encoded<'a>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    local_variables: Encoded<'a>,
}

/// `CompleteExternalTaskDto`.
///
/// # Errors
/// [`EngineError::Unsendable`] for a variable that the engine's JSON cannot carry; so in all of the following.
pub(in super::super) fn complete(
    worker: &WorkerId,
    variables: &Variables,
    local_variables: &Variables,
) -> Result<Vec<u8>, EngineError> {
    to_json(&Complete {
        worker_id: worker.as_str(),
        variables: encoded(variables)?,
        local_variables: encoded(local_variables)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed<'a> {
    worker_id: &'a str,
    error_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<&'a str>,
    /// Never left out: the engine takes that for 0 and makes an incident.
    retries: u32,
    retry_timeout: u64,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    variables: Encoded<'a>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    local_variables: Encoded<'a>,
}

/// `ExternalTaskFailureDto`.
pub(in super::super) fn failure(worker: &WorkerId, failure: &Failure) -> Result<Vec<u8>, EngineError> {
    // One that was not made by `Failure::new` may be longer than the engine keeps; this way nothing of it is lost.
    let is_long = failure.message.encode_utf16().count() > MAX_ERROR_MESSAGE;
    let shortened = is_long.then(|| Failure::new(&failure.message, failure.details.clone(), 0, Duration::ZERO));
    let texts = shortened.as_ref().unwrap_or(failure);
    to_json(&Failed {
        worker_id: worker.as_str(),
        error_message: &texts.message,
        error_details: texts.details.as_deref(),
        retries: failure.retries.min(MAX_INT),
        retry_timeout: millis(failure.retry_timeout),
        variables: encoded(&failure.variables)?,
        local_variables: encoded(&failure.local_variables)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BpmnError<'a> {
    worker_id: &'a str,
    error_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    variables: Encoded<'a>,
}

/// `ExternalTaskBpmnError`, which has no local variables.
pub(in super::super) fn bpmn_error(
    worker: &WorkerId,
    code: &str,
    message: Option<&str>,
    variables: &Variables,
) -> Result<Vec<u8>, EngineError> {
    to_json(&BpmnError {
        worker_id: worker.as_str(),
        error_code: code,
        error_message: message,
        variables: encoded(variables)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtendLock<'a> {
    worker_id: &'a str,
    new_duration: u64,
}

/// `ExtendLockOnExternalTaskDto`.
pub(in super::super) fn extend_lock(worker: &WorkerId, duration: Duration) -> Result<Vec<u8>, EngineError> {
    to_json(&ExtendLock { worker_id: worker.as_str(), new_duration: lock_millis(duration) })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lock<'a> {
    worker_id: &'a str,
    lock_duration: u64,
}

/// `LockExternalTaskDto`.
pub(in super::super) fn lock(worker: &WorkerId, duration: Duration) -> Result<Vec<u8>, EngineError> {
    to_json(&Lock { worker_id: worker.as_str(), lock_duration: lock_millis(duration) })
}

/// An unlock says nothing; an empty object lets it carry the content type of all the others.
pub(in super::super) fn unlock() -> Vec<u8> {
    b"{}".to_vec()
}

#[derive(Serialize)]
struct Modifications<'a> {
    modifications: Encoded<'a>,
}

/// `PatchVariablesDto`.
pub(in super::super) fn modifications(variables: &Variables) -> Result<Vec<u8>, EngineError> {
    to_json(&Modifications { modifications: encoded(variables)? })
}

pub(super) fn encoded(variables: &Variables) -> Result<Encoded<'_>, EngineError> {
    encode::variables(variables).map_err(|message| EngineError::Unsendable { message })
}

pub(super) fn to_json(body: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(body).map_err(|error| EngineError::Unsendable { message: error.to_string() })
}

fn lock_millis(duration: Duration) -> u64 {
    millis(duration).max(MIN_LOCK_MILLIS)
}

/// Whole milliseconds, rounded up: a retry must not come early, and a wait must not become none.
fn millis(duration: Duration) -> u64 {
    const NANOS: u128 = 1_000_000;
    u64::try_from(duration.as_nanos().div_ceil(NANOS)).unwrap_or(MAX_MILLIS).min(MAX_MILLIS)
}
