//! Commands that come to an end, run in a directory of their own.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use fetchlock_harness::guests::{guest, target_dir};
use serde_json::Value;
use tempfile::TempDir;

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What `--json` printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// What was printed for people, without times.
    pub(crate) fn told(&self) -> String {
        without_times(&self.stdout)
    }
}

/// A text with `N ms` instead of every time.
pub(crate) fn without_times(text: &str) -> String {
    let mut told = String::new();
    for line in text.lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        for (at, word) in words.iter().enumerate() {
            let is_time = words.get(at + 1).is_some_and(|next| next.starts_with("ms"));
            let number = word.trim_start_matches('(');
            let prefix = &word[..word.len() - number.len()];
            match is_time && number.parse::<f64>().is_ok() {
                true => told.push_str(&format!("{prefix}N")),
                false => told.push_str(word),
            }
            told.push_str(if at + 1 < words.len() { " " } else { "\n" });
        }
    }
    told
}

/// Runs `fetchlock` in a directory until it ends.
pub(crate) fn fetchlock(dir: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Ended {
    let output = command(dir, arguments).output().expect("ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A call of `fetchlock` in a directory. Compiled guests are kept for all tests.
pub(crate) fn command(dir: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlock"));
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FETCHLOCK_")) {
        command.env_remove(name);
    }
    command.env("XDG_CACHE_HOME", target_dir().expect("a target directory").join("test-cache"));
    command
}

/// A directory with the probe guest and its manifest.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn with_probe(manifest: &str) -> Self {
        let place = Self(TempDir::new().expect("a directory"));
        fs::copy(guest("probe").expect("built guests"), place.path().join("probe.wasm")).expect("copied");
        place.write("probe.toml", manifest);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path().join(name), text).expect("written");
        self
    }

    /// A case of the probe.
    pub(crate) fn case(&self, name: &str, text: &str) -> &Self {
        self.write(&format!("probe.{name}.case.toml"), text)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("read")
    }

    /// Runs `fetchlock test` here.
    pub(crate) fn test(&self, arguments: &[&str]) -> Ended {
        fetchlock(self.path(), ["test"].iter().chain(arguments))
    }
}
