//! What was: instances, variables, activities, the log of tasks, and incidents, past and present.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    date,
    filters::Filters,
    instance::{ACTIVITY, END_EVENT, End, Incident, Instance, LogEntry, LogKind, START_EVENT},
    refusal::Refusal,
    state::State,
    variable::Variable,
};

impl State {
    /// `GET /history/process-instance/{id}`
    pub(super) fn historic_instance(&self, id: &str) -> Result<Value, Refusal> {
        let missing = || Refusal::not_there(format!("Historic process instance with id {id} does not exist"));
        self.instance(id).map(Instance::historic).ok_or_else(missing)
    }

    /// `GET /history/process-instance`
    pub(super) fn historic_instances(&self, filters: &Filters) -> Vec<Value> {
        let wanted = |instance: &&Instance| {
            let ended = instance.ended.is_some();
            (!filters.flag("finished") || ended)
                && (!filters.flag("unfinished") || !ended)
                && (!filters.flag("withIncidents") || !instance.incidents.is_empty())
                && filters.is("processInstanceBusinessKey", instance.business_key.as_deref())
                && filters.is_in("processInstanceIds", Some(&instance.id))
        };
        self.historic(filters).filter(wanted).map(Instance::historic).collect()
    }

    /// `GET /history/variable-instance`
    pub(super) fn historic_variables(&self, filters: &Filters) -> Vec<Value> {
        let of_instance = |instance: &Instance| {
            let task = &instance.task;
            let own = instance
                .variables
                .iter()
                .map(|(name, variable)| historic_variable(instance, name, variable, &instance.id, &instance.id));
            let local = task.local.iter().map(|(name, variable)| {
                historic_variable(instance, name, variable, &task.execution_id, &task.activity_instance_id)
            });
            own.chain(local).collect::<Vec<Value>>()
        };
        let all = self.historic(filters).flat_map(of_instance);
        filters.in_order(all.filter(|it| filters.is("variableName", it["name"].as_str())).collect())
    }

    /// The variable of `GET /history/variable-instance/{id}/data`
    pub(super) fn historic_variable(&self, id: &str) -> Result<&Variable, Refusal> {
        let missing = || Refusal::not_there(format!("Historic variable instance with Id '{id}' does not exist."));
        let Some((scope, name)) = id.split_once(':') else { return Err(missing()) };
        let own = self.instance(scope).and_then(|instance| instance.variables.get(name));
        let local = || {
            let of_scope = |instance: &&Instance| instance.task.execution_id == scope;
            self.all().find(of_scope).and_then(|instance| instance.task.local.get(name))
        };
        own.or_else(local).ok_or_else(missing)
    }

    /// `GET /history/activity-instance`
    pub(super) fn historic_activities(&self, filters: &Filters) -> Vec<Value> {
        let wanted = |activity: &Value| {
            let ended = !activity["endTime"].is_null();
            filters.is("activityId", activity["activityId"].as_str())
                && filters.is("activityType", activity["activityType"].as_str())
                && (!filters.flag("finished") || ended)
                && (!filters.flag("unfinished") || !ended)
                && (!filters.flag("canceled") || activity["canceled"] == true)
        };
        let found = self.historic(filters).flat_map(Instance::activities).filter(wanted).collect();
        filters.in_order(found)
    }

    /// `GET /history/external-task-log`
    pub(super) fn task_log(&self, filters: &Filters) -> Vec<Value> {
        let wanted = |entry: &Value| {
            ["creationLog", "failureLog", "successLog", "deletionLog"]
                .iter()
                .all(|kind| !filters.flag(kind) || entry[*kind] == true)
                && filters.is("externalTaskId", entry["externalTaskId"].as_str())
                && filters.is("topicName", entry["topicName"].as_str())
                && filters.is("workerId", entry["workerId"].as_str())
        };
        let entries =
            |instance: &Instance| instance.log.iter().map(|entry| logged(instance, entry)).collect::<Vec<Value>>();
        let found = self.historic(filters).flat_map(entries).filter(wanted).collect();
        filters.in_order(found)
    }

    /// `GET /history/external-task-log/{id}/error-details`
    pub(super) fn logged_details(&self, id: &str) -> Result<Option<&str>, Refusal> {
        let entry = self.all().flat_map(|instance| &instance.log).find(|entry| entry.id == id);
        let message = || format!("No historic external task log found with id {id}: historicExternalTaskLog is null");
        entry.map(|entry| entry.details.as_deref()).ok_or_else(|| Refusal::not_there(message()))
    }

    /// `GET /incident`: the open ones.
    pub(super) fn incidents(&self, filters: &Filters) -> Vec<Value> {
        let of_instance = |instance: &Instance| {
            let open = instance.incidents.iter().filter(|incident| incident.ended.is_none());
            open.map(|incident| shown_incident(instance, incident)).collect::<Vec<Value>>()
        };
        let wanted = |incident: &Value| {
            filters.is("incidentType", incident["incidentType"].as_str())
                && filters.is("incidentId", incident["id"].as_str())
                && filters.is("configuration", incident["configuration"].as_str())
                && filters.is("activityId", incident["activityId"].as_str())
                && filters.is("executionId", incident["executionId"].as_str())
                && filters.is("incidentMessage", incident["incidentMessage"].as_str())
        };
        self.historic(filters).flat_map(of_instance).filter(wanted).collect()
    }

    /// `GET /history/incident`
    pub(super) fn historic_incidents(&self, filters: &Filters) -> Vec<Value> {
        let of_instance = |instance: &Instance| {
            let all = instance.incidents.iter();
            all.map(|incident| historic_incident(instance, incident)).collect::<Vec<Value>>()
        };
        let wanted = |incident: &Value| {
            ["open", "resolved", "deleted"].iter().all(|state| !filters.flag(state) || incident[*state] == true)
        };
        self.historic(filters).flat_map(of_instance).filter(wanted).collect()
    }

    /// The instances that the filters ask for which every list has.
    fn historic(&self, filters: &Filters) -> impl Iterator<Item = &Instance> {
        // One instance is what is asked for most, and looking through all would be slow when there are many.
        let one = filters.text("processInstanceId");
        let all = self.all().filter(move |_| one.is_none());
        let instances = one.and_then(|id| self.instance(id)).into_iter().chain(all);
        instances.filter(|instance| {
            filters.is("processDefinitionKey", Some(&instance.definition_key))
                && filters.is_in("processDefinitionKeyIn", Some(&instance.definition_key))
                && filters.is("processDefinitionId", Some(&instance.definition_id()))
                && filters.is_in("tenantIdIn", instance.tenant.as_deref())
        })
    }
}

impl Instance {
    fn historic(&self) -> Value {
        let ended = self.ended.map(|(at, _)| at);
        let state = match self.ended {
            None if self.suspended => "SUSPENDED",
            None => "ACTIVE",
            Some((_, End::Completed | End::BpmnError)) => "COMPLETED",
            Some((_, End::Deleted)) => "EXTERNALLY_TERMINATED",
        };
        json!({
            "id": self.id,
            "businessKey": self.business_key,
            "processDefinitionId": self.definition_id(),
            "processDefinitionKey": self.definition_key,
            "processDefinitionName": self.definition_key,
            "processDefinitionVersion": 1,
            "startTime": date::write(self.started),
            "endTime": ended.map(date::write),
            "removalTime": null,
            "durationInMillis": ended.map(|ended| ended.duration_since(self.started).as_millis()),
            "startUserId": null,
            "startActivityId": START_EVENT,
            "deleteReason": null,
            "rootProcessInstanceId": self.id,
            "superProcessInstanceId": null,
            "superCaseInstanceId": null,
            "caseInstanceId": null,
            "tenantId": self.tenant,
            "state": state,
            "restartedProcessInstanceId": null,
        })
    }

    /// The start event, the task, and the end event if the task was completed.
    fn activities(&self) -> Vec<Value> {
        let started = Some(self.started);
        let ended = self.ended.map(|(at, _)| at);
        let end = self.ended.map(|(_, end)| end);
        let activity = |id: &str,
                        kind: &str,
                        name: Option<&str>,
                        instance: String,
                        from: Option<Timestamp>,
                        to: Option<Timestamp>| {
            json!({
                "id": instance,
                "parentActivityInstanceId": self.id,
                "activityId": id,
                "activityName": name,
                "activityType": kind,
                "processDefinitionKey": self.definition_key,
                "processDefinitionId": self.definition_id(),
                "processInstanceId": self.id,
                "executionId": if id == ACTIVITY { &self.task.execution_id } else { &self.id },
                "taskId": null,
                "calledProcessInstanceId": null,
                "calledCaseInstanceId": null,
                "assignee": null,
                "startTime": from.map(date::write),
                "endTime": to.map(date::write),
                "durationInMillis": from.zip(to).map(|(from, to)| to.duration_since(from).as_millis()),
                "canceled": id == ACTIVITY && end == Some(End::Deleted),
                "completeScope": match id {
                    ACTIVITY => end == Some(End::BpmnError),
                    _ => id == END_EVENT,
                },
                "tenantId": self.tenant,
                "removalTime": null,
                "rootProcessInstanceId": self.id,
            })
        };
        let event = |id: &str| format!("{id}:{}", self.id);
        let mut activities = vec![
            activity(START_EVENT, "startEvent", None, event(START_EVENT), started, started),
            activity(
                ACTIVITY,
                "serviceTask",
                Some(&self.definition_key),
                self.task.activity_instance_id.clone(),
                started,
                ended,
            ),
        ];
        if end == Some(End::Completed) {
            activities.push(activity(END_EVENT, "noneEndEvent", None, event(END_EVENT), ended, ended));
        }
        activities
    }
}

/// The id of a variable in the history: its scope and its name.
fn historic_id(execution: &str, name: &str) -> String {
    format!("{execution}:{name}")
}

fn historic_variable(
    instance: &Instance,
    name: &str,
    variable: &Variable,
    execution: &str,
    activity_instance: &str,
) -> Value {
    let mut shown = variable.shown();
    let more = json!({
        "id": historic_id(execution, name),
        "name": name,
        "processDefinitionKey": instance.definition_key,
        "processDefinitionId": instance.definition_id(),
        "processInstanceId": instance.id,
        "executionId": execution,
        "activityInstanceId": activity_instance,
        "caseDefinitionKey": null,
        "caseDefinitionId": null,
        "caseInstanceId": null,
        "caseExecutionId": null,
        "taskId": null,
        "errorMessage": null,
        "tenantId": instance.tenant,
        "state": "CREATED",
        "createTime": date::write(instance.started),
        "removalTime": null,
        "rootProcessInstanceId": instance.id,
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

fn logged(instance: &Instance, entry: &LogEntry) -> Value {
    json!({
        "id": entry.id,
        "timestamp": date::write(entry.at),
        "removalTime": null,
        "externalTaskId": instance.task.id,
        "topicName": instance.task.topic,
        "workerId": entry.worker,
        "priority": entry.priority,
        "retries": entry.retries,
        "errorMessage": entry.message,
        "activityId": ACTIVITY,
        "activityInstanceId": instance.task.activity_instance_id,
        "executionId": instance.task.execution_id,
        "processInstanceId": instance.id,
        "processDefinitionId": instance.definition_id(),
        "processDefinitionKey": instance.definition_key,
        "tenantId": instance.tenant,
        "rootProcessInstanceId": instance.id,
        "creationLog": entry.kind == LogKind::Created,
        "failureLog": entry.kind == LogKind::Failed,
        "successLog": entry.kind == LogKind::Succeeded,
        "deletionLog": entry.kind == LogKind::Deleted,
    })
}

fn shown_incident(instance: &Instance, incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "processDefinitionId": instance.definition_id(),
        "processInstanceId": instance.id,
        "executionId": instance.task.execution_id,
        "incidentTimestamp": date::write(incident.created),
        "incidentType": "failedExternalTask",
        "activityId": ACTIVITY,
        "failedActivityId": null,
        "causeIncidentId": incident.id,
        "rootCauseIncidentId": incident.id,
        "configuration": instance.task.id,
        "incidentMessage": incident.message,
        "tenantId": instance.tenant,
        "jobDefinitionId": null,
        "annotation": null,
    })
}

fn historic_incident(instance: &Instance, incident: &Incident) -> Value {
    let mut shown = shown_incident(instance, incident);
    let created = shown["incidentTimestamp"].take();
    let more = json!({
        "processDefinitionKey": instance.definition_key,
        "rootProcessInstanceId": instance.id,
        "createTime": created,
        "endTime": incident.ended.map(date::write),
        "removalTime": null,
        "historyConfiguration": incident.failure,
        "open": incident.ended.is_none(),
        "deleted": incident.ended.is_some() && incident.deleted,
        "resolved": incident.ended.is_some() && !incident.deleted,
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.remove("incidentTimestamp");
        shown.extend(more);
    }
    shown
}
