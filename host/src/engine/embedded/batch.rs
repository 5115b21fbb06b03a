//! Retries of many tasks at once, as an operator sets them after a repaired plugin, and the batches of them.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    date,
    filters::Filters,
    http::lenient,
    instance::{Instance, id},
    query::TaskQuery,
    refusal::Refusal,
    state::State,
};

/// The body of `PUT /external-task/retries` and `POST /external-task/retries-async`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SetRetries {
    #[serde(deserialize_with = "lenient::int")]
    retries: Option<i32>,
    external_task_ids: Option<Vec<Option<String>>>,
    process_instance_ids: Option<Vec<String>>,
    external_task_query: Option<TaskQuery>,
    process_instance_query: Option<Map<String, Value>>,
    historic_process_instance_query: Option<Map<String, Value>>,
}

impl State {
    /// Sets the retries of all of them, or of none if one is not there.
    pub(super) fn set_retries_of(&mut self, body: SetRetries, now: Timestamp) -> Result<(), Refusal> {
        let (retries, tasks) = self.asked_for(body, now)?;
        if retries < 0 {
            let why = "retries is not greater than or equal to 0";
            return Err(Refusal::invalid(format!("The number of retries cannot be negative: {why}")));
        }
        if let Some(missing) = tasks.iter().find(|task| self.of_task(task).is_none()) {
            let message = format!("Cannot find external task with id {missing}: externalTask is null");
            return Err(Refusal::not_there(message));
        }
        tasks.iter().try_for_each(|task| self.set_retries(task, retries, now))
    }

    /// The same as a batch. A real engine does it by and by, here it is done at once. What cannot be done fails there,
    /// and is seen only by who asks for the batch.
    pub(super) fn set_retries_later(&mut self, body: SetRetries, now: Timestamp) -> Result<Value, Refusal> {
        let (retries, tasks) = self.asked_for(body, now)?;
        let mut batch = Batch::new(tasks.len(), now);
        let made = batch.made();
        for task in tasks {
            if let Err(refusal) = self.set_retries_of_one(&task, retries, now) {
                batch.fail(refusal, now);
            }
        }
        self.batches.keep(batch);
        Ok(made)
    }

    fn set_retries_of_one(&mut self, task: &str, retries: i32, now: Timestamp) -> Result<(), Refusal> {
        let one = SetRetries {
            retries: Some(retries),
            external_task_ids: Some(vec![Some(task.to_owned())]),
            ..SetRetries::default()
        };
        self.set_retries_of(one, now)
    }

    /// The number of retries, and the tasks that a request names in one way or another.
    fn asked_for(&self, body: SetRetries, now: Timestamp) -> Result<(i32, BTreeSet<String>), Refusal> {
        let retries = body.retries.ok_or_else(|| Refusal::invalid("The number of retries cannot be null."))?;
        let mut tasks = BTreeSet::new();
        for task in body.external_task_ids.unwrap_or_default() {
            let null = "External task id cannot be null: externalTaskIds contains null value";
            tasks.insert(task.ok_or_else(|| Refusal::invalid(null))?);
        }
        let task_of = |instance: &Instance| instance.task.id.clone();
        for instance in body.process_instance_ids.unwrap_or_default() {
            tasks.extend(self.running(&instance).map(task_of));
        }
        if let Some(query) = body.external_task_query {
            tasks.extend(self.tasks(&query, now)?.into_iter().map(task_of));
        }
        for query in [body.process_instance_query, body.historic_process_instance_query].into_iter().flatten() {
            let instances = self.process_instances(&Filters::of_body(query))?;
            let ids = instances.iter().filter_map(|instance| instance["id"].as_str());
            tasks.extend(ids.filter_map(|id| self.running(id)).map(task_of));
        }
        if tasks.is_empty() {
            return Err(Refusal::invalid("externalTaskIds is empty"));
        }
        Ok((retries, tasks))
    }
}

/// How many batches with failed jobs are kept.
const KEEP: usize = 100;

/// The batches of which jobs have failed. One that is done is history, as on a real engine.
#[derive(Debug, Default)]
pub(super) struct Batches(VecDeque<Batch>);

/// A batch that has been worked off.
#[derive(Debug)]
struct Batch {
    id: String,
    jobs: usize,
    seed_job_definition: String,
    monitor_job_definition: String,
    job_definition: String,
    made: Timestamp,
    /// The failed jobs, as they are listed.
    failed: Vec<Value>,
}

impl Batch {
    fn new(jobs: usize, made: Timestamp) -> Self {
        Self {
            id: id(),
            jobs,
            seed_job_definition: id(),
            monitor_job_definition: id(),
            job_definition: id(),
            made,
            failed: Vec::new(),
        }
    }

    /// The batch as it was made, before anything was done.
    fn made(&self) -> Value {
        json!({
            "id": self.id,
            "type": "set-external-task-retries",
            "totalJobs": self.jobs,
            "jobsCreated": 0,
            "batchJobsPerSeed": 100,
            "invocationsPerBatchJob": 1,
            "seedJobDefinitionId": self.seed_job_definition,
            "monitorJobDefinitionId": self.monitor_job_definition,
            "batchJobDefinitionId": self.job_definition,
            "suspended": false,
            "tenantId": null,
            "createUserId": null,
            "startTime": date::write(self.made),
            "executionStartTime": null,
        })
    }

    /// The batch as it is now.
    fn shown(&self) -> Value {
        let mut shown = self.made();
        shown["jobsCreated"] = json!(self.jobs);
        // A job that fails is rolled back with all that it has noted.
        let begun = (self.failed.len() < self.jobs).then(|| date::write(self.made));
        shown["executionStartTime"] = json!(begun);
        shown
    }

    fn statistics(&self) -> Value {
        let mut shown = self.shown();
        shown["remainingJobs"] = json!(self.failed.len());
        shown["completedJobs"] = json!(self.jobs - self.failed.len());
        shown["failedJobs"] = json!(self.failed.len());
        shown
    }

    /// Notes a job that was tried as often as an engine tries.
    fn fail(&mut self, refusal: Refusal, now: Timestamp) {
        self.failed.push(json!({
            "id": id(),
            "jobDefinitionId": self.job_definition,
            "processInstanceId": null,
            "processDefinitionId": null,
            "processDefinitionKey": null,
            "executionId": null,
            "exceptionMessage": refusal.message,
            "failedActivityId": null,
            "retries": 0,
            "dueDate": null,
            "suspended": false,
            "priority": 0,
            "tenantId": null,
            "createTime": date::write(now),
            "batchId": self.id,
        }));
    }
}

impl Batches {
    fn keep(&mut self, batch: Batch) {
        if batch.failed.is_empty() {
            return;
        }
        self.0.push_back(batch);
        if self.0.len() > KEEP {
            self.0.pop_front();
        }
    }

    fn found<'a>(&'a self, filters: &'a Filters) -> impl Iterator<Item = &'a Batch> {
        self.0.iter().filter(|batch| filters.is("batchId", Some(&batch.id)))
    }

    /// `GET /batch`
    pub(super) fn list(&self, filters: &Filters) -> Vec<Value> {
        self.found(filters).map(Batch::shown).collect()
    }

    /// `GET /batch/statistics`
    pub(super) fn statistics(&self, filters: &Filters) -> Vec<Value> {
        self.found(filters).map(Batch::statistics).collect()
    }

    /// `GET /batch/{id}`
    pub(super) fn one(&self, id: &str) -> Result<Value, Refusal> {
        let missing = || Refusal::not_there(format!("Batch with id '{id}' does not exist"));
        self.0.iter().find(|batch| batch.id == id).map(Batch::shown).ok_or_else(missing)
    }

    /// `DELETE /batch/{id}`
    pub(super) fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        let place = self.0.iter().position(|batch| batch.id == id).ok_or_else(|| Refusal {
            code: Some(0),
            ..Refusal::invalid(format!("Unable to delete batch with id '{id}'"))
        })?;
        self.0.remove(place);
        Ok(())
    }

    /// `GET /job`, of which only those of batches are here.
    pub(super) fn jobs(&self, filters: &Filters) -> Vec<Value> {
        // All of them have failed for good.
        if filters.flag("withRetriesLeft") {
            return Vec::new();
        }
        let jobs = self.0.iter().flat_map(|batch| &batch.failed);
        jobs.filter(|job| filters.is("jobDefinitionId", job["jobDefinitionId"].as_str())).cloned().collect()
    }
}
