//! What is told of cases: to people, as JSON, as JUnit XML, and into the cases themselves.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::json;

use super::place;
use crate::tool::command;

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
    <testsuites tests="3" failures="1" errors="1">
      <testsuite name="probe" tests="2" failures="1" errors="0">
        <testcase name="probe.bad" classname="probe" file="probe.bad.case.toml">
          <failure message="expected the outcome `complete`, found `error`: &lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;">expected the outcome `complete`, found `error`: &lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;

    - outcome = &quot;complete&quot;
    + outcome = &quot;error&quot;
    + message = &apos;&lt;a&gt; &amp; \u{1b}[31m&quot;b&quot;&apos;</failure>
        </testcase>
        <testcase name="probe.good" classname="probe" file="probe.good.case.toml"/>
      </testsuite>
      <testsuite name="plugins" tests="1" failures="0" errors="1">
        <testcase name="stray.case.toml" classname="plugins">
          <error message="stray.case.toml: the case belongs to no plugin: expected NAME.case.toml or NAME.ANYTHING.case.toml, with NAME.wasm beside it"/>
        </testcase>
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
    insta::assert_snapshot!(ended.told(), @r#"
    updated probe.changed (N ms)
            expected the outcome `failure`, found `complete`
            - expected, + found
              - outcome = "failure"
              - message = "old"
              - variables.gone = true
              + outcome = "complete"
                variables.out-behaviour = { matches = "^comp" }
              - variables.out-n = 42
              + variables.out-n = 43
    updated probe.new (N ms)
    ok      probe.same (N ms)
    3 of 3 cases passed
    "#);
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
fn update_tells_which_lines_of_log_are_no_longer_expected() {
    let place = place();
    place.case(
        "audited",
        "variables = { behaviour = \"complete\" }\n[expect]\noutcome = \"complete\"\n[[expect.log]]\nmessage = \"audit\"\n",
    );
    let ended = place.test(&["--update"]);
    insta::assert_snapshot!(ended.told(), @r#"
    updated probe.audited (N ms)
            no line of log is as [[expect.log]] number 1 wants: { message = "audit" }
    1 of 1 case passed
    "#);
    assert!(!place.read("probe.audited.case.toml").contains("audit\""));
}

#[test]
fn a_case_that_cannot_be_read_fails_alone() {
    let place = place();
    place.case("good", "variables = { behaviour = \"complete\" }\nexpect = { outcome = \"complete\" }\n");
    fs::write(place.path().join("probe.latin.case.toml"), b"[variables]\nname = \"M\xfcller\"\n").expect("written");
    fs::create_dir(place.path().join("probe.folder.case.toml")).expect("made");
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(ended.told(), @r"
    FAILED  probe.folder (N ms)
            probe.folder.case.toml
            probe.folder.case.toml: cannot be read: Is a directory (os error 21)
    ok      probe.good (N ms)
    FAILED  probe.latin (N ms)
            probe.latin.case.toml
            probe.latin.case.toml:2: is not UTF-8 from here on: save the file as UTF-8
    1 of 3 cases passed
    ");
}

#[test]
fn what_is_neither_a_component_nor_a_case_is_told_by_its_name() {
    let place = place();
    place.write("probe.case.yaml", "");
    insta::assert_snapshot!(place.test(&["probe.case.yaml", "probe.toml"]).told(), @r"
    error probe.case.yaml: cases are written in TOML: NAME.case.toml
    error probe.toml: that is a manifest: name the component beside it, NAME.wasm
    0 of 0 cases passed
    ");
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

#[test]
fn watch_runs_cases_again_when_one_has_changed_and_only_then() {
    let place = place();
    let case =
        |outcome: &str| format!("variables = {{ behaviour = \"complete\" }}\nexpect = {{ outcome = \"{outcome}\" }}\n");
    place.case("one", &case("complete"));
    let mut watching = command(place.path(), ["test", "--watch"]).stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(watching.stdout.take().expect("piped")).lines().map(|line| line.expect("a line"));
    assert!(lines.next().is_some_and(|line| line.starts_with("ok")));
    assert!(lines.next().is_some_and(|line| line == "1 of 1 case passed"));
    place.write("notes.txt~", "an editor's, and of no interest");
    place.case("one", &case("failure"));
    let next = lines.next().expect("a line");
    watching.kill().expect("ended");
    watching.wait().expect("gone");
    assert!(next.starts_with("FAILED"), "{next}");
}
