//! `fetchlock test` of a project: it is built first, and what has changed is built and tested again.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    tool::without_times,
    watching::{Watching, a_mistake_is_told_and_mended},
    workplace::{COMPLETES, Workplace},
};

/// A project whose handler does what its one case expects.
fn project(name: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.raw_rust(name, COMPLETES);
    workplace.write(&format!("{name}/plugin/{name}.case.toml"), "expect = { outcome = \"complete\" }\n");
    workplace
}

#[test]
fn a_project_is_built_before_its_cases_are_run_and_with_no_build_it_is_not() {
    let workplace = project("cased");
    let not_built = workplace.fetchlock(["test", "--no-build", "cased"]);
    assert_eq!(not_built.code, Some(1), "{}", not_built.stdout);
    assert!(not_built.stdout.contains("with NAME.wasm beside it"), "{}", not_built.stdout);
    let built = workplace.fetchlock(["test", "cased"]).well();
    insta::assert_snapshot!(without_times(&built.stdout), @r"
    ok      cased (N ms)
    1 of 1 case passed
    ");
    workplace.edit("cased/src/lib.rs", "outcome::complete(", "outcome::compleat(");
    workplace.fetchlock(["test", "--no-build", "cased"]).well();
    let broken = workplace.fetchlock(["test", "cased"]);
    assert_eq!(broken.code, Some(1));
    insta::assert_snapshot!(broken.stdout, @r"
    error `cargo` failed (exit status: 101); what it said is above
    0 of 0 cases passed
    ");
    assert!(broken.stderr.contains("cannot find function `compleat`"), "{}", broken.stderr);
}

#[test]
fn a_project_that_does_not_build_is_a_problem_in_every_report() {
    let workplace = project("uncased");
    workplace.edit("uncased/src/lib.rs", "outcome::complete(", "outcome::compleat(");
    workplace.write("report.xml", "a report of yesterday, when all was well");
    let broken = workplace.fetchlock(["test", "uncased", "--json", "--junit", "report.xml"]);
    let told: Value = serde_json::from_str(&broken.stdout).expect("JSON");
    let problem = told["problems"][0].as_str().expect("a problem");
    assert!(problem.starts_with("`cargo` failed"), "{problem}");
    let report = fs::read_to_string(workplace.path().join("report.xml")).expect("a report");
    assert!(report.contains("<error message=\"`cargo` failed"), "{report}");
    let nowhere = workplace.fetchlock(["test", "uncased", "--junit", "nowhere/report.xml"]);
    assert_eq!(nowhere.code, Some(78));
    assert!(nowhere.stderr.starts_with("fetchlock: cannot write nowhere/report.xml: "), "{}", nowhere.stderr);
}

#[test]
fn watch_builds_and_runs_again_after_a_change_of_a_source_or_a_case_also_after_a_mistake() {
    let workplace = project("cased-again");
    let watching = Watching::start(workplace.command(["test", "cased-again", "--watch"]));
    a_mistake_is_told_and_mended(&workplace, &watching, "cased-again", "waiting for changes", "1 of 1 case passed");
    workplace.edit("cased-again/plugin/cased-again.case.toml", "complete", "failure");
    watching.await_line("0 of 1 case passed");
    assert_eq!(watching.end(Signal::INT), Some(0));
}

#[test]
fn a_project_that_is_none_because_of_two_manifests_is_told_so() {
    let workplace = project("two");
    workplace.write("two/plugin/two.toml", "");
    workplace.write("two/plugin/three.toml", "");
    let ended = workplace.fetchlock(["test", "two"]);
    assert_eq!(ended.code, Some(78));
    insta::assert_snapshot!(ended.stderr, @"fetchlock: two/plugin has several manifests (three.toml, two.toml): expected one, for the plugin has its name");
}
