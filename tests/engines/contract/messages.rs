//! Messages that nothing waits for, which is all of them where there is no BPMN; and the instances that run.

use serde_json::json;

use super::talk::{Sent, Talk};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    a_message_that_nobody_waits_for_is_told_from_one_that_makes_no_sense,
    a_query_for_instances_chooses_by_key_tenant_and_business_key,
);

async fn a_message_that_nobody_waits_for_is_told_from_one_that_makes_no_sense(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-messages").await;
    talk.start("a", json!({"businessKey": "b"})).await;
    let with = |field: &str, value: serde_json::Value| {
        let mut body = json!({"messageName": "nope"});
        body[field] = value;
        body
    };
    talk.post("no body", "/message", Sent::Nothing).await;
    for (about, body) in [
        ("no name", json!({})),
        ("an empty name", json!({"messageName": ""})),
        ("a number as its name", json!({"messageName": 1})),
        ("nobody waits", json!({"messageName": "nope"})),
        ("nobody waits, with the result", with("resultEnabled", json!(true))),
        ("nobody waits in this instance", with("processInstanceId", json!("{a}"))),
        ("no such instance", with("processInstanceId", json!("nope"))),
        ("nobody waits under this business key", with("businessKey", json!("b"))),
        ("nobody waits with these keys", with("correlationKeys", json!({"a": {"value": 1}}))),
        ("nobody waits with these local keys", with("localCorrelationKeys", json!({"a": {"value": "x"}}))),
        ("with variables", with("processVariables", json!({"a": {"value": 1, "type": "Long"}}))),
        ("with local variables", with("processVariablesLocal", json!({"a": {"value": 1, "type": "Long"}}))),
        ("for a tenant", with("tenantId", json!("t1"))),
        ("without a tenant", with("withoutTenantId", json!(true))),
        ("an unknown field", with("nope", json!(1))),
        ("for all", with("all", json!(true))),
        ("for all, as a text", with("all", json!("true"))),
        ("for all, with the result", json!({"messageName": "nope", "all": true, "resultEnabled": true})),
        ("with and without a tenant", json!({"messageName": "nope", "tenantId": "t", "withoutTenantId": true})),
        ("variables in no result", with("variablesInResultEnabled", json!(true))),
        ("an instance and a tenant", json!({"messageName": "nope", "processInstanceId": "{a}", "tenantId": "t"})),
        (
            "an instance and no tenant",
            json!({"messageName": "nope", "processInstanceId": "{a}", "withoutTenantId": true, "all": true}),
        ),
        ("an unknown type", with("processVariables", json!({"a": {"value": 1, "type": "Nope"}}))),
        ("a value of another type", with("processVariables", json!({"a": {"value": "x", "type": "Integer"}}))),
        ("a local value of another type", with("processVariablesLocal", json!({"a": {"value": 1, "type": "Xml"}}))),
        ("a key of an unknown type", with("correlationKeys", json!({"a": {"value": 1, "type": "Nope"}}))),
        ("a file without a name", with("processVariables", json!({"a": {"value": "eA==", "type": "File"}}))),
        ("a key that cannot be compared", with("correlationKeys", json!({"a": {"value": "{}", "type": "Json"}}))),
        ("a local key that cannot be compared", with("localCorrelationKeys", json!({"a": {"value": [1]}}))),
        ("a key that is null", with("correlationKeys", json!({"a": null}))),
        ("all as a word", with("all", json!("x"))),
        ("no object", json!([])),
    ] {
        talk.post(about, "/message", body).await;
    }
    talk.get("no GET", "/message").await;
    talk.must_be_as_written("messages");
}

async fn a_query_for_instances_chooses_by_key_tenant_and_business_key(engine: Engine) {
    const KEY: &str = "contract-instances";
    let mut talk = Talk::about(engine, KEY).await;
    talk.with_tenant("t1").await;
    talk.start("a", json!({"businessKey": "b1"})).await;
    talk.start("b", json!({"businessKey": "7"})).await;
    talk.start_for_tenant("c", "t1", json!({"businessKey": "b1"})).await;
    talk.put("one is suspended", "/process-instance/{a}/suspended", json!({"suspended": true})).await;
    for filters in [
        json!({"businessKey": "b1"}),
        json!({"businessKey": "b1", "withoutTenantId": true}),
        json!({"businessKey": "b1", "tenantIdIn": ["t1"]}),
        json!({"businessKey": "b1", "tenantIdIn": ["nope"]}),
        json!({"businessKey": "b1", "active": true}),
        json!({"businessKey": "b1", "suspended": true}),
        json!({"businessKey": "B1"}),
        json!({"businessKey": "b%"}),
        json!({"businessKey": ""}),
        json!({"businessKey": 7}),
        json!({"businessKey": null}),
        json!({"withoutTenantId": true}),
        json!({"withoutTenantId": false}),
        json!({"tenantIdIn": []}),
        json!({"processInstanceIds": []}),
        json!({"processInstanceIds": ["{a}", "nope"]}),
        json!({"processDefinitionKeyIn": []}),
        json!({"nope": 1}),
    ] {
        let mut body = json!({"processDefinitionKey": KEY});
        for (key, value) in filters.as_object().expect("an object") {
            body[key] = value.clone();
        }
        talk.post("counted", "/process-instance/count", body).await;
    }
    let one = json!({"processDefinitionKey": KEY, "businessKey": "b1", "tenantIdIn": ["t1"]});
    talk.post("listed", "/process-instance", one.clone()).await;
    talk.post("none on this page", "/process-instance?firstResult=1&maxResults=1", one).await;
    talk.post("another process", "/process-instance", json!({"processDefinitionKey": "nope"})).await;
    talk.must_be_as_written("instance-queries");
}
