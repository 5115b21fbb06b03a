//! Values of every type: what is kept exactly, and what is refused, wherever variables are given.

use serde_json::{Value, json};

use super::talk::{Talk, Unlike};
use crate::engine::{Engine, on_both_engines};

on_both_engines!(
    values_of_every_type_are_kept_exactly_or_refused,
    a_value_is_refused_in_the_same_way_at_a_start_and_with_an_outcome,
);

/// A value that is taken or refused by both engines alike.
fn values() -> Vec<(&'static str, Value)> {
    let object = |info: Value| json!({"value": "{}", "type": "Object", "valueInfo": info});
    let file = |value: Value, info: Value| json!({"value": value, "type": "File", "valueInfo": info});
    vec![
        ("an Integer as a text", json!({"value": "21", "type": "Integer"})),
        ("a number as a String", json!({"value": 1, "type": "String"})),
        ("a fraction as an Integer", json!({"value": 1.5, "type": "Integer"})),
        ("too great a Short", json!({"value": 40_000, "type": "Short"})),
        ("too great an Integer", json!({"value": 2_147_483_648_i64, "type": "Integer"})),
        ("the least Integer", json!({"value": -2_147_483_648_i64, "type": "Integer"})),
        ("too great a Long", json!({"value": 9_223_372_036_854_775_808_u64, "type": "Long"})),
        ("the least Long", json!({"value": i64::MIN, "type": "Long"})),
        ("a Long that no double holds", json!({"value": 9_007_199_254_740_993_i64, "type": "Long"})),
        ("a Boolean as a text", json!({"value": "true", "type": "Boolean"})),
        ("yes as a Boolean", json!({"value": "yes", "type": "Boolean"})),
        ("1 as a Boolean", json!({"value": 1, "type": "Boolean"})),
        ("an empty text as an Integer", json!({"value": "", "type": "Integer"})),
        ("an empty String", json!({"value": "", "type": "String"})),
        ("null as an Integer", json!({"value": null, "type": "Integer"})),
        ("null as a String", json!({"value": null, "type": "String"})),
        ("letters beyond the first plane", json!({"value": "h\u{e9}llo \u{1d11e}", "type": "String"})),
        ("a whole number as a Double", json!({"value": 1, "type": "Double"})),
        ("a Double as a text", json!({"value": "1.5", "type": "Double"})),
        ("the least Double", json!({"value": 5e-324, "type": "Double"})),
        ("a great Double", json!({"value": 1e300, "type": "Double"})),
        ("a Double of 17 digits", json!({"value": 0.1_f64 + 0.2, "type": "Double"})),
        ("a word as a Double", json!({"value": "x", "type": "Double"})),
        ("a Date", json!({"value": "2013-01-23T14:42:45.000+0200", "type": "Date"})),
        ("a Date with a Z", json!({"value": "2013-01-23T14:42:45.000Z", "type": "Date"})),
        ("a Date without milliseconds", json!({"value": "2013-01-23T14:42:45+0200", "type": "Date"})),
        ("a Date with a colon in its offset", json!({"value": "2013-01-23T14:42:45.000+02:00", "type": "Date"})),
        ("a day as a Date", json!({"value": "2013-01-23", "type": "Date"})),
        ("a number as a Date", json!({"value": 5, "type": "Date"})),
        ("Bytes", json!({"value": "AAFoaQ==", "type": "Bytes"})),
        ("Bytes that are no base64", json!({"value": "%%%", "type": "Bytes"})),
        ("a number as Bytes", json!({"value": 5, "type": "Bytes"})),
        ("null as Bytes", json!({"value": null, "type": "Bytes"})),
        ("a File", file(json!("AAE="), json!({"filename": "x", "mimeType": "a/b", "encoding": "UTF-8"}))),
        (
            "a File with the documented name of its type",
            file(json!("AAE="), json!({"filename": "x", "mimetype": "a/b"})),
        ),
        ("a File without information", json!({"value": "AAE=", "type": "File"})),
        ("a File without a name", file(json!("AAE="), json!({"mimeType": "a/b"}))),
        ("a File of null", file(json!(null), json!({"filename": "x"}))),
        ("a File that is no base64", file(json!("%%%"), json!({"filename": "x"}))),
        ("a number as a File", file(json!(5), json!({"filename": "x"}))),
        ("a File of an unknown encoding", file(json!("AAE="), json!({"filename": "x", "encoding": "nope-9"}))),
        ("Json", json!({"value": "{\"a\": [1, null]}", "type": "Json"})),
        ("broken Json", json!({"value": "{oops", "type": "Json"})),
        ("an object as Json", json!({"value": {"a": 1}, "type": "Json"})),
        ("null as Json", json!({"value": null, "type": "Json"})),
        ("Xml", json!({"value": "<a b=\"1\"/>", "type": "Xml"})),
        ("broken Xml", json!({"value": "<a", "type": "Xml"})),
        (
            "an Object",
            object(json!({"objectTypeName": "java.util.HashMap", "serializationDataFormat": "application/json"})),
        ),
        ("an Object without information", json!({"value": "{}", "type": "Object"})),
        ("an Object without a format", object(json!({"objectTypeName": "java.util.HashMap"}))),
        ("an Object without a class", object(json!({"serializationDataFormat": "application/json"}))),
        (
            "an Object of an unknown format",
            object(json!({"objectTypeName": "java.util.HashMap", "serializationDataFormat": "nope"})),
        ),
        (
            "an Object of null",
            json!({"value": null, "type": "Object", "valueInfo":
                {"objectTypeName": "java.util.HashMap", "serializationDataFormat": "application/json"}}),
        ),
        ("a number as an Object", json!({"value": 5, "type": "Object"})),
        ("Null", json!({"value": null, "type": "Null"})),
        ("Null with a value", json!({"value": 5, "type": "Null"})),
        (
            "a transient value that replaces one",
            json!({"value": "t", "type": "String", "valueInfo": {"transient": true}}),
        ),
        ("a transience that is no flag", json!({"value": "t", "type": "String", "valueInfo": {"transient": "yes"}})),
        ("no type: a text", json!({"value": "s"})),
        ("no type: a number", json!({"value": 7})),
        ("no type: a great number", json!({"value": 9_007_199_254_740_993_i64})),
        ("no type: a fraction", json!({"value": 1.5})),
        ("no type: a truth value", json!({"value": true})),
        ("no type: null", json!({"value": null})),
        ("nothing at all", json!({})),
        ("a type in small letters", json!({"value": 1, "type": "integer"})),
        ("a type in capitals", json!({"value": "1", "type": "JSON"})),
        ("the abstract type", json!({"value": 1, "type": "Number"})),
        ("an unknown type", json!({"value": 1, "type": "Nonsense"})),
        ("a number as a type", json!({"value": 1, "type": 5})),
        ("no object", json!(5)),
        ("information that is no object", json!({"value": 1, "type": "Integer", "valueInfo": "x"})),
        ("an unknown key", json!({"value": 1, "type": "Integer", "nope": 1})),
        ("a key in capitals", json!({"Value": 1, "type": "Integer"})),
        ("4,000 characters", json!({"value": "x".repeat(4_000), "type": "String"})),
        ("4,001 characters", json!({"value": "x".repeat(4_001), "type": "String"})),
    ]
}

async fn values_of_every_type_are_kept_exactly_or_refused(engine: Engine) {
    let mut talk = Talk::about(engine, "contract-values").await;
    talk.start("a", json!({})).await;
    for (about, value) in values() {
        keep(&mut talk, about, value).await;
    }
    for (about, value, because, operaton, embedded) in [
        (
            "-0.0",
            json!({"value": -0.0, "type": "Double"}),
            "H2 makes 0.0 of it",
            r#"200 {"type":"Double","value":0.0,"valueInfo":{}}"#,
            r#"200 {"type":"Double","value":-0.0,"valueInfo":{}}"#,
        ),
        (
            "no type: a list",
            json!({"value": [1, 2]}),
            "Java's own serialisation, which only Java can write",
            r#"200 {"type":"Object","value":"rO0ABXNyABNqYXZhLnV0aWwuQXJyYXlMaXN0eIHSHZnHYZ0DAAFJAARzaXpleHAAAAACdwQAAAACc3IAEWphdmEubGFuZy5JbnRlZ2VyEuKgpPeBhzgCAAFJAAV2YWx1ZXhyABBqYXZhLmxhbmcuTnVtYmVyhqyVHQuU4IsCAAB4cAAAAAFzcQB+AAIAAAACeA==","valueInfo":{"objectTypeName":"java.util.ArrayList","serializationDataFormat":"application/x-java-serialized-object"}}"#,
            r#"200 {"type":"Object","value":"[1,2]","valueInfo":{"objectTypeName":"java.util.ArrayList","serializationDataFormat":"application/json"}}"#,
        ),
        (
            "no type: an object",
            json!({"value": {"a": 1}}),
            "Java's own serialisation, which only Java can write",
            r#"200 {"type":"Object","value":"rO0ABXNyABdqYXZhLnV0aWwuTGlua2VkSGFzaE1hcDTATlwQbMD7AgABWgALYWNjZXNzT3JkZXJ4cgARamF2YS51dGlsLkhhc2hNYXAFB9rBwxZg0QMAAkYACmxvYWRGYWN0b3JJAAl0aHJlc2hvbGR4cD9AAAAAAAAMdwgAAAAQAAAAAXQAAWFzcgARamF2YS5sYW5nLkludGVnZXIS4qCk94GHOAIAAUkABXZhbHVleHIAEGphdmEubGFuZy5OdW1iZXKGrJUdC5TgiwIAAHhwAAAAAXgA","valueInfo":{"objectTypeName":"java.util.LinkedHashMap","serializationDataFormat":"application/x-java-serialized-object"}}"#,
            r#"200 {"type":"Object","value":"{\"a\":1}","valueInfo":{"objectTypeName":"java.util.LinkedHashMap","serializationDataFormat":"application/json"}}"#,
        ),
    ] {
        talk.post(about, "/process-instance/{a}/variables", json!({"modifications": {"q": value}})).await;
        let unlike = Unlike { because, operaton, embedded };
        talk.unlike("read back", "GET", "/process-instance/{a}/variables/q?deserializeValue=false", (), unlike).await;
    }
    talk.must_be_as_written("values");
}

/// Sets a variable, and reads it back if that was done.
async fn keep(talk: &mut Talk, about: &str, value: Value) {
    talk.post(about, "/process-instance/{a}/variables", json!({"modifications": {"q": value}})).await;
    if talk.last_status() == 204 {
        talk.get("read back", "/process-instance/{a}/variables/q?deserializeValue=false").await;
    }
}

async fn a_value_is_refused_in_the_same_way_at_a_start_and_with_an_outcome(engine: Engine) {
    const TOPIC: &str = "contract-refused-values";
    let mut talk = Talk::about(engine, TOPIC).await;
    talk.start("a", json!({"variables": {"kept": {"value": 1}}})).await;
    talk.lock("a", "w", std::time::Duration::from_secs(600)).await;
    for (about, value) in [
        ("a word as an Integer", json!({"value": "abc", "type": "Integer"})),
        ("an unknown type", json!({"value": 1, "type": "Nonsense"})),
        ("the abstract type", json!({"value": 1, "type": "Number"})),
        ("a File without information", json!({"value": "AAE=", "type": "File"})),
        ("a File of null", json!({"value": null, "type": "File", "valueInfo": {"filename": "x"}})),
        ("an object as Json", json!({"value": {"a": 1}, "type": "Json"})),
        ("an Object without information", json!({"value": "{}", "type": "Object"})),
        ("4,001 characters", json!({"value": "x".repeat(4_001), "type": "String"})),
        ("a transience that is no flag", json!({"value": "t", "type": "String", "valueInfo": {"transient": "yes"}})),
        ("no object", json!(5)),
    ] {
        let variables = json!({"v": value});
        let path = format!("/process-definition/key/{TOPIC}/start");
        talk.post(&format!("start: {about}"), &path, json!({"variables": variables})).await;
        for call in ["complete", "failure", "bpmnError"] {
            let body = json!({"workerId": "w", "retries": 1, "errorCode": "E", "variables": variables});
            talk.post(&format!("{call}: {about}"), &format!("/external-task/{{a.task}}/{call}"), body).await;
        }
        for call in ["complete", "failure"] {
            let body = json!({"workerId": "w", "retries": 1, "localVariables": variables});
            talk.post(&format!("{call}: {about}, locally"), &format!("/external-task/{{a.task}}/{call}"), body).await;
        }
        talk.put(&format!("put: {about}"), "/process-instance/{a}/variables/v", variables["v"].clone()).await;
        let local = json!({"modifications": variables});
        talk.post(&format!("local: {about}"), "/execution/{a.execution}/localVariables", local).await;
    }
    let transient = json!({"kept": {"value": 2, "valueInfo": {"transient": true}}});
    let body = json!({"workerId": "w", "variables": transient});
    talk.post("complete: transient in the place of one that is kept", "/external-task/{a.task}/complete", body).await;
    talk.get("nothing has changed", "/process-instance/{a}/variables").await;
    talk.get("the task is there", "/external-task/{a.task}").await;
    talk.must_be_as_written("refused-values");
}
