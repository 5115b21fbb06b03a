//! Long polls: what wakes them, in which order, and what becomes of them. (What does not wake them cannot be seen here:
//! on a shared engine the other tests do.)

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::talk::Talk;
use crate::engine::{Engine, SOON, on_both_engines};

on_both_engines!(
    a_poll_that_finds_nothing_ends_when_its_time_is_over,
    a_parked_poll_wakes_when_a_task_is_made_or_unlocked,
    parked_polls_are_served_in_the_order_in_which_they_came,
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
    let poll = park(&talk, fetch(TOPIC, "w1", SOON)).await;
    talk.start("a", json!({})).await;
    let begun = Instant::now();
    let fetched = poll.await.expect("not cancelled");
    assert_eq!(fetched[0]["id"], talk.id("a.task"), "made");
    assert!(begun.elapsed() < AT_ONCE);

    let poll = park(&talk, fetch(TOPIC, "w2", SOON)).await;
    let unlock = format!("/external-task/{}/unlock", talk.id("a.task"));
    talk.engine.post(&unlock, &Value::Null).await.expect("unlocked");
    let begun = Instant::now();
    let fetched = poll.await.expect("not cancelled");
    assert_eq!((&fetched[0]["id"], &fetched[0]["workerId"]), (&json!(talk.id("a.task")), &json!("w2")), "unlocked");
    assert!(begun.elapsed() < AT_ONCE);
}

async fn parked_polls_are_served_in_the_order_in_which_they_came(engine: Engine) {
    const TOPIC: &str = "contract-poll-order";
    let mut talk = Talk::about(engine, TOPIC).await;
    let mut polls = Vec::new();
    for worker in ["w3", "w1", "w2"] {
        polls.push(park(&talk, fetch(TOPIC, worker, SOON)).await);
    }
    for (name, poll) in ["a", "b", "c"].into_iter().zip(polls) {
        talk.start(name, json!({})).await;
        let fetched = poll.await.expect("not cancelled");
        assert_eq!(fetched[0]["id"], talk.id(&format!("{name}.task")));
    }
}

async fn an_abandoned_poll_still_locks_what_comes(engine: Engine) {
    const TOPIC: &str = "contract-poll-abandoned";
    let mut talk = Talk::about(engine, TOPIC).await;
    let poll = park(&talk, fetch(TOPIC, "ghost", SOON)).await;
    poll.abort();
    assert!(poll.await.is_err_and(|error| error.is_cancelled()), "its connection is closed");
    talk.start("a", json!({})).await;
    assert_eq!(talk.await_holder("a").await, "ghost");
}
