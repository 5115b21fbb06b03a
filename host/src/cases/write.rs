//! Values, calls and expectations in the form of a case file: for messages that can be pasted, for diffs, for what is
//! updated and what is recorded.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use toml_edit::{Key, Value as Toml};

use super::{
    asked::{Answer, Asked},
    case::{Wanted, WantedMessage},
    expected::{Body, TextPattern, ValuePattern},
    file::{CORRELATE_ERRORS, Faulty, HTTP_ERRORS, KNOWN_TYPES, RECEIVERS, SCOPES, START_ERRORS},
};
use crate::{
    sandbox::{CorrelateError, Fault, HttpError, LoadError, LockError, RetryWish, SetError, StartError},
    settings::written::friendly,
    value::{Date, File, FileContent, Value, Variable, Variables},
    work::{Message, MessageTenant, ProcessStart, Receiver, StartCondition, Started},
};

/// A text of TOML.
pub(super) fn text(text: &str) -> String {
    Toml::from(text).to_string()
}

/// A list of texts.
pub(super) fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<toml_edit::Array>().to_string()
}

/// A key of TOML.
pub(super) fn key(name: &str) -> String {
    Key::new(name).to_string()
}

/// An inline table of entries that are written already.
pub(super) fn table(entries: &[(&str, String)]) -> String {
    if entries.is_empty() {
        return "{}".to_owned();
    }
    let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{} = {value}", key(name))).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// A duration.
pub(super) fn duration(duration: Duration) -> String {
    text(&friendly(duration))
}

/// A moment.
pub(super) fn moment(since_1970: Duration) -> String {
    let nanos = i128::try_from(since_1970.as_nanos()).unwrap_or(i128::MAX);
    jiff::Timestamp::from_nanosecond(nanos).map(|it| it.to_string()).unwrap_or_default()
}

/// A variable: its bare value where that tells the type, else a table.
pub(super) fn variable(variable: &Variable) -> String {
    if !variable.transient
        && let Some(bare) = bare(&variable.value)
    {
        return bare;
    }
    let mut entries = typed(&variable.value);
    if variable.transient {
        entries.push(("transient", "true".to_owned()));
    }
    table(&entries)
}

/// A value that needs no table.
fn bare(value: &Value) -> Option<String> {
    match value {
        Value::Boolean(it) => Some(it.to_string()),
        Value::Integer(it) => Some(it.to_string()),
        Value::Long(it) if i32::try_from(*it).is_err() => Some(it.to_string()),
        Value::Double(it) => Some(double(*it)),
        Value::String(it) => Some(text(it)),
        Value::Date(it) => date(*it),
        _ => None,
    }
}

/// A number that TOML takes for a fraction, with all its digits.
fn double(number: f64) -> String {
    format!("{number:?}")
}

/// A date as TOML has it, if it has it: the years from 0001 to 9999.
fn date(date: Date) -> Option<String> {
    let text = date.to_string();
    let (local, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (hours, minutes) = offset.split_at_checked(3)?;
    let is_plain = text.find('-') == Some(4) && date.offset_minutes().unsigned_abs() < 24 * 60;
    let written = if offset == "+0000" { format!("{local}Z") } else { format!("{local}{hours}:{minutes}") };
    // The last moments of the year 9999 lie beyond what jiff reads.
    (is_plain && written.parse::<jiff::Timestamp>().is_ok()).then_some(written)
}

fn typed(value: &Value) -> Vec<(&'static str, String)> {
    let mut entries = Vec::new();
    let mut add = |key, value| entries.push((key, value));
    match value {
        Value::Null(of) => {
            add("type", text("Null"));
            if let Some(of) = of {
                add("of", text(of));
            }
        }
        Value::Bytes(bytes) => {
            add("type", text("Bytes"));
            let (key, content) = content(bytes);
            add(key, content);
        }
        Value::File(file) => {
            add("type", text("File"));
            file_entries(file, &mut add);
        }
        Value::Object(it) => {
            add("type", text("Object"));
            add("type-name", text(&it.type_name));
            add("format", text(&it.format));
            add("value", text(&it.text));
        }
        Value::Other(it) => {
            add("type", text(&it.type_name));
            let key = if KNOWN_TYPES.contains(&it.type_name.as_str()) { "raw" } else { "value" };
            add(key, text(&it.value));
            if !it.value_info.trim().is_empty() {
                add("value-info", text(&it.value_info));
            }
        }
        value => {
            add("type", text(value.type_name()));
            add(
                "value",
                match value {
                    Value::Boolean(it) => it.to_string(),
                    Value::Short(it) => it.to_string(),
                    Value::Integer(it) => it.to_string(),
                    Value::Long(it) => it.to_string(),
                    Value::Double(it) => double(*it),
                    Value::Date(it) => date(*it).unwrap_or_else(|| text(&it.to_string())),
                    Value::String(it) | Value::Json(it) | Value::Xml(it) => text(it),
                    _ => String::new(),
                },
            );
        }
    }
    entries
}

fn file_entries(file: &File, add: &mut impl FnMut(&'static str, String)) {
    let File { filename, mime_type, encoding, content: bytes } = file;
    add("filename", text(filename));
    if let Some(mime_type) = mime_type {
        add("mime-type", text(mime_type));
    }
    if let Some(encoding) = encoding {
        add("encoding", text(encoding));
    }
    match bytes {
        FileContent::Bytes(bytes) => {
            let (key, content) = content(bytes);
            add(key, content);
        }
        FileContent::Stored(name) if name.is_empty() => {}
        FileContent::Stored(name) => add("content-of", text(name)),
    }
}

/// Bytes, as a text if they are one.
pub(super) fn content(bytes: &[u8]) -> (&'static str, String) {
    let readable = |it: &&str| !it.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
    match std::str::from_utf8(bytes).ok().filter(readable) {
        Some(it) => ("text", text(it)),
        None => ("base64", text(&STANDARD.encode(bytes))),
    }
}

/// Variables as an inline table.
pub(super) fn variables(variables: &Variables) -> String {
    let entries: Vec<(&str, String)> = variables.iter().map(|(name, it)| (name.as_str(), variable(it))).collect();
    table(&entries)
}

/// A pattern of a text.
pub(super) fn text_pattern(pattern: &TextPattern) -> String {
    match pattern {
        TextPattern::Exact(exact) => text(exact),
        TextPattern::Contains(part) => table(&[("contains", text(part))]),
        TextPattern::Matches(regex) => table(&[("matches", text(regex.as_str()))]),
    }
}

/// A pattern of a value.
pub(super) fn pattern(pattern: &ValuePattern) -> String {
    match pattern {
        ValuePattern::Any => table(&[("any", "true".to_owned())]),
        ValuePattern::Exact(exact) => variable(exact),
        ValuePattern::Text(it) => text_pattern(it),
    }
}

fn patterns(wanted: &BTreeMap<String, ValuePattern>) -> String {
    let entries: Vec<(&str, String)> = wanted.iter().map(|(name, it)| (name.as_str(), pattern(it))).collect();
    table(&entries)
}

/// What a handler wants to happen after its failure.
pub(super) fn retry(wish: RetryWish) -> String {
    match wish {
        RetryWish::Policy => text("policy"),
        RetryWish::Never => text("never"),
        RetryWish::SystemDown => text("system-down"),
        RetryWish::Exactly { retries, after } => table(&[("left", retries.to_string()), ("delay", duration(after))]),
    }
}

/// The lines of a `[[calls]]` that say what was asked.
pub(super) fn asked(asked: &Asked) -> Vec<String> {
    let mut lines = Lines::default();
    match asked {
        Asked::Http(request) => {
            lines.add("http", text(&format!("{} {}", request.method(), request.uri())));
            if !request.body().is_empty() {
                match content(request.body()) {
                    ("text", body) => lines.add("request.body", body),
                    (key, body) => lines.add(&format!("request.{key}"), body),
                }
            }
        }
        Asked::StartProcess(start, condition) => {
            let ProcessStart { key, tenant_id, business_key, variables: brought } = start;
            lines.add("start-process", text(key));
            lines.optional("tenant-id", tenant_id);
            lines.optional("business-key", business_key);
            lines.add("variables", variables(brought));
            if *condition == StartCondition::UnlessRunning {
                lines.add("unless-running", "true".to_owned());
            }
        }
        Asked::CorrelateMessage(message) => message_lines(&mut lines, message),
        Asked::ExtendLock(until) => lines.add("extend-lock", duration(*until)),
        Asked::SetProgress(scope, set) => {
            lines.add("set-progress", variables(set));
            lines.choice("scope", *scope, &SCOPES);
        }
        Asked::Load(name) => lines.add("load", text(name)),
    }
    lines.0
}

/// The same beside what was wanted: as far as something is wanted of it, and of an HTTP request the headers, too.
pub(super) fn asked_beside(asked: &Asked, wanted: &Wanted) -> Vec<String> {
    let mut lines = self::asked(asked);
    if let (Asked::Http(request), Wanted::Http { headers, body, .. }) = (asked, wanted) {
        if body.is_none() {
            lines.retain(|line| !key_of(line).starts_with("request."));
        }
        let found = |name: &str| {
            let values = request.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            values.collect::<Vec<_>>().join(", ")
        };
        let sent = headers.keys().filter(|name| request.headers().contains_key(name.as_str()));
        let sent: Vec<(&str, String)> = sent.map(|name| (name.as_str(), text(&found(name)))).collect();
        if !sent.is_empty() {
            lines.insert(1, format!("request.headers = {}", table(&sent)));
        }
        return lines;
    }
    let wanted = self::wanted(wanted);
    lines.retain(|line| wanted.iter().any(|it| key_of(it) == key_of(line)));
    lines
}

fn key_of(line: &str) -> &str {
    line.split_once(" = ").map_or(line, |(key, _)| key)
}

fn message_lines(lines: &mut Lines, message: &Message) {
    lines.add("correlate-message", text(&message.name));
    lines.optional("business-key", &message.business_key);
    lines.optional("process-instance-id", &message.process_instance_id);
    match &message.tenant {
        MessageTenant::Any => {}
        MessageTenant::Without => lines.add("without-tenant", "true".to_owned()),
        MessageTenant::Id(id) => lines.add("tenant-id", text(id)),
    }
    lines.choice("to", message.receivers, &RECEIVERS);
    for (key, set) in [
        ("correlation-keys", &message.correlation_keys),
        ("local-correlation-keys", &message.local_correlation_keys),
        ("variables", &message.variables),
        ("local-variables", &message.local_variables),
    ] {
        if !set.is_empty() {
            lines.add(key, variables(set));
        }
    }
}

/// The lines of a `[[calls]]` that say what is wanted.
pub(super) fn wanted(wanted: &Wanted) -> Vec<String> {
    let mut lines = Lines::default();
    match wanted {
        Wanted::Http { method, url, headers, body } => {
            lines.add("http", text(&format!("{method} {url}")));
            if !headers.is_empty() {
                let entries: Vec<(&str, String)> = headers.iter().map(|(name, it)| (name.as_str(), text(it))).collect();
                lines.add("request.headers", table(&entries));
            }
            match body {
                None => {}
                Some(Body::Bytes(bytes)) => lines.add("request.base64", text(&STANDARD.encode(bytes))),
                Some(Body::Json(json)) => lines.add("request.json", text(&json.to_string())),
                Some(Body::Text(it)) => lines.add("request.body", text_pattern(it)),
            }
        }
        Wanted::StartProcess { key, tenant_id, business_key, variables, condition } => {
            lines.add("start-process", text(key));
            lines.optional("tenant-id", tenant_id);
            lines.optional("business-key", business_key);
            lines.patterns("variables", variables);
            if let Some(condition) = condition {
                lines.add("unless-running", (*condition == StartCondition::UnlessRunning).to_string());
            }
        }
        Wanted::CorrelateMessage(message) => wanted_message(&mut lines, message),
        Wanted::ExtendLock(until) => lines.add("extend-lock", duration(*until)),
        Wanted::SetProgress(scope, set) => {
            lines.add("set-progress", patterns(set));
            if let Some(scope) = scope {
                lines.choice("scope", *scope, &SCOPES);
            }
        }
        Wanted::Load(name) => lines.add("load", text(name)),
    }
    lines.0
}

fn wanted_message(lines: &mut Lines, message: &WantedMessage) {
    lines.add("correlate-message", text(&message.name));
    lines.optional("business-key", &message.business_key);
    lines.optional("process-instance-id", &message.process_instance_id);
    match &message.tenant {
        None | Some(MessageTenant::Any) => {}
        Some(MessageTenant::Without) => lines.add("without-tenant", "true".to_owned()),
        Some(MessageTenant::Id(id)) => lines.add("tenant-id", text(id)),
    }
    if let Some(receivers) = message.receivers {
        lines.choice("to", receivers, &RECEIVERS);
    }
    lines.patterns("correlation-keys", &message.correlation_keys);
    lines.patterns("local-correlation-keys", &message.local_correlation_keys);
    lines.patterns("variables", &message.variables);
    lines.patterns("local-variables", &message.local_variables);
}

/// The lines of a `[[calls]]` that give the answer.
pub(super) fn answer(answer: &Answer) -> Vec<String> {
    let mut lines = Lines::default();
    match answer {
        Answer::Http(Ok(response)) => response_lines(&mut lines, response),
        Answer::Http(Err(error)) => {
            let (kind, why) = http_error(error);
            lines.error(kind, why);
        }
        Answer::Started(Ok(Started::New(id))) => lines.add("started", text(id)),
        Answer::Started(Ok(Started::Running(id))) => lines.add("running", text(id)),
        Answer::Started(Err(error)) => {
            let (kind, why) = start_error(error);
            lines.error(kind, why);
        }
        Answer::Received(Ok(receivers)) => {
            let written = receivers.iter().map(|receiver| match receiver {
                Receiver::Waiting(id) => table(&[("waiting", text(id))]),
                Receiver::Started(id) => table(&[("started", text(id))]),
            });
            lines.add("receivers", format!("[{}]", written.collect::<Vec<_>>().join(", ")));
        }
        Answer::Received(Err(error)) => {
            let (kind, why) = correlate_error(error);
            lines.error(kind, why);
        }
        Answer::Extended(Ok(())) | Answer::Set(Ok(())) => {}
        Answer::Extended(Err(LockError::Lost)) => lines.add("error", text("lost")),
        Answer::Extended(Err(LockError::Invalid(why))) | Answer::Set(Err(SetError::Invalid(why))) => {
            lines.error("invalid", why);
        }
        Answer::Extended(Err(LockError::Unavailable(why)))
        | Answer::Set(Err(SetError::Unavailable(why)))
        | Answer::Loaded(Err(LoadError::Unavailable(why))) => lines.error("unavailable", why),
        Answer::Set(Err(SetError::Gone)) => lines.add("error", text("gone")),
        Answer::Loaded(Ok(bytes)) => {
            let (key, content) = content(bytes);
            lines.add(key, content);
        }
        Answer::Loaded(Err(LoadError::Unknown | LoadError::NotAFile)) => lines.add("error", text("unknown")),
        Answer::Loaded(Err(LoadError::TooLarge(limit))) => {
            lines.error("unavailable", &format!("it is larger than {limit} bytes"));
        }
    }
    lines.0
}

fn response_lines(lines: &mut Lines, response: &http::Response<Bytes>) {
    lines.add("status", response.status().as_u16().to_string());
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = match headers.get(name.as_str()) {
            Some(before) => format!("{before}, {value}"),
            None => value.into_owned(),
        };
        headers.insert(name.as_str(), joined);
    }
    if !headers.is_empty() {
        let entries: Vec<(&str, String)> = headers.iter().map(|(name, it)| (*name, text(it))).collect();
        lines.add("headers", table(&entries));
    }
    if !response.body().is_empty() {
        match content(response.body()) {
            ("text", body) => lines.add("body", body),
            (key, body) => lines.add(key, body),
        }
    }
}

/// The kind of an error in case files, and its text.
fn http_error(error: &HttpError) -> (&'static str, &str) {
    let why = match error {
        HttpError::Denied(why)
        | HttpError::Unresolved(why)
        | HttpError::Refused(why)
        | HttpError::Tls(why)
        | HttpError::Timeout(why)
        | HttpError::TooLarge(why)
        | HttpError::Protocol(why) => why,
    };
    (named(&HTTP_ERRORS, why, error), why)
}

fn start_error(error: &StartError) -> (&'static str, &str) {
    let why = match error {
        StartError::Denied(why) | StartError::Invalid(why) | StartError::NoSuchProcess(why) => why,
        StartError::Fault(fault) => fault_text(fault),
    };
    (named(&START_ERRORS, why, error), why)
}

fn correlate_error(error: &CorrelateError) -> (&'static str, &str) {
    let why = match error {
        CorrelateError::Denied(why)
        | CorrelateError::Invalid(why)
        | CorrelateError::NoMatch(why)
        | CorrelateError::Ambiguous(why) => why,
        CorrelateError::Fault(fault) => fault_text(fault),
    };
    (named(&CORRELATE_ERRORS, why, error), why)
}

fn fault_text(fault: &Fault) -> &str {
    match fault {
        Fault::Rejected(why) | Fault::Unavailable(why) | Fault::Unanswered(why) => why,
    }
}

/// The name by which case files make this error.
fn named<E: PartialEq>(errors: &[(Faulty<E>, &'static str)], why: &str, error: &E) -> &'static str {
    errors.iter().find(|(make, _)| make(why.to_owned()) == *error).map_or("unavailable", |(_, name)| name)
}

/// Lines of a table.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, key: &str, value: String) {
        self.0.push(format!("{key} = {value}"));
    }

    fn optional(&mut self, key: &str, value: &Option<String>) {
        if let Some(value) = value {
            self.add(key, text(value));
        }
    }

    fn patterns(&mut self, key: &str, wanted: &Option<BTreeMap<String, ValuePattern>>) {
        if let Some(wanted) = wanted {
            self.add(key, patterns(wanted));
        }
    }

    fn choice<T: PartialEq>(&mut self, key: &str, value: T, choices: &[(T, &'static str)]) {
        if let Some((_, name)) = choices.iter().find(|(choice, _)| *choice == value) {
            self.add(key, text(name));
        }
    }

    fn error(&mut self, kind: &str, why: &str) {
        self.add("error", table(&[("kind", text(kind)), ("text", text(why))]));
    }
}
