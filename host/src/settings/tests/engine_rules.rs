//! What a user reads about settings of an engine that do not fit together, or cannot be sent.

use super::{messages::complaints, *};

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
        "[engine]\nproxy = \"http://proxy\"\nproxy-username = \"me\"\nproxy-password = { file = \"a\", env = \"B\" }",
        "[engine]\nproxy = \"http://proxy\"\nproxy-username = \"me\"\nproxy-password = 7",
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
    fetchlock.toml:2: `engine.proxy`: no address: relative URL without a base; expected an address such as http://proxy.example:3128, or "none", found "direct"
    fetchlock.toml:2: `engine.proxy`: the address holds credentials: put them into `proxy-username` and `proxy-password` beside it, where secrets are never shown
    fetchlock.toml:2: `engine.proxy`: a proxy has a host and a port and no path; expected an address such as http://proxy.example:3128, or "none", found "http://proxy/path"
    fetchlock.toml:3: `engine.proxy-username`: there is no `proxy` to go with it: add that or leave this out
    fetchlock.toml:4: unknown key `engine.proxy-password.command`: expected `file` or `env`
    fetchlock.toml:4: `engine.proxy-password`: expected exactly one of `file` and `env` in the table
    fetchlock.toml:4: `engine.proxy-password` is a number: expected a text in quotes, or a table of one of `file` and `env`
    "#);
}

#[test]
fn what_no_header_can_be_is_told_with_its_line() {
    let told = complaints([
        "[engine.headers]\nAccept = \"text/plain\"\nx-tenant = \"hush\\n\"\n[engine]\nbearer = \"hush\\nhush\"",
        "[engines.orders]\nurl = \"http://b\"\nheaders = { proxy-authorization = { env = \"A\" } }\nbearer = \"hüsh\"",
    ]);
    assert!(!told.contains("hush") && !told.contains("hüsh"), "{told}");
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:2: `engine.headers.accept`: Fetchlock sets this header itself: leave it out
    fetchlock.toml:3: `engine.headers.x-tenant`: no HTTP header value: expected ASCII text on one line
    fetchlock.toml:5: `engine.bearer`: no HTTP header value: expected ASCII text on one line
    fetchlock.toml:3: `engines.orders.headers.proxy-authorization`: Fetchlock sets this header itself: leave it out
    fetchlock.toml:4: `engines.orders.bearer`: no HTTP header value: expected ASCII text on one line
    ");
}

#[test]
fn a_header_may_stand_in_the_file_once_and_a_variable_may_override_it() {
    let file = "[engine.headers]\nX-Tenant = \"hush\"\nx-other = \"a\"\nx-tenant = \"hush\"";
    insta::assert_snapshot!(Fixture::new(file).complaint(), @"fetchlock.toml:4: `engine.headers.x-tenant`: `X-Tenant` is there too and is the same header: leave one of them out");
    let fixture =
        Fixture::new("[engine.headers]\nX-Tenant = \"a\"").variable("FETCHLOCK_ENGINE__HEADERS__X_TENANT", "b");
    assert_eq!(fixture.settings().engine.headers["x-tenant"], Secret::new("b").into());
}

#[test]
fn what_turns_out_to_be_unusable_is_told_with_its_place() {
    let loaded = Fixture::new("[engine]\nbearer = { env = \"NIX\" }")
        .variable("FETCHLOCK_ENGINE__TLS__CA_FILE", "ca.pem")
        .load();
    let loaded = loaded.expect("settings");
    let table = SettingKey::new(["engine"]);
    let keys = [(table.of("bearer"), "not set"), (table.of("tls").of("ca-file"), "not there")];
    let told: Vec<_> = loaded.unusable(keys.iter().map(|(key, why)| (key, why))).lines().collect();
    let told = told.iter().map(|line| line.rsplit('/').next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r"
    fetchlock.toml:2: `engine.bearer`: not set
    FETCHLOCK_ENGINE__TLS__CA_FILE: `engine.tls.ca-file`: not there
    ");
}
