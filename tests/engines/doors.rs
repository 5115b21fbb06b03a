//! `fetchlock engine` as a process: when it does not begin, and what is there again when it does.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use fetchlock_harness::{
    embedded::Embedded,
    engine_client::EngineClient,
    fetchlock::{Fetchlock, Stream},
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::engine::{BINARY, SOON};

/// The exit code for surroundings with which a command does not begin.
const EXIT_CONFIG: i32 = 78;

/// What an engine that does not begin says, in one line; places are left out.
async fn refusal(arguments: &[&str], places: &[(&str, &str)]) -> String {
    let builder = Fetchlock::builder(BINARY).command("engine").only_arguments();
    let mut process =
        arguments.iter().fold(builder, |builder, argument| builder.arg(argument)).start().expect("started");
    let status = process.wait_exit(SOON).await.expect("ended");
    let told = process.output(Stream::Stderr);
    assert_eq!(status.code(), Some(EXIT_CONFIG), "{told}");
    assert_eq!(process.output(Stream::Stdout), "", "no address");
    assert_eq!(told.lines().count(), 1, "{told}");
    places.iter().fold(told, |told, (place, name)| told.replace(place, name))
}

/// What is said of a data directory.
async fn refusal_of(data: &Path, home: &Path) -> String {
    let home = home.to_str().expect("UTF-8");
    refusal(&["--port", "0", "--data", data.to_str().expect("UTF-8")], &[(home, "HOME")]).await
}

#[tokio::test]
async fn a_taken_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    assert_snapshot!(refusal(&["--port", &port], &[(&port, "PORT")]).await, @"fetchlock: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98); stop what listens there, or choose another port with --port");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_refused() {
    let home = TempDir::new().expect("a directory");
    let file = home.path().join("file");
    fs::write(&file, "a file").expect("written");
    assert_snapshot!(refusal_of(&file.join("data"), home.path()).await, @"fetchlock: the data directory HOME/file/data cannot be used: Not a directory (os error 20); check its permissions, or choose another");
    assert_snapshot!(refusal_of(&file, home.path()).await, @"fetchlock: the data directory HOME/file cannot be used: File exists (os error 17); check its permissions, or choose another");
    assert_snapshot!(refusal_of(Path::new("/proc/nowhere"), home.path()).await, @"fetchlock: the data directory /proc/nowhere cannot be used: No such file or directory (os error 2); check its permissions, or choose another");
    let data = home.path().join("data");
    fs::create_dir_all(data.join("engine.redb")).expect("made");
    assert_snapshot!(refusal_of(&data, home.path()).await, @"fetchlock: the data directory HOME/data cannot be used: Is a directory (os error 21); check its permissions, or choose another");
}

#[tokio::test]
async fn a_damaged_data_file_is_refused_as_often_as_it_is_opened() {
    let home = TempDir::new().expect("a directory");
    let file = home.path().join("engine.redb");
    let mut engine = Embedded::start(BINARY, Some(home.path())).await.expect("started");
    engine.start_instance("t", None, &json!({"v": {"value": "x".repeat(3_000)}})).await.expect("started");
    end(&mut engine).await;
    let whole = fs::read(&file).expect("read");
    let mut changed = whole.clone();
    let at = whole.windows(100).position(|part| part == "x".repeat(100).as_bytes()).expect("the variable");
    changed[at] = b'y';
    for (damage, bytes) in [
        ("half of it", &whole[..whole.len() / 2]),
        ("its first bytes", &whole[..10]),
        ("another content", b"tasks: none\n"),
        ("zeros", &vec![0; whole.len()]),
        ("one byte changed", &changed),
    ] {
        fs::write(&file, bytes).expect("written");
        let told = refusal_of(home.path(), home.path()).await;
        let (before, after) =
            ("fetchlock: the data file HOME/engine.redb is damaged: ", "; restore it, or move it away");
        assert!(told.starts_with(before) && told.contains(after), "{damage}: {told}");
        assert_eq!(refusal_of(home.path(), home.path()).await, told, "{damage}: it was not repaired unasked");
    }
    fs::write(&file, "tasks: none\n").expect("written");
    assert_snapshot!(refusal_of(home.path(), home.path()).await, @"fetchlock: the data file HOME/engine.redb is damaged: I/O error: Not a redb database: magic number mismatch; restore it, or move it away to begin with no tasks");
    fs::write(&file, &whole).expect("restored");
    let engine = Embedded::start(BINARY, Some(home.path())).await.expect("started");
    assert_eq!(engine.external_task_count(&json!({})).await.expect("counted"), 1);
}

#[tokio::test]
async fn a_data_directory_that_another_engine_uses_is_refused() {
    let home = TempDir::new().expect("a directory");
    let first = Embedded::start(BINARY, Some(home.path())).await.expect("started");
    assert_snapshot!(refusal_of(home.path(), home.path()).await, @"fetchlock: the data file HOME/engine.redb is in use: another embedded engine runs with the same directory; give each its own");
    first.start_instance("t", None, &json!({})).await.expect("the first goes on");
}

/// Ends an engine with SIGTERM.
async fn end(engine: &mut Embedded) {
    engine.process().sigterm().expect("sent");
    let status = engine.process().wait_exit(SOON).await.expect("ended");
    assert!(status.success(), "{status}");
}

/// Makes a state of every kind: locked, failed with retries, an incident, suspended, with a priority, completed, deleted.
async fn fill(engine: &EngineClient) {
    const LONG: u32 = 1_800_000;
    let mut tasks = Vec::new();
    for name in ["locked", "failed", "incident", "suspended", "completed", "deleted"] {
        let variables = json!({"name": {"value": name}, "n": {"value": i64::MAX, "type": "Long"}});
        let instance = engine.start_instance("t", Some(name), &variables).await.expect("started");
        let found = engine.external_tasks(&json!({"processInstanceId": instance})).await.expect("listed");
        let task = found[0]["id"].as_str().expect("an id").to_owned();
        let lock = json!({"workerId": name, "lockDuration": LONG});
        engine.post(&format!("/external-task/{task}/lock"), &lock).await.expect("locked");
        tasks.push((task, instance));
    }
    let failure = |worker: &str, retries: u32| json!({"workerId": worker, "errorMessage": "m", "errorDetails": "d", "retries": retries, "retryTimeout": LONG});
    let call = async |(task, _): &(String, String), call: &str, body: Value| {
        engine.post(&format!("/external-task/{task}/{call}"), &body).await.expect("done");
    };
    call(&tasks[1], "failure", failure("failed", 2)).await;
    call(&tasks[2], "failure", failure("incident", 0)).await;
    put(engine, &format!("/process-instance/{}/suspended", tasks[3].1), json!({"suspended": true})).await;
    put(engine, &format!("/external-task/{}/priority", tasks[0].0), json!({"priority": 7})).await;
    let out = json!({"workerId": "completed", "variables": {"out": {"value": 1.5}}});
    call(&tasks[4], "complete", out).await;
    let answer = engine.send("DELETE", &format!("/process-instance/{}", tasks[5].1), &[], "").await.expect("an answer");
    assert_eq!(answer.status, 204);
}

async fn put(engine: &EngineClient, path: &str, body: Value) {
    let headers = [("content-type", "application/json")];
    let answer = engine.send("PUT", path, &headers, body.to_string()).await.expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Everything that an engine shows.
async fn shown(engine: &EngineClient) -> Vec<Value> {
    let mut shown = Vec::new();
    for path in [
        "/external-task?sortBy=id&sortOrder=asc",
        "/process-instance",
        "/incident",
        "/history/process-instance",
        "/history/variable-instance",
        "/history/activity-instance",
        "/history/external-task-log",
        "/history/incident",
    ] {
        let list = engine.get(path).await.expect("shown");
        assert!(list.as_array().is_some_and(|list| !list.is_empty()), "{path}");
        shown.push(list);
    }
    shown
}

#[tokio::test]
async fn the_state_survives_sigterm_and_sigkill_in_its_data_directory() {
    let home = TempDir::new().expect("a directory");
    // One that is not there yet is made.
    let data: PathBuf = home.path().join("a").join("b");
    let mut engine = Embedded::start(BINARY, Some(&data)).await.expect("started");
    fill(&engine).await;
    let before = shown(&engine).await;
    end(&mut engine).await;

    let mut engine = Embedded::start(BINARY, Some(&data)).await.expect("started");
    assert_eq!(shown(&engine).await, before, "after SIGTERM");
    engine.start_instance("t", Some("later"), &json!({})).await.expect("started");
    let before = shown(&engine).await;
    engine.process().kill9().await.expect("killed");

    let engine = Embedded::start(BINARY, Some(&data)).await.expect("started");
    assert_eq!(shown(&engine).await, before, "after SIGKILL");
    let fetch = json!({"workerId": "w", "maxTasks": 10, "topics": [{"topicName": "t", "lockDuration": 1000}]});
    let fetched = engine.post("/external-task/fetchAndLock", &fetch).await.expect("fetched");
    let keys: Vec<_> = fetched.as_array().expect("a list").iter().map(|task| &task["businessKey"]).collect();
    assert_eq!(keys, ["later"], "the locks hold");
}

#[tokio::test]
async fn no_answered_start_is_lost_when_an_engine_is_killed_under_load() {
    const STARTED: usize = 100;
    let home = TempDir::new().expect("a directory");
    let mut engine = Embedded::start(BINARY, Some(home.path())).await.expect("started");
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let client = EngineClient::clone(&engine);
        starts.spawn(async move {
            let mut ids = Vec::new();
            while let Ok(id) = client.start_instance("t", None, &json!({})).await {
                ids.push(id);
            }
            ids
        });
    }
    let enough = |count| count >= STARTED as u64;
    engine.await_external_tasks(&json!({}), SOON, enough).await.expect("under load");
    engine.process().kill9().await.expect("killed");
    let answered: Vec<String> = starts.join_all().await.into_iter().flatten().collect();

    let engine = Embedded::start(BINARY, Some(home.path())).await.expect("started");
    for id in &answered {
        engine.get(&format!("/process-instance/{id}")).await.expect("there again");
    }
    assert!(answered.len() > STARTED / 2, "{}", answered.len());
}

#[tokio::test]
async fn without_a_data_directory_the_state_ends_with_the_process() {
    let mut engine = Embedded::start(BINARY, None).await.expect("started");
    fill(&engine).await;
    end(&mut engine).await;
    let engine = Embedded::start(BINARY, None).await.expect("started");
    assert_eq!(engine.external_task_count(&json!({})).await.expect("counted"), 0);
    assert_eq!(engine.get("/history/process-instance").await.expect("shown"), json!([]));
}
