//! What a user reads about wrong retry policies.

use super::messages::complaints;

#[test]
fn a_bad_retry_policy_is_told_in_its_own_words() {
    let told = complaints([
        "[worker]\nretry = \"R3\"",
        "[worker]\nretry = 3",
        "[worker]\nretry = { retries = 3, initial = \"1s\", factor = 0, max = \"1m\" }",
        "[worker.retry]\nretries = 3\ninitial = \"1s\"\nfactor = 2",
        "[worker]\nretry = { retries = 3, initial = \"400d\", factor = 2, max = \"9999h\" }",
        "[worker]\nretry = \"R3/400d\"",
        "[worker.retry]\nretries = -1\ninitial = \"1s\"\nfactor = 2\nmax = \"1m\"",
        "[worker.retry]\nretries = 1001\ninitial = \"1s\"\nfactor = 100.5\nmax = 60",
        "[worker.retry]\nretries = 1.5\ninitial = \"1s\"\nfactor = 2\nmax = \"1m\"",
        "[worker.retry]\nretries = 3\ninitial = \"1h\"\nfactor = 2\nmax = \"1m\"",
        "[worker.retry]\nretries = 3\ninital = \"1s\"\nfactor = 2",
    ]);
    insta::assert_snapshot!(told, @r#"
    fetchlock.toml:2: `worker.retry`: `R3` is no retry policy: `/` is missing; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max
    fetchlock.toml:2: `worker.retry` is 3: expected a text like "R3/PT5M" or a table of retries, initial, factor and max
    fetchlock.toml:2: `worker.retry.factor` is 0: expected a number from 1 to 100
    fetchlock.toml:1: `worker.retry` has no `max`: add it
    fetchlock.toml:2: `worker.retry.initial` is "400d": expected a duration of at most a year, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `worker.retry.max` is "9999h": expected a duration of at most a year, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `worker.retry`: `R3/400d` is no retry policy: `400d` is no duration; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max
    fetchlock.toml:2: `worker.retry.retries` is -1: expected a whole number from 0 to 1000
    fetchlock.toml:2: `worker.retry.retries` is 1001: expected a whole number from 0 to 1000
    fetchlock.toml:4: `worker.retry.factor` is 100.5: expected a number from 1 to 100
    fetchlock.toml:5: `worker.retry.max` is 60: expected a duration of at most a year, written like "30s", "5m" or "PT5M"
    fetchlock.toml:2: `worker.retry.retries` is 1.5: expected a whole number from 0 to 1000
    fetchlock.toml:1: `worker.retry`: `max`, 1m, is shorter than `initial`, 1h: raise it or lower that
    fetchlock.toml:1: `worker.retry` has no `initial`: add it
    fetchlock.toml:3: unknown key `worker.retry.inital`: did you mean `initial`?
    "#);
}
