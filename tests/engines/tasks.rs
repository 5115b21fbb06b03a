//! `fetchlock tasks` on both engines: lists, retries one by one, for a query and as a batch, unlock, priority.

use fetchlock_harness::{
    operator::{self, Ended},
    real_engine::{PASSWORD, USER},
};
use serde_json::{Value, json};

use crate::engine::{BINARY, Engine, Home, SETUP, SOON, on_both_engines, text};

on_both_engines!(
    the_incidents_of_a_repaired_plugin_are_woken_and_completed,
    tasks_are_found_by_every_filter_and_shown_whole,
    tasks_are_found_by_tenant_suspension_name_and_what_is_left,
    a_batch_of_retries_is_followed_to_its_end,
    a_held_task_is_freed_with_force_only_and_a_priority_is_set,
);

/// Compares with an inline snapshot, the same one on both engines.
macro_rules! must_be {
    ($told:expr, @$expected:literal) => {{
        let told = $told;
        insta::allow_duplicates! { insta::assert_snapshot!(told, @$expected) }
    }};
}

async fn tasks(engine: &Engine, arguments: &[&str]) -> Ended {
    let login = [("FETCHLOCK_ENGINE__USERNAME", USER), ("FETCHLOCK_ENGINE__PASSWORD", PASSWORD)];
    let login = if SETUP.1.auth { login.as_slice() } else { &[] };
    operator::tasks_with(BINARY, engine.base_url(), login, arguments).await.expect("ended")
}

/// Starts an instance; its id, and that of its task.
async fn start(engine: &Engine, topic: &str, business_key: &str, variables: &Value) -> (String, String) {
    let instance = engine.start_instance(topic, Some(business_key), variables).await.expect("started");
    let found = engine.external_tasks(&json!({"processInstanceId": instance})).await.expect("listed");
    (instance, found[0]["id"].as_str().expect("an id").to_owned())
}

/// Lets a task fail for the last time.
async fn fail(engine: &Engine, task: &str) {
    let lock = json!({"workerId": "w-broken", "lockDuration": 60_000});
    engine.post(&format!("/external-task/{task}/lock"), &lock).await.expect("locked");
    let failure = json!({"workerId": "w-broken", "retries": 0, "errorMessage": "no card", "errorDetails": "card.rs:7"});
    engine.post(&format!("/external-task/{task}/failure"), &failure).await.expect("failed");
}

async fn retries(engine: &Engine, task: &str) -> Value {
    engine.get(&format!("/external-task/{task}")).await.expect("there")["retries"].clone()
}

async fn the_incidents_of_a_repaired_plugin_are_woken_and_completed(engine: Engine) {
    const TOPIC: &str = "tasks-repaired";
    engine.deploy_topic(TOPIC).await;
    let home = Home::new();
    // The probe fails here, for it is not told how to behave.
    home.drop_plugin("probe", TOPIC, "retry = \"PT0.01S\"\n");
    let host = home.start(engine.base_url());
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(engine.start_instance(TOPIC, None, &json!({})).await.expect("started"));
    }
    for instance in &instances {
        engine.await_incident(instance, SOON).await.expect("an incident");
    }
    let incidents = ["count", "--topic", TOPIC, "--incidents"];
    assert_eq!(tasks(&engine, &incidents).await.stdout, "3\n");

    home.drop_component("versioned-v1", TOPIC);
    host.await_text("\"replaces\"", SOON).await.expect("repaired");
    let told = tasks(&engine, &["retry", "--topic", TOPIC, "--incidents"]).await.told(&[]);
    must_be!(told, @r"
    3 tasks: retries set to 1
    exit 0
    ");
    for instance in &instances {
        engine.await_completed(instance, SOON).await.expect("completed");
    }
    assert_eq!(tasks(&engine, &incidents).await.stdout, "0\n");
    let told = tasks(&engine, &["retry", "--topic", TOPIC, "--incidents"]).await.told(&[]);
    must_be!(told, @r"
    no task matches: nothing to do
    exit 0
    ");
}

async fn tasks_are_found_by_every_filter_and_shown_whole(engine: Engine) {
    const TOPIC: &str = "tasks-filters";
    engine.deploy_topic(TOPIC).await;
    let (instance, task) =
        start(&engine, TOPIC, "order-1", &json!({"amount": {"type": "Long", "value": 100}, "Card": text("4111")}))
            .await;
    let (_, other) = start(&engine, TOPIC, "order-2", &json!({"amount": {"type": "Long", "value": 5}})).await;
    fail(&engine, &task).await;
    let listed = engine.get(&format!("/external-task/{task}")).await.expect("there");
    let field = |name: &str| listed[name].as_str().expect("a text").to_owned();
    let (definition, execution) = (field("processDefinitionId"), field("executionId"));
    let of_task: [&[&str]; 22] = [
        &["--incidents"],
        &["--no-retries-left"],
        &["--id", &task],
        &["--worker", "w-broken"],
        &["--process-instance", &instance],
        &["--execution", &execution],
        &["--variable", "amount eq 100"],
        &["--variable", "amount neq 5"],
        &["--variable", "amount gt 99"],
        &["--variable", "amount gteq 100"],
        &["--variable", "Card eq 4111", "--incidents"],
        &["--variable", "Card eq \"4111\""],
        &["--variable", "Card like 41%"],
        &["--variable", "CARD like 41%", "--variable-names-ignore-case"],
        &["--variable", "Card neq null"],
        &["--lock-expires-before", "2126-01-23T14:42:45Z"],
        &["--lock-expires-after", "2013-01-23T14:42:45.000+0100"],
        &["--activity", "work", "--activity", "other", "--incidents"],
        &["--process-definition-key", TOPIC, "--incidents"],
        &["--process-definition-id", &definition, "--incidents"],
        &["--process-definition-name-like", "tasks-f%", "--incidents"],
        &["--not-locked", "--active", "--priority-at-most", "0", "--priority-at-least", "0", "--incidents"],
    ];
    for filters in of_task {
        // That a text is no number is the point of one of them.
        let expected = if filters[1..] == ["Card eq 4111", "--incidents"] { vec![] } else { vec![task.as_str()] };
        let arguments: Vec<&str> = ["list", "--json", "--topic", TOPIC].iter().chain(filters).copied().collect();
        let ended = tasks(&engine, &arguments).await;
        let found: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|why| panic!("{why}: {}", ended.stderr));
        let ids: Vec<&str> = found.as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
        assert_eq!(ids, expected, "{filters:?}");
    }
    for none in [["--locked", "--incidents"], ["--suspended", "--incidents"], ["--tenant", "nobody"]] {
        let arguments: Vec<&str> = ["count", "--topic", TOPIC].iter().chain(&none).copied().collect();
        assert_eq!(tasks(&engine, &arguments).await.stdout, "0\n", "{none:?}");
    }
    let whole: Value =
        serde_json::from_str(&tasks(&engine, &["list", "--json", "--id", &task]).await.stdout).expect("JSON");
    assert_eq!(whole, json!([listed]), "all that the engine tells");
    let names = [(task.as_str(), "task"), (&other, "other")];
    must_be!(tasks(&engine, &["list", "--topic", TOPIC]).await.told(&names), @r"
    ID                                    TOPIC          STATE     RETRIES  PRIORITY  BUSINESS KEY  CREATED              LAST ERROR
    {task}                                tasks-filters  incident  0        0         order-1       TIME                 no card
    {other}                               tasks-filters  waiting   -        0         order-2       TIME
    exit 0
    ");
    let shown: Value = serde_json::from_str(&tasks(&engine, &["show", &task, "--json"]).await.stdout).expect("JSON");
    assert_eq!(shown["errorDetails"], "card.rs:7");
    assert_eq!(
        shown["variables"],
        json!([
            {"name": "Card", "type": "String", "scope": "process"},
            {"name": "amount", "type": "Long", "scope": "process"},
        ])
    );
    must_be!(tasks(&engine, &["show", "nope"]).await.told(&[]), @r"
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
}

async fn tasks_are_found_by_tenant_suspension_name_and_what_is_left(engine: Engine) {
    const TOPIC: &str = "tasks-more-filters";
    engine.deploy_topic(TOPIC).await;
    engine.deploy_for_tenant(TOPIC, Some("acme")).await;
    let card = json!({"amount": {"type": "Long", "value": 100}, "card": text("Gold")});
    let (_, failed) = start(&engine, TOPIC, "failed", &card).await;
    fail(&engine, &failed).await;
    let (suspended, suspended_task) = start(&engine, TOPIC, "suspended", &json!({"card": text("Silver")})).await;
    engine.done("PUT", &format!("/process-instance/{suspended}/suspended"), json!({"suspended": true})).await;
    let of_acme = engine.post(&format!("/process-definition/key/{TOPIC}/tenant-id/acme/start"), &json!({})).await;
    let of_acme = of_acme.expect("started")["id"].as_str().expect("an id").to_owned();
    let of_acme = engine.task_of(&of_acme).await["id"].as_str().expect("an id").to_owned();
    let (failed, suspended, of_acme) = (failed.as_str(), suspended_task.as_str(), of_acme.as_str());
    let cases: [(&[&str], &[&str]); 15] = [
        (&["--tenant", "acme"], &[of_acme]),
        (&["--tenant", "acme", "--tenant", "nobody"], &[of_acme]),
        (&["--suspended"], &[suspended]),
        (&["--active"], &[failed, of_acme]),
        (&["--with-retries-left"], &[suspended, of_acme]),
        (&["--process-definition-name", TOPIC], &[failed, suspended, of_acme]),
        (&["--process-definition-name", "tasks-more"], &[]),
        (&["--variable", "amount lt 101"], &[failed]),
        (&["--variable", "amount lt 100"], &[]),
        (&["--variable", "amount lteq 100"], &[failed]),
        (&["--variable", "card notLike Sil%"], &[failed]),
        (&["--variable", "card notLike %l%"], &[]),
        (&["--variable", "card eq gOLD"], &[]),
        (&["--variable", "card eq gOLD", "--variable-values-ignore-case"], &[failed]),
        (&["--variable", "card like SIL%", "--variable-values-ignore-case"], &[suspended]),
    ];
    for (filters, expected) in cases {
        let listed = tasks(&engine, &[&["list", "--json", "--topic", TOPIC], filters].concat()).await;
        let found: Value =
            serde_json::from_str(&listed.stdout).unwrap_or_else(|why| panic!("{why}: {}", listed.stderr));
        let mut ids: Vec<&str> = found.as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
        let mut expected = expected.to_vec();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{filters:?}");
        let counted = tasks(&engine, &[&["count", "--topic", TOPIC], filters].concat()).await;
        assert_eq!(counted.stdout, format!("{}\n", expected.len()), "{filters:?}");
    }
}

async fn a_batch_of_retries_is_followed_to_its_end(engine: Engine) {
    const TOPIC: &str = "tasks-batch";
    engine.deploy_topic(TOPIC).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let (_, task) = start(&engine, TOPIC, "order", &json!({})).await;
        fail(&engine, &task).await;
        made.push(task);
    }
    let told = tasks(&engine, &["retry", "--topic", TOPIC, "--retries", "2", "--batch", "--wait"]).await.told(&[]);
    let batch = told.split_once("batch ").and_then(|(_, rest)| rest.split_once(':')).expect("a batch").0.to_owned();
    must_be!(told.replace(&batch, "BATCH"), @r"
    batch BATCH: 3 jobs
    batch BATCH is done: 3 tasks: retries set to 2
    exit 0
    ");
    for task in &made {
        assert_eq!(retries(&engine, task).await, 2);
    }
    must_be!(tasks(&engine, &["retry", &made[0], "nope", "--retries", "3"]).await.told(&[(&made[0], "first")]), @r"
    1 of 2 tasks: retries set to 3
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
    assert_eq!(retries(&engine, &made[0]).await, 3);
}

async fn a_held_task_is_freed_with_force_only_and_a_priority_is_set(engine: Engine) {
    const TOPIC: &str = "tasks-held";
    engine.deploy_topic(TOPIC).await;
    let (_, task) = start(&engine, TOPIC, "order", &json!({})).await;
    let lock = json!({"workerId": "w", "lockDuration": 600_000});
    engine.post(&format!("/external-task/{task}/lock"), &lock).await.expect("locked");
    let names = [(task.as_str(), "task")];
    must_be!(tasks(&engine, &["unlock", &task]).await.told(&names), @r"
    0 of 1 task: not locked any more
    ! fetchlock: {task}                              : not unlocked: it is locked by w until TIME               ; it runs there, or waits for its next retry; --force frees it all the same
    exit 1
    ");
    must_be!(tasks(&engine, &["list", "--topic", TOPIC, "--locked"]).await.told(&names), @r"
    ID                                    TOPIC       STATE        RETRIES  PRIORITY  BUSINESS KEY  CREATED              LAST ERROR
    {task}                                tasks-held  locked by w  -        0         order         TIME
    exit 0
    ");
    must_be!(tasks(&engine, &["unlock", &task, "--force"]).await.told(&names), @r"
    1 task: not locked any more
    ! fetchlock: {task}                              : it was locked by w until TIME
    exit 0
    ");
    must_be!(tasks(&engine, &["unlock", &task, "nope"]).await.told(&names), @r"
    1 of 2 tasks: not locked any more
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
    must_be!(tasks(&engine, &["priority", &task, "nope", "--priority", "7"]).await.told(&names), @r"
    1 of 2 tasks: priority set to 7
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
    let found = engine.get(&format!("/external-task/{task}")).await.expect("there");
    assert_eq!((&found["priority"], &found["workerId"]), (&json!(7), &Value::Null));
}
