//! A PostgreSQL server of one engine: a fresh data directory, one loopback port, no other door.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, getuid, kill_process_group};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::engine_client::POLL_INTERVAL;

/// Where Debian and Ubuntu keep the programs of each version, outside of `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How long the server may take from its start to its first answer: less than a second on a quiet machine.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// The data base's user, who owns everything. The server trusts whoever reaches its loopback port.
const OWNER: &str = "engine";

/// Those under whose id the server runs if this process is root's, which it refuses. The first is Debian's.
const UNPRIVILEGED: &[&str] = &["postgres", "nobody"];

/// Its data, in its directory.
const DATA: &str = "data";

/// What it says, in its directory.
const LOG: &str = "postgresql.log";

/// Runs the server (the arguments) until standard input ends, which it does with whoever started it, and removes the
/// server's directory ($0), which nobody needs then.
const UNTIL_STDIN_ENDS: &str = r#"trap '' INT TERM; "$@" </dev/null & server=$!
(cat >/dev/null; kill -QUIT $server 2>/dev/null) <&3 3<&- &
exec 3<&-; wait $server; rm -rf -- "$0""#;

/// A running server. Dropping it kills it; it also ends when this process does, however that happens.
pub(super) struct Postgres {
    process: Child,
    port: u16,
    home: TempDir,
}

impl Postgres {
    /// Makes a data directory, and starts a server on it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start; the text shows the end of its output.
    pub(super) async fn start() -> Result<Self> {
        let programs = programs()?;
        let home = tempfile::Builder::new().prefix("postgresql-").tempdir().context("a directory for PostgreSQL")?;
        let account = Account::of_the_server()?;
        account.own(home.path())?;
        let mut initdb = account.command(&programs.join("initdb"));
        initdb
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", OWNER])
            .arg(home.path().join(DATA));
        let output = initdb.current_dir(home.path()).output().context("cannot start initdb")?;
        if !output.status.success() {
            bail!("initdb failed ({}):\n{}", output.status, crate::tail(&String::from_utf8_lossy(&output.stderr)));
        }
        let port = crate::free_loopback_address()?.port();
        let process = account.serve(&programs, home.path(), port)?;
        let mut server = Self { process, port, home };
        server.await_up(&programs).await?;
        Ok(server)
    }

    /// What an engine is started with to use it.
    pub(super) fn data_source(&self) -> [String; 3] {
        [
            format!("--spring.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres", self.port),
            format!("--spring.datasource.username={OWNER}"),
            // None is asked for.
            "--spring.datasource.password=".to_owned(),
        ]
    }

    async fn await_up(&mut self, programs: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            let mut ask = Command::new(programs.join("pg_isready"));
            ask.args(["--quiet", "--host=127.0.0.1"]).arg(format!("--port={}", self.port));
            if ask.status().context("cannot start pg_isready")?.success() {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait().context("waiting for PostgreSQL")? {
                bail!("PostgreSQL ended while it started ({status}); its log ends:\n{}", self.log_tail());
            }
            if started.elapsed() > START_DEADLINE {
                bail!("PostgreSQL did not answer within {START_DEADLINE:?}; its log ends:\n{}", self.log_tail());
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    fn log_tail(&self) -> String {
        crate::tail(&String::from_utf8_lossy(&fs::read(self.home.path().join(LOG)).unwrap_or_default()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(pid)) = (self.process.try_wait(), pid) {
            kill_process_group(pid, Signal::KILL).ok();
            drop(self.process.wait());
        }
    }
}

/// Under whose ids the server runs: none if it may be those of this process.
struct Account(Option<(u32, u32)>);

impl Account {
    /// # Errors
    /// This process is root's, and the machine has no account that the server accepts.
    fn of_the_server() -> Result<Self> {
        if !getuid().is_root() {
            return Ok(Self(None));
        }
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let ids = UNPRIVILEGED.iter().find_map(|name| ids_of(&accounts, name));
        let names = UNPRIVILEGED.join(" or ");
        ids.map(|ids| Self(Some(ids))).with_context(|| {
            format!(
                "PostgreSQL does not run as root, and there is no account {names}; make one, or run as another user"
            )
        })
    }

    fn own(&self, directory: &Path) -> Result<()> {
        let owned = self.0.map_or(Ok(()), |(user, group)| chown(directory, Some(user), Some(group)));
        owned.with_context(|| format!("cannot give {} to PostgreSQL's user", directory.display()))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    fn serve(&self, programs: &Path, home: &Path, port: u16) -> Result<Child> {
        let log_file = File::create(home.join(LOG)).context("cannot create PostgreSQL's log")?;
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
            // What a crash of this machine would lose, nobody misses.
            "fsync=off".to_owned(),
        ];
        let mut shell = self.command(Path::new("sh"));
        // The shell's own input becomes file 3, for a program in its background has an empty one.
        shell.arg("-c").arg(format!("exec 3<&0; {UNTIL_STDIN_ENDS}")).arg(home).arg(programs.join("postgres"));
        shell.arg("-D").arg(home.join(DATA));
        for setting in settings {
            shell.args(["-c", &setting]);
        }
        shell
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone().context("PostgreSQL's log")?)
            .stderr(log_file)
            .process_group(0)
            .spawn()
            .context("cannot start PostgreSQL")
    }
}

/// User and group of an account, from the lines of `/etc/passwd`.
fn ids_of(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2).map(str::parse);
    Some((ids.next()?.ok()?, ids.next()?.ok()?))
}

/// Name and version, as the server's program says it (`PostgreSQL 15.18`).
///
/// # Errors
/// It is not installed.
pub(super) fn version() -> Result<String> {
    let output =
        Command::new(programs()?.join("postgres")).arg("--version").output().context("cannot start postgres")?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = line.split_whitespace().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    number.map(|number| format!("PostgreSQL {number}")).with_context(|| format!("`postgres --version` says {line:?}"))
}

/// The directory with the programs of the newest PostgreSQL: in Debian's place, or else in `PATH`.
fn programs() -> Result<PathBuf> {
    let complete =
        |directory: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|it| directory.join(it).is_file());
    let path = env::var_os("PATH").unwrap_or_default();
    let found = debian().context("looking for PostgreSQL")?.or_else(|| env::split_paths(&path).find(complete));
    found.filter(complete).context(
        "PostgreSQL was not found: `apt install postgresql` on Debian and Ubuntu; elsewhere, have initdb in PATH",
    )
}

fn debian() -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(DEBIAN) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut versions = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let version = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        versions.extend(version.map(|version| (version, path.join("bin"))));
    }
    Ok(versions.into_iter().max().map(|(_, programs)| programs))
}

#[cfg(test)]
mod tests {
    use super::ids_of;

    #[test]
    fn the_ids_of_an_account_are_read() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\npostgres:x:105:113:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids_of(accounts, "postgres"), Some((105, 113)));
        assert_eq!(ids_of(accounts, "post"), None);
    }
}
