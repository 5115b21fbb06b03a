//! What a user reads about wrong settings.

use super::*;

/// What the user reads about each of these files.
fn complaints<const N: usize>(files: [&str; N]) -> String {
    files.map(|file| Fixture::new(file).complaint()).join("\n")
}

/// What the user reads about each of these variables.
fn variable_complaints<const N: usize>(variables: [(&str, &str); N]) -> String {
    variables.map(|(name, value)| Fixture::new("").variable(name, value).complaint()).join("\n")
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let told = complaints([
        "\n\n[worker]\nmax-concurent = 3",
        "[worker]\nmax_concurrent = 3",
        "worker.backoff.maximum = 3",
        "[engin]\nurl = \"http://localhost\"",
        "[log]\ncolour = true",
        "\"a\\nb.c\" = true",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:4: unknown key `worker.max-concurent`: did you mean `max-concurrent`?
    fetchlock.toml:2: unknown key `worker.max_concurrent`: did you mean `max-concurrent`?
    fetchlock.toml:1: unknown key `worker.backoff.maximum`: expected `initial`, `factor`, `max`, `overload-max` or `jitter`
    fetchlock.toml:1: unknown key `engin`: did you mean `engine`?
    fetchlock.toml:2: unknown key `log.colour`: expected `level` or `format`
    fetchlock.toml:1: unknown key `"a\nb.c"`: expected `engine`, `engines`, `plugins`, `state-dir`, `cache-dir`, `worker`, `limits`, `grants` or `log`
    "#);
}

#[test]
fn an_unknown_variable_is_an_error_that_names_the_nearest() {
    let told = variable_complaints([
        ("FETCHLOCK_WORKER__MAX_CONCURENT", "3"),
        ("FETCHLOCK_ENGIN__URL", "http://localhost"),
        ("FETCHLOCK_ENGINE_URL", "http://localhost"),
        ("FETCHLOCK_BIN", "x"),
        ("FETCHLOCK_LOG__", "x"),
    ]);
    insta::assert_snapshot!(told, @r#"
    FETCHLOCK_WORKER__MAX_CONCURENT: unknown key `worker.max-concurent`: did you mean FETCHLOCK_WORKER__MAX_CONCURRENT?
    FETCHLOCK_ENGIN__URL: unknown key `engin`: did you mean FETCHLOCK_ENGINE__URL?
    FETCHLOCK_ENGINE_URL: unknown key `engine-url`: two underscores go between table and key, did you mean FETCHLOCK_ENGINE__URL?
    FETCHLOCK_BIN: unknown key `bin`: every variable that begins like this must be a setting, such as FETCHLOCK_ENGINE__URL: rename or remove it
    FETCHLOCK_LOG__: unknown key `log.""`: expected FETCHLOCK_LOG__LEVEL or FETCHLOCK_LOG__FORMAT
    "#);
}

#[test]
fn a_wrong_type_is_told_with_what_was_found() {
    let told = complaints([
        "worker = 3",
        "[worker]\nmax-concurrent = \"many\"",
        "[worker]\npoll = 30",
        "[worker]\npoll = 07:32:00",
        "[plugins]\ndir = 5",
        "[engine]\nuse-priority = \"yes\"",
        "[engine]\nurl = [1]",
        "[log]\nformat = \"xml\"",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:1: `worker` is 3: expected a table
    fetchlock.toml:2: `worker.max-concurrent` is "many": expected a whole number from 1 to 10000
    fetchlock.toml:2: `worker.poll` is 30: expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `worker.poll` is a date or time: expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `plugins.dir` is 5: expected a text in quotes
    fetchlock.toml:2: `engine.use-priority` is "yes": expected true or false
    fetchlock.toml:2: `engine.url` is a list: expected a text in quotes
    fetchlock.toml:2: `log.format` is "xml": expected "auto", "human" or "json"
    "#);
    let told = variable_complaints([
        ("FETCHLOCK_WORKER", "3"),
        ("FETCHLOCK_ENGINE__USE_PRIORITY", "yes"),
        ("FETCHLOCK_LIMITS__HANDLES", "many"),
    ]);
    insta::assert_snapshot!(told, @r#"
    FETCHLOCK_WORKER: `worker` is 3: expected a variable for each key of this table, FETCHLOCK_WORKER__KEY
    FETCHLOCK_ENGINE__USE_PRIORITY: `engine.use-priority` is "yes": expected true or false
    FETCHLOCK_LIMITS__HANDLES: `limits.handles` is "many": expected a whole number from 1 to 1000000
    "#);
    let fixture = Fixture::new("").variable("FETCHLOCK_WORKER", "x").variable("FETCHLOCK_WORKER__POLL", "3s");
    insta::assert_snapshot!(fixture.complaint(), @r#"FETCHLOCK_WORKER: `worker` is "x": expected a variable for each key of this table, FETCHLOCK_WORKER__KEY"#);
}

#[test]
fn a_bad_value_is_told_with_what_is_expected() {
    let told = complaints([
        "[worker]\npoll = \"soon\"",
        "[worker]\npoll = \"31m\"",
        "[plugins]\nmax-size = \"2 TiB\"",
        "[limits]\nhandles = -1",
        "[engine]\nname = \"\"",
        "[worker]\nfetch-order = \"sorted\"",
        "[worker]\nid-prefix = \"\"",
        "[log]\nlevel = \"inf\"",
        "[log]\nlevel = \"\"",
        "[worker.backoff]\nfactor = 0.99",
        "[worker.backoff]\nfactor = 11",
        "[worker.backoff]\njitter = 1.01",
        "[worker.backoff]\njitter = nan",
        "[worker.backoff]\njitter = \"much\"",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `worker.poll` is "soon": expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `worker.poll` is "31m": expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `plugins.max-size` is "2 TiB": expected a size from 1 KiB to 1 GiB, written like "512 KiB" or "64 MiB"
    fetchlock.toml:2: `limits.handles` is -1: expected a whole number from 1 to 1000000
    fetchlock.toml:2: `engine.name` is "": expected a name of 1 to 255 characters without control characters
    fetchlock.toml:2: `worker.fetch-order` is "sorted": expected "unordered", "oldest-first" or "newest-first"
    fetchlock.toml:2: `worker.id-prefix` is "": expected a name of 1 to 200 characters without control characters
    fetchlock.toml:2: `log.level`: `inf` is no log level: expected error, warn, info, debug, trace or off, or levels by module like "warn,fetchlock::worker=debug"
    fetchlock.toml:2: `log.level`: `` is no log level: expected error, warn, info, debug, trace or off, or levels by module like "warn,fetchlock::worker=debug"
    fetchlock.toml:2: `worker.backoff.factor` is 0.99: expected a number from 1 to 10
    fetchlock.toml:2: `worker.backoff.factor` is 11: expected a number from 1 to 10
    fetchlock.toml:2: `worker.backoff.jitter` is 1.01: expected a number from 0 to 1
    fetchlock.toml:2: `worker.backoff.jitter` is NaN: expected a number from 0 to 1
    fetchlock.toml:2: `worker.backoff.jitter` is "much": expected a number from 0 to 1
    "#);
    let told = variable_complaints([
        ("FETCHLOCK_WORKER__MAX_CONCURRENT", "0"),
        ("FETCHLOCK_LOG__LEVEL", "3"),
        ("FETCHLOCK_WORKER__POLL", "30"),
        ("FETCHLOCK_WORKER__BACKOFF__JITTER", "-0.5"),
    ]);
    insta::assert_snapshot!(told, @r#"
    FETCHLOCK_WORKER__MAX_CONCURRENT: `worker.max-concurrent` is 0: expected a whole number from 1 to 10000
    FETCHLOCK_LOG__LEVEL: `log.level`: `3` is no log level: expected error, warn, info, debug, trace or off, or levels by module like "warn,fetchlock::worker=debug"
    FETCHLOCK_WORKER__POLL: `worker.poll` is "30": expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    FETCHLOCK_WORKER__BACKOFF__JITTER: `worker.backoff.jitter` is -0.5: expected a number from 0 to 1
    "#);
    let flags = Flags { max_concurrent: Some(10_001), ..Flags::default() };
    insta::assert_snapshot!(Fixture::new("").flags(flags).complaint(), @"--max-concurrent: `worker.max-concurrent` is 10001: expected a whole number from 1 to 10000");
}

#[test]
fn a_bad_retry_policy_is_told_in_its_own_words() {
    let told = complaints([
        "[worker]\nretry = \"R3\"",
        "[worker]\nretry = 3",
        "[worker]\nretry = { retries = 3, initial = \"1s\", factor = 0, max = \"1m\" }",
        "[worker.retry]\nretries = 3\ninitial = \"1s\"\nfactor = 2",
        "[worker.retry]\nretries = 3\ninital = \"1s\"\nfactor = 2",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `worker.retry`: `R3` is no retry policy: `/` is missing; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max
    fetchlock.toml:2: `worker.retry` is 3: expected a text like "R3/PT5M" or a table of retries, initial, factor and max
    fetchlock.toml:2: `worker.retry.factor` is 0: expected a number from 1 to 100
    fetchlock.toml:2: `worker.retry` has no `factor`: add it
    fetchlock.toml:1: `worker.retry` has no `max`: add it
    fetchlock.toml:1: `worker.retry` has no `initial`: add it
    fetchlock.toml:3: unknown key `worker.retry.inital`: did you mean `initial`?
    "#);
}

#[test]
fn a_bad_address_is_told_without_its_password() {
    let told = complaints([
        "[engine]\nurl = \"localhost:8080\"",
        "[engine]\nurl = \"engine\"",
        "[engine]\nurl = \"\"",
        "[engine]\nurl = \"http://demo:hush@localhost/\"",
        "[engine]\nurl = \"http://localhost/?a=b\"",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:2: `engine.url`: the scheme `localhost` is neither http nor https; expected an address such as http://localhost:8080/engine-rest
    fetchlock.toml:2: `engine.url`: no address: relative URL without a base; expected an address such as http://localhost:8080/engine-rest
    fetchlock.toml:2: `engine.url`: no address: relative URL without a base; expected an address such as http://localhost:8080/engine-rest
    fetchlock.toml:2: `engine.url`: the address holds credentials: put them into `username` and `password` beside it, where secrets are never shown
    fetchlock.toml:2: `engine.url`: the address has a query or fragment, which REST paths cannot follow; expected an address such as http://localhost:8080/engine-rest
    ");
}

#[test]
fn a_bad_header_is_told_without_its_value() {
    let told = complaints([
        "[engine]\npassword = 1234",
        "[engine.headers]\n\"a b\" = \"hush\"",
        "[engine.headers]\na = \"hush\\n\"",
        "[engine.headers]\na = [\"hush\"]",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `engine.password`: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:2: `engine.headers."a b"`: no HTTP header name: expected letters, digits and hyphens
    fetchlock.toml:2: `engine.headers.a`: no HTTP header value: expected ASCII text on one line
    fetchlock.toml:2: `engine.headers.a` is a list: expected a text in quotes, or a table of one of `file`, `env` and `command`
    "#);
}

#[test]
fn a_source_of_a_secret_is_exactly_one() {
    let told = complaints([
        "[engine]\nbearer = {}",
        "[engine]\nbearer = { file = \"a\", env = \"B\" }",
        "[engine]\nbearer = { secret = \"hush\" }",
        "[engine]\nbearer = { file = \"\" }",
        "[engine]\nbearer = { env = \"A=B\" }",
        "[engine]\nbearer = { command = [] }",
        "[engine]\nbearer = { command = \"prog arg\" }",
        "[engine]\nbearer = { file = \"a\", cache = \"5m\" }",
        "[engine]\nbearer = { command = [\"a\"], cache = \"25h\" }",
        "[engine]\nbearer = true",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `engine.bearer`: expected exactly one of `file`, `env` and `command` in the table
    fetchlock.toml:2: `engine.bearer`: expected exactly one of `file`, `env` and `command` in the table
    fetchlock.toml:2: `engine.bearer`: expected exactly one of `file`, `env` and `command` in the table
    fetchlock.toml:2: unknown key `engine.bearer.secret`: expected `file`, `env`, `command` or `cache`
    fetchlock.toml:2: `engine.bearer.file` is "": expected a path
    fetchlock.toml:2: `engine.bearer`: expected exactly one of `file`, `env` and `command` in the table
    fetchlock.toml:2: `engine.bearer`: expected the name of an environment variable, found "A=B"
    fetchlock.toml:2: `engine.bearer`: expected a program and its arguments, such as ["prog", "arg"], found no program
    fetchlock.toml:2: `engine.bearer.command` is "prog arg": expected a list
    fetchlock.toml:2: `engine.bearer`: expected exactly one of `file`, `env` and `command` in the table
    fetchlock.toml:2: `engine.bearer`: `cache` is for a `command` only: a file is read again when it changes, a variable once
    fetchlock.toml:2: `engine.bearer.cache` is "25h": expected a duration from 1s to 24h, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `engine.bearer`: expected a text in quotes, or a table of one of `file`, `env` and `command`
    "#);
}

#[test]
fn a_request_carries_one_login() {
    let told = complaints([
        "[engine]\nusername = \"demo\"\nbearer = \"hush\"",
        "[engine]\nbearer = \"hush\"\nheaders = { Authorization = \"hush\" }",
        "[engine]\nusername = \"demo\"\n[engine.oauth2]\ntoken-url = \"http://a/\"\nclient-id = \"b\"\nclient-secret = \"hush\"",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:3: `engine.bearer`: there is `username` too, and a request carries one login: leave one of them out
    fetchlock.toml:3: `engine.headers.authorization`: there is `bearer` too, and a request carries one login: leave one of them out
    fetchlock.toml:3: `engine.oauth2`: there is `username` too, and a request carries one login: leave one of them out
    ");
}

#[test]
fn settings_of_an_engine_that_do_not_fit_each_other_are_refused() {
    let told = complaints([
        "[engine.oauth2]\nscope = \"a\"",
        "[engine.oauth2]\ntoken-url = \"http://a/\"\nclient-id = \"b\"\nclient-secret = \"c\"\nprivate-key = \"d\"",
        "[engine.oauth2]\ntoken-url = \"http://a/\"\nclient-id = \"b\"\nclient-secret = \"c\"\nkey-id = \"d\"",
        "[engine.oauth2]\ntoken-url = \"http://a/\"\nclient-id = \"b\"\nprivate-key = \"c\"\nclient-auth = \"body\"",
        "[engine.oauth2]\nalgorithm = \"HS256\"",
        "[engine.oauth2]\ntoken-url = \"http://me:hush@login/\"",
        "[engine.tls]\nclient-certificate = \"a\"",
        "[engine]\nproxy = \"direct\"",
        "[engine]\nproxy = \"http://me:hush@proxy/\"",
        "[engine]\nproxy = \"http://proxy/path\"",
        "[engine]\nproxy = \"none\"\nproxy-username = \"me\"",
        "[engine]\nproxy = \"http://proxy\"\nproxy-username = \"me\"\nproxy-password = { command = [\"a\"] }",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:1: `engine.oauth2`: has neither `client-secret` nor `private-key`: add one of them
    fetchlock.toml:1: `engine.oauth2`: has no `client-id`: add it
    fetchlock.toml:1: `engine.oauth2`: has no `token-url`: add it
    fetchlock.toml:1: `engine.oauth2`: has both `client-secret` and `private-key`: leave one of them out
    fetchlock.toml:5: `engine.oauth2.key-id`: it is for a `private-key` only
    fetchlock.toml:5: `engine.oauth2.client-auth`: it is for a `client-secret` only
    fetchlock.toml:2: `engine.oauth2.algorithm` is "HS256": expected "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384" or "EdDSA"
    fetchlock.toml:2: `engine.oauth2.token-url`: the address holds credentials: put them into `client-id` and `client-secret` beside it, where secrets are never shown
    fetchlock.toml:2: `engine.tls.client-certificate`: there is no `client-key` to go with it: add that or leave this out
    fetchlock.toml:2: `engine.proxy`: no address: relative URL without a base; expected an address such as http://proxy.example:3128, or "none"
    fetchlock.toml:2: `engine.proxy`: the address holds credentials: put them into `proxy-username` and `proxy-password` beside it, where secrets are never shown
    fetchlock.toml:2: `engine.proxy`: a proxy has a host and a port and no path; expected an address such as http://proxy.example:3128, or "none"
    fetchlock.toml:3: `engine.proxy-username`: there is no `proxy` to go with it: add that or leave this out
    fetchlock.toml:4: `engine.proxy-password`: it is read once, at the start, so a command is not run for it: give a text, `file` or `env`
    "#);
}

#[test]
fn settings_that_do_not_fit_each_other_are_refused() {
    let told = complaints([
        "[worker.backoff]\ninitial = \"2m\"",
        "[worker.backoff]\nmax = \"10ms\"\n[engine]\npassword = \"hush\"",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:1: `worker.backoff.max`: 1m is shorter than `worker.backoff.initial`, 2m: raise it or lower that
    fetchlock.toml:2: `worker.backoff.max`: 10ms is shorter than `worker.backoff.initial`, 500ms: raise it or lower that
    fetchlock.toml:4: `engine.password`: there is no `username` to go with it: add that or leave this out
    ");
}

#[test]
fn what_is_no_toml_is_told_with_line_and_column() {
    let told = complaints([
        "[worker]\npoll = 30s",
        "poll =",
        "[worker\npoll = \"30s\"",
        "[worker]\npoll = \"1s\"\npoll = \"2s\"",
        "poll",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:2: no valid TOML at column 10: expected newline, `#`; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 7: a value is missing; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 8: invalid table header, expected `.`, `]`; write `key = value`, with texts in quotes
    fetchlock.toml:3: no valid TOML at column 1: duplicate key `poll` in table `worker`; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 5: expected `.`, `=`; write `key = value`, with texts in quotes
    ");
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let file = "colour = 1\n[worker]\npoll = \"soon\"\nmax-batch = 0\n[limits]\nmemory = \"lots\"\n[log]\nlevel = 3";
    insta::assert_snapshot!(Fixture::new(file).variable("FETCHLOCK_FOO", "1").complaint(), @r#"
    fetchlock.toml:1: unknown key `colour`: expected `engine`, `engines`, `plugins`, `state-dir`, `cache-dir`, `worker`, `limits`, `grants` or `log`
    fetchlock.toml:3: `worker.poll` is "soon": expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:4: `worker.max-batch` is 0: expected a whole number from 1 to 10000
    fetchlock.toml:6: `limits.memory` is "lots": expected a size from 64 KiB to 4 GiB, written like "512 KiB" or "64 MiB"
    fetchlock.toml:8: `log.level` is 3: expected a text in quotes
    FETCHLOCK_FOO: unknown key `foo`: every variable that begins like this must be a setting, such as FETCHLOCK_ENGINE__URL: rename or remove it
    "#);
}

#[test]
fn each_problem_is_one_line() {
    let problems = Fixture::new("\"a\\nb\" = 1\n[worker]\npoll = \"\\u001b[2J\\n\"").complaint();
    assert_eq!(problems.lines().count(), 2, "{problems}");
    assert!(!problems.replace('\n', "").contains(char::is_control), "{problems}");
}
