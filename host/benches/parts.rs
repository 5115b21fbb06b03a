//! What the journal and the reading of tasks cost, by themselves.
//!
//! - `journal/one`: an outcome is recorded and forgotten again, each flushed to the disk. `journal/64-at-once`: 64 of
//!   them at the same time, in time for all; they share flushes.
//! - `fetch-100`: one fetch of 100 tasks with four variables each, from a server on the loopback that has the answer
//!   ready: HTTP, JSON, values.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fetchlock::{
    engine::{
        Engine, FetchRequest,
        rest::{RestEngine, RestOptions},
    },
    journal::{Entry, Journal, State},
    outcome::Outcome,
    task::{EngineName, FetchOrder, Filter, PluginName, Route, Subscription, TaskId, Topic, WorkerId},
    value::{Value, Variable, Variables},
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};

/// As many outcomes at once as there are slots by default.
const AT_ONCE: usize = 64;

/// Tasks of one answer.
const TASKS: usize = 100;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

fn journal(criterion: &mut Criterion) {
    // Where the build lies: a disk, as in earnest, and not a temporary file system.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let journal = Journal::open(directory.path()).expect("a journal");
    let engine = EngineName::new("default");
    let runtime = runtime();
    let mut group = criterion.benchmark_group("journal");
    for (name, count) in [("one".to_owned(), 1), (format!("{AT_ONCE}-at-once"), AT_ONCE)] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || entries(count),
                |entries| record_and_forget(&journal, &engine, entries),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

async fn record_and_forget(journal: &Journal, engine: &EngineName, entries: Vec<Arc<Entry>>) {
    let mut tasks = JoinSet::new();
    for entry in entries {
        let (journal, engine) = (journal.clone(), engine.clone());
        tasks.spawn(async move {
            journal.record(&engine, entry.clone()).await.expect("recorded");
            journal.forget_soon(&engine, &entry.task).await.expect("forgotten");
        });
    }
    tasks.join_all().await;
}

fn entries(count: usize) -> Vec<Arc<Entry>> {
    let variables: Variables = [("paymentId", Value::String("pay-4711".into())), ("charged", Value::Double(60.0))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Variable::from(value)))
        .collect();
    let entry = |number| Entry {
        task: TaskId::new(format!("8f1c2d3e-9a4b-11f0-8c5d-{number:012}")),
        route: Route { topic: Topic::new("check-payment"), plugin: PluginName::new("check-payment") },
        worker: WorkerId::new("fetchlock-host-0123456789ab-0"),
        execution_id: "8f1c2d3e-9a4b-11f0-8c5d-0242ac120002".into(),
        version: "0123456789ab".into(),
        outcome: Outcome::Complete { variables: variables.clone(), local_variables: Variables::new() },
        decided: jiff::Timestamp::now(),
        state: State::Pending,
    };
    (0..count).map(|number| Arc::new(entry(number))).collect()
}

fn fetch(criterion: &mut Criterion) {
    let runtime = runtime();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}/engine-rest", listener.local_addr().expect("an address"));
    runtime.spawn(serve(listener, answer()));
    let engine = RestEngine::new(RestOptions::new(url.parse().expect("a URL"))).expect("an engine");
    let request = request();
    criterion.bench_function(&format!("fetch-{TASKS}"), |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let tasks = engine.fetch_and_lock(&request).await.expect("an answer");
            assert_eq!(tasks.len(), TASKS);
            black_box(tasks)
        });
    });
}

fn request() -> FetchRequest {
    let subscription = Subscription {
        topic: Topic::new("check-payment"),
        lock_duration: Duration::from_secs(60),
        variables: None,
        local_variables: false,
        deserialize_values: false,
        filter: Filter::default(),
    };
    FetchRequest {
        worker_id: WorkerId::new("fetchlock-host-0123456789ab-0"),
        max_tasks: TASKS,
        use_priority: true,
        order: FetchOrder::Unordered,
        poll: Duration::from_secs(30),
        subscriptions: vec![subscription],
    }
}

/// An answer as Operaton writes it.
fn answer() -> Vec<u8> {
    let variable = |kind: &str, value: serde_json::Value| json!({"type": kind, "value": value, "valueInfo": {}});
    let task = |number: usize| {
        let id = |kind: &str| format!("{kind}c2d3e-9a4b-11f0-8c5d-{number:012}");
        json!({
            "activityId": "check-payment", "activityInstanceId": format!("check-payment:{}", id("8f1")),
            "errorMessage": null, "errorDetails": null, "executionId": id("8f2"), "id": id("8f3"),
            "lockExpirationTime": "2026-11-21T10:12:12.345+0000", "createTime": "2026-11-21T10:11:12.345+0000",
            "processDefinitionId": format!("order:1:{}", id("8f4")), "processDefinitionKey": "order",
            "processDefinitionVersionTag": null, "processInstanceId": id("8f5"), "retries": null, "suspended": false,
            "workerId": "fetchlock-host-0123456789ab-0", "topicName": "check-payment", "tenantId": null,
            "priority": 0, "businessKey": format!("order-{number}"), "extensionProperties": {},
            "variables": {
                "amount": variable("Double", json!(60.0)),
                "currency": variable("String", json!("EUR")),
                "card": variable("String", json!("4111 1111 1111 1111")),
                "order": variable("Json", json!(r#"{"items":[{"sku":"book","quantity":2,"price":25.0}]}"#)),
            },
        })
    };
    let body = json!((0..TASKS).map(task).collect::<Vec<_>>()).to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Answers every request on every connection with the same bytes.
async fn serve(listener: TcpListener, answer: Vec<u8>) {
    let answer = Arc::new(answer);
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("an option of every socket");
        tokio::spawn(talk(stream, answer.clone()));
    }
}

async fn talk(stream: TcpStream, answer: Arc<Vec<u8>>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line == "\r\n" {
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_err() || stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

criterion_group!(benches, journal, fetch);
criterion_main!(benches);
