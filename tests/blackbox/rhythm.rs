//! When the engine is asked: after errors, while it is overloaded, after an outage, and when a retry is due.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use fetchlock_scripted_engine::{Fault, Mode, ScriptedEngine, TaskSpec, TaskState};
use serde_json::json;

use crate::scene::{SOON, Scene, long, text};

/// Far less than the 30 s after which the engine looks at its clock.
const BY_OUR_CLOCK: Duration = Duration::from_secs(12);

fn queue_full() -> Fault {
    let full = "At the moment the server has to handle too many requests at the same time. Please try again later.";
    Fault::error(500, "InvalidRequestException", full, None)
}

#[tokio::test]
async fn an_overload_is_told_once_and_is_no_outage() {
    let scene = Scene::with_probe("").await;
    scene.engine.fault("/fetchAndLock", 4, queue_full());
    let task = scene.probe("complete");
    let host = scene.start();
    host.await_text("fetching slows down: the engine is overloaded (500)", SOON).await.expect("says so");
    host.await_text("the engine keeps up again", SOON).await.expect("says when it is over");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(host.logs().matches("overloaded (500)").count(), 1, "{}", host.logs());
    assert!(!host.logs().contains("the engine answers again"), "{}", host.logs());
}

#[tokio::test]
async fn a_wish_to_be_left_alone_is_obeyed_by_fetches_and_deliveries() {
    const WISH: Duration = Duration::from_secs(2);
    let scene = Scene::with_probe("").await;
    let task = scene.probe("complete");
    for (path, status) in [("/fetchAndLock", 503), ("/complete", 429)] {
        scene.engine.fault(path, 1, Fault::RetryAfter { status, after: WISH });
    }
    let _host = scene.start();
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    for path in ["/fetchAndLock", "/complete"] {
        let requests = scene.engine.requests_to(path);
        let waited = requests[1].at.duration_since(requests[0].at);
        assert!(waited >= WISH, "{path} was tried again after {waited:?}");
    }
}

#[tokio::test]
async fn an_outage_that_only_a_delivery_can_notice_is_told_with_its_length() {
    // The one slot is taken until the outcome is delivered, so nothing is fetched meanwhile.
    let scene = Scene::with_probe("").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(300)}));
    scene.engine.fault("/complete", 4, Fault::CutBeforeApplying);
    let host = scene
        .builder()
        .setting("worker.max-concurrent", "1")
        .setting("worker.fetch-ahead", "\"0s\"")
        .start()
        .expect("started");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    host.await_text("the engine cannot be reached", SOON).await.expect("says so");
    let line = host.await_text("the engine answers again", SOON).await.expect("says how long it was away");
    assert!(line.contains("away_s"), "{line}");
}

#[tokio::test]
async fn an_outage_that_only_a_lock_extension_can_notice_is_told_and_the_task_goes_on() {
    let scene = Scene::with_probe("lock-duration = \"2s\"\n").await;
    let task = scene.probe_with("complete-slowly", json!({"n": long(6_000)}));
    scene.engine.fault("/extendLock", 2, Fault::CutBeforeApplying);
    let host = scene
        .builder()
        .setting("worker.max-concurrent", "1")
        .setting("worker.fetch-ahead", "\"0s\"")
        .start()
        .expect("started");
    host.await_text("the engine cannot be reached", SOON).await.expect("says so");
    host.await_text("the engine answers again", SOON).await.expect("says how long it was away");
    scene.engine.await_completed(&task, SOON).await.expect("completed");
    assert_eq!(scene.engine.requests_to(&format!("{task}/complete")).len(), 1);
}

#[tokio::test]
async fn a_retry_and_a_delay_of_an_earlier_run_are_looked_at_when_their_time_is_over() {
    let scene = Scene::with_probe("retry = \"R1/PT3S\"\n").await;
    let failing = scene.probe("err");
    let delayed = scene.probe_with("unlock", json!({"n": long(3_000)}));
    let mut host = scene.start();
    host.await_text("failed: probe", SOON).await.expect("failed");
    host.await_text("given back", SOON).await.expect("given back");
    host.kill9().await.expect("killed");
    let began = Instant::now();
    let _host = scene.start();
    scene.engine.await_state(&failing, BY_OUR_CLOCK, TaskState::is_incident).await.expect("its retry ran");
    scene.engine.await_requests(BY_OUR_CLOCK, |_| scene.engine.times_fetched(&delayed) >= 2).await.expect("fetched");
    assert!(began.elapsed() < BY_OUR_CLOCK, "{:?}", began.elapsed());
}

/// Two topics whose room differs much, so that each has a request of its own.
async fn two_lanes(engine: ScriptedEngine) -> Scene {
    let scene = Scene::on(engine);
    for (topic, manifest) in [("wide", ""), ("narrow", "max-concurrent = 1\n")] {
        scene.drop_guest("probe", topic);
        scene.drop_file(&format!("{topic}.toml"), manifest.as_bytes());
    }
    scene
}

fn task(topic: &str) -> TaskSpec {
    TaskSpec::new(topic, json!({"behaviour": text("complete")}))
}

fn worker_ids(scene: &Scene) -> BTreeSet<String> {
    let fetches = scene.engine.requests_to("/fetchAndLock");
    fetches.iter().filter_map(|it| it.body["workerId"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn requests_of_one_host_do_not_cancel_each_other_where_a_worker_may_have_only_one() {
    let scene = two_lanes(ScriptedEngine::start_with_unique_worker_requests().await.expect("started")).await;
    let host = scene.start();
    scene.engine.await_parked(2, SOON).await.expect("a request for each");
    assert!(worker_ids(&scene).len() >= 2, "each has a worker id of its own");
    for _ in 0..5 {
        for topic in ["wide", "narrow"] {
            let task = scene.engine.add_task(task(topic));
            scene
                .engine
                .await_completed(&task, SOON)
                .await
                .unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
            scene.engine.await_parked(2, SOON).await.expect("both wait again");
        }
    }
    assert!(!host.logs().contains("overloaded"), "one was cancelled\n{}", host.logs());
}

#[tokio::test]
async fn what_an_orphaned_request_locks_is_given_back_whether_or_not_a_worker_may_have_only_one() {
    for unique in [false, true] {
        let engine = match unique {
            false => ScriptedEngine::start().await,
            true => ScriptedEngine::start_with_unique_worker_requests().await,
        };
        let scene = two_lanes(engine.expect("started")).await;
        let mut host = scene.start();
        scene.engine.await_parked(2, SOON).await.expect("parked");
        let orphans = worker_ids(&scene);
        // Its requests go on parking at the engine.
        host.kill9().await.expect("killed");
        scene.engine.await_parked(2, SOON).await.expect("still parked");
        let host = scene.start();
        scene.engine.await_parked(4, SOON).await.expect("those of the next host beside them");
        let task = scene.engine.add_task(task("wide"));
        // The oldest request gets it: an orphan.
        scene.engine.await_completed(&task, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
        assert!(scene.engine.times_fetched(&task) >= 2, "no orphan got it");
        let TaskState::Completed { worker, .. } = scene.engine.state(&task) else { panic!("completed") };
        assert!(!orphans.contains(&worker), "{worker} is of the killed host");
    }
}

#[tokio::test]
async fn the_waits_grow_once_for_all_requests_that_met_the_same_trouble() {
    let scene = Scene::new().await;
    // The engine takes a topic once in a request: each of these plugins has a request of its own.
    for name in ["a", "b", "c", "d", "e"] {
        scene.drop_guest("probe", name);
        let manifest = format!("topic = \"shared\"\n[filter]\nbusiness-key = \"{name}\"\n");
        scene.drop_file(&format!("{name}.toml"), manifest.as_bytes());
    }
    let host = scene
        .builder()
        // Over the settings file, where a scene has a short one.
        .env("FETCHLOCK_WORKER__BACKOFF__MAX", "1m")
        .setting("worker.backoff.factor", "10")
        .setting("worker.backoff.jitter", "0")
        .start()
        .expect("started");
    scene.engine.await_parked(5, SOON).await.unwrap_or_else(|error| panic!("{error:#}\n{}", host.logs()));
    scene.engine.set_mode(Mode::CutEverything);
    host.await_log(|line| line["level"] == "ERROR", SOON).await.expect("an outage");
    scene.engine.set_mode(Mode::Normal);
    // Five waits would be 1 minute.
    host.await_text("the engine answers again", SOON).await.expect("after one short wait, or two");
}
