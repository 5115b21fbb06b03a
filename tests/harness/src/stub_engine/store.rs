//! The rules: who may do what to which task, and what the engine says otherwise. No I/O, so that each rule has a test.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value};

use super::answer::Answer;
use super::filter::{self, asks_for};
use super::task::{Lock, Task, TaskSpec, TaskState, after, wall_clock};
use super::values::checked_variables;

/// The longest long poll that the engine accepts, in milliseconds.
const MAX_ASYNC_RESPONSE_TIMEOUT: i64 = 1_800_000;

/// What the engine keeps of an error message, in characters.
const MAX_ERROR_MESSAGE: usize = 666;

/// All tasks and the variables of their process instances.
#[derive(Default)]
pub(super) struct Store {
    /// By creation: ids are numbered with leading zeros.
    tasks: BTreeMap<String, Task>,
    ended: BTreeMap<String, TaskState>,
    /// By process instance.
    variables: BTreeMap<String, Map<String, Value>>,
    count: u64,
}

impl Store {
    pub(super) fn add(&mut self, spec: TaskSpec, now: Instant) -> String {
        self.count += 1;
        let id = format!("task-{:06}", self.count);
        let instance = format!("instance-{:06}", self.count);
        let variables = spec.variables.as_object().cloned().unwrap_or_default();
        self.variables.insert(instance.clone(), variables);
        let task = Task {
            id: id.clone(),
            retries: spec.retries,
            spec,
            instance,
            local: Map::new(),
            create_time: wall_clock(now, now),
            lock: None,
            error: None,
            just_failed: false,
            fetched: 0,
        };
        self.tasks.insert(id.clone(), task);
        id
    }

    pub(super) fn state(&self, id: &str, now: Instant) -> TaskState {
        match self.tasks.get(id) {
            Some(task) => task.state(now),
            None => self.ended.get(id).cloned().unwrap_or(TaskState::Gone),
        }
    }

    /// All tasks there ever were, with their states.
    pub(super) fn states(&self, now: Instant) -> BTreeMap<String, TaskState> {
        let open = self.tasks.iter().map(|(id, task)| (id.clone(), task.state(now)));
        self.ended.clone().into_iter().chain(open).collect()
    }

    pub(super) fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.get(id)
    }

    pub(super) fn instance_variables(&self, instance: &str) -> Option<&Map<String, Value>> {
        self.variables.get(&self.resolve_instance(instance))
    }

    /// The process goes another way: the task is no longer there.
    pub(super) fn cancel(&mut self, id: &str) {
        self.end(id, TaskState::Gone);
    }

    /// Locks a task for `worker`, whoever holds it.
    pub(super) fn take_over(&mut self, id: &str, worker: &str, until: Instant) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.just_failed = false;
            task.lock = Some(Lock { worker: worker.to_owned(), until });
        }
    }

    fn end(&mut self, id: &str, state: TaskState) {
        if let Some(task) = self.tasks.remove(id) {
            self.ended.insert(task.id, state);
        }
    }

    /// Checks a fetchAndLock before its first try; how long it may be parked, in milliseconds.
    pub(super) fn park_time(body: &Value) -> Result<u64, Answer> {
        let timeout = body.get("asyncResponseTimeout").and_then(Value::as_i64).unwrap_or_default();
        if timeout > MAX_ASYNC_RESPONSE_TIMEOUT {
            let message = format!(
                "The asynchronous response timeout cannot be set to a value greater than {MAX_ASYNC_RESPONSE_TIMEOUT} milliseconds"
            );
            return Err(Answer::error(400, "InvalidRequestException", &message, None));
        }
        Ok(u64::try_from(timeout).unwrap_or_default())
    }

    /// One try of a fetchAndLock.
    pub(super) fn fetch(&mut self, body: &Value, now: Instant) -> Result<Vec<Value>, Answer> {
        let worker = text(body, "workerId").ok_or_else(|| Answer::is_null("workerId"))?;
        let max_tasks = body.get("maxTasks").and_then(Value::as_i64).unwrap_or_default();
        let max_tasks = usize::try_from(max_tasks).map_err(|_| {
            let message = "maxResults is not greater than or equal to 0";
            Answer::error(500, "ProcessEngineException", message, Some(0))
        })?;
        // Like the engine: by topic name, so that a second filter of one topic replaces the first.
        let mut topics: BTreeMap<&str, (&Value, u64)> = BTreeMap::new();
        for topic in body.get("topics").and_then(Value::as_array).into_iter().flatten() {
            let name = text(topic, "topicName").ok_or_else(|| Answer::is_null("topicName"))?;
            let duration =
                positive(topic, "lockDuration").ok_or_else(|| not_positive(500, "ProcessEngineException"))?;
            topics.insert(name, (topic, duration));
        }
        let mut found: Vec<&str> = self
            .tasks
            .values()
            .filter(|task| !task.is_locked(now) && task.retries != Some(0))
            .filter(|task| {
                let wanted = topics.get(task.spec.topic.as_str());
                wanted.is_some_and(|(topic, _)| asks_for(topic, task, self.variables.get(&task.instance)))
            })
            .map(|task| task.id.as_str())
            .collect();
        filter::sort(&mut found, body, |id| self.tasks[id].spec.priority);
        let found: Vec<String> = found.into_iter().take(max_tasks).map(str::to_owned).collect();
        let mut locked = Vec::with_capacity(found.len());
        for id in found {
            if let Some(task) = self.tasks.get_mut(&id) {
                let (topic, duration) = topics[task.spec.topic.as_str()];
                let until = after(now, duration);
                task.lock = Some(Lock { worker: worker.to_owned(), until });
                task.just_failed = false;
                task.fetched += 1;
                locked.push(filter::fetched(task, topic, self.variables.get(&task.instance), now));
            }
        }
        Ok(locked)
    }

    pub(super) fn complete(&mut self, id: &str, body: &Value) -> Result<(), Answer> {
        let variables = checked_variables(body, "variables")?;
        let local_variables = checked_variables(body, "localVariables")?;
        let beginning = format!("External Task {id} cannot be completed");
        let worker = self.held_by(id, body, &beginning)?;
        self.write_variables(id, &variables);
        let state = TaskState::Completed {
            worker,
            variables: Value::Object(variables),
            local_variables: Value::Object(local_variables),
        };
        self.end(id, state);
        Ok(())
    }

    pub(super) fn bpmn_error(&mut self, id: &str, body: &Value) -> Result<(), Answer> {
        let variables = checked_variables(body, "variables")?;
        let code = text(body, "errorCode").map(str::to_owned);
        let beginning = format!("Bpmn error of External Task {id} cannot be reported");
        if text(body, "workerId").is_some() && code.is_none() {
            return Err(Answer::is_null("errorCode"));
        }
        let worker = self.held_by(id, body, &beginning)?;
        self.write_variables(id, &variables);
        let state = TaskState::BpmnError {
            worker,
            code: code.unwrap_or_default(),
            message: text(body, "errorMessage").map(str::to_owned),
            variables: Value::Object(variables),
        };
        self.end(id, state);
        Ok(())
    }

    pub(super) fn failure(&mut self, id: &str, body: &Value, now: Instant) -> Result<(), Answer> {
        let variables = checked_variables(body, "variables")?;
        let local_variables = checked_variables(body, "localVariables")?;
        // An absent number is Java's 0, which makes an incident.
        let retries = body.get("retries").and_then(Value::as_i64).unwrap_or_default();
        let timeout = body.get("retryTimeout").and_then(Value::as_i64).unwrap_or_default();
        for (name, number) in [("retries", retries), ("retryDuration", timeout)] {
            if number < 0 {
                let message = format!("{name} is not greater than or equal to 0");
                return Err(Answer::error(500, "ProcessEngineException", &message, Some(0)));
            }
        }
        let beginning = format!("Failure of External Task {id} cannot be reported");
        let worker = self.held_by(id, body, &beginning)?;
        self.write_variables(id, &variables);
        if let Some(task) = self.tasks.get_mut(id) {
            let message = text(body, "errorMessage").map(|message| message.chars().take(MAX_ERROR_MESSAGE).collect());
            task.error = Some((message, text(body, "errorDetails").map(str::to_owned)));
            task.local.extend(local_variables);
            task.retries = Some(retries);
            task.just_failed = true;
            let until = after(now, u64::try_from(timeout).unwrap_or_default());
            task.lock = Some(Lock { worker, until });
        }
        Ok(())
    }

    pub(super) fn extend_lock(&mut self, id: &str, body: &Value, now: Instant) -> Result<(), Answer> {
        let Some(duration) = positive(body, "newDuration") else {
            return Err(not_positive(400, "RestException"));
        };
        let beginning = format!("The lock of the External Task {id} cannot be extended");
        let worker = text(body, "workerId").unwrap_or_default();
        // The engine's own text has a quote too many here, and only here.
        self.held_by(id, body, &beginning).map_err(|answer| {
            let doubled = answer.replaced(&format!("'{worker}'."), &format!("'{worker}''."));
            if answer.status == 400 { doubled } else { answer }
        })?;
        if let Some(lock) = self.tasks.get_mut(id).and_then(|task| task.lock.as_mut()) {
            if lock.until <= now {
                let now = jiff::Timestamp::now().as_millisecond();
                let message = format!(
                    "Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to {now}"
                );
                return Err(Answer::error(400, "RestException", &message, Some(0)));
            }
            lock.until = after(now, duration);
        }
        Ok(())
    }

    pub(super) fn lock(&mut self, id: &str, body: &Value, now: Instant) -> Result<(), Answer> {
        let worker = text(body, "workerId").ok_or_else(|| Answer::is_null("workerId"))?;
        let Some(duration) = positive(body, "lockDuration") else {
            return Err(not_positive(400, "RestException"));
        };
        let task = self.tasks.get_mut(id).ok_or_else(|| Answer::no_such_task(id))?;
        if task.is_locked(now) && task.holder() != Some(worker) {
            let beginning = format!("External Task {id} cannot be locked by worker '{worker}'");
            return Err(Answer::locked_by(&beginning, task.holder()));
        }
        task.just_failed = false;
        task.lock = Some(Lock { worker: worker.to_owned(), until: after(now, duration) });
        Ok(())
    }

    /// Asks for no worker: anybody may.
    pub(super) fn unlock(&mut self, id: &str) -> Result<(), Answer> {
        let task = self.tasks.get_mut(id).ok_or_else(|| Answer::no_such_task(id))?;
        task.lock = None;
        task.just_failed = false;
        Ok(())
    }

    pub(super) fn set_retries(&mut self, id: &str, body: &Value) -> Result<(), Answer> {
        let refused = |message| Answer::error(400, "InvalidRequestException", message, None);
        let retries = body.get("retries").and_then(Value::as_i64);
        let retries = retries.ok_or_else(|| refused("The number of retries cannot be null."))?;
        if retries < 0 {
            return Err(refused("The number of retries cannot be negative"));
        }
        let task = self.tasks.get_mut(id).ok_or_else(|| Answer::no_such_task(id))?;
        task.retries = Some(retries);
        Ok(())
    }

    pub(super) fn set_priority(&mut self, id: &str, body: &Value) -> Result<(), Answer> {
        let task = self.tasks.get_mut(id).ok_or_else(|| Answer::no_such_task(id))?;
        task.spec.priority = body.get("priority").and_then(Value::as_i64).unwrap_or_default();
        Ok(())
    }

    /// The tasks that a query asks for, as `GET /external-task` shows them.
    pub(super) fn query(&self, query: &Value, now: Instant) -> Vec<Value> {
        let tasks = self.tasks.values();
        tasks.filter(|task| filter::queried(query, task, now)).map(|task| Value::Object(task.listed(now))).collect()
    }

    /// Progress variables of the process instance. The engine checks no lock here.
    pub(super) fn modify_variables(&mut self, instance: &str, body: &Value) -> Result<(), Answer> {
        let changes = Changes::read(body)?;
        let instance = self.resolve_instance(instance);
        let alive = self.tasks.values().any(|task| task.instance == instance);
        let Some(variables) = self.variables.get_mut(&instance).filter(|_| alive) else {
            return Err(no_execution("process instance", &instance));
        };
        changes.apply(variables);
        Ok(())
    }

    /// Progress variables of a task's own scope. The engine checks no lock here.
    pub(super) fn modify_local_variables(&mut self, execution: &str, body: &Value) -> Result<(), Answer> {
        let changes = Changes::read(body)?;
        let task = self.tasks.values_mut().find(|task| task.execution() == execution);
        let task = task.ok_or_else(|| no_execution("execution", execution))?;
        changes.apply(&mut task.local);
        Ok(())
    }

    /// The variables of a task's own scope, by its execution.
    pub(super) fn local_variables(&self, execution: &str) -> Option<&Map<String, Value>> {
        self.tasks.values().find(|task| task.execution() == execution).map(|task| &task.local)
    }

    /// The worker of an outcome: known task, and the stored worker. Whether the lock has expired is not asked.
    fn held_by(&self, id: &str, body: &Value, beginning: &str) -> Result<String, Answer> {
        let worker = text(body, "workerId").ok_or_else(|| Answer::is_null("workerId"))?;
        let task = self.tasks.get(id).ok_or_else(|| Answer::no_such_task(id))?;
        if task.holder() != Some(worker) {
            let beginning = format!("{beginning} by worker '{worker}'");
            return Err(Answer::locked_by(&beginning, task.holder()));
        }
        Ok(worker.to_owned())
    }

    fn write_variables(&mut self, id: &str, variables: &Map<String, Value>) {
        let instance = self.tasks.get(id).map(|task| task.instance.clone());
        if let Some(kept) = instance.and_then(|instance| self.variables.get_mut(&instance)) {
            kept.extend(variables.clone());
        }
    }

    /// Where the engine wants a process instance, it takes an execution of it too.
    fn resolve_instance(&self, id: &str) -> String {
        let of_execution = self.tasks.values().find(|task| task.execution() == id);
        of_execution.map_or_else(|| id.to_owned(), |task| task.instance.clone())
    }
}

/// A change of variables: `modifications` and `deletions`.
struct Changes {
    modifications: Map<String, Value>,
    deletions: Vec<String>,
}

impl Changes {
    fn read(body: &Value) -> Result<Self, Answer> {
        let deletions = body.get("deletions").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            modifications: checked_variables(body, "modifications")?,
            deletions: deletions.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    fn apply(self, variables: &mut Map<String, Value>) {
        variables.extend(self.modifications);
        for name in self.deletions {
            variables.remove(&name);
        }
    }
}

/// The answer to a change of variables where nothing runs any more. (Read from the engine's sources, not recorded.)
fn no_execution(what: &str, id: &str) -> Answer {
    let message = format!("Cannot modify variables for {what} {id}: execution {id} doesn't exist: execution is null");
    Answer::error(500, "RestException", &message, Some(0))
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn positive(body: &Value, key: &str) -> Option<u64> {
    body.get(key).and_then(Value::as_u64).filter(|number| *number > 0)
}

fn not_positive(status: u16, kind: &str) -> Answer {
    Answer::error(status, kind, "lockTime is not greater than 0", Some(0))
}
