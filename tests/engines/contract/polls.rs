//! Long polls: what wakes them, in which order, and what becomes of them. (What does not wake them cannot be seen here:
//! on a shared engine the other tests do.)

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::talk::Talk;
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    a_poll_that_finds_nothing_ends_when_its_time_is_over,
    a_parked_poll_wakes_when_a_task_is_made_or_unlocked,
    each_task_goes_to_one_parked_poll,
    an_abandoned_poll_still_locks_what_comes,
);

fn fetch(topic: &str, worker: &str, park: Duration) -> Value {
    json!({"workerId": worker, "maxTasks": 1, "asyncResponseTimeout": park.as_millis(),
        "topics": [{"topicName": topic, "lockDuration": 600_000}]})
}

/// Sends a fetch and gives back when it is surely parked.
async fn park(talk: &Talk, body: Value) -> tokio::task::JoinHandle<Value> {
    let client = fetchlock_harness::engine_client::EngineClient::clone(&talk.engine);
    let poll = tokio::spawn(async move { client.post("/external-task/fetchAndLock", &body).await.expect("an answer") });
    // No engine tells that a fetch is parked. One that comes later than this is only less of a test.
    sleep(PARKED).await;
    poll
}

/// How long a poll waits at most; the client would give up after 30 s.
const PARK: Duration = Duration::from_secs(20);

/// How long a fetch takes to be parked: some 10 ms on a real engine.
const PARKED: Duration = Duration::from_millis(300);

/// Much less than the 30 s after which a real engine looks by itself.
const AT_ONCE: Duration = Duration::from_secs(15);

async fn a_poll_that_finds_nothing_ends_when_its_time_is_over(engine: Engine) {
    let talk = Talk::about(engine, "contract-poll-time").await;
    let begun = Instant::now();
    let length = Duration::from_millis(700);
    let fetched = talk.engine.post("/external-task/fetchAndLock", &fetch("contract-poll-time", "w", length)).await;
    assert_eq!(fetched.expect("an answer"), json!([]));
    assert!(begun.elapsed() >= length && begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

async fn a_parked_poll_wakes_when_a_task_is_made_or_unlocked(engine: Engine) {
    const TOPIC: &str = "contract-poll-wake";
    let mut talk = Talk::about(engine, TOPIC).await;
    let poll = park(&talk, fetch(TOPIC, "w1", PARK)).await;
    talk.start("a", json!({})).await;
    let begun = Instant::now();
    let fetched = poll.await.expect("not cancelled");
    assert_eq!(fetched[0]["id"], talk.id("a.task"), "made");
    assert!(begun.elapsed() < AT_ONCE);

    let poll = park(&talk, fetch(TOPIC, "w2", PARK)).await;
    let unlock = format!("/external-task/{}/unlock", talk.id("a.task"));
    talk.engine.post(&unlock, &Value::Null).await.expect("unlocked");
    let begun = Instant::now();
    let fetched = poll.await.expect("not cancelled");
    assert_eq!((&fetched[0]["id"], &fetched[0]["workerId"]), (&json!(talk.id("a.task")), &json!("w2")), "unlocked");
    assert!(begun.elapsed() < AT_ONCE);
}

async fn each_task_goes_to_one_parked_poll(engine: Engine) {
    const TOPIC: &str = "contract-poll-each";
    let mut talk = Talk::about(engine, TOPIC).await;
    let mut polls = Vec::new();
    for worker in ["w3", "w1", "w2"] {
        polls.push(park(&talk, fetch(TOPIC, worker, PARK)).await);
    }
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        talk.start(name, json!({})).await;
        made.push(talk.id(&format!("{name}.task")));
    }
    let mut fetched = Vec::new();
    for poll in polls {
        fetched.push(poll.await.expect("not cancelled")[0]["id"].as_str().expect("a task").to_owned());
    }
    // An engine serves them in the order in which they came, unless it is woken in the midst of looking at them: so only
    // where nobody else wakes it can it be relied on.
    if matches!(talk.engine, Engine::Embedded(_)) {
        assert_eq!(fetched, made);
    }
    fetched.sort_unstable();
    made.sort_unstable();
    assert_eq!(fetched, made);
}

async fn an_abandoned_poll_still_locks_what_comes(engine: Engine) {
    const TOPIC: &str = "contract-poll-abandoned";
    let mut talk = Talk::about(engine, TOPIC).await;
    let poll = park(&talk, fetch(TOPIC, "ghost", PARK)).await;
    poll.abort();
    assert!(poll.await.is_err_and(|error| error.is_cancelled()), "its connection is closed");
    talk.start("a", json!({})).await;
    assert_eq!(talk.await_holder("a").await, "ghost");
}
