//! `fetchlock test` runs the cases beside a plugin, and says of each what is wrong with it.

mod calls;
mod told;

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
            probe.toml.case.toml:1: no valid TOML: invalid string, expected `"`, `'`; texts are written in quotes
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
fn limits_are_those_of_the_manifest() {
    let place = Place::with_probe("[limits]\nmemory = \"8 MiB\"\nlog-lines = 3\n");
    place.case("log", "variables = { behaviour = \"log-flood\", n = 10 }\nexpect = { outcome = \"complete\", log = [{ message = \"line 1 of 10\" }, { level = \"info\", message = { contains = \"line 3\" } }] }\n");
    place.case("memory", "variables = { behaviour = \"memory-bomb\" }\nexpect = { outcome = \"trap\", message = \"the limit `limits.memory` of 8.0 MiB is used up\" }\n");
    let ended = place.test(&["--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(ended.json()["cases"][0]["logs"].as_array().map(Vec::len), Some(3));
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
