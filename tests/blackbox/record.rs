//! What a running host records is a case that passes.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_scripted_engine::TaskState;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    http::Server,
    scene::{SOON, Scene, long, text},
    tool::Place,
};

/// The recordings of a directory, by name.
fn recordings(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect());
    let mut found: Vec<PathBuf> = entries.unwrap_or_default();
    found.sort();
    found
}

async fn stop(mut host: Fetchlock) {
    host.sigterm().expect("told");
    host.wait_exit(SOON).await.expect("ended");
}

/// Copies recordings beside the probe and runs them.
fn replay(manifest: &str, recordings: &[PathBuf]) -> (Option<i32>, String) {
    let place = Place::with_probe(manifest);
    for recording in recordings {
        fs::copy(recording, place.path().join(recording.file_name().expect("a name"))).expect("copied");
    }
    let ended = place.test(&[]);
    (ended.code, ended.stdout)
}

#[tokio::test]
async fn every_recorded_invocation_can_be_replayed() {
    const MANIFEST: &str = "retry = \"R0/PT0S\"\n[grants]\nstart-process = [\"invoice\"]\n";
    let scene = Scene::with_probe(MANIFEST).await;
    let dir = TempDir::new().expect("a directory");
    let host = scene.builder().arg("--record").arg(dir.path()).toml("[grants.probe]\nstart-process = [\"invoice\"]");
    let host = host.start().expect("started");
    let completed = [
        scene.probe("random"),
        scene.probe("context"),
        scene.probe_with("progress", json!({"n": long(20)})),
        scene.probe_with("start-process", json!({"key": text("invoice"), "businessKey": text("b")})),
        scene.probe_with("complete", fetchlock_harness::samples::variables()),
        scene.probe_with(
            "load-file",
            json!({"file": {"type": "File", "value": "YWJj", "valueInfo": {"filename": "a.txt"}}}),
        ),
        scene.probe("decide-twice"),
    ];
    for task in &completed {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    for failing in [scene.probe("trap"), scene.probe("err"), scene.probe("fail-never"), scene.probe("undecided")] {
        scene.engine.await_state(&failing, SOON, TaskState::is_incident).await.expect("an incident");
    }
    let logs = host.logs();
    stop(host).await;
    assert!(!logs.contains("cannot be recorded"), "{logs}");
    let recorded = recordings(dir.path());
    assert_eq!(recorded.len(), 11, "{recorded:?}");
    let modes: Vec<u32> =
        recorded.iter().map(|path| fs::metadata(path).expect("there").permissions().mode() & 0o777).collect();
    assert!(modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
    let (code, told) = replay(MANIFEST, &recorded);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn what_is_taken_out_stands_nowhere_else_in_the_recording_which_can_be_replayed() {
    const MANIFEST: &str = "record = \"all\"\nrecord-redact = [\"customer\", \"amount\"]\n";
    let scene = Scene::with_probe(MANIFEST).await;
    let dir = TempDir::new().expect("a directory");
    let host = scene.builder().state_dir(dir.path()).start().expect("started");
    let task = scene.probe_with(
        "complete",
        json!({
            "customer": text("Ada Lovelace"),
            "amount": {"type": "Double", "value": 77_777.0},
            "greeting": text("Dear Ada Lovelace, 77777 is what you owe"),
            "note": text("{\"customer\":\"Grace Hopper\"}"),
            "address": text("Grace Hopper, Adapter Street"),
        }),
    );
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    stop(host).await;
    let recorded = recordings(&dir.path().join("recordings"));
    let recording = fs::read_to_string(&recorded[0]).expect("a recording");
    for taken in ["Ada", "Lovelace", "Grace", "Hopper", "77777"] {
        let stands = recording.lines().find(|line| line.replace("Adapter", "").contains(taken));
        assert_eq!(stands, None, "{taken} in {recording}");
    }
    assert!(recording.contains("Adapter Street") && recording.contains("Dear redacted, 0 is what"), "{recording}");
    let (code, told) = replay(MANIFEST, &recorded);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn a_manifest_has_failures_recorded_without_what_it_names() {
    const MANIFEST: &str = "retry = \"R0/PT0S\"\nrecord = \"failures\"\nrecord-redact = [\"card\"]\n";
    let scene = Scene::with_probe(MANIFEST).await;
    let dir = TempDir::new().expect("a directory");
    let host = scene.builder().state_dir(dir.path()).start().expect("started");
    let good = scene.probe("complete");
    scene.engine.await_completed(&good, SOON).await.expect("completed");
    let order = json!({"type": "Json", "value": "{\"card\":\"4711\",\"items\":[{\"Card\":4711}],\"n\":1}"});
    let bad = scene.probe_with("err", json!({"card": text("4711"), "order": order}));
    scene.engine.await_state(&bad, SOON, TaskState::is_incident).await.expect("an incident");
    stop(host).await;
    let recorded = recordings(&dir.path().join("recordings"));
    let [recording] = recorded.as_slice() else { panic!("{recorded:?}") };
    let name = recording.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("probe.recorded-error-"), "{name}");
    let written = fs::read_to_string(recording).expect("read");
    assert!(!written.contains("4711") && written.contains("redacted"), "{written}");
    assert!(written.contains("# What record-redact names (card) was taken out"), "{written}");
    let (code, told) = replay(MANIFEST, &recorded);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn http_is_recorded_and_a_secret_is_not() {
    const SECRET: &str = "s3cr3t-value";
    let server = Server::start().await;
    let manifest = format!(
        "retry = \"R0/PT0S\"\n[grants]\nhttp = [\"* http://127.0.0.1:{}\"]\nsecrets = [\"api-key\"]\n",
        server.port()
    );
    let scene = Scene::with_probe(&manifest).await;
    let dir = TempDir::new().expect("a directory");
    let grants = format!(
        "[grants.probe]\nhttp = [\"* http://127.0.0.1:{}\"]\nsecrets.api-key = {{ env = \"RECORD_TEST_KEY\" }}\n",
        server.port()
    );
    let host = scene.builder().arg("--record").arg(dir.path()).env("RECORD_TEST_KEY", SECRET).toml(&grants);
    let host = host.start().expect("started");
    let request = json!({
        "authority": text(&format!("127.0.0.1:{}", server.port())), "method": text("POST"),
        "path": text(&format!("/a?b=c&key={SECRET}")), "text": text(&format!("{{\"key\":\"{SECRET}\"}}")),
    });
    let fetched = scene.probe_with("fetch", request);
    let said = scene.probe_with("say-secret", json!({"key": text("api-key")}));
    for task in [&fetched, &said] {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    let failed = scene.probe_with("err-secret", json!({"key": text("api-key")}));
    scene.engine.await_state(&failed, SOON, TaskState::is_incident).await.expect("an incident");
    stop(host).await;
    let recorded = recordings(dir.path());
    assert_eq!(recorded.len(), 3, "{recorded:?}");
    for recording in &recorded {
        let written = fs::read_to_string(recording).expect("read");
        assert!(!written.contains(SECRET), "{written}");
    }
    // The length of a secret is not that of what stands instead.
    let kept: Vec<PathBuf> =
        recorded.into_iter().filter(|path| !fs::read_to_string(path).expect("read").contains("say-secret")).collect();
    let (code, told) = replay(&manifest, &kept);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn a_failure_for_want_of_a_grant_or_a_secret_can_be_replayed() {
    const MANIFEST: &str = "retry = \"R0/PT0S\"\n[grants]\nstart-process = [\"*\"]\nsecrets = [\"key\", \"other\"]\n\
                            http = [\"GET https://a.example\", \"GET https://b.example\"]\n";
    const GRANTS: &str = "[grants.probe]\nstart-process = [\"order\"]\nhttp = [\"GET https://b.example\"]\n\
                          secrets.other = { env = \"RECORD_TEST_KEY\" }\n";
    let scene = Scene::with_probe(MANIFEST).await;
    let dir = TempDir::new().expect("a directory");
    let host = scene.builder().arg("--record").arg(dir.path()).env("RECORD_TEST_KEY", "s3cr3t-value").toml(GRANTS);
    let host = host.start().expect("started");
    let start = |key: &str| scene.probe_with("start-process", json!({"key": text(key), "businessKey": text("b")}));
    let fetch =
        json!({"authority": text("a.example"), "scheme": text("https"), "path": text("/"), "method": text("GET")});
    let completed = [start("invoice"), start("order"), scene.probe_with("fetch", fetch), scene.probe("config")];
    for task in &completed {
        scene.engine.await_completed(task, SOON).await.expect("completed");
    }
    let failed = scene.probe_with("err-secret", json!({"key": text("key")}));
    scene.engine.await_state(&failed, SOON, TaskState::is_incident).await.expect("an incident");
    stop(host).await;
    let recorded = recordings(dir.path());
    assert_eq!(recorded.len(), 5, "{recorded:?}");
    let written: String = recorded.iter().map(|path| fs::read_to_string(path).expect("read")).collect();
    for told in
        ["is not granted: the operator does not allow it", "start-process = [\"order\"]", "secrets = [\"other\"]"]
    {
        assert!(written.contains(told), "no {told} in {written}");
    }
    let (code, told) = replay(MANIFEST, &recorded);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn recordings_are_bounded_and_a_directory_that_cannot_be_written_costs_no_task() {
    let scene = Scene::with_probe("").await;
    let dir = TempDir::new().expect("a directory");
    let host = scene
        .builder()
        .arg("--record")
        .arg(dir.path())
        .setting("record.max-files", "2")
        .setting("record.max-size", "\"2 KiB\"");
    let host = host.start().expect("started");
    let large =
        scene.probe_with("complete", json!({"big": {"type": "Json", "value": format!("\"{}\"", "x".repeat(10_000))}}));
    scene.engine.await_completed(&large, SOON).await.expect("completed");
    host.await_text("more than record.max-size", SOON).await.expect("told");
    for _ in 0..3 {
        let task = scene.probe("complete");
        scene.engine.await_completed(&task, SOON).await.expect("completed");
    }
    host.await_text("record.max-files", SOON).await.expect("told");
    assert_eq!(recordings(dir.path()).len(), 2);
    stop(host).await;
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let host = scene.builder().arg("--record").arg(file.join("beneath")).start().expect("started");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    host.await_text("an invocation cannot be recorded", SOON).await.expect("told");
}

#[tokio::test]
async fn a_file_where_recordings_should_go_is_told_at_the_start() {
    let scene = Scene::with_probe("").await;
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("taken"), "").expect("written");
    let mut host = scene.builder().arg("--record").arg(dir.path().join("taken")).start().expect("started");
    assert_eq!(host.wait_exit(SOON).await.expect("ended").code(), Some(78));
    let logs = host.logs();
    assert!(logs.contains("taken, where recordings go, is no directory: name another place with --record"), "{logs}");
}
