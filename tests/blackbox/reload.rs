//! Changes in the plugin directory take effect without a restart, and a bad one never costs the good version.

use std::{fs, time::Duration};

use fetchlock_harness::{fetchlock::Fetchlock, guests::guest};
use fetchlock_scripted_engine::TaskSpec;
use serde_json::json;

use crate::{
    scene::{SOON, Scene},
    status::status_where,
};

async fn build_of(scene: &Scene, topic: &str) -> (String, String) {
    let task = scene.engine.add_task(TaskSpec::new(topic, json!({})));
    let variables = scene.engine.await_completed(&task, SOON).await.expect("completed");
    let text = |name: &str| variables[name]["value"].as_str().unwrap_or_default().to_owned();
    (text("build"), text("version"))
}

fn servings(host: &Fetchlock) -> usize {
    host.log_lines().iter().filter(|line| line["message"] == "plugin serving").count()
}

async fn await_servings(host: &Fetchlock, topic: &str, count: usize) {
    let counted = std::cell::Cell::new(0);
    let found = host.await_log(
        |line| {
            if line["message"] == "plugin serving" && line["topic"] == topic {
                counted.set(counted.get() + 1);
            }
            counted.get() == count
        },
        SOON,
    );
    found.await.unwrap_or_else(|error| panic!("{topic} did not serve {count} times: {error:#}"));
}

#[tokio::test]
async fn a_replaced_component_serves_the_next_task() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_guest("versioned-v2", "versioned");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn a_component_copied_slowly_in_place_serves_when_it_is_whole() {
    use std::io::Write;
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.builder().setting("plugins.stable", "\"300ms\"").start().expect("started");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    let bytes = fs::read(guest("versioned-v2").expect("built")).expect("read");
    let mut file = fs::File::create(scene.plugins().join("versioned.wasm")).expect("opened");
    for part in bytes.chunks(bytes.len() / 8) {
        file.write_all(part).expect("written");
        file.sync_all().expect("flushed");
        // A slow copy is what is being tested; there is nothing to await.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    drop(file);
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
    assert!(!host.logs().contains("plugin refused"), "{}", host.logs());
}

#[tokio::test]
async fn a_changed_manifest_is_a_new_version() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    scene.drop_file("versioned.toml", b"[config]\nversion = \"one\"\n");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.1, "one");
    scene.drop_file("versioned.toml", b"[config]\nversion = \"two\"\n");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.1, "two");
}

#[tokio::test]
async fn a_task_that_was_begun_on_the_old_version_finishes_on_it() {
    let scene = Scene::new().await;
    scene.drop_file("versioned.toml", b"[config]\nsleep-ms = 4000\n");
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    let begun = scene.engine.add_task(TaskSpec::new("versioned", json!({})));
    status_where(&scene, |status| status["plugins"][0]["running"] == 1).await;
    scene.drop_guest("versioned-v2", "versioned");
    await_servings(&host, "versioned", 2).await;
    assert!(scene.engine.await_completed(&begun, Duration::ZERO).await.is_err(), "the old version still runs it");
    let found = scene.engine.await_completed(&begun, SOON).await.expect("completed");
    assert_eq!(found["build"]["value"], "v1");
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn grants_for_a_plugin_that_is_not_there_are_told_with_the_one_that_may_be_meant() {
    let scene = Scene::with_probe("").await;
    let host = scene.builder().toml("[grants.prob]\nstart-process = [\"invoice\"]").start().expect("started");
    let line = host.await_text("[grants.prob] is for no plugin", SOON).await.expect("told");
    assert!(line.contains("did you mean [grants.probe]?"), "{line}");
}

#[tokio::test]
async fn a_broken_replacement_keeps_the_last_good_version() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_file("versioned.wasm", b"not wasm at all");
    let line = host.await_text("plugin refused", SOON).await.expect("refused");
    assert!(line.contains("keeps serving") && line.contains("versioned.wasm"), "{line}");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_guest("versioned-v2", "versioned");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn the_same_bytes_written_again_are_no_reload() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_guest("versioned-v1", "versioned");
    // Another plugin that comes later has been seen after it.
    scene.drop_guest("versioned-v1", "later");
    await_servings(&host, "later", 1).await;
    assert_eq!(servings(&host), 2);
}

#[tokio::test]
async fn a_removed_plugin_is_fetched_no_more_and_may_come_back() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    fs::remove_file(scene.plugins().join("versioned.wasm")).expect("removed");
    host.await_text("plugin removed", SOON).await.expect("noticed");
    scene.drop_guest("versioned-v2", "versioned");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn a_new_topic_is_fetched_although_a_poll_is_parked() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "first");
    let _host = scene.start();
    scene.engine.await_parked(1, SOON).await.expect("parked");
    scene.drop_guest("versioned-v1", "second");
    let (build, _) = build_of(&scene, "second").await;
    assert_eq!(build, "v1");
}

#[cfg(unix)]
#[tokio::test]
async fn a_symlink_swap_as_kubernetes_does_it_is_a_reload() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new().await;
    let at = |name: &str| scene.plugins().join(name);
    for (version, build) in [("..one", "versioned-v1"), ("..two", "versioned-v2")] {
        fs::create_dir(at(version)).expect("made");
        fs::copy(guest(build).expect("built"), at(version).join("versioned.wasm")).expect("copied");
    }
    symlink("..one", at("..data")).expect("linked");
    symlink("..data/versioned.wasm", at("versioned.wasm")).expect("linked");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    symlink("..two", at("..data_tmp")).expect("linked");
    fs::rename(at("..data_tmp"), at("..data")).expect("swapped");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn two_files_for_one_topic_are_refused_with_both_names_and_the_one_that_served_goes_on() {
    let scene = Scene::new().await;
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_file("rival.toml", b"topic = \"versioned\"\n");
    scene.drop_guest("versioned-v2", "rival");
    let line = host.await_text("its topic `versioned` is served by", SOON).await.expect("refused");
    assert!(line.contains("rival.wasm") && line.contains("versioned.wasm"), "{line}");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    // When the first goes, the second may come.
    fs::remove_file(scene.plugins().join("versioned.wasm")).expect("removed");
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn two_files_that_claim_one_topic_at_the_start_are_both_refused_with_both_names() {
    let scene = Scene::with_probe("").await;
    for name in ["one", "two"] {
        scene.drop_file(&format!("{name}.toml"), b"topic = \"versioned\"\n");
        scene.drop_guest("versioned-v1", name);
    }
    let host = scene.start();
    for name in ["one.wasm", "two.wasm"] {
        let line =
            host.await_text(&format!("plugin refused: {name}: its topic `versioned`"), SOON).await.expect("refused");
        assert!(line.contains("one.wasm") && line.contains("two.wasm"), "{line}");
    }
    host.await_text("\"topic\":\"probe\"", SOON).await.expect("the other plugin serves");
    // One of them goes: nothing is unclear any more.
    fs::remove_file(scene.plugins().join("one.wasm")).expect("removed");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
}

#[tokio::test]
async fn without_file_events_the_rescan_finds_the_change() {
    let scene = Scene::new().await;
    // A directory that is replaced takes its watch with it.
    let plugins = scene.plugins().join("inner");
    fs::create_dir(&plugins).expect("made");
    let host = Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock"))
        .engine(&scene.engine.url())
        .plugins_dir(&plugins)
        .setting("plugins.rescan", "\"200ms\"")
        .start()
        .expect("started");
    host.await_text("no plugin yet", SOON).await.expect("started");
    fs::rename(&plugins, scene.plugins().join("gone")).expect("moved away");
    fs::create_dir(&plugins).expect("made anew");
    fs::copy(guest("versioned-v1").expect("built"), plugins.join("versioned.wasm")).expect("copied");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
}

/// A case of the guest `versioned` that expects this build.
fn case_of(build: &str) -> Vec<u8> {
    format!("[expect]\noutcome = \"complete\"\nvariables.build = \"{build}\"\nothers = true\n").into_bytes()
}

#[tokio::test]
async fn a_version_whose_cases_fail_keeps_the_last_good_one_and_shows_what_differs() {
    let scene = Scene::new().await;
    scene.drop_file("versioned.build.case.toml", &case_of("v1"));
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.start();
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_guest("versioned-v2", "versioned");
    let line = host.await_text("plugin refused", SOON).await.expect("refused");
    assert!(line.contains("keeps serving") && line.contains("1 of 1 cases beside it fail: versioned.build"), "{line}");
    assert!(line.contains("+ variables.build = \\\"v2\\\""), "the difference is part of the same event: {line}");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    // The case was wrong: it alone makes another version.
    scene.drop_file("versioned.build.case.toml", &case_of("v2"));
    await_servings(&host, "versioned", 2).await;
    assert_eq!(build_of(&scene, "versioned").await.0, "v2");
}

#[tokio::test]
async fn a_first_version_whose_cases_fail_or_cannot_be_read_does_not_serve() {
    let scene = Scene::with_probe("").await;
    scene.drop_file("versioned.case.toml", &case_of("v2"));
    scene.drop_guest("versioned-v1", "versioned");
    scene.drop_file("other.case.toml", b"expct = 1\n");
    scene.drop_guest("versioned-v1", "other");
    let host = scene.start();
    let told = async |name: &str| host.await_text(&format!("plugin refused: {name}"), SOON).await.expect("refused");
    assert!(told("versioned.wasm").await.contains("but not its `variables.build`"));
    assert!(told("other.wasm").await.contains("unknown key `expct`: did you mean `expect`?"));
    host.await_text("\"topic\":\"probe\"", SOON).await.expect("the other plugin serves");
    assert_eq!(servings(&host), 1);
}

#[tokio::test]
async fn cases_that_take_too_long_are_ended_and_run_again_later() {
    let scene = Scene::new().await;
    scene.drop_file("probe.toml", b"[limits]\ncpu-time = \"1m\"\n");
    scene.drop_file(
        "probe.slow.case.toml",
        b"variables = { behaviour = \"spin\" }\nexpect = { outcome = \"timeout\" }\n",
    );
    scene.drop_guest("probe", "probe");
    let host = scene.builder().setting("plugins.cases-timeout", "\"1s\"").start().expect("started");
    host.await_text("its cases took longer than plugins.cases-timeout (1 s)", SOON).await.expect("refused");
}

#[tokio::test]
async fn cases_are_not_run_where_that_is_switched_off_and_still_make_the_version() {
    let scene = Scene::new().await;
    scene.drop_file("versioned.case.toml", &case_of("v2"));
    scene.drop_guest("versioned-v1", "versioned");
    let host = scene.builder().setting("plugins.run-cases", "false").start().expect("started");
    assert_eq!(build_of(&scene, "versioned").await.0, "v1");
    scene.drop_file("versioned.case.toml", &case_of("v3"));
    await_servings(&host, "versioned", 2).await;
}
