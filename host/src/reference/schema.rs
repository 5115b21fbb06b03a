//! The JSON schemas of what is read: as the types describe themselves, and as editors get them.

use schemars::{
    JsonSchema, Schema,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

use super::keys;
use crate::settings::schema;

/// What is expected as a value, in words; a keyword of our own.
pub(super) const WRITTEN: &str = "x-written";

/// What holds when a key is left out, in words; a keyword of our own.
pub(super) const ABSENT: &str = "x-absent";

/// The schema of a `T` in one piece, with the keywords of our own.
pub(super) fn described<T: JsonSchema>() -> Value {
    let mut schema = schema::of::<T>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

/// TOML has no null: what may be left out has no value for that.
fn without_null(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let Some(Value::Array(types)) = schema.get_mut("type") else { return };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
}

/// The text of a schema as editors get it, with nothing but words of JSON Schema.
pub(super) fn published(schema: Value, title: &str) -> String {
    let mut root = Map::new();
    for first in ["$schema", "title"] {
        root.insert(first.to_owned(), schema[first].clone());
    }
    if let Value::Object(keywords) = schema {
        root.extend(keywords);
    }
    root.insert("title".to_owned(), json!(title));
    // What the type's own doc says is for programmers.
    root.shift_remove("description");
    publish(&mut root);
    format!("{:#}\n", Value::Object(root))
}

/// Turns the keywords of our own into a part of the description, which editors show beside the key.
fn publish(schema: &mut Map<String, Value>) {
    let is_table = schema.contains_key("properties");
    if is_table {
        // Its keys tell theirs.
        schema.shift_remove("default");
    }
    if let Some(Value::String(doc)) = schema.get("description") {
        let mut description = keys::unwrapped(doc);
        if !is_table {
            let details = keys::expected(schema).map(|expected| format!("\n\nValue: {expected}."));
            description.extend(details);
            description.extend(keys::default(schema).map(|default| format!("\nDefault: {default}.")));
        }
        schema.insert("description".to_owned(), json!(description));
    }
    schema.shift_remove(WRITTEN);
    schema.shift_remove(ABSENT);
    if let Some(Value::Object(each)) = schema.get_mut("additionalProperties") {
        publish(each);
    }
    for keyword in ["properties", "anyOf", "oneOf"] {
        let inner: Vec<&mut Value> = match schema.get_mut(keyword) {
            Some(Value::Object(named)) => named.values_mut().collect(),
            Some(Value::Array(list)) => list.iter_mut().collect(),
            _ => continue,
        };
        inner.into_iter().filter_map(Value::as_object_mut).for_each(publish);
    }
    // What the keys hold that are the user's own.
    if let Some(inner) = schema.get_mut("additionalProperties").and_then(Value::as_object_mut) {
        publish(inner);
    }
}
