//! Takes out of a recording what its plugin's manifest names in `record-redact`: variables, keys of JSON documents, and
//! parameters of requests. What is put instead is of the same type, and the same wherever it stood, so that a replay
//! that passes it on is as it was. And because a handler puts what it reads into its own words, each text that was taken
//! out is then blotted out of all others (module [`taken`]).

mod taken;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value as Json;
use url::{Url, form_urlencoded};

use self::taken::Taken;
use crate::{
    cases::{
        asked::{Answer, Asked, Made},
        observed::Observed,
        same::Contents,
    },
    task::Task,
    value::{Date, FileContent, Value, Variables},
};

/// What stands instead of a text. Without a character that any way of encoding would change.
const REDACTED: &str = "redacted";

/// What a recording is made of.
pub(super) struct Parts<'a> {
    pub(super) task: &'a mut Task,
    pub(super) variables: &'a mut Variables,
    pub(super) contents: &'a mut Contents,
    pub(super) observed: &'a mut Observed,
}

/// The names that are taken out, and what was.
pub(super) struct Redactor<'a> {
    names: &'a [String],
    taken: Taken,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(names: &'a [String]) -> Self {
        Self { names, taken: Taken::default() }
    }

    /// Whether a name is one of those; capitals do not matter.
    pub(super) fn names(&self, name: &str) -> bool {
        self.names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Takes all that is named out of a recording.
    pub(super) fn redact(&mut self, mut parts: Parts<'_>) {
        if self.names.is_empty() {
            return;
        }
        self.variables(parts.variables);
        self.contents(parts.contents);
        self.variables(&mut parts.observed.seen.variables);
        self.variables(&mut parts.observed.seen.local_variables);
        parts.observed.calls.iter_mut().for_each(|made| self.call(made));
        self.taken.blot_out_of(&mut parts);
    }

    fn variables(&mut self, variables: &mut Variables) {
        for (name, variable) in variables {
            if self.names(name) {
                self.taken.add(&variable.value);
                redact(&mut variable.value);
                continue;
            }
            match &mut variable.value {
                Value::Json(text) | Value::String(text) => self.json(text),
                Value::Object(object) => self.json(&mut object.text),
                Value::Other(other) => self.json(&mut other.value),
                Value::Bytes(bytes) => *bytes = self.body(bytes, false),
                _ => {}
            }
        }
    }

    fn contents(&mut self, contents: &mut Contents) {
        for (name, bytes) in contents {
            *bytes = if self.names(name) { Bytes::new() } else { self.body(bytes, false) };
        }
    }

    fn call(&mut self, made: &mut Made) {
        if let Asked::Http(request) = &mut made.asked {
            if let Ok(uri) = self.address(&request.uri().to_string()).parse() {
                *request.uri_mut() = uri;
            }
            let is_form =
                request.headers().get(http::header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(FORM));
            *request.body_mut() = self.body(request.body(), is_form);
        }
        for set in made.asked.variables_mut() {
            self.variables(set);
        }
        if let Answer::Http(Ok(response)) = &mut made.answer {
            *response.body_mut() = self.body(response.body(), false);
            // No handler's logic hangs on it, and it may open a door.
            response.headers_mut().remove(http::header::SET_COOKIE);
        }
    }

    /// An address without the values of named parameters.
    fn address(&mut self, address: &str) -> String {
        let Ok(mut url) = address.parse::<Url>() else { return address.to_owned() };
        if !url.query_pairs().any(|(name, _)| self.names(&name)) {
            return address.to_owned();
        }
        let pairs: Vec<(String, String)> = url.query_pairs().map(|(name, value)| self.pair(name, value)).collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.to_string()
    }

    fn pair(&mut self, name: Cow<'_, str>, value: Cow<'_, str>) -> (String, String) {
        let mut value = value.into_owned();
        if self.names(&name) {
            self.taken.text(&value);
            value = REDACTED.to_owned();
        }
        (name.into_owned(), value)
    }

    fn body(&mut self, body: &Bytes, is_form: bool) -> Bytes {
        if is_form {
            let pairs = form_urlencoded::parse(body).map(|(name, value)| self.pair(name, value));
            return form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into();
        }
        let Ok(text) = std::str::from_utf8(body) else { return body.clone() };
        let mut redacted = text.to_owned();
        self.json(&mut redacted);
        if redacted == text { body.clone() } else { redacted.into() }
    }

    /// Takes named keys out of a document; what is none, or has none of them, stays as it is written.
    fn json(&mut self, text: &mut String) {
        let Ok(mut document) = serde_json::from_str::<Json>(text) else { return };
        if self.keys(&mut document) {
            *text = document.to_string();
        }
    }

    /// Whether something was taken out.
    fn keys(&mut self, document: &mut Json) -> bool {
        match document {
            Json::Object(map) => {
                let mut any = false;
                for (key, value) in map {
                    if self.names(key) {
                        self.taken.json(value);
                        *value = match value {
                            Json::Number(_) => Json::from(0),
                            Json::Bool(_) => Json::Bool(false),
                            Json::Null => Json::Null,
                            _ => Json::String(REDACTED.to_owned()),
                        };
                        any = true;
                    } else {
                        any |= self.keys(value);
                    }
                }
                any
            }
            Json::Array(list) => {
                let mut any = false;
                for value in list {
                    any |= self.keys(value);
                }
                any
            }
            _ => false,
        }
    }
}

/// The type of a form's body.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

fn redact(value: &mut Value) {
    match value {
        Value::Null(_) => {}
        Value::Boolean(it) => *it = false,
        Value::Short(it) => *it = 0,
        Value::Integer(it) => *it = 0,
        Value::Long(it) => *it = 0,
        Value::Double(it) => *it = 0.0,
        Value::String(it) | Value::Xml(it) => *it = REDACTED.to_owned(),
        Value::Json(it) => *it = format!("\"{REDACTED}\""),
        // There is such a date.
        Value::Date(it) => *it = Date::new(0, 0).unwrap_or(*it),
        Value::Bytes(it) => *it = Bytes::new(),
        Value::File(it) => {
            it.filename = REDACTED.to_owned();
            if let FileContent::Bytes(bytes) = &mut it.content {
                *bytes = Bytes::new();
            }
        }
        Value::Object(it) => it.text = format!("\"{REDACTED}\""),
        Value::Other(it) => it.value = format!("\"{REDACTED}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Variable;

    #[test]
    fn named_variables_and_keys_at_any_depth_are_taken_out_and_nothing_else() {
        let names = ["card".to_owned()];
        let mut redactor = Redactor::new(&names);
        let json = r#"{"order":[{"Card":"4711","n":1,"card":{"no":1}}]}"#;
        let mut variables: Variables =
            [("card", Value::Integer(7)), ("other", Value::Integer(7)), ("order", Value::Json(json.into()))]
                .map(|(name, value)| (name.to_owned(), Variable::from(value)))
                .into();
        redactor.variables(&mut variables);
        assert_eq!(variables["card"].value, Value::Integer(0));
        assert_eq!(variables["other"].value, Value::Integer(7));
        assert_eq!(
            variables["order"].value,
            Value::Json(r#"{"order":[{"Card":"redacted","n":1,"card":"redacted"}]}"#.into())
        );
    }

    #[test]
    fn parameters_of_requests_are_taken_out() {
        let names = ["card".to_owned()];
        let mut redactor = Redactor::new(&names);
        assert_eq!(redactor.address("https://a.example/x?card=1&b=2"), "https://a.example/x?card=redacted&b=2");
        assert_eq!(redactor.address("https://a.example/x?b=%202"), "https://a.example/x?b=%202");
        assert_eq!(redactor.body(&Bytes::from_static(b"card=1&b=2"), true).as_ref(), b"card=redacted&b=2");
        assert_eq!(redactor.body(&Bytes::from_static(b"{ \"b\": 2 }"), false).as_ref(), b"{ \"b\": 2 }");
    }
}
