use insta::assert_snapshot;

use super::*;

fn host(text: &str) -> String {
    Host::parse(text).map_or_else(str::to_owned, |host| host.to_string())
}

fn target(text: &str) -> HttpTarget {
    let HttpPattern { method, scheme, host, port } = HttpPattern::parse(text).expect("an entry");
    let HostPattern::Is(host) = host else { panic!("a request goes to one host") };
    HttpTarget { method: method.expect("a request has one method"), scheme, host, port }
}

fn covers(pattern: &str, asked: &str) -> bool {
    HttpPatterns::parse([pattern]).expect("an entry").cover(&target(asked))
}

#[test]
fn every_way_to_write_a_host_is_one_host() {
    for (written, expected) in [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("ex%61mple.com", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ。com", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("[::ffff:7f00:1]", "127.0.0.1"),
    ] {
        assert_eq!(host(written), expected, "{written}");
    }
}

#[test]
fn what_is_no_host_is_refused() {
    for text in [
        "",
        ".",
        "a..b",
        "example.com..",
        "127.0.0.1..",
        "1.2.3.4.5",
        "256.0.0.1",
        "a b",
        "a/b",
        "a@b",
        "a:b",
        "[::1",
        "[fe80::1%eth0]",
        "xn--a",
        &"a".repeat(254),
    ] {
        assert!(Host::parse(text).is_err(), "{text:?} is {:?}", Host::parse(text));
    }
}

#[test]
fn an_entry_covers_its_own_method_scheme_host_and_port_only() {
    for (pattern, asked, expected) in [
        ("GET https://api.example.com", "GET https://api.example.com", true),
        ("GET https://api.example.com", "GET https://api.example.com:443", true),
        ("GET https://API.example.com./", "GET https://api.example.com", true),
        ("GET https://api.example.com", "POST https://api.example.com", false),
        ("* https://api.example.com", "POST https://api.example.com", true),
        ("* https://api.example.com", "PROPFIND https://api.example.com", true),
        ("GET https://api.example.com", "GET http://api.example.com", false),
        ("GET https://api.example.com", "GET http://api.example.com:443", false),
        ("GET https://api.example.com", "GET https://api.example.com:8443", false),
        ("GET https://api.example.com:8443", "GET https://api.example.com:8443", true),
        ("GET https://api.example.com", "GET https://api.example.com.evil.org", false),
        ("GET https://api.example.com", "GET https://example.com", false),
        ("GET https://*.example.com", "GET https://a.example.com", true),
        ("GET https://*.example.com", "GET https://a.b.example.com", true),
        ("GET https://*.example.com", "GET https://example.com", false),
        ("GET https://*.example.com", "GET https://badexample.com", false),
        ("GET https://*.example.com", "GET https://a.example.com.evil.org", false),
        ("* http://10.0.0.5:8080", "GET http://10.0.0.5:8080", true),
        ("* http://10.0.0.5:8080", "GET http://10.0.0.6:8080", false),
        ("* http://127.0.0.1", "GET http://2130706433", true),
        ("* http://[::1]:8080", "GET http://[0:0::1]:8080", true),
        ("* http://127.0.0.1", "GET http://localhost", false),
        ("* http://localhost", "GET http://127.0.0.1", false),
    ] {
        assert_eq!(covers(pattern, asked), expected, "{pattern} of {asked}");
    }
}

#[test]
fn what_is_no_entry_is_told_with_its_reason() {
    let told = [
        "https://api.example.com",
        "get https://api.example.com",
        "GET api.example.com",
        "GET ftp://api.example.com",
        "GET https://api.example.com/v1",
        "GET https://api.example.com?a",
        "GET https://me@api.example.com",
        "GET https://api.example.com:0",
        "GET https://api.example.com:x",
        "GET https://api.example.com:",
        "GET https://*",
        "GET https://api.*.com",
        "GET https://*.10.0.0.5",
        "GET https://",
        "GET https://1.2.3.4.5",
        "GET https://[::1",
    ]
    .map(|text| format!("{text}: {}", HttpPatterns::parse([text]).expect_err("none")));
    assert_snapshot!(told.join("\n"), @r"
    https://api.example.com: there is no method before the server
    get https://api.example.com: the method is neither `*` nor in capitals
    GET api.example.com: there is no scheme
    GET ftp://api.example.com: the scheme is neither http nor https
    GET https://api.example.com/v1: a path is not part of a grant
    GET https://api.example.com?a: a path is not part of a grant
    GET https://me@api.example.com: a user is not part of a grant
    GET https://api.example.com:0: the port is no number from 1 to 65535
    GET https://api.example.com:x: the port is no number from 1 to 65535
    GET https://api.example.com:: the port is no number from 1 to 65535
    GET https://*: `*` stands before the first dot of a name only, as in *.example.com
    GET https://api.*.com: `*` stands before the first dot of a name only, as in *.example.com
    GET https://*.10.0.0.5: `*.` stands before a name only
    GET https://: the host is none
    GET https://1.2.3.4.5: the host is none
    GET https://[::1: the port is no number from 1 to 65535
    ");
}

#[test]
fn of_what_is_requested_it_is_told_what_holds_and_what_is_refused() {
    let told = |requested: &[&str], allowed: &[&str]| {
        let [requested, allowed] =
            [requested, allowed].map(|entries| HttpPatterns::parse(entries.iter().copied()).expect("entries"));
        format!("{} holds, {} refused", requested.common(&allowed), requested.beyond(&allowed))
    };
    assert_snapshot!(told(&["GET https://a.org"], &["* https://a.org"]), @r#"["GET https://a.org"] holds, [] refused"#);
    assert_snapshot!(told(&["* https://a.org"], &["GET https://a.org"]), @r#"["GET https://a.org"] holds, ["* https://a.org"] refused"#);
    assert_snapshot!(told(&["GET https://b.a.org"], &["* https://*.a.org"]), @r#"["GET https://b.a.org"] holds, [] refused"#);
    assert_snapshot!(told(&["* https://*.a.org"], &["GET https://*.b.a.org"]), @r#"["GET https://*.b.a.org"] holds, ["* https://*.a.org"] refused"#);
    assert_snapshot!(told(&["GET https://a.org"], &["GET https://b.org"]), @r#"[] holds, ["GET https://a.org"] refused"#);
}

#[test]
fn an_address_is_named_for_its_own_method_scheme_and_port() {
    let patterns = ["GET http://10.0.0.5:8080", "* http://10.0.0.6:8080", "* http://10.0.0.7", "* http://a.org:8080"];
    let patterns = HttpPatterns::parse(patterns).expect("entries");
    let addresses = |asked| patterns.addresses_for(&target(asked)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addresses("GET http://a.org:8080"), ["10.0.0.5", "10.0.0.6"]);
    assert_eq!(addresses("POST http://a.org:8080"), ["10.0.0.6"]);
    assert_eq!(addresses("POST https://a.org:8080"), [""; 0]);
}
