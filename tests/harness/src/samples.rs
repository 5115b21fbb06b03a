//! One list of values, of every type and at the extremes of each, as the REST interface writes them: what goes through a
//! handler and comes back as it was.

use serde_json::{Value, json};

/// A value and where it can be tried.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its name, which serves as the name of a variable.
    pub name: &'static str,
    /// The variable, as a request gives it.
    pub variable: Value,
    /// Why a real engine cannot keep it as it is, if so.
    pub not_kept: Option<&'static str>,
}

/// All samples.
pub fn samples() -> Vec<Sample> {
    let object = json!({"objectTypeName": "java.util.LinkedHashMap", "serializationDataFormat": "application/json"});
    let xml = json!({"objectTypeName": "example.Order", "serializationDataFormat": "application/xml"});
    let file = json!({"filename": "a b.txt", "mimeType": "text/plain", "encoding": "UTF-8"});
    let mut samples: Vec<Sample> = [
        ("true", "Boolean", json!(true)),
        ("false", "Boolean", json!(false)),
        ("least-short", "Short", json!(i16::MIN)),
        ("greatest-short", "Short", json!(i16::MAX)),
        ("least-integer", "Integer", json!(i32::MIN)),
        ("greatest-integer", "Integer", json!(i32::MAX)),
        ("least-long", "Long", json!(i64::MIN)),
        ("long-beyond-2-to-the-53", "Long", json!(9_007_199_254_740_993_i64)),
        ("greatest-long", "Long", json!(i64::MAX)),
        ("fraction", "Double", json!(1.5)),
        ("whole-double", "Double", json!(3.0)),
        ("double-of-17-digits", "Double", json!(0.1_f64 + 0.2)),
        ("least-double", "Double", json!(5e-324)),
        ("greatest-double", "Double", json!(f64::MAX)),
        ("negative-zero", "Double", json!(-0.0)),
        ("empty-text", "String", json!("")),
        ("text", "String", json!("h\u{e9}llo \u{1d11e}\n\u{1b}\t\"\\")),
        ("longest-text", "String", json!("x".repeat(4_000))),
        ("date", "Date", json!("2026-11-21T10:11:12.345+0000")),
        ("date-before-1970", "Date", json!("1969-12-31T23:59:59.999+0000")),
        ("end-of-time", "Date", json!("9999-12-31T23:59:59.999+0000")),
        ("bytes", "Bytes", json!("AAFoaf8=")),
        ("json", "Json", json!("{\"a\":[1,2,{\"b\":null}],\"n\":1.0000000000000000001}")),
        ("xml", "Xml", json!("<a><b c=\"1\"/></a>")),
        ("null", "Null", json!(null)),
        ("null-text", "String", json!(null)),
        ("null-integer", "Integer", json!(null)),
        ("null-date", "Date", json!(null)),
        ("null-bytes", "Bytes", json!(null)),
        ("null-json", "Json", json!(null)),
    ]
    .into_iter()
    .map(|(name, kind, value)| Sample { name, variable: json!({"type": kind, "value": value}), not_kept: None })
    .collect();
    for (name, kind, value, info) in [
        ("object", "Object", json!("{\"k\":1}"), object.clone()),
        ("null-object", "Object", json!(null), object),
        ("object-in-xml", "Object", json!("<order><amount>5</amount></order>"), xml),
        ("file", "File", json!("ZmlsZSBib2R5"), file),
        ("empty-file", "File", json!(""), json!({"filename": "empty"})),
    ] {
        let variable = json!({"type": kind, "value": value, "valueInfo": info});
        samples.push(Sample { name, variable, not_kept: None });
    }
    for sample in &mut samples {
        sample.not_kept = match sample.name {
            "negative-zero" => Some("H2 makes 0.0 of it"),
            _ => None,
        };
    }
    samples
}

/// The variables of all samples, by name.
pub fn variables() -> Value {
    samples().into_iter().map(|sample| (sample.name.to_owned(), sample.variable)).collect()
}
