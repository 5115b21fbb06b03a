//! `fetchlock status`: what a host says of itself to who asks.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use fetchlock_harness::fetchlock::Fetchlock;
use fetchlock_scripted_engine::TaskState;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::scene::{SOON, Scene};

/// Asks the host with a state directory.
async fn ask(state: &Path, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fetchlock"));
    command.arg("status").arg("--state-dir").arg(state).args(arguments).current_dir(state).env("TZ", "UTC");
    command.output().await.expect("it runs")
}

/// What it told, with its exit code, and words for what differs from run to run.
fn told(output: &Output, scene: &Scene, host: Option<&Fetchlock>) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = said.replace(&format!("{}/", scene.engine.url()), "ENGINE/").replace(&scene.engine.url(), "ENGINE");
    let said = said.replace(&scene.plugins().display().to_string(), "PLUGINS");
    let said = said.replace(&scene.state().display().to_string(), "STATE");
    let process = host.and_then(Fetchlock::pid).map(|pid| format!("process {pid}")).unwrap_or_default();
    let said = if process.is_empty() { said } else { said.replace(&process, "process PID") };
    format!("{}exit {}", without_moments(&said), output.status.code().expect("an exit code"))
}

/// With a word for the moment at which a host began.
fn without_moments(said: &str) -> String {
    let line = |line: &str| match line.split_once(", since ") {
        Some((before, _)) => format!("{before}, since TIME\n"),
        None => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

/// The status when it is so: the engine has an outcome a moment before the host counts it.
pub(crate) async fn status_where(scene: &Scene, is_so: impl Fn(&Value) -> bool) -> Value {
    let awaited = async {
        loop {
            let output = ask(scene.state(), &["--json"]).await;
            // At first the host may not be there yet.
            if let Ok(status) = serde_json::from_slice(&output.stdout)
                && is_so(&status)
            {
                return status;
            }
        }
    };
    tokio::time::timeout(SOON, awaited).await.expect("it becomes so")
}

/// A case of the guest `versioned` that expects this build.
fn case_of(build: &str) -> String {
    format!("[expect]\noutcome = \"complete\"\nvariables.build = \"{build}\"\nothers = true\n")
}

#[tokio::test]
async fn it_tells_what_serves_and_what_is_refused_with_what_its_case_found() {
    let scene = Scene::with_probe("retry = \"R0/PT0S\"\n").await;
    scene.drop_file("versioned.build.case.toml", case_of("v1").as_bytes());
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    host.await_log(|line| line["message"] == "plugin serving" && line["topic"] == "versioned", SOON)
        .await
        .expect("both serve");
    let well = ask(scene.state(), &[]).await;
    assert_eq!(well.status.code(), Some(0), "{well:?}");

    scene.drop_guest("versioned-v2", "versioned");
    host.await_text("plugin refused", SOON).await.expect("refused");
    let bad = scene.probe("err");
    scene.engine.await_state(&bad, SOON, TaskState::is_incident).await.expect("an incident");
    let status = status_where(&scene, |status| status["plugins"][0]["incidents"] == 1).await;
    let version = |of: usize| status["plugins"][of]["version"].as_str().expect("a version").to_owned();
    let output = ask(scene.state(), &[]).await;
    let text = told(&output, &scene, Some(&host)).replace(&version(0), "PROBE-------");
    let text = text.replace(&version(1), "VERSIONED---").replace(&bad, "TASK");
    assert_snapshot!(text, @r#"
    fetchlock 0.1.0, process PID, since TIME
      engine   ENGINE (default)
      plugins  PLUGINS

    topic             version       running    done  BPMN errors  failed  incidents
    probe             PROBE-------        0       1            0       1          1
    versioned         VERSIONED---        0       0            0       0          0
    refused: versioned.wasm: 1 of 1 cases beside it fail: versioned.build: the outcome is `complete` as expected, but not its `variables.build`; mend the handler or the case, or set plugins.run-cases = false (version VERSIONED--- keeps serving)
      FAILED versioned.build
              PLUGINS/versioned.build.case.toml
              the outcome is `complete` as expected, but not its `variables.build`
              - expected, + found
                  outcome = "complete"
                - variables.build = "v1"
                + variables.build = "v2"
    last failure (task TASK): probe (version PROBE-------): the probe fails on purpose
    exit 1
    "#);
}

#[tokio::test]
async fn as_json_it_has_the_names_and_numbers_of_each_plugin() {
    let scene = Scene::with_probe("").await;
    let host = scene.start();
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    let counted = |status: &Value| status["plugins"][0]["completed"] == 1 && status["plugins"][0]["running"] == 0;
    let status = status_where(&scene, counted).await;
    assert_eq!(status["host"]["process"], json!(host.pid()));
    assert_eq!(status["host"]["engines"][0]["name"], "default");
    let plugin = &status["plugins"][0];
    assert_eq!((&plugin["topic"], &plugin["plugin"]), (&json!("probe"), &json!("probe")));
    assert_eq!(status["refused"], json!([]));
}

#[tokio::test]
async fn where_no_host_runs_it_says_so_also_after_one_was_killed_and_the_next_one_answers() {
    let scene = Scene::with_probe("").await;
    let none = ask(scene.state(), &[]).await;
    assert_snapshot!(told(&none, &scene, None), @"
    fetchlock: no host is running with the state directory STATE; if one is, name its own by --state-dir or its settings by --config
    exit 3
    ");
    let mut host = scene.start();
    host.await_text("plugin serving", SOON).await.expect("it serves");
    let socket = scene.state().join("status.sock");
    assert_eq!(fs::metadata(&socket).expect("there").permissions().mode() & 0o777, 0o600);
    host.kill9().await.expect("killed");
    assert!(socket.exists(), "a killed host leaves it");
    assert_eq!(ask(scene.state(), &[]).await.status.code(), Some(3));
    let mut host = scene.start();
    host.await_text("plugin serving", SOON).await.expect("it serves");
    assert_eq!(ask(scene.state(), &[]).await.status.code(), Some(0));
    host.sigterm().expect("told to stop");
    host.wait_exit(SOON).await.expect("stopped");
    assert!(!socket.exists(), "a host that stops takes it away");
}

#[tokio::test]
async fn a_host_whose_state_directory_is_too_deep_for_a_socket_works_and_says_so() {
    let scene = Scene::with_probe("").await;
    let deep = scene.state().join("d".repeat(120));
    let host = scene.builder().state_dir(&deep).start().expect("it starts");
    host.await_text("`fetchlock status` will not find this host", SOON).await.expect("a warning");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
}

#[tokio::test]
async fn who_connects_and_reads_nothing_holds_up_nobody_however_much_there_is_to_tell() {
    let scene = Scene::with_probe("").await;
    // More than the kernel keeps for a reader.
    for number in 0..1_500 {
        scene.drop_file(&format!("broken-{number}-{}.wasm", "x".repeat(200)), b"no component");
    }
    let host = scene.start();
    host.await_text("\"plugin serving\"", SOON).await.expect("it serves");
    let status =
        status_where(&scene, |status| status["refused"].as_array().is_some_and(|all| all.len() == 1_500)).await;
    assert!(status.to_string().len() > 512 << 10);
    let socket = scene.state().join("status.sock");
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(tokio::net::UnixStream::connect(&socket).await.expect("connected"));
    }
    assert_eq!(ask(scene.state(), &[]).await.status.code(), Some(1), "it answers, and refuses something");
    drop(idle);
}

#[tokio::test]
async fn a_host_that_is_stopped_is_told_apart_from_none() {
    let scene = Scene::with_probe("").await;
    let host = scene.start();
    host.await_text("plugin serving", SOON).await.expect("it serves");
    host.pause().expect("paused");
    let late = ask(scene.state(), &[]).await;
    host.resume().expect("resumed");
    assert_snapshot!(told(&late, &scene, None), @"
    fetchlock: the host with the state directory STATE did not answer within 5s: it may be stopped or very busy
    exit 3
    ");
}
