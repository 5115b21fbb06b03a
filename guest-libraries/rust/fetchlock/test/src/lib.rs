//! Runs a Fetchlock plugin in a `cargo test`, against a fake host: the component itself, in the sandbox of production,
//! with the task, the answers, the clock and the random numbers that the test gives. Without an engine and a network.
//!
//! ```no_run
//! use fetchlock_test::{Call, Case, json};
//!
//! #[test]
//! # fn test() {}
//! fn a_rate_is_asked_for() {
//!     let ran = Case::of_project()
//!         .variable("amount", 42)
//!         .variable("order", json(r#"{"items": []}"#))
//!         .config("limit", "1000")
//!         .calls(Call::http("GET https://api.example.com/rates").status(200).json(r#"{"rate": 1.2}"#))
//!         .run();
//!     assert_eq!(ran.outcome, "complete");
//!     assert_eq!(ran.value("approved"), true);
//!     assert!(ran.has_logged("info", "checked"));
//! }
//! ```
//!
//! It drives the program `fetchlock`, which it finds in `PATH` or where the variable `FETCHLOCK` says. What the handler
//! calls and the test does not foresee fails the test and is told with what was asked.

mod call;
mod case;
mod program;
mod ran;
mod value;

pub use toml;

pub use self::{
    call::Call,
    case::Case,
    program::TestError,
    ran::{Line, Ran, Variable},
    value::{Given, bytes, date, double, file, json, long, null, object, short, xml},
};
