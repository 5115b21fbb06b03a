//! What can be written in a case file, and what is said about everything else.

use std::fs;

use insta::assert_snapshot;

use super::*;
use crate::{
    cases::{
        asked::Answer,
        case::Wanted,
        expected::{OutcomeName, ValuePattern},
    },
    sandbox::RetryWish,
    value::{FileContent, Value},
};

fn read(text: &str) -> Result<Case, Problems> {
    parse(Path::new("dir/pay.one.case.toml"), "pay.one.case.toml", text, false)
}

fn case(text: &str) -> Case {
    read(text).unwrap_or_else(|problems| panic!("{problems}\nin\n{text}"))
}

/// What is said about a case that would be in order but for this.
fn complaints(text: &str) -> String {
    let expect = if text.contains("expect") { "" } else { "\n[expect]\noutcome = \"complete\"\n" };
    read(&format!("{text}{expect}")).expect_err("a problem").to_string()
}

const LEAST: &str = "[expect]\noutcome = \"complete\"\n";

#[test]
fn the_least_case_says_what_is_expected() {
    let case = case(LEAST);
    assert_eq!(case.name, "pay.one");
    assert_eq!((case.clock, case.seed.as_str()), (CLOCK, "0"));
    assert_eq!(case.expect.map(|it| it.outcome), Some(OutcomeName::Complete));
    assert_eq!((case.task.id.as_str(), case.task.retries), ("task-1", None));
}

#[test]
fn every_type_of_value_can_be_given() {
    let case = case(&format!(
        r#"
        [variables]
        truth = true
        short = {{ type = "Short", value = -32768 }}
        integer = -2147483648
        long = 2147483648
        small-long = {{ type = "Long", value = 1 }}
        double = 5e-324
        whole-double = {{ type = "Double", value = 3 }}
        text = "a"
        date = 2026-11-21T10:11:12.345+01:00
        far-date = {{ type = "Date", value = "12000-01-01T00:00:00.000+0000" }}
        bytes = {{ type = "Bytes", base64 = "AAFoaf8=" }}
        file = {{ type = "File", filename = "a.xml", mime-type = "text/xml", encoding = "UTF-8", text = "<a/>" }}
        unread = {{ type = "File", filename = "b" }}
        json = {{ type = "Json", value = '{{"a":1}}' }}
        json-in-toml = {{ type = "Json", value = {{ a = [1, 2.5, "x", true] }} }}
        xml = {{ type = "Xml", value = "<a/>" }}
        object = {{ type = "Object", type-name = "java.util.ArrayList", value = "[]" }}
        null = {{ type = "Null" }}
        null-date = {{ type = "Null", of = "Date" }}
        money = {{ type = "Money", value = '{{"amount":1}}', value-info = '{{"currency":"EUR"}}' }}
        fleeting = {{ type = "String", value = "x", transient = true }}
        {LEAST}"#
    ));
    let told: Vec<String> = case
        .variables
        .iter()
        .map(|(name, it)| format!("{name}: {:?}{}", it.value, if it.transient { " transient" } else { "" }))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    bytes: Bytes(b"\0\x01hi\xff")
    date: Date(Date { unix_millis: 1795252272345, offset_minutes: 60 })
    double: Double(5e-324)
    far-date: Date(Date { unix_millis: 316516204800000, offset_minutes: 0 })
    file: File(File { filename: "a.xml", mime_type: Some("text/xml"), encoding: Some("UTF-8"), content: Stored("file") })
    fleeting: String("x") transient
    integer: Integer(-2147483648)
    json: Json("{\"a\":1}")
    json-in-toml: Json("{\"a\":[1,2.5,\"x\",true]}")
    long: Long(2147483648)
    money: Other(Other { type_name: "Money", value: "{\"amount\":1}", value_info: "{\"currency\":\"EUR\"}" })
    null: Null(None)
    null-date: Null(Some("Date"))
    object: Object(Object { type_name: "java.util.ArrayList", format: "application/json", text: "[]" })
    short: Short(-32768)
    small-long: Long(1)
    text: String("a")
    truth: Boolean(true)
    unread: File(File { filename: "b", mime_type: None, encoding: None, content: Stored("unread") })
    whole-double: Double(3.0)
    xml: Xml("<a/>")
    "#);
    assert_eq!(case.contents["file"].as_ref(), b"<a/>");
    assert_eq!(case.without_content().into_iter().collect::<Vec<_>>(), ["unread"]);
}

#[test]
fn a_content_may_lie_in_a_file_beside_the_case() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("data")).expect("made");
    fs::write(dir.path().join("data/a.bin"), b"\0\x01").expect("written");
    let text = format!("[variables]\na = {{ type = \"File\", filename = \"a\", file = \"data/a.bin\" }}\n{LEAST}");
    let path = dir.path().join("a.case.toml");
    let case = parse(&path, "a.case.toml", &text, false).expect("a case");
    assert_eq!(case.contents["a"].as_ref(), b"\0\x01");
}

#[test]
fn calls_have_what_is_asked_and_the_answer() {
    let case = case(&format!(
        r#"
        [[calls]]
        http = "POST https://api.example.com/rates?x=1"
        request.headers = {{ accept = "application/json" }}
        request.json = {{ a = 1 }}
        status = 201
        json = {{ rate = 1.2 }}
        took = "30ms"
        [[calls]]
        http = "GET https://api.example.com/"
        error = "timeout"
        [[calls]]
        start-process = "invoice"
        business-key = "b1"
        unless-running = true
        running = "p1"
        [[calls]]
        correlate-message = "Paid"
        correlation-keys = {{ order = 7 }}
        receivers = [{{ waiting = "p2" }}, {{ started = "p3" }}]
        [[calls]]
        correlate-message = "Paid"
        error = {{ kind = "no-match", text = "nobody" }}
        [[calls]]
        extend-lock = "30s"
        error = "lost"
        [[calls]]
        set-progress = {{ percent = 50 }}
        scope = "local"
        error = {{ unavailable = "away" }}
        [[calls]]
        load = "doc"
        error = "unavailable"
        {LEAST}"#
    ));
    assert_eq!(case.calls.len(), 8);
    let Answer::Http(Ok(response)) = &case.calls[0].answer else { panic!("{:?}", case.calls[0]) };
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (201, &b"{\"rate\":1.2}"[..]));
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(case.calls[0].took, Duration::from_millis(30));
    assert_eq!(case.calls[0].line, 2);
    let told: Vec<String> = case.calls[1..].iter().map(|call| format!("{:?}", call.answer)).collect();
    assert_snapshot!(told.join("\n"), @r#"
    Http(Err(Timeout("the case says `timeout`")))
    Started(Ok(Running("p1")))
    Received(Ok([Waiting("p2"), Started("p3")]))
    Received(Err(NoMatch("nobody")))
    Extended(Err(Lost))
    Set(Err(Unavailable("away")))
    Loaded(Err(Unavailable("the case says `unavailable`")))
    "#);
    let Wanted::CorrelateMessage(message) = &case.calls[3].wanted else { panic!("{:?}", case.calls[3]) };
    assert!(message.correlation_keys.as_ref().is_some_and(|keys| keys.contains_key("order")));
}

#[test]
fn expectations_may_be_patterns() {
    let expect = case(
        r#"
        [expect]
        outcome = "failure"
        message = { contains = "x" }
        variables = { a = 1, b = { any = true }, c = { matches = "^x" }, f = { type = "File", filename = "f", content-of = "doc" } }
        others = true
        retry = { left = 2, delay = "5m" }
        after-decision = ["trap"]
        [[expect.log]]
        level = "info"
        message = { contains = "checked" }
        "#,
    )
    .expect
    .expect("expected");
    assert_eq!(expect.retry, Some(RetryWish::Exactly { retries: 2, after: Duration::from_secs(300) }));
    let variables = expect.variables.expect("variables");
    assert!(matches!(&variables["b"], ValuePattern::Any) && matches!(&variables["c"], ValuePattern::Text(_)));
    let ValuePattern::Exact(variable) = &variables["f"] else { panic!("exact") };
    assert!(matches!(&variable.value, Value::File(file) if file.content == FileContent::Stored("doc".into())));
    assert_eq!((expect.log.len(), expect.after_decision.len()), (1, 1));
}

#[test]
fn a_case_without_an_expectation_is_refused_unless_it_is_about_to_be_written() {
    assert_snapshot!(complaints("# expect"), @"pay.one.case.toml:1: the case expects nothing: add [expect] with an `outcome`, or have it written by `fetchlock test --update`");
    assert_snapshot!(complaints("\n[expect]\nvariables = {}"), @"pay.one.case.toml:2: [expect] has no `outcome`: add one, or have it written by `fetchlock test --update`");
    assert!(parse(Path::new("a.case.toml"), "a.case.toml", "", true).expect("a case").expect.is_none());
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line_and_the_nearest_key() {
    let told = complaints(
        r#"descripton = "x"
clock = "now"
seed = 1.5
[task]
retrys = 1
priority = "high"
[variables]
a = { type = "Long", value = "x" }
b = { typ = "Long" }
c = [1]
d = nan
e = 2026-11-21
f = { type = "Json", value = "{" }
g = { type = "File", filename = "g", text = "a", base64 = "YQ==" }
h = { type = "Short", value = 40000, of = "x" }
i = { type = "Bytes", base64 = "?" }
j = { type = "Money", value = "{" }
[config]
list = []
[[calls]]
htpp = "GET https://a"
[[calls]]
http = "https://a"
status = 200
[[calls]]
http = "GET https://a"
[[calls]]
http = "GET https://a"
status = 200
error = "timeout"
[[calls]]
http = "GET https://a"
error = "slow"
[[calls]]
start-process = "p"
[[calls]]
took = "1s"
[expect]
outcome = "completed"
"#,
    );
    assert_snapshot!(told, @r#"
    pay.one.case.toml:1: unknown key `descripton`: did you mean `description`?
    pay.one.case.toml:2: `clock` is "now": expected a date and time with its offset, from 1970 on, such as 2026-01-01T12:00:00Z, without quotes
    pay.one.case.toml:3: `seed` is 1.5: expected a whole number or a text
    pay.one.case.toml:5: unknown key `task.retrys`: did you mean `retries`?
    pay.one.case.toml:6: `task.priority` is "high": expected a whole number
    pay.one.case.toml:8: `variables.a.value` is "x": expected a whole number
    pay.one.case.toml:9: `variables.b` is a table: expected a text, a number, true or false, a date and time with its offset, or a table like { type = "Json", value = '{"a":1}' }
    pay.one.case.toml:10: `variables.c` is a list: expected a text, a number, true or false, a date and time with its offset, or a table like { type = "Json", value = '{"a":1}' }
    pay.one.case.toml:11: `variables.d`: the engine has finite numbers only
    pay.one.case.toml:12: `variables.e` is a date or time: expected a date and time with its offset, such as 2026-11-21T10:11:12.345+01:00
    pay.one.case.toml:13: `variables.f`: expected JSON: EOF while parsing an object at line 1 column 1
    pay.one.case.toml:14: the content is given several times, as `text` and `base64`: keep one
    pay.one.case.toml:15: `variables.h.value` is 40000: expected a whole number from -32768 to 32767
    pay.one.case.toml:15: unknown key `variables.h.of`: expected `type`, `value` or `transient`
    pay.one.case.toml:16: `variables.i.base64` is "?": expected a text in Base64
    pay.one.case.toml:17: `variables.j`: expected JSON as its value: EOF while parsing an object at line 1 column 1
    pay.one.case.toml:19: `config.list` is a list: expected a text in quotes, a number, true or false
    pay.one.case.toml:21: unknown key `calls.htpp`: did you mean `http`?
    pay.one.case.toml:23: `calls.http` is "https://a": expected a method and an address, such as "GET https://api.example.com/rates"
    pay.one.case.toml:25: the call has no answer: add `status`, or `error = "timeout"`
    pay.one.case.toml:30: `calls.error`: a call has an error or a response: remove `error`, or `status` with all that belongs to it
    pay.one.case.toml:33: `calls.error`: "slow" is no error of this call: expected "timeout", "refused", "unresolved", "tls", "protocol", "too-large", "denied"
    pay.one.case.toml:34: a start is answered with one of `started = "ID"`, `running = "ID"` and `error = "…"`
    pay.one.case.toml:36: a call says what is called: add `http = "GET https://…"`, `start-process`, `correlate-message`, `extend-lock`, `set-progress` or `load`
    pay.one.case.toml:39: `expect.outcome` is "completed": expected "complete", "failure", "bpmn-error", "unlock", "hand-off", "undecided", "error", "trap" or "timeout"
    "#);
}

#[test]
fn what_does_not_belong_to_the_outcome_is_told() {
    let told = [
        "outcome = \"complete\"\ncode = \"E\"",
        "outcome = \"unlock\"\nvariables = {}",
        "outcome = \"failure\"\nretry = \"often\"\nmessage = { matches = \"(\" }",
        "outcome = \"complete\"\nvariables = { a = {} }\nothers = 1",
        "outcome = \"bpmn-error\"\ncode = { contains = \"a\", matches = \"b\" }\nafter-decision = [\"x\"]",
    ]
    .map(|text| complaints(&format!("[expect]\n{text}\n")));
    assert_snapshot!(told.join("\n"), @r#"
    pay.one.case.toml:3: `expect.code`: the outcome `complete` has none, only `bpmn-error`: remove it
    pay.one.case.toml:3: `expect.variables`: the outcome `unlock` has none, only `complete`, `bpmn-error`, `failure`: remove it
    pay.one.case.toml:3: `expect.retry` is "often": expected "policy", "never", "system-down" or { left = 2, delay = "5m" }
    pay.one.case.toml:4: `expect.message.matches`: unclosed group
    pay.one.case.toml:3: `expect.variables.a` is a table: expected a value as in [variables], or { any = true }, { contains = "…" } or { matches = "…" }
    pay.one.case.toml:4: `expect.others` is 1: expected true or false
    pay.one.case.toml:3: expected one of `contains` and `matches`
    pay.one.case.toml:4: `expect.after-decision` is "x": expected "second-decision", "error", "trap" or "timeout"
    "#);
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    assert_snapshot!(complaints("a = 1\nb ="), @r#"pay.one.case.toml:2: no valid TOML: invalid string, expected `"`, `'`; texts are written in quotes"#);
}

/// The page that describes all this.
const PAGE: &str = include_str!("../../../../docs/testing-handlers.md");

#[test]
fn the_cases_in_the_docs_are_read() {
    let blocks = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let cases: Vec<&str> = blocks.filter(|block| block.contains("[expect]")).collect();
    assert_eq!(cases.len(), 2, "a case is missing");
    cases.into_iter().for_each(|text| drop(case(text)));
}

#[test]
fn every_key_is_in_the_docs() {
    let keys = TASK_KEYS.into_iter().chain(expect::KEYS.map(|(key, _)| key)).chain(values::KEYS).chain(calls::ANSWERS);
    let missing: Vec<&str> = keys.filter(|key| !PAGE.contains(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_the_operator_allows_can_be_given_and_is_all_that_is_requested_if_it_is_not() {
    let grants = "[grants]\nhttp = [\"GET https://a.example\"]\nsecrets = []\nstart-process = [\"*\"]\n";
    let allowed = case(&format!("{grants}{LEAST}")).grants.expect("a table");
    assert_eq!(
        Grant::ALL.map(|grant| allowed.names(grant).to_string()),
        [r#"["GET https://a.example"]"#, "[]", r#"["*"]"#, "[]"]
    );
    assert_eq!(case(LEAST).grants, None);
    assert_snapshot!(complaints("[grants]\nhttp = [\"a.example\"]\nsecrets = \"key\"\nfiles = []\n"), @r#"
    pay.one.case.toml:2: `grants.http`: there is no method before the server
    pay.one.case.toml:3: `grants.secrets` is "key": expected a list of texts in quotes
    pay.one.case.toml:4: unknown key `grants.files`: expected `http`, `secrets`, `start-process` or `correlate-message`
    "#);
}

#[test]
fn a_type_that_is_unknown_may_be_a_known_one_with_a_mistake() {
    let of = |type_name: &str| complaints(&format!("[variables]\nx = {{ type = \"{type_name}\", value = \"a\" }}\n"));
    assert_snapshot!(of("Strng"), @r#"pay.one.case.toml:2: `variables.x`: expected JSON as its value: expected value at line 1 column 1; or did you mean type "String"?"#);
    assert_snapshot!(of("Money"), @"pay.one.case.toml:2: `variables.x`: expected JSON as its value: expected value at line 1 column 1");
}
