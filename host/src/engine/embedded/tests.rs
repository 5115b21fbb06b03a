//! The rules without HTTP: what time does to locks, what parking does with fetches, and what is bounded. What a client can
//! see at once is tested from outside, against a real engine too (`tests/engines/contract`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    EmbeddedEngine, EmbeddedOptions,
    fetch::{Fetch, FetchRequest},
    filters::Filters,
    instance::{NewInstance, kept_message},
    outcomes::{Complete, ExtendLock, Failure, LockTask},
    query::TaskQuery,
    refusal::Refusal,
    scopes::{Changes, Scope},
    state::{Keep, State},
};

/// The lock duration of these tests.
const LOCK: SignedDuration = SignedDuration::from_secs(30);

/// How many ended instances the states here remember.
const KEEP: Keep = Keep { instances: 2, bytes: 10_000 };

fn read<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("a body")
}

fn new(topic: &str) -> NewInstance {
    NewInstance { topic: topic.to_owned(), ..NewInstance::default() }
}

/// A fetch of topic `t` with other fields of that topic.
fn asking(worker: &str, more: Value) -> FetchRequest {
    let mut topic = json!({"topicName": "t", "lockDuration": LOCK.as_millis() as i64});
    for (key, value) in more.as_object().expect("an object") {
        topic[key] = value.clone();
    }
    let fetch: Fetch = read(json!({"workerId": worker, "maxTasks": 10, "topics": [topic]}));
    fetch.check().expect("arguments in order")
}

fn fetch(state: &mut State, worker: &str, now: Timestamp) -> Vec<Value> {
    state.fetch(&asking(worker, json!({})), now)
}

/// A state with one task of topic `t`, locked by `w1`; the task, its instance, and when that was.
fn locked() -> (State, String, String, Timestamp) {
    let mut state = State::new(KEEP);
    let now = Timestamp::now();
    let instance = state.add(new("t"), now);
    let (task, instance) = (instance.task.id.clone(), instance.id.clone());
    assert_eq!(fetch(&mut state, "w1", now).len(), 1);
    (state, task, instance, now)
}

#[test]
fn a_locked_task_is_not_fetched_until_its_lock_has_expired() {
    let (mut state, _, _, now) = locked();
    let end = now + LOCK;
    let before = end - SignedDuration::from_millis(1);
    assert!(fetch(&mut state, "w2", before).is_empty());
    assert!(fetch(&mut state, "w1", before).is_empty(), "not even by its own worker");
    assert_eq!(fetch(&mut state, "w2", end)[0]["workerId"], "w2");
    assert!(fetch(&mut state, "w1", end).is_empty(), "locked anew");
}

#[test]
fn a_late_outcome_counts_while_nobody_else_has_fetched() {
    let (mut state, task, _, now) = locked();
    let later = now + LOCK * 2;
    let complete = || read::<Complete>(json!({"workerId": "w1", "variables": {"out": {"value": 42}}}));
    state.complete(&task, complete(), later).expect("still its task");
    assert_eq!(state.complete(&task, complete(), later), Err(Refusal::no_task(&task)));

    let (mut state, task, _, now) = locked();
    let later = now + LOCK * 2;
    fetch(&mut state, "w2", later);
    let why = state.complete(&task, complete(), later).expect_err("another has it now").message;
    assert_eq!(why, format!("External Task {task} cannot be completed by worker 'w1'. It is locked by worker 'w2'."));
}

#[test]
fn an_expired_lock_is_not_extended_but_locked_again() {
    let (mut state, task, _, now) = locked();
    let later = now + LOCK * 2;
    let extend = || read::<ExtendLock>(json!({"workerId": "w1", "newDuration": 30_000}));
    state.extend_lock(&task, extend(), now).expect("held");
    let why = state.extend_lock(&task, extend(), later).expect_err("expired").message;
    let beginning = "Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to ";
    assert_eq!(why, format!("{beginning}{}", later.as_millisecond()));
    let lock = |worker: &str| read::<LockTask>(json!({"workerId": worker, "lockDuration": 30_000}));
    state.lock(&task, lock("w1"), later).expect("the same worker may");
    assert_eq!(state.lock(&task, lock("w9"), later).map_err(|refusal| refusal.status), Err(400));
    state.lock(&task, lock("w9"), later + LOCK).expect("anybody may when it is over");
}

#[test]
fn a_failure_keeps_the_lock_until_its_retry_time() {
    let (mut state, task, _, now) = locked();
    let failure: Failure =
        read(json!({"workerId": "w1", "errorMessage": "m", "errorDetails": "d", "retries": 2, "retryTimeout": 1500}));
    state.failure(&task, failure, now).expect("reported");
    assert!(fetch(&mut state, "w2", now + SignedDuration::from_millis(1499)).is_empty());
    let again = fetch(&mut state, "w2", now + SignedDuration::from_millis(1500));
    assert_eq!((&again[0]["retries"], &again[0]["errorDetails"]), (&json!(2), &json!("d")));
}

#[test]
fn a_task_without_retries_is_not_fetched_whatever_its_lock() {
    let (mut state, task, instance, now) = locked();
    state.failure(&task, read(json!({"workerId": "w1"})), now).expect("reported");
    let incidents = |state: &State| state.incidents(&of_instance(&instance)).len();
    assert_eq!(incidents(&state), 1);
    let later = now + LOCK * 2;
    assert!(fetch(&mut state, "w1", later).is_empty());
    state.set_retries(&task, 1, later).expect("set");
    assert_eq!(incidents(&state), 0);
    assert_eq!(fetch(&mut state, "w1", later).len(), 1);
}

fn of_instance(id: &str) -> Filters {
    Filters::of_parameters(&[("processInstanceId".to_owned(), id.to_owned())])
}

#[test]
fn only_a_new_task_and_an_unlock_wake_parked_fetches() {
    let (mut state, task, instance, now) = locked();
    let woke = |state: &mut State| state.take_changes().wake;
    assert!(woke(&mut state), "a new task");
    state.set_retries(&task, 5, now).expect("set");
    state.set_priority(&task, 5).expect("set");
    state.failure(&task, read(json!({"workerId": "w1", "retries": 1})), now).expect("reported");
    state.suspend(&instance, true);
    state.suspend(&instance, false);
    assert!(!woke(&mut state), "nothing of this does");
    state.unlock(&task).expect("unlocked");
    assert!(woke(&mut state), "an unlock");
    state.complete(&task, read(json!({"workerId": "w1"})), now).expect_err("not locked any more");
    assert!(!woke(&mut state));
}

#[test]
fn progress_variables_ask_for_no_lock() {
    let (mut state, task, instance, now) = locked();
    let change = || read::<Changes>(json!({"modifications": {"done": {"value": 5}}}));
    state.change_variables(Scope::Instance, &instance, change()).expect("set");
    state.unlock(&task).expect("unlocked");
    state.change_variables(Scope::Instance, &instance, change()).expect("set without a lock");
    let done = json!({"done": {"type": "Integer", "value": 5, "valueInfo": {}}});
    assert_eq!(fetch(&mut state, "w2", now)[0]["variables"], done);
}

#[test]
fn a_query_finds_what_a_worker_still_holds() {
    let (mut state, task, _, now) = locked();
    state.add(new("t"), now);
    let found = |state: &State, query: Value, at: Timestamp| -> Vec<String> {
        let query: TaskQuery = read(query);
        state.tasks(&query, at).expect("a query").iter().map(|instance| instance.task.id.clone()).collect()
    };
    let held = json!({"workerId": "w1", "locked": true});
    assert_eq!(found(&state, held.clone(), now), [task.as_str()]);
    assert!(found(&state, held, now + LOCK).is_empty());
    assert_eq!(
        found(&state, json!({"workerId": "w1"}), now + LOCK),
        [task.as_str()],
        "the id stays until another comes"
    );
    assert_eq!(found(&state, json!({"notLocked": true}), now).len(), 1);
    assert_eq!(found(&state, json!({"notLocked": true}), now + LOCK).len(), 2);
}

#[test]
fn a_fetch_knows_version_tags_keys_and_extension_properties() {
    let mut state = State::new(KEEP);
    let now = Timestamp::now();
    state.add(
        NewInstance {
            definition_key: Some("order".to_owned()),
            version_tag: Some("v1.2".to_owned()),
            extension_properties: [("region".to_owned(), "eu".to_owned())].into(),
            priority: 7,
            ..new("t")
        },
        now,
    );
    for other in [
        json!({"processDefinitionVersionTag": "v1"}),
        json!({"processDefinitionKey": "t"}),
        json!({"processDefinitionKeyIn": ["t"]}),
    ] {
        assert!(state.fetch(&asking("w", other.clone()), now).is_empty(), "{other}");
    }
    let asked = asking(
        "w",
        json!({"processDefinitionVersionTag": "v1%", "processDefinitionKey": "order", "includeExtensionProperties": true}),
    );
    let fetched = state.fetch(&asked, now);
    assert_eq!(fetched[0]["extensionProperties"], json!({"region": "eu"}));
    assert_eq!(fetched[0]["processDefinitionVersionTag"], "v1.2");
    assert_eq!(fetched[0]["priority"], 7);
}

#[test]
fn the_first_that_ended_are_forgotten_first_and_no_open_one_ever_is() {
    let mut state = State::new(KEEP);
    let now = Timestamp::now();
    let ids: Vec<String> = (0..5).map(|_| state.add(new("t"), now).id.clone()).collect();
    // In another order than that of their creation.
    for number in [3, 1, 0] {
        state.delete_instance(&ids[number], true, now).expect("deleted");
    }
    let known = |state: &State| -> Vec<bool> { ids.iter().map(|id| state.historic_instance(id).is_ok()).collect() };
    assert_eq!(known(&state), [true, true, true, false, true]);
    let touched = state.take_changes().touched;
    assert!(touched.contains(&3) && state.at(3).is_none(), "what is stored of it goes too");
}

#[test]
fn ended_instances_are_forgotten_when_they_hold_too_much() {
    let mut state = State::new(Keep { instances: 100, ..KEEP });
    let now = Timestamp::now();
    let ids: Vec<String> = (0..4).map(|_| state.add(new("t"), now).id.clone()).collect();
    for id in &ids {
        let large = read(json!({"modifications": {"v": {"value": "x".repeat(4_000)}}}));
        state.change_variables(Scope::Instance, id, large).expect("set");
        state.delete_instance(id, true, now).expect("deleted");
    }
    let known: Vec<bool> = ids.iter().map(|id| state.historic_instance(id).is_ok()).collect();
    assert_eq!(known, [false, false, true, true]);
}

#[test]
fn the_details_of_old_failures_are_let_go() {
    let (mut state, task, instance, now) = locked();
    for _ in 0..12 {
        let failure = json!({"workerId": "w1", "retries": 1, "errorDetails": "trace"});
        state.failure(&task, read(failure), now).expect("reported");
    }
    let kept = state.instance(&instance).expect("there").log.iter().filter(|entry| entry.details.is_some()).count();
    assert_eq!(kept, 10);
}

#[test]
fn a_log_keeps_its_first_entry_and_the_newest() {
    let (mut state, task, instance, now) = locked();
    for number in 0..300 {
        let failure = json!({"workerId": "w1", "retries": 1, "errorMessage": number.to_string()});
        state.failure(&task, read(failure), now).expect("reported");
    }
    let log = state.task_log(&of_instance(&instance));
    assert_eq!(log.len(), 200);
    assert_eq!(log[0]["creationLog"], true);
    assert_eq!((&log[1]["errorMessage"], &log[199]["errorMessage"]), (&json!("101"), &json!("299")));
}

#[test]
fn an_error_message_is_cut_between_characters() {
    assert_eq!(kept_message(&"m".repeat(700)).len(), 666);
    // Two units each: half of one is not kept.
    let kept = kept_message(&format!("m{}", "\u{1d11e}".repeat(400)));
    assert_eq!(kept.encode_utf16().count(), 665);
    assert_eq!(kept_message("short"), "short");
}

/// An engine with a fetch queue of some length.
fn engine(queue_capacity: usize) -> (EmbeddedEngine, CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let options = EmbeddedOptions { queue_capacity, ..EmbeddedOptions::default() };
    let (engine, parking) = EmbeddedEngine::open(&options, stop.clone()).expect("without a directory");
    (engine, stop, parking)
}

/// A fetch that would wait longer than any test.
fn long_poll(engine: &EmbeddedEngine) -> impl Future<Output = Result<Vec<Value>, Refusal>> + use<> {
    let topics = json!([{"topicName": "t", "lockDuration": 60_000}]);
    let fetch = json!({"workerId": "w", "maxTasks": 1, "asyncResponseTimeout": 600_000, "topics": topics});
    let engine = engine.clone();
    async move { engine.fetch_and_lock(read(fetch)).await }
}

/// Lets every other task of this runtime, which has one thread, do what it can.
async fn let_others_go_on() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// A long poll that is parked.
async fn parked(engine: &EmbeddedEngine) -> JoinHandle<Result<Vec<Value>, Refusal>> {
    let poll = tokio::spawn(long_poll(engine));
    let_others_go_on().await;
    assert!(!poll.is_finished());
    poll
}

/// More than anything here takes.
const SOON: Duration = Duration::from_secs(20);

async fn answer(poll: JoinHandle<Result<Vec<Value>, Refusal>>) -> Result<Vec<Value>, Refusal> {
    tokio::time::timeout(SOON, poll).await.expect("answered").expect("no panic")
}

#[tokio::test]
async fn a_fetch_that_finds_the_queue_full_is_told_to_come_again() {
    let (engine, _, _) = engine(1);
    // Both are begun before the parking task has its turn.
    let (mut first, mut second) = (Box::pin(long_poll(&engine)), Box::pin(long_poll(&engine)));
    let refused = tokio::select! {
        biased;
        _ = &mut first => panic!("nothing is there for it"),
        refused = &mut second => refused,
    };
    let refusal = refused.expect_err("no room");
    assert_eq!((refusal.status, refusal.kind, refusal.code), (500, "InvalidRequestException", None));
    assert!(refusal.message.starts_with("At the moment the server has to handle too many requests"), "{refusal:?}");
    // The queue bounds only those that are not yet parked.
    let_others_go_on().await;
    drop(second);
    assert!(!parked(&engine).await.is_finished());
}

#[tokio::test]
async fn a_fetch_cancels_the_older_one_of_its_worker_only_where_workers_are_unique() {
    for unique_worker_requests in [false, true] {
        let stop = CancellationToken::new();
        let options = EmbeddedOptions { unique_worker_requests, ..EmbeddedOptions::default() };
        let (engine, _parking) = EmbeddedEngine::open(&options, stop.clone()).expect("without a directory");
        let older = parked(&engine).await;
        let newer = parked(&engine).await;
        assert_eq!(older.is_finished(), unique_worker_requests);
        assert!(!newer.is_finished());
        if unique_worker_requests {
            assert_eq!(answer(older).await.expect_err("cancelled").status, 503);
        }
    }
}

#[tokio::test]
async fn the_tick_shows_parked_fetches_what_did_not_wake_them() {
    let (engine, _, _) = engine(10);
    let task = engine.add(new("t"), json!({})).expect("added");
    assert!(engine.force_lock(&task, "other", SOON));
    let poll = parked(&engine).await;
    assert!(engine.force_lock(&task, "other", Duration::ZERO), "expired");
    let_others_go_on().await;
    assert!(!poll.is_finished(), "nobody has noticed");
    engine.tick();
    assert_eq!(answer(poll).await.expect("a task")[0]["id"], json!(task));
}

#[tokio::test]
async fn a_new_task_and_an_unlock_wake_parked_fetches() {
    let (engine, _, _) = engine(10);
    let poll = parked(&engine).await;
    let task = engine.add(new("t"), json!({})).expect("added");
    assert_eq!(answer(poll).await.expect("a task")[0]["id"], json!(task));
    let poll = parked(&engine).await;
    engine.change(|state, _| state.unlock(&task)).await.expect("unlocked");
    assert_eq!(answer(poll).await.expect("a task")[0]["id"], json!(task));
}

#[tokio::test]
async fn an_engine_that_stops_rejects_parked_fetches_and_later_ones() {
    let (engine, stop, parking) = engine(10);
    let poll = parked(&engine).await;
    let waiting = tokio::spawn(long_poll(&engine));
    stop.cancel();
    for poll in [poll, waiting] {
        assert_eq!(answer(poll).await, Err(Refusal::shutting_down()));
    }
    parking.await.expect("ended");
    assert_eq!(long_poll(&engine).await, Err(Refusal::shutting_down()));
}

#[tokio::test]
async fn parked_fetches_can_be_rejected_while_the_engine_goes_on() {
    let (engine, _, _) = engine(10);
    let poll = parked(&engine).await;
    engine.reject_parked();
    assert_eq!(answer(poll).await, Err(Refusal::shutting_down()));
    let poll = parked(&engine).await;
    engine.add(new("t"), json!({})).expect("added");
    assert_eq!(answer(poll).await.expect("a task").len(), 1);
}

#[tokio::test]
async fn a_data_directory_holds_every_change_that_was_answered() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let options = EmbeddedOptions { data: Some(directory.path().to_owned()), ..EmbeddedOptions::default() };
    let (task, ended) = {
        let (engine, parking) = EmbeddedEngine::open(&options, CancellationToken::new()).expect("opened");
        let task = engine.add(new("t"), json!({"v": {"value": -0.0, "type": "Double"}})).expect("added");
        let ended = engine.add(new("other"), json!({})).expect("added");
        let ended = engine.state().of_task(&ended).expect("there").id.clone();
        engine.change(|state, now| state.delete_instance(&ended, true, now)).await.expect("deleted");
        assert!(engine.force_lock(&task, "w1", SOON));
        parking.abort();
        parking.await.expect_err("aborted");
        (task, ended)
    };
    let (engine, _) = EmbeddedEngine::open(&options, CancellationToken::new()).expect("opened again");
    let state = engine.state();
    let instance = state.of_task(&task).expect("there again");
    assert_eq!(instance.task.holder(), Some("w1"));
    assert_eq!(instance.variables["v"].value.as_f64().map(f64::is_sign_negative), Some(true));
    assert_eq!(state.historic_instance(&ended).expect("remembered")["state"], "EXTERNALLY_TERMINATED");
    assert_eq!(state.topics(&super::query::TopicQuery::default(), Timestamp::now()), ["t"]);
}
