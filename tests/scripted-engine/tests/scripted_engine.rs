//! The scripted engine over HTTP: long polls, recording, faults, modes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fetchlock_scripted_engine::{Fault, Mode, ScriptedEngine, TaskSpec, TaskState};
use serde_json::{Value, json};

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

fn client() -> Result<reqwest::Client> {
    // The first test of this process installs it for all.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().context("an HTTP client")
}

async fn post(url: &str, body: &Value) -> Result<(u16, Value)> {
    let answer = client()?.post(url).json(body).send().await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

fn poll(worker: &str, park_ms: u64) -> Value {
    json!({"workerId": worker, "maxTasks": 1, "asyncResponseTimeout": park_ms,
           "topics": [{"topicName": "t", "lockDuration": 30_000}]})
}

#[tokio::test]
async fn a_task_goes_from_fetch_to_completion() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let id = engine.add_task(TaskSpec::new("t", json!({"n": {"type": "Integer", "value": 21}})));
    let (status, tasks) = post(&format!("{}/external-task/fetchAndLock", engine.url()), &poll("w", 0)).await?;
    assert_eq!((status, &tasks[0]["id"]), (200, &json!(id)));
    assert!(matches!(engine.state(&id), TaskState::Locked { worker, .. } if worker == "w"));
    let out = json!({"out": {"type": "Integer", "value": 42}});
    let complete = format!("{}/external-task/{id}/complete", engine.url());
    assert_eq!(post(&complete, &json!({"workerId": "w", "variables": out})).await?.0, 204);
    assert_eq!(engine.await_completed(&id, DEADLINE).await?, out);
    let calls: Vec<String> = engine.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(
        calls,
        ["/engine-rest/external-task/fetchAndLock".to_owned(), format!("/engine-rest/external-task/{id}/complete")]
    );
    Ok(())
}

#[tokio::test]
async fn a_parked_poll_wakes_for_a_new_task_and_ends_at_its_timeout() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let url = format!("{}/external-task/fetchAndLock", engine.url());
    let started = Instant::now();
    assert_eq!(post(&url, &poll("w", 50)).await?, (200, json!([])));
    assert!(started.elapsed() >= Duration::from_millis(50));

    let parked = tokio::spawn(async move { post(&url, &poll("w", 5_000)).await });
    engine.await_parked(1, DEADLINE).await?;
    let id = engine.add_task(TaskSpec::new("t", json!({})));
    assert_eq!(parked.await??.1[0]["id"], json!(id));
    engine.await_parked(0, DEADLINE).await
}

#[tokio::test]
async fn an_abandoned_poll_still_locks_the_next_task() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let url = format!("{}/external-task/fetchAndLock", engine.url());
    let parked = tokio::spawn(async move { post(&url, &poll("ghost", 5_000)).await });
    engine.await_parked(1, DEADLINE).await?;
    parked.abort();
    assert!(parked.await.is_err_and(|error| error.is_cancelled()));
    let id = engine.add_task(TaskSpec::new("t", json!({})));
    engine
        .await_state(&id, DEADLINE, |state| matches!(state, TaskState::Locked { worker, .. } if worker == "ghost"))
        .await
        .map(drop)
}

#[tokio::test]
async fn cut_connections_differ_in_what_was_applied() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let id = engine.add_task(TaskSpec::new("t", json!({})));
    let base = format!("{}/external-task", engine.url());
    post(&format!("{base}/fetchAndLock"), &poll("w", 0)).await?;
    let complete = format!("{base}/{id}/complete");
    let body = json!({"workerId": "w"});

    engine.fault("/complete", 1, Fault::CutBeforeApplying);
    assert!(post(&complete, &body).await.is_err());
    assert!(matches!(engine.state(&id), TaskState::Locked { .. }));

    engine.fault("/complete", 1, Fault::CutAfterApplying);
    assert!(post(&complete, &body).await.is_err());
    assert!(matches!(engine.state(&id), TaskState::Completed { .. }));

    assert_eq!(engine.faults_left(), 0);
    let (status, said) = post(&complete, &body).await?;
    assert_eq!(status, 404);
    assert_eq!(said["message"], json!(format!("External task with id {id} does not exist")));
    Ok(())
}

#[tokio::test]
async fn faults_answer_and_delay_as_planned() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let url = format!("{}/external-task/fetchAndLock", engine.url());
    engine.fault("fetchAndLock", 2, Fault::error(503, "RestException", "later", None));
    engine.fault("fetchAndLock", 1, Fault::Delay(Duration::from_millis(80)));
    for _ in 0..2 {
        let (status, said) = post(&url, &poll("w", 0)).await?;
        assert_eq!((status, &said["message"]), (503, &json!("later")));
    }
    let started = Instant::now();
    assert_eq!(post(&url, &poll("w", 0)).await?.0, 200);
    assert!(started.elapsed() >= Duration::from_millis(80));
    Ok(())
}

#[tokio::test]
async fn modes_change_every_answer() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let url = format!("{}/external-task/fetchAndLock", engine.url());
    engine.set_mode(Mode::Html { status: 200 });
    let (status, page) = post(&url, &poll("w", 0)).await?;
    assert_eq!(status, 200);
    assert!(page.as_str().is_some_and(|page| page.starts_with("<!doctype html>")));

    engine.set_mode(Mode::BasicAuth { user: "demo".to_owned(), password: "right".to_owned() });
    assert_eq!(post(&url, &poll("w", 0)).await?, (401, json!("")));
    let with = client()?.post(&url).json(&poll("w", 0)).basic_auth("demo", Some("right")).send().await?;
    assert_eq!(with.status().as_u16(), 200);

    engine.set_mode(Mode::CutEverything);
    assert!(post(&url, &poll("w", 0)).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_engine_that_stops_breaks_its_parked_polls() -> Result<()> {
    let engine = ScriptedEngine::start().await?;
    let url = format!("{}/external-task/fetchAndLock", engine.url());
    let parked = tokio::spawn(async move { post(&url, &poll("w", 9_000)).await });
    engine.await_parked(1, DEADLINE).await?;
    let address = engine.address();
    drop(engine);
    assert!(parked.await?.is_err());
    // And its port is free for the next one.
    ScriptedEngine::start_at(address).await.map(drop)
}
