//! The library in a component, in the sandbox of production.

use fetchlock_test::{Call, Case, Given, Ran, bytes, date, double, file, json, long, null, object, short, toml, xml};

fn case(what: &str) -> Case {
    Case::of_project().variable("what", what)
}

/// What the handler completed the task with, as its one text.
fn text(case: Case) -> String {
    let ran = case.run();
    assert_eq!(ran.outcome, "complete", "{ran}");
    ran.value("text").as_str().expect("a text").to_owned()
}

fn every_type() -> Vec<(&'static str, Given)> {
    vec![
        ("truth", true.into()),
        ("short", short(i16::MIN)),
        ("integer", i32::MAX.into()),
        ("long", long(9_007_199_254_740_993)),
        ("double", double(0.1)),
        ("text", "ä\u{1F600}".into()),
        ("date", date("2026-01-31T12:00:00.123+05:45")),
        ("bytes", bytes([0, 255])),
        ("file", file("a.xml", "<a/>").mime_type("text/xml").encoding("UTF-8")),
        ("json", json(r#"[{"name":"a","number":9007199254740993}]"#)),
        ("number_in_json", json("7")),
        ("xml", xml("<a/>")),
        ("object", object("java.util.ArrayList", "[]")),
        ("other", Given::of_other("Duration", "\"P1D\"")),
        ("nothing", null()),
    ]
}

fn assert_same(ran: &Ran) {
    assert_eq!(ran.outcome, "complete", "{ran}");
    for (name, type_name, value) in [
        ("truth", "Boolean", "true"),
        ("short", "Short", "-32768"),
        ("integer", "Integer", "2147483647"),
        ("long", "Long", "9007199254740993"),
        ("double", "Double", "0.1"),
        ("text", "String", "\"ä\u{1F600}\""),
        ("date", "Date", "\"2026-01-31T12:00:00.123+0545\""),
        ("bytes", "Bytes", "\"AP8=\""),
        ("file", "File", "null"),
        ("json", "Json", r#""[{\"name\":\"a\",\"number\":9007199254740993}]""#),
        ("number_in_json", "Json", "\"7\""),
        ("xml", "Xml", "\"<a/>\""),
        ("object", "Object", "\"[]\""),
        ("other", "Duration", "\"P1D\""),
        ("nothing", "Null", "null"),
    ] {
        let variable = &ran.variables[name];
        assert_eq!((variable.type_name.as_str(), variable.value.to_string().as_str()), (type_name, value), "{name}");
    }
    assert_eq!(ran.variables["file"].info["contentOf"], "file");
    assert_eq!(ran.variables["file"].info["mimeType"], "text/xml");
}

#[test]
fn every_type_crosses_in_both_directions_unharmed() {
    let with_all = |what| every_type().into_iter().fold(case(what), |case, (name, value)| case.variable(name, value));
    assert_same(&with_all("all as they are").run());
    assert_same(&with_all("typed").run());
}

#[test]
fn files_are_loaded_when_they_are_asked_for() {
    assert_eq!(text(case("load").variable("it", file("a.txt", "content"))), "content");
    let failed = case("load").variable("it", file("a.txt", "")).calls(Call::load("it").error("unavailable")).run();
    assert!(failed.message.is_some_and(|message| message.starts_with("variable `it`: its content cannot be loaded")));
}

#[test]
fn the_task_and_the_settings_are_seen() {
    let told = text(case("task").task("business-key", "b-1").task("retries", 2));
    assert!(told.contains(r#"business_key: Some("b-1")"#) && told.contains("retries: Some(2)"), "{told}");
    assert_eq!(text(case("settings").config("limit", "11")), r#"11 ["limit"]"#);
    assert_eq!(text(case("names")), r#"["what"] Some("String")"#);
    let failed = case("settings").config("limit", "much").run();
    assert_eq!(failed.message.as_deref(), Some("setting `limit`: invalid digit found in string"));
}

#[test]
fn progress_and_longer_locks_are_asked_for_in_order() {
    let progress = |scope: &str, number: i64| {
        let variables = toml::Table::from_iter([("it".to_owned(), toml::Value::from(number))]);
        Call::set_progress(variables).with("scope", scope)
    };
    let foreseen = case("running").calls(progress("process", 50)).calls(progress("local", 51));
    assert_eq!(text(foreseen.calls(Call::extend_lock("30s"))), "done");
}

#[test]
fn the_engine_is_called() {
    let start = Call::start_process("invoice").with("unless-running", true).with("started", "instance-2");
    let message = Call::correlate_message("Paid").with("business-key", "b").received_by("instance-3");
    let told = text(case("engine").calls(start).calls(message));
    assert_eq!(told, r#"instance-2 true Waiting("instance-3")"#);
}

#[test]
fn requests_and_answers_are_whole() {
    let body = format!(r#"{{"name":"{}","number":1}}"#, "ä".repeat(5_000));
    let asked = Call::http("POST https://api.example.com/rates?x=1")
        .asked_with_header("content-type", "application/json")
        .asked_with_header("authorization", "Bearer secret")
        .asked_with_header("x-asked", "yes")
        .asked_with_json(&body)
        .status(201)
        .header("x-answered", "too")
        .json(&body.replace(":1}", ":2}"));
    let missing = Call::http("GET https://api.example.com/missing").status(404);
    let late = Call::http("GET https://api.example.com/").error("timeout");
    let told = text(case("http").calls(asked).calls(missing).calls(late));
    assert!(told.starts_with(r#"201 Created 2 Some("too") Err(Status(404)) Err(Timeout("#), "{told}");
}

#[test]
fn a_call_that_is_not_foreseen_fails_the_test_and_is_told() {
    let error = case("engine").try_run().expect_err("nothing is foreseen").to_string();
    assert!(error.contains("the case does not foresee") && error.contains("invoice"), "{error}");
}

#[test]
fn every_outcome_is_decided_once() {
    for (what, outcome) in [
        ("log", "unlock"),
        ("local", "complete"),
        ("transient", "complete"),
        ("hand off", "hand-off"),
        ("bpmn error", "bpmn-error"),
        ("failure", "failure"),
        ("raw", "complete"),
    ] {
        let ran = case(what).variable("it", 1).run();
        assert_eq!(ran.outcome, outcome, "{what}: {ran}");
        assert_eq!(ran.json["after-decision"].as_array().map(Vec::len), Some(0), "{what}");
    }
    assert_eq!(case("local").run().local_variables["here"].type_name, "Short");
    assert_eq!(case("transient").run().variables["it"].info["transient"], true);
    assert_eq!(case("failure").run().retry.as_deref(), Some("exactly"));
    let ran = case("log").run();
    assert_eq!((ran.logs[0].level.as_str(), ran.logs[0].fields["number"].as_str()), ("debug", "7"));
}

#[test]
fn what_the_host_refuses_is_a_failure_that_says_so() {
    for (what, part) in [("infinite", "did not accept the decision"), ("unlisted bpmn error", "UNLISTED")] {
        let ran = case(what).run();
        assert_eq!(ran.outcome, "error", "{ran}");
        assert!(ran.message.as_ref().is_some_and(|message| message.contains(part)), "{ran}");
    }
    assert_eq!(case("error").run().message.as_deref(), Some("invalid digit found in string"));
}

#[test]
fn what_no_test_set_up_is_told_with_advice() {
    let error = Case::of("plugin/none.wasm").try_run().expect_err("there is none").to_string();
    assert!(
        error.ends_with("plugin/none.wasm: there is no such component: build it with `fetchlock build`"),
        "{error}"
    );
}
