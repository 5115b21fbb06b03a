//! One host works for several engines: each plugin for the one that its manifest names.

use std::{fs, time::Duration};

use fetchlock_scripted_engine::{Mode, ScriptedEngine, TaskSpec};
use serde_json::json;
use tokio::{process::Command, time::timeout};

use crate::scene::{SOON, Scene, long, text};

/// A scene whose engine is `[engine]`, and a second engine that is `[engines.second]`; the plugin `versioned` works for
/// the first one, the plugin `probe` for the second.
async fn two_engines() -> (Scene, ScriptedEngine, String) {
    let scene = Scene::new().await;
    let second = ScriptedEngine::start().await.expect("the scripted engine starts");
    scene.drop_guest("versioned-v1", "versioned");
    scene.drop_guest("probe", "probe");
    scene.drop_file("probe.toml", b"engine = \"second\"\n");
    let table = format!("[engines.second]\nurl = \"{}\"\n", second.url());
    (scene, second, table)
}

fn complete() -> serde_json::Value {
    json!({"behaviour": text("complete")})
}

#[tokio::test]
async fn each_plugin_works_for_the_engine_that_it_names() {
    let (scene, second, table) = two_engines().await;
    let elsewhere = scene.engine.add_task(TaskSpec::new("probe", complete()));
    let of_first = scene.engine.add_task(TaskSpec::new("versioned", json!({})));
    let of_second = second.add_task(TaskSpec::new("probe", complete()));
    let _host = scene.builder().toml(&table).start().expect("the host starts");
    scene.engine.await_completed(&of_first, SOON).await.expect("completed at the first engine");
    second.await_completed(&of_second, SOON).await.expect("completed at the second engine");
    let fetched = scene.engine.await_completed(&elsewhere, Duration::from_millis(500)).await;
    assert!(fetched.is_err(), "a task of the first engine was given to a plugin of the second");
}

#[tokio::test]
async fn an_engine_that_is_away_does_not_hold_up_another() {
    let (scene, second, table) = two_engines().await;
    second.set_mode(Mode::CutEverything);
    let host = scene.builder().toml(&table).start().expect("the host starts");
    host.await_text("the engine cannot be reached", SOON).await.expect("told");
    let task = scene.engine.add_task(TaskSpec::new("versioned", json!({})));
    scene.engine.await_completed(&task, SOON).await.expect("completed");
}

#[tokio::test]
async fn a_plugin_of_an_unknown_engine_is_refused_with_the_known_ones() {
    let (scene, _second, table) = two_engines().await;
    scene.drop_file("probe.toml", b"engine = \"third\"\n");
    let host = scene.builder().toml(&table).start().expect("the host starts");
    let refused =
        |line: &serde_json::Value| line["message"].as_str().is_some_and(|it| it.starts_with("plugin refused"));
    let line = host.await_log(refused, SOON).await.expect("refused");
    insta::assert_snapshot!(line["message"].as_str().unwrap_or_default(), @r#"plugin refused: probe.wasm: probe.toml:1: `engine`: "third" is no engine in the host's settings: expected "default" or "second", or leave the key out for the first"#);
}

#[tokio::test]
async fn what_is_said_of_an_engine_names_it() {
    let (scene, second, table) = two_engines().await;
    second.set_mode(Mode::CutEverything);
    let host = scene.builder().toml(&table).start().expect("the host starts");
    host.await_log(|line| line["level"] == "ERROR" && line["engine"] == "second", SOON).await.expect("told");
    second.set_mode(Mode::Normal);
    host.await_log(|line| line["away_s"].is_number() && line["engine"] == "second", SOON).await.expect("back");
}

#[tokio::test]
async fn tasks_of_another_engine_are_asked_for_by_its_name() {
    let (scene, second, table) = two_engines().await;
    scene.engine.add_task(TaskSpec::new("versioned", json!({})));
    second.add_task(TaskSpec::new("probe", complete()));
    second.add_task(TaskSpec::new("probe", complete()));
    let settings = scene.plugins().join("fetchlock.toml");
    fs::write(&settings, format!("[engine]\nurl = \"{}\"\n{table}", scene.engine.url())).expect("written");
    let count = async |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlock"));
        command.args(["tasks", "count", "--config"]).arg(&settings).args(more).kill_on_drop(true);
        let ended = timeout(SOON, command.output()).await.expect("in time").expect("ended");
        let said = [ended.stdout, ended.stderr].concat();
        format!("{}{}", String::from_utf8_lossy(&said), ended.status)
    };
    insta::assert_snapshot!(count(&[]).await, @r"
    1
    exit status: 0
    ");
    insta::assert_snapshot!(count(&["--engine", "second"]).await, @r"
    2
    exit status: 0
    ");
    insta::assert_snapshot!(count(&["--engine", "third"]).await, @r#"
    fetchlock: no engine "third" is in the settings: expected "default" or "second"
    exit status: 78
    "#);
}

/// How long `complete-slowly` takes here.
const RUN: Duration = Duration::from_millis(300);

/// The shortest time between two completions, of two tasks at each of two engines, under a limit of the whole host.
async fn shortest_gap(max_concurrent: usize) -> Duration {
    let (scene, second, table) = two_engines().await;
    scene.drop_guest("probe", "slow");
    let slow = |topic| TaskSpec::new(topic, json!({"behaviour": text("complete-slowly"), "n": long(300)}));
    let engines = [(&scene.engine, "slow"), (&second, "probe")];
    for (engine, topic) in engines {
        engine.add_task(slow(topic));
        engine.add_task(slow(topic));
    }
    let limit = max_concurrent.to_string();
    let _host = scene.builder().setting("worker.max-concurrent", &limit).toml(&table).start().expect("the host starts");
    let mut ends = Vec::new();
    for (engine, _) in engines {
        engine.await_all(SOON, |task| task.is_ended()).await.expect("completed");
        ends.extend(engine.requests_to("/complete").into_iter().map(|request| request.at));
    }
    ends.sort();
    ends.windows(2).map(|pair| pair[1] - pair[0]).min().expect("four completions")
}

#[tokio::test]
async fn the_hosts_limit_holds_over_all_engines() {
    assert!(shortest_gap(1).await >= RUN);
    assert!(shortest_gap(4).await < RUN);
}
