//! Each case through a connection, with each kind of call.

use std::collections::BTreeSet;

use super::*;
use crate::{
    engine::{
        AfterExtension, Disposition, Engine, FetchRequest, Standing,
        rest::{
            LoginOptions, RestEngine, RestOptions,
            loopback::{Loopback, Reply},
        },
    },
    secret::SecretSource,
    task::{FetchOrder, TaskId, WorkerId},
    value::{Value, Variable, Variables},
};

/// Long enough for a busy machine, short enough for a test.
const BRIEF: Duration = Duration::from_millis(300);

/// How much of an answer is read here, in bytes.
const FEW: usize = 10_000;

/// What a server does about a case; nothing if it is not asked.
fn reply(case: &Case) -> Option<Reply> {
    match case.example {
        Example::Engine { .. } | Example::Other { .. } => {
            let SentAnswer { status, content_type, header, body } = case.answer().expect("an answer");
            let line = |(name, value): (&str, &str)| format!("\r\n{name}: {value}");
            let content_type = Some(("Content-Type", content_type)).filter(|(_, value)| !value.is_empty());
            let headers: String = content_type.into_iter().chain(header).map(line).collect();
            Some(Reply::whole(&format!("{status} x{headers}"), body))
        }
        Example::Cut { after } => Some(Reply::Bytes(after.as_bytes().to_vec())),
        Example::Silence => Some(Reply::ThenSilence(Vec::new())),
        Example::Endless => Some(Reply::whole("200 OK", "x".repeat(FEW + 1))),
        Example::Refused | Example::Unsendable | Example::NoCredentials => None,
    }
}

/// The errors that an outcome, a fetch and an extension meet.
async fn met(case: &Case) -> Vec<EngineError> {
    let is_sent = reply(case).is_some();
    let server = Loopback::start((0..3).filter_map(|_| reply(case)).collect()).await;
    let mut options = RestOptions::new(server.url("/engine-rest"));
    options.request_timeout = BRIEF;
    options.max_response_bytes = FEW;
    if matches!(case.example, Example::Refused) {
        // Nobody listens on port 1 of this machine.
        options.url = "http://127.0.0.1:1/engine-rest".parse().expect("a URL");
    }
    if matches!(case.example, Example::NoCredentials) {
        options.login = LoginOptions::Bearer(SecretSource::File("no/such/file".into()));
    }
    let engine = RestEngine::new(options).expect("an engine");
    let (worker, nothing) = (WorkerId::new("a"), Variables::new());
    if matches!(case.example, Example::Unsendable) {
        let variables = Variables::from([("x".to_owned(), Variable::from(Value::Double(f64::NAN)))]);
        return vec![engine.complete(&TaskId::new("de20"), &worker, &variables, &nothing).await.expect_err("NaN")];
    }
    let task = TaskId::new("de20");
    let fetch = FetchRequest {
        worker_id: worker.clone(),
        max_tasks: 1,
        use_priority: false,
        order: FetchOrder::Unordered,
        poll: Duration::ZERO,
        subscriptions: vec![],
    };
    let errors = vec![
        engine.complete(&task, &worker, &nothing, &nothing).await.expect_err("no acknowledgement"),
        engine.fetch_and_lock(&fetch).await.expect_err("no tasks"),
        engine.extend_lock(&task, &worker, Duration::from_secs(1)).await.expect_err("no acknowledgement"),
    ];
    assert_eq!(server.requests().len(), if is_sent { 3 } else { 0 }, "{case:?}");
    errors
}

#[tokio::test]
async fn what_comes_over_a_connection_is_what_the_page_says() {
    for case in CASES {
        let expected = case.error();
        for error in met(case).await {
            assert_eq!(error.name(), expected.name(), "{case:?}: {error:?}");
            assert_eq!(error.treatment(), expected.treatment(), "{case:?}");
            assert_eq!(error.retry_after(), expected.retry_after(), "{case:?}");
            assert_eq!(error.may_have_been_done(), expected.may_have_been_done(), "{case:?}");
        }
    }
}

#[test]
fn every_kind_of_error_has_a_case() {
    let told: BTreeSet<&str> = CASES.iter().map(|case| case.error().name()).collect();
    // All that `EngineError::name` knows.
    let all = [
        "conflict",
        "forbidden",
        "lock expired",
        "no credentials",
        "no receiver",
        "not an engine",
        "not there",
        "other worker",
        "overloaded",
        "rejected",
        "several receivers",
        "suspended",
        "task gone",
        "timed out",
        "too large",
        "unauthorized",
        "unavailable",
        "unreachable",
        "unsendable",
    ];
    assert_eq!(told.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn no_outcome_is_dropped_but_for_a_task_that_needs_none() {
    for case in CASES {
        let error = case.error();
        match error.disposition() {
            Disposition::Gone => assert_eq!(error.name(), "task gone"),
            Disposition::Superseded => assert_eq!(error.name(), "other worker"),
            Disposition::Reject | Disposition::Retry => {}
        }
        if error.standing() != Standing::There {
            assert!(!matches!(error.treatment().extension, AfterExtension::Lost | AfterExtension::WhoHolds));
        }
    }
}
