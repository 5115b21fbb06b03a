//! Where projects are made and built: a folder, `fetchlock` in it, and the toolchains, which are had once for all tests.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use fetchlock_harness::guests::target_dir;
use tempfile::TempDir;

/// A folder in which somebody works.
pub(crate) struct Workplace(TempDir);

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Fails with all that was said unless it ended well.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// The last line that it printed, as it is in every run.
    pub(crate) fn last_line(&self) -> String {
        let line = self.stdout.lines().last().unwrap_or_default();
        let Some((before, size)) = line.split_once(".wasm: ") else { return line.to_owned() };
        let (_, after) = size.split_once(',').expect("a size, then what follows");
        format!("{before}.wasm: SIZE,{after}")
    }
}

impl Workplace {
    pub(crate) fn new() -> Self {
        // Far from this repository, as a user's is.
        Self(TempDir::new().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    /// Replaces a text in a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.path().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(from), "{name} does not contain {from:?}");
        fs::write(path, text.replace(from, to)).expect("written");
    }

    /// `fetchlock` with these arguments, to be changed and started.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlock"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        let ours = |name: &str| name.starts_with("FETCHLOCK_") || (name.starts_with("CARGO_") && name != "CARGO_HOME");
        for (name, _) in env::vars_os().filter(|(name, _)| ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        // So that the crates are compiled once, and not for each test.
        command.env("CARGO_TARGET_DIR", kept("rust"));
        command
    }

    /// Runs `fetchlock` with these arguments.
    pub(crate) fn fetchlock<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// Makes a project of a language that can be built: as its user would, but for the packages, which are had once.
    pub(crate) fn new_project(&self, name: &str, language: &str) {
        self.fetchlock(["new", name, "--lang", language]).well();
        let project = self.path().join(name);
        match language {
            "js" | "ts" => share(&project, &kept(language), "node_modules", "package-lock.json", &[&["npm", "ci"]]),
            "python" => {
                let install = [".venv/bin/pip", "install", "--quiet", "-r", "requirements.txt"];
                let steps: [&[&str]; 2] = [&["python3", "-m", "venv", ".venv"], &install];
                share(&project, &kept(language), ".venv", "requirements.txt", &steps);
            }
            _ => {}
        }
    }

    /// A project in Rust that knows nothing of our library: the WIT, and `wit-bindgen`. Its name is this test's alone, for
    /// cargo puts components of the same name into the same place.
    pub(crate) fn raw_rust(&self, name: &str, handle: &str) {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        copy_folder(&repository.join("wit"), &self.path().join(name).join("wit")).expect("copied");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\nwit-bindgen = \"=0.61.1\"\n\n[workspace]\n"
        );
        self.write(&format!("{name}/Cargo.toml"), &manifest);
        self.write(&format!("{name}/src/lib.rs"), &format!("{RAW_RUST}{handle}"));
    }
}

/// The beginning of a handler in Rust without our library; what follows is a function `handle`.
const RAW_RUST: &str = r#"mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "handler" });
}
use bindings::fetchlock::handler::outcome;

struct Handler;
bindings::export!(Handler with_types_in bindings);

impl bindings::Guest for Handler {
    fn handle() -> Result<(), String> {
        handle()
    }
}

"#;

/// The rest of one that completes its task.
pub(crate) const COMPLETES: &str = r#"fn handle() -> Result<(), String> {
    outcome::complete(&[], &[]).map_err(|error| error.to_string())
}
"#;

/// Runs a command to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Where toolchains are kept from one run of the tests to the next.
fn kept(what: &str) -> PathBuf {
    target_dir().expect("a target directory").join("projects").join(what)
}

/// Has packages installed in a folder of their own, if `list` has changed since, and links them into a project.
fn share(project: &Path, kept: &Path, packages: &str, list: &str, install: &[&[&str]]) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    // Written behind the installation, which is then known to be whole.
    let done = kept.join("installed");
    let wanted = fs::read(project.join(list)).expect("a list of packages");
    if !fs::read(&done).is_ok_and(|installed| installed == wanted) {
        fs::remove_dir_all(kept).or_else(ignore_missing).expect("removed");
        copy_folder(project, kept).expect("copied");
        for step in install {
            let status = Command::new(step[0]).args(&step[1..]).current_dir(kept).status();
            let status = status.unwrap_or_else(|error| panic!("{} is needed for these tests: {error}", step[0]));
            assert!(status.success(), "{step:?} failed");
        }
        fs::write(done, wanted).expect("written");
    } else {
        // The guest library may have changed.
        fs::remove_dir_all(kept.join("fetchlock")).or_else(ignore_missing).expect("removed");
        copy_folder(&project.join("fetchlock"), &kept.join("fetchlock")).expect("copied");
    }
    symlink(kept.join(packages), project.join(packages)).expect("linked");
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let goal = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &goal)?;
        } else {
            fs::copy(entry.path(), goal)?;
        }
    }
    Ok(())
}
