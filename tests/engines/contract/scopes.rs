//! Variables of an instance and of an execution, their content as downloads, and starts with them.

use serde_json::{Value, json};

use super::talk::{Sent, Talk, Unlike};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    variables_are_read_set_and_deleted_in_their_scope,
    files_and_bytes_are_downloads_and_files_are_uploaded,
    an_instance_is_started_and_listed,
    an_outcome_sets_variables_in_their_scopes,
);

/// The parts of a form are divided by it.
const FORM: &str = "multipart/form-data; boundary=B";

async fn variables_are_read_set_and_deleted_in_their_scope(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-scopes").await;
    talk.start("a", json!({"variables": {"x": {"value": 1}, "y": {"value": "y"}}})).await;
    let (instance, execution) = ("/process-instance/{a}/variables", "/execution/{a.execution}/localVariables");
    let both = "/process-instance/{a.execution}/variables";
    talk.get("all", instance).await;
    talk.get("one", &format!("{instance}/x")).await;
    talk.get("an unknown one", &format!("{instance}/nope")).await;
    talk.get("none of its own", execution).await;
    talk.get("an outer one is not local", &format!("{execution}/x")).await;
    talk.post("a local one", execution, json!({"modifications": {"x": {"value": "local"}}})).await;
    talk.get("local ones", execution).await;
    talk.get("the local one", &format!("{execution}/x")).await;
    talk.get("from the execution the local one is seen", both).await;
    talk.get("that one", &format!("{both}/x")).await;
    talk.get("the outer one is as it was", &format!("{instance}/x")).await;
    talk.post("set from the execution", both, json!({"modifications": {"x": {"value": 2}, "y": {"value": 2}}})).await;
    talk.get("where it is nearest", execution).await;
    talk.get("and else outside", instance).await;
    talk.post("nothing", instance, json!({})).await;
    talk.post("no body", instance, ()).await;
    talk.post("an unknown one deleted", instance, json!({"deletions": ["nope"]})).await;
    let body = json!({"modifications": {"z": {"value": 1}}, "deletions": ["z"]});
    talk.post("set and deleted", instance, body).await;
    talk.get("is deleted", &format!("{instance}/z")).await;
    talk.put("put", &format!("{instance}/put"), json!({"value": 5, "type": "Integer"})).await;
    talk.put("put a wrong value", &format!("{instance}/put"), json!({"value": "x", "type": "Integer"})).await;
    talk.put("put an unknown type", &format!("{instance}/put"), json!({"value": "x", "type": "XML"})).await;
    talk.put("put nothing", &format!("{instance}/put"), json!({})).await;
    talk.put("put locally", &format!("{execution}/put"), json!({"value": 6})).await;
    talk.delete("deleted", &format!("{instance}/put")).await;
    talk.delete("deleted again", &format!("{instance}/put")).await;
    talk.delete("deleted locally", &format!("{execution}/put")).await;
    let transient = json!({"modifications": {"x": {"value": 1, "valueInfo": {"transient": true}}}});
    talk.post("transient in the place of one that is kept", instance, transient.clone()).await;
    talk.post("locally too", execution, transient).await;
    let transient = json!({"modifications": {"t": {"value": 1, "valueInfo": {"transient": true}}}});
    talk.post("transient", instance, transient).await;
    talk.get("is not kept", &format!("{instance}/t")).await;
    for (about, method, path, body) in [
        ("all of an unknown instance", "GET", "/process-instance/nope/variables", None),
        ("one of an unknown instance", "GET", "/process-instance/nope/variables/x", None),
        ("content of an unknown instance", "GET", "/process-instance/nope/variables/x/data", None),
        ("set on it", "POST", "/process-instance/nope/variables", Some(json!({"modifications": {"x": {"value": 1}}}))),
        ("deleted on it", "POST", "/process-instance/nope/variables", Some(json!({"deletions": ["x"]}))),
        ("put on it", "PUT", "/process-instance/nope/variables/x", Some(json!({"value": 1}))),
        ("deleted one on it", "DELETE", "/process-instance/nope/variables/x", None),
        ("all of an unknown execution", "GET", "/execution/nope/localVariables", None),
        ("one of an unknown execution", "GET", "/execution/nope/localVariables/x", None),
        ("set on it", "POST", "/execution/nope/localVariables", Some(json!({"modifications": {"x": {"value": 1}}}))),
        ("put on it", "PUT", "/execution/nope/localVariables/x", Some(json!({"value": 1}))),
        ("deleted one on it", "DELETE", "/execution/nope/localVariables/x", None),
    ] {
        talk.call(about, method, path, body.map_or(Sent::Nothing, Sent::Json)).await;
    }
    talk.must_be_as_written("scopes");
}

async fn files_and_bytes_are_downloads_and_files_are_uploaded(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-downloads").await;
    let file = |info: Value| json!({"value": "ZmlsZQ==", "type": "File", "valueInfo": info});
    let variables = json!({
        "plain": file(json!({"filename": "a b.txt"})),
        "typed": file(json!({"filename": "a.txt", "mimeType": "text/plain"})),
        "encoded": file(json!({"filename": "a.txt", "mimeType": "text/plain", "encoding": "UTF-8"})),
        "only-encoded": file(json!({"filename": "a.txt", "encoding": "UTF-8"})),
        "strange": file(json!({"filename": "h\u{e9}llo (1)+&.txt"})),
        "bytes": {"value": "ZmlsZQ==", "type": "Bytes"},
        "none": {"value": null, "type": "Bytes"},
        "text": {"value": "file", "type": "String"},
    });
    talk.start("a", json!({"variables": variables})).await;
    for name in ["plain", "typed", "encoded", "only-encoded", "bytes", "none", "text", "nope"] {
        talk.get(name, &format!("/process-instance/{{a}}/variables/{name}/data")).await;
    }
    talk.get("a name beyond ASCII", "/process-instance/{a}/variables/strange/data").await;
    talk.get("from the execution", "/process-instance/{a.execution}/variables/plain/data").await;
    talk.get("not local", "/execution/{a.execution}/localVariables/plain/data").await;
    let form = "--B\r\nContent-Disposition: form-data; name=\"data\"; filename=\"u.txt\"\r\nContent-Type: text/plain\r\n\
        \r\nuploaded\r\n--B\r\nContent-Disposition: form-data; name=\"valueType\"\r\n\r\nFile\r\n--B--\r\n";
    let upload = "/process-instance/{a}/variables/up/data";
    talk.post("uploaded", upload, Sent::Text(Some(FORM), form)).await;
    talk.get("read back", upload).await;
    talk.get("as a variable", "/process-instance/{a}/variables/up").await;
    let bytes = "--B\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/octet-stream\r\n\r\n\
        uploaded\r\n--B\r\nContent-Disposition: form-data; name=\"valueType\"\r\n\r\nBytes\r\n--B--\r\n";
    talk.post("uploaded as bytes", upload, Sent::Text(Some(FORM), bytes)).await;
    talk.get("bytes as a variable", "/process-instance/{a}/variables/up").await;
    let local = "/execution/{a.execution}/localVariables/up/data";
    talk.post("uploaded locally", local, Sent::Text(Some(FORM), form)).await;
    talk.get("local ones", "/execution/{a.execution}/localVariables").await;
    let other = "--B\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--B--\r\n";
    talk.post("a form without a file", upload, Sent::Text(Some(FORM), other)).await;
    talk.post("no form", upload, json!({})).await;
    talk.must_be_as_written("downloads");
}

async fn an_instance_is_started_and_listed(engine: Engine) {
    const TOPIC: &str = "contract-start";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.with_tenant("t1").await;
    let start = format!("/process-definition/key/{TOPIC}/start");
    talk.post("an empty body", &start, json!({})).await;
    talk.post("no body", &start, ()).await;
    talk.post("a list", &start, Sent::Text(Some("application/json"), "[]")).await;
    let variables = json!({"x": {"value": 1}});
    let body = json!({"variables": variables, "withVariablesInReturn": true, "businessKey": "k"});
    talk.post("with its variables", &start, body).await;
    let tenants = format!("/process-definition/key/{TOPIC}/tenant-id/t1/start");
    talk.post("for a tenant", &tenants, json!({})).await;
    talk.post("a number as a business key", &start, json!({"businessKey": 5})).await;
    talk.post("variables that are no object", &start, json!({"variables": []})).await;
    let because = "the embedded engine has no BPMN, so every key is that of a process";
    let unlike = Unlike {
        because,
        operaton: r#"404 {"code":null,"message":"No matching process definition with key: nope and no tenant-id","type":"RestException"}"#,
        embedded: r#"200 {"businessKey":null,"caseInstanceId":null,"definitionId":"nope:1:embedded","definitionKey":"nope","ended":false,"id":"ID","links":[{"href":"BASE/process-instance/ID","method":"GET","rel":"self"}],"suspended":false,"tenantId":null}"#,
    };
    talk.unlike("an unknown key", "POST", "/process-definition/key/nope/start", json!({}), unlike).await;
    let unlike = Unlike {
        because: "nothing was deployed, and history is not cleaned up by age",
        operaton: r#"200 {"category":"fetchlock:harness","deploymentId":"ID","description":null,"diagram":null,"historyTimeToLive":1,"id":"{definition}","key":"contract-start","name":"contract-start","resource":"contract-start.bpmn","startableInTasklist":true,"suspended":false,"tenantId":null,"version":1,"versionTag":null}"#,
        embedded: r#"200 {"category":"fetchlock:embedded","deploymentId":null,"description":"one external task, made up by Fetchlock's embedded engine","diagram":null,"historyTimeToLive":null,"id":"{definition}","key":"contract-start","name":"contract-start","resource":null,"startableInTasklist":true,"suspended":false,"tenantId":null,"version":1,"versionTag":null}"#,
    };
    talk.unlike("the definition", "GET", &format!("/process-definition/key/{TOPIC}"), (), unlike).await;
    talk.start("b", json!({"businessKey": "b"})).await;
    talk.start_for_tenant("c", "t1", json!({"businessKey": "c"})).await;
    talk.get("one", "/process-instance/{b}").await;
    talk.get("a tenant's", "/process-instance/{c}").await;
    talk.get("an unknown one", "/process-instance/nope").await;
    for filter in [
        "businessKey=b",
        "businessKey=nope",
        "tenantIdIn=t1&businessKey=c",
        "active=true&businessKey=b",
        "suspended=true",
        "withIncident=true",
    ] {
        talk.get(filter, &format!("/process-instance?processDefinitionKey={TOPIC}&{filter}")).await;
        talk.get(filter, &format!("/process-instance/count?processDefinitionKey={TOPIC}&{filter}")).await;
    }
    talk.get("by ids", "/process-instance?processInstanceIds={b},nope").await;
    let body = json!({"processDefinitionKey": TOPIC, "businessKey": "b"});
    talk.post("by a body", "/process-instance", body.clone()).await;
    talk.post("counted by a body", "/process-instance/count", body).await;
    talk.must_be_as_written("instances");
}

async fn an_outcome_sets_variables_in_their_scopes(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-outcome-variables").await;
    talk.start("a", json!({"variables": {"x": {"value": 1}}})).await;
    talk.lock("a", "w", std::time::Duration::from_secs(600)).await;
    let local = json!({"modifications": {"mine": {"value": "before"}}});
    talk.post("a local one", "/execution/{a.execution}/localVariables", local).await;
    let given = json!({"x": {"value": 2}, "mine": {"value": "after"}, "new": {"value": true}});
    let failure = json!({"workerId": "w", "retries": 1, "retryTimeout": 600_000, "variables": given,
        "localVariables": {"own": {"value": 1}}});
    talk.post("a failure with variables", "/external-task/{a.task}/failure", failure).await;
    talk.get("the instance's", "/process-instance/{a}/variables").await;
    talk.get("the task's", "/execution/{a.execution}/localVariables").await;
    let complete = json!({"workerId": "w", "variables": {"mine": {"value": "done"}, "out": {"value": 1.5}},
        "localVariables": {"own": {"value": 2}, "x": {"value": 77}}});
    talk.post("a completion with variables", "/external-task/{a.task}/complete", complete).await;
    let sorted = "processInstanceId={a}&sortBy=variableName&sortOrder=asc&deserializeValues=false";
    talk.get("what remains", &format!("/history/variable-instance?{sorted}")).await;
    talk.must_be_as_written("outcome-variables");
}
