//! One test per trap of the contract; the bodies are those of the recording where it has them.

use reqwest::header::HeaderValue;

use super::*;
use crate::engine::{Disposition, Standing};

const JSON: &str = "application/json";
const HTML: &str = "text/html;charset=utf-8";

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, content_type.parse().expect("a header"));
    }
    Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn url(path: &str) -> Url {
    Url::parse(&format!("http://host/engine-rest{path}")).expect("a URL")
}

fn error(status: u16, content_type: &str, body: &str) -> EngineError {
    answer(status, content_type, body).error(&url("/external-task/x/complete"))
}

fn engine_error(status: u16, kind: &str, message: &str, code: &str) -> EngineError {
    let (kind, message) = (serde_json::Value::from(kind), serde_json::Value::from(message));
    error(status, JSON, &format!(r#"{{"type": {kind}, "message": {message}, "code": {code}}}"#))
}

#[test]
fn a_task_that_is_gone_is_told_from_every_other_404() {
    let gone = engine_error(404, "RestException", "External task with id nope does not exist", "0");
    assert!(matches!(gone, EngineError::TaskGone { .. }), "{gone:?}");
    assert_eq!(gone.disposition(), Disposition::Gone);

    // Configuration or an outage: the outcome is kept.
    for kept in [
        engine_error(404, "InvalidRequestException", "Process engine other not available", "null"),
        engine_error(400, "InvalidRequestException", "No process engine available", "null"),
        engine_error(404, "NotFoundException", "HTTP 404 Not Found", "null"),
        error(404, HTML, "<html><body>Not Found</body></html>"),
        error(404, "", ""),
        error(404, JSON, r#"{"timestamp":"2026","status":404,"error":"Not Found","path":"/x"}"#),
        error(404, "application/problem+json", r#"{"type":"about:blank","title":"Not Found","status":404}"#),
    ] {
        assert!(matches!(kept, EngineError::NotAnEngine { .. }), "{kept:?}");
        assert_eq!(kept.disposition(), Disposition::Retry);
    }

    for missing in [
        engine_error(404, "InvalidRequestException", "Process instance with id ded3 does not exist", "null"),
        engine_error(404, "InvalidRequestException", "execution variable with name file does not exist", "null"),
        engine_error(
            500,
            "RestException",
            "Cannot get process instance variable x: execution nope doesn't exist: execution is null",
            "0",
        ),
    ] {
        assert!(matches!(missing, EngineError::NotThere { .. }), "{missing:?}");
    }
}

/// The bodies are those of Operaton 1.0.3; the other engines have other packages in front.
#[test]
fn a_message_that_nobody_receives_is_told_from_one_that_several_could_receive() {
    let mismatch = |message: &str| {
        engine_error(
            400,
            "RestException",
            &format!("org.operaton.bpm.engine.MismatchingMessageCorrelationException: {message}"),
            "0",
        )
    };
    for words in ["m", "m' to a single execution", "ENGINE-13031 Cannot correlate a message with name "] {
        let nobody = mismatch(&format!(
            "Cannot correlate message '{words}': No process definition or execution matches the parameters"
        ));
        assert!(matches!(&nobody, EngineError::NoReceiver { message } if message.starts_with("Cannot ")), "{nobody:?}");
        assert!(!nobody.may_have_been_done());
    }
    for to in [
        "a single execution. 2 executions match the correlation keys: CorrelationSet []",
        "a single process definition. 2 process definitions match the correlations keys: CorrelationSet []",
    ] {
        let several = mismatch(&format!("ENGINE-13031 Cannot correlate a message with name 'm' to {to}"));
        assert!(matches!(several, EngineError::SeveralReceivers { .. }), "{several:?}");
        assert!(!several.may_have_been_done());
    }
    let camunda = engine_error(
        400,
        "RestException",
        "org.camunda.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message 'm': No process definition or execution matches the parameters",
        "0",
    );
    assert!(matches!(camunda, EngineError::NoReceiver { .. }), "{camunda:?}");
    let other = engine_error(
        400,
        "BadUserRequestException",
        "ENGINE-13028 Cannot specify a tenant-id when correlate a message to a single process instance.",
        "0",
    );
    assert!(matches!(other, EngineError::Rejected { status: 400, .. }), "{other:?}");
}

#[test]
fn a_missing_engine_says_so() {
    let error = engine_error(404, "InvalidRequestException", "Process engine other not available", "null");
    insta::assert_snapshot!(error, @r#"http://host/engine-rest/external-task/x/complete does not answer as an engine: expected the REST contract's JSON, found 404 application/json: {"type": "InvalidRequestException", "message": "Process engine other not available", "code": null}; check engine.url, which usually ends in /engine-rest"#);
}

#[test]
fn another_worker_is_recognised_in_every_call_s_words() {
    for message in [
        "The lock of the External Task de20 cannot be extended by worker 'other''. It is locked by worker 'w-features'.",
        "The lock of the External Task de20 cannot be extended by worker 'other''. It is locked by worker 'null'.",
        "External Task de20 cannot be completed by worker 'other'. It is locked by worker 'w-features'.",
        "Bpmn error of External Task ded4 cannot be reported by worker 'other'. It is locked by worker 'w-features'.",
        "Failure of External Task ded4 cannot be reported by worker 'other'. It is locked by worker 'w-features'.",
        "External Task e060 cannot be locked by worker 'w9'. It is locked by worker 'w-features'.",
    ] {
        let error = engine_error(400, "RestException", message, "0");
        assert!(matches!(error, EngineError::OtherWorker { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Superseded);
    }
}

#[test]
fn a_quoted_text_does_not_pass_for_another_worker() {
    let quoted = "External Task x cannot be completed by worker 'a'. It is locked by worker 'b'.";
    for (kind, message) in [
        ("RestException", format!("Unsupported value type '{quoted}'")),
        ("InvalidRequestException", format!("Cannot convert value '{quoted}' of type 'Integer'")),
    ] {
        let error = engine_error(400, kind, &message, "null");
        assert!(matches!(error, EngineError::Rejected { .. }), "{error:?}");
    }
}

#[test]
fn an_expired_lock_is_its_own_error() {
    let message = "Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to 1795229243233";
    assert!(matches!(engine_error(400, "RestException", message, "0"), EngineError::LockExpired { .. }));
}

#[test]
fn what_the_engine_understood_and_refused_is_rejected() {
    for (status, kind, message, code) in [
        (400, "RestException", "Unsupported value type 'Nonsense'", "null"),
        (400, "RestException", "lockTime is not greater than 0", "0"),
        (400, "InvalidRequestException", "Cannot convert value 'abc' of type 'Integer' to java type x", "null"),
        (400, "InvalidRequestException", "", "null"),
        (405, "NotAllowedException", "HTTP 405 Method Not Allowed", "null"),
        (415, "NotSupportedException", "HTTP 415 Unsupported Media Type", "null"),
        (500, "NullValueException", "workerId is null", "0"),
        (500, "ProcessEngineException", "retries is not greater than or equal to 0", "0"),
        (500, "ProcessEngineException", "column too small", "10002"),
        (500, "RestException", "custom", "22222"),
    ] {
        let error = engine_error(status, kind, message, code);
        assert!(matches!(error, EngineError::Rejected { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Reject);
    }
    insta::assert_snapshot!(engine_error(500, "RestException", "custom", "22222"), @"the engine rejects it (500 RestException, code 22222): custom");
    // The same engine answers malformed JSON like this at other starts.
    let plain = error(400, "text/plain", "Unexpected character\n at [Source: x]");
    insta::assert_snapshot!(plain, @r#"the engine rejects it (400 text/plain): Unexpected character\n at [Source: x]"#);
    assert_eq!(plain.disposition(), Disposition::Reject);
}

#[test]
fn a_transaction_that_met_another_is_to_be_sent_again() {
    // Engines before 7.18 tell no code.
    for (status, code) in [(500, "1"), (500, "10000"), (409, "1"), (500, "null")] {
        let error = engine_error(status, "OptimisticLockingException", "updated by another transaction", code);
        assert!(matches!(error, EngineError::Conflict { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Retry);
    }
}

#[test]
fn a_suspended_task_waits_for_its_operator() {
    let recorded = "ENGINE-03043 ExternalTask with id 'af7d25c7-e573-11f1-a58f-02fc00000001' is suspended.";
    for error in [
        engine_error(400, "RestException", recorded, "0"),
        engine_error(500, "SuspendedEntityInteractionException", "ExternalTask with id 'x' is suspended", "0"),
        engine_error(500, "ProcessEngineException", "ExternalTask with id 'x' is suspended", "0"),
        engine_error(400, "SuspendedEntityInteractionException", "Cannot activate x. Instance is suspended.", "0"),
    ] {
        assert!(matches!(error, EngineError::Suspended { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Retry);
    }
}

#[test]
fn overload_is_neither_a_failure_nor_an_outage() {
    let full = "At the moment the server has to handle too many requests at the same time. Please try again later.";
    for error in [
        engine_error(500, "InvalidRequestException", full, "null"),
        error(429, "", ""),
        error(503, "text/plain", "no healthy upstream"),
    ] {
        assert!(matches!(error, EngineError::Overloaded { .. }), "{error:?}");
        assert_eq!((error.disposition(), error.standing()), (Disposition::Retry, Standing::Overloaded));
    }
}

#[test]
fn who_answers_for_an_engine_that_is_not_there_tells_an_outage() {
    for error in [
        engine_error(500, "RestException", "Request rejected due to shutdown of application server.", "null"),
        error(502, HTML, "<html>Bad Gateway</html>"),
        error(504, "", ""),
        // In front of the engine, for the engine's own 500 has its JSON.
        error(500, HTML, "<html>oops</html>"),
        error(500, "", ""),
    ] {
        assert!(matches!(error, EngineError::Unavailable { .. }), "{error:?}");
        assert_eq!((error.disposition(), error.standing()), (Disposition::Retry, Standing::Away));
    }
}

#[test]
fn a_wish_to_be_left_alone_is_read_as_seconds_or_date_and_bounded() {
    let date = "Sat, 21 Nov 2026 02:47:32 GMT";
    assert_eq!(retry_after(" 7 ", None), Some(Duration::from_secs(7)));
    assert_eq!(retry_after("Sat, 21 Nov 2026 02:48:32 GMT", Some(date)), Some(Duration::from_secs(60)));
    assert_eq!(retry_after("Sat, 21 Nov 2020 02:48:32 GMT", Some(date)), Some(Duration::ZERO));
    assert_eq!(retry_after("999999999", None), Some(MAX_RETRY_AFTER));
    assert_eq!(retry_after("soon", Some(date)), None);
    assert_eq!(retry_after("-1", None), None);

    let mut answer = answer(503, "", "");
    answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
    assert_eq!(answer.error(&url("/x")).retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn credentials_and_permissions() {
    assert!(matches!(error(401, "", ""), EngineError::Unauthorized));
    let message = "The user with id 'u' does not have 'UPDATE' permission on resource 'x'";
    let forbidden = engine_error(403, "AuthorizationException", message, "0");
    insta::assert_snapshot!(forbidden, @"the engine's user may not do this (403): The user with id 'u' does not have 'UPDATE' permission on resource 'x'");
    assert!(matches!(error(403, HTML, "<html>no</html>"), EngineError::Forbidden { .. }));
}

#[test]
fn pages_of_others_are_no_answers_of_an_engine() {
    for (status, content_type) in [(400, HTML), (405, HTML), (407, HTML), (200, HTML), (410, "")] {
        let error = error(status, content_type, "<html>Welcome</html>");
        assert!(matches!(error, EngineError::NotAnEngine { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Retry);
    }
    insta::assert_snapshot!(error(200, HTML, "\n<html>\n<title>Sign in</title>"), @r#"http://host/engine-rest/external-task/x/complete does not answer as an engine: expected the REST contract's JSON, found 200 text/html;charset=utf-8: <html>\n<title>Sign in</title>; check engine.url, which usually ends in /engine-rest"#);
    let mut redirect = answer(302, HTML, "<html></html>");
    redirect.headers.insert(LOCATION, HeaderValue::from_static("https://sso/login"));
    insta::assert_snapshot!(redirect.error(&url("/external-task")), @"http://host/engine-rest/external-task does not answer as an engine: expected the REST contract's JSON, found 302, a redirect to https://sso/login; check engine.url, which usually ends in /engine-rest");
}

#[test]
fn what_will_be_refused_again_by_a_proxy_is_rejected() {
    assert!(matches!(error(413, HTML, "<html>too large</html>"), EngineError::Rejected { status: 413, .. }));
    let tomcat = answer(400, HTML, "<html><title>HTTP Status 400</title></html>");
    let error = tomcat.error(&url("/process-instance/x/variables/a%2Fb/data"));
    assert!(matches!(error, EngineError::Rejected { .. }), "{error:?}");
}

#[test]
fn the_engine_s_text_is_bounded_and_escaped() {
    let error = engine_error(500, "ProcessEngineException", &format!("a\nb{}", "x".repeat(10_000)), "0");
    let EngineError::Rejected { message, .. } = error else { panic!("rejected, found {error:?}") };
    assert!(message.starts_with(r"a\nbx") && message.chars().count() < MAX_TEXT + 10, "{}", message.len());
    let EngineError::NotAnEngine { found, .. } = self::error(404, "", &"é\n".repeat(10_000)) else { panic!("a page") };
    assert!(found.chars().count() < 1_000 && !found.contains('\n'), "{found}");
}

#[test]
fn bodies_that_are_not_utf8_or_not_an_object_do_no_harm() {
    let mut binary = answer(500, JSON, "");
    binary.body = Bytes::from_static(b"\xff\xfe\x00");
    assert!(matches!(binary.error(&url("/x")), EngineError::Unavailable { .. }));
    assert!(matches!(error(500, JSON, r#"["type"]"#), EngineError::Unavailable { .. }));
    let null = error(500, JSON, r#"{"type":"NullPointerException","message":null,"code":"x"}"#);
    assert!(matches!(null, EngineError::Rejected { code: None, .. }), "{null:?}");
}
