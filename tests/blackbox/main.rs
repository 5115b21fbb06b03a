//! The binary from outside, against a scripted engine: no Java, every fault on demand.
//!
//! The guests that it runs are built by `cargo xtask guests`.

mod bad_input;
mod broken;
mod build;
mod call;
mod cases;
mod check;
mod delivery;
mod dev;
mod engine_calls;
mod engines;
mod errors;
mod filters;
mod flow;
mod http;
mod locks;
mod logins;
mod new;
mod outcomes;
mod project_cases;
mod record;
mod reload;
mod reuse;
mod rhythm;
mod sandbox;
mod scene;
mod secrets;
mod shutdown;
mod status;
mod tasks;
mod tool;
mod watching;
mod workplace;
