//! What a handler calls is compared with what its case foresees, and answered from there.

use super::place;
use crate::tool::Place;

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
    place.case(
        "wrong-header",
        &case(
            "method = \"POST\"\nheader-x-key = \"found\"",
            "http = \"POST https://api.example.com/\"\nrequest.headers = { x-key = \"wanted\", x-none = \"1\" }\nstatus = 200",
            "{ any = true }",
        ),
    );
    let ended = place.test(&["--filter", "wrong-header"]);
    insta::assert_snapshot!(ended.told(), @r#"
    FAILED  probe.wrong-header (N ms)
            probe.wrong-header.case.toml
            the call of line 7 is another one
            - expected, + found
                http = "POST https://api.example.com/"
              - request.headers = { x-key = "wanted", x-none = "1" }
              + request.headers = { x-key = "found" }
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
fn a_case_says_what_the_operator_allows_and_what_is_not_allowed_is_denied_as_in_production() {
    let place = Place::with_probe("retry = \"R0/PT0S\"\n[grants]\nsecrets = [\"api-key\"]\nstart-process = [\"*\"]\n");
    let case = |behaviour: &str, expect: &str| {
        format!(
            "[config]\napi-key = \"s3cr3t-value\"\n[grants]\nstart-process = [\"order\"]\n[variables]\nbehaviour = \"{behaviour}\"\n\
             key = \"{}\"\n[expect]\n{expect}\n",
            if behaviour == "start-process" { "invoice" } else { "api-key" },
        )
    };
    let denied =
        "message = { contains = \"secrets of \\\"api-key\\\" is not granted: the operator does not allow it\" }";
    place.case("secret", &case("err-secret", &format!("outcome = \"trap\"\n{denied}")));
    let verdict = "variables.verdict = { contains = \"denied: start-process of \\\"invoice\\\" is not granted\" }";
    place.case("start", &case("start-process", &format!("outcome = \"complete\"\n{verdict}")));
    let ended = place.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(!ended.stdout.contains("s3cr3t"), "{}", ended.stdout);
}
