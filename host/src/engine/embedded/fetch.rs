//! fetchAndLock: which tasks a worker gets, and what of them it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    conditions::{equals, like},
    deserialized,
    http::lenient,
    instance::{Instance, Lock, Number, too_long},
    outcomes::after,
    query::{is, is_in},
    refusal::Refusal,
    state::State,
    variable::Variable,
};

/// The longest long poll that the engine accepts, in milliseconds.
const MAX_ASYNC_RESPONSE_TIMEOUT: i64 = 1_800_000;

/// The body of `POST /external-task/fetchAndLock`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Fetch {
    #[serde(deserialize_with = "lenient::text")]
    worker_id: Option<String>,
    #[serde(deserialize_with = "lenient::int")]
    max_tasks: Option<i32>,
    #[serde(deserialize_with = "lenient::boolean")]
    use_priority: Option<bool>,
    #[serde(deserialize_with = "lenient::long")]
    async_response_timeout: Option<i64>,
    sorting: Option<Vec<Option<Sorting>>>,
    topics: Option<Vec<Option<Topic>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sorting {
    sort_by: Option<String>,
    sort_order: Option<String>,
}

/// One topic of a fetch, with its filters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Topic {
    #[serde(deserialize_with = "lenient::text")]
    topic_name: Option<String>,
    #[serde(deserialize_with = "lenient::long")]
    lock_duration: Option<i64>,
    #[serde(deserialize_with = "lenient::texts")]
    variables: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::boolean")]
    local_variables: Option<bool>,
    business_key: Option<String>,
    process_definition_id: Option<String>,
    process_definition_id_in: Option<Vec<String>>,
    process_definition_key: Option<String>,
    process_definition_key_in: Option<Vec<String>>,
    process_definition_version_tag: Option<String>,
    process_variables: Option<Map<String, Value>>,
    #[serde(deserialize_with = "lenient::boolean")]
    without_tenant_id: Option<bool>,
    #[serde(deserialize_with = "lenient::texts")]
    tenant_id_in: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::boolean")]
    include_extension_properties: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    deserialize_values: Option<bool>,
}

/// A fetch whose arguments are in order.
#[derive(Debug)]
pub(super) struct FetchRequest {
    worker: String,
    max_tasks: usize,
    use_priority: bool,
    order: Order,
    /// By topic name, as in the engine: a second filter of one topic replaces the first.
    topics: BTreeMap<String, (Topic, i64)>,
    /// How long it may be parked, in milliseconds; not at all if there is none.
    pub(super) park: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

impl Fetch {
    /// Checks the arguments in the engine's order.
    pub(super) fn check(self) -> Result<FetchRequest, Refusal> {
        if self.async_response_timeout.is_some_and(|timeout| timeout > MAX_ASYNC_RESPONSE_TIMEOUT) {
            return Err(Refusal::invalid(format!(
                "The asynchronous response timeout cannot be set to a value greater than \
                 {MAX_ASYNC_RESPONSE_TIMEOUT} milliseconds"
            )));
        }
        let order = order(self.sorting.as_deref().unwrap_or_default())?;
        let topics: Option<Vec<Topic>> = self.topics.unwrap_or_default().into_iter().collect();
        let topics = topics.ok_or_else(|| Refusal::null_pointer("topic"))?;
        for topic in &topics {
            if topic.process_variables.iter().flat_map(Map::values).any(|value| value.is_object() || value.is_array()) {
                return Err(Refusal::internal("ProcessEngineException", "Object values cannot be used to query"));
            }
        }
        let worker = self.worker_id.ok_or_else(|| Refusal::is_null("workerId"))?;
        let max_tasks = usize::try_from(self.max_tasks.unwrap_or_default())
            .map_err(|_| Refusal::internal("ProcessEngineException", "maxResults is not greater than or equal to 0"))?;
        let mut checked = BTreeMap::new();
        for topic in topics {
            let name = topic.topic_name.clone().ok_or_else(|| Refusal::is_null("topicName"))?;
            let duration = topic.lock_duration.filter(|duration| *duration > 0);
            let duration = duration
                .ok_or_else(|| Refusal::internal("ProcessEngineException", "lockTime is not greater than 0"))?;
            checked.insert(name, (topic, duration));
        }
        let park = self.async_response_timeout.filter(|timeout| *timeout > 0);
        let use_priority = self.use_priority.unwrap_or_default();
        Ok(FetchRequest { worker, max_tasks, use_priority, order, topics: checked, park })
    }
}

fn order(sorting: &[Option<Sorting>]) -> Result<Order, Refusal> {
    let mut order = Order::OldestFirst;
    for sorting in sorting {
        let Sorting { sort_by, sort_order } = sorting.as_ref().ok_or_else(|| Refusal::null_pointer("sorting"))?;
        let by = sort_by.as_deref().ok_or_else(|| Refusal::null_pointer("o"))?;
        if by != "createTime" {
            return Err(Refusal::invalid(format!("Cannot set query sortBy parameter to value {by}")));
        }
        order = match sort_order.as_deref() {
            Some("asc") => Order::OldestFirst,
            Some("desc") => Order::NewestFirst,
            Some(other) => {
                return Err(Refusal::invalid(format!("Cannot set query sortOrder parameter to value {other}")));
            }
            None => return Err(Refusal::no_direction()),
        };
    }
    Ok(order)
}

impl FetchRequest {
    /// Whether both are of one worker.
    pub(super) fn has_worker_of(&self, other: &Self) -> bool {
        self.worker == other.worker
    }

    /// Whether no task can be locked under its worker id.
    pub(super) fn worker_is_too_long(&self) -> bool {
        too_long(&self.worker)
    }
}

impl State {
    /// Whether a fetch would lock anything.
    pub(super) fn has_any_for(&self, request: &FetchRequest, now: Timestamp) -> bool {
        !self.chosen(request, now).is_empty()
    }

    /// One try of a fetch: locks what it gets.
    pub(super) fn fetch(&mut self, request: &FetchRequest, now: Timestamp) -> Vec<Value> {
        let mut locked = Vec::new();
        for number in self.chosen(request, now) {
            let Some(instance) = self.change(number) else { continue };
            let Some((topic, duration)) = request.topics.get(&instance.task.topic) else { continue };
            let until = after(now, *duration);
            instance.task.lock = Some(Lock { worker: request.worker.clone(), until });
            locked.push(topic.shown(instance));
        }
        locked
    }

    /// The tasks that a fetch would lock, in its order.
    fn chosen(&self, request: &FetchRequest, now: Timestamp) -> Vec<Number> {
        let mut found: Vec<(i64, Number)> = Vec::new();
        for (name, (topic, _)) in &request.topics {
            let free = self.open_of(name).filter(|(_, instance)| is_free(instance, now) && topic.asks_for(instance));
            let free = free.map(|(number, instance)| (instance.task.priority, number));
            // The oldest are found first, so that no more need be looked at if they are what is wanted.
            if request.use_priority || request.order == Order::NewestFirst {
                found.extend(free);
            } else {
                found.extend(free.take(request.max_tasks));
            }
        }
        found.sort_unstable_by_key(|(_, number)| *number);
        if request.order == Order::NewestFirst {
            found.reverse();
        }
        if request.use_priority {
            found.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        }
        found.into_iter().take(request.max_tasks).map(|(_, number)| number).collect()
    }
}

/// Whether a task may be locked (`selectExternalTasksForTopics`).
fn is_free(instance: &Instance, now: Timestamp) -> bool {
    let task = &instance.task;
    !task.is_locked(now) && !instance.suspended && task.retries.is_none_or(|left| left > 0)
}

impl Topic {
    fn asks_for(&self, instance: &Instance) -> bool {
        let (key, id, tenant) = (&instance.definition_key, instance.definition_id(), instance.tenant.as_ref());
        is(&self.business_key, instance.business_key.as_ref())
            && is(&self.process_definition_key, Some(key))
            && is_in(&self.process_definition_key_in, Some(key))
            && is(&self.process_definition_id, Some(&id))
            && is_in(&self.process_definition_id_in, Some(&id))
            && is_in(&self.tenant_id_in, tenant)
            && (self.without_tenant_id != Some(true) || tenant.is_none())
            && self.version_tag_fits(instance)
            && self.any_variable_equals(instance)
    }

    /// An SQL LIKE in the engine, so `%` stands for any text.
    fn version_tag_fits(&self, instance: &Instance) -> bool {
        let Some(wanted) = &self.process_definition_version_tag else { return true };
        instance.version_tag.as_deref().is_some_and(|tag| like(wanted, tag))
    }

    /// Several process variables are alternatives: that is what the engine does with them.
    fn any_variable_equals(&self, instance: &Instance) -> bool {
        let Some(wanted) = self.process_variables.as_ref().filter(|wanted| !wanted.is_empty()) else { return true };
        wanted.iter().any(|(name, value)| instance.variables.get(name).is_some_and(|found| equals(found, value)))
    }

    /// A task as a fetch answers it.
    fn shown(&self, instance: &Instance) -> Value {
        let task = &instance.task;
        let wanted = |name: &String| self.variables.as_ref().is_none_or(|names| names.contains(name));
        let visible = instance.visible(self.local_variables == Some(true));
        let told = if self.deserialize_values == Some(true) { deserialized::shown } else { Variable::shown };
        let variables: Map<String, Value> =
            visible.filter(|(name, _)| wanted(name)).map(|(name, variable)| (name.clone(), told(variable))).collect();
        let properties = match self.include_extension_properties {
            Some(true) => json!(task.extension_properties),
            _ => json!({}),
        };
        let mut fields = instance.listed_task();
        fields.insert("errorDetails".to_owned(), json!(task.error_details));
        fields.insert("variables".to_owned(), Value::Object(variables));
        fields.insert("extensionProperties".to_owned(), properties);
        // Never set in this answer: what is suspended is not fetched.
        fields.insert("suspended".to_owned(), json!(false));
        Value::Object(fields)
    }
}
