//! Go: its garbage collector must never run while the host asks for memory, and must run otherwise.
//!
//! Upstream's runtime ends an instance after about a thousand calls, and after one with a large variable: see
//! `guest-libraries/go/fetchlock/internal/guard`.

use crate::warm::{Warm, types::Value};

/// The guest that passes everything on.
const ECHO: &str = "echo-go";

/// The guest that loads a variable again and again.
const LOADING: &str = "loading-go";

/// Far more than the collector needs to come to its end in the wrong moment.
const CALLS: usize = 20_000;

/// Calls with a large variable.
const LARGE_CALLS: usize = 300;

/// The size of a large variable.
const LARGE: usize = 8_000_000;

const MIB: usize = 1 << 20;

/// Each call leaves some ten kilobytes behind, all of them a few hundred megabytes.
const MEMORY_OF_SMALL_CALLS: usize = 32 * MIB;

/// A large variable, its copy for the answer, and as much again until the collector has been there.
const MEMORY_OF_LARGE_CALLS: usize = 96 * MIB;

#[test]
fn a_warm_go_instance_serves_thousands_of_calls_in_little_memory() {
    let mut warm = Warm::new(ECHO);
    let given = [
        ("amount", Value::Double(42.5)),
        ("customer", Value::Text("Ada".repeat(50))),
        ("empty", Value::Text(String::new())),
        ("nothing", Value::Null(Some("String".into()))),
        ("order", Value::Json(r#"{"lines":[1,2,3]}"#.repeat(10))),
        ("picture", Value::Bytes(vec![7; 1000])),
        ("none", Value::Bytes(Vec::new())),
    ];
    for _ in 0..CALLS {
        warm.echoes(&given);
    }
    assert!(warm.memory() < MEMORY_OF_SMALL_CALLS, "{} MiB are used", warm.memory() / MIB);
}

#[test]
fn a_warm_go_instance_serves_large_variables_in_bounded_memory() {
    let mut warm = Warm::new(ECHO);
    for index in 0..LARGE_CALLS {
        let text = char::from(b'a' + u8::try_from(index % 26).expect("a letter")).to_string().repeat(LARGE);
        warm.echoes(&[("document", Value::Text(text))]);
    }
    assert!(warm.memory() < MEMORY_OF_LARGE_CALLS, "{} MiB are used", warm.memory() / MIB);
}

#[test]
fn what_a_go_handler_lets_go_of_is_collected_while_it_runs() {
    let mut warm = Warm::new(LOADING);
    let times = i32::try_from(LARGE_CALLS).expect("a small number");
    let completed = warm.call(&[("document", Value::Bytes(vec![7; LARGE])), ("times", Value::Integer(times))]);
    let loaded = i64::try_from(LARGE * LARGE_CALLS).expect("a size");
    assert_eq!(completed, [("loaded".to_owned(), Value::Long(loaded))]);
    assert!(warm.memory() < MEMORY_OF_LARGE_CALLS, "{} MiB are used", warm.memory() / MIB);
}
