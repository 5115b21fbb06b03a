//! Filters of lists, from the parameters of a GET or the body of a POST.

use serde_json::{Map, Value};

/// The filters of one request. Those that are not asked for are ignored, as the engine ignores unknown ones.
#[derive(Debug, Default)]
pub(super) struct Filters(Map<String, Value>);

impl Filters {
    /// From the parameters of a GET.
    pub(super) fn of_parameters(parameters: &[(String, String)]) -> Self {
        Self(parameters.iter().map(|(name, text)| (name.clone(), Value::String(text.clone()))).collect())
    }

    /// From the body of a POST.
    pub(super) fn of_body(body: Map<String, Value>) -> Self {
        Self(body)
    }

    /// The text of a filter.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    /// Whether a filter is `true`.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Value::Bool(true))) || self.text(key) == Some("true")
    }

    /// Whether a filter is not set, or equals what was found.
    pub(super) fn is(&self, key: &str, found: Option<&str>) -> bool {
        match self.0.get(key) {
            Some(Value::String(wanted)) => found == Some(wanted),
            // A number or a truth value is the text of it.
            Some(wanted @ (Value::Number(_) | Value::Bool(_))) => found == Some(&wanted.to_string()),
            _ => true,
        }
    }

    /// Whether a filter is not set, or its list (with commas, in a GET) contains what was found. An empty list asks for
    /// nothing.
    pub(super) fn is_in(&self, key: &str, found: Option<&str>) -> bool {
        match self.0.get(key) {
            Some(Value::Array(list)) if list.is_empty() => true,
            Some(Value::Array(list)) => list.iter().any(|wanted| wanted.as_str() == found && found.is_some()),
            Some(Value::String(list)) => list.split(',').any(|wanted| Some(wanted) == found),
            _ => true,
        }
    }

    /// Whether a filter is a list with nothing in it.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_array).is_some_and(Vec::is_empty)
    }

    /// A list in the order that is asked for; without one, or if it is that of time, in the order of events.
    pub(super) fn in_order(&self, mut found: Vec<Value>) -> Vec<Value> {
        let body = self.0.get("sorting").and_then(|sorting| sorting.get(0));
        let text = |key: &str| self.text(key).or_else(|| body.and_then(|body| body.get(key)).and_then(Value::as_str));
        // The lists' fields are what they are sorted by, but for one name.
        let field = match text("sortBy") {
            Some("variableName") => "name",
            Some(other) => other,
            None => return found,
        };
        let key = |item: &Value| item[field].as_str().map(str::to_owned);
        let is_time = ["startTime", "endTime", "timestamp", "createTime"].contains(&field);
        if !is_time {
            found.sort_by_cached_key(key);
        }
        if text("sortOrder") == Some("desc") {
            found.reverse();
        }
        found
    }
}
