//! The binary from outside, against a real Operaton: what only a real engine can prove.
//!
//! One engine serves all tests; each has a process and a topic of its own. The guests are built by
//! `cargo xtask guests`, the engine by `cargo xtask test`.

mod engine;
mod gate;
mod order;
mod survival;
mod work;
