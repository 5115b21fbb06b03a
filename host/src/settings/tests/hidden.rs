//! What may be a secret is told without the text.

use super::messages::{complaints, variable_complaints};

#[test]
fn a_bad_address_is_told_without_its_password() {
    let told = complaints([
        "[engine]\nurl = \"localhost:8080\"",
        "[engine]\nurl = \"engine\"",
        "[engine]\nurl = \"\"",
        "[engine]\nurl = \"http://demo:hush@localhost/\"",
        "[engine]\nurl = \"http://localhost/?a=hush\"",
        "[engine]\nurl = \"http://localhost/#a\"",
        "[engine]\nurl = \"ftp://me:hush@localhost/?a=hush\"",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `engine.url`: the scheme `localhost` is neither http nor https; expected an address such as http://localhost:8080/engine-rest, found "localhost:8080"
    fetchlock.toml:2: `engine.url`: no address: relative URL without a base; expected an address such as http://localhost:8080/engine-rest, found "engine"
    fetchlock.toml:2: `engine.url`: no address: relative URL without a base; expected an address such as http://localhost:8080/engine-rest, found ""
    fetchlock.toml:2: `engine.url`: the address holds credentials: put them into `username` and `password` beside it, where secrets are never shown
    fetchlock.toml:2: `engine.url`: the address has a query or fragment, which REST paths cannot follow; expected an address such as http://localhost:8080/engine-rest
    fetchlock.toml:2: `engine.url`: the address has a query or fragment, which REST paths cannot follow; expected an address such as http://localhost:8080/engine-rest, found "http://localhost/#a"
    fetchlock.toml:2: `engine.url`: the address holds credentials: put them into `username` and `password` beside it, where secrets are never shown
    "#);
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
    fetchlock.toml:2: `engine.password` is a number: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:2: `engine.headers."a b"`: no HTTP header name: expected letters, digits and hyphens, found "a b"
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
    fetchlock.toml:2: unknown key `engine.bearer.secret`: expected `file`, `env`, `command` or `cache`
    fetchlock.toml:2: `engine.bearer.file` is "": expected a path
    fetchlock.toml:2: `engine.bearer.env` is a text: expected the name of an environment variable, which is not empty and has no `=`
    fetchlock.toml:2: `engine.bearer`: expected a program and its arguments, such as ["prog", "arg"], found no program
    fetchlock.toml:2: `engine.bearer.command` is "prog arg": expected a list
    fetchlock.toml:2: `engine.bearer`: `cache` is for a `command` only: a file is read again when it changes, a variable once
    fetchlock.toml:2: `engine.bearer.cache` is "25h": expected a duration from 1s to 24h, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `engine.bearer` is a truth value: expected a text in quotes, or a table of one of `file`, `env` and `command`
    "#);
}

#[test]
fn what_stands_where_a_secret_belongs_is_told_by_its_kind_only() {
    let told = complaints([
        "engine.headers = \"Authorization: Bearer hush\"",
        "engine.oauth2 = \"client_secret=hush\"",
        "engine.oauth2.parameters = \"client_secret=hush\"",
        "engine = \"password=hush\"",
        "engines.orders = \"password=hush\"",
        "engine.password = { env = \"HUSH=1\" }",
        "engine.password = { env = 4711 }",
        "engine.password = 2026-01-01",
        "engine.password = 4711",
        "engine.password = 47.11",
        "engine.password = true",
        "engine.headers = 2026-01-01",
        "engine.username = \"demo:hush\"",
        "[engine]\nproxy = \"http://proxy\"\nproxy-username = \"demo:hush\"",
    ]);
    assert!(!["hush", "HUSH", "47", "01-01", "private"].iter().any(|secret| told.contains(secret)), "{told}");
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:1: `engine.headers` is a text: expected a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.oauth2` is a text: expected a table
    fetchlock.toml:1: `engine.oauth2.parameters` is a text: expected a table
    fetchlock.toml:1: `engine` is a text: expected a table
    fetchlock.toml:1: `engines.orders` is a text: expected a table
    fetchlock.toml:1: `engine.password.env` is a text: expected the name of an environment variable, which is not empty and has no `=`
    fetchlock.toml:1: `engine.password.env` is a number: expected the name of an environment variable, which is not empty and has no `=`
    fetchlock.toml:1: `engine.password` is a date or time: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.password` is a number: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.password` is a number: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.password` is a truth value: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.headers` is a date or time: expected a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`
    fetchlock.toml:1: `engine.username` is "demo:…": expected a name of 1 to 255 characters without control characters, without `:`
    fetchlock.toml:3: `engine.proxy-username` is "demo:…": expected a name of 1 to 255 characters without control characters, without `:`
    "#);
    let told = variable_complaints([
        ("FETCHLOCK_ENGINE__HEADERS", "Authorization: Bearer hush"),
        ("FETCHLOCK_ENGINE__OAUTH2", "client_secret=hush"),
        ("FETCHLOCK_ENGINE__HEADERS", "4711"),
        ("FETCHLOCK_ENGINE", "password=hush"),
        ("FETCHLOCK_ENGINE__BEARER__ENV", "HUSH=1"),
    ]);
    assert!(!["hush", "HUSH=", "47"].iter().any(|secret| told.contains(secret)), "{told}");
    insta::assert_snapshot!(told, @r"
    FETCHLOCK_ENGINE__HEADERS: `engine.headers` is a text: expected a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`
    FETCHLOCK_ENGINE__OAUTH2: `engine.oauth2` is a text: expected a variable for each key of this table, FETCHLOCK_ENGINE__OAUTH2__KEY
    FETCHLOCK_ENGINE__HEADERS: `engine.headers` is a number: expected a table of header names and texts, each in quotes or a table of one of `file`, `env` and `command`
    FETCHLOCK_ENGINE: `engine` is a text: expected a variable for each key of this table, FETCHLOCK_ENGINE__KEY
    FETCHLOCK_ENGINE__BEARER__ENV: `engine.bearer.env` is a text: expected the name of an environment variable, which is not empty and has no `=`
    ");
}

#[test]
fn a_date_is_nowhere_taken_for_a_table() {
    let told = complaints([
        "engines = 2026-01-01",
        "grants = 2026-01-01",
        "engine.oauth2.parameters = 2026-01-01",
        "worker.retry = 2026-01-01",
        "engine.use-priority = 2026-01-01",
        "engine.password = { command = [2026-01-01] }",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:1: `engines` is a date or time: expected a table
    fetchlock.toml:1: `grants` is a date or time: expected a table
    fetchlock.toml:1: `engine.oauth2.parameters` is a date or time: expected a table
    fetchlock.toml:1: `worker.retry` is a date or time: expected a text like "R3/PT5M" or a table of retries, initial, factor and max
    fetchlock.toml:1: `engine.use-priority` is a date or time: expected true or false
    fetchlock.toml:1: `engine.password.command.0` is a date or time: expected a text in quotes
    "#);
}

#[test]
fn the_secrets_of_plugins_are_told_without_their_texts() {
    let told = complaints([
        "[grants.charge]\nsecrets = \"hush\"",
        "[grants.charge]\nsecrets = [\"hush\"]",
        "[grants.charge]\nsecrets.api-key = 4711",
        "[grants.charge]\nsecrets.api-key = { secret = \"hush\" }",
        "[grants.charge]\nsecrets.\"a\\nb\" = { env = \"A\" }",
        "[grants]\ncharge = \"hush\"",
    ]);
    assert!(!told.contains("hush"), "{told}");
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `grants.charge.secrets` is a text: expected a table of names and texts, each in quotes or a table of one of `file`, `env` and `command`
    fetchlock.toml:2: `grants.charge.secrets` is a list: expected a table of names and texts, each in quotes or a table of one of `file`, `env` and `command`
    fetchlock.toml:2: `grants.charge.secrets.api-key` is a number: expected a text in quotes, or a table of one of `file`, `env` and `command`
    fetchlock.toml:2: unknown key `grants.charge.secrets.api-key.secret`: expected `file`, `env`, `command` or `cache`
    fetchlock.toml:2: `grants.charge.secrets."a\nb"` is "a\nb": expected a name of 1 to 255 characters without control characters
    fetchlock.toml:2: `grants.charge` is a text: expected a table
    "#);
}
