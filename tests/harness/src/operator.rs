//! What an operator does: `fetchlock tasks …` called to its end, and what it said.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::fetchlock::{Fetchlock, Stream};

/// How long one command may take on a busy machine, a waited-for batch of a real engine included.
const DEADLINE: Duration = Duration::from_secs(120);

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it told beside that.
    pub stderr: String,
}

impl Ended {
    /// All that it said, with its exit code, names in the place of ids and `TIME` in that of moments, each padded to
    /// the width that it had.
    pub fn told(&self, names: &[(&str, &str)]) -> String {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let stderr: String = self.stderr.lines().map(|line| format!("! {line}\n")).collect();
        normal(&format!("{}{stderr}exit {code}", self.stdout), names)
    }
}

/// Runs `fetchlock tasks` with these arguments against the engine at `url`; local times are UTC.
///
/// # Errors
/// It cannot be started, or does not end.
pub async fn tasks(binary: impl AsRef<Path>, url: &str, arguments: &[&str]) -> Result<Ended> {
    tasks_with(binary, url, &[], arguments).await
}

/// The same with environment variables, as for a login.
///
/// # Errors
/// As [`tasks`].
pub async fn tasks_with(
    binary: impl AsRef<Path>,
    url: &str,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> Result<Ended> {
    let builder = Fetchlock::builder(binary).command("tasks").only_arguments().engine(url).env("TZ", "UTC");
    let builder = variables.iter().fold(builder, |builder, (name, value)| builder.env(name, value));
    let mut process = arguments.iter().fold(builder, |builder, argument| builder.arg(argument)).start()?;
    let code = process.wait_exit(DEADLINE).await?.code();
    Ok(Ended { code, stdout: process.output(Stream::Stdout), stderr: process.output(Stream::Stderr) })
}

/// A text without what differs from run to run.
pub fn normal(text: &str, names: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (id, name) in names {
        let padded = format!("{{{name}}}");
        text = text.replace(id, &format!("{padded:width$}", width = id.len()));
    }
    for form in ["2026-11-21 10:11:12", "2026-11-21T10:11:12.345+0000"] {
        text = without_moments(&text, form);
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A text with `TIME` in the place of every moment that is written in the form of an example.
fn without_moments(text: &str, form: &str) -> String {
    let is_alike = |found: char, example: char| match example {
        '0'..='9' => found.is_ascii_digit(),
        other => found == other,
    };
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let alike = rest.get(..form.len()).is_some_and(|at| at.chars().zip(form.chars()).all(|(a, b)| is_alike(a, b)));
        if alike {
            normal.push_str(&format!("{:width$}", "TIME", width = form.len()));
            rest = &rest[form.len()..];
        } else {
            normal.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    normal
}
