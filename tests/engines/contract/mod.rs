//! The contract of the external-task interface: raw requests and their answers, on the embedded engine and a real one.
//!
//! Each theme is one talk. What is said in it stands in `snapshots/`, was recorded from Operaton (by
//! `INSTA_UPDATE=always cargo test -p fetchlock --test engines contract:: -- --skip embedded::`), and must be said by
//! both engines. Where the embedded one may differ from a real one, the reason stands beside the case
//! ([`talk::Unlike`]); where other real engines differ from Operaton on H2, in [`differences`].

mod differences;
mod fetching;
mod history;
mod messages;
mod outcomes;
mod polls;
mod queries;
mod requests;
mod scopes;
mod talk;
mod values;
