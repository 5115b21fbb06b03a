//! Commands that go on until they are interrupted: what they say, and how they end.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{scene::SOON, workplace::Workplace};

/// How long a line may take to come: the first build of all compiles the crates that handlers need, beside other tests.
const BUILT: Duration = Duration::from_secs(180);

/// A command that runs, and the lines that it prints.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    // The test may have seen enough.
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Self { child, lines }
    }

    /// Waits for a line with this text.
    pub(crate) fn await_line(&self, part: &str) {
        let (deadline, mut seen) = (Instant::now() + BUILT, String::new());
        let why = loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(part) => return,
                Ok(line) => seen += &(line + "\n"),
                Err(why) => break why,
            }
        };
        panic!("no line with {part:?} came ({why}): {seen}");
    }

    /// How it ends after a signal.
    pub(crate) fn end(mut self, signal: Signal) -> Option<i32> {
        let process = Pid::from_child(&self.child);
        kill_process(process, signal).expect("it runs");
        self.child.wait().expect("ended").code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended, and then there is nobody to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Makes a mistake in a Rust project that is watched, and mends it: the first is told, and `made` comes after the second.
pub(crate) fn a_mistake_is_told_and_mended(
    workplace: &Workplace,
    watching: &Watching,
    project: &str,
    waiting: &str,
    made: &str,
) {
    let source = format!("{project}/src/lib.rs");
    watching.await_line(made);
    watching.await_line(waiting);
    workplace.edit(&source, "outcome::complete(", "outcome::compleat(");
    watching.await_line("cannot find function `compleat`");
    watching.await_line(waiting);
    workplace.edit(&source, "outcome::compleat(", "outcome::complete(");
    watching.await_line(made);
}

/// Looks until something is there.
pub(crate) fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        match look() {
            Some(found) => return found,
            None => assert!(Instant::now() < deadline, "it did not come"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}
