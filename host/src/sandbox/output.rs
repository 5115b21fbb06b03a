//! What a guest says: its log lines, standard output and standard error, bounded and escaped, with the names of its
//! task. A guest can neither forge a line nor flood the log.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::{conceal::Revealed, limits::Limits};
use crate::{foreign::escape, grant::HttpTarget, secret::Secret, task::Task};

/// The longest line of standard output; longer ones are broken.
const MAX_LINE: usize = 4 << 10;

/// How much of the last standard error is kept for the failure's details: a panic message and some context.
const STDERR_TAIL_LINES: usize = 20;

/// What a stream takes at a time.
const PERMIT: usize = 64 << 10;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What somebody should look at.
    Warn,
    /// What went wrong.
    Error,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The interface `log`.
    Log,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line as the guest gave it, not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// Where it came from.
    pub source: Source,
    /// What it says, but for secrets.
    pub message: String,
    /// Its fields, by name.
    pub fields: Vec<(String, String)>,
}

/// Lines that are kept instead of being logged.
pub type Captured = Arc<Mutex<Vec<Line>>>;

/// Where the lines of an invocation go, within its limits.
#[derive(Debug, Clone, Default)]
pub enum OutputTo {
    /// To the log of the host, as far as its level lets them through.
    #[default]
    Log,
    /// All of them to whoever holds the other end.
    Captured(Captured),
}

/// What a filter of the log calls the lines of guests.
const TARGET: &str = "fetchlock::guest";

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Whether anybody wants lines of this level.
    fn is_logged(self) -> bool {
        match self {
            Self::Trace => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
            Self::Debug => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
            Self::Info => tracing::enabled!(target: TARGET, tracing::Level::INFO),
            Self::Warn => tracing::enabled!(target: TARGET, tracing::Level::WARN),
            Self::Error => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
        }
    }
}

impl Source {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// The names that every line of an invocation carries.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) task: Arc<Task>,
    pub(crate) version: Arc<str>,
}

/// The output of an instance, for one task at a time.
#[derive(Debug, Clone)]
pub(crate) struct GuestOutput(Arc<Mutex<Budget>>);

#[derive(Debug)]
struct Budget {
    origin: Origin,
    to: OutputTo,
    lines_left: usize,
    bytes_left: usize,
    dropped: u64,
    stderr_tail: VecDeque<String>,
    revealed: Revealed,
    /// The lines that are not ended yet.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl GuestOutput {
    pub(crate) fn new(origin: Origin, limits: &Limits, to: OutputTo) -> Self {
        Self(Arc::new(Mutex::new(Budget::new(origin, limits, to))))
    }

    /// Goes on as the output of another task, with all that one may say. What the guest has read of secrets before, it
    /// may still hold.
    pub(crate) fn begin(&self, origin: Origin, limits: &Limits, to: OutputTo) {
        let mut budget = self.budget();
        let revealed = std::mem::take(&mut budget.revealed);
        *budget = Budget { revealed, ..Budget::new(origin, limits, to) };
    }

    /// Puts these names to all that is said from now on.
    pub(crate) fn name(&self, origin: Origin) {
        self.budget().origin = origin;
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        // A panic while writing a log line leaves the counters usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a secret that the guest is given, so that it is blotted out of all that comes after.
    pub(crate) fn reveal(&self, secret: &Secret) {
        self.budget().revealed.add(secret);
    }

    /// A text of the guest without the secrets that it was given.
    pub(crate) fn conceal(&self, text: &str) -> String {
        self.budget().revealed.conceal(text).into_owned()
    }

    /// Writes a log line of the guest.
    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let mut budget = self.budget();
        if matches!(budget.to, OutputTo::Log) && !level.is_logged() {
            // Counted all the same, so that the limits do not depend on the level of the log.
            let size = message.len() + fields.iter().map(|(name, value)| name.len() + value.len() + 1).sum::<usize>();
            budget.take(size);
            return;
        }
        let concealed = |text: &str| budget.revealed.conceal(text).into_owned();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (concealed(name), concealed(value))).collect();
        let message = concealed(message);
        budget.line(level, Source::Log, &message, &fields);
    }

    /// Warns the operator, with the names of the task.
    pub(crate) fn warn(&self, text: &str) {
        let Origin { task, version } = &self.budget().origin;
        tracing::warn!(topic = task.topic.as_str(), task = task.id.as_str(), version = &**version, "{text}");
    }

    /// Tells of an exchange over HTTP that has succeeded.
    pub(crate) fn note_exchange(&self, target: &HttpTarget, status: StatusCode, bytes: usize, time: Duration) {
        let budget = self.budget();
        let Origin { task, version } = &budget.origin;
        let (topic, task, version) = (task.topic.as_str(), task.id.as_str(), &**version);
        let ms = time.as_millis() as u64;
        tracing::debug!(topic, task, version, %target, status = status.as_u16(), bytes, ms, "HTTP exchange");
    }

    /// A stream for standard output or standard error.
    pub(crate) fn stream(&self, name: StreamName) -> GuestStream {
        GuestStream { output: self.clone(), name }
    }

    /// Writes the lines that were never ended; the last lines of standard error, and how many lines were dropped.
    pub(crate) fn finish(&self) -> (String, u64) {
        let mut budget = self.budget();
        for name in [StreamName::Stdout, StreamName::Stderr] {
            let line = std::mem::take(budget.unended(name));
            if !line.is_empty() {
                budget.end_line(name, &line);
            }
        }
        let tail = budget.stderr_tail.iter().cloned().collect::<Vec<_>>().join("\n");
        if budget.dropped > 0 && matches!(budget.to, OutputTo::Log) {
            let Origin { task, version } = &budget.origin;
            tracing::warn!(
                topic = task.topic.as_str(),
                task = task.id.as_str(),
                version = &**version,
                dropped = budget.dropped,
                "the handler wrote more than limits.log-lines or limits.log-bytes allow; the rest was dropped"
            );
        }
        (tail, budget.dropped)
    }
}

impl Budget {
    fn new(origin: Origin, limits: &Limits, to: OutputTo) -> Self {
        Self {
            origin,
            to,
            lines_left: limits.log_lines,
            bytes_left: limits.log_bytes,
            dropped: 0,
            stderr_tail: VecDeque::new(),
            revealed: Revealed::default(),
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Takes one line of so many bytes out of the budget, or counts it as dropped.
    fn take(&mut self, size: usize) -> bool {
        let fits = self.lines_left > 0 && self.bytes_left >= size;
        if fits {
            self.lines_left -= 1;
            self.bytes_left -= size;
        } else {
            self.dropped += 1;
        }
        fits
    }

    fn unended(&mut self, name: StreamName) -> &mut Vec<u8> {
        match name {
            StreamName::Stdout => &mut self.stdout,
            StreamName::Stderr => &mut self.stderr,
        }
    }

    /// Takes what the guest wrote to a stream, and writes the lines that it ended.
    fn write(&mut self, name: StreamName, bytes: &[u8]) {
        let mut line = std::mem::take(self.unended(name));
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line(name, &line);
                line.clear();
            } else if line.len() >= MAX_LINE
                && let Some(end) = self.revealed.break_before(&line)
            {
                self.end_line(name, &line[..end]);
                line.drain(..end);
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
        *self.unended(name) = line;
    }

    fn end_line(&mut self, name: StreamName, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = self.revealed.conceal(&text).into_owned();
        match name {
            StreamName::Stdout => self.line(Level::Info, Source::Stdout, &text, &[]),
            StreamName::Stderr => {
                self.line(Level::Warn, Source::Stderr, &text, &[]);
                if self.stderr_tail.len() == STDERR_TAIL_LINES {
                    self.stderr_tail.pop_front();
                }
                self.stderr_tail.push_back(escape(&text));
            }
        }
    }

    fn line(&mut self, level: Level, source: Source, message: &str, fields: &[(String, String)]) {
        let (shown, shown_fields) = (escape(message), shown(fields));
        if !self.take(shown.len() + shown_fields.len()) {
            return;
        }
        match &self.to {
            OutputTo::Log => emit(&self.origin, level, source.name(), &shown, &shown_fields),
            OutputTo::Captured(lines) => {
                let line = Line { level, source, message: message.to_owned(), fields: fields.to_vec() };
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }
    }
}

/// The fields of a line, escaped.
fn shown(fields: &[(String, String)]) -> String {
    let mut shown = String::new();
    for (name, value) in fields {
        let gap = if shown.is_empty() { "" } else { " " };
        shown.extend([gap, &escape(name), "=", &escape(value)]);
    }
    shown
}

/// Writes a line to the log of the host.
fn emit(origin: &Origin, level: Level, stream: &'static str, message: &str, fields: &str) {
    let Origin { task, version } = origin;
    let (topic, task, version) = (task.topic.as_str(), task.id.as_str(), &**version);
    macro_rules! emit {
        ($level:ident) => {
            tracing::event!(target: TARGET, tracing::Level::$level, topic, task, version, stream, fields, "{message}")
        };
    }
    match level {
        Level::Trace => emit!(TRACE),
        Level::Debug => emit!(DEBUG),
        Level::Info => emit!(INFO),
        Level::Warn => emit!(WARN),
        Level::Error => emit!(ERROR),
    }
}

/// Which stream a guest writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

/// Standard output or standard error of a guest, broken into lines.
#[derive(Debug, Clone)]
pub(crate) struct GuestStream {
    output: GuestOutput,
    name: StreamName,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.budget().write(self.name, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.output.budget().write(self.name, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{limits::test_limits, secrets::Secrets, trial},
        *,
    };
    use crate::task::Topic;

    fn output(limits: &Limits) -> GuestOutput {
        let task = trial::assignment(&Topic::new("t"), "v", limits, Arc::default(), Secrets::none()).task;
        let origin = Origin { task, version: "v".into() };
        GuestOutput::new(origin, limits, OutputTo::Log)
    }

    #[test]
    fn lines_within_the_limit_are_obeyed_and_beyond_it_dropped_and_counted() {
        let output = output(&Limits { log_lines: 2, ..test_limits() });
        for _ in 0..5 {
            output.log(Level::Info, "line", &[]);
        }
        assert_eq!(output.finish().1, 3);
    }

    #[test]
    fn the_last_standard_error_is_kept_even_when_its_line_was_never_ended() {
        let output = output(&test_limits());
        let mut stream = output.stream(StreamName::Stderr);
        stream.write(Bytes::from_static(b"panicked at\nsrc/")).expect("written");
        stream.write(Bytes::from_static(b"lib.rs")).expect("written");
        drop(stream);
        assert_eq!(output.finish().0, "panicked at\nsrc/lib.rs");
    }

    #[test]
    fn a_secret_is_blotted_out_even_where_a_line_is_broken() {
        let output = output(&test_limits());
        output.reveal(&Secret::new("hush-hush"));
        let mut stream = output.stream(StreamName::Stderr);
        stream.write(vec![b'x'; MAX_LINE - 4].into()).expect("written");
        stream.write(Bytes::from_static(b"hush-hush and more hush-hush")).expect("written");
        drop(stream);
        let (tail, _) = output.finish();
        assert!(!tail.contains("hush") && tail.ends_with("(hidden) and more (hidden)"), "{tail}");
    }

    #[test]
    fn a_line_without_an_end_is_broken() {
        let output = output(&test_limits());
        let mut stream = output.stream(StreamName::Stderr);
        stream.write(vec![b'x'; 3 * MAX_LINE].into()).expect("written");
        drop(stream);
        assert_eq!(output.finish().0.lines().count(), 3);
    }
}
