//! What the effective settings say about what nobody gave.

use super::*;

#[test]
fn what_applies_instead_of_a_setting_that_is_left_out_is_told() {
    let fixture = Fixture::new("[engines.orders]\nurl = \"http://b\"");
    let keys = [
        "engine.url",
        "engine.username",
        "engine.password",
        "engine.proxy",
        "engines.orders.proxy",
        "engine.oauth2.token-url",
        "engine.oauth2.client-auth",
        "engine.oauth2.algorithm",
        "engine.tls.ca-file",
        "worker.id-prefix",
    ];
    insta::assert_snapshot!(keys.map(|key| effective(&fixture, key)).join("\n"), @r#"
    # engine.url is not set
    # engine.username is not set
    # engine.password is not set: an empty one, if there is a user
    # engine.proxy is not set: the environment's proxy variables tell
    # engines.orders.proxy is not set: the environment's proxy variables tell
    # engine.oauth2.token-url is not set
    # engine.oauth2.client-auth is not set: `"basic"`, if there is a secret
    # engine.oauth2.algorithm is not set: `"RS256"`, if there is a key
    # engine.tls.ca-file is not set
    # worker.id-prefix is not set: `fetchlock-` and the machine's name
    "#);
}
