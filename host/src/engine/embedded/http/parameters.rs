//! The parameters of GET requests, and what is said about those that cannot be read.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde_json::{Map, Value, json};

use crate::engine::embedded::{date, filters::Filters, query::TaskQuery, refusal::Refusal};

/// The parameters of a request in their order.
pub(super) struct Parameters(Vec<(String, String)>);

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    first: usize,
    max: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let unreadable = |_| Refusal::of_request(404, "QueryParamException", "HTTP 404 Not Found");
        Query::try_from_uri(&parts.uri).map(|Query(pairs)| Self(pairs)).map_err(unreadable)
    }
}

/// What kind of value a parameter of a task query has.
enum Written {
    Text,
    List,
    Truth,
    Number,
    Date,
}

impl Parameters {
    pub(super) fn filters(&self) -> Filters {
        Filters::of_parameters(&self.0)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    /// `firstResult` and `maxResults`. If one of them is negative there is nothing on the page.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        let number = |key: &str, default: usize| match self.get(key).map(str::parse::<i64>) {
            None => Ok(Some(default)),
            Some(Ok(number)) => Ok(usize::try_from(number).ok()),
            Some(Err(_)) => Err(Refusal::of_request(404, "QueryParamException", "HTTP 404 Not Found")),
        };
        let (first, max) = (number("firstResult", 0)?, number("maxResults", usize::MAX)?);
        let empty = Page { first: 0, max: 0 };
        Ok(first.zip(max).map_or(empty, |(first, max)| Page { first, max }))
    }

    /// The query for external tasks that the parameters mean.
    pub(super) fn task_query(&self) -> Result<TaskQuery, Refusal> {
        let mut query = Map::new();
        for (key, text) in &self.0 {
            let refused =
                |why: String| Refusal::invalid(format!("Cannot set query parameter '{key}' to value '{text}'{why}"));
            let unlike =
                |shown: String, java: &str| refused(format!(": Cannot convert value {shown} to java type java.{java}"));
            let value = match written(key) {
                Written::Text => json!(text),
                Written::List => text.split(',').collect(),
                Written::Truth => json!(text.parse::<bool>().map_err(|_| unlike(text.clone(), "lang.Boolean"))?),
                Written::Number => json!(text.parse::<i64>().map_err(|_| unlike(text.clone(), "lang.Long"))?),
                Written::Date if date::read(text).is_none() => return Err(unlike(format!("{text:?}"), "util.Date")),
                Written::Date => json!(text),
            };
            query.insert(key.clone(), value);
        }
        if let Some(text) = self.get("processVariables") {
            query.insert("processVariables".to_owned(), conditions(text)?);
        }
        if let Some(sorting) = self.sorting()? {
            query.insert("sorting".to_owned(), sorting);
        }
        serde_json::from_value(Value::Object(query)).map_err(|_| Refusal::unreadable())
    }

    /// `sortBy` and `sortOrder`
    fn sorting(&self) -> Result<Option<Value>, Refusal> {
        let (by, order) = match (self.get("sortBy"), self.get("sortOrder")) {
            (None, None) => return Ok(None),
            (Some(by), Some(order)) => (by, order),
            _ => {
                let message = "Only a single sorting parameter specified. sortBy and sortOrder required";
                return Err(Refusal::invalid(message));
            }
        };
        let known = [
            "id",
            "lockExpirationTime",
            "processInstanceId",
            "processDefinitionId",
            "processDefinitionKey",
            "tenantId",
            "taskPriority",
            "createTime",
        ];
        for (key, value, fits) in
            [("sortBy", by, known.contains(&by)), ("sortOrder", order, matches!(order, "asc" | "desc"))]
        {
            if !fits {
                return Err(Refusal::invalid(format!("Cannot set query parameter '{key}' to value '{value}'")));
            }
        }
        Ok(Some(json!([{"sortBy": by, "sortOrder": order}])))
    }
}

fn written(key: &str) -> Written {
    match key {
        "locked" | "notLocked" | "withRetriesLeft" | "noRetriesLeft" | "active" | "suspended" => Written::Truth,
        "priorityHigherThanOrEquals" | "priorityLowerThanOrEquals" => Written::Number,
        "lockExpirationAfter" | "lockExpirationBefore" => Written::Date,
        "externalTaskIdIn" | "activityIdIn" | "processInstanceIdIn" | "processDefinitionKeyIn" | "tenantIdIn" => {
            Written::List
        }
        _ => Written::Text,
    }
}

/// Conditions on variables as a GET writes them: `name_operator_value`, with commas between.
fn conditions(text: &str) -> Result<Value, Refusal> {
    text.split(',')
        .map(|condition| {
            let mut parts = condition.splitn(3, '_');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(name), Some(operator), Some(value)) => {
                    Ok(json!({"name": name, "operator": operator, "value": value}))
                }
                _ => Err(Refusal::invalid(format!(
                    "Cannot set query parameter 'processVariables' to value '{text}': variable query parameter has to \
                     have format KEY_OPERATOR_VALUE."
                ))),
            }
        })
        .collect()
}

impl Page {
    /// That part of a list.
    pub(super) fn of<T>(self, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        all.into_iter().skip(self.first).take(self.max)
    }
}
