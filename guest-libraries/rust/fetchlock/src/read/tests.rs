//! What becomes of each engine type in a field.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Bytes, Date, File, FileContent, Json, Object, Other, Transient, Value, Variables, Xml};

#[derive(Debug, PartialEq, Deserialize)]
struct One<T> {
    it: T,
}

/// Reads a variable into a field of this type.
fn read<T: DeserializeOwned>(value: impl Into<Value>) -> Result<T, String> {
    let variables = Variables::new().with("it", value);
    variables.read::<One<T>>().map(|one| one.it).map_err(|error| error.to_string())
}

fn assert_reads<T: DeserializeOwned + PartialEq + Debug>(value: impl Into<Value>, expected: T) {
    assert_eq!(read::<T>(value), Ok(expected));
}

fn every_value() -> Vec<Value> {
    let text = |text: &str| text.to_owned();
    vec![
        Value::Null(None),
        Value::Null(Some(text("String"))),
        Value::Boolean(true),
        Value::Short(-1),
        Value::Integer(i32::MAX),
        Value::Long((1 << 53) + 1),
        Value::Double(0.1),
        Value::Text(text("ä\u{1F600}")),
        Value::Date(Date { unix_millis: -1, offset_minutes: 345 }),
        Value::Bytes(vec![0, 255]),
        Value::File(File { content: FileContent::Stored(text("it")), ..File::new("a.xml", "") }),
        Value::Json(text("{ \"kept\":  1.0 }")),
        Value::Xml(text("<a/>")),
        Value::Object(Object { type_name: text("java.util.List"), format: text("x/y"), text: text("rO0") }),
        Value::Other(Other { type_name: text("Duration"), value: text("\"P1D\""), value_info: text("{}") }),
    ]
}

#[test]
fn a_field_of_type_value_takes_everything_as_it_is() {
    for value in every_value() {
        assert_reads(value.clone(), value);
    }
}

#[test]
fn a_map_of_values_and_variables_take_all_variables_as_they_are() {
    let all: Variables =
        every_value().into_iter().enumerate().map(|(at, value)| (format!("v{at:02}"), value)).collect();
    assert_eq!(all.read::<Variables>().as_ref(), Ok(&all));
    let map = all.read::<BTreeMap<String, Value>>().expect("a map");
    assert_eq!(map.into_values().collect::<Vec<_>>(), every_value());
}

#[test]
fn whole_numbers_are_read_from_each_type_that_fits() {
    for value in [Value::Short(7), Value::Integer(7), Value::Long(7)] {
        assert_reads(value.clone(), 7_i16);
        assert_reads(value.clone(), 7_i32);
        assert_reads(value.clone(), 7_i64);
        assert_reads(value.clone(), 7_u8);
        assert_reads(value.clone(), 7_u64);
        assert_reads(value, 7.0_f64);
    }
    assert_reads(i64::MIN, i64::MIN);
    assert_reads(i64::MAX, i64::MAX.unsigned_abs());
}

#[test]
fn a_number_out_of_range_is_told_with_the_range() {
    assert_eq!(
        read::<i32>(1_i64 << 31),
        Err("variable `it`: expected Integer, found 2147483648, which is not from -2147483648 to 2147483647".to_owned())
    );
    assert!(read::<u64>(-1).is_err_and(|error| error.contains("found -1, which is not from 0")));
    assert_eq!(
        read::<f64>((1_i64 << 53) + 1),
        Err("variable `it`: expected Double, found the Long 9007199254740993, which a Double cannot hold exactly"
            .to_owned())
    );
}

#[test]
fn a_long_is_read_into_a_float_if_that_holds_it_exactly() {
    for exact in [1 << 53, (1 << 53) + 2, 100_000_000_000_000_000, i64::MIN] {
        assert_reads(exact, exact as f64);
    }
    for between in [(1 << 53) + 1, -(1 << 53) - 1, 100_000_000_000_000_001, i64::MAX] {
        assert!(read::<f64>(between).is_err_and(|error| error.ends_with("which a Double cannot hold exactly")));
    }
}

#[test]
fn no_type_is_taken_for_another() {
    for (found, error) in [
        (read::<String>(7).err(), "variable `it`: expected String, found Integer"),
        (read::<String>(Value::Xml(String::new())).err(), "variable `it`: expected String, found Xml"),
        (read::<String>(Date::from_unix_millis(0)).map(drop).err(), "variable `it`: expected String, found Date"),
        (read::<bool>("true").map(drop).err(), "variable `it`: expected Boolean, found String"),
        (read::<i32>(7.0).map(drop).err(), "variable `it`: expected Integer, found Double"),
        (read::<f64>("7").map(drop).err(), "variable `it`: expected Double, found String"),
        (read::<Date>("2026-01-01T00:00:00Z").map(drop).err(), "variable `it`: expected Date, found String"),
        (read::<File>(Value::Bytes(vec![])).map(drop).err(), "variable `it`: expected File, found Bytes"),
        (read::<Bytes>("").map(drop).err(), "variable `it`: expected Bytes, found String"),
        (read::<Vec<i32>>("[]").map(drop).err(), "variable `it`: expected Json, found String"),
        (read::<Json<i32>>(7).map(drop).err(), "variable `it`: expected Json, found Integer"),
        (read::<i32>(Value::Null(None)).map(drop).err(), "variable `it`: expected Integer, found Null"),
    ] {
        assert_eq!(found.as_deref(), Some(error));
    }
}

#[test]
fn a_missing_variable_is_told_with_the_type_that_was_expected() {
    fn missing<T: DeserializeOwned + Debug>() -> String {
        Variables::new().read::<One<T>>().expect_err("it is missing").to_string()
    }
    assert_eq!(missing::<f64>(), "variable `it`: expected Double, found no such variable");
    assert_eq!(missing::<File>(), "variable `it`: expected File, found no such variable");
    assert_eq!(missing::<Vec<u8>>(), "variable `it`: expected Json, found no such variable");
    assert_eq!(missing::<Value>(), "variable `it`: expected Value, found no such variable");
}

#[test]
fn an_optional_field_may_be_missing_or_null() {
    assert_eq!(Variables::new().read::<One<Option<i32>>>(), Ok(One { it: None }));
    assert_reads(Value::Null(None), None::<File>);
    assert_reads(7, Some(7));
}

#[test]
fn json_is_read_into_the_declared_type() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        sku: String,
        at: Date,
        rest: Value,
    }
    let text = r#"[{"sku": "cup", "at": "2026-01-01T00:00:00+01:00", "rest": 5000000000}]"#;
    let item = Item {
        sku: "cup".to_owned(),
        at: Date { unix_millis: 1_767_222_000_000, offset_minutes: 60 },
        rest: Value::Long(5_000_000_000),
    };
    assert_reads(Value::Json(text.to_owned()), vec![item]);
    assert_reads(Value::Json("7".to_owned()), 7);
    assert_reads(Value::Json("\"a\"".to_owned()), "a".to_owned());
    assert_reads(Value::Json("7".to_owned()), Json(7));
    assert_eq!(
        read::<Vec<i32>>(Value::Json("[1".to_owned())),
        Err("variable `it`: the Json does not fit: EOF while parsing a list at line 1 column 2".to_owned())
    );
}

#[test]
fn an_object_is_read_if_it_is_serialised_as_json() {
    let object = |format: &str| Object {
        type_name: "java.util.ArrayList".to_owned(),
        format: format.to_owned(),
        text: "[1, 2]".to_owned(),
    };
    assert_reads(object("application/json"), vec![1, 2]);
    assert_eq!(
        read::<Vec<i32>>(object("application/x-java-serialized-object")),
        Err("variable `it`: expected Json, found Object".to_owned())
    );
}

#[test]
fn enums_bytes_and_newtypes_are_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(i64);
    assert_reads("red", Colour::Red);
    assert_eq!(read::<Colour>("blue"), Err("variable `it`: unknown variant `blue`, expected `red`".to_owned()));
    assert_reads(Value::Bytes(vec![1, 2]), vec![1_u8, 2]);
    assert_reads(7, Id(7));
    assert_reads(7, Transient(7));
    assert_reads(Value::Xml("<a/>".to_owned()), Xml("<a/>".to_owned()));
}

#[test]
fn types_that_are_read_from_a_text_are_read_from_a_date() {
    #[derive(Debug, PartialEq)]
    struct OfLibrary(String);
    impl<'de> Deserialize<'de> for OfLibrary {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl serde::de::Visitor<'_> for Visitor {
                type Value = OfLibrary;
                fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str("a date")
                }
                fn visit_str<E>(self, text: &str) -> Result<OfLibrary, E> {
                    Ok(OfLibrary(text.to_owned()))
                }
            }
            deserializer.deserialize_str(Visitor)
        }
    }
    assert_reads(Date::from_unix_millis(0), OfLibrary("1970-01-01T00:00:00.000+00:00".to_owned()));
}

#[test]
fn flattened_fields_and_defaults_are_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(default = "seven")]
        absent: i32,
        #[serde(flatten)]
        inner: One<i32>,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    fn seven() -> i32 {
        7
    }
    let variables = Variables::new().with("it", 1).with("other", Value::Json("[1]".to_owned()));
    let rest = BTreeMap::from([("other".to_owned(), serde_json::json!([1]))]);
    assert_eq!(variables.read::<Outer>(), Ok(Outer { absent: 7, inner: One { it: 1 }, rest }));
}
