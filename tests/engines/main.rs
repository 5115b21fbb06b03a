//! The binary from outside, against two engines: a real one, and the embedded engine, which must be like it.
//!
//! What needs no BPMN is one scenario and two tests, `…::embedded::RULE` and `…::real::RULE`; what needs it is a test of
//! the latter name. Without Java those of the real engine are left out by name: `-- --skip real::`. One real engine
//! serves all tests; each has topics of its own. It is Operaton, or what `FETCHLOCK_TEST_ENGINE` names (`set_up` has the
//! names); `cargo xtask conformance` runs all, and `capabilities.toml` says which test shows what. Each test on the
//! embedded engine has an engine of its own. The guests are built by `cargo xtask guests`, Operaton by
//! `cargo xtask test`.

mod bpmn;
mod calls;
mod contract;
mod decisions;
mod doors;
mod engine;
mod errors;
mod failures;
mod filters;
mod gate;
mod instances;
mod languages;
mod locks;
mod messages;
mod order;
mod set_up;
mod survival;
mod tasks;
mod transcript;
mod work;
