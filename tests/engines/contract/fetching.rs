//! fetchAndLock: arguments, filters, order.

use serde_json::{Value, json};

use super::talk::{Sent, Talk, Unlike};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    a_fetch_is_checked_in_the_engines_order_and_refused_in_its_words,
    a_topics_filters_choose_its_tasks,
    a_fetch_shows_of_a_task_what_was_asked_for,
    a_fetch_deserializes_objects_where_it_is_asked_to,
    tasks_come_by_priority_and_age_as_asked,
);

const FETCH: &str = "/external-task/fetchAndLock";

/// A fetch of one task of a topic that has none, with other arguments.
fn fetch(arguments: Value) -> Value {
    with(json!({"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "none", "lockDuration": 1000}]}), arguments)
}

fn with(mut base: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        base[key] = value.clone();
    }
    base
}

async fn a_fetch_is_checked_in_the_engines_order_and_refused_in_its_words(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-fetch").await;
    for (about, arguments) in [
        ("a number as a text", json!({"maxTasks": "1"})),
        ("a text that is no number", json!({"maxTasks": "x"})),
        ("a fraction", json!({"maxTasks": 1.9})),
        ("a negative number", json!({"maxTasks": -1})),
        ("no number", json!({"maxTasks": null})),
        ("a number of more than 32 bits", json!({"maxTasks": 3_000_000_000_u64})),
        ("a flag that is none", json!({"usePriority": "x"})),
        ("a number as a flag", json!({"usePriority": 1})),
        ("no topics", json!({"topics": []})),
        ("topics that are null", json!({"topics": null})),
        ("topics that are no list", json!({"topics": {}})),
        ("a topic that is null", json!({"topics": [null]})),
        ("a topic without a name", json!({"topics": [{"lockDuration": 1000}]})),
        ("a topic without a lock duration", json!({"topics": [{"topicName": "none"}]})),
        ("a lock duration of 0", json!({"topics": [{"topicName": "none", "lockDuration": 0}]})),
        ("a negative lock duration", json!({"topics": [{"topicName": "none", "lockDuration": -1}]})),
        (
            "an object among the process variables",
            json!({"topics": [{"topicName": "none", "lockDuration": 1, "processVariables": {"a": {"b": 1}}}]}),
        ),
        ("another order", json!({"sorting": [{"sortBy": "x", "sortOrder": "asc"}]})),
        ("capitals in the direction", json!({"sorting": [{"sortBy": "createTime", "sortOrder": "ASC"}]})),
        ("no direction", json!({"sorting": [{"sortBy": "createTime"}]})),
        ("a direction of nothing", json!({"sorting": [{"sortOrder": "asc"}]})),
        ("a long poll of negative length", json!({"asyncResponseTimeout": -5})),
        ("a long poll of more than half an hour", json!({"asyncResponseTimeout": 1_800_001})),
        ("no worker", json!({"workerId": null})),
        ("a number as a worker", json!({"workerId": 5})),
        ("no worker and no topics", json!({"workerId": null, "topics": []})),
        ("no worker, to be parked", json!({"workerId": null, "asyncResponseTimeout": 1000})),
        ("too long a poll without a worker", json!({"workerId": null, "asyncResponseTimeout": 1_800_001})),
        ("a bad order without a worker", json!({"workerId": null, "sorting": [{"sortBy": "x", "sortOrder": "asc"}]})),
        ("a negative number and no lock duration", json!({"maxTasks": -1, "topics": [{"topicName": "none"}]})),
        ("an unknown key", json!({"nope": 1})),
    ] {
        talk.post(about, FETCH, fetch(arguments)).await;
    }
    talk.post("no body", FETCH, ()).await;
    talk.post("an empty object", FETCH, json!({})).await;
    talk.must_be_as_written("fetch-arguments");
}

async fn a_topics_filters_choose_its_tasks(engine: Engine) {
    const TOPIC: &str = "contract-filters";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.with_tenant("t1").await;
    let a = json!({"n": {"type": "Integer", "value": 1}, "s": {"type": "String", "value": "x"}});
    let b = json!({"n": {"type": "Long", "value": 1}, "b": {"type": "Boolean", "value": true},
        "d": {"type": "Double", "value": 1.5}, "z": {"type": "Null", "value": null},
        "y": {"type": "String", "value": null}});
    talk.start("a", json!({"businessKey": "k1", "variables": a})).await;
    talk.start("b", json!({"businessKey": "k2", "variables": b})).await;
    talk.start_for_tenant("c", "t1", json!({"businessKey": "k1"})).await;
    for (about, filters) in [
        ("none", json!({})),
        ("a business key", json!({"businessKey": "k1"})),
        ("an unknown business key", json!({"businessKey": "k"})),
        ("a definition", json!({"processDefinitionId": "{definition}"})),
        ("that of the tenant", json!({"processDefinitionId": "{tenant-definition}"})),
        ("definitions", json!({"processDefinitionIdIn": ["{definition}", "nope"]})),
        ("no definitions", json!({"processDefinitionIdIn": []})),
        ("a key", json!({"processDefinitionKey": TOPIC})),
        ("an unknown key", json!({"processDefinitionKey": "nope"})),
        ("keys", json!({"processDefinitionKeyIn": ["nope", TOPIC]})),
        ("no keys", json!({"processDefinitionKeyIn": []})),
        ("a version tag", json!({"processDefinitionVersionTag": "v1"})),
        ("any version tag", json!({"processDefinitionVersionTag": "%"})),
        ("a tenant", json!({"tenantIdIn": ["t1"]})),
        ("another tenant", json!({"tenantIdIn": ["t2"]})),
        ("no tenants", json!({"tenantIdIn": []})),
        ("no tenant", json!({"withoutTenantId": true})),
        ("whatever tenant", json!({"withoutTenantId": false})),
        ("a variable", json!({"processVariables": {"n": 1}})),
        ("a Long, which a small number is not", json!({"processVariables": {"n": 3_000_000_000_i64}})),
        ("a text", json!({"processVariables": {"s": "x"}})),
        ("a truth value", json!({"processVariables": {"b": true}})),
        ("a fraction", json!({"processVariables": {"d": 1.5}})),
        ("null", json!({"processVariables": {"z": null}})),
        ("null of a type", json!({"processVariables": {"y": null}})),
        ("null, where there is no variable", json!({"processVariables": {"x": null}})),
        ("the wrong type", json!({"processVariables": {"n": "1"}})),
        ("several variables, of which any will do", json!({"processVariables": {"s": "x", "b": true, "q": 1}})),
        ("no variables", json!({"processVariables": {}})),
        ("two filters", json!({"businessKey": "k1", "withoutTenantId": true})),
        ("an unknown filter", json!({"nope": "x"})),
    ] {
        let topic = with(json!({"topicName": TOPIC, "lockDuration": 60_000}), filters);
        let sorting = json!([{"sortBy": "createTime", "sortOrder": "asc"}]);
        let body = json!({"workerId": "w", "maxTasks": 10, "sorting": sorting, "topics": [topic]});
        talk.found(about, "POST", FETCH, body).await;
    }
    let two = json!([{"topicName": TOPIC, "lockDuration": 60_000, "businessKey": "k1"},
        {"topicName": TOPIC, "lockDuration": 60_000, "businessKey": "k2"}]);
    let body = json!({"workerId": "w", "maxTasks": 10, "topics": two});
    talk.found("one topic twice: the last counts", "POST", FETCH, body).await;
    let two = json!([{"topicName": TOPIC, "lockDuration": 60_000, "businessKey": "k2"},
        {"topicName": "none", "lockDuration": 60_000}]);
    let body = json!({"workerId": "w", "maxTasks": 10, "topics": two});
    talk.found("two topics", "POST", FETCH, body).await;
    talk.must_be_as_written("fetch-filters");
}

async fn a_fetch_shows_of_a_task_what_was_asked_for(engine: Engine) {
    const TOPIC: &str = "contract-shown";
    let mut talk = Talk::about(engine, TOPIC).await;
    let variables = json!({"n": {"type": "Integer", "value": 1}, "s": {"type": "String", "value": "outer"},
        "f": {"type": "File", "value": "AAE=", "valueInfo": {"filename": "x.bin"}}});
    talk.start("a", json!({"businessKey": "k", "variables": variables})).await;
    let local = json!({"modifications": {"s": {"value": "inner"}, "l": {"value": 2}}});
    talk.post("local variables", "/execution/{a.execution}/localVariables", local).await;
    for (about, more) in [
        ("all variables, the local before the others", json!({})),
        ("some", json!({"variables": ["n", "l", "nope"]})),
        ("none", json!({"variables": []})),
        ("null, which is all", json!({"variables": null})),
        ("local ones", json!({"localVariables": true})),
        ("some local ones", json!({"localVariables": true, "variables": ["n", "s"]})),
        ("deserialized ones", json!({"deserializeValues": true, "variables": ["n"]})),
        ("extension properties, of which there are none", json!({"includeExtensionProperties": true, "variables": []})),
    ] {
        let topic = with(json!({"topicName": TOPIC, "lockDuration": 60_000}), more);
        talk.post(about, FETCH, json!({"workerId": "w", "maxTasks": 1, "topics": [topic]})).await;
        talk.post("unlocked", "/external-task/{a.task}/unlock", ()).await;
    }
    talk.lock("a", "w", std::time::Duration::from_secs(60)).await;
    let failure = json!({"workerId": "w", "errorMessage": "m", "errorDetails": "d", "retries": 2, "retryTimeout": 0});
    talk.post("a failure", "/external-task/{a.task}/failure", failure).await;
    talk.await_free("a").await;
    let topic = json!({"topicName": TOPIC, "lockDuration": 60_000, "variables": []});
    let body = json!({"workerId": "w", "maxTasks": 1, "topics": [topic]});
    talk.post("after a failure", FETCH, body).await;
    talk.must_be_as_written("fetch-shown");
}

async fn a_fetch_deserializes_objects_where_it_is_asked_to(engine: Engine) {
    const TOPIC: &str = "contract-deserialized";
    let mut talk = Talk::about(engine, TOPIC).await;
    let object = |class: &str, text: &str| {
        json!({"type": "Object", "value": text,
            "valueInfo": {"objectTypeName": class, "serializationDataFormat": "application/json"}})
    };
    let variables = json!({
        "map": object("java.util.LinkedHashMap", "{\"k\": 1, \"l\": [true, null]}"),
        "list": object("java.util.ArrayList", "[1, \"a\"]"),
        "json": {"type": "Json", "value": "{\"k\": 1}"},
        "text": {"type": "String", "value": "{}"},
    });
    talk.start("a", json!({"variables": variables})).await;
    for (about, more) in [
        ("unasked", json!({})),
        ("not", json!({"deserializeValues": false})),
        ("null, which is not", json!({"deserializeValues": null})),
        ("yes", json!({"deserializeValues": true, "variables": ["json", "text"]})),
    ] {
        let topic = with(json!({"topicName": TOPIC, "lockDuration": 60_000}), more);
        talk.post(about, FETCH, json!({"workerId": "w", "maxTasks": 1, "topics": [topic]})).await;
        talk.post("unlocked", "/external-task/{a.task}/unlock", ()).await;
    }
    let unlike = Unlike {
        because: "there are no classes, and so no types of what they hold",
        operaton: r#"200 [{"activityId":"work","activityInstanceId":"work:ID","businessKey":null,"createTime":"NOW","errorDetails":null,"errorMessage":null,"executionId":"{a.execution}","extensionProperties":{},"id":"{a.task}","lockExpirationTime":"LATER","priority":0,"processDefinitionId":"{definition}","processDefinitionKey":"contract-deserialized","processDefinitionVersionTag":null,"processInstanceId":"{a}","retries":null,"suspended":false,"tenantId":null,"topicName":"contract-deserialized","variables":{"list":{"type":"Object","value":[1,"a"],"valueInfo":{"objectTypeName":"java.util.ArrayList<java.lang.Integer>","serializationDataFormat":"application/json"}},"map":{"type":"Object","value":{"k":1,"l":[true,null]},"valueInfo":{"objectTypeName":"java.util.LinkedHashMap<java.lang.Object,java.lang.Object>","serializationDataFormat":"application/json"}}},"workerId":"w"}]"#,
        embedded: r#"200 [{"activityId":"work","activityInstanceId":"work:ID","businessKey":null,"createTime":"NOW","errorDetails":null,"errorMessage":null,"executionId":"{a.execution}","extensionProperties":{},"id":"{a.task}","lockExpirationTime":"LATER","priority":0,"processDefinitionId":"{definition}","processDefinitionKey":"contract-deserialized","processDefinitionVersionTag":null,"processInstanceId":"{a}","retries":null,"suspended":false,"tenantId":null,"topicName":"contract-deserialized","variables":{"list":{"type":"Object","value":[1,"a"],"valueInfo":{"objectTypeName":"java.util.ArrayList","serializationDataFormat":"application/json"}},"map":{"type":"Object","value":{"k":1,"l":[true,null]},"valueInfo":{"objectTypeName":"java.util.LinkedHashMap","serializationDataFormat":"application/json"}}},"workerId":"w"}]"#,
    };
    let topic = json!({"topicName": TOPIC, "lockDuration": 60_000, "deserializeValues": true,
        "variables": ["list", "map"]});
    let body = json!({"workerId": "w", "maxTasks": 1, "topics": [topic]});
    talk.unlike("objects", "POST", FETCH, body, unlike).await;
    talk.must_be_as_written("fetch-deserialized");
}

async fn tasks_come_by_priority_and_age_as_asked(engine: Engine) {
    const TOPIC: &str = "contract-order";
    let mut talk = Talk::about(engine, TOPIC).await;
    for name in ["a", "b", "c", "d"] {
        talk.start(name, json!({})).await;
    }
    for (name, priority) in [("b", 10), ("c", -5), ("d", 10)] {
        let path = format!("/external-task/{{{name}.task}}/priority");
        talk.put("a priority", &path, json!({"priority": priority})).await;
    }
    let asc = json!([{"sortBy": "createTime", "sortOrder": "asc"}]);
    let desc = json!([{"sortBy": "createTime", "sortOrder": "desc"}]);
    for (about, arguments) in [
        ("the oldest first", json!({"sorting": asc})),
        ("the youngest first", json!({"sorting": desc})),
        ("by priority, then the oldest first", json!({"usePriority": true, "sorting": asc})),
        ("by priority, then the youngest first", json!({"usePriority": true, "sorting": desc})),
        ("two of them", json!({"usePriority": true, "sorting": asc, "maxTasks": 2})),
        ("the oldest one", json!({"sorting": asc, "maxTasks": 1})),
        ("the youngest one", json!({"sorting": desc, "maxTasks": 1})),
        ("none of them", json!({"maxTasks": 0})),
        ("no number, which is none", json!({"maxTasks": null})),
    ] {
        let base = json!({"workerId": "w", "maxTasks": 10, "topics": [{"topicName": TOPIC, "lockDuration": 60_000}]});
        talk.found(about, "POST", FETCH, Sent::Json(with(base, arguments))).await;
    }
    talk.must_be_as_written("fetch-order");
}
