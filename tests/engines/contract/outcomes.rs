//! Outcome calls: whose lock it must be, what expiry changes, retries and incidents, suspension and deletion.

use std::time::Duration;

use serde_json::{Value, json};

use super::talk::{Sent, Talk};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    an_outcome_needs_a_known_task_and_the_worker_who_locked_it_last,
    a_lock_that_expired_still_counts_for_outcomes_but_is_not_extended,
    retries_at_0_are_an_incident_until_somebody_sets_them,
    a_bpmn_error_that_nothing_catches_ends_the_instance,
    outcomes_for_a_suspended_instance_are_refused,
    a_deleted_instance_is_gone,
);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(1_800);

/// Over at once.
const MOMENT: Duration = Duration::from_millis(1);

async fn an_outcome_needs_a_known_task_and_the_worker_who_locked_it_last(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-outcomes").await;
    talk.start("a", json!({})).await;
    talk.start("free", json!({})).await;
    talk.lock("a", "w", LONG).await;
    let whose = [
        ("another worker", "{a.task}", "o"),
        ("a task that nobody locked", "{free.task}", "w"),
        ("an unknown task", "nope", "w"),
    ];
    for (about, task, worker) in whose {
        for call in ["complete", "failure", "bpmnError", "extendLock", "lock"] {
            if (about, call) == ("a task that nobody locked", "lock") {
                continue;
            }
            let body = json!({"workerId": worker, "errorCode": "E", "retries": 1, "newDuration": 1000,
                "lockDuration": 1000});
            talk.post(&format!("{call}: {about}"), &format!("/external-task/{task}/{call}"), body).await;
        }
    }
    for (about, call, body) in [
        ("no worker", "complete", json!({})),
        ("a number as a worker", "complete", json!({"workerId": 5})),
        ("an empty worker", "complete", json!({"workerId": ""})),
        ("no worker", "failure", json!({"retries": 1})),
        ("negative retries", "failure", json!({"workerId": "w", "retries": -1})),
        ("a negative retry time", "failure", json!({"workerId": "w", "retries": 1, "retryTimeout": -1})),
        ("both", "failure", json!({"workerId": "w", "retries": -1, "retryTimeout": -1})),
        ("retries that are no number", "failure", json!({"workerId": "w", "retries": "x"})),
        ("negative retries and another worker", "failure", json!({"workerId": "o", "retries": -1})),
        ("nothing", "bpmnError", json!({})),
        ("no code", "bpmnError", json!({"workerId": "w"})),
        ("no code and another worker", "bpmnError", json!({"workerId": "o"})),
        ("no worker", "bpmnError", json!({"errorCode": "E"})),
        ("nothing", "extendLock", json!({})),
        ("no duration", "extendLock", json!({"workerId": "w"})),
        ("a negative duration", "extendLock", json!({"workerId": "w", "newDuration": -1})),
        ("no worker", "extendLock", json!({"newDuration": 1000})),
        ("no duration and another worker", "extendLock", json!({"workerId": "o", "newDuration": 0})),
        ("no worker", "lock", json!({"lockDuration": 1000})),
        ("no duration", "lock", json!({"workerId": "w"})),
        ("a duration of 0", "lock", json!({"workerId": "w", "lockDuration": 0})),
        ("the same worker", "lock", json!({"workerId": "w", "lockDuration": 600_000})),
        ("what is to be", "extendLock", json!({"workerId": "w", "newDuration": 600_000})),
    ] {
        talk.post(&format!("{call}: {about}"), &format!("/external-task/{{a.task}}/{call}"), body).await;
    }
    for (about, call, body) in [
        ("no worker", "complete", json!({})),
        ("negative retries", "failure", json!({"workerId": "w", "retries": -1})),
        ("no code", "bpmnError", json!({"workerId": "w"})),
        ("a duration of 0", "extendLock", json!({"workerId": "w", "newDuration": 0})),
        ("a duration of 0", "lock", json!({"workerId": "w", "lockDuration": 0})),
        ("a bad variable", "complete", json!({"workerId": "w", "variables": {"v": {"value": 1, "type": "Nope"}}})),
    ] {
        talk.post(&format!("{call}: an unknown task and {about}"), &format!("/external-task/nope/{call}"), body).await;
    }
    talk.post("unlock: an unknown task", "/external-task/nope/unlock", ()).await;
    talk.get("the task so far", "/external-task/{a.task}").await;
    let garbage = Sent::Text(Some("text/plain"), "garbage");
    talk.post("unlock: anybody, with any body", "/external-task/{a.task}/unlock", garbage).await;
    talk.get("unlocked", "/external-task/{a.task}").await;
    talk.post("unlock: again", "/external-task/{a.task}/unlock", json!({"workerId": "o"})).await;
    let done = json!({"workerId": "w"});
    talk.post("complete: the old worker", "/external-task/{a.task}/complete", done.clone()).await;
    talk.lock("a", "o", LONG).await;
    talk.post("complete: after another has locked it", "/external-task/{a.task}/complete", done).await;
    let done = json!({"workerId": "o"});
    talk.post("complete: its holder", "/external-task/{a.task}/complete", done.clone()).await;
    talk.post("complete: again", "/external-task/{a.task}/complete", done).await;
    talk.must_be_as_written("whose-lock");
}

async fn a_lock_that_expired_still_counts_for_outcomes_but_is_not_extended(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-expiry").await;
    for name in ["a", "b", "c"] {
        talk.start(name, json!({})).await;
        talk.lock(name, "w", MOMENT).await;
        talk.await_free(name).await;
    }
    talk.get("an expired lock", "/external-task/{a.task}").await;
    let extend = json!({"workerId": "w", "newDuration": 60_000});
    talk.post("not extended", "/external-task/{a.task}/extendLock", extend.clone()).await;
    let other = json!({"workerId": "o", "newDuration": 60_000});
    talk.post("nor by another", "/external-task/{a.task}/extendLock", other).await;
    let lock = json!({"workerId": "w", "lockDuration": 60_000});
    talk.post("locked again", "/external-task/{a.task}/lock", lock).await;
    let other = json!({"workerId": "o", "lockDuration": 60_000});
    talk.post("not by another then", "/external-task/{a.task}/lock", other.clone()).await;
    talk.post("extended", "/external-task/{a.task}/extendLock", extend).await;
    let shorter = json!({"workerId": "w", "newDuration": 1});
    talk.post("shortened", "/external-task/{a.task}/extendLock", shorter).await;
    talk.await_free("a").await;
    talk.post("by another when it is over", "/external-task/{a.task}/lock", other).await;
    let done = json!({"workerId": "w"});
    talk.post("complete: another has it now", "/external-task/{a.task}/complete", done.clone()).await;
    talk.post("complete: nobody else had it", "/external-task/{b.task}/complete", done.clone()).await;
    let failure = json!({"workerId": "w", "errorMessage": "late", "retries": 3, "retryTimeout": 0});
    talk.post("failure: nobody else had it", "/external-task/{c.task}/failure", failure).await;
    talk.post("complete: after a failure", "/external-task/{c.task}/complete", done).await;
    talk.must_be_as_written("expiry");
}

async fn retries_at_0_are_an_incident_until_somebody_sets_them(engine: Engine) {
    const TOPIC: &str = "contract-retries";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.start("a", json!({})).await;
    talk.lock("a", "w", LONG).await;
    let (task, incidents) = ("/external-task/{a.task}", "/incident?processInstanceId={a}");
    let (details, retries) = (&format!("{task}/errorDetails"), &format!("{task}/retries"));
    let failure = format!("{task}/failure");
    talk.get("no details yet", details).await;
    let with = |more: Value| {
        let mut body = json!({"workerId": "w", "errorMessage": "why", "errorDetails": "where\nand when"});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        body
    };
    talk.post("a retry that must wait", &failure, with(json!({"retries": 2, "retryTimeout": 1_800_000}))).await;
    talk.get("it is held until then", task).await;
    talk.get("its details", details).await;
    talk.get("no incident", incidents).await;
    let long = json!({"retries": 1, "errorMessage": "m".repeat(700), "errorDetails": null});
    talk.post("a long message", &failure, with(long)).await;
    let kept = talk.engine.get(&format!("/external-task/{}", talk.id("a.task"))).await.expect("there");
    talk.tell(&format!("characters kept: {}\n", kept["errorMessage"].as_str().expect("a message").chars().count()));
    talk.get("no details", details).await;
    talk.post("no retries named, which is 0", &failure, json!({"workerId": "w", "errorMessage": "no more"})).await;
    talk.get("at 0", task).await;
    talk.get("an incident", incidents).await;
    talk.get("counted", "/incident/count?processInstanceId={a}").await;
    let kind = format!("/incident?incidentType=failedExternalTask&processDefinitionKeyIn={TOPIC}");
    talk.get("found by type and key", &kind).await;
    talk.get("found by nothing else", "/incident?processInstanceId={a}&incidentType=failedJob").await;
    let fetch = json!({"workerId": "w", "maxTasks": 1, "topics": [{"topicName": TOPIC, "lockDuration": 1000}]});
    talk.found("not fetched", "POST", "/external-task/fetchAndLock", fetch.clone()).await;
    talk.post("failed again: no second incident", &failure, with(json!({"retries": 0}))).await;
    talk.get("the one incident", incidents).await;
    for (about, path, body) in [
        ("retries of nothing", "{a.task}", json!({})),
        ("negative retries", "{a.task}", json!({"retries": -1})),
        ("retries that are no number", "{a.task}", json!({"retries": "x"})),
        ("retries of an unknown task", "nope", json!({"retries": 1})),
        ("negative retries of an unknown task", "nope", json!({"retries": -1})),
        ("a number as a text", "{a.task}", json!({"retries": "2"})),
    ] {
        talk.put(about, &format!("/external-task/{path}/retries"), body).await;
    }
    talk.get("resolved", incidents).await;
    talk.put("set to 0 by hand", retries, json!({"retries": 0})).await;
    talk.get("an incident of its own", incidents).await;
    talk.put("set to 1", retries, json!({"retries": 1})).await;
    talk.found("fetched", "POST", "/external-task/fetchAndLock", fetch).await;
    for (about, path, body) in [
        ("a priority of nothing", "{a.task}", json!({})),
        ("a priority that is no number", "{a.task}", json!({"priority": "abc"})),
        ("a priority of an unknown task", "nope", json!({"priority": 1})),
        ("a great priority", "{a.task}", json!({"priority": 9_007_199_254_740_993_i64})),
    ] {
        talk.put(about, &format!("/external-task/{path}/priority"), body).await;
    }
    talk.get("with its priority", task).await;
    talk.get("details of an unknown task", "/external-task/nope/errorDetails").await;
    talk.get("an unknown task", "/external-task/nope").await;
    talk.lock("a", "w", LONG).await;
    talk.post("at 0 again", &failure, with(json!({"retries": 0}))).await;
    talk.post("still completed by its worker", &format!("{task}/complete"), json!({"workerId": "w"})).await;
    talk.get("no incident of what is over", incidents).await;
    talk.get("past incidents", "/history/incident?processInstanceId={a}&sortBy=createTime&sortOrder=asc").await;
    talk.must_be_as_written("retries");
}

async fn a_bpmn_error_that_nothing_catches_ends_the_instance(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-bpmn-error").await;
    talk.start("a", json!({"variables": {"x": {"value": 1}}})).await;
    talk.lock("a", "w", LONG).await;
    let failure = json!({"workerId": "w", "errorMessage": "m", "retries": 0});
    talk.post("a failure without retries left", "/external-task/{a.task}/failure", failure).await;
    let body = json!({"workerId": "w", "errorCode": "X", "errorMessage": "m", "variables": {"v": {"value": 1}}});
    talk.post("reported", "/external-task/{a.task}/bpmnError", body).await;
    talk.get("no instance", "/process-instance/{a}").await;
    talk.get("in the history", "/history/process-instance/{a}").await;
    let sorted = "processInstanceId={a}&sortBy=activityId&sortOrder=asc";
    talk.get("its activities", &format!("/history/activity-instance?{sorted}")).await;
    talk.get("its log", "/history/external-task-log?processInstanceId={a}&sortBy=timestamp&sortOrder=asc").await;
    talk.get("its incidents", "/history/incident?processInstanceId={a}").await;
    let sorted = "processInstanceId={a}&sortBy=variableName&sortOrder=asc";
    talk.get("its variables", &format!("/history/variable-instance?{sorted}")).await;
    talk.must_be_as_written("bpmn-error");
}

async fn outcomes_for_a_suspended_instance_are_refused(engine: Engine) {
    const TOPIC: &str = "contract-suspended";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.start("a", json!({})).await;
    talk.lock("a", "w", LONG).await;
    talk.put("suspended", "/process-instance/{a}/suspended", json!({"suspended": true})).await;
    talk.get("the instance", "/process-instance/{a}").await;
    talk.get("its task", "/external-task/{a.task}").await;
    talk.get("in the history", "/history/process-instance/{a}").await;
    for (call, body) in [
        ("complete", json!({"workerId": "w"})),
        ("failure", json!({"workerId": "w", "retries": 1})),
        ("bpmnError", json!({"workerId": "w", "errorCode": "E"})),
        ("extendLock", json!({"workerId": "w", "newDuration": 1000})),
        ("lock", json!({"workerId": "w", "lockDuration": 1000})),
        ("unlock", json!({})),
    ] {
        talk.post(call, &format!("/external-task/{{a.task}}/{call}"), body).await;
    }
    talk.post("complete: another worker", "/external-task/{a.task}/complete", json!({"workerId": "o"})).await;
    talk.put("retries", "/external-task/{a.task}/retries", json!({"retries": 3})).await;
    let fetch = json!({"workerId": "w", "maxTasks": 1, "topics": [{"topicName": TOPIC, "lockDuration": 1000}]});
    talk.found("not fetched", "POST", "/external-task/fetchAndLock", fetch.clone()).await;
    talk.put("activated", "/process-instance/{a}/suspended", json!({"suspended": false})).await;
    talk.found("fetched", "POST", "/external-task/fetchAndLock", fetch).await;
    talk.put("of nothing", "/process-instance/{a}/suspended", json!({})).await;
    talk.put("an unknown instance", "/process-instance/nope/suspended", json!({"suspended": true})).await;
    talk.must_be_as_written("suspended");
}

async fn a_deleted_instance_is_gone(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-deleted").await;
    talk.start("a", json!({"businessKey": "k", "variables": {"x": {"value": 1}}})).await;
    talk.lock("a", "w", LONG).await;
    let failure = json!({"workerId": "w", "errorMessage": "m", "retries": 0});
    talk.post("a failure without retries left", "/external-task/{a.task}/failure", failure).await;
    talk.delete("deleted", "/process-instance/{a}").await;
    talk.delete("again", "/process-instance/{a}").await;
    talk.delete("again, which is no mistake", "/process-instance/{a}?failIfNotExists=false").await;
    talk.get("no instance", "/process-instance/{a}").await;
    talk.get("no task", "/external-task/{a.task}").await;
    talk.post("complete", "/external-task/{a.task}/complete", json!({"workerId": "w"})).await;
    talk.get("no variables", "/process-instance/{a}/variables").await;
    talk.get("in the history", "/history/process-instance/{a}").await;
    let sorted = "processInstanceId={a}&sortBy=activityId&sortOrder=asc";
    talk.get("its activities", &format!("/history/activity-instance?{sorted}")).await;
    talk.get("its log", "/history/external-task-log?processInstanceId={a}&sortBy=timestamp&sortOrder=asc").await;
    talk.get("its incidents", "/history/incident?processInstanceId={a}").await;
    talk.get("its variables", "/history/variable-instance?processInstanceId={a}").await;
    talk.must_be_as_written("deleted");
}
