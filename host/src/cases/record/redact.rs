//! Takes out of a recording what its plugin's manifest names in `record-redact`: variables, keys of JSON documents, and
//! parameters of requests. What is put instead is of the same type, and the same wherever it stood, so that a replay
//! that passes it on is as it was.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value as Json;
use url::{Url, form_urlencoded};

use crate::{
    cases::{
        asked::{Answer, Asked, Made},
        observed::Observed,
        same::Contents,
    },
    value::{Date, FileContent, Value, Variables},
};

/// What stands instead of a text. Without a character that any way of encoding would change.
const REDACTED: &str = "redacted";

/// The names that are taken out.
pub(super) struct Redactor<'a> {
    names: &'a [String],
}

impl<'a> Redactor<'a> {
    pub(super) fn new(names: &'a [String]) -> Self {
        Self { names }
    }

    /// Whether a name is one of those; capitals do not matter.
    pub(super) fn names(&self, name: &str) -> bool {
        self.names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    pub(super) fn variables(&self, variables: &mut Variables) {
        for (name, variable) in variables {
            let is_named = self.names(name);
            match &mut variable.value {
                value if is_named => redact(value),
                Value::Json(text) => self.json(text),
                Value::Object(object) => self.json(&mut object.text),
                Value::Other(other) => self.json(&mut other.value),
                _ => {}
            }
        }
    }

    pub(super) fn contents(&self, contents: &mut Contents) {
        contents.iter_mut().filter(|(name, _)| self.names(name)).for_each(|(_, bytes)| *bytes = Bytes::new());
    }

    pub(super) fn observed(&self, observed: &mut Observed) {
        self.variables(&mut observed.seen.variables);
        self.variables(&mut observed.seen.local_variables);
        observed.calls.iter_mut().for_each(|made| self.call(made));
    }

    fn call(&self, made: &mut Made) {
        match &mut made.asked {
            Asked::Http(request) => {
                if let Ok(uri) = self.address(&request.uri().to_string()).parse() {
                    *request.uri_mut() = uri;
                }
                let is_form =
                    request.headers().get(http::header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(FORM));
                *request.body_mut() = self.body(request.body(), is_form);
            }
            Asked::StartProcess(start, _) => self.variables(&mut start.variables),
            Asked::CorrelateMessage(message) => {
                for set in [
                    &mut message.variables,
                    &mut message.local_variables,
                    &mut message.correlation_keys,
                    &mut message.local_correlation_keys,
                ] {
                    self.variables(set);
                }
            }
            Asked::SetProgress(_, set) => self.variables(set),
            Asked::ExtendLock(_) | Asked::Load(_) => {}
        }
        if let Answer::Http(Ok(response)) = &mut made.answer {
            *response.body_mut() = self.body(response.body(), false);
            // No handler's logic hangs on it, and it may open a door.
            response.headers_mut().remove(http::header::SET_COOKIE);
        }
    }

    /// An address without the values of named parameters.
    fn address(&self, address: &str) -> String {
        let Ok(mut url) = address.parse::<Url>() else { return address.to_owned() };
        if !url.query_pairs().any(|(name, _)| self.names(&name)) {
            return address.to_owned();
        }
        let pairs: Vec<(String, String)> = url.query_pairs().map(|(name, value)| self.pair(name, value)).collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.to_string()
    }

    fn pair(&self, name: Cow<'_, str>, value: Cow<'_, str>) -> (String, String) {
        let value = if self.names(&name) { REDACTED.to_owned() } else { value.into_owned() };
        (name.into_owned(), value)
    }

    fn body(&self, body: &Bytes, is_form: bool) -> Bytes {
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
    fn json(&self, text: &mut String) {
        let Ok(mut document) = serde_json::from_str::<Json>(text) else { return };
        if self.keys(&mut document) {
            *text = document.to_string();
        }
    }

    /// Whether something was taken out.
    fn keys(&self, document: &mut Json) -> bool {
        match document {
            Json::Object(map) => {
                let mut any = false;
                for (key, value) in map {
                    if self.names(key) {
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
            Json::Array(list) => list.iter_mut().fold(false, |any, value| self.keys(value) | any),
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
        let redactor = Redactor::new(&names);
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
        let redactor = Redactor::new(&names);
        assert_eq!(redactor.address("https://a.example/x?card=1&b=2"), "https://a.example/x?card=redacted&b=2");
        assert_eq!(redactor.address("https://a.example/x?b=%202"), "https://a.example/x?b=%202");
        assert_eq!(redactor.body(&Bytes::from_static(b"card=1&b=2"), true).as_ref(), b"card=redacted&b=2");
        assert_eq!(redactor.body(&Bytes::from_static(b"{ \"b\": 2 }"), false).as_ref(), b"{ \"b\": 2 }");
    }
}
