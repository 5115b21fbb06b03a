//! The JSON of what a handler begins: starts of processes, the look for a running instance, messages.

use serde::{Deserialize, Serialize};

use super::{
    encode::Encoded,
    request::{encoded, to_json},
};
use crate::{
    engine::EngineError,
    work::{Message, MessageTenant, ProcessStart, Receiver, Receivers},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    business_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    variables: Encoded<'a>,
}

/// `StartProcessInstanceDto`; key and tenant are in the path.
///
/// # Errors
/// [`EngineError::Unsendable`] for a variable that the engine's JSON cannot carry; so in all of the following.
pub(in super::super) fn process_start(start: &ProcessStart) -> Result<Vec<u8>, EngineError> {
    to_json(&Start { business_key: start.business_key.as_deref(), variables: encoded(&start.variables)? })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunningInstance<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    business_key: Option<&'a str>,
    process_definition_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id_in: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_tenant_id: Option<bool>,
}

/// `ProcessInstanceQueryDto`, which finds instances that have not ended. It does not say `active`, for that means not
/// suspended.
pub(in super::super) fn running_instance(start: &ProcessStart) -> Result<Vec<u8>, EngineError> {
    let tenant = start.tenant_id.as_deref();
    to_json(&RunningInstance {
        business_key: start.business_key.as_deref(),
        process_definition_key: &start.key,
        tenant_id_in: tenant.map(|tenant| [tenant]),
        without_tenant_id: tenant.is_none().then_some(true),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Correlation<'a> {
    message_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_instance_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    correlation_keys: Encoded<'a>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    local_correlation_keys: Encoded<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_tenant_id: Option<bool>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    process_variables: Encoded<'a>,
    #[serde(skip_serializing_if = "Encoded::is_empty")]
    process_variables_local: Encoded<'a>,
    all: bool,
    /// Without it the answer is an empty 204.
    result_enabled: bool,
}

/// `CorrelationMessageDto`.
pub(in super::super) fn message(message: &Message) -> Result<Vec<u8>, EngineError> {
    let (tenant_id, without_tenant_id) = match &message.tenant {
        MessageTenant::Any => (None, None),
        MessageTenant::Without => (None, Some(true)),
        MessageTenant::Id(tenant) => (Some(tenant.as_str()), None),
    };
    to_json(&Correlation {
        message_name: &message.name,
        business_key: message.business_key.as_deref(),
        process_instance_id: message.process_instance_id.as_deref(),
        correlation_keys: encoded(&message.correlation_keys)?,
        local_correlation_keys: encoded(&message.local_correlation_keys)?,
        tenant_id,
        without_tenant_id,
        process_variables: encoded(&message.variables)?,
        process_variables_local: encoded(&message.local_variables)?,
        all: message.receivers == Receivers::All,
        result_enabled: true,
    })
}

/// What is read of a `ProcessInstanceDto`.
#[derive(Deserialize)]
struct Instance {
    id: String,
}

/// The id of a new instance.
///
/// # Errors
/// The answer is not the engine's; so in all of the following.
pub(in super::super) fn instance(body: &[u8]) -> Result<String, serde_json::Error> {
    serde_json::from_slice::<Instance>(body).map(|instance| instance.id)
}

/// The id of the first of the instances that were found.
pub(in super::super) fn first_instance(body: &[u8]) -> Result<Option<String>, serde_json::Error> {
    serde_json::from_slice::<Vec<Instance>>(body).map(|found| found.into_iter().next().map(|instance| instance.id))
}

/// What is read of a `MessageCorrelationResultDto`.
#[derive(Deserialize)]
#[serde(tag = "resultType")]
enum Correlated {
    Execution {
        execution: Execution,
    },
    #[serde(rename_all = "camelCase")]
    ProcessDefinition {
        process_instance: Instance,
    },
}

/// What is read of an `ExecutionDto`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    process_instance_id: String,
}

/// Who received a message.
pub(in super::super) fn receivers(body: &[u8]) -> Result<Vec<Receiver>, serde_json::Error> {
    let receiver = |correlated| match correlated {
        Correlated::Execution { execution } => Receiver::Waiting(execution.process_instance_id),
        Correlated::ProcessDefinition { process_instance } => Receiver::Started(process_instance.id),
    };
    serde_json::from_slice::<Vec<Correlated>>(body).map(|all| all.into_iter().map(receiver).collect())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::value::{Value, Variable, Variables};

    fn text(body: Result<Vec<u8>, EngineError>) -> String {
        String::from_utf8(body.expect("a body")).expect("UTF-8")
    }

    fn some(name: &str, value: Value) -> Variables {
        Variables::from([(name.to_owned(), value.into())])
    }

    fn start(tenant: Option<&str>, business_key: Option<&str>, variables: Variables) -> ProcessStart {
        let (tenant_id, business_key) = (tenant.map(str::to_owned), business_key.map(str::to_owned));
        ProcessStart { key: "invoice".into(), tenant_id, business_key, variables }
    }

    fn plain() -> Message {
        Message {
            name: "Paid".into(),
            business_key: None,
            process_instance_id: None,
            correlation_keys: Variables::new(),
            local_correlation_keys: Variables::new(),
            tenant: MessageTenant::Any,
            variables: Variables::new(),
            local_variables: Variables::new(),
            receivers: Receivers::One,
        }
    }

    #[test]
    fn a_start_says_what_is_given_and_no_more() {
        let transient = Variable { value: Value::Integer(1), transient: true };
        let variables = Variables::from([("a".to_owned(), transient), ("b".to_owned(), Value::Boolean(true).into())]);
        assert_snapshot!(text(process_start(&start(None, None, Variables::new()))), @"{}");
        assert_snapshot!(text(process_start(&start(Some("t"), Some("b-1"), variables))), @r#"{"businessKey":"b-1","variables":{"a":{"type":"Integer","value":1,"valueInfo":{"transient":true}},"b":{"type":"Boolean","value":true}}}"#);
    }

    #[test]
    fn the_look_for_a_running_instance_names_process_tenant_and_business_key() {
        assert_snapshot!(text(running_instance(&start(None, Some("b-1"), Variables::new()))), @r#"{"businessKey":"b-1","processDefinitionKey":"invoice","withoutTenantId":true}"#);
        assert_snapshot!(text(running_instance(&start(Some("t"), Some("b-1"), Variables::new()))), @r#"{"businessKey":"b-1","processDefinitionKey":"invoice","tenantIdIn":["t"]}"#);
    }

    #[test]
    fn a_message_always_asks_for_its_receivers() {
        assert_snapshot!(text(message(&plain())), @r#"{"messageName":"Paid","all":false,"resultEnabled":true}"#);
        let full = Message {
            business_key: Some("b-1".into()),
            process_instance_id: Some("p1".into()),
            correlation_keys: some("order", Value::Long(7)),
            local_correlation_keys: some("item", Value::String("x".into())),
            tenant: MessageTenant::Id("t".into()),
            variables: some("v", Value::Null(None)),
            local_variables: some("l", Value::Boolean(true)),
            receivers: Receivers::All,
            ..plain()
        };
        assert_snapshot!(text(message(&full)), @r#"{"messageName":"Paid","businessKey":"b-1","processInstanceId":"p1","correlationKeys":{"order":{"type":"Long","value":7}},"localCorrelationKeys":{"item":{"type":"String","value":"x"}},"tenantId":"t","processVariables":{"v":{"type":"Null","value":null}},"processVariablesLocal":{"l":{"type":"Boolean","value":true}},"all":true,"resultEnabled":true}"#);
        assert_snapshot!(text(message(&Message { tenant: MessageTenant::Without, ..plain() })), @r#"{"messageName":"Paid","withoutTenantId":true,"all":false,"resultEnabled":true}"#);
    }

    /// As Operaton 1.0.3 answered.
    #[test]
    fn receivers_are_told_apart_by_whether_they_waited() {
        let body = br#"[
            {"resultType":"Execution","execution":{"id":"e1","processInstanceId":"p1","ended":true,"tenantId":null},"processInstance":null},
            {"resultType":"ProcessDefinition","execution":null,"processInstance":{"links":[],"id":"p2","definitionId":"d","businessKey":"b1","caseInstanceId":null,"ended":false,"suspended":false,"tenantId":null,"definitionKey":"wait1"}}]"#;
        let expected = [Receiver::Waiting("p1".into()), Receiver::Started("p2".into())];
        assert_eq!(receivers(body).expect("read"), expected);
        assert_eq!(receivers(b"[]").expect("read"), []);
        assert!(receivers(b"{}").is_err() && instance(b"[]").is_err() && first_instance(b"{}").is_err());
    }
}
