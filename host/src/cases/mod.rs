//! Cases: what a handler is to do with a given task, written in files beside its plugin, and run in the sandbox of
//! production without an engine, a network or a clock.
//!
//! `file` reads a case, `fake` answers what the handler asks, `run` runs it, `compare` tells what differs, `update`
//! writes what was found into the file, and `report` tells it all.

mod asked;
mod case;
mod compare;
mod expected;
mod fake;
mod file;
mod observed;
mod report;
mod run;
mod same;
mod update;
mod write;

pub use self::{
    asked::{Answer, Asked, Made},
    case::{Case, Canned},
    compare::compare,
    expected::{AfterDecision, Expect, OutcomeName, ValuePattern, TextPattern},
    observed::{Afterwards, Observed, Seen},
    report::{Format, Report, Verdict},
    run::run,
};
