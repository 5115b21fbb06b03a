//! Messages, which nobody waits for here and no process starts with, because there is no BPMN: each is answered as a real
//! engine answers one that fits nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    http::lenient,
    refusal::Refusal,
    variable::{self, Checked, GivenVariables, Kind, Variables},
};

/// The body of a correlation (`CorrelationMessageDto`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Correlation {
    #[serde(deserialize_with = "lenient::text")]
    message_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    process_instance_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    tenant_id: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    without_tenant_id: Option<bool>,
    correlation_keys: GivenVariables,
    local_correlation_keys: GivenVariables,
    process_variables: GivenVariables,
    process_variables_local: GivenVariables,
    #[serde(deserialize_with = "lenient::boolean")]
    all: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    result_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    variables_in_result_enabled: Option<bool>,
}

impl Correlation {
    /// `POST /message`: the receivers, if they are asked for.
    pub(super) fn correlate(self) -> Result<Option<Value>, Refusal> {
        let name = self.message_name.ok_or_else(|| Refusal::invalid("No message name supplied"))?;
        let without_tenant = self.without_tenant_id == Some(true);
        let with_result = self.result_enabled == Some(true);
        if self.tenant_id.is_some() && without_tenant {
            let message = "Parameter 'tenantId' cannot be used together with parameter 'withoutTenantId'.";
            return Err(Refusal::invalid(message));
        }
        if self.variables_in_result_enabled == Some(true) && !with_result {
            let message = "Parameter 'variablesInResultEnabled' cannot be used without 'resultEnabled' set to true.";
            return Err(Refusal::invalid(message));
        }
        let read = |variables| variable::read(variables).map(Checked::into_kept).map_err(about_the_message);
        let keys = [read(self.correlation_keys)?, read(self.local_correlation_keys)?];
        for variables in [self.process_variables, self.process_variables_local] {
            read(variables)?;
        }
        if self.process_instance_id.is_some() && (self.tenant_id.is_some() || without_tenant) {
            let message =
                "ENGINE-13028 Cannot specify a tenant-id when correlate a message to a single process instance.";
            return Err(Refusal { kind: "BadUserRequestException", ..Refusal::bad_request(message) });
        }
        if keys.iter().flat_map(Variables::values).any(|key| !is_comparable(key.kind)) {
            return Err(Refusal::internal("ProcessEngineException", "Object values cannot be used to query"));
        }
        if self.all != Some(true) {
            // With the name of the class in front, as the REST layer wraps it.
            return Err(Refusal::bad_request(format!(
                "org.operaton.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message '{name}': No \
                 process definition or execution matches the parameters"
            )));
        }
        Ok(with_result.then(|| json!([])))
    }
}

fn is_comparable(kind: Kind) -> bool {
    !matches!(kind, Kind::Json | Kind::Xml | Kind::Object)
}

/// What the REST layer refuses about a variable it tells as its own.
fn about_the_message(refusal: Refusal) -> Refusal {
    match refusal.status {
        400 => Refusal { kind: "InvalidRequestException", ..refusal }.about("Cannot deliver message"),
        _ => refusal,
    }
}
