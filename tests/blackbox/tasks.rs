//! `fetchlock tasks`: what an operator sees and does, told with what went wrong and an exit code.

use std::{fs, time::Duration};

use fetchlock_harness::{
    engine_client::EngineClient,
    fetchlock::{Fetchlock, Stream},
    operator::{self, Ended},
};
use fetchlock_scripted_engine::{Fault, Mode, ScriptedEngine, TaskSpec};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::{SOON, Scene, long, text};

const BINARY: &str = env!("CARGO_BIN_EXE_fetchlock");

/// A lock that outlives any test, in milliseconds.
const LONG: u64 = 3_600_000;

/// An engine with some tasks, and a client of it.
struct Desk {
    engine: ScriptedEngine,
    client: EngineClient,
}

impl Desk {
    async fn new() -> Self {
        let engine = ScriptedEngine::start().await.expect("the scripted engine starts");
        let client = EngineClient::new(engine.url(), None).expect("a client");
        Self { engine, client }
    }

    fn add(&self, topic: &str) -> String {
        self.engine.add_task(TaskSpec::new(topic, json!({"amount": long(100), "card": text("4111")})))
    }

    async fn lock(&self, task: &str, worker: &str, millis: u64) {
        let body = json!({"workerId": worker, "lockDuration": millis});
        self.client.post(&format!("/external-task/{task}/lock"), &body).await.expect("locked");
    }

    async fn add_locked(&self, topic: &str, worker: &str) -> String {
        let task = self.add(topic);
        self.lock(&task, worker, LONG).await;
        task
    }

    /// A task that failed for the last time.
    async fn add_incident(&self, topic: &str) -> String {
        let task = self.add_locked(topic, "w-broken").await;
        let body = json!({"workerId": "w-broken", "retries": 0, "errorMessage": "no card\nat all",
            "errorDetails": "card.rs:7\n\u{1b}[31mpanicked"});
        self.client.post(&format!("/external-task/{task}/failure"), &body).await.expect("failed");
        task
    }

    async fn task(&self, id: &str) -> Value {
        self.client.get(&format!("/external-task/{id}")).await.expect("there")
    }

    async fn retries(&self, id: &str) -> Value {
        self.task(id).await["retries"].clone()
    }

    async fn tasks(&self, arguments: &[&str]) -> Ended {
        operator::tasks(BINARY, &self.engine.url(), arguments).await.expect("ended")
    }

    /// What a command says, with names in the place of ids.
    async fn told(&self, arguments: &[&str], names: &[(&str, &str)]) -> String {
        self.tasks(arguments).await.told(names)
    }

    /// The body of the last request to a path.
    fn asked(&self, path: &str) -> Value {
        self.engine.requests_to(path).pop().expect("a request").body
    }
}

#[tokio::test]
async fn a_list_is_a_table_for_people() {
    let desk = Desk::new().await;
    let incident = desk.add_incident("charge-card").await;
    let held = desk.add_locked("charge-card", "w-1").await;
    let waiting =
        desk.engine.add_task(TaskSpec { business_key: Some("order-7".into()), ..TaskSpec::new("ship", json!({})) });
    let names = [(incident.as_str(), "incident"), (&held, "held"), (&waiting, "waiting")];
    assert_snapshot!(desk.told(&["list"], &names).await, @r"
    ID                                    TOPIC        STATE          RETRIES  PRIORITY  BUSINESS KEY  CREATED              LAST ERROR
    {incident}                            charge-card  incident       0        0                       TIME                 no card\nat all
    {held}                                charge-card  locked by w-1  -        0                       TIME
    {waiting}                             ship         waiting        -        0         order-7       TIME
    exit 0
    ");
    assert_snapshot!(desk.told(&["list", "--incidents"], &names).await, @r"
    ID                                    TOPIC        STATE     RETRIES  PRIORITY  CREATED              LAST ERROR
    {incident}                            charge-card  incident  0        0         TIME                 no card\nat all
    exit 0
    ");
    assert_snapshot!(desk.told(&["list", "--topic", "nobody's"], &names).await, @r"
    ! fetchlock: no task matches
    exit 0
    ");
    assert_snapshot!(desk.told(&["list", "--sort", "createTime:desc", "--limit", "1", "--skip", "1"], &names).await, @r"
    ID                                    TOPIC        STATE          RETRIES  PRIORITY  CREATED              LAST ERROR
    {held}                                charge-card  locked by w-1  -        0         TIME
    ! fetchlock: 1 task more not shown: see them with --limit N or --limit none
    exit 0
    ");
    assert_snapshot!(desk.told(&["count", "--topic", "charge-card"], &names).await, @r"
    2
    exit 0
    ");
}

#[tokio::test]
async fn a_list_in_json_has_every_field_as_the_engine_names_it() {
    let desk = Desk::new().await;
    let task = desk.add_incident("charge-card").await;
    let ended = desk.tasks(&["list", "--json"]).await;
    let listed: Vec<Value> = serde_json::from_str(&ended.stdout).expect("an array");
    assert_eq!(listed, [desk.task(&task).await]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let none = desk.tasks(&["list", "--json", "--topic", "nobody's"]).await;
    assert_eq!((none.stdout.as_str(), none.stderr.as_str(), none.code), ("[]\n", "", Some(0)));
}

#[tokio::test]
async fn every_filter_of_the_engine_can_be_asked_for() {
    let desk = Desk::new().await;
    for arguments in [
        "--topic t --incidents --locked --worker w --active --sort taskPriority:desc",
        "--with-retries-left --not-locked --suspended --execution e",
        "--id 1 --id 2 --activity a --activity b --process-instance p --process-definition-id d:1:2",
        "--process-definition-key k --process-definition-name n --process-definition-name-like n% --tenant t",
        "--priority-at-least -7 --priority-at-most 9 --lock-expires-after 2026-11-21T10:11:12Z \
         --lock-expires-before 2026-11-21T10:11:12.345+0100",
        "--variable a_eq_5 --variable b_like_x% --variable-names-ignore-case --variable-values-ignore-case",
    ] {
        let arguments: Vec<String> = arguments.split_whitespace().map(|word| word.replace('_', " ")).collect();
        let arguments: Vec<&str> = ["list"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let ended = desk.tasks(&arguments).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let bodies: Vec<String> = desk.engine.requests_to("/external-task?").iter().map(|it| it.body.to_string()).collect();
    assert_snapshot!(bodies.join("\n"), @r#"
    {"topicName":"t","workerId":"w","locked":true,"noRetriesLeft":true,"active":true,"sorting":[{"sortBy":"taskPriority","sortOrder":"desc"},{"sortBy":"id","sortOrder":"asc"}]}
    {"notLocked":true,"withRetriesLeft":true,"executionId":"e","suspended":true,"sorting":[{"sortBy":"createTime","sortOrder":"asc"},{"sortBy":"id","sortOrder":"asc"}]}
    {"externalTaskIdIn":["1","2"],"activityIdIn":["a","b"],"processInstanceIdIn":["p"],"processDefinitionId":"d:1:2","sorting":[{"sortBy":"createTime","sortOrder":"asc"},{"sortBy":"id","sortOrder":"asc"}]}
    {"processDefinitionKeyIn":["k"],"processDefinitionName":"n","processDefinitionNameLike":"n%","tenantIdIn":["t"],"sorting":[{"sortBy":"createTime","sortOrder":"asc"},{"sortBy":"id","sortOrder":"asc"}]}
    {"lockExpirationAfter":"2026-11-21T10:11:12.000+0000","lockExpirationBefore":"2026-11-21T09:11:12.345+0000","priorityHigherThanOrEquals":-7,"priorityLowerThanOrEquals":9,"sorting":[{"sortBy":"createTime","sortOrder":"asc"},{"sortBy":"id","sortOrder":"asc"}]}
    {"processVariables":[{"name":"a","operator":"eq","value":5},{"name":"b","operator":"like","value":"x%"}],"variableNamesIgnoreCase":true,"variableValuesIgnoreCase":true,"sorting":[{"sortBy":"createTime","sortOrder":"asc"},{"sortBy":"id","sortOrder":"asc"}]}
    "#);
}

#[tokio::test]
async fn a_list_longer_than_a_page_is_read_to_its_end_and_told_once() {
    let desk = Desk::new().await;
    let all: Vec<String> = (0..501).map(|_| desk.add("bulk")).collect();
    let ended = desk.tasks(&["list", "--json"]).await;
    let listed: Vec<Value> = serde_json::from_str(&ended.stdout).expect("an array");
    let listed: Vec<&str> = listed.iter().map(|task| task["id"].as_str().expect("an id")).collect();
    assert_eq!(listed, all, "each, in the order of creation");
    assert_eq!(desk.engine.requests_to("/external-task?").len(), 2);
    let table = desk.tasks(&["list"]).await;
    assert_eq!(table.stdout.lines().count(), 1 + 100);
    assert_snapshot!(table.stderr, @"fetchlock: 401 tasks more not shown: see them with --limit N or --limit none");
    let whole = desk.tasks(&["list", "--limit", "none"]).await;
    assert_eq!((whole.stdout.lines().count(), whole.stderr.as_str()), (1 + 501, ""));
    assert_eq!(desk.tasks(&["list", "--limit", "501"]).await.stderr, "", "exactly as many as there are");
}

#[tokio::test]
async fn everything_about_one_task_is_shown() {
    let desk = Desk::new().await;
    let task = desk.add_incident("charge-card").await;
    let shown = desk.task(&task).await;
    let id = |field: &str| shown[field].as_str().expect("a text").to_owned();
    let (instance, execution, activity) = (id("processInstanceId"), id("executionId"), id("activityInstanceId"));
    let definition = id("processDefinitionId");
    let names = [
        (task.as_str(), "task"),
        (&activity, "activity instance"),
        (&instance, "instance"),
        (&execution, "execution"),
        (&definition, "definition"),
    ];
    let local = json!({"modifications": {"tries": long(3)}});
    desk.client.post(&format!("/execution/{execution}/localVariables"), &local).await.expect("set");
    assert_snapshot!(desk.told(&["show", &task], &names).await, @r"
    task             {task}
    topic            charge-card
    state            incident
    lock             last by w-broken, until TIME
    retries          0
    priority         0
    created          TIME
    activity         work  {activity instance}
    execution        {execution}
    process instance {instance}
    process          charge-card  {definition}
    last error       no card\nat all
    details          card.rs:7
                     \u{1b}[31mpanicked
    variables        amount: Long
                     card: String
                     tries: Long (local)
    exit 0
    ");
    let ended = desk.tasks(&["show", &task, "--json"]).await;
    let mut object: Value = serde_json::from_str(&ended.stdout).expect("an object");
    assert_eq!(object["errorDetails"].take(), "card.rs:7\n\u{1b}[31mpanicked");
    assert_snapshot!(object["variables"].take(), @r#"[{"name":"amount","type":"Long","scope":"process"},{"name":"card","type":"String","scope":"process"},{"name":"tries","type":"Long","scope":"local"}]"#);
    let mut expected = shown.clone();
    expected["errorDetails"] = Value::Null;
    expected["variables"] = Value::Null;
    assert_eq!(object, expected);
    assert_snapshot!(desk.told(&["show", "nope"], &names).await, @r"
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
}

#[tokio::test]
async fn retries_are_given_one_by_one_and_what_fails_is_told_by_id() {
    let desk = Desk::new().await;
    let (one, two) = (desk.add_incident("a").await, desk.add_incident("b").await);
    let names = [(one.as_str(), "one"), (&two, "two")];
    assert_snapshot!(desk.told(&["retry", &one, "nope", &two, &one], &names).await, @r"
    2 of 3 tasks: retries set to 1
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
    assert_eq!((desk.retries(&one).await, desk.retries(&two).await), (json!(1), json!(1)));
    assert_snapshot!(desk.told(&["retry", &one, "--retries", "3"], &names).await, @r"
    1 task: retries set to 3
    exit 0
    ");
    assert_eq!(desk.retries(&one).await, 3);
    desk.engine.fault("/retries", 1, Fault::error(403, "AuthorizationException", "The user may not", None));
    assert_snapshot!(desk.told(&["retry", &one, &two], &names).await, @r"
    1 of 2 tasks: retries set to 1
    ! fetchlock: {one}                               : the engine's user may not do this (403): The user may not
    exit 1
    ");
}

#[tokio::test]
async fn retries_are_given_to_all_that_match_in_one_call() {
    let desk = Desk::new().await;
    let (first, second) = (desk.add_incident("a").await, desk.add_incident("a").await);
    let (other, waiting) = (desk.add_incident("b").await, desk.add("a"));
    let names = [(first.as_str(), "first"), (&second, "second"), (&other, "other")];
    assert_snapshot!(desk.told(&["retry", "--topic", "a", "--incidents", "--dry-run"], &names).await, @r"
    ID                                    TOPIC  STATE     RETRIES  PRIORITY  CREATED              LAST ERROR
    {first}                               a      incident  0        0         TIME                 no card\nat all
    {second}                              a      incident  0        0         TIME                 no card\nat all
    2 tasks: retries would be set to 1
    exit 0
    ");
    assert_eq!(desk.retries(&first).await, 0, "nothing was done");
    assert_snapshot!(desk.told(&["retry", "--topic", "a", "--incidents"], &names).await, @r"
    2 tasks: retries set to 1
    exit 0
    ");
    assert_eq!((desk.retries(&first).await, desk.retries(&second).await), (json!(1), json!(1)));
    assert_eq!((desk.retries(&other).await, desk.retries(&waiting).await), (json!(0), Value::Null));
    assert_snapshot!(desk.asked("/external-task/retries"), @r#"{"retries":1,"externalTaskQuery":{"topicName":"a","noRetriesLeft":true}}"#);
    assert_snapshot!(desk.told(&["retry", "--topic", "a", "--incidents"], &names).await, @r"
    no task matches: nothing to do
    exit 0
    ");
    assert_snapshot!(desk.told(&["retry", "--all", "--retries", "2"], &names).await, @r"
    4 tasks: retries set to 2
    exit 0
    ");
    assert_eq!((desk.retries(&other).await, desk.retries(&waiting).await), (json!(2), json!(2)));
}

#[tokio::test]
async fn a_dry_run_of_ids_tells_which_are_there() {
    let desk = Desk::new().await;
    let task = desk.add_incident("a").await;
    assert_snapshot!(desk.told(&["retry", "nope", &task, "--dry-run"], &[(&task, "task")]).await, @r"
    ID                                    TOPIC  STATE     RETRIES  PRIORITY  CREATED              LAST ERROR
    {task}                                a      incident  0        0         TIME                 no card\nat all
    1 task: retries would be set to 1
    ! fetchlock: nope: there is no such task
    exit 1
    ");
    assert_eq!(desk.retries(&task).await, 0, "nothing was done");
}

/// A text with the id of a batch left out.
fn without_batch(told: &str) -> String {
    match told.split_once("batch ").and_then(|(_, rest)| rest.split_once([':', ' '])) {
        Some((id, _)) => told.replace(id, "BATCH"),
        None => told.to_owned(),
    }
}

#[tokio::test]
async fn a_batch_is_told_by_its_id_and_followed_to_its_end() {
    let desk = Desk::new().await;
    let (first, second) = (desk.add_incident("a").await, desk.add_incident("a").await);
    let told = desk.told(&["retry", "--incidents", "--batch"], &[]).await;
    assert_snapshot!(without_batch(&told), @r"
    batch BATCH: 2 jobs
    exit 0
    ");
    assert_snapshot!(desk.asked("/retries-async"), @r#"{"retries":1,"externalTaskQuery":{"noRetriesLeft":true}}"#);
    assert_eq!((desk.retries(&first).await, desk.retries(&second).await), (json!(1), json!(1)));
    let told = desk.told(&["retry", &first, "nope", "--batch", "--wait", "--retries", "4"], &[]).await;
    assert_snapshot!(without_batch(&told), @r"
    batch BATCH: 1 job
    batch BATCH is done: 1 task: retries set to 4
    ! fetchlock: nope: there is no such task
    exit 1
    ");
    assert_eq!((desk.retries(&first).await, desk.retries(&second).await), (json!(4), json!(1)));
    assert_snapshot!(desk.told(&["retry", "--incidents", "--batch", "--wait=5s"], &[]).await, @r"
    no task matches: nothing to do
    exit 0
    ");
}

#[tokio::test]
async fn of_a_batch_failed_jobs_are_told_in_the_engines_words_and_a_slow_one_is_left_to_the_engine() {
    let desk = Desk::new().await;
    desk.add_incident("a").await;
    let statistics = |remaining: u64, failed: u64| Fault::Answer {
        status: 200,
        content_type: "application/json".into(),
        body: json!([{"id": "b", "remainingJobs": remaining, "completedJobs": 0, "failedJobs": failed}]).to_string(),
    };
    let jobs = json!([{"id": "j", "exceptionMessage": "Cannot find external task with id nope"}]);
    desk.engine.fault("/batch/statistics", 1, statistics(1, 0));
    // A look that is lost is not the end of the wait.
    desk.engine.fault("/batch/statistics", 1, Fault::CutBeforeApplying);
    desk.engine.fault("/batch/statistics", 1, statistics(1, 1));
    desk.engine.fault(
        "/job?",
        1,
        Fault::Answer { status: 200, content_type: "application/json".into(), body: jobs.to_string() },
    );
    let told = desk.told(&["retry", "--incidents", "--batch", "--wait"], &[]).await;
    assert_snapshot!(without_batch(&told), @r"
    batch BATCH: 1 job
    ! fetchlock: batch BATCH: 1 of 1 job failed
    ! fetchlock: batch BATCH: Cannot find external task with id nope
    exit 1
    ");
    desk.engine.fault("/batch/statistics", 1_000, statistics(1, 0));
    let told = desk.told(&["retry", "--all", "--batch", "--wait=1s"], &[]).await;
    assert_snapshot!(without_batch(&told), @r"
    batch BATCH: 1 job
    ! fetchlock: batch BATCH: 1 job left after 1s; the engine goes on with it
    exit 1
    ");
}

#[tokio::test]
async fn a_lock_that_holds_is_freed_with_force_only() {
    let desk = Desk::new().await;
    let (held, over, free) = (desk.add_locked("a", "w-1").await, desk.add_locked("a", "w-2").await, desk.add("a"));
    desk.engine.expire_lock(&over);
    let names = [(held.as_str(), "held"), (&over, "over"), (&free, "free")];
    assert_snapshot!(desk.told(&["unlock", &held, &over, &free, "nope"], &names).await, @r"
    2 of 4 tasks: not locked any more
    ! fetchlock: {held}                              : not unlocked: it is locked by w-1 until TIME               ; it runs there, or waits for its next retry; --force frees it all the same
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
    assert_eq!(desk.task(&held).await["workerId"], "w-1");
    assert_eq!(desk.task(&over).await["workerId"], Value::Null);
    assert_snapshot!(desk.told(&["unlock", &held, "--force"], &names).await, @r"
    1 task: not locked any more
    ! fetchlock: {held}                              : it was locked by w-1 until TIME
    exit 0
    ");
    assert_eq!(desk.task(&held).await["workerId"], Value::Null);
}

#[tokio::test]
async fn a_priority_is_set() {
    let desk = Desk::new().await;
    let (one, two) = (desk.add("a"), desk.add("a"));
    let names = [(one.as_str(), "one"), (&two, "two")];
    assert_snapshot!(desk.told(&["priority", &one, &two, "--priority", "-7"], &names).await, @r"
    2 tasks: priority set to -7
    exit 0
    ");
    assert_eq!(
        (desk.task(&one).await["priority"].clone(), desk.task(&two).await["priority"].clone()),
        (json!(-7), json!(-7))
    );
    assert_snapshot!(desk.told(&["priority", "nope", "--priority", "1"], &names).await, @r"
    0 of 1 task: priority set to 1
    ! fetchlock: nope: the task is gone: External task with id nope does not exist
    exit 1
    ");
}

#[tokio::test]
async fn a_wrong_command_line_is_told_before_anything_is_asked() {
    let desk = Desk::new().await;
    let told = async |arguments: &[&str]| {
        let ended = desk.tasks(arguments).await;
        let first = ended.stderr.lines().next().unwrap_or_default().to_owned();
        format!("{first} (exit {:?})", ended.code)
    };
    assert_snapshot!(told(&["retry"]).await, @"error: of which tasks? Give ids, at least one filter, or --all; see `fetchlock tasks retry --help` (exit Some(2))");
    assert_snapshot!(told(&["retry", "a", "--topic", "t"]).await, @"error: give ids, or filters, or --all: one of them alone; see `fetchlock tasks retry --help` (exit Some(2))");
    assert_snapshot!(told(&["retry", "--all", "--incidents"]).await, @"error: give ids, or filters, or --all: one of them alone; see `fetchlock tasks retry --help` (exit Some(2))");
    assert_snapshot!(told(&["retry", "a", "--retries", "-1"]).await, @"error: invalid value '-1' for '--retries <N>': -1 is not in 0..=2147483647 (exit Some(2))");
    assert_snapshot!(told(&["retry", "a", "--wait"]).await, @"error: the following required arguments were not provided: (exit Some(2))");
    assert_snapshot!(told(&["retry", "a", "--batch", "--wait=5"]).await, @r#"error: invalid value '5' for '--wait[=<TIME>]': invalid value: string "5", expected a duration from 1s to 24h, written like "30s", "5m" or "PT5M" (exit Some(2))"#);
    assert_snapshot!(told(&["list", "--sort", "age"]).await, @"error: invalid value 'age' for '--sort <KEY>': expected one of id, lockExpirationTime, processInstanceId, processDefinitionId, processDefinitionKey, taskPriority, createTime, tenantId (exit Some(2))");
    assert_snapshot!(told(&["list", "--lock-expires-after", "now"]).await, @"error: invalid value 'now' for '--lock-expires-after <TIME>': expected a moment with its offset, such as 2026-11-21T10:11:12Z or 2026-11-21T10:11:12.345+0100 (exit Some(2))");
    assert_snapshot!(told(&["list", "--variable", "amount > 5"]).await, @r#"error: invalid value 'amount > 5' for '--variable <NAME OPERATOR VALUE>': expected NAME OPERATOR VALUE, such as "amount gteq 100", where OPERATOR is one of eq, neq, gt, gteq, lt, lteq, like, notLike (exit Some(2))"#);
    assert_snapshot!(told(&["list", "--locked", "--not-locked"]).await, @"error: the argument '--locked' cannot be used with '--not-locked' (exit Some(2))");
    assert_snapshot!(told(&["list", "--limit", "many"]).await, @"error: invalid value 'many' for '--limit <N>': expected a number, or `none` for all (exit Some(2))");
    assert_snapshot!(told(&["list", "--topic", ""]).await, @"error: a value is required for '--topic <TOPIC>' but none was supplied (exit Some(2))");
    assert_snapshot!(told(&["priority", "a"]).await, @"error: the following required arguments were not provided: (exit Some(2))");
    assert_snapshot!(told(&["unlock"]).await, @"error: the following required arguments were not provided: (exit Some(2))");
    assert_eq!(desk.engine.requests().len(), 0);
}

#[tokio::test]
async fn settings_are_read_as_the_running_host_reads_them() {
    let desk = Desk::new().await;
    let home = TempDir::new().expect("a directory");
    let config = home.path().join("fetchlock.toml");
    let run = async |toml: &str, variables: &[(&str, &str)]| {
        fs::write(&config, toml).expect("written");
        let builder =
            Fetchlock::builder(BINARY).command("tasks").only_arguments().arg("count").arg("--config").arg(&config);
        let builder = variables.iter().fold(builder, |builder, (name, value)| builder.env(name, value));
        let mut process = builder.start().expect("started");
        let code = process.wait_exit(SOON).await.expect("ended").code();
        let told = process.output(Stream::Stdout) + &process.output(Stream::Stderr);
        format!("{told}exit {code:?}").replace(config.to_str().expect("UTF-8"), "CONFIG")
    };
    assert_snapshot!(run("", &[]).await, @r"
    fetchlock: no engine address: expected the root of its REST interface, such as http://localhost:8080/engine-rest, as `engine.url` in fetchlock.toml, in FETCHLOCK_ENGINE__URL or after --engine-url; `fetchlock run` never starts without one
    exit Some(78)
    ");
    assert_snapshot!(run("[engine]\nurl = 7\n", &[]).await, @r"
    fetchlock: CONFIG:2: `engine.url` is 7: expected a text in quotes
    exit Some(78)
    ");
    let (user, password) = ("demo".to_owned(), "s3cret".to_owned());
    desk.engine.set_mode(Mode::BasicAuth { user, password });
    let toml = format!("[engine]\nurl = \"{}\"\nusername = \"demo\"\n", desk.engine.url());
    assert_snapshot!(run(&toml, &[("FETCHLOCK_ENGINE__PASSWORD", "s3cret")]).await, @r"
    0
    exit Some(0)
    ");
    let told = run(&toml, &[("FETCHLOCK_ENGINE__PASSWORD", "wrong")]).await;
    assert!(told.contains("(401)") && told.ends_with("exit Some(1)"), "{told}");
}

#[tokio::test]
async fn an_engine_that_is_away_or_none_is_told_in_one_line_and_the_rest_is_not_tried() {
    let desk = Desk::new().await;
    let away = ScriptedEngine::free_address().expect("a port").to_string();
    let ended = operator::tasks(BINARY, &format!("http://{away}/engine-rest"), &["retry", "a", "b"]).await;
    assert_snapshot!(ended.expect("ended").told(&[]).replace(&away, "ADDRESS"), @r"
    0 of 2 tasks: retries set to 1
    ! fetchlock: a: the engine cannot be reached: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111) (engine.url is http://ADDRESS/engine-rest)
    ! fetchlock: b: not tried
    exit 1
    ");
    desk.engine.set_mode(Mode::Html { status: 200 });
    assert_snapshot!(desk.told(&["list"], &[]).await.replace(&desk.engine.address().to_string(), "ADDRESS"), @r"
    ! fetchlock: http://ADDRESS/engine-rest/external-task?firstResult=0&maxResults=100 does not answer as an engine: expected the REST contract's JSON, found 200 text/html;charset=utf-8: <!doctype html><html><body><h1>Welcome</h1></body></html>; check engine.url, which usually ends in /engine-rest
    exit 1
    ");
    assert_snapshot!(desk.told(&["priority", "a", "b", "--priority", "1"], &[]).await.replace(&desk.engine.address().to_string(), "ADDRESS"), @r"
    0 of 2 tasks: priority set to 1
    ! fetchlock: a: http://ADDRESS/engine-rest/external-task/a/priority does not answer as an engine: expected the REST contract's JSON, found 200 text/html;charset=utf-8: <!doctype html><html><body><h1>Welcome</h1></body></html>; check engine.url, which usually ends in /engine-rest
    ! fetchlock: b: not tried
    exit 1
    ");
}

#[tokio::test]
async fn the_incidents_of_a_plugin_are_woken_when_it_is_repaired() {
    let scene = Scene::new().await;
    let broken = b"retry = \"PT0.01S\"\n";
    // The probe fails here, for it is not told how to behave.
    scene.drop_guest("probe", "versioned");
    scene.drop_file("versioned.toml", broken);
    let tasks: Vec<String> = (0..3).map(|_| scene.engine.add_task(TaskSpec::new("versioned", json!({})))).collect();
    let host = scene.start();
    let count = async || {
        let ended =
            operator::tasks(BINARY, &scene.engine.url(), &["count", "--topic", "versioned", "--incidents"]).await;
        ended.expect("ended").stdout
    };
    scene
        .engine
        .await_all(SOON, |state| matches!(state, fetchlock_scripted_engine::TaskState::Failed { retries: 0, .. }))
        .await
        .expect("incidents");
    assert_eq!(count().await, "3\n");

    scene.drop_guest("versioned-v1", "versioned");
    host.await_log(|line| line["message"] == "plugin serving" && line["replaces"].is_string(), SOON)
        .await
        .expect("repaired");
    let retry = ["retry", "--topic", "versioned", "--incidents"];
    let ended = operator::tasks(BINARY, &scene.engine.url(), &retry).await.expect("ended");
    assert_eq!((ended.stdout.as_str(), ended.code), ("3 tasks: retries set to 1\n", Some(0)));
    // An engine looks for woken tasks every 30 s.
    scene.engine.tick();
    for task in &tasks {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    assert_eq!(count().await, "0\n");
}

/// How long the slow engine may take: more than a quick answer needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_engine_that_takes_too_long_for_all_at_once_is_told_with_the_way_out() {
    let desk = Desk::new().await;
    desk.add_incident("a").await;
    desk.engine.fault("/external-task/retries", 1, Fault::Delay(PATIENCE * 10));
    let home = TempDir::new().expect("a directory");
    let config = home.path().join("fetchlock.toml");
    fs::write(&config, format!("[engine]\nrequest-timeout = \"{}s\"\n", PATIENCE.as_secs())).expect("written");
    let config = config.to_str().expect("UTF-8");
    assert_snapshot!(desk.told(&["retry", "--incidents", "--config", config], &[]).await, @r"
    ! fetchlock: the engine did not set the retries of 1 task within 2s, and may still do it; for so many use --batch
    exit 1
    ");
}
