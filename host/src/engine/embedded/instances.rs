//! Process instances from outside: started, listed, suspended, deleted; and their definitions, of which every key has
//! one, because there is no BPMN.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    filters::Filters,
    http::lenient,
    instance::{End, Instance, NewInstance, definition_id, too_long},
    refusal::Refusal,
    state::State,
    variable::{self, GivenVariables},
};

/// The body of a start.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Start {
    variables: GivenVariables,
    #[serde(deserialize_with = "lenient::text")]
    business_key: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    with_variables_in_return: Option<bool>,
}

impl State {
    /// `POST /process-definition/key/{key}/start`: makes an instance whose one task has the key as its topic.
    pub(super) fn start(
        &mut self,
        key: &str,
        tenant: Option<&str>,
        start: Start,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let what = format!("Cannot instantiate process definition {}", definition_id(key, tenant));
        let checked = variable::read(start.variables);
        let checked = checked.and_then(|variables| variables.fit(|_| false).map(|()| variables));
        let variables = checked.map_err(|refusal| match (refusal.status, refusal.code) {
            (400, _) => Refusal { kind: "InvalidRequestException", ..refusal }.about(&what),
            (_, Some(_)) => Refusal { kind: "RestException", ..refusal }.about(&what),
            // A broken file passes through all layers.
            (_, None) => refusal,
        })?;
        if start.business_key.as_deref().is_some_and(too_long) {
            return Err(Refusal { kind: "RestException", ..Refusal::column_too_small() }.about(&what));
        }
        let new = NewInstance {
            topic: key.to_owned(),
            business_key: start.business_key,
            tenant: tenant.map(str::to_owned),
            variables: variables.into_kept(),
            ..NewInstance::default()
        };
        let instance = self.add(new, now);
        let mut shown = instance.listed();
        if start.with_variables_in_return == Some(true) {
            let variables = instance.variables.iter();
            shown["variables"] = variables.map(|(name, variable)| (name.clone(), variable.shown())).collect();
        }
        Ok(shown)
    }

    /// `GET /process-instance/{id}`
    pub(super) fn process_instance(&self, id: &str) -> Result<Value, Refusal> {
        let found = self.instance(id).filter(|instance| instance.ended.is_none());
        let missing = || Refusal::not_there(format!("Process instance with id {id} does not exist"));
        found.map(Instance::listed).ok_or_else(missing)
    }

    /// `GET /process-instance`
    ///
    /// # Errors
    /// The list of ids is empty, which the engine, other than an empty list of keys or tenants, does not take for none.
    pub(super) fn process_instances(&self, filters: &Filters) -> Result<Vec<Value>, Refusal> {
        if filters.is_empty_list("processInstanceIds") {
            return Err(Refusal::internal("ProcessEngineException", "Set of process instance ids is empty"));
        }
        let wanted = |instance: &&Instance| {
            filters.is("businessKey", instance.business_key.as_deref())
                && filters.is("processDefinitionKey", Some(&instance.definition_key))
                && filters.is_in("processDefinitionKeyIn", Some(&instance.definition_key))
                && filters.is_in("processInstanceIds", Some(&instance.id))
                && filters.is_in("tenantIdIn", instance.tenant.as_deref())
                && (!filters.flag("withoutTenantId") || instance.tenant.is_none())
                && (!filters.flag("active") || !instance.suspended)
                && (!filters.flag("suspended") || instance.suspended)
                && (!filters.flag("withIncident") || instance.has_incident())
        };
        Ok(self.open().filter(wanted).map(Instance::listed).collect())
    }

    /// `DELETE /process-instance/{id}`
    pub(super) fn delete_instance(&mut self, id: &str, must_exist: bool, now: Timestamp) -> Result<(), Refusal> {
        let task =
            self.instance(id).filter(|instance| instance.ended.is_none()).map(|instance| instance.task.id.clone());
        match task {
            Some(task) => self.end(&task, End::Deleted, now),
            None if must_exist => {
                let message = format!("No process instance found for id '{id}': processInstance is null");
                Err(Refusal { kind: "InvalidRequestException", status: 404, ..Refusal::bad_request(message) })
            }
            None => Ok(()),
        }
    }

    /// `PUT /process-instance/{id}/suspended`. An instance that is not there is no mistake.
    pub(super) fn suspend(&mut self, id: &str, suspended: bool) {
        if let Some(instance) = self.change_running(id) {
            instance.suspended = suspended;
        }
    }
}

impl Instance {
    /// As `GET /process-instance` shows it.
    pub(super) fn listed(&self) -> Value {
        json!({
            "links": [],
            "id": self.id,
            "definitionId": self.definition_id(),
            "businessKey": self.business_key,
            "caseInstanceId": null,
            "ended": false,
            "suspended": self.suspended,
            "tenantId": self.tenant,
            "definitionKey": self.definition_key,
        })
    }

    pub(super) fn has_incident(&self) -> bool {
        self.incidents.iter().any(|incident| incident.ended.is_none())
    }
}

/// `GET /process-definition/key/{key}`: any key will do.
pub(super) fn definition(key: &str, tenant: Option<&str>) -> Value {
    json!({
        "id": definition_id(key, tenant),
        "key": key,
        "category": "fetchlock:embedded",
        "description": "one external task, made up by Fetchlock's embedded engine",
        "name": key,
        "version": 1,
        "resource": null,
        "deploymentId": null,
        "diagram": null,
        "suspended": false,
        "tenantId": tenant,
        "versionTag": null,
        "historyTimeToLive": null,
        "startableInTasklist": true,
    })
}
