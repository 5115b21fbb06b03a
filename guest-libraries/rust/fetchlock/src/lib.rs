//! Handlers of Fetchlock, which runs the external tasks of a BPMN engine in sandboxed WebAssembly components.
//!
//! A handler is one function. Its arguments are the variables of the task, as a struct, and the [`Task`] itself if it is
//! wanted; what it returns becomes of the task.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     amount: f64,
//!     customer: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Approval {
//!     approved: bool,
//!     message: String,
//! }
//!
//! #[fetchlock::handler]
//! fn handle(order: Order) -> fetchlock::Result<Approval> {
//!     let limit: f64 = fetchlock::config::parse("limit")?.unwrap_or(1_000.0);
//!     if order.amount > limit {
//!         let message = format!("{} is more than {limit}", order.amount);
//!         return Err(fetchlock::BpmnError::new("TOO_MUCH", message).into());
//!     }
//!     Ok(Approval { approved: true, message: format!("Thank you, {}", order.customer) })
//! }
//! # fn main() {}
//! ```
//!
//! | a handler returns | what becomes of the task |
//! |---|---|
//! | `Ok` of a struct or a map | it is completed with these variables |
//! | `Ok(())` | it is completed |
//! | `Ok` of an [`Outcome`] | what that says: local variables, unlock, hand-off |
//! | `Err` of a [`BpmnError`], through `?` or `into()` | it ends with a business error |
//! | `Err` of a [`Failure`], through `?` or `into()` | it fails, with the retries that this asks for |
//! | `Err` of any other error, through `?` | it fails under the retry policy; message and causes are reported |
//!
//! # Variables
//!
//! Fields are found by their names (`#[serde(rename_all = "camelCase")]` for those of Java), and only those are asked
//! for. A field of type `Option` may be missing or null; any other is required. What is missing or of another type is a
//! failure that names variable, expected and found type.
//!
//! | in a struct | engine type |
//! |---|---|
//! | `bool` | `Boolean` |
//! | `i8`, `u8`, `i16` | `Short`, and read from any whole number in the range |
//! | `i32`, `u16` | `Integer`, and read so |
//! | `i64`, `u32`, `u64` | `Long`, and read so |
//! | `f64`, `f32` | `Double`, and read from any number that it holds exactly |
//! | `String`, an enum without fields | `String` |
//! | [`Date`] | `Date`; types of `jiff`, `chrono` and `time` are read from it too |
//! | [`Bytes`] | `Bytes` |
//! | [`File`] | `File`, not loaded before [`File::load`] |
//! | structs, lists, maps, [`Json`] | `Json`, and read from an `Object` that is serialised as JSON |
//! | [`Xml`], [`Object`], [`Other`] | these |
//! | `Option` | `Null` if it is none |
//! | [`Value`] | any, exactly as it is |
//! | [`Transient`] of any of these | the same, not stored by the engine |
//!
//! # Tests
//!
//! A handler, and what it calls, are functions: `cargo test` runs them on this machine. There nobody answers what they
//! ask of the host (settings, files, HTTP): such a call panics and says what to do. The crate `fetchlock-test` runs the
//! component itself, against a fake host that answers what the test says; so does `fetchlock test` with case files.
//!
//! # Logging
//!
//! The macros of the crate [`log`] write to the host's log, with fields:
//! `log::info!(amount, customer:?; "checked")`.

// The attribute writes `::fetchlock`, here too.
#[allow(unused_extern_crates, reason = "only in a component and in tests")]
extern crate self as fetchlock;

mod date;
mod error;
mod file;
#[cfg(target_family = "wasm")]
mod logger;
mod outcome;
mod read;
mod running;
mod special;
mod task;
mod types;
mod value;
mod write;

pub mod config;
pub mod engine;
#[doc(hidden)]
pub mod glue;
mod host;
pub mod http;
pub mod variables;

/// Makes a function the handler of this component. It takes nothing, the variables, the [`Task`], or both in any order,
/// and returns a [`Result`] of [what becomes of the task](crate#).
pub use fetchlock_macros::handler;
pub use log;

/// The contract's bindings, for what this library does not offer. Only in a component.
#[cfg(target_family = "wasm")]
pub use self::host::bindings as raw;
pub use self::{
    date::{Date, DateError},
    error::{Error, Result},
    file::{File, FileContent},
    outcome::{BpmnError, Completion, Failure, IntoOutcome, Outcome, Retry},
    running::{LockError, ProgressError, extend_lock, set_local_progress, set_progress},
    task::Task,
    types::{Bytes, Json, Transient, Xml},
    value::{Object, Other, Value},
    variables::{LoadError, Variable, VariableError, Variables},
};
