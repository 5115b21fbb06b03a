//! `fetchlock test` of a project: it is built first, and what has changed is built and tested again.

use rustix::process::Signal;

use crate::{
    tool::without_times,
    watching::Watching,
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
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""));
    assert!(broken.stderr.contains("cannot find function `compleat`"), "{}", broken.stderr);
}

#[test]
fn watch_builds_and_runs_again_after_a_change_of_a_source_or_a_case_also_after_a_mistake() {
    let workplace = project("cased-again");
    let watching = Watching::start(workplace.command(["test", "cased-again", "--watch"]));
    watching.await_line("1 of 1 case passed");
    watching.await_line("waiting for changes");
    workplace.edit("cased-again/src/lib.rs", "outcome::complete(", "outcome::compleat(");
    watching.await_line("cannot find function `compleat`");
    watching.await_line("waiting for changes");
    workplace.edit("cased-again/src/lib.rs", "outcome::compleat(", "outcome::complete(");
    watching.await_line("1 of 1 case passed");
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
