//! `[worker]`: how tasks are fetched, run and delivered.

use std::{num::NonZeroUsize, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected},
};

use super::{
    strict::{Layers, Problems},
    written::{self, AtLeastOne, DAY, HOUR, Hundredths, MILLISECOND, MINUTE, SECOND, Span},
};
use crate::{retry::RetryPolicy, task::FetchOrder};

/// More invocations at once would not fit into the address space that their sandboxes reserve.
pub(crate) const MAX_CONCURRENT: u32 = 10_000;

/// The engine answers no faster to more deliveries at once than this, far less.
const MAX_DELIVERIES: u32 = 256;

/// The engine takes longer for a larger batch than its HTTP timeout is likely to be.
const MAX_BATCH: u32 = 10_000;

/// The engine refuses to park a request for longer than this (`ASYNC_RESPONSE_TIMEOUT_MAX`).
const MAX_POLL: u64 = 30 * MINUTE;

/// A task that was fetched ahead for longer than this had better been left to another host.
const MAX_FETCH_AHEAD: u64 = 10 * SECOND;

/// How the host works.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkerSettings {
    /// How many invocations may run at once, over all plugins. Handlers mostly wait for others, so more than there are
    /// processors; the sandbox reserves address space for each.
    #[serde(with = "AtLeastOne::<MAX_CONCURRENT>")]
    pub max_concurrent: NonZeroUsize,
    /// How many outcomes may be on their way to the engine at once. Engines were measured to complete no more tasks per
    /// second with more than 16.
    #[serde(with = "AtLeastOne::<MAX_DELIVERIES>")]
    pub max_deliveries: NonZeroUsize,
    /// How long a fetch may be parked at the engine until a task comes. Engines park for 30 minutes at most, and
    /// proxies often cut what takes a minute.
    #[serde(with = "Span::<SECOND, MAX_POLL>")]
    pub poll: Duration,
    /// How long a task is locked at a time. While it is worked on, the lock is extended at half of this: so this is how
    /// long a task of a lost host waits for another.
    #[serde(with = "Span::<SECOND, DAY>")]
    pub lock_duration: Duration,
    /// How long an invocation may run. What runs longer hangs most likely, and its failure follows the retry policy.
    #[serde(with = "Span::<MILLISECOND, DAY>")]
    pub timeout: Duration,
    /// How often and when a failed task is tried again: `R3/PT5M` for three retries, each five minutes after the
    /// failure, `PT1M,PT5M` for one after a minute and one five minutes after that, or a table for waits that grow:
    /// `{ retries = 5, initial = "10s", factor = 2, max = "1h" }`. With no retries left the engine makes an incident.
    /// The extension property `retry` of a task in the model overrides it, or `RETRY_CONFIG` if there is no `retry`.
    #[serde(serialize_with = "as_text")]
    pub retry: RetryPolicy,
    /// How much measured work may be fetched ahead of a free slot; `0s` for none. A fetch costs the engine much the
    /// same whatever its size, so under load batches are far cheaper; but what waits here is not worked on by other
    /// hosts.
    #[serde(with = "Span::<0, MAX_FETCH_AHEAD>")]
    pub fetch_ahead: Duration,
    /// How many tasks one fetch may ask for. Engines were measured to gain little beyond 200.
    #[serde(with = "AtLeastOne::<MAX_BATCH>")]
    pub max_batch: NonZeroUsize,
    /// In which order tasks are fetched. Where `engine.use-priority` is true, priority comes first and this orders tasks
    /// of equal priority. Sorting makes each fetch dearer.
    pub fetch_order: FetchOrder,
    /// The beginning of the ids under which this host locks tasks, as cockpits and queries show them. Something unique
    /// follows it, for the ids of two hosts must differ: the engine has no other way to tell their locks apart.
    #[serde(deserialize_with = "id_prefix")]
    #[schemars(schema_with = "any_id_prefix", extend("x-absent" = "`fetchlock-` and the machine's name"))]
    pub id_prefix: Option<String>,
    /// How long to wait after an engine's error before the next attempt: each time longer than before, up to a maximum,
    /// with jitter so that hosts do not come back all at once. An empty answer makes nobody wait. A wait ends at once
    /// when another call shows that the engine is back.
    pub backoff: Backoff,
    /// How long, when asked to stop, running invocations may take to finish before they are cancelled and their tasks
    /// given back. What comes after takes up to 9 s more, and Kubernetes kills 30 s after it asked.
    #[serde(with = "Span::<0, HOUR>")]
    pub shutdown_timeout: Duration,
}

/// Waits between attempts to reach the engine.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backoff {
    /// The first wait.
    #[serde(with = "Span::<MIN_BACKOFF, HOUR>")]
    pub initial: Duration,
    /// By what each wait is multiplied to give the next; `1` for waits that do not grow.
    #[serde(with = "Hundredths::<MIN_FACTOR, MAX_FACTOR>")]
    pub factor: f64,
    /// The longest wait, not shorter than the first.
    #[serde(with = "Span::<MIN_BACKOFF, HOUR>")]
    pub max: Duration,
    /// The longest wait for an engine that is there but overloaded, not shorter than the first: one that answers 429 or
    /// 503, or whose fetch queue is full. It works off what it has, so it need not be spared for as long as one that is
    /// away. If it says how long to wait (`Retry-After`), that is done, up to an hour.
    #[serde(with = "Span::<MIN_BACKOFF, HOUR>")]
    pub overload_max: Duration,
    /// The part of each wait that is left to chance: with `0.5` it takes between half of its time and the whole, with
    /// `0` always the whole.
    #[serde(with = "Hundredths::<0, 100>")]
    pub jitter: f64,
}

/// A shorter wait than this would hammer an engine that is down.
const MIN_BACKOFF: u64 = 10 * MILLISECOND;

/// In hundredths. Waits do not become shorter.
const MIN_FACTOR: u32 = 100;

/// In hundredths. A larger factor reaches any maximum with the second wait or the third.
const MAX_FACTOR: u32 = 1_000;

/// The retries of the default policy, as in the engines' own job executor.
const DEFAULT_RETRIES: u32 = 3;

impl Default for WorkerSettings {
    fn default() -> Self {
        let count = |number: usize| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        Self {
            max_concurrent: count(64),
            max_deliveries: count(16),
            poll: Duration::from_secs(30),
            lock_duration: Duration::from_secs(60),
            timeout: Duration::from_secs(5 * 60),
            retry: RetryPolicy::fixed(DEFAULT_RETRIES, Duration::from_secs(5 * 60)),
            fetch_ahead: Duration::from_millis(500),
            max_batch: count(200),
            fetch_order: FetchOrder::default(),
            id_prefix: None,
            backoff: Backoff::default(),
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 2.0,
            max: Duration::from_secs(60),
            overload_max: Duration::from_secs(5),
            jitter: 0.5,
        }
    }
}

/// What does not fit together: no maximum may be shorter than the first wait.
pub(super) fn misfits(backoff: &Backoff, layers: &Layers) -> Problems {
    let maxima = [("max", backoff.max), ("overload-max", backoff.overload_max)];
    let too_short = maxima.into_iter().filter(|(_, wait)| *wait < backoff.initial);
    too_short.fold(Problems::default(), |problems, (key, wait)| {
        let (initial, wait) = (written::friendly(backoff.initial), written::friendly(wait));
        let why = format!("{wait} is shorter than `worker.backoff.initial`, {initial}: raise it or lower that");
        problems.and(layers.misfit(&["worker", "backoff", key], why))
    })
}

/// The longest beginning of a worker id, in characters: the engine's column has 255, and the unique part needs some.
const MAX_ID_PREFIX: usize = 200;

fn wanted_id_prefix() -> String {
    format!("a name of 1 to {MAX_ID_PREFIX} characters without control characters")
}

fn any_id_prefix(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "x-written": wanted_id_prefix() })
}

fn id_prefix<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if written::is_name(&text, MAX_ID_PREFIX) {
        return Ok(Some(text));
    }
    Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted_id_prefix().as_str()))
}

fn as_text<S: Serializer>(policy: &RetryPolicy, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(policy)
}
