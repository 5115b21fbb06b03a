//! Building `tests/engine-app` with Maven: once per product and content, outside the source tree, safely by several
//! processes.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::Product;
use crate::{java, tail};

/// How long Maven may take: 30 s with a quick network, of which most is the download of 90 MB.
const BUILD_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// How long to wait for another process that builds: its own limit, and some.
const LOCK_TIMEOUT: Duration = Duration::from_secs(11 * 60);

/// How often the lock and the running Maven are looked at. (Neither of them can be awaited together with a deadline.)
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How many hexadecimal digits of the content's hash name its directory.
const KEY_DIGITS: usize = 16;

/// A built engine.
#[derive(Debug, Clone)]
pub struct EngineBuild {
    product: Product,
    directory: PathBuf,
}

impl EngineBuild {
    /// Finds the build of a product from the present sources, or makes it. It lies under `FETCHLOCK_ENGINES_DIR`, or
    /// else in `engines` of cargo's target directory.
    ///
    /// # Errors
    /// Java or Maven is missing (told with how to install it), Maven fails (told with the end of its output), or
    /// another process has been building for eleven minutes.
    pub fn ensure(product: Product) -> Result<Self> {
        let missing = java::missing();
        if !missing.is_empty() {
            bail!("a real engine needs Java and Maven:\n  {}", missing.join("\n  "));
        }
        let root = match env::var_os("FETCHLOCK_ENGINES_DIR").filter(|set| !set.is_empty()) {
            Some(set) => PathBuf::from(set),
            None => crate::guests::target_dir()?.join("engines"),
        };
        fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
        let sources = sources()?;
        let directory = root.join(format!("{}-{}", product.profile(), key(&sources)?));
        let build = Self { product, directory };
        if !build.directory.is_dir() {
            let _lock = lock(&root.join("build.lock"))?;
            // Another process may have built it while this one waited.
            if !build.directory.is_dir() {
                build.make(&sources)?;
            }
        }
        Ok(build)
    }

    /// What `java -cp` is given.
    pub(super) fn class_path(&self) -> OsString {
        let mut path = self.directory.join("classes").into_os_string();
        path.push(":");
        path.push(self.directory.join("lib"));
        path.push("/*");
        path
    }

    /// Builds beside the directory and renames, so that what has the right name is complete.
    fn make(&self, sources: &Path) -> Result<()> {
        let partial = self.directory.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
        }
        fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        let log = self.directory.with_extension("log");
        let log_file = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        // It stays in this process's group, so that a Ctrl-C at the terminal ends it too.
        let mut maven = Command::new("mvn");
        maven
            .args(["--batch-mode", "--no-transfer-progress", "compile"])
            .args(["--activate-profiles", self.product.profile()])
            .arg(format!("-Dharness.output={}", partial.display()))
            .arg("--file")
            .arg(sources.join("pom.xml"))
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().context("Maven's log")?)
            .stderr(log_file);
        let succeeded = run(maven)?;
        if !succeeded {
            let text = fs::read_to_string(&log).unwrap_or_default();
            bail!("Maven could not build {}; its output ends:\n{}", self.product.name(), tail(&text));
        }
        fs::rename(&partial, &self.directory).with_context(|| format!("cannot rename {}", partial.display()))
    }
}

/// Runs a command to its end, or kills it at the build's; whether it succeeded.
fn run(mut command: Command) -> Result<bool> {
    let mut child = command.spawn().context("cannot start Maven")?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("waiting for Maven")? {
            return Ok(status.success());
        }
        if started.elapsed() > BUILD_TIMEOUT {
            // The script `mvn` becomes the Java machine, so this is all there is to end.
            child.kill().context("stopping Maven")?;
            child.wait().context("collecting Maven")?;
            bail!("Maven took more than {BUILD_TIMEOUT:?} and was stopped");
        }
        sleep(LOOK_INTERVAL);
    }
}

/// Takes a lock that the kernel gives back when its holder is gone, however it went.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => sleep(LOOK_INTERVAL),
            Err(error) => {
                return Err(error).with_context(|| format!("the lock {} of a build of an engine", path.display()));
            }
        }
    }
}

/// The Maven project.
fn sources() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine-app");
    path.canonicalize().with_context(|| format!("the sources of the engine, {}", path.display()))
}

/// A property of the Maven project.
///
/// # Errors
/// The project cannot be read, or has no such property.
pub(super) fn pom_property(name: &str) -> Result<String> {
    let path = sources()?.join("pom.xml");
    let pom = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let value = pom.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    value.map(|(value, _)| value.trim().to_owned()).with_context(|| format!("{} has no <{name}>", path.display()))
}

/// A hash over the project's files, names and contents.
fn key(sources: &Path) -> Result<String> {
    let mut files = vec![sources.join("pom.xml")];
    let mut directories = vec![sources.join("src")];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", directory.display()))?.path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(sources).unwrap_or(&file).as_os_str().as_encoded_bytes().to_owned();
        for part in [name, content] {
            // With its length, so that no two sets of files read the same.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits.chars().take(KEY_DIGITS).collect())
}
