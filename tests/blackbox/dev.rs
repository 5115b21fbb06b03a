//! `fetchlock dev` as its user meets it: what it tells, that tasks flow, and how it ends.

use std::{fs, net::TcpListener, path::Path};

use fetchlock_harness::{
    engine_client::{EngineClient, HistoryState},
    fetchlock::{Builder, Fetchlock, Stream},
    guests::guest,
};
use serde_json::json;
use tempfile::TempDir;

use crate::scene::{SOON, text};

fn dev(plugins: &Path) -> Builder {
    Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock")).command("dev").only_arguments().arg(plugins)
}

/// A directory with the probe guest for topic `probe`.
fn with_probe() -> TempDir {
    let plugins = TempDir::new().expect("a directory");
    fs::copy(guest("probe").expect("built guests"), plugins.path().join("probe.wasm")).expect("copied");
    plugins
}

/// Starts it on a free port; also the client of its engine, whose address it tells first.
async fn start(plugins: &Path, data: Option<&Path>) -> (Fetchlock, EngineClient) {
    let mut builder = dev(plugins).arg("--port").arg("0");
    if let Some(data) = data {
        builder = builder.arg("--data").arg(data);
    }
    let host = builder.start().expect("started");
    let line = host.await_text("  engine   http://127.0.0.1:", SOON).await.expect("an address");
    let url = line.split_whitespace().nth(1).expect("an address");
    let engine = EngineClient::new(url, None).expect("a client");
    (host, engine)
}

#[tokio::test]
async fn it_tells_how_to_start_a_task_and_what_it_tells_works() {
    let plugins = with_probe();
    let (host, engine) = start(plugins.path(), None).await;
    let address = host.await_text("/process-definition/key/probe/start", SOON).await.expect("a command");
    let request = host.await_text("-H 'Content-Type: application/json' -d '", SOON).await.expect("its second line");
    // Not run, because a machine may lack curl: what it would send is sent.
    let url = address.trim().strip_prefix("curl -s ").and_then(|rest| rest.strip_suffix(" \\"));
    let path = url.and_then(|url| url.strip_prefix(engine.base_url())).unwrap_or_else(|| panic!("{address}"));
    let body = request.split_once(" -d '").and_then(|(_, body)| body.strip_suffix('\'')).expect("a body");
    let mut body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    // What the variables are missing is the behaviour that completes.
    body["variables"]["behaviour"] = text("complete");
    let started = engine.post(path, &body).await.expect("started");
    let instance = started["id"].as_str().expect("an instance");
    engine.await_history_state(instance, &HistoryState::Completed, SOON).await.expect("completed");
}

#[tokio::test]
async fn the_summary_counts_what_became_of_tasks_and_shows_the_last_failure_with_its_backtrace() {
    let plugins = with_probe();
    let (host, engine) = start(plugins.path(), None).await;
    for behaviour in ["complete", "complete", "bpmn-error", "trap"] {
        let variables = json!({"behaviour": text(behaviour), "text": text("no such card")});
        engine.start_instance("probe", None, &variables).await.expect("started");
    }
    let counted = |line: &str| line.split_whitespace().skip(2).collect::<Vec<_>>() == ["0", "2", "1", "1", "0"];
    let shown = host.await_line_where(|line| line.starts_with("probe ") && counted(line), SOON).await;
    shown.unwrap_or_else(|error| panic!("{error:#}"));
    host.await_text("last failure (task ", SOON).await.expect("the failure");
    host.await_text("probe::harm::trap", SOON).await.expect("the guest's own frame");
    assert!(!host.output(Stream::Stdout).contains("!std["), "frames of the runtime hide the author's own");
}

#[tokio::test]
async fn the_summary_shows_what_was_refused() {
    let plugins = with_probe();
    fs::write(plugins.path().join("broken.wasm"), "no component").expect("written");
    let (host, _) = start(plugins.path(), None).await;
    host.await_text("refused: broken.wasm: this is no WebAssembly", SOON).await.expect("shown");
}

#[tokio::test]
async fn a_changed_plugin_serves_without_a_restart() {
    let plugins = TempDir::new().expect("a directory");
    let drop_in = |build: &str| {
        fs::copy(guest(build).expect("built guests"), plugins.path().join("v.part")).expect("copied");
        fs::rename(plugins.path().join("v.part"), plugins.path().join("versioned.wasm")).expect("renamed");
    };
    let (host, engine) = start(plugins.path(), None).await;
    let mut builds = Vec::new();
    for (build, serving) in [("versioned-v1", "\"plugin serving\""), ("versioned-v2", "\"replaces\"")] {
        drop_in(build);
        host.await_text(serving, SOON).await.expect("serving");
        let instance = engine.start_instance("versioned", None, &json!({})).await.expect("started");
        engine.await_history_state(&instance, &HistoryState::Completed, SOON).await.expect("completed");
        builds.push(engine.historic_variables(&instance).await.expect("variables")["build"]["value"].clone());
    }
    assert_ne!(builds[0], builds[1]);
}

#[tokio::test]
async fn with_a_data_directory_tasks_survive_the_process() {
    let (plugins, data) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let (mut host, engine) = start(plugins.path(), Some(data.path())).await;
    let instance =
        engine.start_instance("probe", None, &json!({"behaviour": text("complete")})).await.expect("started");
    host.sigterm().expect("sent");
    assert_eq!(host.wait_exit(SOON).await.expect("exited").code(), Some(0), "{}", host.logs());

    fs::copy(guest("probe").expect("built guests"), plugins.path().join("probe.wasm")).expect("copied");
    let (_host, engine) = start(plugins.path(), Some(data.path())).await;
    engine.await_history_state(&instance, &HistoryState::Completed, SOON).await.expect("completed");
}

/// Starts it where it cannot run; what it says on standard error.
async fn refused(builder: Builder) -> String {
    let mut host = builder.start().expect("started");
    let status = host.wait_exit(SOON).await.expect("exited");
    assert_eq!(status.code(), Some(78), "{}", host.logs());
    let said = host.output(Stream::Stderr).trim().to_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test]
async fn a_taken_port_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = refused(dev(with_probe().path()).arg("--port").arg(&port)).await;
    let said = said.replace(&port, "PORT");
    insta::assert_snapshot!(said, @"fetchlock: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98); stop what listens there, or choose another port with --port");
}

#[tokio::test]
async fn a_plugin_directory_that_is_not_there_is_one_line() {
    let said = refused(dev(Path::new("/nowhere/plugins")).arg("--port").arg("0")).await;
    insta::assert_snapshot!(said, @"fetchlock: the plugin directory /nowhere/plugins is not there: create it, or name another, `fetchlock dev DIR`");
}
