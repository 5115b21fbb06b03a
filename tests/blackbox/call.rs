//! `fetchlock call` runs a handler once and shows what it did.

use std::fs;

use crate::{
    http::Server,
    tool::{Ended, Place, fetchlock},
};

fn call(place: &Place, arguments: &[&str]) -> Ended {
    fetchlock(place.path(), ["call", "probe.wasm"].iter().chain(arguments))
}

/// What is told but for the line about what was used, which differs from run to run.
fn told(ended: &Ended) -> String {
    let lines = ended.stdout.lines().filter(|line| !line.starts_with("  used"));
    // The version follows from the bytes that the compiler has made of the guest.
    let told = lines.map(|line| line.split_once(" (version ").map_or(line, |(name, _)| name));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_invocation_is_told_with_its_outcome_variables_calls_and_log() {
    let place = Place::with_probe("[grants]\nstart-process = [\"invoice\"]\n");
    fs::write(place.path().join("order.json"), "{\"a\":1}").expect("written");
    fs::write(place.path().join("a.txt"), "abc").expect("written");
    let ended = call(
        &place,
        &[
            "--var",
            "behaviour=complete",
            "--var",
            "n=42",
            "--var",
            "order:Json=@order.json",
            "--var",
            "doc:File=@a.txt;type=text/plain",
            "--var",
            "day:Date=2026-11-21T10:11:12.345+01:00",
        ],
    );
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          complete
      variables        out-behaviour = "complete"
                       out-day = 2026-11-21T10:11:12.345+01:00
                       out-doc = { type = "File", filename = "a.txt", mime-type = "text/plain", content-of = "doc" }
                       out-n = 42
                       out-order = { type = "Json", value = '{"a":1}' }
    "#);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("of processor time"), "{}", ended.stdout);
    let ended = call(&place, &["--var", "behaviour=progress"]);
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          complete
      variables        localVerdict = "ok"
                       processVerdict = "ok"
      call             set-progress = { progress = 50 }
                       scope = "process"
      call             set-progress = { localProgress = 50 }
                       scope = "local"
    "#);
    let ended = call(&place, &["--var", "behaviour=start-process", "--var", "key=invoice"]);
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          complete
      variables        verdict = "unavailable: there is no engine in `fetchlock call`"
      call             start-process = "invoice"
                       variables = {}
                       error = { kind = "unavailable", text = "there is no engine in `fetchlock call`" }
    "#);
    let ended = call(&place, &["--var", "behaviour=load-file", "--var", "file:File=@a.txt"]);
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          complete
      variables        checksum = { type = "Long", value = 294 }
                       copy = { type = "File", filename = "a.txt", content-of = "file" }
                       length = { type = "Long", value = 3 }
      call             load = "file"
                       text = "abc"
    "#);
}

#[test]
fn a_failure_has_its_message_details_and_what_would_follow_and_the_exit_code_1() {
    let place = Place::with_probe("retry = \"R3/PT5M\"\n");
    let ended = call(&place, &["--var", "behaviour=fail-retry", "--var", "text=no route", "--task", "retries=3"]);
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          failure
      message          no route
      details          first line of the details
                       second line of the details
      retry            "policy"
      retries-left     2
      retry-after      "5m"
      variables        failed = true
      local-variables  failedHere = true
    "#);
    assert_eq!(ended.code, Some(1));
    let ended = call(&place, &["--var", "behaviour=stdout-noise", "--var", "n=1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    insta::assert_snapshot!(told(&ended), @r"
    probe
      outcome          complete
      log              INFO  stdout: stdout line 1
      log              WARN  stderr: stderr line 1
      log              INFO  stdout: stdout line 2 with \u{1b}[31mred\u{1b}[0m
      log              WARN  stderr: stderr line 2 with \u{1b}[31mred\u{1b}[0m
      log              INFO  stdout: stdout unfinished
      log              WARN  stderr: stderr unfinished
    ");
}

#[test]
fn task_and_settings_can_be_given() {
    let place = Place::with_probe("[config]\nlimit = 10\nname = \"a\"\n");
    let ended = call(&place, &["--var", "behaviour=config", "--set", "limit=20", "--set", "token=x"]);
    insta::assert_snapshot!(told(&ended), @r#"
    probe
      outcome          complete
      variables        limit = "20"
                       name = "a"
                       token = "x"
    "#);
    let ended = call(
        &place,
        &[
            "--var",
            "behaviour=context",
            "--task",
            "business-key=b1",
            "--task",
            "priority=5",
            "--task",
            "extension-properties.retry=R1/PT1S",
            "--json",
        ],
    );
    let variables = &ended.json()["variables"];
    assert_eq!(variables["business-key"]["value"], "b1");
    assert_eq!(variables["priority"]["value"], "5");
    assert_eq!(variables["extension-properties"]["value"], "retry=R1/PT1S");
    assert_eq!(variables["topic"]["value"], "probe");
}

#[test]
fn json_has_all_of_it() {
    let place = Place::with_probe("");
    let mut json = call(&place, &["--var", "behaviour=extend-lock", "--var", "n=30000", "--json"]).json();
    for key in ["wall-micros", "cpu-micros", "memory-bytes"] {
        assert!(json["usage"][key].is_u64(), "{json}");
        json["usage"][key] = 0.into();
    }
    json["version"] = "V".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("JSON"), @r#"
    {
      "topic": "probe",
      "version": "V",
      "after-decision": [],
      "calls": [
        {
          "call": "extend-lock",
          "asked": {
            "extend-lock": "30s"
          },
          "answer": {}
        }
      ],
      "logs": [],
      "usage": {
        "wall-micros": 0,
        "cpu-micros": 0,
        "memory-bytes": 0,
        "host-calls": 5,
        "dropped-lines": 0
      },
      "outcome": "complete",
      "code": null,
      "message": null,
      "details": null,
      "variables": {
        "verdict": {
          "type": "String",
          "value": "ok"
        }
      },
      "local-variables": {},
      "retry": null,
      "retries-left": null,
      "retry-after-millis": null,
      "delay-millis": null,
      "duration-millis": null
    }
    "#);
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_is_run() {
    let place = Place::with_probe("");
    let told = |arguments: &[&str]| {
        let ended = call(&place, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{arguments:?}");
        ended.stderr
    };
    let all = [
        told(&["--var", "amount"]),
        told(&["--var", "a:Intger=1"]),
        told(&["--var", "a:Integer=x", "--var", "b:Short=40000"]),
        told(&["--var", "a=1", "--var", "a=2"]),
        told(&["--var", "a:Json=@nowhere.json"]),
        told(&["--task", "retrys=1"]),
        told(&["--task", "retries=x"]),
        told(&["--set", "x"]),
    ];
    insta::assert_snapshot!(all.concat(), @r#"
    fetchlock: --var amount: expected NAME=VALUE or NAME:TYPE=VALUE, such as amount=42 or order:Json=@order.json
    fetchlock: --var a:Intger=1: `Intger` is no type: did you mean Integer?
    fetchlock: --var a:Integer=x: `variables.a.value` is "x": expected a whole number of 32 bits
    --var b:Short=40000: `variables.b.value` is 40000: expected a whole number from -32768 to 32767
    fetchlock: --var a=2: `a` is given twice: keep one
    fetchlock: --var a:Json=@nowhere.json: nowhere.json cannot be read: No such file or directory (os error 2); write @@ for a text that begins with @
    fetchlock: --task retrys=1: unknown key `task.retrys`: did you mean `retries`?
    fetchlock: --task retries=x: `task.retries` is "x": expected a whole number from 0 on
    fetchlock: --set x: expected KEY=VALUE
    "#);
    place.write("probe.case.toml", "");
    let told = ["nowhere.wasm", ".", "probe.case.toml", "probe.toml"].map(|file| {
        let ended = fetchlock(place.path(), ["call", file]);
        assert_eq!(ended.code, Some(78));
        ended.stderr
    });
    insta::assert_snapshot!(told.concat(), @"
    fetchlock: nowhere.wasm is not there: expected a component, NAME.wasm
    fetchlock: . is a directory: name one component in it, NAME.wasm
    fetchlock: probe.case.toml is a case: `fetchlock test` runs it
    fetchlock: probe.toml: that is a manifest: name the component beside it, NAME.wasm
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_an_address_that_is_not_public_only_if_the_settings_name_it() {
    let server = Server::start().await;
    let authority = format!("127.0.0.1:{}", server.port());
    let place = Place::with_probe(&format!("[grants]\nhttp = [\"GET http://{authority}\"]\n"));
    let authority = format!("authority={authority}");
    let fetch = ["--var", "behaviour=fetch", "--var", &authority, "--allow-http"];
    let refused = call(&place, &fetch).stdout;
    assert!(!refused.contains("verdict = \"200") && refused.contains("this machine (loopback)"), "{refused}");
    place.write("fetchlock.toml", &format!("[grants.probe]\nhttp = [\"GET http://127.0.0.1:{}\"]\n", server.port()));
    let sent = call(&place, &fetch).stdout;
    assert!(sent.contains("verdict = \"200"), "{sent}");
    let unsent = call(&place, &fetch[..4]).stdout;
    assert!(!unsent.contains("verdict = \"200"), "{unsent}");
}

#[test]
fn what_is_printed_is_without_the_secrets_that_were_given() {
    let manifest = "[grants]\nsecrets = [\"api-key\"]\nhttp = [\"GET https://api.example.com\"]\n";
    let place = Place::with_probe(manifest);
    let fetch = [
        "--var",
        "behaviour=fetch",
        "--var",
        "scheme=https",
        "--var",
        "authority=api.example.com",
        "--var",
        "path=/x?key=correct-horse-battery",
        "--set",
        "api-key=correct-horse-battery",
    ];
    for arguments in [&fetch[..], &[&fetch[..], &["--json"]].concat()] {
        let ended = call(&place, arguments);
        assert!(ended.stdout.contains("/x?key=(hidden)"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("correct-horse"), "{}", ended.stdout);
    }
}
