//! Queries and counts by GET and POST, topic names, and the retries of several tasks at once.

use std::time::Duration;

use serde_json::{Value, json};

use super::talk::{Sent, Talk, until};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    a_query_chooses_and_sorts_tasks_by_parameters_and_by_a_body,
    a_query_that_cannot_be_read_is_refused,
    topic_names_are_those_of_open_tasks,
    retries_of_several_tasks_are_set_together_or_not_at_all,
    a_batch_of_retries_answers_at_once,
    a_batch_is_gone_when_it_is_done_and_stays_with_the_jobs_that_failed,
);

async fn a_query_chooses_and_sorts_tasks_by_parameters_and_by_a_body(engine: Engine) {
    const TOPIC: &str = "contract-query";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.with_tenant("t1").await;
    talk.start("a", json!({"variables": {"n": {"value": 1}, "s": {"value": "one"}, "d": {"value": 1.5}}})).await;
    talk.start("b", json!({"variables": {"n": {"value": 2}, "s": {"value": "two"}, "z": {"value": null}}})).await;
    talk.start("c", json!({"variables": {"l": {"value": 3_000_000_000_i64}, "t": {"value": true}}})).await;
    talk.start_for_tenant("d", "t1", json!({})).await;
    talk.lock("a", "w1", Duration::from_secs(600)).await;
    talk.lock("b", "w2", Duration::from_secs(1_200)).await;
    talk.put("a priority", "/external-task/{b.task}/priority", json!({"priority": 7})).await;
    talk.put("another", "/external-task/{c.task}/priority", json!({"priority": -7})).await;
    talk.put("no retries", "/external-task/{c.task}/retries", json!({"retries": 0})).await;
    talk.put("suspended", "/process-instance/{d}/suspended", json!({"suspended": true})).await;
    let condition = |name: &str, operator: &str, value: Value| json!({"processVariables": [{"name": name, "operator": operator, "value": value}]});
    for filters in [
        json!({}),
        json!({"externalTaskId": "{a.task}"}),
        json!({"externalTaskIdIn": ["{a.task}", "{c.task}", "nope"]}),
        json!({"workerId": "w1"}),
        json!({"workerId": "w1", "locked": true}),
        json!({"locked": true}),
        json!({"locked": false}),
        json!({"notLocked": true}),
        json!({"withRetriesLeft": true}),
        json!({"noRetriesLeft": true}),
        json!({"active": true}),
        json!({"suspended": true}),
        json!({"activityId": "work"}),
        json!({"activityIdIn": ["work", "nope"]}),
        json!({"activityId": "nope"}),
        json!({"executionId": "{a.execution}"}),
        json!({"processInstanceId": "{b}"}),
        json!({"processInstanceIdIn": ["{a}", "{b}"]}),
        json!({"processDefinitionId": "{definition}"}),
        json!({"processDefinitionKey": TOPIC}),
        json!({"processDefinitionKeyIn": ["nope"]}),
        json!({"processDefinitionName": TOPIC}),
        json!({"processDefinitionNameLike": "contract-q%"}),
        json!({"processDefinitionNameLike": "q%"}),
        json!({"tenantIdIn": ["t1"]}),
        json!({"priorityHigherThanOrEquals": 0}),
        json!({"priorityLowerThanOrEquals": 0}),
        json!({"lockExpirationAfter": "2013-01-23T14:42:45.000+0000"}),
        json!({"lockExpirationBefore": "2013-01-23T14:42:45.000+0000"}),
        json!({"lockExpirationBefore": "2126-01-23T14:42:45.000+0000"}),
        condition("n", "eq", json!(1)),
        condition("n", "neq", json!(1)),
        condition("n", "gt", json!(1)),
        condition("n", "gteq", json!(1)),
        condition("n", "lt", json!(2)),
        condition("n", "lteq", json!(2)),
        condition("n", "eq", json!("1")),
        condition("l", "eq", json!(3_000_000_000_i64)),
        condition("d", "eq", json!(1.5)),
        condition("d", "gt", json!(1.0)),
        condition("t", "eq", json!(true)),
        condition("s", "eq", json!("one")),
        condition("s", "neq", json!("one")),
        condition("s", "gt", json!("one")),
        condition("s", "like", json!("%n%")),
        condition("s", "notLike", json!("%n%")),
        condition("nope", "eq", json!(1)),
        json!({"processVariables": [{"name": "n", "operator": "gt", "value": 0},
            {"name": "s", "operator": "eq", "value": "two"}]}),
        condition("z", "eq", json!(null)),
        condition("z", "neq", json!(null)),
        condition("n", "neq", json!(null)),
        condition("t", "neq", json!(true)),
        condition("s", "like", json!("ONE")),
        json!({"externalTaskIdIn": []}),
        json!({"processInstanceIdIn": []}),
        json!({"processDefinitionKeyIn": []}),
        json!({"activityIdIn": []}),
        json!({"tenantIdIn": []}),
        json!({"nope": 1}),
    ] {
        let mut body = json!({"topicName": TOPIC, "sorting": [{"sortBy": "createTime", "sortOrder": "asc"}]});
        for (key, value) in filters.as_object().expect("an object") {
            body[key] = value.clone();
        }
        talk.found("by a body", "POST", "/external-task", body).await;
    }
    for parameters in [
        "externalTaskIdIn={a.task},nope",
        "workerId=w1&locked=true",
        "notLocked=true",
        "noRetriesLeft=true",
        "suspended=true",
        "processInstanceIdIn={a},{b}",
        "tenantIdIn=t1,t2",
        "priorityHigherThanOrEquals=7",
        "lockExpirationAfter=2013-01-23T14:42:45.000%2B0000",
        "processVariables=n_eq_1",
        "processVariables=s_eq_one",
        "processVariables=s_like_%25n%25",
        "processVariables=n_gt_0,s_eq_two",
        "nope=1",
        "firstResult=1",
        "maxResults=2",
        "firstResult=1&maxResults=1",
        "maxResults=0",
        "maxResults=-1",
        "firstResult=-1",
    ] {
        let path = format!("/external-task?topicName={TOPIC}&sortBy=createTime&sortOrder=asc&{parameters}");
        talk.found("by parameters", "GET", &path, ()).await;
        let path = format!("/external-task/count?topicName={TOPIC}&{parameters}");
        talk.get("counted", &path).await;
    }
    for (by, order) in
        [("createTime", "desc"), ("taskPriority", "asc"), ("taskPriority", "desc"), ("processDefinitionKey", "asc")]
    {
        let sorting = json!([{"sortBy": by, "sortOrder": order}, {"sortBy": "createTime", "sortOrder": "asc"}]);
        let body = json!({"topicName": TOPIC, "sorting": sorting});
        talk.found(&format!("by {by} {order}"), "POST", "/external-task", body).await;
    }
    let ids = json!(["{a.task}", "{b.task}"]);
    let sorting = json!([{"sortBy": "lockExpirationTime", "sortOrder": "desc"}]);
    let body = json!({"externalTaskIdIn": ids, "sorting": sorting});
    talk.found("by the end of the lock", "POST", "/external-task", body).await;
    let body = json!({"topicName": TOPIC, "locked": true});
    talk.post("counted by a body", "/external-task/count", body).await;
    let body = json!({"topicName": TOPIC, "sorting": [{"sortBy": "createTime", "sortOrder": "asc"}]});
    talk.found("a page of a body", "POST", "/external-task?firstResult=1&maxResults=2", body).await;
    talk.get("one", "/external-task/{d.task}").await;
    talk.must_be_as_written("queries");
}

async fn a_query_that_cannot_be_read_is_refused(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-bad-query").await;
    for parameters in [
        "locked=abc",
        "locked=",
        "priorityHigherThanOrEquals=x",
        "lockExpirationBefore=abc",
        "lockExpirationBefore=2013-01-23T14:42:45Z",
        "processVariables=a_1",
        "processVariables=a_foo_1",
        "sortBy=nope&sortOrder=asc",
        "sortBy=id&sortOrder=up",
        "sortBy=id",
        "sortOrder=asc",
    ] {
        let path = format!("/external-task/count?topicName=contract-bad-query&{parameters}");
        talk.get("counted", &path).await;
    }
    for parameters in ["maxResults=x", "firstResult=x", "sortBy=id", "sortBy=nope&sortOrder=asc"] {
        talk.get("listed", &format!("/external-task?topicName=contract-bad-query&{parameters}")).await;
    }
    for body in [
        json!({"locked": "x"}),
        json!({"priorityHigherThanOrEquals": "x"}),
        json!({"externalTaskIdIn": "x"}),
        json!({"lockExpirationBefore": "abc"}),
        json!({"processVariables": {}}),
        json!({"processVariables": [{"name": "a", "operator": "foo", "value": 1}]}),
        json!({"processVariables": [{"name": "a", "operator": "eq", "value": {"b": 1}}]}),
        json!({"processVariables": [{"name": "a", "operator": "like", "value": 1}]}),
        json!({"processVariables": [{"name": "a", "operator": "gt", "value": null}]}),
        json!({"processVariables": [{"name": "a", "operator": "gt", "value": true}]}),
        json!({"processVariables": [{"name": "a", "operator": "gteq", "value": true}]}),
        json!({"processVariables": [{"name": "a", "operator": "lt", "value": null}]}),
        json!({"processVariables": [{"name": "a", "operator": "lteq", "value": null}]}),
        json!({"processVariables": [{"name": "a", "operator": "like", "value": null}]}),
        json!({"processVariables": [{"name": "a", "operator": "neq", "value": [1]}]}),
        json!({"processVariables": [{"operator": "eq", "value": 1}]}),
        json!({"processVariables": [{"name": "a", "value": 1}]}),
        json!({"processVariables": [{"name": "a", "operator": "eq"}]}),
        json!({"processVariables": [null]}),
        json!({"sorting": [{"sortBy": "nope", "sortOrder": "asc"}]}),
        json!({"sorting": [{"sortBy": "id", "sortOrder": "up"}]}),
        json!({"sorting": [{"sortBy": "id"}]}),
        json!({"sorting": [{"sortOrder": "asc"}]}),
        json!({"sorting": [{}]}),
        json!({"sorting": [{"sortBy": "nope"}]}),
    ] {
        let mut query = json!({"topicName": "contract-bad-query"});
        for (key, value) in body.as_object().expect("an object") {
            query[key] = value.clone();
        }
        talk.post("by a body", "/external-task", query).await;
    }
    talk.must_be_as_written("bad-queries");
}

async fn topic_names_are_those_of_open_tasks(engine: Engine) {
    const TOPIC: &str = "contract-topic-names";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.start("a", json!({})).await;
    talk.start("b", json!({})).await;
    talk.lock("a", "w", Duration::from_secs(600)).await;
    let states = [("one locked, one not", None), ("both locked", Some("b"))];
    for (about, locked) in states {
        if let Some(name) = locked {
            talk.lock(name, "w", Duration::from_secs(600)).await;
        }
        for parameters in
            ["", "?withLockedTasks=true", "?withUnlockedTasks=true", "?withRetriesLeft=true", "?withLockedTasks=x"]
        {
            let names = talk.engine.get(&format!("/external-task/topic-names{parameters}")).await.expect("names");
            // Other tests have topics too.
            let found = names.as_array().expect("a list").iter().filter(|name| **name == TOPIC).count();
            talk.tell(&format!("{about}, {parameters}: {found}\n"));
        }
    }
    talk.must_be_as_written("topic-names");
}

async fn retries_of_several_tasks_are_set_together_or_not_at_all(engine: Engine) {
    const TOPIC: &str = "contract-several";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.start("a", json!({})).await;
    talk.start("b", json!({"businessKey": "b"})).await;
    talk.put("0 by ids", "/external-task/retries", json!({"retries": 0, "externalTaskIds": ["{a.task}", "{b.task}"]}))
        .await;
    talk.get("an incident each", "/incident/count?processInstanceId={a}").await;
    for (about, body) in [
        ("nothing", json!({})),
        ("no tasks", json!({"retries": 1})),
        ("no number", json!({"externalTaskIds": ["{a.task}"]})),
        ("a negative number", json!({"retries": -2, "externalTaskIds": ["{a.task}"]})),
        ("a word", json!({"retries": "x", "externalTaskIds": ["{a.task}"]})),
        ("an unknown task", json!({"retries": 1, "externalTaskIds": ["nope"]})),
        ("an unknown task and a known one", json!({"retries": 3, "externalTaskIds": ["nope", "{a.task}"]})),
        ("a task that is null", json!({"retries": 1, "externalTaskIds": [null]})),
        ("no such instance", json!({"retries": 1, "processInstanceIds": ["nope"]})),
        ("a query that finds nothing", json!({"retries": 1, "externalTaskQuery": {"topicName": "none"}})),
    ] {
        talk.put(about, "/external-task/retries", body).await;
    }
    talk.get("nothing has changed", "/external-task/{a.task}").await;
    for (about, body) in [
        ("by instances", json!({"retries": 4, "processInstanceIds": ["{a}"]})),
        (
            "by a query for tasks",
            json!({"retries": 5, "externalTaskQuery": {"topicName": TOPIC, "noRetriesLeft": true}}),
        ),
        (
            "by a query for instances",
            json!({"retries": 6, "processInstanceQuery": {"businessKey": "b", "processDefinitionKey": TOPIC}}),
        ),
        (
            "by a query for past instances",
            json!({"retries": 7, "historicProcessInstanceQuery": {"processInstanceIds": ["{b}"]}}),
        ),
        ("one task in two ways", json!({"retries": 8, "externalTaskIds": ["{a.task}"], "processInstanceIds": ["{a}"]})),
    ] {
        talk.put(about, "/external-task/retries", body).await;
        let query = json!({"topicName": TOPIC, "sorting": [{"sortBy": "createTime", "sortOrder": "asc"}]});
        let list = talk.engine.external_tasks(&query).await;
        let left: Vec<String> = list.expect("listed").iter().map(|task| task["retries"].to_string()).collect();
        talk.tell(&format!("left: {}\n", left.join(", ")));
    }
    talk.get("no incident", "/incident/count?processInstanceId={a}").await;
    talk.must_be_as_written("several-retries");
}

async fn a_batch_of_retries_answers_at_once(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-batch").await;
    talk.start("a", json!({})).await;
    let batch = "/external-task/retries-async";
    talk.post("nothing", batch, json!({})).await;
    talk.post("no body", batch, Sent::Nothing).await;
    talk.post("no tasks", batch, json!({"retries": 1})).await;
    talk.post("no number", batch, json!({"externalTaskIds": ["{a.task}"]})).await;
    talk.post("a negative number", batch, json!({"retries": -1, "externalTaskIds": ["{a.task}"]})).await;
    talk.post("a task", batch, json!({"retries": 5, "externalTaskIds": ["{a.task}"]})).await;
    let task = format!("/external-task/{}", talk.id("a.task"));
    until(async || talk.engine.get(&task).await.expect("there")["retries"] == 5).await;
    talk.tell("retries left: 5, sooner or later");
    talk.must_be_as_written("batch");
}

async fn a_batch_is_gone_when_it_is_done_and_stays_with_the_jobs_that_failed(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-batch-end").await;
    talk.start("a", json!({})).await;
    let task = talk.id("a.task");
    for (name, retries, tasks, failed) in
        [("done", 5, json!([task]), 0), ("partly", 6, json!(["nope", task]), 1), ("none", -1, json!([task]), 1)]
    {
        let body = json!({"retries": retries, "externalTaskIds": tasks});
        let batch = talk.engine.post("/external-task/retries-async", &body).await.expect("made");
        talk.know(name, &batch["id"]);
        talk.know(&format!("{name}.jobs"), &batch["batchJobDefinitionId"]);
        let path = format!("/batch/statistics?batchId={}", talk.id(name));
        until(async || match talk.engine.get(&path).await.expect("statistics")[0].clone() {
            Value::Null => true,
            statistics => failed > 0 && statistics["failedJobs"] == failed && statistics["remainingJobs"] == failed,
        })
        .await;
        talk.get("statistics", &format!("/batch/statistics?batchId={{{name}}}")).await;
        talk.get("counted", &format!("/batch/statistics/count?batchId={{{name}}}")).await;
        talk.get("the batch", &format!("/batch/{{{name}}}")).await;
        talk.get("failed jobs", &format!("/job?jobDefinitionId={{{name}.jobs}}&noRetriesLeft=true")).await;
        talk.get("other jobs", &format!("/job?jobDefinitionId={{{name}.jobs}}&withRetriesLeft=true")).await;
        talk.delete("deleted", &format!("/batch/{{{name}}}?cascade=true")).await;
        talk.get("gone", &format!("/batch/{{{name}}}")).await;
    }
    talk.get("what the batches did", "/external-task/{a.task}").await;
    talk.must_be_as_written("batch-end");
}
