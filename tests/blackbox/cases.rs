//! `fetchlock test` runs the cases beside a plugin, and says of each what is wrong with it.

use std::time::{Duration, Instant};

use fetchlock_harness::samples::samples;
use serde_json::{Value, json};

use crate::tool::Place;

/// What the probe is granted in these cases, and a limit that a spinning guest reaches soon.
const MANIFEST: &str = r#"
timeout = "30s"
retry = "R3/PT5M"
[limits]
cpu-time = "200ms"
[grants]
start-process = ["invoice"]
correlate-message = ["Paid"]
"#;

fn place() -> Place {
    Place::with_probe(MANIFEST)
}

#[test]
fn a_case_passes_that_expects_what_the_handler_does() {
    let place = place();
    place.case("echo", "description = \"All comes back\"\n[variables]\nbehaviour = \"complete\"\nn = 42\n[expect]\noutcome = \"complete\"\nvariables = { out-behaviour = \"complete\", out-n = 42 }\n");
    place.case("error", "[variables]\nbehaviour = \"bpmn-error\"\ntext = \"no credit\"\n[expect]\noutcome = \"bpmn-error\"\ncode = \"E1\"\nmessage = \"no credit\"\n");
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r"
    ok      probe.echo (N ms)
    ok      probe.error (N ms)
    2 of 2 cases passed
    ");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn what_is_wrong_with_a_case_file_is_told_with_its_lines_and_the_others_run() {
    let place = place();
    place.case(
        "bad",
        "descripton = \"x\"\n[task]\nretries = \"x\"\n[variables]\na = { type = \"Long\", value = \"x\" }\n",
    );
    place.case("good", "variables = { behaviour = \"complete\" }\nexpect = { outcome = \"complete\" }\n");
    place.case("toml", "a = \n");
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.bad (N ms)
            probe.bad.case.toml
            probe.bad.case.toml:1: the case expects nothing: add [expect] with an `outcome`, or have it written by `fetchlock test --update`
            probe.bad.case.toml:1: unknown key `descripton`: did you mean `description`?
            probe.bad.case.toml:3: `task.retries` is "x": expected a whole number from 0 on
            probe.bad.case.toml:5: `variables.a.value` is "x": expected a whole number
    ok      probe.good (N ms)
    FAILED  probe.toml (N ms)
            probe.toml.case.toml
            probe.toml.case.toml:1: no valid TOML: invalid string, expected `"`, `'`; write `key = value`, with texts in quotes
    1 of 3 cases passed
    "#);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_handler_that_decides_nothing_or_twice_is_told() {
    let place = place();
    place.case("nothing", "variables = { behaviour = \"undecided\" }\nexpect = { outcome = \"complete\" }\n");
    place.case("trap", "variables = { behaviour = \"decide-then-trap\" }\nexpect = { outcome = \"complete\", after-decision = \"trap\" }\n");
    place.case("twice", "variables = { behaviour = \"decide-twice\" }\nexpect = { outcome = \"complete\" }\n");
    place.case("undecided", "variables = { behaviour = \"undecided\" }\nexpect = { outcome = \"undecided\", retries-left = 3, retry-after = \"5m\" }\n");
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.nothing (N ms)
            probe.nothing.case.toml
            expected the outcome `complete`, found `undecided`
            - expected, + found
              - outcome = "complete"
              + outcome = "undecided"
    ok      probe.trap (N ms)
    FAILED  probe.twice (N ms)
            probe.twice.case.toml
            the outcome is `complete` as expected, but not its `after-decision`
            after its decision, another decision, `failure`, was refused with `already-decided`: an invocation decides once
            - expected, + found
                outcome = "complete"
              + after-decision = ["second-decision"]
            the handler said:
              INFO  the second decision was refused answer=already-decided
    ok      probe.undecided (N ms)
    2 of 4 cases passed
    "#);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn with_on_undecided_complete_a_handler_that_decides_nothing_completes() {
    let place = Place::with_probe("on-undecided = \"complete\"\n");
    place.case(
        "nothing",
        "variables = { behaviour = \"undecided\" }\nexpect = { outcome = \"complete\", variables = {} }\n",
    );
    assert_eq!(place.test(&[]).code, Some(0));
}

#[test]
fn a_handler_that_never_returns_ends_in_bounded_time_whatever_it_does() {
    let place = place();
    let began = Instant::now();
    place.case("computes", "variables = { behaviour = \"spin\" }\nexpect = { outcome = \"timeout\", message = \"the limit `limits.cpu-time` of 200 ms is used up\", retries-left = 3 }\n");
    // 30 seconds by its own clock, and none by ours.
    place.case("waits", "variables = { behaviour = \"sleep-forever\" }\nexpect = { outcome = \"timeout\", message = \"the limit `timeout` of 30 s is used up\" }\n");
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}

#[test]
fn time_passes_at_once_and_only_while_the_handler_waits() {
    let place = Place::with_probe("timeout = \"24h\"\n");
    place.case("clock", "clock = 2026-03-01T12:00:00Z\nvariables = { behaviour = \"random\" }\n[expect]\noutcome = \"complete\"\nvariables = { clock = 1772366400000, random = { any = true } }\n");
    place.case("sleeps", "[variables]\nbehaviour = \"complete-slowly\"\nn = 36000000\n[expect]\noutcome = \"complete\"\nvariables = { slept = { type = \"Long\", value = 36000000 } }\n");
    let began = Instant::now();
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(began.elapsed() < Duration::from_secs(60), "ten hours took {:?}", began.elapsed());
}

#[test]
fn a_call_that_the_case_does_not_foresee_is_told_in_its_own_words() {
    let place = place();
    let variables = "[variables]\nbehaviour = \"start-process\"\nkey = \"invoice\"\nbusinessKey = \"b1\"\npass-n = 1\n";
    place.case("start", &format!("{variables}[expect]\noutcome = \"complete\"\n"));
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.start (N ms)
            probe.start.case.toml
            the handler calls what the case does not foresee: start-process = "invoice"; if that is right, add the call with its answer
              [[calls]]
              start-process = "invoice"
              business-key = "b1"
              variables = { n = 1 }
              started = "instance-2"
    0 of 1 case passed
    "#);
    assert_eq!(ended.code, Some(1));
    // What was told can be pasted.
    let printed: Vec<&str> = ended.stdout.lines().skip_while(|line| !line.contains("[[calls]]")).collect();
    let call: Vec<&str> =
        printed.iter().take_while(|line| line.starts_with("          ")).map(|line| line.trim()).collect();
    place.case(
        "start",
        &format!(
            "{variables}{}\n[expect]\noutcome = \"complete\"\nvariables.verdict = \"new: instance-2\"\n",
            call.join("\n")
        ),
    );
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn calls_are_compared_one_by_one_in_their_order() {
    let place = place();
    let progress =
        |percent: u32| format!("[[calls]]\nset-progress = {{ progress = {percent} }}\nscope = \"process\"\n");
    let local = "[[calls]]\nset-progress = { localProgress = 50 }\nscope = \"local\"\nerror = \"gone\"\n";
    let case = |calls: String| {
        format!(
            "variables = {{ behaviour = \"progress\" }}\n{calls}[expect]\noutcome = \"complete\"\nvariables = {{ processVerdict = \"ok\", localVerdict = \"gone\" }}\n"
        )
    };
    place.case("good", &case(progress(50) + local));
    place.case("differs", &case(progress(51) + local));
    place.case("order", &case(local.to_owned() + &progress(50)));
    place.case("unmade", &case(progress(50) + local + "[[calls]]\nextend-lock = \"30s\"\n"));
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.differs (N ms)
            probe.differs.case.toml
            the call of line 2 is another one
            - expected, + found
              - set-progress = { progress = 51 }
              + set-progress = { progress = 50 }
                scope = "process"
    ok      probe.good (N ms)
    FAILED  probe.order (N ms)
            probe.order.case.toml
            the call of line 6 came before that of line 2: set-progress = { progress = 50 }
    FAILED  probe.unmade (N ms)
            probe.unmade.case.toml
            the call of line 9 was not made: extend-lock = "30s"
    1 of 4 cases passed
    "#);
}

#[test]
fn engine_calls_and_locks_are_answered_as_the_case_says() {
    let place = place();
    let case = |variables: &str, calls: &str, verdict: &str| {
        format!(
            "variables = {{ {variables} }}\n[[calls]]\n{calls}\n[expect]\noutcome = \"complete\"\nvariables.verdict = \"{verdict}\"\n"
        )
    };
    place.case(
        "running",
        &case(
            "behaviour = \"start-process\", key = \"invoice\", businessKey = \"b\", unlessRunning = true",
            "start-process = \"invoice\"\nunless-running = true\nrunning = \"p1\"",
            "running: p1",
        ),
    );
    place.case(
        "unanswered",
        &case(
            "behaviour = \"start-process\", key = \"invoice\"",
            "start-process = \"invoice\"\nerror = { unanswered = \"who knows\" }",
            "unanswered: who knows",
        ),
    );
    place.case(
        "message",
        &case(
            "behaviour = \"correlate-message\", message = \"Paid\"",
            "correlate-message = \"Paid\"\nto = \"one\"\nreceivers = [{ waiting = \"p2\" }]",
            "waiting: p2",
        ),
    );
    place.case(
        "nobody",
        &case(
            "behaviour = \"correlate-message\", message = \"Paid\"",
            "correlate-message = \"Paid\"\nerror = { kind = \"no-match\", text = \"nobody\" }",
            "no-match: nobody",
        ),
    );
    place.case(
        "lost",
        &case("behaviour = \"extend-lock\", n = 30000", "extend-lock = \"30s\"\nerror = \"lost\"", "lock-lost"),
    );
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn http_exchanges_are_answered_by_the_case_and_judged_by_the_manifest() {
    let place = Place::with_probe(
        "[grants]\nhttp = [\"GET https://api.example.com\", \"POST https://api.example.com\"]\n[limits]\nhttp-timeout = \"5s\"\n",
    );
    let given = "[variables]\nbehaviour = \"fetch\"\nscheme = \"https\"\nauthority = \"api.example.com\"\n";
    let case = |variables: &str, call: &str, expect: &str| {
        format!(
            "{given}{variables}\n[[calls]]\n{call}\n[expect]\noutcome = \"complete\"\nothers = true\nvariables.verdict = {expect}\n"
        )
    };
    place.case(
        "json",
        &case(
            "path = \"/rates?x=1\"",
            "http = \"GET https://api.example.com/rates?x=1\"\nstatus = 200\njson = { rate = 1.2 }",
            "'200: {\"rate\":1.2}'",
        ),
    );
    place.case("post", &case("method = \"POST\"\ntext = '{\"a\": 1}'\nheader-x-id = \"7\"", "http = \"POST https://api.example.com/\"\nrequest.json = { a = 1 }\nrequest.headers = { x-id = \"7\" }\nstatus = 201\nbody = \"made\"", "\"201: made\""));
    place.case(
        "redirect",
        &case(
            "",
            "http = \"GET https://api.example.com\"\nstatus = 302\nheaders = { location = \"/there\" }",
            "\"302: \"",
        ),
    );
    place.case(
        "timeout",
        &case(
            "",
            "http = \"GET https://api.example.com/\"\nerror = \"timeout\"",
            "{ contains = \"HttpResponseTimeout\" }",
        ),
    );
    place.case(
        "refused",
        &case(
            "",
            "http = \"GET https://api.example.com/\"\nerror = \"refused\"",
            "{ contains = \"ConnectionRefused\" }",
        ),
    );
    // An answer that is late by the clock of the case.
    place.case(
        "slow",
        &case(
            "",
            "http = \"GET https://api.example.com/\"\nstatus = 200\ntook = \"1h\"",
            "{ contains = \"HttpResponseTimeout\" }",
        ),
    );
    place.case("denied", "[variables]\nbehaviour = \"fetch\"\nscheme = \"https\"\nauthority = \"other.example.com\"\n[expect]\noutcome = \"complete\"\nvariables.verdict = { contains = \"HttpRequestDenied\" }\n[[expect.log]]\nmessage = { contains = \"is not granted\" }\n");
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    place.case(
        "uncanned",
        &format!(
            "{given}path = \"/a?b=c\"\nmethod = \"POST\"\ntext = \"some text\"\n[expect]\noutcome = \"complete\"\n"
        ),
    );
    place.case(
        "wrong-body",
        &case(
            "method = \"POST\"\ntext = \"found\"",
            "http = \"POST https://api.example.com/\"\nrequest.body = \"wanted\"\nstatus = 200",
            "{ any = true }",
        ),
    );
    let ended = place.test(&["--filter", "probe.uncanned"]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.uncanned (N ms)
            probe.uncanned.case.toml
            the handler calls what the case does not foresee: http = "POST https://api.example.com/a?b=c"; if that is right, add the call with its answer
              [[calls]]
              http = "POST https://api.example.com/a?b=c"
              request.body = "some text"
              status = 200
              body = ""
            the handler said:
              WARN  POST https://api.example.com: the case has no answer to this call
    0 of 1 case passed
    "#);
    let ended = place.test(&["--filter", "wrong-body"]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.wrong-body (N ms)
            probe.wrong-body.case.toml
            the call of line 7 is another one
            - expected, + found
                http = "POST https://api.example.com/"
              - request.body = "wanted"
              + request.body = "found"
    0 of 1 case passed
    "#);
}

#[test]
fn a_case_gives_the_secrets_that_the_manifest_requests_and_they_are_blotted_out_as_in_production() {
    let place = Place::with_probe("[grants]\nsecrets = [\"api-key\"]\n");
    place.case("said", "[config]\napi-key = \"s3cr3t-value\"\n[variables]\nbehaviour = \"say-secret\"\nkey = \"api-key\"\n[expect]\noutcome = \"complete\"\nvariables.length = { type = \"Long\", value = 12 }\n[[expect.log]]\nmessage = \"it is (hidden)\"\n");
    let ended = place.test(&["--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(!ended.stdout.contains("s3cr3t-value"), "{}", ended.stdout);
}

#[test]
fn what_the_manifest_does_not_request_is_denied_as_in_production() {
    let place = Place::with_probe("");
    place.case("start", "[variables]\nbehaviour = \"start-process\"\nkey = \"invoice\"\n[expect]\noutcome = \"complete\"\nvariables.verdict = { matches = \"^denied: .*the plugin's manifest does not request it\" }\n[[expect.log]]\nlevel = \"warn\"\nmessage = { contains = \"is not granted\" }\n");
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn files_are_loaded_from_the_case_and_may_be_missing() {
    let place = place();
    let file = |content: &str| {
        format!("[variables]\nbehaviour = \"load-file\"\nfile = {{ type = \"File\", filename = \"a.txt\"{content} }}\n")
    };
    let expect = "[expect]\noutcome = \"complete\"\n";
    place.write("a.bin", "abc");
    place.case("given", &format!("{}{expect}variables = {{ length = {{ type = \"Long\", value = 3 }}, checksum = {{ type = \"Long\", value = 294 }}, copy = {{ type = \"File\", filename = \"a.txt\", text = \"abc\" }} }}\n", file(", file = \"a.bin\"")));
    place.case("passed-on", &format!("{}{expect}variables.copy = {{ type = \"File\", filename = \"a.txt\", content-of = \"file\" }}\nothers = true\n", file(", text = \"abc\"")));
    place.case("unavailable", &format!("{}[[calls]]\nload = \"file\"\nerror = {{ unavailable = \"away\" }}\n{expect}variables.loadError = \"unavailable: away\"\n", file("")));
    place.case("without", &format!("{}{expect}", file("")));
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r"
    ok      probe.given (N ms)
    ok      probe.passed-on (N ms)
    ok      probe.unavailable (N ms)
    FAILED  probe.without (N ms)
            probe.without.case.toml
            the handler loads the file `file`, whose content the case does not give: add `text`, `base64` or `file` to it in [variables]
    3 of 4 cases passed
    ");
}

#[test]
fn limits_are_those_of_the_manifest() {
    let place = Place::with_probe("[limits]\nmemory = \"8 MiB\"\nlog-lines = 3\n");
    place.case("log", "variables = { behaviour = \"log-flood\", n = 10 }\nexpect = { outcome = \"complete\", log = [{ message = \"line 1 of 10\" }, { level = \"info\", message = { contains = \"line 3\" } }] }\n");
    place.case("memory", "variables = { behaviour = \"memory-bomb\" }\nexpect = { outcome = \"trap\", message = \"the limit `limits.memory` of 8.0 MiB is used up\" }\n");
    let ended = place.test(&["--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(ended.json()["cases"][0]["logs"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_difference_is_shown_where_it_is() {
    let place = place();
    let order = |n: u32| {
        format!(
            r#"{{ type = "Json", value = '{{"customer":"someone with a long name","items":[1,2,3,4,5,6,7,8],"total":{n}}}' }}"#
        )
    };
    place.case("differs", &format!("description = \"An order\"\n[variables]\nbehaviour = \"complete\"\norder = {}\nsame = {{ type = \"Json\", value = '{{\"a\": 1, \"b\": 2}}' }}\nnote = \"a\\nb\"\n[expect]\noutcome = \"complete\"\n[expect.variables]\nmissing = true\nout-behaviour = {{ matches = \"^comp\" }}\nout-note = \"a\\nc\"\nout-order = {}\nout-same = {{ type = \"Json\", value = '{{\"b\":2,\"a\":1}}' }}\n", order(41), order(42)));
    place.case("fails", "[variables]\nbehaviour = \"trap\"\ntext = \"no such card\"\n[expect]\noutcome = \"complete\"\nvariables = { approved = true }\n");
    let ended = place.test(&[]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.differs (N ms)
            probe.differs.case.toml: An order
            the outcome is `complete` as expected, but not its `variables.missing`, `variables.out-note`, `variables.out-order`
            - expected, + found
                outcome = "complete"
              - variables.missing = true
                variables.out-behaviour = { matches = "^comp" }
                variables.out-note = """
                a
              - c"""
              + b"""
                variables.out-order = { type = "Json", value = """
                {
                  "customer": "someone with a long name",
                …
                    7,
                    8
                  ],
              -   "total": 42
              +   "total": 41
                }
                """ }
                variables.out-same = { type = "Json", value = '{"b":2,"a":1}' }
    FAILED  probe.fails (N ms)
            probe.fails.case.toml
            expected the outcome `complete`, found `trap`: trap: unreachable code: a panic or abort of the handler (no such card)
            - expected, + found
              - outcome = "complete"
              - variables.approved = true
              + outcome = "trap"
              + message = "trap: unreachable code: a panic or abort of the handler (no such card)"
            the handler said:
              WARN  stderr: 
              WARN  stderr: thread '<unnamed>' (1) panicked at src/harm.rs:17:5:
              WARN  stderr: no such card
              WARN  stderr: note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    0 of 2 cases passed
    "#);
}

#[test]
fn json_has_all_that_was_seen() {
    let place = place();
    place.case("progress", "variables = { behaviour = \"progress\" }\n[[calls]]\nset-progress = { progress = 50 }\n[[calls]]\nset-progress = { localProgress = 50 }\n[expect]\noutcome = \"complete\"\n");
    place.case("wrong", "variables = { behaviour = \"fail-exactly\" }\nexpect = { outcome = \"complete\" }\n");
    let ended = place.test(&["--json"]);
    assert_eq!(ended.code, Some(1));
    let mut json = ended.json();
    for case in json["cases"].as_array_mut().expect("cases") {
        assert!(case["millis"].is_u64());
        case["millis"] = json!("N");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("JSON"), @r#"
    {
      "passed": 1,
      "failed": 1,
      "cases": [
        {
          "name": "probe.progress",
          "file": "probe.progress.case.toml",
          "plugin": "probe",
          "description": null,
          "passed": true,
          "millis": "N",
          "problems": [],
          "diff": "",
          "outcome": "complete",
          "code": null,
          "message": null,
          "details": null,
          "variables": {
            "localVerdict": {
              "type": "String",
              "value": "ok"
            },
            "processVerdict": {
              "type": "String",
              "value": "ok"
            }
          },
          "local-variables": {},
          "retry": null,
          "retries-left": null,
          "retry-after-millis": null,
          "delay-millis": null,
          "duration-millis": null,
          "after-decision": [],
          "calls": [
            {
              "call": "set-progress",
              "asked": {
                "set-progress": {
                  "progress": 50
                },
                "scope": "process"
              },
              "answer": {}
            },
            {
              "call": "set-progress",
              "asked": {
                "set-progress": {
                  "localProgress": 50
                },
                "scope": "local"
              },
              "answer": {}
            }
          ],
          "logs": []
        },
        {
          "name": "probe.wrong",
          "file": "probe.wrong.case.toml",
          "plugin": "probe",
          "description": null,
          "passed": false,
          "millis": "N",
          "problems": [
            "expected the outcome `complete`, found `failure`: the probe reports a failure"
          ],
          "diff": "- outcome = \"complete\"\n+ outcome = \"failure\"\n+ message = \"the probe reports a failure\"\n",
          "outcome": "failure",
          "code": null,
          "message": "the probe reports a failure",
          "details": null,
          "variables": {},
          "local-variables": {},
          "retry": "exactly",
          "retries-left": 1,
          "retry-after-millis": 100,
          "delay-millis": null,
          "duration-millis": null,
          "after-decision": [],
          "calls": [],
          "logs": []
        }
      ],
      "problems": []
    }
    "#);
}

#[test]
fn junit_xml_names_cases_and_failures_and_hides_nothing_in_it() {
    let place = place();
    place.case("good", "variables = { behaviour = \"complete\" }\nexpect = { outcome = \"complete\" }\n");
    place.case(
        "bad",
        "[variables]\nbehaviour = \"err\"\ntext = \"<a> & \\u001b[31m\\\"b\\\"\"\n[expect]\noutcome = \"complete\"\n",
    );
    place.write("stray.case.toml", "");
    let ended = place.test(&["--junit", "report.xml"]);
    assert_eq!(ended.code, Some(1));
    let mut xml = place.read("report.xml");
    // Times differ from run to run.
    while let Some((before, rest)) = xml.split_once(" time=\"") {
        let (_, after) = rest.split_once('"').expect("an end");
        xml = format!("{before}{after}");
    }
    insta::assert_snapshot!(xml, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="2" failures="1" errors="1">
      <testsuite name="probe" tests="2" failures="1" errors="0">
        <testcase name="probe.bad" classname="probe" file="probe.bad.case.toml">
          <failure message="expected the outcome `complete`, found `error`: &lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;">expected the outcome `complete`, found `error`: &lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;

    - outcome = &quot;complete&quot;
    + outcome = &quot;error&quot;
    + message = &apos;&lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;&apos;</failure>
        </testcase>
        <testcase name="probe.good" classname="probe" file="probe.good.case.toml"/>
      </testsuite>
      <testsuite name="plugins" tests="0" failures="0" errors="1">
        <system-err>stray.case.toml: the case belongs to no plugin: expected NAME.case.toml or NAME.ANYTHING.case.toml, with NAME.wasm beside it</system-err>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn update_writes_what_was_found_and_leaves_the_rest_alone() {
    let place = place();
    place.case(
        "changed",
        r#"# What this is about.
description = "Changed"   # kept

[variables]
behaviour = "complete"
n = 43   # the new number

[expect]
# The decision.
outcome = "failure"   # not any more
message = "old"

[expect.variables]
# A pattern that holds.
out-behaviour = { matches = "^comp" }
out-n = 42   # wrong
gone = true
"#,
    );
    place.case("new", "[variables]\nbehaviour = \"fail-exactly\"\ntext = \"away\"\n");
    place.case("same", "variables = { behaviour = \"complete\" }\nexpect = { outcome = \"complete\" }   # as it is\n");
    let ended = place.test(&["--update"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    insta::assert_snapshot!(ended.told(), @r"
    updated probe.changed (N ms)
    updated probe.new (N ms)
    ok      probe.same (N ms)
    3 of 3 cases passed
    ");
    insta::assert_snapshot!(place.read("probe.changed.case.toml"), @r#"
    # What this is about.
    description = "Changed"   # kept

    [variables]
    behaviour = "complete"
    n = 43   # the new number

    [expect]
    # The decision.
    outcome = "complete"   # not any more

    [expect.variables]
    # A pattern that holds.
    out-behaviour = { matches = "^comp" }
    out-n = 43   # wrong
    "#);
    insta::assert_snapshot!(place.read("probe.new.case.toml"), @r#"
    [variables]
    behaviour = "fail-exactly"
    text = "away"

    [expect]
    outcome = "failure"
    message = "away"
    retry = { left = 1, delay = "100ms" }
    "#);
    assert!(place.read("probe.same.case.toml").ends_with("# as it is\n"));
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn update_leaves_a_case_alone_whose_calls_have_no_answer() {
    let place = place();
    let text = "variables = { behaviour = \"progress\" }\n";
    place.case("progress", text);
    let ended = place.test(&["--update"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("it is not updated, because its [[calls]] do not fit"), "{}", ended.stdout);
    assert_eq!(place.read("probe.progress.case.toml"), text);
}

#[test]
fn cases_are_chosen_by_name_file_or_directory() {
    let place = place();
    for name in ["one", "two", "twenty"] {
        place.case(name, "variables = { behaviour = \"complete\" }\nexpect = { outcome = \"complete\" }\n");
    }
    let names = |arguments: &[&str]| {
        let ended = place.test(arguments);
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        let lines = ended.stdout.lines().filter_map(|line| line.strip_prefix("ok      probe."));
        lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--filter", "tw"]), ["twenty", "two"]);
    assert_eq!(names(&["probe.wasm"]), ["one", "twenty", "two"]);
    assert_eq!(names(&["probe.two.case.toml"]), ["two"]);
    assert_eq!(names(&[&place.path().display().to_string()]), ["one", "twenty", "two"]);
    let ended = place.test(&["--filter", "three"]);
    assert_eq!(ended.code, Some(78));
    insta::assert_snapshot!(ended.stderr, @r#"fetchlock: no case in . has "three" in its name"#);
}

#[test]
fn where_there_is_nothing_to_run_or_no_plugin_for_a_case_that_is_told() {
    let place = place();
    let told = |arguments: &[&str]| {
        let ended = place.test(arguments);
        format!("{} {}{}", ended.code.unwrap_or_default(), ended.stderr, ended.stdout)
    };
    insta::assert_snapshot!(told(&[]), @"78 fetchlock: there is no case in .: write NAME.case.toml or NAME.ANYTHING.case.toml beside NAME.wasm");
    insta::assert_snapshot!(told(&["nowhere.wasm"]), @r"
    1 error nowhere.wasm: there is no such file: expected NAME.wasm, or a directory of such files
    0 of 0 cases passed
    ");
    insta::assert_snapshot!(told(&["nowhere.case.toml"]), @r"
    1 error nowhere.case.toml: there is no such file
    0 of 0 cases passed
    ");
    place.write("prode.one.case.toml", "");
    insta::assert_snapshot!(told(&[]), @r"
    1 error prode.one.case.toml: the case belongs to no plugin: expected NAME.case.toml or NAME.ANYTHING.case.toml, with NAME.wasm beside it
    0 of 0 cases passed
    ");
    place.write("broken.wasm", "no component").write("broken.case.toml", "");
    insta::assert_snapshot!(told(&["broken.wasm"]), @r#"
    1 error broken.wasm: this is no WebAssembly: expected a component (\0asm), found text beginning with "no component"; build the handler for wasm32-wasip2
    0 of 0 cases passed
    "#);
}

/// A sample as a case file writes it.
fn written(variable: &Value) -> String {
    let (kind, value) = (variable["type"].as_str().expect("a type"), &variable["value"]);
    let info = &variable["valueInfo"];
    let text = |value: &Value| value.to_string().replace('\u{7f}', "\\u007f");
    match kind {
        _ if value.is_null() && kind == "Null" => "{ type = \"Null\" }".into(),
        _ if value.is_null() => format!("{{ type = \"Null\", of = \"{kind}\" }}"),
        "Bytes" => format!("{{ type = \"Bytes\", base64 = {value} }}"),
        "File" => {
            let optional =
                |key: &str, of: &str| info[of].as_str().map(|it| format!(", {key} = \"{it}\"")).unwrap_or_default();
            format!(
                "{{ type = \"File\", filename = {}{}{}, base64 = {value} }}",
                info["filename"],
                optional("mime-type", "mimeType"),
                optional("encoding", "encoding")
            )
        }
        "Object" => format!(
            "{{ type = \"Object\", type-name = {}, format = {}, value = {} }}",
            info["objectTypeName"],
            info["serializationDataFormat"],
            text(value)
        ),
        "Double" => format!("{{ type = \"Double\", value = {:?} }}", value.as_f64().expect("a number")),
        _ => format!("{{ type = \"{kind}\", value = {} }}", text(value)),
    }
}

#[test]
fn a_value_of_every_type_goes_in_and_comes_out_as_it_was_and_can_be_written_down() {
    let place = Place::with_probe("");
    let given: String =
        samples().iter().map(|sample| format!("{} = {}\n", sample.name, written(&sample.variable))).collect();
    place.case("samples", &format!("[variables]\nbehaviour = \"complete\"\n{given}"));
    let updated = place.test(&["--update", "--json"]);
    assert_eq!(updated.code, Some(0), "{}", updated.stdout);
    let json = updated.json();
    let found = &json["cases"][0]["variables"];
    for sample in samples() {
        let (found, mut expected) = (&found[format!("out-{}", sample.name)], sample.variable.clone());
        match expected["type"].as_str() {
            // Passed on unread, as in production.
            Some("File") => {
                expected["value"] = Value::Null;
                expected["valueInfo"]["contentOf"] = json!(sample.name);
            }
            _ if expected["value"].is_null() => expected["valueInfo"] = Value::Null,
            _ => {}
        }
        assert_eq!(
            (&found["type"], &found["value"], &found["valueInfo"]),
            (&expected["type"], &expected["value"], &expected["valueInfo"]),
            "{}",
            sample.name
        );
    }
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn two_runs_see_the_same() {
    let place = place();
    place.case("random", "seed = 7\nvariables = { behaviour = \"random\" }\n[expect]\noutcome = \"complete\"\n");
    place
        .case("other-seed", "seed = \"8\"\nvariables = { behaviour = \"random\" }\n[expect]\noutcome = \"complete\"\n");
    place.case("context", "variables = { behaviour = \"context\" }\n[expect]\noutcome = \"complete\"\n");
    place.case("noise", "variables = { behaviour = \"stdout-noise\" }\n[expect]\noutcome = \"undecided\"\n");
    let run = || {
        let mut json = place.test(&["--json"]).json();
        json["cases"].as_array_mut().expect("cases").iter_mut().for_each(|case| case["millis"] = json!(0));
        json
    };
    let first = run();
    assert_eq!(first, run());
    let random = |at: usize| first["cases"][at]["variables"]["random"]["value"].clone();
    assert_eq!(first["cases"][2]["name"], "probe.other-seed");
    assert_ne!(random(2), random(3), "the seed matters");
}
