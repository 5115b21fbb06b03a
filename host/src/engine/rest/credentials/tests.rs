//! What a request proves itself with, and what is told when that cannot be had.

use std::{fs, time::Duration};

use tempfile::TempDir;

use super::*;
use crate::secret::{Secret, SecretCommand};

mod login;
mod token;

/// Far more than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A pause between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(20);

fn dir() -> TempDir {
    TempDir::new().expect("a directory")
}

fn bearer(source: &SecretSource) -> Credentials {
    let text = text(SettingKey::new(["engine", "bearer"]), source).expect("a source");
    Credentials { login: Login::Bearer(text), headers: Vec::new() }
}

fn shell(script: &str, cache: Duration) -> SecretCommand {
    SecretCommand { program: "sh".into(), arguments: vec!["-c".into(), script.into()], cache }
}

#[tokio::test]
async fn a_text_that_cannot_be_had_is_told_with_what_follows() {
    let file = bearer(&SecretSource::File("no/such/file".into())).proof().await.err().expect("no text");
    insta::assert_snapshot!(file, @"engine.bearer: the file no/such/file cannot be read: No such file or directory (os error 2); put the text there, nothing is sent before");
    let command = bearer(&SecretSource::Command(shell("exit 1", SOON))).proof().await.err().expect("no text");
    insta::assert_snapshot!(command, @"engine.bearer: the command sh failed (exit status: 1), without a word on standard error; nothing is sent before it succeeds");
    let variable = text(SettingKey::new(["engine", "bearer"]), &SecretSource::Env("FETCHLOCK-IS-NOT-SET".into()));
    let variable = variable.err().expect("no text");
    insta::assert_snapshot!(variable, @"engine.bearer: the environment variable FETCHLOCK-IS-NOT-SET is not set; set it before the start, or name another one");
}

#[tokio::test]
async fn a_text_that_no_header_can_carry_is_told_without_it() {
    let dir = dir();
    let path = dir.path().join("token");
    fs::write(&path, "hush\nhush").expect("written");
    let error = bearer(&SecretSource::File(path)).proof().await.err().expect("refused").to_string();
    let error = error.replace(&format!("{}/", dir.path().display()), "");
    insta::assert_snapshot!(error, @"engine.bearer: the text from the file token cannot be sent in a header: expected one line without control characters");
}

#[test]
fn what_was_had_is_not_in_a_debug_text() {
    let value = sensitive("Bearer hush").expect("a value");
    assert!(!format!("{value:?} {:?}", Secret::new("hush")).contains("hush"));
}
