//! The report as JSON. Its keys are described in `docs/testing-handlers.md` and stay as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};

use super::{Report, Told};
use crate::{
    cases::{
        asked::Made,
        json::of_lines,
        observed::{Observed, Seen},
        write,
    },
    sandbox::{Line, RetryWish},
    value::{FileContent, Value, Variable, Variables},
};

pub(super) fn write(report: &Report) -> Json {
    json!({
        "passed": report.passed(),
        "failed": report.cases.len() - report.passed(),
        "cases": report.cases.iter().map(one).collect::<Vec<_>>(),
        "problems": report.problems,
    })
}

fn one(case: &Told) -> Json {
    let mut told = json!({
        "name": case.name,
        "file": case.file.to_string_lossy(),
        "plugin": case.plugin,
        "description": case.description,
        "passed": case.passed(),
        "millis": case.took.as_millis() as u64,
        "problems": case.problems(),
        "diff": case.diff(),
    });
    let observed = case.observed().map(observed).unwrap_or_default();
    if let Json::Object(told) = &mut told {
        told.extend(observed);
    }
    told
}

fn observed(observed: &Observed) -> Map<String, Json> {
    let mut told = seen(&observed.seen);
    let afterwards = observed.afterwards.iter().map(|it| it.what.name()).collect::<Vec<_>>();
    told.insert("after-decision".into(), json!(afterwards));
    told.insert("calls".into(), calls(&observed.calls));
    told.insert("logs".into(), lines(&observed.logs));
    told
}

/// What became of a task.
pub fn seen(seen: &Seen) -> Map<String, Json> {
    let millis = |duration: std::time::Duration| duration.as_millis() as u64;
    let mut told = Map::new();
    let mut add = |key: &str, value: Json| drop(told.insert(key.to_owned(), value));
    add("outcome", json!(seen.outcome.name()));
    add("code", json!(seen.code));
    add("message", json!(seen.message));
    add("details", json!(seen.details));
    add("variables", variables(&seen.variables));
    add("local-variables", variables(&seen.local_variables));
    add(
        "retry",
        json!(seen.retry.map(|wish| match wish {
            RetryWish::Policy => "policy",
            RetryWish::Never => "never",
            RetryWish::SystemDown => "system-down",
            RetryWish::Exactly { .. } => "exactly",
        })),
    );
    add("retries-left", json!(seen.retries_left));
    add("retry-after-millis", json!(seen.retry_after.map(millis)));
    add("delay-millis", json!(seen.delay.map(millis)));
    add("duration-millis", json!(seen.duration.map(millis)));
    told
}

/// The calls of an invocation, in order, each with the keys of a case file.
pub fn calls(calls: &[Made]) -> Json {
    let one = |made: &Made| {
        json!({
            "call": made.asked.key(),
            "asked": of_lines(&write::asked(&made.asked)),
            "answer": of_lines(&write::answer(&made.answer)),
        })
    };
    calls.iter().map(one).collect()
}

/// Lines of log.
pub fn lines(lines: &[Line]) -> Json {
    let one = |line: &Line| {
        let fields: Map<String, Json> = line.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "level": line.level.name(),
            "source": line.source.name(),
            "message": line.message,
            "fields": fields,
        })
    };
    lines.iter().map(one).collect()
}

fn variables(variables: &Variables) -> Json {
    let one = |(name, variable): (&String, &Variable)| (name.clone(), value(variable));
    Json::Object(variables.iter().map(one).collect())
}

/// A variable as the engines' REST interface tells it.
fn value(variable: &Variable) -> Json {
    let mut info = Map::new();
    let value = match &variable.value {
        Value::Null(_) => Json::Null,
        Value::Boolean(it) => json!(it),
        Value::Short(it) => json!(it),
        Value::Integer(it) => json!(it),
        Value::Long(it) => json!(it),
        Value::Double(it) => json!(it),
        Value::String(it) | Value::Json(it) | Value::Xml(it) => json!(it),
        Value::Date(it) => json!(it.to_string()),
        Value::Bytes(it) => json!(STANDARD.encode(it)),
        Value::File(file) => {
            info.insert("filename".into(), json!(file.filename));
            info.extend(file.mime_type.iter().map(|it| ("mimeType".to_owned(), json!(it))));
            info.extend(file.encoding.iter().map(|it| ("encoding".to_owned(), json!(it))));
            match &file.content {
                FileContent::Bytes(bytes) => json!(STANDARD.encode(bytes)),
                FileContent::Stored(name) => {
                    info.insert("contentOf".into(), json!(name));
                    Json::Null
                }
            }
        }
        Value::Object(it) => {
            info.insert("objectTypeName".into(), json!(it.type_name));
            info.insert("serializationDataFormat".into(), json!(it.format));
            json!(it.text)
        }
        Value::Other(it) => {
            if let Ok(Json::Object(given)) = serde_json::from_str(&it.value_info) {
                info.extend(given);
            }
            serde_json::from_str(&it.value).unwrap_or_else(|_| json!(it.value))
        }
    };
    if variable.transient {
        info.insert("transient".into(), json!(true));
    }
    let mut told = json!({ "type": variable.value.type_name(), "value": value });
    if !info.is_empty() {
        told["valueInfo"] = Json::Object(info);
    }
    told
}
