//! What becomes of each Rust type.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Bytes, Date, File, Json, Object, Other, Transient, Value, Variable, Variables, Xml};

#[derive(Serialize)]
struct One<T> {
    it: T,
}

/// The variable that a field becomes.
fn written<T: Serialize>(it: T) -> Result<Variable, String> {
    let variables = Variables::of(&One { it }).map_err(|error| error.to_string())?;
    variables.into_iter().next().ok_or_else(|| "none".to_owned())
}

fn assert_writes(it: impl Serialize, value: Value) {
    assert_eq!(written(it), Ok(Variable { name: "it".to_owned(), value, transient: false }));
}

#[test]
fn each_type_becomes_its_engine_type() {
    assert_writes(true, Value::Boolean(true));
    assert_writes(7_i16, Value::Short(7));
    assert_writes(7_i32, Value::Integer(7));
    assert_writes(7_i64, Value::Long(7));
    assert_writes(7_u64, Value::Long(7));
    assert_writes(0.5, Value::Double(0.5));
    assert_writes("a", Value::Text("a".to_owned()));
    assert_writes(None::<i32>, Value::Null(None));
    assert_writes(Some("a"), Value::Text("a".to_owned()));
    assert_writes([1, 2], Value::Json("[1,2]".to_owned()));
    assert_writes(One { it: "a" }, Value::Json(r#"{"it":"a"}"#.to_owned()));
    assert_writes(Some(vec![One { it: 1 }]), Value::Json(r#"[{"it":1}]"#.to_owned()));
}

#[test]
fn special_types_become_what_they_are() {
    let date = Date { unix_millis: 0, offset_minutes: 60 };
    let file = File::new("a.txt", "a");
    let object = Object { type_name: "T".to_owned(), format: "f".to_owned(), text: "t".to_owned() };
    let other = Other { type_name: "T".to_owned(), value: "1".to_owned(), value_info: "{}".to_owned() };
    assert_writes(date, Value::Date(date));
    assert_writes(Some(file.clone()), Value::File(file));
    assert_writes(&object, Value::Object(object.clone()));
    assert_writes(&other, Value::Other(other.clone()));
    assert_writes(Bytes(vec![1]), Value::Bytes(vec![1]));
    assert_writes(Xml("<a/>".to_owned()), Value::Xml("<a/>".to_owned()));
    assert_writes(Json(7), Value::Json("7".to_owned()));
    assert_writes(Json(None::<i32>), Value::Json("null".to_owned()));
    assert_writes(Value::Null(Some("String".to_owned())), Value::Null(Some("String".to_owned())));
    assert_writes(Value::Short(7), Value::Short(7));
}

#[test]
fn a_transient_value_says_so() {
    let transient = |value| Ok(Variable { name: "it".to_owned(), value, transient: true });
    assert_eq!(written(Transient(7)), transient(Value::Integer(7)));
    assert_eq!(written(Transient(vec![1])), transient(Value::Json("[1]".to_owned())));
    assert_eq!(written(Transient(Value::Long(7))), transient(Value::Long(7)));
}

#[test]
fn inside_of_json_special_types_are_what_is_natural_there() {
    let inside = (Date::from_unix_millis(0), Xml("<a/>".to_owned()), Value::Long(7), Value::Json("[1]".to_owned()));
    assert_writes(inside, Value::Json(r#"["1970-01-01T00:00:00.000+00:00","<a/>",7,[1]]"#.to_owned()));
    assert_eq!(
        written([File::new("a.txt", "a")]),
        Err("variable `it`: a File is a variable of its own; it cannot be inside of Json".to_owned())
    );
    // And the next one is not mixed up with it.
    assert_writes(File::new("b.txt", "b"), Value::File(File::new("b.txt", "b")));
}

#[test]
fn what_the_engine_cannot_hold_is_told() {
    assert_eq!(written(u64::MAX), Err("variable `it`: 18446744073709551615 does not fit a Long".to_owned()));
    assert_eq!(
        Variables::of(&7).map_err(|error| error.to_string()),
        Err("expected a struct or a map of variables".to_owned())
    );
}

#[test]
fn maps_variables_and_nothing_are_lists_of_variables() {
    let map = BTreeMap::from([("a", 1), ("b", 2)]);
    assert_eq!(Variables::of(&map), Ok(Variables::new().with("a", 1).with("b", 2)));
    let mut variables = Variables::new().with("a", 1);
    variables.add(Variable { name: "b".to_owned(), value: Value::Long(2), transient: true });
    assert_eq!(Variables::of(&variables), Ok(variables));
    assert_eq!(Variables::of(&()), Ok(Variables::new()));
}
