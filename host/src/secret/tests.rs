//! Texts from each of their sources, and what is told when they cannot be had.

use std::{fs, path::Path, time::Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::*;

/// Far more than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A pause between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(20);

fn bearer() -> SettingKey {
    SettingKey::new(["engine", "bearer"])
}

fn dir() -> TempDir {
    TempDir::new().expect("a directory")
}

fn file(path: &Path) -> Text {
    Text::new(bearer(), &SecretSource::File(path.into())).expect("a source")
}

fn shell(script: &str, cache: Duration) -> SecretCommand {
    SecretCommand { program: "sh".into(), arguments: vec!["-c".into(), script.into()], cache }
}

fn command(script: &str) -> Text {
    cached(script, Duration::from_secs(60))
}

fn cached(script: &str, cache: Duration) -> Text {
    Text::new(bearer(), &SecretSource::Command(shell(script, cache))).expect("a source")
}

/// A script that prints how often it was run.
fn counting(dir: &TempDir) -> String {
    format!("echo run >> {0}; sleep 0.1; wc -l < {0}", dir.path().join("runs").display())
}

async fn got(text: &Text) -> String {
    text.get().await.expect("a text").reveal().to_owned()
}

/// What is told, without the directory of the test.
async fn complaint(text: &Text, dir: &TempDir) -> String {
    let error = text.get().await.expect_err("no text").to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

#[tokio::test]
async fn a_file_s_text_ends_before_the_line_end() {
    let dir = dir();
    let path = dir.path().join("token");
    for (written, expected) in [("hush", "hush"), ("hush\n", "hush"), ("hush\r\n", "hush"), (" a b \n", " a b ")] {
        fs::write(&path, written).expect("written");
        assert_eq!(got(&file(&path)).await, expected);
    }
}

#[tokio::test]
async fn a_file_is_read_again_when_it_has_changed() {
    let dir = dir();
    let path = dir.path().join("token");
    fs::write(&path, "one").expect("written");
    let text = file(&path);
    assert_eq!(got(&text).await, "one");
    // Of the same length, and maybe in the same moment of the file system's clock.
    fs::write(&path, "two").expect("written");
    let changed = async {
        while got(&text).await != "two" {
            sleep(LOOK).await;
        }
    };
    tokio::time::timeout(SOON, changed).await.expect("the change is seen");
    // As Kubernetes replaces a secret: by a rename.
    fs::write(dir.path().join("new"), "three").expect("written");
    fs::rename(dir.path().join("new"), &path).expect("renamed");
    text.refused(Instant::now()).await;
    assert_eq!(got(&text).await, "three", "a refused text is looked for at once");
}

#[tokio::test]
async fn a_file_that_holds_no_text_is_told_with_its_setting() {
    let dir = dir();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("empty"), "\n").expect("written");
    fs::write(path("binary"), b"\xff\xfe").expect("written");
    fs::write(path("large"), "x".repeat((64 << 10) + 1)).expect("written");
    fs::write(path("largest"), "x".repeat(64 << 10)).expect("written");
    let mut told = Vec::new();
    for name in ["missing", "empty", "binary", "large", ""] {
        told.push(complaint(&file(&path(name)), &dir).await);
    }
    let directory = told.pop().expect("a complaint");
    assert!(directory.contains("is no regular file"), "{directory}");
    insta::assert_snapshot!(told.join("\n"), @r"
    engine.bearer: the file missing cannot be read: No such file or directory (os error 2)
    engine.bearer: the file empty is empty
    engine.bearer: the file binary holds no UTF-8 text
    engine.bearer: the file large holds more than 64 KiB
    ");
    assert_eq!(got(&file(&path("largest"))).await.len(), 64 << 10);
}

#[tokio::test]
async fn a_file_that_comes_later_is_found() {
    let dir = dir();
    let path = dir.path().join("token");
    let text = file(&path);
    text.get().await.expect_err("not there yet");
    fs::write(&path, "hush").expect("written");
    assert_eq!(got(&text).await, "hush");
}

#[tokio::test]
async fn a_variable_is_read_at_the_start_and_must_be_there() {
    let of = |name: &str| Text::new(bearer(), &SecretSource::Env(name.into()));
    let path = of("PATH").expect("a source");
    assert_eq!(got(&path).await, std::env::var("PATH").expect("a PATH"));
    let error = of("FETCHLOCK-IS-NOT-SET").err().expect("no source");
    insta::assert_snapshot!(error, @"the environment variable FETCHLOCK-IS-NOT-SET is not set; set it before the start, or name another one");
}

#[tokio::test]
async fn what_a_command_prints_is_trimmed_and_kept_for_the_stated_time() {
    let dir = dir();
    let text = command(&counting(&dir));
    assert_eq!((got(&text).await, got(&text).await), ("1".into(), "1".into()));
    let brief = cached(&counting(&dir), Duration::from_millis(1));
    assert_eq!(got(&brief).await, "2");
    sleep(Duration::from_millis(2)).await;
    assert_eq!(got(&brief).await, "3");
}

#[tokio::test]
async fn a_command_is_run_once_for_all_who_ask_meanwhile_whatever_comes_of_it() {
    let dir = dir();
    let text = command(&counting(&dir));
    let (a, b, c) = tokio::join!(got(&text), got(&text), got(&text));
    assert_eq!([a, b, c], ["1", "1", "1"]);
    let failing = command(&format!("{}; exit 3", counting(&dir)));
    let (a, b) = tokio::join!(failing.get(), failing.get());
    assert!(a.is_err() && b.is_err());
    assert_eq!(got(&command(&counting(&dir))).await, "3", "the failing command ran once");
}

#[tokio::test]
async fn who_gives_up_waiting_for_a_command_leaves_it_to_the_next() {
    let dir = dir();
    let text = command(&format!("sleep 0.3; {}", counting(&dir)));
    tokio::time::timeout(LOOK, text.get()).await.expect_err("not yet");
    assert_eq!(got(&text).await, "1");
}

#[tokio::test]
async fn a_failing_command_is_told_with_its_first_words() {
    let dir = dir();
    let mut told = Vec::new();
    for script in
        ["echo hush; echo 'no lease' >&2; echo more >&2; exit 2", "exit 1", "echo; echo ' '", "printf '\\377'"]
    {
        told.push(complaint(&command(script), &dir).await);
    }
    let missing = SecretCommand { program: "no/such/program".into(), arguments: vec!["hush".into()], cache: SOON };
    let missing = Text::new(bearer(), &SecretSource::Command(missing)).expect("a source");
    told.push(complaint(&missing, &dir).await);
    told.push(complaint(&command("head -c 65537 /dev/zero | tr '\\0' x"), &dir).await);
    insta::assert_snapshot!(told.join("\n"), @r"
    engine.bearer: the command sh failed (exit status: 2): no lease
    engine.bearer: the command sh failed (exit status: 1), without a word on standard error
    engine.bearer: the command sh printed nothing
    engine.bearer: the command sh printed no UTF-8 text
    engine.bearer: the command no/such/program cannot be started: No such file or directory (os error 2)
    engine.bearer: the command sh printed more than 64 KiB
    ");
    assert_eq!(got(&command("head -c 65536 /dev/zero | tr '\\0' x")).await.len(), 65_536);
    // More than a pipe holds on standard error stops nobody.
    assert_eq!(got(&command("head -c 300000 /dev/zero >&2; echo hush")).await, "hush");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let dir = dir();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
    let text = command::CommandText::new(bearer(), shell(&script, SOON)).within(Duration::from_secs(1));
    let error = text.get().await.expect_err("killed");
    insta::assert_snapshot!(error, @"engine.bearer: the command sh did not end within 1000 ms and was killed");
    let pid = fs::read_to_string(pid).expect("it had begun");
    // Killed, and maybe not yet collected by whoever adopts it.
    let gone = || match fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    let ended = async {
        while !gone() {
            sleep(LOOK).await;
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("what it started has ended, too");
}

#[tokio::test]
async fn a_refused_text_is_had_anew_but_not_for_every_refusal() {
    let dir = dir();
    let text = command(&counting(&dir));
    assert_eq!(got(&text).await, "1");
    let used = Instant::now();
    text.refused(used).await;
    assert_eq!(got(&text).await, "2");
    text.refused(used).await;
    assert_eq!(got(&text).await, "2", "somebody else's refusal of the old one");
    text.refused(Instant::now()).await;
    assert_eq!(got(&text).await, "2", "the second refusal within a short time");
}

#[test]
fn a_secret_does_not_show_itself_and_its_place_does() {
    let secret = Secret::new("hush");
    let shown =
        format!("{secret} {secret:?} {:?} {:?}", SecretSource::Text(secret.clone()), SecretSource::Env("E".into()));
    assert_eq!(shown, "(hidden) (hidden) Text((hidden)) Env(\"E\")");
}
