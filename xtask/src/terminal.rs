//! A pseudo terminal of a fixed size with one program in it, and what a person would see there.

use std::io;
use std::num::NonZeroU16;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pty_process::{Command, OwnedReadPty, OwnedWritePty, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;
use vt100::{Parser, Screen};

/// What Ctrl-C sends.
const CTRL_C: u8 = 3;

/// How much is read at once. What is redrawn together mostly comes together.
const READ_SIZE: usize = 16 << 10;

/// A program on a terminal of its own. It is killed if this is dropped before it has ended.
pub(crate) struct Terminal {
    child: Child,
    keyboard: OwnedWritePty,
    screen: watch::Receiver<Screen>,
}

impl Terminal {
    /// Starts a program on a new terminal of this many rows and columns.
    ///
    /// # Errors
    /// There is no pseudo terminal, or the program cannot be started.
    pub(crate) fn start(command: Command, rows: NonZeroU16, columns: NonZeroU16) -> Result<Self> {
        let (pty, program_side) = pty_process::open().context("no pseudo terminal")?;
        pty.resize(Size::new(rows.get(), columns.get())).context("the size of the terminal")?;
        let child = command.kill_on_drop(true).spawn(program_side).context("cannot start the program")?;
        let (output, keyboard) = pty.into_split();
        let parser = Parser::new(rows, columns, 0);
        let (changes, screen) = watch::channel(parser.screen().clone());
        tokio::spawn(follow(output, parser, changes));
        Ok(Self { child, keyboard, screen })
    }

    /// Waits until the text on the screen is as wanted; that screen.
    ///
    /// # Errors
    /// Not within `deadline`, or the program ended before; the text shows the screen.
    pub(crate) async fn await_screen(&mut self, wanted: impl Fn(&str) -> bool, deadline: Duration) -> Result<Screen> {
        let found = timeout(deadline, self.screen.wait_for(|screen| wanted(&text(screen)))).await;
        let why = match found.map(|found| found.map(|screen| screen.clone())) {
            Ok(Ok(screen)) => return Ok(screen),
            Ok(Err(_)) => "the program ended".to_owned(),
            Err(_) => format!("not within {deadline:?}"),
        };
        bail!("the screen is not as awaited ({why}):\n{}", text(&self.screen.borrow()))
    }

    /// Presses Ctrl-C and waits for the end; what is left on the screen then.
    ///
    /// # Errors
    /// The program does not end within `deadline`, or cannot be waited for.
    pub(crate) async fn interrupt(mut self, deadline: Duration) -> Result<(ExitStatus, Screen)> {
        self.keyboard.write_all(&[CTRL_C]).await.context("pressing Ctrl-C")?;
        let Ok(status) = timeout(deadline, self.child.wait()).await else {
            bail!("no end within {deadline:?} after Ctrl-C:\n{}", text(&self.screen.borrow()));
        };
        let status = status.context("waiting for the program")?;
        // The follower lets go of its sender when it has read everything.
        while self.screen.changed().await.is_ok() {}
        let screen = self.screen.borrow().clone();
        Ok((status, screen))
    }
}

/// The rows of a screen as they are seen, where the screen's own `contents` puts wrapped lines together again.
pub(crate) fn text(screen: &Screen) -> String {
    let (_, columns) = screen.size();
    let rows: Vec<String> = screen.rows(0, columns.get()).collect();
    rows.join("\n").trim_end().to_owned()
}

/// Keeps the screen as the program's output says, to the end of that.
async fn follow(mut output: OwnedReadPty, mut parser: Parser, changes: watch::Sender<Screen>) {
    let mut bytes = vec![0; READ_SIZE];
    loop {
        match output.read(&mut bytes).await {
            Ok(0) => return,
            Ok(count) => {
                parser.process(&bytes[..count]);
                changes.send_replace(parser.screen().clone());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Linux answers EIO when nobody has the other side open any more.
            Err(_) => return,
        }
    }
}
