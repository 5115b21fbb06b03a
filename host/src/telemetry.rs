//! The log: one readable line for each event on a terminal, one JSON object elsewhere, always on standard error.
//!
//! Much of what is logged was written by handlers and engines. Whatever could end a line, move the cursor or reorder
//! text is escaped in both forms, so that no text from outside can pretend to be another event.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal},
    sync::LazyLock,
};

use indicatif::MultiProgress;
use jiff::Zoned;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{self, Format, Json, JsonFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    foreign::{Escaped, needs_escape},
    settings::{LogFormat, LogLevel},
};

/// The progress bars on the terminal. Lines of the log are written above them.
static PROGRESS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The progress bars on the terminal, to add one to. They are drawn on standard error, and only if that is a terminal.
pub fn progress() -> &'static MultiProgress {
    &PROGRESS
}

/// There is a log already.
#[derive(Debug, thiserror::Error)]
#[error("the log cannot be started: {0}")]
pub struct LogError(#[from] tracing_subscriber::util::TryInitError);

/// Starts the log of the whole process. To be called once.
pub fn init(format: LogFormat, level: &LogLevel) -> Result<(), LogError> {
    let terminal = io::stderr().is_terminal();
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    // https://no-color.org
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let registry = tracing_subscriber::registry().with(level.filter());
    // The layer would report a closed standard error to standard error, and panic over it.
    let layer = tracing_subscriber::fmt::layer().with_writer(AboveProgress).log_internal_errors(false);
    if human {
        registry.with(layer.with_ansi(colour).event_format(HumanLine)).try_init()?;
    } else {
        registry
            .with(layer.with_ansi(false).fmt_fields(JsonFields::new()).event_format(JsonLine::default()))
            .try_init()?;
    }
    Ok(())
}

/// Writes each event at once to standard error, above the progress bars.
#[derive(Debug, Clone, Copy)]
struct AboveProgress;

impl MakeWriter<'_> for AboveProgress {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl io::Write for AboveProgress {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The whole line under one lock, so that lines of several threads do not mix.
        PROGRESS.suspend(|| io::Write::write_all(&mut io::stderr(), line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `12:34:56  INFO message key=value`
struct HumanLine;

/// The colours of a line, as ANSI sequences; all empty without colours.
struct Colours {
    level: &'static str,
    dim: &'static str,
    plain: &'static str,
}

impl Colours {
    fn of(level: Level, wanted: bool) -> Self {
        if !wanted {
            return Self { level: "", dim: "", plain: "" };
        }
        let level = match level {
            Level::ERROR => "\x1b[31m",
            Level::WARN => "\x1b[33m",
            Level::INFO => "\x1b[32m",
            Level::DEBUG => "\x1b[34m",
            Level::TRACE => "\x1b[35m",
        };
        Self { level, dim: "\x1b[2m", plain: "\x1b[0m" }
    }
}

impl<S, N> FormatEvent<S, N> for HumanLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        let Colours { level: colour, dim, plain } = Colours::of(level, writer.has_ansi_escapes());
        let time = Zoned::now();
        write!(writer, "{dim}{}{plain} {colour}{level:>5}{plain}", time.strftime("%H:%M:%S"))?;
        let mut texts = Texts { message: String::new(), fields: String::new(), dim, plain };
        event.record(&mut texts);
        writeln!(writer, "{}{}", texts.message, texts.fields)
    }
}

/// The escaped texts of an event; the message goes first wherever it stands among the fields.
struct Texts {
    message: String,
    fields: String,
    dim: &'static str,
    plain: &'static str,
}

impl Texts {
    fn add(&mut self, field: &Field, value: String) {
        // Where a line of the `log` crate was written is no news to a person.
        if field.name().starts_with("log.") {
            return;
        }
        // A handler's line on its standard output or error has none.
        if field.name() == "fields" && value.is_empty() {
            return;
        }
        // Writing to a string cannot fail.
        let _infallible = if field.name() == "message" {
            write!(self.message, " {}", Escaped(value))
        } else {
            let (name, Self { dim, plain, .. }) = (field.name().trim_start_matches("r#"), &*self);
            let value =
                if bare(&value) { Escaped(value).to_string() } else { Escaped(format!("{value:?}")).to_string() };
            let text = format!(" {dim}{name}={plain}{value}");
            self.fields.write_str(&text)
        };
    }
}

/// Whether a value can be told from what surrounds it without quotes.
fn bare(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=' || needs_escape(c))
}

impl Visit for Texts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        // An error alone often leaves out what caused it.
        let causes = std::iter::successors(value.source(), |error| error.source());
        self.add(field, causes.fold(value.to_string(), |text, cause| format!("{text}: {cause}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

/// `{"timestamp":…,"level":…,"message":…,key:value,"target":…}`
struct JsonLine(Format<Json>);

impl Default for JsonLine {
    fn default() -> Self {
        Self(format::json().flatten_event(true).with_current_span(false).with_span_list(false))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        // JSON must escape what is below space only; a terminal also obeys other characters.
        for c in line.trim_end_matches('\n').chars() {
            match needs_escape(c) {
                true => write!(writer, "\\u{:04x}", u32::from(c))?,
                false => writer.write_char(c)?,
            }
        }
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What an event looks like, without the time.
    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
        }
    }

    fn human(colour: bool, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let layer = layer.with_ansi(colour).event_format(HumanLine);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        captured.text()
    }

    fn json(log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let layer = layer.fmt_fields(JsonFields::new()).event_format(JsonLine::default());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        captured.text()
    }

    /// Texts by which a handler might forge a line, hide one or confuse a terminal.
    const FORGERY: &str = "done\r\n00:00:00  INFO all is well\x1b[2J\u{9b}2J\u{7f}\u{2028}\u{202e}\t";

    #[test]
    fn a_person_reads_time_level_message_and_fields() {
        let line = human(false, || tracing::info!(topic = "charge card", took = ?1, %FORGED, "a plugin serves"));
        let (time, rest) = line.split_at("00:00:00".len());
        assert!(
            time.chars().enumerate().all(|(i, c)| if i % 3 == 2 { c == ':' } else { c.is_ascii_digit() }),
            "{time}"
        );
        assert_eq!(rest, "  INFO a plugin serves topic=\"charge card\" took=1 FORGED=\"a=b\"\n");
    }

    const FORGED: &str = "a=b";

    #[test]
    fn only_the_host_writes_escape_sequences() {
        let line = human(true, || tracing::warn!(guest = FORGERY, "{FORGERY}"));
        assert!(line.contains("\x1b[33m WARN\x1b[0m"), "{line:?}");
        assert!(!line.contains("\x1b[2J") && !line.contains('\u{9b}'), "{line:?}");
    }

    #[test]
    fn what_a_handler_says_stays_one_line_for_a_person() {
        let line = human(false, || tracing::info!(guest = FORGERY, debug = ?FORGERY, shown = %FORGERY, "{FORGERY}"));
        assert!(!line.trim_end_matches('\n').contains(needs_escape), "{line:?}");
        insta::assert_snapshot!(human(false, || tracing::info!("{FORGERY}"))["00:00:00".len()..].trim_end(),
            @r"  INFO done\r\n00:00:00  INFO all is well\u{1b}[2J\u{9b}2J\u{7f}\u{2028}\u{202e}\t");
    }

    #[test]
    fn what_a_handler_says_stays_one_object_in_json() {
        let line = json(|| tracing::info!(guest = FORGERY, "{FORGERY}"));
        assert!(!line.trim_end_matches('\n').contains(needs_escape), "{line:?}");
        let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((object["guest"].as_str(), object["message"].as_str()), (Some(FORGERY), Some(FORGERY)));
    }

    #[test]
    fn a_json_line_has_time_level_message_target_and_the_fields() {
        let line = json(|| {
            let _span = tracing::info_span!("noise", inner = 1).entered();
            tracing::error!(target: "fetchlock::worker", tasks = 3, "lost");
        });
        let mut object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(object["timestamp"].take().is_string(), "a timestamp is missing in {line}");
        insta::assert_snapshot!(object, @r#"{"timestamp":null,"level":"ERROR","message":"lost","tasks":3,"target":"fetchlock::worker"}"#);
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let cause = io::Error::other("disk full");
        let error = LogCause(cause);
        let line = human(false, || tracing::error!(error = &error as &dyn std::error::Error, "failed"));
        assert!(line.ends_with("failed error=\"cannot write: disk full\"\n"), "{line:?}");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write")]
    struct LogCause(#[source] io::Error);
}
