//! The binary from outside, against two engines: a real Operaton, and the embedded engine, which must be like it.
//!
//! What needs no BPMN is one scenario and two tests, `…::embedded::RULE` and `…::operaton::RULE`. Without Java those of
//! the real engine are left out by name: `-- --skip operaton::`. One Operaton serves all tests; each has topics of its
//! own. Each test on the embedded engine has an engine of its own. The guests are built by `cargo xtask guests`, Operaton
//! by `cargo xtask test`.

mod calls;
mod contract;
mod doors;
mod engine;
mod failures;
mod filters;
mod gate;
mod messages;
mod model;
mod order;
mod outcomes;
mod survival;
mod tasks;
mod transcript;
mod work;
