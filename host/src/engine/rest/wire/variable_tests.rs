//! Every type there and back, at its extremes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{decode, encode};
use crate::value::{File, FileContent, Object, Other, Value, Variable, Variables, odd_values};

fn decode(wire: &str) -> Result<Variable, String> {
    let body = format!(r#"{{"it":{wire}}}"#);
    let map: BTreeMap<String, &RawValue> = serde_json::from_str(&body).expect("JSON");
    decode::variables(&map).map(|mut variables| variables.remove("it").expect("the variable"))
}

fn encode(variable: &Variable) -> Result<String, String> {
    let variables = Variables::from([("it".to_owned(), variable.clone())]);
    let encoded = encode::variables(&variables)?;
    Ok(serde_json::to_string(&encoded["it"]).expect("JSON"))
}

fn sent(value: Value) -> String {
    encode(&value.into()).expect("can be sent")
}

fn refused(value: Value) -> String {
    encode(&value.into()).expect_err("cannot be sent")
}

fn there_and_back(value: Value) {
    let wire = sent(value.clone());
    assert_eq!(decode(&wire), Ok(Variable::from(value)), "{wire}");
}

#[test]
fn numbers_keep_their_type_and_every_bit() {
    for value in [
        Value::Short(i16::MIN),
        Value::Short(i16::MAX),
        Value::Integer(i32::MIN),
        Value::Integer(i32::MAX),
        Value::Long(i64::MIN),
        Value::Long(9_007_199_254_740_993),
        Value::Long(i64::MAX),
        Value::Double(5E-324),
        Value::Double(f64::MAX),
        Value::Double(f64::MIN_POSITIVE),
        Value::Double(0.1 + 0.2),
        Value::Double(1E16),
        Value::Double(3.0),
    ] {
        there_and_back(value);
    }
    // Compared by sign, for -0.0 == 0.0.
    let wire = sent(Value::Double(-0.0));
    assert_eq!(wire, r#"{"type":"Double","value":-0.0}"#);
    assert!(matches!(decode(&wire), Ok(Variable { value: Value::Double(it), .. }) if it.is_sign_negative()));
    // As Java writes the smallest.
    let smallest = decode(r#"{"type":"Double","value":4.9E-324,"valueInfo":{}}"#);
    assert_eq!(smallest, Ok(Value::Double(5E-324).into()));
    assert_eq!(sent(Value::Long(9_007_199_254_740_993)), r#"{"type":"Long","value":9007199254740993}"#);
    assert_eq!(sent(Value::Double(3.0)), r#"{"type":"Double","value":3.0}"#);
}

#[test]
fn texts_booleans_and_bytes() {
    for value in [
        Value::Boolean(true),
        Value::Boolean(false),
        Value::String(String::new()),
        Value::String("h\u{e9}llo \"\\\u{0}\n\u{1f600}\u{2028}".into()),
        Value::Json(r#"{"a":[1,2,{"b":null}],"n":1.0000000000000000001}"#.into()),
        Value::Xml("<a><b c=\"1\"/></a>".into()),
        Value::Bytes(vec![].into()),
        Value::Bytes((0..=255).collect::<Vec<u8>>().into()),
    ] {
        there_and_back(value);
    }
    // As recorded.
    assert_eq!(
        decode(r#"{"type":"Bytes","value":"AAFoaQ==","valueInfo":{}}"#),
        Ok(Value::Bytes(b"\0\x01hi"[..].into()).into())
    );
    assert_eq!(sent(Value::Json("[]".into())), r#"{"type":"Json","value":"[]"}"#);
}

#[test]
fn dates_keep_their_offset_up_to_the_end_of_time() {
    let wire = r#"{"type":"Date","value":"2013-01-23T14:42:45.000+0200","valueInfo":{}}"#;
    let variable = decode(wire).expect("a date");
    let Value::Date(date) = variable.value else { panic!("a date") };
    assert_eq!((date.unix_millis(), date.offset_minutes()), (1_358_944_965_000, 120));
    assert_eq!(encode(&variable).as_deref(), Ok(r#"{"type":"Date","value":"2013-01-23T14:42:45.000+0200"}"#));

    // The usual "for ever", as engines here, further west and further east write it.
    for end in ["9999-12-31T23:59:59.999+0000", "9999-12-31T23:59:59.999-1200", "10000-01-01T00:59:59.999+0100"] {
        let wire = format!(r#"{{"type":"Date","value":"{end}"}}"#);
        let variable = decode(&wire).expect("kept");
        assert!(matches!(variable.value, Value::Date(_)), "{end}");
        assert_eq!(encode(&variable), Ok(wire));
    }
    // A date that another engine writes in a form of its own.
    let odd = r#"{"type":"Date","value":"2026-11-21T10:11:12+0100"}"#;
    let variable = decode(odd).expect("kept");
    assert!(matches!(variable.value, Value::Other(_)));
    assert_eq!(encode(&variable).as_deref(), Ok(odd));
}

#[test]
fn nulls_keep_the_type_of_what_is_missing() {
    for (wire, value) in [
        (r#"{"type":"Null","value":null}"#, Value::Null(None)),
        (r#"{"type":"String","value":null}"#, Value::Null(Some("String".into()))),
        (r#"{"type":"Bytes","value":null}"#, Value::Null(Some("Bytes".into()))),
        (r#"{"type":"Custom","value":null}"#, Value::Null(Some("Custom".into()))),
    ] {
        assert_eq!(decode(wire), Ok(value.clone().into()));
        assert_eq!(sent(value), wire);
    }
    assert_eq!(decode(r#"{"value":null}"#), Ok(Value::Null(None).into()));
    // The engine has no serialiser for an object without a format, not even for none.
    let object = Value::Null(Some("Object".into()));
    assert_eq!(decode(r#"{"type":"Object","value":null,"valueInfo":{}}"#), Ok(object.clone().into()));
    let wire = r#"{"type":"Object","value":null,"valueInfo":{"serializationDataFormat":"application/json"}}"#;
    assert_eq!(sent(object.clone()), wire);
    assert_eq!(decode(wire), Ok(object.into()));
    // A null that knows its class.
    let wire = r#"{"type":"Object","value":null,"valueInfo":{"objectTypeName":"a.B"}}"#;
    assert_eq!(encode(&decode(wire).expect("kept")).as_deref(), Ok(wire));
}

#[test]
fn a_file_of_a_fetch_is_stored_and_one_to_send_has_its_content() {
    let stored = decode(r#"{"type":"File","value":null,"valueInfo":{"encoding":"utf-8","filename":"a.txt"}}"#);
    let file = File {
        filename: "a.txt".into(),
        mime_type: None,
        encoding: Some("utf-8".into()),
        content: FileContent::Stored("it".into()),
    };
    assert_eq!(stored, Ok(Value::File(file.clone()).into()));
    insta::assert_snapshot!(refused(Value::File(file.clone())), @"the variable `it` of type File: expected its content, found it still in the engine's variable `it`, to be downloaded first");

    let whole = File {
        mime_type: Some("text/plain".into()),
        content: FileContent::Bytes(b"file body"[..].into()),
        ..file.clone()
    };
    insta::assert_snapshot!(sent(Value::File(whole.clone())), @r#"{"type":"File","value":"ZmlsZSBib2R5","valueInfo":{"filename":"a.txt","mimeType":"text/plain","encoding":"utf-8"}}"#);
    there_and_back(Value::File(whole.clone()));
    insta::assert_snapshot!(refused(Value::File(File { filename: String::new(), ..whole })), @"the variable `it` of type File: expected a filename, found none");
    insta::assert_snapshot!(refused(Value::Null(Some("File".into()))), @"the variable `it` of type File: expected a file or a null of another type, found null: the engine has no null files");
    insta::assert_snapshot!(decode(r#"{"type":"File","value":null,"valueInfo":{}}"#).expect_err("no name"), @"the variable `it` of type File cannot be understood: expected a filename in valueInfo, found none");
}

#[test]
fn objects_keep_class_and_format() {
    let wire = concat!(
        r#"{"type":"Object","value":"{\"k\":1}","#,
        r#""valueInfo":{"objectTypeName":"java.util.LinkedHashMap","serializationDataFormat":"application/json"}}"#
    );
    let object = Value::Object(Object {
        type_name: "java.util.LinkedHashMap".into(),
        format: "application/json".into(),
        text: r#"{"k":1}"#.into(),
    });
    assert_eq!(decode(wire), Ok(object.clone().into()));
    assert_eq!(sent(object), wire);
    // Deserialised by an engine that was asked not to.
    let odd = r#"{"type":"Object","value":{"k":1},"valueInfo":{"objectTypeName":"a.B"}}"#;
    assert_eq!(encode(&decode(odd).expect("kept")).as_deref(), Ok(odd));
}

#[test]
fn unknown_types_pass_unharmed() {
    let wire = r#"{"type":"Money","value":{"amount": 1.10, "big":123456789012345678901234567890},"valueInfo":{"currency":"EUR","n":1.0}}"#;
    let variable = decode(wire).expect("kept");
    assert_eq!(
        variable.value,
        Value::Other(Other {
            type_name: "Money".into(),
            value: r#"{"amount": 1.10, "big":123456789012345678901234567890}"#.into(),
            value_info: r#"{"currency":"EUR","n":1.0}"#.into(),
        })
    );
    assert_eq!(encode(&variable).as_deref(), Ok(wire));

    let other = |value: &str, info: &str| {
        Value::Other(Other { type_name: "Money".into(), value: value.into(), value_info: info.into() })
    };
    for info in ["", "null", "{}"] {
        assert_eq!(sent(other("1", info)), r#"{"type":"Money","value":1}"#);
    }
    insta::assert_snapshot!(refused(other("{", "{}")), @"the variable `it` of type Money: expected JSON as its value: EOF while parsing an object at line 1 column 1");
    insta::assert_snapshot!(refused(other("1", "[]")), @"the variable `it` of type Money: expected a JSON object or null as its valueInfo: invalid type: sequence, expected a map at line 1 column 0");
}

#[test]
fn exactly_what_a_handler_may_decide_with_can_be_written() {
    for (value, is_sendable) in odd_values() {
        assert_eq!(encode(&value.clone().into()).is_ok(), is_sendable, "{value:?}");
    }
}

#[test]
fn the_transient_flag_goes_both_ways() {
    let transient = |value| Variable { value, transient: true };
    for (variable, wire) in [
        (transient(Value::Integer(1)), r#"{"type":"Integer","value":1,"valueInfo":{"transient":true}}"#),
        (transient(Value::Null(None)), r#"{"type":"Null","value":null,"valueInfo":{"transient":true}}"#),
        (
            transient(Value::Null(Some("String".into()))),
            r#"{"type":"String","value":null,"valueInfo":{"transient":true}}"#,
        ),
    ] {
        assert_eq!(encode(&variable).as_deref(), Ok(wire));
        assert_eq!(decode(wire), Ok(variable));
    }
    let other = transient(Value::Other(Other {
        type_name: "Money".into(),
        value: "1".into(),
        value_info: r#"{"a":1}"#.into(),
    }));
    let wire = r#"{"type":"Money","value":1,"valueInfo":{"a":1,"transient":true}}"#;
    assert_eq!(encode(&other).as_deref(), Ok(wire));
    // The variable's own flag counts, so that a handler can keep what came in as transient.
    let mut kept = decode(wire).expect("kept");
    kept.transient = false;
    assert_eq!(encode(&kept).as_deref(), Ok(r#"{"type":"Money","value":1,"valueInfo":{"a":1}}"#));
}

#[test]
fn numbers_that_json_does_not_have_are_read_and_refused() {
    for (text, expected) in [("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)] {
        let variable = decode(&format!(r#"{{"type":"Double","value":"{text}"}}"#));
        assert_eq!(variable, Ok(Value::Double(expected).into()));
    }
    assert!(
        matches!(decode(r#"{"type":"Double","value":"NaN"}"#), Ok(Variable { value: Value::Double(it), .. }) if it.is_nan())
    );
    insta::assert_snapshot!(refused(Value::Double(f64::NAN)), @"the variable `it` of type Double: expected a finite number, found NaN");
    insta::assert_snapshot!(refused(Value::Double(f64::NEG_INFINITY)), @"the variable `it` of type Double: expected a finite number, found -inf");
}

#[test]
fn what_is_not_understood_names_variable_type_expectation_and_finding() {
    let error = |wire: &str| decode(wire).expect_err("not understood");
    insta::assert_snapshot!(error(r#"{"type":"Short","value":32768}"#), @"the variable `it` of type Short cannot be understood: expected a whole number from -32768 to 32767, found 32768");
    insta::assert_snapshot!(error(r#"{"type":"Integer","value":"abc"}"#), @r#"the variable `it` of type Integer cannot be understood: expected a whole number from -2147483648 to 2147483647, found "abc""#);
    insta::assert_snapshot!(error(r#"{"type":"Integer","value":5.0}"#), @"the variable `it` of type Integer cannot be understood: expected a whole number from -2147483648 to 2147483647, found 5.0");
    insta::assert_snapshot!(error(r#"{"type":"Long","value":9223372036854775808}"#), @"the variable `it` of type Long cannot be understood: expected a whole number from -9223372036854775808 to 9223372036854775807, found 9223372036854775808");
    insta::assert_snapshot!(error(r#"{"type":"Double","value":1E999}"#), @"the variable `it` of type Double cannot be understood: expected a number, found 1E999");
    insta::assert_snapshot!(error(r#"{"type":"Boolean","value":1}"#), @"the variable `it` of type Boolean cannot be understood: expected true or false, found 1");
    insta::assert_snapshot!(error(r#"{"type":"Json","value":{"a":1}}"#), @r#"the variable `it` of type Json cannot be understood: expected a JSON document in a text, found {"a":1}"#);
    insta::assert_snapshot!(error(r#"{"type":"Bytes","value":"@@"}"#), @r#"the variable `it` of type Bytes cannot be understood: expected bytes in base64, found "@@""#);
    insta::assert_snapshot!(error(r#"{"type":"Date","value":"yesterday\n"}"#), @r#"the variable `it` of type Date cannot be understood: expected a date like 2026-11-21T10:11:12.345+0100, found "yesterday\n""#);
    insta::assert_snapshot!(error(r#"{"type":"Null","value":1}"#), @"the variable `it` of type Null cannot be understood: expected null, found 1");
    insta::assert_snapshot!(error(r#"{"value":1}"#), @"the variable `it` cannot be understood: expected a type, found none");
    insta::assert_snapshot!(error("7"), @"the variable `it` cannot be understood: expected an object with type, value and valueInfo, found 7");
    insta::assert_snapshot!(error(r#"{"type":"String","value":"a","valueInfo":[]}"#), @"the variable `it` of type String cannot be understood: expected an object as valueInfo, found []");
    let long = error(&format!(r#"{{"type":"Integer","value":"{}"}}"#, "x".repeat(10_000)));
    assert!(long.len() < 300, "{long}");
}
