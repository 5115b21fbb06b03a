//! The texts that were taken out of a recording, to be blotted out wherever else they stand.

use std::{cmp::Reverse, collections::BTreeMap};

use bytes::Bytes;
use serde_json::Value as Json;

use super::{Parts, REDACTED, redact};
use crate::{
    cases::asked::{Answer, Asked, Made},
    foreign::{within_json, within_urls},
    value::{FileContent, Value, Variables},
};

/// Texts shorter than this are left where they stand: they tell nobody anything, and would be found everywhere.
const MIN_TAKEN: usize = 3;

/// What stands instead of a number in a text: what stands instead of it as a variable.
const NO_NUMBER: &str = "0";

/// Texts, each with what is put instead. The longest come first, for they may hold others.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<(Reverse<usize>, String), &'static str>);

impl Taken {
    /// Notes all texts of a value.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::Null(_) | Value::Boolean(_) | Value::Date(_) | Value::Bytes(_) => {}
            Value::Short(_) | Value::Integer(_) | Value::Long(_) | Value::Double(_) => {
                number(value).into_iter().for_each(|number| self.note(&number, NO_NUMBER));
            }
            Value::String(it) | Value::Xml(it) => self.text(it),
            Value::Json(it) => self.document(it),
            Value::Object(it) => self.document(&it.text),
            Value::Other(it) => self.document(&it.value),
            Value::File(it) => self.text(&it.filename),
        }
    }

    /// Notes a text.
    pub(super) fn text(&mut self, text: &str) {
        self.note(text, REDACTED);
        self.note(&within_json(text), REDACTED);
        if text.chars().count() >= MIN_TAKEN {
            within_urls(text).for_each(|form| self.note(&form, REDACTED));
        }
    }

    /// Notes all texts and numbers of a JSON document.
    pub(super) fn json(&mut self, document: &Json) {
        match document {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => self.note(&number.to_string(), NO_NUMBER),
            Json::String(text) => self.text(text),
            Json::Array(list) => list.iter().for_each(|value| self.json(value)),
            Json::Object(map) => map.values().for_each(|value| self.json(value)),
        }
    }

    fn document(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(document) => self.json(&document),
            Err(_) => self.text(text),
        }
    }

    fn note(&mut self, text: &str, instead: &'static str) {
        if text.chars().count() >= MIN_TAKEN {
            self.0.insert(key(text), instead);
        }
    }

    /// Blots them out of all texts of a recording.
    pub(super) fn blot_out_of(&self, parts: &mut Parts<'_>) {
        let Parts { task, variables, contents, observed } = parts;
        for text in [&mut task.business_key, &mut task.error_message, &mut task.error_details].into_iter().flatten() {
            self.blot(text);
        }
        self.variables(variables);
        contents.values_mut().for_each(|bytes| self.bytes(bytes));
        let seen = &mut observed.seen;
        for text in [&mut seen.code, &mut seen.message, &mut seen.details].into_iter().flatten() {
            self.blot(text);
        }
        self.variables(&mut seen.variables);
        self.variables(&mut seen.local_variables);
        observed.afterwards.iter_mut().for_each(|after| self.blot(&mut after.text));
        for line in &mut observed.logs {
            self.blot(&mut line.message);
            line.fields.iter_mut().for_each(|(_, value)| self.blot(value));
        }
        observed.calls.iter_mut().for_each(|made| self.call(made));
    }

    fn variables(&self, variables: &mut Variables) {
        for variable in variables.values_mut() {
            match &mut variable.value {
                Value::String(text) | Value::Xml(text) | Value::Json(text) => self.blot(text),
                Value::Object(object) => self.blot(&mut object.text),
                Value::Other(other) => self.blot(&mut other.value),
                Value::Bytes(bytes) => self.bytes(bytes),
                Value::File(file) => {
                    self.blot(&mut file.filename);
                    if let FileContent::Bytes(bytes) = &mut file.content {
                        self.bytes(bytes);
                    }
                }
                value @ (Value::Short(_) | Value::Integer(_) | Value::Long(_) | Value::Double(_)) => {
                    if number(value).is_some_and(|number| self.0.contains_key(&key(&number))) {
                        redact(value);
                    }
                }
                Value::Null(_) | Value::Boolean(_) | Value::Date(_) => {}
            }
        }
    }

    fn call(&self, made: &mut Made) {
        match &mut made.asked {
            Asked::Http(request) => {
                let mut uri = request.uri().to_string();
                self.blot(&mut uri);
                if let Ok(uri) = uri.parse() {
                    *request.uri_mut() = uri;
                }
                self.headers(request.headers_mut());
                self.bytes(request.body_mut());
            }
            Asked::StartProcess(start, _) => start.business_key.iter_mut().for_each(|key| self.blot(key)),
            Asked::CorrelateMessage(message) => message.business_key.iter_mut().for_each(|key| self.blot(key)),
            Asked::SetProgress(..) | Asked::ExtendLock(_) | Asked::Load(_) => {}
        }
        made.asked.variables_mut().into_iter().for_each(|set| self.variables(set));
        if let Answer::Http(Ok(response)) = &mut made.answer {
            self.headers(response.headers_mut());
            self.bytes(response.body_mut());
        }
    }

    fn headers(&self, headers: &mut http::HeaderMap) {
        for value in headers.values_mut() {
            let Ok(mut text) = value.to_str().map(str::to_owned) else { continue };
            self.blot(&mut text);
            if let Ok(blotted) = text.parse() {
                *value = blotted;
            }
        }
    }

    fn bytes(&self, bytes: &mut Bytes) {
        let Ok(mut text) = std::str::from_utf8(bytes).map(str::to_owned) else { return };
        self.blot(&mut text);
        if text.as_bytes() != bytes {
            *bytes = text.into();
        }
    }

    /// Puts what stands instead in the place of each whole word.
    fn blot(&self, text: &mut String) {
        for ((_, taken), instead) in &self.0 {
            if text.contains(taken.as_str()) {
                *text = replaced(text, taken, instead);
            }
        }
    }
}

/// The place of a text among others.
fn key(text: &str) -> (Reverse<usize>, String) {
    (Reverse(text.len()), text.to_owned())
}

/// A number as it is written in a text; none if the value is none.
fn number(value: &Value) -> Option<String> {
    match value {
        Value::Short(it) => Some(it.to_string()),
        Value::Integer(it) => Some(it.to_string()),
        Value::Long(it) => Some(it.to_string()),
        Value::Double(it) => Some(it.to_string()),
        _ => None,
    }
}

/// A text with another one replaced where it is no part of a longer word or number.
fn replaced(text: &str, taken: &str, instead: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(taken) {
        let (before, behind) = (&rest[..at], &rest[at + taken.len()..]);
        let is_within = |outside: Option<char>, inside: Option<char>| {
            outside.zip(inside).is_some_and(|(outside, inside)| outside.is_alphanumeric() && inside.is_alphanumeric())
        };
        let last = before.chars().next_back().or_else(|| made.chars().next_back());
        let is_part =
            is_within(last, taken.chars().next()) || is_within(behind.chars().next(), taken.chars().next_back());
        made.push_str(before);
        made.push_str(if is_part { taken } else { instead });
        rest = behind;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blotted(taken: &[Value], text: &str) -> String {
        let mut all = Taken::default();
        taken.iter().for_each(|value| all.add(value));
        let mut text = text.to_owned();
        all.blot(&mut text);
        text
    }

    #[test]
    fn a_text_is_blotted_out_where_it_is_a_word_and_not_within_others() {
        let ada = [Value::String("Ada".into())];
        assert_eq!(blotted(&ada, "Thank you, Ada! Ada's"), "Thank you, redacted! redacted's");
        assert_eq!(blotted(&ada, "Adapter, NevAda"), "Adapter, NevAda");
    }

    #[test]
    fn a_number_becomes_what_it_is_as_a_variable() {
        assert_eq!(
            blotted(&[Value::Double(77_777.0)], "77777 is more than 1000, not 177777"),
            "0 is more than 1000, not 177777"
        );
        assert_eq!(blotted(&[Value::Integer(7)], "7 of 7"), "7 of 7", "it tells nobody anything");
    }

    #[test]
    fn the_leaves_of_a_document_are_blotted_out_and_the_longer_text_first() {
        let document =
            Value::Json(r#"{"name":"Ada Lovelace","first":"Ada","cards":[4711,{"pin":"say \"hush\""}]}"#.into());
        let text = r#"Ada Lovelace (Ada), 4711: say "hush", {"pin":"say \"hush\""}"#;
        assert_eq!(blotted(&[document], text), r#"redacted (redacted), 0: redacted, {"pin":"redacted"}"#);
    }
}
