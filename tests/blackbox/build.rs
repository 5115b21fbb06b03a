//! `fetchlock build` makes the plugin of a project in any language, and says what is wrong in the compiler's words.

use std::{
    cell::Cell,
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
    time::{Duration, Instant},
};

use fetchlock_scripted_engine::TaskSpec;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    scene::{SOON, Scene},
    watching::{Watching, a_mistake_is_told_and_mended, wait_for},
    workplace::{COMPLETES, Ended, Workplace, ended},
};

/// How long the build of a project may take of which nothing has changed.
const UNCHANGED: Duration = Duration::from_secs(2);

/// Makes a project, builds it, builds it again in no time, and puts it into a directory.
fn is_built_once_and_put_into_a_directory(language: &str) -> String {
    let workplace = Workplace::new();
    workplace.new_project("check", language);
    let first = workplace.fetchlock(["build", "check"]).well();
    let component = workplace.path().join("check/plugin/check.wasm");
    let changed = || fs::metadata(&component).expect("a component").modified().expect("a time");
    let (made, began) = (changed(), Instant::now());
    fs::create_dir(workplace.path().join("plugins")).expect("made");
    let again = workplace.fetchlock(["build", "check", "--to", "plugins"]).well();
    assert!(began.elapsed() < UNCHANGED, "{:?}", began.elapsed());
    assert_eq!(changed(), made, "it was made anew");
    assert_eq!(again.last_line(), first.last_line().replace("check/plugin", "plugins"));
    let mut placed: Vec<_> = fs::read_dir(workplace.path().join("plugins"))
        .expect("listed")
        .collect::<Result<Vec<_>, _>>()
        .expect("listed")
        .iter()
        .map(|it| it.file_name().into_string().expect("UTF-8"))
        .collect();
    placed.sort();
    assert_eq!(placed, ["check.approved.case.toml", "check.toml", "check.too-much.case.toml", "check.wasm"]);
    first.last_line()
}

#[test]
fn a_project_in_rust_is_built_once_and_put_into_a_directory() {
    insta::assert_snapshot!(is_built_once_and_put_into_a_directory("rust"), @"check/plugin/check.wasm: SIZE, topic check, imports config, log, outcome, task, variables");
}

#[test]
fn a_project_in_go_is_built_once_and_put_into_a_directory() {
    insta::assert_snapshot!(is_built_once_and_put_into_a_directory("go"), @"check/plugin/check.wasm: SIZE, topic check, imports config, log, outcome, task, variables");
}

#[test]
fn a_project_in_javascript_is_built_once_and_put_into_a_directory() {
    insta::assert_snapshot!(is_built_once_and_put_into_a_directory("js"), @"check/plugin/check.wasm: SIZE, topic check, imports config, log, outcome, task, variables");
}

#[test]
fn a_project_in_typescript_is_built_once_and_put_into_a_directory() {
    insta::assert_snapshot!(is_built_once_and_put_into_a_directory("ts"), @"check/plugin/check.wasm: SIZE, topic check, imports config, log, outcome, task, variables");
}

#[test]
fn a_project_in_python_is_built_once_and_put_into_a_directory() {
    insta::assert_snapshot!(is_built_once_and_put_into_a_directory("python"), @"check/plugin/check.wasm: SIZE, topic check, imports config, log, outcome, task, variables");
}

/// Builds a project with a mistake in it: what is said, from the compiler's message on.
fn with_a_mistake(language: &str, file: &str, mistake: &str) -> Ended {
    let workplace = Workplace::new();
    workplace.new_project("check", language);
    let path = format!("check/{file}");
    let text = fs::read_to_string(workplace.path().join(&path)).expect("a handler");
    workplace.write(&path, &format!("{text}\n{mistake}\n"));
    let ended = workplace.fetchlock(["build", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(!workplace.path().join("check/plugin/check.wasm").exists());
    ended
}

#[test]
fn a_mistake_in_rust_is_told_by_rustc() {
    let told = with_a_mistake("rust", "src/lib.rs", "fn wrong() -> u32 { \"text\" }").stderr;
    assert!(told.contains("error[E0308]: mismatched types"), "{told}");
    assert!(told.ends_with("fetchlock: `cargo` failed (exit status: 101); what it said is above\n"), "{told}");
}

#[test]
fn a_mistake_in_go_is_told_by_the_go_compiler() {
    let told = with_a_mistake("go", "handler.go", "var wrong int = \"text\"").stderr;
    assert!(told.contains("cannot use \"text\" (untyped string constant) as int value"), "{told}");
    assert!(told.ends_with("fetchlock: `go` failed (exit status: 1); what it said is above\n"), "{told}");
}

#[test]
fn a_mistake_in_javascript_is_told_by_esbuild() {
    let told = with_a_mistake("js", "src/handler.js", "const wrong = ;").stderr;
    assert!(told.contains("[ERROR] Unexpected \";\""), "{told}");
    assert!(told.ends_with("fetchlock: `node` failed (exit status: 1); what it said is above\n"), "{told}");
}

#[test]
fn a_mistake_in_typescript_is_told_by_tsc() {
    let told = with_a_mistake("ts", "src/handler.ts", "const wrong: number = 'text';").stderr;
    assert!(told.contains("error TS2322: Type 'string' is not assignable to type 'number'."), "{told}");
    assert!(told.ends_with("fetchlock: `node` failed (exit status: 1); what it said is above\n"), "{told}");
}

#[test]
fn a_mistake_in_python_is_told_by_python() {
    let told = with_a_mistake("python", "handler.py", "def wrong(:").stderr;
    assert!(told.contains("SyntaxError: invalid syntax"), "{told}");
    assert!(told.ends_with("fetchlock: `python3` failed (exit status: 1); what it said is above\n"), "{told}");
}

#[test]
fn a_project_of_somebody_else_in_rust_is_built_too() {
    let workplace = Workplace::new();
    workplace.raw_rust("theirs", COMPLETES);
    let built = workplace.fetchlock(["build", "theirs"]).well();
    insta::assert_snapshot!(built.last_line(), @"theirs/plugin/theirs.wasm: SIZE, topic theirs, imports outcome");
}

#[test]
fn a_component_that_a_host_would_refuse_fails_in_the_hosts_words_and_replaces_nothing() {
    let workplace = Workplace::new();
    workplace.raw_rust("refused", COMPLETES);
    workplace.write("refused/plugin/refused.wasm", "the last good one");
    // A component, and no handler.
    workplace.write("refused/src/lib.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn other() {}\n");
    let ended = workplace.fetchlock(["build", "refused"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    insta::assert_snapshot!(ended.stderr.lines().last().unwrap_or_default(), @"fetchlock: refused.wasm: the component is not built for fetchlock:handler@0.1.0: it does not export `handle` (it exports nothing); author: build against the WIT package fetchlock:handler, world `handler`; operator: take a build for this host's version, or a newer host");
    let component = fs::read_to_string(workplace.path().join("refused/plugin/refused.wasm")).expect("read");
    assert_eq!(component, "the last good one");
}

#[test]
fn a_manifest_that_a_host_would_refuse_is_told_before_anything_is_compiled() {
    let workplace = Workplace::new();
    workplace.write("x/go.mod", "no module");
    workplace.write("x/plugin/x.toml", "topics = 1\ntimeout = \"soon\"");
    let ended = workplace.fetchlock(["build", "x"]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(ended.stderr, @r#"
    fetchlock: x.wasm: x.toml:1: unknown key `topics`: did you mean `topic`?
    x.toml:2: `timeout` is "soon": expected a duration from 1ms to 24h, written like "30s", "5m" or "PT5M"
    "#);
}

#[test]
fn a_folder_that_is_no_project_is_told_what_is_looked_for() {
    let workplace = Workplace::new();
    workplace.write("x/main.c", "int main;");
    let refused = |arguments: &[&str]| {
        let ended = workplace.fetchlock(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
        ended.stderr
    };
    insta::assert_snapshot!(refused(&["build", "x"]), @"fetchlock: x is no project of a known language: expected Cargo.toml (Rust), go.mod (Go), package.json with tsconfig.json (TypeScript), package.json (JavaScript), handler.py or pyproject.toml or requirements.txt (Python); `fetchlock new` makes one");
    insta::assert_snapshot!(refused(&["build", "nowhere"]), @"fetchlock: there is no folder nowhere: `fetchlock build` takes the folder of a project");
    insta::assert_snapshot!(refused(&["build", "x/main.c"]), @"fetchlock: x/main.c is a file: `fetchlock build` takes the folder of the project");
    insta::assert_snapshot!(refused(&["build", "x", "--to", "nowhere"]), @"fetchlock: the directory nowhere is not there, so nothing can be put into it: create it, or name another with --to");
}

#[test]
fn a_missing_tool_is_named_with_the_command_that_installs_it() {
    let workplace = Workplace::new();
    let mut told = String::new();
    for (language, file) in [
        ("rust", "Cargo.toml"),
        ("go", "go.mod"),
        ("js", "node_modules/fetchlock/build.js"),
        ("python", "fetchlock/build.py"),
    ] {
        workplace.write(&format!("{language}/{file}"), "");
        workplace.write(&format!("{language}/plugin/x.toml"), "");
        if language == "js" {
            workplace.write("js/package.json", "{}");
        }
        if language == "python" {
            workplace.write("python/handler.py", "");
        }
        let mut command = workplace.command(["build", language]);
        let ended = ended(command.env("PATH", "/nowhere").env_remove("VIRTUAL_ENV"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{}", ended.stderr);
        told += &ended.stderr;
    }
    insta::assert_snapshot!(told, @"
    fetchlock: `rustc` is not there, or not in PATH: install Rust with rustup: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
    fetchlock: `go` is not there, or not in PATH: install Go 1.26 or newer from https://go.dev/dl, or with `snap install go --classic` or `brew install go`
    fetchlock: `node` is not there, or not in PATH: install Node.js 20 or newer with npm from https://nodejs.org, or with `snap install node --classic` or `brew install node`
    fetchlock: `python3` is not there, or not in PATH: install Python 3.10 or newer, with `apt-get install python3 python3-venv` or `brew install python3`
    ");
}

#[test]
fn packages_that_are_not_installed_are_told_with_the_command_that_does_it() {
    let workplace = Workplace::new();
    workplace.write("x/package.json", "{}");
    let told = |workplace: &Workplace| {
        let ended = workplace.fetchlock(["build", "x"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
        ended.stderr
    };
    insta::assert_snapshot!(told(&workplace), @"fetchlock: the packages from npm are not installed in x: run `npm install` there");
    workplace.write("x/package-lock.json", "{}");
    insta::assert_snapshot!(told(&workplace), @"fetchlock: the packages from npm are not installed in x: run `npm ci` there");
    let tested = workplace.fetchlock(["test", "x"]);
    assert_eq!(tested.code, Some(78), "{}", tested.stdout);
}

#[test]
fn a_toolchain_that_is_not_installed_in_a_python_project_is_told_with_the_command_that_does_it() {
    let workplace = Workplace::new();
    workplace.fetchlock(["new", "check", "--lang", "python"]).well();
    // An environment without packages.
    let status = Command::new("python3").args(["-m", "venv", "check/.venv"]).current_dir(workplace.path()).status();
    assert!(status.expect("python3 is needed for these tests").success());
    let mut command = workplace.command(["build", "check"]);
    let ended = ended(command.env_remove("VIRTUAL_ENV"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{}", ended.stderr);
    insta::assert_snapshot!(ended.stderr, @"fetchlock: componentize-py is missing: run `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`");
}

#[tokio::test]
async fn a_build_straight_into_a_directory_that_is_served_is_taken_over_whole() {
    let scene = Scene::new().await;
    let workplace = Workplace::new();
    workplace.raw_rust("served", COMPLETES);
    workplace.write("served/plugin/served.toml", "topic = \"served\"\n[config]\nversion = \"1\"\n");
    let host = scene.start();
    let to = scene.plugins().to_str().expect("UTF-8").to_owned();
    let build = || workplace.fetchlock(["build", "served", "--to", &to]).well();
    let served = async |times: usize| {
        let counted = Cell::new(0);
        let is_the_last = |line: &Value| {
            counted.set(counted.get() + usize::from(line["message"] == "plugin serving"));
            counted.get() == times
        };
        let found = host.await_log(is_the_last, SOON).await;
        found.unwrap_or_else(|error| panic!("not served {times} times: {error:#}"));
        let task = scene.engine.add_task(TaskSpec::new("served", json!({})));
        scene.engine.await_completed(&task, SOON).await.expect("completed")
    };
    build();
    served(1).await;
    // The same again is no new version; a change of both files is one.
    build();
    workplace.edit("served/plugin/served.toml", "\"1\"", "\"2\"");
    workplace.edit(
        "served/src/lib.rs",
        "fn handle() -> Result<(), String> {",
        "fn handle() -> Result<(), String> {\n    println!(\"2\");",
    );
    build();
    served(2).await;
    assert!(!host.logs().contains("plugin refused"), "{}", host.logs());
}

#[test]
fn a_watched_project_is_built_again_after_a_change_also_after_a_mistake() {
    let workplace = Workplace::new();
    workplace.raw_rust("watched", COMPLETES);
    let watching = Watching::start(workplace.command(["build", "watched", "--watch"]));
    a_mistake_is_told_and_mended(&workplace, &watching, "watched", "waiting for a change", "watched.wasm: ");
    assert_eq!(watching.end(Signal::INT), Some(0));
}

#[test]
fn a_command_that_is_interrupted_ends_with_the_compiler_that_it_started() {
    for command in ["build", "test"] {
        let workplace = Workplace::new();
        workplace.write("x/go.mod", "module x\n");
        // A compiler that takes its time, and says under which number.
        let script = "#!/bin/sh\nif [ \"$1\" = version ]; then echo go1.26; exit; fi\necho $$ > \"$TOLD\"\nsleep 600\n";
        let go = workplace.write("bin/go", script);
        fs::set_permissions(&go, Permissions::from_mode(0o755)).expect("made executable");
        let told = workplace.path().join("told");
        let mut command = workplace.command([command, "x"]);
        let path = format!("{}:{}", workplace.path().join("bin").display(), env::var("PATH").expect("a PATH"));
        let mut child = command.env("PATH", path).env("TOLD", &told).spawn().expect("started");
        let compiler = wait_for(|| fs::read_to_string(&told).ok()?.trim().parse().ok().and_then(Pid::from_raw));
        kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
        assert_eq!(child.wait().expect("ended").code(), Some(130));
        // Gone, or dead and waiting for somebody to ask how it ended.
        let state = || fs::read_to_string(format!("/proc/{}/status", compiler.as_raw_nonzero())).unwrap_or_default();
        wait_for(|| state().lines().all(|line| !line.starts_with("State:") || line.contains('Z')).then_some(()));
    }
}
