//! `cargo xtask screenshot`: the picture of `fetchlock dev` for the README, taken from the real program at work.

use std::env;
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fetchlock_harness::engine_client::EngineClient;
use fetchlock_harness::guests::target_dir;
use pty_process::Command;
use vt100::Screen;

use crate::cargo::{build_workspace, root};
use crate::orders::Order;
use crate::terminal::Terminal;
use crate::{guests, picture, prerequisites, stage, terminal};

/// Where the picture is, in the repository.
const PICTURE: &str = "docs/images/demo.svg";

/// Rows of the terminal.
const ROWS: NonZeroU16 = NonZeroU16::new(32).expect("not zero");

/// Columns of the terminal: about what a README is wide.
const COLUMNS: NonZeroU16 = NonZeroU16::new(112).expect("not zero");

/// How long any step may take: compiling the plugin takes seconds, all else less.
const STEP_DEADLINE: Duration = Duration::from_secs(60);

/// The limit of the example's manifest, and the one that replaces it: then large orders are accepted.
const LIMIT: [&str; 2] = ["limit = \"10000\"", "limit = \"20000\""];

/// Builds what is needed, lets the host work for a while, and writes the picture of its terminal.
///
/// # Errors
/// Something does not build, the host does not do what the picture is to show, or the file cannot be written.
pub(crate) fn run() -> Result<()> {
    prerequisites::ensure(&[prerequisites::RUST])?;
    build_workspace()?;
    guests::build(&[guests::EXAMPLE])?;
    let runtime = tokio::runtime::Runtime::new().context("an async runtime")?;
    let screen = runtime.block_on(play())?;
    let picture = picture::svg(&screen, "fetchlock dev")?;
    let goal = root().join(PICTURE);
    fs::create_dir_all(goal.parent().unwrap_or(root())).with_context(|| format!("the directory of {PICTURE}"))?;
    fs::write(&goal, picture).with_context(|| format!("cannot write {PICTURE}"))?;
    println!("{}\n== {PICTURE} is written", terminal::text(&screen));
    Ok(())
}

/// Plays the scene: some orders, one that fails, a new version of the plugin, and more orders.
async fn play() -> Result<Screen> {
    // The program runs in it, so that no path of this machine is in the picture.
    let directory = tempfile::tempdir().context("a temporary directory")?;
    let plugins = directory.path().join("plugins");
    let manifest = plugins.join("check-payment.toml");
    copy_example(&plugins)?;
    let port = stage::free_port()?;
    let mut terminal = Terminal::start(command(directory.path(), port)?, ROWS, COLUMNS)?;
    let engine = EngineClient::new(format!("http://127.0.0.1:{port}/engine-rest"), None)?;
    terminal.await_screen(|text| text.contains("start a task of check-payment"), STEP_DEADLINE).await?;

    place(&engine, [Order::numbered(0), Order::numbered(1), Order::numbered(3)]).await?;
    terminal.await_screen(|text| counts(text) == Some([0, 2, 1, 0, 0]), STEP_DEADLINE).await?;
    place(&engine, [Order::inconsistent()]).await?;
    terminal.await_screen(|text| counts(text) == Some([0, 2, 1, 1, 1]), STEP_DEADLINE).await?;

    let settings = fs::read_to_string(&manifest).context("the example's manifest")?;
    ensure!(settings.contains(LIMIT[0]), "the example's manifest has no `{}`", LIMIT[0]);
    fs::write(&manifest, settings.replace(LIMIT[0], LIMIT[1])).context("the example's manifest")?;
    terminal.await_screen(|text| text.contains("replaces"), STEP_DEADLINE).await?;
    place(&engine, [Order::numbered(3)]).await?;
    // To its last row, so that no half drawn summary is taken.
    let wanted = |text: &str| counts(text) == Some([0, 3, 1, 1, 1]) && text.ends_with("add up to 60.00");
    let screen = terminal.await_screen(wanted, STEP_DEADLINE).await?;

    let (status, _) = terminal.interrupt(STEP_DEADLINE).await?;
    ensure!(status.success(), "fetchlock did not stop in order after Ctrl-C: {status}");
    Ok(screen)
}

/// The example as it was built, with its manifest.
fn copy_example(plugins: &Path) -> Result<()> {
    fs::create_dir(plugins).context("a directory of plugins")?;
    for name in ["check-payment.toml", "check-payment.wasm"] {
        fs::copy(root().join("plugins").join(name), plugins.join(name)).with_context(|| format!("copying {name}"))?;
    }
    Ok(())
}

/// The built host on an engine of its own, with nothing of this machine's environment but where programs are.
fn command(directory: &Path, port: u16) -> Result<Command> {
    let program = target_dir()?.join("debug").join("fetchlock");
    Ok(Command::new(program)
        .args(["dev", "--port", &port.to_string()])
        .current_dir(directory)
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("TERM", "xterm-256color"), ("TZ", "UTC")]))
}

async fn place(engine: &EngineClient, orders: impl IntoIterator<Item = Order>) -> Result<()> {
    for order in orders {
        engine.start_instance("check-payment", None, &order.variables).await?;
    }
    Ok(())
}

/// The summary's numbers for the example: running, done, BPMN errors, failed, incidents.
fn counts(text: &str) -> Option<[u64; 5]> {
    let line = text.lines().rfind(|line| line.starts_with("check-payment "))?;
    let numbers: Vec<u64> = line.split_whitespace().skip(2).map_while(|word| word.parse().ok()).collect();
    numbers.try_into().ok()
}
