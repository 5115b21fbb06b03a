//! Fetchlock runs the external tasks of a BPMN engine as sandboxed WebAssembly components.
//!
//! The way of a task: [`worker`] polls the [`engine`], runs the handler of the task's topic in the [`sandbox`], makes
//! the decided [`outcome`] durable in the [`journal`] and delivers it. [`plugins`] keeps the handlers up to date,
//! [`service`] puts the parts together, and [`commands`] is the binary. [`project`] is where handlers come from.
#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod cases;
pub(crate) mod certificates;
pub mod commands;
pub(crate) mod data_file;
pub mod engine;
pub(crate) mod file_events;
pub mod foreign;
pub mod grant;
pub(crate) mod header;
pub mod journal;
pub mod outcome;
pub mod plugins;
pub(crate) mod process_group;
pub mod project;
pub mod reference;
pub mod retry;
pub mod sandbox;
pub mod secret;
pub mod service;
pub mod setting_key;
pub mod settings;
pub mod status;
pub mod task;
pub mod telemetry;
pub mod value;
pub mod work;
pub mod worker;
