//! Which plugin gets which task: filters, several plugins on one topic, and engines that answer strangely.

use std::time::Duration;

use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_scripted_engine::{Fault, TaskSpec, TaskState};
use serde_json::{Value, json};

use crate::scene::{SOON, Scene, long, probe_spec, text};

const FETCH: &str = "/external-task/fetchAndLock";

/// A plugin of topic `shared` that tells its build, with a filter.
fn drop_shared(scene: &Scene, name: &str, build: &str, filter: &str) {
    scene.drop_file(&format!("{name}.toml"), format!("topic = \"shared\"\n[filter]\n{filter}\n").as_bytes());
    scene.drop_guest(&format!("versioned-{build}"), name);
}

/// A task of topic `shared` with a business key.
fn shared(scene: &Scene, business_key: &str) -> String {
    let business_key = Some(business_key.to_owned());
    scene.engine.add_task(TaskSpec { business_key, ..TaskSpec::new("shared", json!({})) })
}

async fn build_of(scene: &Scene, task: &str) -> Value {
    scene.engine.await_completed(task, SOON).await.expect("completed")["build"]["value"].clone()
}

/// The topics of each fetch so far.
fn fetched_topics(scene: &Scene) -> Vec<Vec<Value>> {
    let fetches = scene.engine.requests_to(FETCH);
    fetches.iter().map(|fetch| fetch.body["topics"].as_array().cloned().unwrap_or_default()).collect()
}

async fn await_message(host: &Fetchlock, text: &str) -> String {
    let found = host.await_log(|line| line["message"].as_str().is_some_and(|it| it.contains(text)), SOON).await;
    let line = found.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    line["message"].as_str().unwrap_or_default().to_owned()
}

/// How often the log has a text.
fn times(host: &Fetchlock, text: &str) -> usize {
    host.logs().lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn two_plugins_of_one_topic_with_exclusive_filters_each_get_their_own_tasks() {
    let scene = Scene::new().await;
    drop_shared(&scene, "eu", "v1", "business-key = \"eu\"");
    drop_shared(&scene, "us", "v2", "business-key = \"us\"");
    let tasks: Vec<_> = (0..20).map(|_| (shared(&scene, "eu"), shared(&scene, "us"))).collect();
    let nobodys = shared(&scene, "asia");
    let host = scene.start();
    for (eu, us) in &tasks {
        assert_eq!((build_of(&scene, eu).await, build_of(&scene, us).await), (json!("v1"), json!("v2")));
    }
    // Idle, each finds its task at once too.
    scene.engine.await_parked(2, SOON).await.expect("a parked request for each");
    let (eu, us) = (shared(&scene, "eu"), shared(&scene, "us"));
    assert_eq!((build_of(&scene, &eu).await, build_of(&scene, &us).await), (json!("v1"), json!("v2")));
    assert_eq!(scene.engine.times_fetched(&nobodys), 0, "{}", host.logs());
    for topics in fetched_topics(&scene) {
        assert_eq!(topics.len(), 1, "one topic twice in a request: {topics:?}");
    }
}

#[tokio::test]
async fn more_plugins_of_one_topic_than_there_are_requests_all_get_their_tasks() {
    const PLUGINS: usize = 10;
    let scene = Scene::new().await;
    for number in 0..PLUGINS {
        drop_shared(&scene, &format!("p{number}"), "v1", &format!("business-key = \"k{number}\""));
    }
    let _host = scene.start();
    let tasks: Vec<_> = (0..PLUGINS).map(|number| shared(&scene, &format!("k{number}"))).collect();
    for task in tasks {
        build_of(&scene, &task).await;
    }
    assert!(scene.engine.parked() <= 8, "{} requests are open", scene.engine.parked());
}

#[tokio::test]
async fn overlapping_filters_are_refused_with_both_names_until_they_exclude_each_other() {
    let scene = Scene::new().await;
    drop_shared(&scene, "eu", "v1", "tenant-id-in = [\"de\", \"fr\"]");
    let host = scene.start();
    host.await_text("plugin serving", SOON).await.expect("serving");
    drop_shared(&scene, "us", "v2", "tenant-id-in = [\"us\", \"fr\"]");
    let refusal = await_message(&host, "plugin refused").await;
    insta::assert_snapshot!(refusal, @"plugin refused: us.wasm: its topic `shared` is served by eu.wasm already, and nothing in the filters of the two keeps them apart: rename one of them, or set `topic` or `[filter]` in a manifest");
    // The one that serves gives way: the other one, which has not changed, may come.
    drop_shared(&scene, "eu", "v1", "tenant-id-in = [\"de\"]");
    let serves = |line: &Value| line["message"] == "plugin serving" && line["file"] == "us.wasm";
    host.await_log(serves, SOON).await.expect("serving");
    let of = |tenant: &str| {
        scene.engine.add_task(TaskSpec { tenant: Some(tenant.to_owned()), ..TaskSpec::new("shared", json!({})) })
    };
    assert_eq!(build_of(&scene, &of("fr")).await, "v2");
    assert_eq!(build_of(&scene, &of("de")).await, "v1");
}

/// A filter as it is written, a task that it takes, and one that it does not take.
type Case = (&'static str, fn(&mut TaskSpec), fn(&mut TaskSpec));

fn with(spec: &mut TaskSpec, name: &str, value: Value) {
    spec.variables[name] = value;
}

const CASES: &[Case] = &[
    ("business-key = \"a\"", |it| it.business_key = Some("a".into()), |it| it.business_key = Some("b".into())),
    (
        "process-definition-id = \"a:1:embedded\"",
        |it| it.definition_key = Some("a".into()),
        |it| it.definition_key = Some("b".into()),
    ),
    (
        "process-definition-id-in = [\"x\", \"a:1:embedded\"]",
        |it| it.definition_key = Some("a".into()),
        |it| it.definition_key = Some("b".into()),
    ),
    (
        "process-definition-key = \"a\"",
        |it| it.definition_key = Some("a".into()),
        |it| it.definition_key = Some("b".into()),
    ),
    (
        "process-definition-key-in = [\"x\", \"a\"]",
        |it| it.definition_key = Some("a".into()),
        |it| it.definition_key = Some("b".into()),
    ),
    (
        "process-definition-version-tag = \"1.%\"",
        |it| it.version_tag = Some("1.7".into()),
        |it| it.version_tag = Some("2.1".into()),
    ),
    (
        "process-variables = { n = 7, open = true }",
        |it| with(it, "n", json!({"type": "Integer", "value": 7})),
        |it| with(it, "n", long(7)),
    ),
    (
        "process-variables = { half = 0.5 }",
        |it| with(it, "half", json!({"type": "Double", "value": 0.5})),
        |it| with(it, "half", text("0.5")),
    ),
    ("tenant-id-in = [\"x\", \"a\"]", |it| it.tenant = Some("a".into()), |it| it.tenant = Some("b".into())),
    ("without-tenant-id = true", |_| {}, |it| it.tenant = Some("b".into())),
];

#[tokio::test]
async fn each_field_of_a_filter_takes_its_tasks_and_no_others() {
    let scene = Scene::new().await;
    let mut taken = Vec::new();
    let mut left = Vec::new();
    for (number, (filter, fits, does_not)) in CASES.iter().enumerate() {
        let topic = format!("case-{number}");
        scene.drop_file(&format!("{topic}.toml"), format!("[filter]\n{filter}\n").as_bytes());
        scene.drop_guest("probe", &topic);
        let add = |change: &fn(&mut TaskSpec)| {
            let mut spec = TaskSpec { topic: topic.clone(), ..probe_spec("complete", json!({})) };
            change(&mut spec);
            scene.engine.add_task(spec)
        };
        // First the one that must stay: it would be fetched first.
        left.push((filter, add(does_not)));
        taken.push((filter, add(fits)));
    }
    let host = scene.start();
    for (filter, task) in taken {
        let done = scene.engine.await_completed(&task, SOON).await;
        done.unwrap_or_else(|error| panic!("{filter}: {error:#}\n{}", host.logs()));
    }
    for (filter, task) in left {
        assert_eq!(scene.engine.times_fetched(&task), 0, "{filter}");
    }
}

#[tokio::test]
async fn a_fetch_carries_what_the_manifest_and_the_settings_say() {
    let scene =
        Scene::with_probe("local-variables = true\ndeserialize-values = true\nvariables = [\"behaviour\"]\n").await;
    let builder = scene.builder().setting("worker.fetch-order", "\"newest-first\"");
    let _host = builder.setting("worker.id-prefix", "\"acme\"").start().expect("started");
    scene.engine.await_parked(1, SOON).await.expect("a parked poll");
    let fetch = &scene.engine.requests_to(FETCH)[0].body;
    assert_eq!(fetch["sorting"], json!([{"sortBy": "createTime", "sortOrder": "desc"}]));
    let worker = fetch["workerId"].as_str().expect("an id");
    assert!(worker.starts_with("acme-") && worker.len() > "acme-".len() + 12, "{worker}");
    let topic = &fetch["topics"][0];
    assert_eq!(topic["variables"], json!(["behaviour"]));
    for flag in ["localVariables", "deserializeValues", "includeExtensionProperties"] {
        assert_eq!(topic[flag], true, "{flag}");
    }
}

#[tokio::test]
async fn tasks_are_fetched_in_the_order_of_the_settings() {
    for (order, expected) in [("oldest-first", [0, 1, 2]), ("newest-first", [2, 1, 0])] {
        let scene = Scene::with_probe("").await;
        let tasks = [(); 3].map(|()| scene.probe("complete"));
        let builder = scene.builder().setting("worker.fetch-order", &format!("\"{order}\""));
        let _host = builder.setting("worker.max-concurrent", "1").start().expect("started");
        scene.engine.await_all(SOON, TaskState::is_ended).await.expect("all completed");
        let done: Vec<usize> = scene
            .engine
            .requests_to("/complete")
            .iter()
            .map(|request| tasks.iter().position(|task| request.path.contains(task.as_str())).expect("one of them"))
            .collect();
        assert_eq!(done, expected, "{order}");
    }
}

#[tokio::test]
async fn a_task_fetched_for_the_filter_of_an_older_version_is_given_back() {
    let scene = Scene::new().await;
    drop_shared(&scene, "p", "v1", "business-key = \"old\"");
    let host = scene.start();
    scene.engine.await_parked(1, SOON).await.expect("a parked request");
    drop_shared(&scene, "p", "v1", "business-key = \"new\"");
    scene.engine.await_parked(2, SOON).await.expect("a request for the new filter");
    // The old one still parks, and brings it.
    let old = shared(&scene, "old");
    host.await_text("it was fetched for a version whose variables or filter differ", SOON).await.expect("given back");
    scene.engine.await_state(&old, SOON, |state| *state == TaskState::Ready).await.expect("unlocked");
    build_of(&scene, &shared(&scene, "new")).await;
    assert_eq!(scene.engine.times_fetched(&old), 1);
}

#[tokio::test]
async fn a_filter_that_the_engine_rejects_is_reported_once_and_the_other_topics_go_on() {
    const ALWAYS: usize = 1_000;
    let scene = Scene::with_probe("").await;
    drop_shared(&scene, "picky", "v1", "business-key = \"bad\"");
    let rejection = Fault::error(500, "ProcessEngineException", "nobody has such a key", Some(0));
    scene.engine.fault_on(FETCH, "\"businessKey\":\"bad\"", ALWAYS, rejection);
    let first = scene.probe("complete");
    let host = scene.start();
    let told = await_message(&host, "what this plugin's manifest asks for is not fetched").await;
    assert!(
        told.contains("the engine rejects it (500 ProcessEngineException, code 0): nobody has such a key"),
        "{told}"
    );
    scene.engine.await_completed(&first, SOON).await.expect("the other topic");
    let second = scene.probe("complete");
    scene.engine.await_completed(&second, SOON).await.expect("goes on");
    let rejected = || ALWAYS - scene.engine.faults_left();
    let until_now = rejected();
    assert!(until_now <= 5, "it was asked for {until_now} times");
    for _ in 0..5 {
        let more = scene.probe("complete");
        scene.engine.await_completed(&more, SOON).await.expect("and on");
    }
    assert_eq!((rejected(), times(&host, "nobody has such a key")), (until_now, 1), "{}", host.logs());
    // The manifest is mended.
    drop_shared(&scene, "picky", "v1", "business-key = \"good\"");
    build_of(&scene, &shared(&scene, "good")).await;
}

#[tokio::test]
async fn an_engine_that_rejects_every_fetch_is_waited_for_and_no_plugin_is_blamed() {
    let scene = Scene::with_probe("").await;
    let broken = |path| {
        let error = Fault::error(500, "ProcessEngineException", "the database is away", Some(0));
        scene.engine.fault(path, 4, error);
    };
    broken(FETCH);
    broken("/external-task?");
    let task = scene.probe("complete");
    let host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(times(&host, "what this plugin's manifest asks for"), 0, "{}", host.logs());
    host.await_text("the engine takes fetches again", SOON).await.expect("fetches are taken again");
}

#[tokio::test]
async fn a_task_that_the_engine_tells_twice_is_logged_unlocked_and_then_done_once() {
    let scene = Scene::with_probe("").await;
    scene.engine.fault(FETCH, 1, Fault::TellTwice);
    let task = scene.probe("complete");
    let host = scene.start();
    host.await_text("the engine told it twice in one answer", SOON).await.expect("logged");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(scene.engine.requests_to(&format!("/{task}/unlock")).len(), 1);
    assert_eq!(scene.engine.requests_to(&format!("/{task}/complete")).len(), 1);
    assert_eq!(scene.engine.times_fetched(&task), 2);
}

#[tokio::test]
async fn a_task_for_which_nobody_asked_is_logged_and_unlocked_and_others_go_on() {
    let scene = Scene::with_probe("").await;
    scene.drop_guest("probe", "asked");
    scene.engine.rewrite("\"topicName\":\"asked\"", "\"topicName\":\"stranger\"");
    let host = scene.start();
    let strange = scene.engine.add_task(TaskSpec { topic: "asked".into(), ..probe_spec("complete", json!({})) });
    let line = host.await_text("nobody asked for its topic", SOON).await.expect("logged");
    assert!(line.contains("stranger") && line.contains(&strange), "{line}");
    let unlocked = |requests: &[fetchlock_scripted_engine::Recorded]| {
        requests.iter().any(|request| request.path.ends_with(&format!("/{strange}/unlock")))
    };
    scene.engine.await_requests(SOON, unlocked).await.expect("unlocked");
    let other = scene.probe("complete");
    scene.engine.await_completed(&other, Duration::from_secs(10)).await.expect("the other topic goes on");
    assert!(!scene.engine.state(&strange).is_ended());
}

#[tokio::test]
async fn an_engine_that_no_setting_names_is_refused_with_those_that_are_known() {
    let scene = Scene::with_probe("engine = \"orders\"\n").await;
    let host = scene.start();
    let refusal = await_message(&host, "plugin refused").await;
    insta::assert_snapshot!(refusal, @r#"plugin refused: probe.wasm: probe.toml:1: `engine`: "orders" is no engine in the host's settings: expected "default", or leave the key out for the first"#);
    scene.drop_file("probe.toml", b"engine = \"default\"\n");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
}
