//! Secrets of plugins: who may read them, where they come from, and that they show nowhere.

use std::fs;

use fetchlock_harness::fetchlock::{Fetchlock, Stream};
use fetchlock_scripted_engine::TaskState;
use serde_json::json;

use crate::scene::{SOON, Scene, text};

/// A text that is found nowhere by accident.
const HUSH: &str = "correct-horse-battery";

const MANIFEST: &str = "retry = \"R0/PT0S\"\n[grants]\nsecrets = [\"api-key\"]\n[config]\nlimit = 5\n";

async fn scene() -> Scene {
    Scene::with_probe(MANIFEST).await
}

/// A host that gives the plugin `probe` its secret from a file.
fn host(scene: &Scene) -> Fetchlock {
    let file = scene.drop_file("key.txt", format!("{HUSH}\n").as_bytes());
    let settings = format!("[grants.probe]\nsecrets.api-key = {{ file = {file:?} }}\n");
    scene.builder().toml(&settings).start().expect("the host starts")
}

/// All settings that a handler of this topic sees.
async fn config(scene: &Scene, task: &str) -> serde_json::Value {
    scene.engine.await_completed(task, SOON).await.expect("completed")
}

/// The message and details of the incident of a task.
async fn incident(scene: &Scene, task: &str) -> String {
    let state = scene.engine.await_state(task, SOON, TaskState::is_incident).await.expect("an incident");
    format!("{state:?}")
}

fn everything(host: &Fetchlock) -> String {
    format!("{}{}{}", host.logs(), host.output(Stream::Stdout), host.output(Stream::Stderr))
}

#[tokio::test]
async fn a_handler_reads_its_secret_beside_its_settings_and_another_plugin_does_not() {
    let scene = scene().await;
    scene.drop_guest("probe", "other");
    scene.drop_file("other.toml", b"topic = \"other\"\n");
    let task = scene.probe("config");
    let mut spec = crate::scene::probe_spec("config", json!({}));
    spec.topic = "other".into();
    let other = scene.engine.add_task(spec);
    let _host = host(&scene);
    let seen = config(&scene, &task).await;
    assert_eq!((&seen["api-key"]["value"], &seen["limit"]["value"]), (&json!(HUSH), &json!("5")));
    let seen = config(&scene, &other).await;
    assert!(seen.get("api-key").is_none() && seen.get("limit").is_none(), "{seen}");
}

#[tokio::test]
async fn a_secret_comes_from_a_variable_too_and_a_changed_file_is_read_again() {
    let scene = Scene::with_probe("[grants]\nsecrets = [\"from-env\", \"from-file\"]\n").await;
    let file = scene.drop_file("key.txt", b"first-of-all");
    let settings =
        format!("[grants.probe.secrets]\nfrom-env = {{ env = \"PROBE_KEY\" }}\nfrom-file = {{ file = {file:?} }}\n");
    let _host = scene.builder().env("PROBE_KEY", HUSH).toml(&settings).start().expect("the host starts");
    let seen = config(&scene, &scene.probe("config")).await;
    assert_eq!((&seen["from-env"]["value"], &seen["from-file"]["value"]), (&json!(HUSH), &json!("first-of-all")));
    scene.drop_file("key.txt", b"second-of-all");
    let changed =
        async { while config(&scene, &scene.probe("config")).await["from-file"]["value"] != "second-of-all" {} };
    tokio::time::timeout(SOON, changed).await.expect("the new text is read");
}

#[tokio::test]
async fn a_secret_shows_in_no_line_and_in_no_incident_whatever_the_handler_does_with_it() {
    let scene = scene().await;
    let host = host(&scene);
    let key = || json!({"key": text("api-key")});
    let said = scene.probe_with("say-secret", key());
    scene.engine.await_completed(&said, SOON).await.expect("completed");
    for part in ["it is (hidden)", "field=(hidden)", "out: (hidden)", "err: (hidden)"] {
        host.await_text(part, SOON).await.expect("the line, blotted out");
    }
    for (behaviour, parts) in [
        ("fail-with-secret", &["message (hidden)", "details (hidden)"][..]),
        ("err-secret", &["error (hidden)"]),
        ("panic-with-secret", &["panic (hidden)"]),
    ] {
        let incident = incident(&scene, &scene.probe_with(behaviour, key())).await;
        assert!(parts.iter().all(|part| incident.contains(part)) && !incident.contains(HUSH), "{incident}");
    }
    let all = everything(&host);
    assert!(!all.contains(HUSH), "{all}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_told_at_the_load_and_fails_who_reads_it() {
    let scene = scene().await;
    let settings = "[grants.probe]\nsecrets.api-key = { env = \"PROBE_KEY_NOT_SET\" }\n";
    let host = scene.builder().toml(settings).start().expect("the host starts all the same");
    host.await_text("cannot be had now", SOON).await.expect("a warning");
    let incident = incident(&scene, &scene.probe_with("say-secret", json!({"key": text("api-key")}))).await;
    assert!(
        incident.contains("a secret is missing: grants.probe.secrets.api-key: the environment variable"),
        "{incident}"
    );
    let well = scene.probe("complete");
    scene.engine.await_completed(&well, SOON).await.expect("who needs it not works");
}

#[tokio::test]
async fn a_secret_that_is_not_granted_fails_who_requests_it_and_is_nothing_to_others() {
    let scene = scene().await;
    let host = scene.start();
    let told = host.await_log(|line| line["grant"] == "secrets", SOON).await.expect("a warning");
    insta::assert_snapshot!(told["message"].as_str().expect("a text"), @r#"the plugin requests secrets of ["api-key"], which the settings do not allow, so each task that reads one fails: to allow it, add `secrets.api-key = { file = "…" }` to [grants.probe] of fetchlock.toml"#);
    let incident = incident(&scene, &scene.probe_with("say-secret", json!({"key": text("api-key")}))).await;
    assert!(incident.contains("the operator does not allow it; add `secrets.api-key = "), "{incident}");
}

#[tokio::test]
async fn the_effective_settings_name_the_places_of_secrets_and_never_their_texts() {
    let scene = scene().await;
    let file = scene.drop_file(
        "fetchlock.toml",
        format!("[grants.probe]\nsecrets.written = \"{HUSH}\"\nsecrets.from-env = {{ env = \"PROBE_KEY\" }}\n")
            .as_bytes(),
    );
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_fetchlock"))
        .args(["run", "--print-config", "--config"])
        .arg(&file)
        .env("PROBE_KEY", HUSH)
        .output()
        .await
        .expect("it runs");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!printed.contains(HUSH) && printed.contains("(hidden)") && printed.contains("PROBE_KEY"), "{printed}");
    fs::write(&file, format!("[grants.probe]\nsecrets = \"{HUSH}\"\n")).expect("written");
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_fetchlock"))
        .args(["run", "--print-config", "--config"])
        .arg(&file)
        .output()
        .await
        .expect("it runs");
    let refused = String::from_utf8_lossy(&output.stderr);
    assert!(!refused.contains(HUSH) && refused.contains("`grants.probe.secrets` is a text"), "{refused}");
}
