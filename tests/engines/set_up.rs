//! That the real engine is what the set-up says: product and version, authentication, the unique-worker flag. What it
//! is is printed for `cargo xtask conformance` to show.
//!
//! The set-ups by name: `Setup::NAMED` in `tests/harness/src/real_engine/setup.rs`.

use std::time::Duration;

use fetchlock_harness::engine_client::EngineClient;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::engine::{Engine, Home, SETUP, SOON, on_real_engine, text};

on_real_engine!(
    the_engine_is_of_the_product_and_version_that_the_set_up_names,
    the_engine_demands_credentials_if_and_only_if_the_set_up_says_so,
    a_parked_fetch_gives_way_to_another_of_its_worker_if_and_only_if_the_set_up_says_so,
    an_idle_host_with_parked_fetches_starts_a_task_at_once,
);

async fn the_engine_is_of_the_product_and_version_that_the_set_up_names(engine: Engine) {
    let (name, setup) = *SETUP;
    let version = engine.get("/version").await.expect("a version");
    assert_eq!(version["version"], setup.product.version().expect("a version"), "{name}");
    println!("engine: {}", setup.describe().expect("words"));
}

async fn the_engine_demands_credentials_if_and_only_if_the_set_up_says_so(engine: Engine) {
    let nobody = EngineClient::new(engine.base_url(), None).expect("a client");
    let answer = nobody.send("GET", "/version", &[], "").await.expect("an answer");
    assert_eq!(answer.status, if SETUP.1.auth { 401 } else { 200 });
}

async fn a_parked_fetch_gives_way_to_another_of_its_worker_if_and_only_if_the_set_up_says_so(engine: Engine) {
    // How long the first is parked: longer than the second, for which it has to give way.
    const FIRST: Duration = Duration::from_secs(8);
    // No engine tells that a fetch is parked: some 10 ms on a quiet machine.
    const PARKED: Duration = Duration::from_millis(500);
    let fetch = |length: Duration| {
        let topics = json!([{"topicName": "set-up-parked", "lockDuration": 1_000}]);
        json!({"workerId": "set-up", "maxTasks": 1, "asyncResponseTimeout": length.as_millis(), "topics": topics})
    };
    let send = async |length: Duration| {
        let headers = [("content-type", "application/json")];
        engine.send("POST", "/external-task/fetchAndLock", &headers, fetch(length).to_string()).await
    };
    let second = async {
        sleep(PARKED).await;
        send(Duration::from_secs(1)).await
    };
    let mut first = std::pin::pin!(send(FIRST));
    let (gave_way, second) = tokio::join!(timeout(FIRST / 2, &mut first), second);
    assert_eq!(second.expect("an answer").status, 200);
    assert_eq!(gave_way.is_ok(), SETUP.1.unique_worker, "{gave_way:?}");
}

async fn an_idle_host_with_parked_fetches_starts_a_task_at_once(engine: Engine) {
    // Far less than the time for which a fetch is parked, so it is the parked one that brings the tasks.
    const AT_ONCE: Duration = Duration::from_secs(10);
    let home = Home::new();
    for topic in ["set-up-idle-a", "set-up-idle-b"] {
        engine.deploy_topic(topic).await;
        home.drop_plugin("probe", topic, "");
    }
    let host = home.start(engine.base_url());
    for topic in ["set-up-idle-a", "set-up-idle-b"] {
        host.await_log(|line| line["message"] == "plugin serving" && line["topic"] == topic, SOON).await.expect("up");
    }
    for topic in ["set-up-idle-a", "set-up-idle-b", "set-up-idle-a"] {
        sleep(Duration::from_millis(500)).await;
        let instance =
            engine.start_instance(topic, None, &json!({"behaviour": text("complete")})).await.expect("started");
        engine.await_completed(&instance, AT_ONCE).await.expect("completed");
    }
    let complaint = host.log_lines().into_iter().find(|line| matches!(line["level"].as_str(), Some("WARN" | "ERROR")));
    assert_eq!(complaint, None, "no fetch of this host drove out another");
}
