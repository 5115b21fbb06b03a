//! Retries of many tasks at once, as an operator sets them after a repaired plugin.

use std::collections::BTreeSet;

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

    /// The same as a batch. A real engine does it later, and what cannot be done fails there, unseen; here it is done
    /// at once.
    pub(super) fn set_retries_later(&mut self, body: SetRetries, now: Timestamp) -> Result<Value, Refusal> {
        let (retries, tasks) = self.asked_for(body, now)?;
        if retries >= 0 {
            for task in tasks.iter().filter(|task| self.of_task(task).is_some()).collect::<Vec<_>>() {
                self.set_retries(task, retries, now)?;
            }
        }
        Ok(json!({
            "id": id(),
            "type": "set-external-task-retries",
            "totalJobs": tasks.len(),
            "jobsCreated": 0,
            "batchJobsPerSeed": 100,
            "invocationsPerBatchJob": 1,
            "seedJobDefinitionId": id(),
            "monitorJobDefinitionId": id(),
            "batchJobDefinitionId": id(),
            "suspended": false,
            "tenantId": null,
            "createUserId": null,
            "startTime": date::write(now),
            "executionStartTime": null,
        }))
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
