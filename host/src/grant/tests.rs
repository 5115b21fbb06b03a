use insta::assert_snapshot;

use super::*;
use crate::secret::SecretSource;

fn requested(processes: &[&str]) -> RequestedGrants {
    RequestedGrants { start_process: processes.iter().copied().collect(), ..RequestedGrants::default() }
}

fn allowed(processes: &[&str]) -> AllowedGrants {
    AllowedGrants { start_process: processes.iter().copied().collect(), ..AllowedGrants::default() }
}

fn grants(processes: &[&str], of_operator: &[&str]) -> Grants {
    Grants::new("charge-card", requested(processes), allowed(of_operator))
}

fn denied(requested: &[&str], allowed: &[&str]) -> String {
    let denied = grants(requested, allowed).check(Grant::StartProcess, "invoice");
    denied.expect_err("denied").to_string()
}

#[test]
fn a_grant_holds_only_if_both_sides_name_it() {
    for (requested, allowed, holds) in [
        (&["invoice"][..], &["invoice"][..], true),
        (&["*"], &["invoice"], true),
        (&["invoice"], &["*"], true),
        (&["*"], &["*"], true),
        (&["invoice"], &[], false),
        (&[], &["invoice"], false),
        (&[], &["*"], false),
        (&["*"], &[], false),
        (&["order"], &["invoice"], false),
        (&["invoice"], &["Invoice"], false),
        (&["inv*"], &["*"], false),
    ] {
        let grants = grants(requested, allowed);
        assert_eq!(grants.check(Grant::StartProcess, "invoice").is_ok(), holds, "{requested:?} {allowed:?}");
        assert!(grants.check(Grant::CorrelateMessage, "invoice").is_err(), "a grant is of one kind");
    }
}

#[test]
fn a_denial_names_the_half_that_is_missing_and_where_it_belongs() {
    assert_snapshot!(denied(&[], &["*"]), @r#"start-process of "invoice" is not granted: the plugin's manifest does not request it; add `start-process = ["invoice"]` to [grants] of charge-card.toml"#);
    assert_snapshot!(denied(&["*"], &[]), @r#"start-process of "invoice" is not granted: the operator does not allow it; add `start-process = ["invoice"]` to [grants.charge-card] of fetchlock.toml"#);
    assert_snapshot!(denied(&[], &[]), @r#"start-process of "invoice" is not granted: the plugin's manifest does not request it and the operator does not allow it; add `start-process = ["invoice"]` to [grants] of charge-card.toml and to [grants.charge-card] of fetchlock.toml"#);
}

#[test]
fn a_name_that_is_no_bare_key_is_quoted() {
    let denied = Grants::new("a.b", requested(&["*"]), AllowedGrants::default());
    let denied = denied.check(Grant::StartProcess, "x\ny").expect_err("denied").to_string();
    assert!(denied.contains(r#"[grants."a.b"]"#) && denied.contains(r#""x\ny""#), "{denied}");
}

#[test]
fn of_what_is_requested_it_is_told_what_holds_and_what_is_refused() {
    let told = |requested: &[&str], allowed: &[&str]| {
        let standings = grants(requested, allowed).standings();
        standings.iter().map(|it| format!("{} holds, {} refused", it.held, it.refused)).collect::<Vec<_>>().join("")
    };
    assert_eq!(told(&["a", "b"], &["b", "c"]), r#"["b"] holds, ["a"] refused"#);
    assert_eq!(told(&["*"], &["b"]), r#"["b"] holds, ["*"] refused"#);
    assert_eq!(told(&["a"], &["*"]), r#"["a"] holds, [] refused"#);
    assert_eq!(told(&["*"], &["*"]), r#"["*"] holds, [] refused"#);
    assert_eq!(told(&[], &["a"]), "");
}

fn target(method: &str, host: &str) -> HttpTarget {
    let host = Host::parse(host).expect("a host");
    HttpTarget { method: method.into(), scheme: Scheme::Https, host, port: 8443 }
}

fn http(entries: &[&str]) -> HttpPatterns {
    HttpPatterns::parse(entries.iter().copied()).expect("entries")
}

#[test]
fn a_denied_request_names_the_half_that_is_missing_and_where_it_belongs() {
    let denied = |requested: &[&str], allowed: &[&str]| {
        let requested = RequestedGrants { http: http(requested), ..RequestedGrants::default() };
        let allowed = AllowedGrants { http: http(allowed), ..AllowedGrants::default() };
        let grants = Grants::new("charge", requested, allowed);
        grants.check_http(&target("POST", "api.example.com")).map_err(|denied| denied.to_string())
    };
    let any = ["* https://*.example.com:8443"];
    assert_eq!(denied(&any, &any), Ok(()));
    assert_snapshot!(denied(&[], &any).expect_err("denied"), @r#"http of "POST https://api.example.com:8443" is not granted: the plugin's manifest does not request it; add `http = ["POST https://api.example.com:8443"]` to [grants] of charge.toml"#);
    assert_snapshot!(denied(&any, &["GET https://api.example.com:8443"]).expect_err("denied"), @r#"http of "POST https://api.example.com:8443" is not granted: the operator does not allow it; add `http = ["POST https://api.example.com:8443"]` to [grants.charge] of fetchlock.toml"#);
    assert_snapshot!(denied(&[], &[]).expect_err("denied"), @r#"http of "POST https://api.example.com:8443" is not granted: the plugin's manifest does not request it and the operator does not allow it; add `http = ["POST https://api.example.com:8443"]` to [grants] of charge.toml and to [grants.charge] of fetchlock.toml"#);
}

#[test]
fn a_secret_is_requested_by_name_and_allowed_by_its_source() {
    let grants = |requested: &[&str], allowed: &[&str]| {
        let requested = RequestedGrants { secrets: requested.iter().copied().collect(), ..RequestedGrants::default() };
        let source = |name: &&str| ((*name).to_owned(), SecretSource::Env("HUSH".into()));
        let allowed = AllowedGrants { secrets: allowed.iter().map(source).collect(), ..AllowedGrants::default() };
        Grants::new("charge", requested, allowed)
    };
    let both = grants(&["api-key", "other"], &["api-key", "third"]);
    assert_eq!(both.secrets(), ["api-key"].into_iter().collect());
    assert_eq!(both.check(Grant::Secrets, "api-key"), Ok(()));
    assert_snapshot!(both.check(Grant::Secrets, "other").expect_err("denied"), @r#"secrets of "other" is not granted: the operator does not allow it; add `secrets.other = { file = "…" }` to [grants.charge] of fetchlock.toml"#);
    assert_snapshot!(both.check(Grant::Secrets, "third").expect_err("denied"), @r#"secrets of "third" is not granted: the plugin's manifest does not request it; add `secrets = ["third"]` to [grants] of charge.toml"#);
    assert_snapshot!(both.check(Grant::Secrets, "a b").expect_err("denied"), @r#"secrets of "a b" is not granted: the plugin's manifest does not request it and the operator does not allow it; add `secrets = ["a b"]` to [grants] of charge.toml and `secrets."a b" = { file = "…" }` to [grants.charge] of fetchlock.toml"#);
    assert_snapshot!(both.advice(Grant::Secrets, &["other", "x"].into_iter().collect()), @r#"add `secrets.other = { file = "…" }` and `secrets.x = { file = "…" }` to [grants.charge] of fetchlock.toml"#);
}

#[test]
fn what_is_allowed_does_not_show_its_secrets() {
    let source = SecretSource::Text(crate::secret::Secret::new("hush"));
    let allowed =
        AllowedGrants { secrets: [("api-key".to_owned(), source)].into_iter().collect(), ..AllowedGrants::default() };
    let shown = format!("{allowed:?} {}", serde_json::to_string(&allowed).expect("JSON"));
    assert!(!shown.contains("hush") && shown.contains("(hidden)"), "{shown}");
}

#[test]
fn whoever_allows_a_plugin_all_that_it_requests_lets_it_to_no_address_that_the_settings_do_not_name() {
    let patterns = |entries: &[&str]| HttpPatterns::parse(entries.iter().copied()).expect("entries");
    let requested = || RequestedGrants { http: patterns(&["* https://127.0.0.1:8443"]), ..RequestedGrants::default() };
    let target = target("GET", "127.0.0.1");
    let alone = Grants::new("charge-card", requested(), AllowedGrants::default()).all_allowed();
    assert!(alone.check_http(&target).is_ok() && alone.addresses_for(&target).is_empty());
    let allowed = AllowedGrants { http: patterns(&["GET https://127.0.0.1:8443"]), ..AllowedGrants::default() };
    let named = Grants::new("charge-card", requested(), allowed).all_allowed();
    assert_eq!(named.addresses_for(&target).len(), 1);
}
