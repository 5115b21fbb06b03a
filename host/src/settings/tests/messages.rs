//! What a user reads about wrong settings.

use super::*;

/// What the user reads about each of these files.
pub(super) fn complaints<const N: usize>(files: [&str; N]) -> String {
    files.map(|file| Fixture::new(file).complaint()).join("\n")
}

/// What the user reads about each of these variables.
pub(super) fn variable_complaints<const N: usize>(variables: [(&str, &str); N]) -> String {
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
    fetchlock.toml:1: unknown key `"a\nb.c"`: expected `engine`, `engines`, `plugins`, `state-dir`, `cache-dir`, `worker`, `limits`, `http`, `grants`, `record` or `log`
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
fn settings_that_do_not_fit_each_other_are_refused() {
    let told = complaints([
        "[worker.backoff]\ninitial = \"2m\"",
        "[worker.backoff]\nmax = \"10ms\"\n[engine]\npassword = \"hush\"",
        "[worker.backoff]\ninitial = \"1s\"\noverload-max = \"500ms\"",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:1: `worker.backoff.max`: 1m is shorter than `worker.backoff.initial`, 2m: raise it or lower that
    fetchlock.toml:1: `worker.backoff.overload-max`: 5s is shorter than `worker.backoff.initial`, 2m: raise it or lower that
    fetchlock.toml:2: `worker.backoff.max`: 10ms is shorter than `worker.backoff.initial`, 500ms: raise it or lower that
    fetchlock.toml:4: `engine.password`: there is no `username` to go with it: add that or leave this out
    fetchlock.toml:3: `worker.backoff.overload-max`: 500ms is shorter than `worker.backoff.initial`, 1s: raise it or lower that
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
        "engine.password = \"hush\" \"hush\"",
        "[engine.oauth2]\nprivate-key = \"\"\"\nhush==\nhush=1",
    ]);
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:2: no valid TOML at column 10 in the value of `poll`: expected newline, `#`; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 7: a value is missing; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 8: invalid table header, expected `.`, `]`; write `key = value`, with texts in quotes
    fetchlock.toml:3: no valid TOML at column 1: duplicate key `poll` in table `worker`; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 5: expected `.`, `=`; write `key = value`, with texts in quotes
    fetchlock.toml:1: no valid TOML at column 26: expected newline, `#`; write `key = value`, with texts in quotes
    fetchlock.toml:4: no valid TOML at column 7: invalid multiline basic string; write `key = value`, with texts in quotes
    ");
}

#[test]
fn a_whole_number_of_more_than_64_bits_is_a_wrong_value_of_its_key() {
    let told = complaints([
        "[worker]\nmax-deliveries = 99999999999999999999\nmax-batch = -99_999_999_999_999_999_999\npoll = 1",
        "worker.max-deliveries = 0xFFFF_FFFF_FFFF_FFFF_FFFF",
        "[limits]\nmemory = 99999999999999999999",
        "worker = { backoff = { factor = 99999999999999999999 } }",
        "[grants.a]\nstart-process = [\"b\", 99999999999999999999]",
        "[engine]\nusername = \"a\"\npassword = 99999999999999999999",
        "max-batch = 99999999999999999999",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `worker.max-deliveries` is 99999999999999999999: expected a whole number from 1 to 256
    fetchlock.toml:3: `worker.max-batch` is -99_999_999_999_999_999_999: expected a whole number from 1 to 10000
    fetchlock.toml:4: `worker.poll` is 1: expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:1: `worker.max-deliveries` is 0xFFFF_FFFF_FFFF_FFFF_FFFF: expected a whole number from 1 to 256
    fetchlock.toml:2: `limits.memory` is 99999999999999999999: expected a size from 64 KiB to 4 GiB, written like "512 KiB" or "64 MiB"
    fetchlock.toml:1: `worker.backoff.factor` is 99999999999999999999: expected a number from 1 to 10
    fetchlock.toml:2: `grants.a.start-process.1` is 99999999999999999999: expected a text in quotes
    fetchlock.toml:3: `engine.password` is a number: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: unknown key `max-batch`: expected `engine`, `engines`, `plugins`, `state-dir`, `cache-dir`, `worker`, `limits`, `http`, `grants`, `record` or `log`
    "#);
    let told = variable_complaints([
        ("FETCHLOCK_WORKER__MAX_CONCURRENT", "99999999999999999999"),
        ("FETCHLOCK_WORKER__BACKOFF__JITTER", "-99999999999999999999"),
    ]);
    insta::assert_snapshot!(told, @r"
    FETCHLOCK_WORKER__MAX_CONCURRENT: `worker.max-concurrent` is 99999999999999999999: expected a whole number from 1 to 10000
    FETCHLOCK_WORKER__BACKOFF__JITTER: `worker.backoff.jitter` is -99999999999999999999: expected a number from 0 to 1
    ");
    let both = Fixture::new("worker.max-batch = 99999999999999999999").variable("FETCHLOCK_WORKER__MAX_BATCH", "7");
    assert_eq!(both.settings().worker.max_batch.get(), 7, "what is overridden does not matter");
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let file = "colour = 1\n[worker]\npoll = \"soon\"\nmax-batch = 0\n[limits]\nmemory = \"lots\"\n[log]\nlevel = 3";
    insta::assert_snapshot!(Fixture::new(file).variable("FETCHLOCK_FOO", "1").complaint(), @r#"
    fetchlock.toml:1: unknown key `colour`: expected `engine`, `engines`, `plugins`, `state-dir`, `cache-dir`, `worker`, `limits`, `http`, `grants`, `record` or `log`
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

#[test]
fn the_rules_between_settings_are_told_beside_wrong_values() {
    let file = "[worker]\npoll = \"soon\"\n[worker.backoff]\ninitial = \"2m\"\n[engine]\npassword = \"hush\"";
    insta::assert_snapshot!(Fixture::new(file).complaint(), @r#"
    fetchlock.toml:2: `worker.poll` is "soon": expected a duration from 1s to 30m, written like "30s", "5m" or "PT5M"
    fetchlock.toml:3: `worker.backoff.max`: 1m is shorter than `worker.backoff.initial`, 2m: raise it or lower that
    fetchlock.toml:3: `worker.backoff.overload-max`: 5s is shorter than `worker.backoff.initial`, 2m: raise it or lower that
    fetchlock.toml:6: `engine.password`: there is no `username` to go with it: add that or leave this out
    "#);
}

#[test]
fn what_only_follows_from_a_wrong_value_is_not_told() {
    let told = complaints([
        "[worker.backoff]\ninitial = \"soon\"\nmax = \"100ms\"",
        "[engine]\nusername = 3\npassword = \"hush\"",
        "[engine.oauth2]\ntoken-url = 3\nclient-id = \"a\"\nclient-secret = \"hush\"",
        "[engines.orders]\nurl = 3",
        "[engine]\nbearer = { file = 3 }",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `worker.backoff.initial` is "soon": expected a duration from 10ms to 1h, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `engine.username` is 3: expected a text in quotes
    fetchlock.toml:2: `engine.oauth2.token-url` is 3: expected a text in quotes
    fetchlock.toml:2: `engines.orders.url` is 3: expected a text in quotes
    fetchlock.toml:2: `engine.bearer.file` is 3: expected a text in quotes
    "#);
}
