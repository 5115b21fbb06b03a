//! `fetchlock check` says what the running host would, and more, without one.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    broken::{self, RETURNS_OK, handler},
    scene::{SOON, Scene},
};

/// A check that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// What `--json` printed.
    fn files(&self) -> Vec<Value> {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// What was printed for people, without what differs from run to run.
    fn told(&self) -> String {
        let mut lines = Vec::new();
        for line in self.stdout.lines() {
            match line.split_once("compiled   in ") {
                Some((before, time)) => {
                    let (_, after) = time.split_once(" ms").expect("a time");
                    lines.push(format!("{before}compiled   in N ms{after}"));
                }
                None => lines.push(line.to_owned()),
            }
        }
        lines.join("\n")
    }
}

/// Runs `fetchlock check` in a directory.
fn check(dir: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Ended {
    check_with(dir, arguments, &[])
}

fn check_with(dir: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>, variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlock"));
    command.arg("check").args(arguments).current_dir(dir).stdin(Stdio::null());
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FETCHLOCK_")) {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().expect("ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A directory with these files.
fn directory<const N: usize>(files: [(&str, &[u8]); N]) -> TempDir {
    let dir = TempDir::new().expect("a directory");
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    dir
}

/// A handler that imports one interface of each kind.
fn with_http() -> Vec<u8> {
    let imports = r#"
        (import "fetchlock:handler/log@0.1.0" (instance))
        (import "fetchlock:handler/config@0.1.0" (instance))
        (import "wasi:cli/environment@0.2.6" (instance))
        (import "wasi:http/outgoing-handler@0.2.6" (instance))"#;
    handler(imports, RETURNS_OK)
}

fn without_http() -> Vec<u8> {
    handler("", RETURNS_OK)
}

const MANIFEST: &[u8] = br#"
    topic = "charge-card"
    lock-duration = "2m"
    retry = "PT1M,PT5M"
    timeout = "30s"
    [filter]
    tenant-id-in = ["a"]
    [limits]
    memory = "256 MiB"
    log-lines = 1000
    [config]
    limit = "10000"
    token = "s3cret"
"#;

#[tokio::test]
async fn every_broken_file_gets_the_message_of_the_running_host_first() {
    let scene = Scene::with_probe("").await;
    broken::ALL.iter().for_each(|broken| (broken.put)(&scene));
    let host = scene.start();
    let mut expected = Vec::new();
    for broken in broken::ALL {
        let beginning = format!("plugin refused: {}: ", broken.file);
        let line = host.await_log(|line| line["message"].as_str().is_some_and(|it| it.starts_with(&beginning)), SOON);
        let line = line.await.unwrap_or_else(|error| panic!("{}: {error:#}", broken.file));
        let message = line["message"].as_str().expect("a message");
        expected.push((broken.file, message.strip_prefix("plugin refused: ").expect("refused").to_owned()));
    }
    // Beside the running host, with its settings and so with its state directory.
    let settings = ["--json".as_ref(), "--config".as_ref(), host.config().as_os_str()];
    let files = broken::ALL.iter().map(|broken| broken.file.as_ref());
    let ended = check(scene.plugins(), settings.into_iter().chain(files));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let told: Vec<Value> = ended.files().iter().map(|file| json!([file["file"], file["errors"][0]])).collect();
    let expected: Vec<Value> = expected.iter().map(|(file, message)| json!([file, message])).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_good_file_is_told_with_what_it_is_imports_needs_and_sets() {
    let dir = directory([("charge.wasm", &with_http()), ("charge.toml", MANIFEST)]);
    let ended = check(dir.path(), ["charge.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    insta::assert_snapshot!(ended.told(), @r#"
    charge.wasm: ok
      topic      charge-card
      version    4bf1dca58c05
      contract   fetchlock:handler@0.1.0
      size       348 B
      compiled   in N ms
      imports    fetchlock:handler@0.1.0: log, config
                 wasi:cli@0.2.6: environment
                 wasi:http@0.2.6: outgoing-handler
      grants     http: nothing is requested, so each such call of wasi:http/outgoing-handler@0.2.6 is refused
      settings   lock-duration = "2m"
                 timeout = "30s"
                 retry = "PT1M,PT5M"
                 filter.tenant-id-in = ["a"]
                 limits.memory = "256 MiB"
                 config-keys = ["limit","token"]
    "#);
}

#[test]
fn in_json_a_good_file_is_told_with_every_key() {
    let dir = directory([("charge.wasm", &with_http()), ("charge.toml", MANIFEST)]);
    let ended = check(dir.path(), ["--json", "charge.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    let mut files = ended.files();
    assert!(files[0]["compile-ms"].take().is_u64());
    insta::assert_snapshot!(serde_json::to_string_pretty(&files).expect("JSON"), @r#"
    [
      {
        "file": "charge.wasm",
        "ok": true,
        "errors": [],
        "manifest-problems": [],
        "topic": "charge-card",
        "version": "4bf1dca58c05",
        "contract": "fetchlock:handler@0.1.0",
        "size-bytes": 348,
        "compile-ms": null,
        "imports": {
          "handler": [
            "fetchlock:handler/log@0.1.0",
            "fetchlock:handler/config@0.1.0"
          ],
          "wasi": [
            "wasi:cli/environment@0.2.6"
          ],
          "http": [
            "wasi:http/outgoing-handler@0.2.6"
          ]
        },
        "grants": [
          {
            "grant": "http",
            "import": "wasi:http/outgoing-handler@0.2.6",
            "requested": [],
            "held": [],
            "refused": [],
            "advice": null,
            "missing": []
          }
        ],
        "settings": {
          "lock-duration": "2m",
          "timeout": "30s",
          "retry": "PT1M,PT5M",
          "filter": {
            "tenant-id-in": [
              "a"
            ]
          },
          "limits": {
            "memory": "256 MiB"
          },
          "config-keys": [
            "limit",
            "token"
          ]
        }
      }
    ]
    "#);
}

#[test]
fn in_json_a_broken_file_has_the_same_keys() {
    let dir = directory([("charge.wasm", &with_http()), ("text.wasm", b"text")]);
    let ended = check(dir.path(), ["--json", "charge.wasm", "text.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    let files = ended.files();
    let keys = |file: &Value| file.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&files[0]), keys(&files[1]));
    insta::assert_snapshot!(files[1], @r#"{"file":"text.wasm","ok":false,"errors":["text.wasm: this is no WebAssembly: expected a component (\\0asm), found text beginning with \"text\"; build the handler for wasm32-wasip2"],"manifest-problems":[],"topic":"text","version":null,"contract":null,"size-bytes":4,"compile-ms":null,"imports":null,"grants":null,"settings":{}}"#);
}

#[test]
fn a_component_that_imports_no_outgoing_http_needs_no_grant() {
    let dir = directory([("with.wasm", &with_http()), ("without.wasm", &without_http())]);
    let ended = check(dir.path(), ["--json", "with.wasm", "without.wasm"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let files = ended.files();
    assert_eq!(
        files[0]["grants"],
        json!([{"grant": "http", "import": "wasi:http/outgoing-handler@0.2.6", "requested": [], "held": [],
            "refused": [], "advice": null, "missing": []}])
    );
    assert_eq!(files[1]["grants"], json!([]));
}

fn with_engine() -> Vec<u8> {
    handler(r#"(import "fetchlock:handler/engine@0.1.0" (instance))"#, RETURNS_OK)
}

/// The lines about grants.
fn grants(ended: &Ended) -> String {
    let lines = ended.stdout.lines().skip_while(|line| !line.starts_with("  grants"));
    let lines = lines.take_while(|line| line.starts_with("  grants") || line.starts_with("    "));
    lines.map(|line| line.trim_start_matches("  grants").trim_start()).collect::<Vec<_>>().join("\n")
}

#[test]
fn of_the_grants_that_are_requested_it_is_told_which_hold_under_the_settings() {
    let requests = b"[grants]\nstart-process = [\"invoice\", \"order\"]\ncorrelate-message = [\"Paid\"]\n";
    let settings = b"[grants.charge]\nstart-process = [\"invoice\"]\n[grants.other]\ncorrelate-message = [\"*\"]\n";
    let dir = directory([
        ("charge.wasm", &with_engine()),
        ("charge.toml", requests),
        ("fetchlock.toml", settings),
        ("none.toml", b""),
    ]);
    let ended = check(dir.path(), ["charge.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    insta::assert_snapshot!(grants(&ended), @r#"
    start-process: ["invoice"] holds
    start-process: ["order"] is refused; to allow it, add `start-process = ["order"]` to [grants.charge] of fetchlock.toml
    correlate-message: ["Paid"] is refused; to allow it, add `correlate-message = ["Paid"]` to [grants.charge] of fetchlock.toml
    "#);
    let files = check(dir.path(), ["--json", "charge.wasm"]).files();
    insta::assert_snapshot!(files[0]["grants"][0], @r#"{"grant":"start-process","import":"fetchlock:handler/engine@0.1.0","requested":["invoice","order"],"held":["invoice"],"refused":["order"],"advice":"add `start-process = [\"order\"]` to [grants.charge] of fetchlock.toml","missing":[]}"#);
    let files = check(dir.path(), ["--json", "charge.wasm", "--config", "none.toml"]).files();
    assert_eq!(files[0]["ok"], true, "what is not allowed is no error");
    assert_eq!(
        (&files[0]["grants"][0]["held"], &files[0]["grants"][0]["refused"]),
        (&json!([]), &json!(["invoice", "order"]))
    );
}

#[test]
fn an_import_without_a_request_and_a_request_without_the_import_are_told() {
    let dir = directory([
        ("imports.wasm", &with_engine()),
        ("broken.wasm", &with_engine()),
        ("broken.toml", b"[grants]\nstart-process = 1\n"),
        ("requests.wasm", &without_http()),
        ("requests.toml", b"[grants]\nstart-process = [\"*\"]\n"),
    ]);
    insta::assert_snapshot!(grants(&check(dir.path(), ["imports.wasm"])), @r"
    start-process: nothing is requested, so each such call of fetchlock:handler/engine@0.1.0 is refused
    correlate-message: nothing is requested, so each such call of fetchlock:handler/engine@0.1.0 is refused
    ");
    insta::assert_snapshot!(grants(&check(dir.path(), ["broken.wasm"])), @r"
    start-process: what is requested is not known, for the manifest is wrong
    correlate-message: what is requested is not known, for the manifest is wrong
    ");
    insta::assert_snapshot!(grants(&check(dir.path(), ["requests.wasm"])), @r#"start-process: ["*"] is requested and of no use, for it does not import fetchlock:handler/engine@0.1.0"#);
}

#[test]
fn of_a_good_component_with_a_broken_manifest_both_are_told() {
    let dir = directory([("charge.wasm", &without_http()), ("charge.toml", b"timeot = \"1s\"\nretry = \"R3\"\n")]);
    let ended = check(dir.path(), ["charge.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    insta::assert_snapshot!(ended.told(), @r#"
    charge.wasm: would not be loaded
      error      charge.wasm: charge.toml:1: unknown key `timeot`: did you mean `timeout`?
                 charge.toml:2: `retry`: `R3` is no retry policy: `/` is missing; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max
      contract   fetchlock:handler@0.1.0
      size       185 B
      compiled   in N ms; not instantiated, for its limits are not known
      imports    nothing
      grants     needs none
    "#);
    let files = check(dir.path(), ["--json", "charge.wasm"]).files();
    insta::assert_snapshot!(files[0]["manifest-problems"], @r#"["charge.toml:1: unknown key `timeot`: did you mean `timeout`?","charge.toml:2: `retry`: `R3` is no retry policy: `/` is missing; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max"]"#);
}

#[test]
fn of_a_broken_component_with_a_broken_manifest_both_are_told() {
    let dir = directory([("charge.wasm", b"text"), ("charge.toml", b"timeot = \"1s\"\n")]);
    let ended = check(dir.path(), ["charge.wasm"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    insta::assert_snapshot!(ended.told(), @r#"
    charge.wasm: would not be loaded
      error      charge.wasm: this is no WebAssembly: expected a component (\0asm), found text beginning with "text"; build the handler for wasm32-wasip2
      error      charge.wasm: charge.toml:1: unknown key `timeot`: did you mean `timeout`?
      size       4 B
    "#);
}

#[test]
fn a_directory_stands_for_its_plugins_and_the_sum_is_told() {
    let dir = directory([
        ("plugins/good.wasm", &without_http()),
        ("plugins/text.wasm", b"text"),
        ("plugins/.hidden.wasm", b"text"),
        ("plugins/README.md", b"text"),
    ]);
    let ended = check(dir.path(), ["plugins"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    insta::assert_snapshot!(ended.told(), @r#"
    plugins/good.wasm: ok
      topic      good
      version    37f34be245af
      contract   fetchlock:handler@0.1.0
      size       185 B
      compiled   in N ms
      imports    nothing
      grants     needs none
      settings   those of the host

    plugins/text.wasm: would not be loaded
      error      text.wasm: this is no WebAssembly: expected a component (\0asm), found text beginning with "text"; build the handler for wasm32-wasip2
      topic      text
      size       4 B
      settings   those of the host

    1 of 2 would be loaded
    "#);
}

#[test]
fn what_cannot_be_checked_is_told_in_one_line() {
    let dir = directory([("hidden/.a.wasm", &without_http()), ("a.wat", b"(component)")]);
    let ended = check(dir.path(), ["--json", "nowhere/at-all.wasm", "hidden", "hidden/.a.wasm", "a.wat"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    let errors: Vec<Value> = ended.files().iter().map(|file| file["errors"][0].clone()).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&errors).expect("JSON"), @r#"
    [
      "at-all.wasm: there is no such file: expected NAME.wasm, or a directory of such files",
      "hidden: there is no plugin in this directory: expected NAME.wasm",
      ".a.wasm: the host passes over a file of this name: expected NAME.wasm, not hidden and not named like a temporary file; rename it",
      "a.wat: the host passes over a file of this name: expected NAME.wasm, not hidden and not named like a temporary file; rename it"
    ]
    "#);
}

#[test]
fn two_files_for_one_topic_are_refused_even_if_both_have_the_same_name() {
    let dir = directory([
        ("one/a.wasm", &without_http()),
        ("two/a.wasm", &without_http()),
        ("two/b.wasm", &without_http()),
        ("two/b.toml", b"topic = \"c\"\n"),
    ]);
    let ended = check(dir.path(), ["--json", "one/a.wasm", "two"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    let errors: Vec<Value> = ended.files().iter().map(|file| file["errors"].clone()).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&errors).expect("JSON"), @r#"
    [
      [
        "a.wasm: its topic `a` is served by two/a.wasm already, and nothing in the filters of the two keeps them apart: rename one of them, or set `topic` or `[filter]` in a manifest"
      ],
      [
        "a.wasm: its topic `a` is served by one/a.wasm already, and nothing in the filters of the two keeps them apart: rename one of them, or set `topic` or `[filter]` in a manifest"
      ],
      []
    ]
    "#);
}

#[test]
fn a_file_that_is_named_twice_is_checked_once() {
    let dir = directory([("plugins/a.wasm", &without_http())]);
    let ended = check(dir.path(), ["--json", "plugins", "plugins/a.wasm", "./plugins/a.wasm"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(ended.files().len(), 1);
}

#[test]
fn the_settings_of_the_host_are_obeyed() {
    let dir = directory([
        ("a.wasm", &[without_http(), vec![0; 2_048]].concat()),
        ("small.toml", b"[plugins]\nmax-size = \"1 KiB\"\n"),
    ]);
    let too_large = |ended: Ended| ended.stdout.contains("more than plugins.max-size allows (1.0 KiB)");
    assert!(!too_large(check(dir.path(), ["a.wasm"])));
    assert!(too_large(check(dir.path(), ["a.wasm", "--config", "small.toml"])));
    assert!(too_large(check_with(dir.path(), ["a.wasm"], &[("FETCHLOCK_PLUGINS__MAX_SIZE", "1 KiB")])));
}

#[test]
fn wrong_settings_and_a_wrong_command_line_have_exit_codes_of_their_own() {
    let dir = directory([("a.wasm", &without_http()), ("fetchlock.toml", b"[plugins]\nmax-sise = \"1 KiB\"\n")]);
    let ended = check(dir.path(), ["a.wasm"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
    insta::assert_snapshot!(ended.stderr.trim(), @r#"fetchlock: fetchlock.toml:2: unknown key `plugins.max-sise`: did you mean `max-size`?"#);
    let nothing: [&str; 0] = [];
    assert_eq!(check(dir.path(), nothing).code, Some(2));
}

#[test]
fn names_in_files_cannot_steer_the_terminal() {
    let import = r#"(import "wasi:io/poll@0.2.6+\1b[2J" (instance))"#;
    let dir = directory([
        ("a\u{1b}[2J.wasm", b"\x1b[2J"),
        ("b.wasm", &handler(import, RETURNS_OK)),
        ("c.wasm", &without_http()),
        ("c.toml", "[config]\n\"\\u001b[2J\" = 1\n[filter]\nbusiness-key = \"\\u202e\"\n".as_bytes()),
    ]);
    let ended = check(dir.path(), ["."]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("\\u{1b}[2J.wasm") && ended.stdout.contains("\\u{202e}"), "{}", ended.stdout);
    assert!(!(ended.stdout.contains('\u{1b}') || ended.stdout.contains('\u{202e}')), "{:?}", ended.stdout);
}

#[test]
fn nothing_is_written() {
    let dir = directory([("plugins/a.wasm", &without_http())]);
    assert_eq!(check(dir.path(), ["plugins"]).code, Some(0));
    let names = |dir: &Path| {
        let entries = fs::read_dir(dir).expect("listed").map(|entry| entry.expect("an entry").file_name());
        entries.collect::<Vec<_>>()
    };
    assert_eq!(names(dir.path()), ["plugins"]);
    assert_eq!(names(&dir.path().join("plugins")), ["a.wasm"]);
}
