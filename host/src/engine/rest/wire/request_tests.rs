//! The bodies as they go over the wire.

use std::{collections::BTreeMap, time::Duration};

use super::request::*;
use crate::{
    engine::{EngineError, FetchRequest, MAX_POLL},
    outcome::{Failure, MAX_ERROR_MESSAGE},
    task::{FetchOrder, Filter, Plain, Subscription, Topic, WorkerId},
    value::{Value, Variable, Variables},
};

fn text(body: Result<Vec<u8>, EngineError>) -> String {
    String::from_utf8(body.expect("a body")).expect("UTF-8")
}

fn worker() -> WorkerId {
    WorkerId::new("w-features")
}

fn subscription(topic: &str) -> Subscription {
    Subscription {
        topic: Topic::new(topic),
        lock_duration: Duration::from_secs(30),
        variables: None,
        local_variables: false,
        deserialize_values: false,
        filter: Filter::default(),
    }
}

fn request(subscriptions: Vec<Subscription>) -> FetchRequest {
    FetchRequest {
        worker_id: worker(),
        max_tasks: 10,
        use_priority: true,
        order: FetchOrder::Unordered,
        poll: Duration::ZERO,
        subscriptions,
    }
}

fn some(name: &str, value: Value) -> Variables {
    Variables::from([(name.to_owned(), value.into())])
}

#[test]
fn a_fetch_states_the_priority_and_leaves_out_what_is_not_asked() {
    insta::assert_snapshot!(text(fetch(&request(vec![subscription("feature")]))), @r#"{"workerId":"w-features","maxTasks":10,"usePriority":true,"topics":[{"topicName":"feature","lockDuration":30000,"localVariables":false,"withoutTenantId":false,"includeExtensionProperties":true,"deserializeValues":false}]}"#);
}

#[test]
fn a_fetch_with_everything() {
    let all = Subscription {
        variables: Some(vec!["a".into(), "b".into()]),
        local_variables: true,
        deserialize_values: true,
        filter: Filter {
            business_key: Some("bk-1".into()),
            process_definition_id: Some("p:1:x".into()),
            process_definition_id_in: vec!["p:1:x".into(), "q:1:y".into()],
            process_definition_key: Some("p".into()),
            process_definition_key_in: vec!["p".into(), "q".into()],
            process_definition_version_tag: Some("v1.2".into()),
            process_variables: BTreeMap::from([
                ("big".into(), Plain::Whole(9_007_199_254_740_993)),
                ("half".into(), Plain::Fraction(0.5)),
                ("name".into(), Plain::Text("7".into())),
                ("nothing".into(), Plain::Null),
                ("open".into(), Plain::Truth(true)),
            ]),
            tenant_id_in: vec!["t".into()],
            without_tenant_id: true,
        },
        ..subscription("feature")
    };
    let none = Subscription { variables: Some(Vec::new()), ..subscription("other") };
    let request = FetchRequest { poll: Duration::from_secs(30), use_priority: false, ..request(vec![all, none]) };
    insta::assert_snapshot!(text(fetch(&request)), @r#"{"workerId":"w-features","maxTasks":10,"usePriority":false,"asyncResponseTimeout":30000,"topics":[{"topicName":"feature","lockDuration":30000,"variables":["a","b"],"localVariables":true,"businessKey":"bk-1","processDefinitionId":"p:1:x","processDefinitionIdIn":["p:1:x","q:1:y"],"processDefinitionKey":"p","processDefinitionKeyIn":["p","q"],"processDefinitionVersionTag":"v1.2","processVariables":{"big":9007199254740993,"half":0.5,"name":"7","nothing":null,"open":true},"tenantIdIn":["t"],"withoutTenantId":true,"includeExtensionProperties":true,"deserializeValues":true},{"topicName":"other","lockDuration":30000,"variables":[],"localVariables":false,"withoutTenantId":false,"includeExtensionProperties":true,"deserializeValues":false}]}"#);
}

#[test]
fn a_fetch_in_order_says_by_what() {
    for (order, sorting) in [
        (FetchOrder::OldestFirst, r#""sorting":[{"sortBy":"createTime","sortOrder":"asc"}],"topics""#),
        (FetchOrder::NewestFirst, r#""sorting":[{"sortBy":"createTime","sortOrder":"desc"}],"topics""#),
    ] {
        let body = text(fetch(&FetchRequest { order, ..request(vec![subscription("feature")]) }));
        assert!(body.contains(sorting), "{body}");
    }
}

#[test]
fn a_fetch_never_parks_longer_than_the_engine_allows_and_never_locks_for_nothing() {
    let brief = Subscription { lock_duration: Duration::ZERO, ..subscription("feature") };
    let mut request = FetchRequest { poll: MAX_POLL + Duration::from_millis(1), ..request(vec![brief]) };
    request.max_tasks = usize::MAX;
    let body = text(fetch(&request));
    assert!(body.contains(r#""asyncResponseTimeout":1800000,"#), "{body}");
    assert!(body.contains(r#""lockDuration":1,"#), "{body}");
    assert!(body.contains(r#""maxTasks":2147483647,"#), "{body}");
    request.poll = Duration::from_nanos(1);
    assert!(text(fetch(&request)).contains(r#""asyncResponseTimeout":1,"#));
}

#[test]
fn a_topic_given_twice_is_refused() {
    let error = fetch(&request(vec![subscription("a"), subscription("b"), subscription("a")])).expect_err("refused");
    insta::assert_snapshot!(error, @"cannot be sent to the engine: a fetch asks for each topic once, found `a` twice");
}

#[test]
fn a_completion() {
    insta::assert_snapshot!(text(complete(&worker(), &Variables::new(), &Variables::new())), @r#"{"workerId":"w-features"}"#);
    let body = complete(&worker(), &some("out", Value::Integer(42)), &some("loc", Value::String("l".into())));
    insta::assert_snapshot!(text(body), @r#"{"workerId":"w-features","variables":{"out":{"type":"Integer","value":42}},"localVariables":{"loc":{"type":"String","value":"l"}}}"#);
}

#[test]
fn a_variable_that_cannot_be_sent_refuses_the_whole_outcome() {
    let error = complete(&worker(), &some("x", Value::Double(f64::NAN)), &Variables::new()).expect_err("refused");
    insta::assert_snapshot!(error, @"cannot be sent to the engine: the variable `x` of type Double: expected a finite number, found NaN");
}

#[test]
fn a_failure_always_tells_the_retries() {
    let last = Failure::new("no more", None, 0, Duration::ZERO);
    insta::assert_snapshot!(text(failure(&worker(), &last)), @r#"{"workerId":"w-features","errorMessage":"no more","retries":0,"retryTimeout":0}"#);
    let mut first = Failure::new("it broke", Some("stack\ntrace".into()), 2, Duration::from_millis(1_500));
    first.variables = some("a", Value::Boolean(true));
    first.local_variables = Variables::from([("b".into(), Variable { value: Value::Null(None), transient: true })]);
    insta::assert_snapshot!(text(failure(&worker(), &first)), @r#"{"workerId":"w-features","errorMessage":"it broke","errorDetails":"stack\ntrace","retries":2,"retryTimeout":1500,"variables":{"a":{"type":"Boolean","value":true}},"localVariables":{"b":{"type":"Null","value":null,"valueInfo":{"transient":true}}}}"#);
}

#[test]
fn a_failure_is_never_longer_than_the_engine_keeps() {
    let long = "m".repeat(MAX_ERROR_MESSAGE + 1);
    let made_by_hand = Failure { message: long.clone(), ..Failure::new("", None, u32::MAX, Duration::MAX) };
    let body: serde_json::Value =
        serde_json::from_slice(&failure(&worker(), &made_by_hand).expect("a body")).expect("JSON");
    let message = body["errorMessage"].as_str().expect("a message");
    assert_eq!(message.encode_utf16().count(), MAX_ERROR_MESSAGE);
    assert_eq!(body["errorDetails"].as_str(), Some(long.as_str()));
    assert_eq!(body["retries"], 2_147_483_647);
    // A hundred years.
    assert_eq!(body["retryTimeout"], 3_153_600_000_000_u64);
}

#[test]
fn a_business_error() {
    let variables = some("ev", Value::Integer(1));
    insta::assert_snapshot!(text(bpmn_error(&worker(), "E1", Some("it broke"), &variables)), @r#"{"workerId":"w-features","errorCode":"E1","errorMessage":"it broke","variables":{"ev":{"type":"Integer","value":1}}}"#);
    insta::assert_snapshot!(text(bpmn_error(&worker(), "E1", None, &Variables::new())), @r#"{"workerId":"w-features","errorCode":"E1"}"#);
}

#[test]
fn locks() {
    insta::assert_snapshot!(text(extend_lock(&worker(), Duration::from_secs(60))), @r#"{"workerId":"w-features","newDuration":60000}"#);
    insta::assert_snapshot!(text(lock(&worker(), Duration::from_micros(5_000_001))), @r#"{"workerId":"w-features","lockDuration":5001}"#);
}

#[test]
fn variables_that_are_set_while_running() {
    insta::assert_snapshot!(text(modifications(&some("progress", Value::Double(0.5)))), @r#"{"modifications":{"progress":{"type":"Double","value":0.5}}}"#);
}
