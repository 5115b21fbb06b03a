//! When what was found is what was expected.

use std::collections::BTreeMap;

use bytes::Bytes;
use url::Url;

use super::{
    asked::Asked,
    case::{Wanted, WantedMessage},
    expected::{Body, TextPattern, ValuePattern},
    json,
};
use crate::{
    value::{File, FileContent, Object, Value, Variable, Variables},
    work::Message,
};

/// The contents of the task's files, by which a file that was passed on unread is the same as its bytes.
pub(super) type Contents = BTreeMap<String, Bytes>;

impl ValuePattern {
    /// Whether a value is so.
    pub(super) fn fits(&self, found: &Variable, contents: &Contents) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => {
                exact.transient == found.transient && same_value(&exact.value, &found.value, contents)
            }
            Self::Text(pattern) => text_of(&found.value).is_some_and(|text| pattern.fits(&text)),
        }
    }
}

/// Whether variables are those that are expected, and no others.
pub(super) fn all_fit(wanted: &BTreeMap<String, ValuePattern>, found: &Variables, contents: &Contents) -> bool {
    wanted.len() == found.len()
        && wanted.iter().all(|(name, pattern)| found.get(name).is_some_and(|it| pattern.fits(it, contents)))
}

/// The text by which a value is compared with a pattern; files and bytes have none.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) | Value::Json(text) | Value::Xml(text) => Some(text.clone()),
        Value::Boolean(it) => Some(it.to_string()),
        Value::Short(it) => Some(it.to_string()),
        Value::Integer(it) => Some(it.to_string()),
        Value::Long(it) => Some(it.to_string()),
        Value::Double(it) => Some(it.to_string()),
        Value::Date(it) => Some(it.to_string()),
        Value::Object(it) => Some(it.text.clone()),
        Value::Other(it) => Some(it.value.clone()),
        Value::Null(_) | Value::Bytes(_) | Value::File(_) => None,
    }
}

fn same_value(wanted: &Value, found: &Value, contents: &Contents) -> bool {
    match (wanted, found) {
        (Value::Json(wanted), Value::Json(found)) => json::same(wanted, found),
        (Value::File(wanted), Value::File(found)) => same_file(wanted, found, contents),
        (Value::Object(wanted), Value::Object(found)) => {
            let Object { type_name, format, text } = wanted;
            (type_name, format) == (&found.type_name, &found.format)
                && if format == "application/json" { json::same(text, &found.text) } else { *text == found.text }
        }
        (wanted, found) => wanted == found,
    }
}

fn same_file(wanted: &File, found: &File, contents: &Contents) -> bool {
    let content = |file: &File| match &file.content {
        FileContent::Bytes(bytes) => Some(bytes.clone()),
        FileContent::Stored(name) => contents.get(name).cloned(),
    };
    let same_content = wanted.content == found.content
        || content(wanted).is_some_and(|wanted| content(found).is_some_and(|found| wanted == found));
    (&wanted.filename, &wanted.mime_type, &wanted.encoding) == (&found.filename, &found.mime_type, &found.encoding)
        && same_content
}

impl Wanted {
    /// Whether this is what is asked.
    pub(super) fn fits(&self, asked: &Asked, contents: &Contents) -> bool {
        match (self, asked) {
            (Self::Http { method, url, headers, body }, Asked::Http(request)) => {
                let has = |(name, value): (&String, &String)| {
                    request.headers().get_all(name.as_str()).iter().any(|it| it.as_bytes() == value.as_bytes())
                };
                method == request.method()
                    && same_address(url, request)
                    && headers.iter().all(has)
                    && body.as_ref().is_none_or(|body| body.fits(request.body()))
            }
            (
                Self::StartProcess { key, tenant_id, business_key, variables, condition },
                Asked::StartProcess(start, when),
            ) => {
                *key == start.key
                    && either(tenant_id, &start.tenant_id)
                    && either(business_key, &start.business_key)
                    && condition.is_none_or(|it| it == *when)
                    && fit_if_any(variables, &start.variables, contents)
            }
            (Self::CorrelateMessage(wanted), Asked::CorrelateMessage(message)) => wanted.fits(message, contents),
            (Self::ExtendLock(wanted), Asked::ExtendLock(asked)) => wanted == asked,
            (Self::SetProgress(wanted, variables), Asked::SetProgress(scope, found)) => {
                wanted.is_none_or(|it| it == *scope) && all_fit(variables, found, contents)
            }
            (Self::Load(wanted), Asked::Load(asked)) => wanted == asked,
            _ => false,
        }
    }

    /// Whether it is at least about the same: the same process, message or address, if not in every part.
    pub(super) fn resembles(&self, asked: &Asked) -> bool {
        match (self, asked) {
            (Self::Http { method, url, .. }, Asked::Http(request)) => {
                let host = request.uri().host().is_some_and(|host| url.host_str() == Some(host));
                method == request.method() && host && url.path() == request.uri().path()
            }
            (Self::StartProcess { key, .. }, Asked::StartProcess(start, _)) => *key == start.key,
            (Self::CorrelateMessage(wanted), Asked::CorrelateMessage(message)) => wanted.name == message.name,
            (Self::ExtendLock(_), Asked::ExtendLock(_)) | (Self::SetProgress(..), Asked::SetProgress(..)) => true,
            _ => false,
        }
    }
}

impl WantedMessage {
    fn fits(&self, found: &Message, contents: &Contents) -> bool {
        self.name == found.name
            && either(&self.business_key, &found.business_key)
            && either(&self.process_instance_id, &found.process_instance_id)
            && self.tenant.as_ref().is_none_or(|it| *it == found.tenant)
            && self.receivers.is_none_or(|it| it == found.receivers)
            && fit_if_any(&self.correlation_keys, &found.correlation_keys, contents)
            && fit_if_any(&self.local_correlation_keys, &found.local_correlation_keys, contents)
            && fit_if_any(&self.variables, &found.variables, contents)
            && fit_if_any(&self.local_variables, &found.local_variables, contents)
    }
}

impl Body {
    fn fits(&self, found: &Bytes) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == found,
            Self::Json(wanted) => {
                serde_json::from_slice::<serde_json::Value>(found).is_ok_and(|found| found == *wanted)
            }
            Self::Text(TextPattern::Exact(text)) => text.as_bytes() == found.as_ref(),
            Self::Text(pattern) => std::str::from_utf8(found).is_ok_and(|found| pattern.fits(found)),
        }
    }
}

/// Whether a request goes to an address, whatever way of writing it was chosen.
fn same_address(wanted: &Url, request: &http::Request<Bytes>) -> bool {
    request.uri().to_string().parse::<Url>().is_ok_and(|found| found == *wanted)
}

fn either(wanted: &Option<String>, found: &Option<String>) -> bool {
    wanted.is_none() || wanted == found
}

fn fit_if_any(wanted: &Option<BTreeMap<String, ValuePattern>>, found: &Variables, contents: &Contents) -> bool {
    wanted.as_ref().is_none_or(|wanted| all_fit(wanted, found, contents))
}
