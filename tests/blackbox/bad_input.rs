//! A wrong input at every door: one clear line, and everything else goes on.

use std::time::Duration;

use fetchlock_harness::fetchlock::{Fetchlock, Stream};
use fetchlock_scripted_engine::{Mode, ScriptedEngine};
use serde_json::json;

use crate::{
    broken::{self, Broken},
    scene::{SOON, Scene},
};

/// Puts a broken file beside a sound plugin; the line about it, and a proof that the sound one works.
async fn refused(broken: Broken) -> String {
    let scene = Scene::with_probe("").await;
    (broken.put)(&scene);
    let host = scene.start();
    let line =
        host.await_log(|line| line["message"].as_str().is_some_and(|it| it.contains("plugin refused")), SOON).await;
    let line = line.unwrap_or_else(|error| panic!("{error:#}"));
    let message = line["message"].as_str().expect("a message").to_owned();
    assert!(message.contains(broken.file) && !message.contains('\n'), "{message}");
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("the sound plugin works");
    message
}

#[tokio::test]
async fn a_text_file() {
    let line = refused(broken::TEXT).await;
    insta::assert_snapshot!(line, @r#"plugin refused: text.wasm: this is no WebAssembly: expected a component (\0asm), found text beginning with "Hello, I am not a compon"; build the handler for wasm32-wasip2"#);
}

#[tokio::test]
async fn an_empty_file() {
    let line = refused(broken::EMPTY).await;
    insta::assert_snapshot!(line, @"plugin refused: empty.wasm: the file is empty: expected a WebAssembly component; was it copied whole?");
}

#[tokio::test]
async fn a_truncated_component() {
    let line = refused(broken::TRUNCATED).await;
    assert!(line.contains("the component is damaged at byte") && line.contains("was it copied whole?"), "{line}");
}

#[tokio::test]
async fn a_core_module() {
    let line = refused(broken::CORE_MODULE).await;
    insta::assert_snapshot!(line, @"plugin refused: module.wasm: this is a core WebAssembly module, not a component: build it for wasm32-wasip2, or turn it into a component with `wasm-tools component new`");
}

#[tokio::test]
async fn a_component_of_another_world() {
    let line = refused(broken::OTHER_WORLD).await;
    insta::assert_snapshot!(line, @"plugin refused: world.wasm: the component is not built for fetchlock:handler@0.1.0: it does not export `handle` (it exports `wasi:http/incoming-handler@0.2.0`); it imports what this host does not offer: `fetchlock:handler/outcome@0.9.0` (this host has `fetchlock:handler/outcome@0.1.0`), `wasi:keyvalue/store@0.2.0`; author: build against the WIT package fetchlock:handler, world `handler`; operator: take a build for this host's version, or a newer host");
}

#[tokio::test]
async fn a_cwasm() {
    let line = refused(broken::MACHINE_CODE).await;
    insta::assert_snapshot!(line, @"plugin refused: machine.wasm: this is precompiled machine code (.cwasm), which is never loaded from the plugin directory because it would run outside the sandbox: drop the component (.wasm) itself, fetchlock compiles and caches it");
}

#[tokio::test]
async fn a_cwasm_under_its_own_name() {
    let line = refused(broken::MACHINE_CODE_BY_NAME).await;
    assert!(line.contains("this is precompiled machine code (.cwasm)"), "{line}");
}

#[tokio::test]
async fn a_file_of_200_mb() {
    let line = refused(broken::TOO_LARGE).await;
    assert!(line.contains("200.0 MiB, more than plugins.max-size allows (64.0 MiB)"), "{line}");
}

#[tokio::test]
async fn a_directory_with_a_plugins_name() {
    let line = refused(broken::DIRECTORY).await;
    assert!(line.contains("dir.wasm: is no regular file"), "{line}");
}

#[tokio::test]
async fn an_unknown_key_in_a_manifest() {
    let line = refused(broken::UNKNOWN_KEY).await;
    assert!(line.contains("other.toml:2") && line.contains("lock-duraton") && line.contains("lock-duration"), "{line}");
}

/// Starts a host that refuses to run; what it says on standard error.
async fn refuses_to_start(
    build: impl FnOnce(fetchlock_harness::fetchlock::Builder) -> fetchlock_harness::fetchlock::Builder,
) -> String {
    let builder = Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock"));
    let mut host = build(builder).start().expect("started");
    let status = host.wait_exit(SOON).await.expect("exited");
    assert_eq!(status.code(), Some(78), "{}", host.logs());
    host.output(Stream::Stderr).trim().to_owned()
}

#[tokio::test]
async fn an_unknown_key_in_the_settings() {
    let text =
        refuses_to_start(|it| it.engine("http://127.0.0.1:1/engine-rest").toml("[worker]\nmax-concurent = 4\n")).await;
    assert!(
        text.contains("fetchlock.toml:2: unknown key `worker.max-concurent`: did you mean `max-concurrent`?"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn an_unknown_key_in_the_environment() {
    let text =
        refuses_to_start(|it| it.engine("http://127.0.0.1:1/engine-rest").env("FETCHLOCK_WORKER__MAX_CONCURENT", "4"))
            .await;
    assert!(text.contains("FETCHLOCK_WORKER__MAX_CONCURENT") && text.contains("MAX_CONCURRENT"), "{text}");
}

#[tokio::test]
async fn no_engine_address() {
    let text = refuses_to_start(|it| it).await;
    insta::assert_snapshot!(text, @"fetchlock: no engine address: expected the root of its REST interface, such as http://localhost:8080/engine-rest, as `engine.url` in fetchlock.toml, in FETCHLOCK_ENGINE__URL or after --engine-url; `fetchlock run` never starts without one");
}

#[test]
fn a_plugin_directory_that_is_not_there() {
    let state = tempfile::TempDir::new().expect("a directory");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fetchlock"))
        .args(["run", "--engine-url", "http://127.0.0.1:1/engine-rest", "--plugins", "nowhere/at/all", "--state-dir"])
        .arg(state.path())
        .output()
        .expect("ran");
    assert_eq!(output.status.code(), Some(78));
    let text = String::from_utf8_lossy(&output.stderr);
    insta::assert_snapshot!(text.trim(), @"fetchlock: the plugin directory nowhere/at/all cannot be read: No such file or directory (os error 2); create it, or name another with plugins.dir or --plugins");
}

#[tokio::test]
async fn a_state_directory_in_use() {
    let scene = Scene::with_probe("").await;
    let first = scene.start();
    first.await_text("plugin serving", SOON).await.expect("started");
    let mut second = scene.start();
    let status = second.wait_exit(SOON).await.expect("exited");
    assert_eq!(status.code(), Some(78));
    assert!(second.logs().contains("another fetchlock runs with the same state-dir"), "{}", second.logs());
}

#[tokio::test]
async fn an_engine_that_is_not_there_at_start_is_waited_for() {
    let scene = Scene::with_probe("").await;
    let address = ScriptedEngine::free_address().expect("an address");
    let host = scene.builder().engine(&format!("http://{address}/engine-rest")).start().expect("started");
    host.await_text("the engine cannot be reached", SOON).await.expect("says so");
    host.await_text("still: the engine cannot be reached", SOON).await.expect("keeps trying");
    let engine = ScriptedEngine::start_at(address).await.expect("the engine comes");
    let task = engine.add_task(crate::scene::probe_spec("complete", json!({})));
    engine.await_completed(&task, SOON).await.expect("completed");
    host.await_text("the engine answers again", SOON).await.expect("says how long it was away");
}

#[tokio::test]
async fn an_engine_that_answers_html() {
    let scene = Scene::with_probe("").await;
    scene.engine.set_mode(Mode::Html { status: 200 });
    let host = scene.start();
    let line = host.await_text("does not answer as an engine", SOON).await.expect("says so");
    assert!(line.contains("check engine.url"), "{line}");
    scene.engine.set_mode(Mode::Normal);
    let task = scene.probe("complete");
    scene.engine.await_completed(&task, SOON).await.expect("recovers by itself");
}

#[tokio::test]
async fn wrong_credentials_and_right_ones() {
    let scene = Scene::with_probe("").await;
    scene.engine.set_mode(Mode::BasicAuth { user: "demo".into(), password: "s3cret".into() });
    let task = scene.probe("complete");
    let mut host = scene
        .builder()
        .setting("engine.username", "\"demo\"")
        .setting("engine.password", "\"wr0ng\"")
        .start()
        .expect("started");
    let line = host.await_text("does not accept the credentials (401)", SOON).await.expect("says so");
    assert!(line.contains("engine.username"), "{line}");
    assert!(!host.logs().contains("wr0ng"), "the password is in the log");
    assert!(!scene.engine.state(&task).is_ended());
    host.sigterm().expect("sent");
    host.wait_exit(SOON).await.expect("exited");

    let _host = scene
        .builder()
        .setting("engine.username", "\"demo\"")
        .setting("engine.password", "\"s3cret\"")
        .start()
        .expect("started");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
}

#[tokio::test]
async fn a_host_that_is_told_to_stop_while_its_engine_is_away_stops() {
    let scene = Scene::with_probe("").await;
    let address = ScriptedEngine::free_address().expect("an address");
    let mut host = scene.builder().engine(&format!("http://{address}/engine-rest")).start().expect("started");
    host.await_text("the engine cannot be reached", SOON).await.expect("says so");
    host.sigterm().expect("sent");
    assert!(host.wait_exit(Duration::from_secs(15)).await.expect("exited").success());
}
