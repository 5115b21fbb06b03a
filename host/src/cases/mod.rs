//! Cases: what a handler is to do with a given task, written in files beside its plugin, and run in the sandbox of
//! production without an engine, a network or a clock.
//!
//! `file` reads a case, `fake` answers what the handler asks, `run` runs it, `compare` tells what differs, `update`
//! writes what was found into the file, and `report` tells it all.

mod alone;
mod asked;
mod case;
pub mod case_lines;
mod compare;
mod expected;
mod fake;
pub mod file;
mod gate;
mod json;
mod observed;
mod record;
mod report;
mod run;
mod same;
mod suite;
mod update;
mod world;
mod write;

pub use self::{
    alone::{NoHttp, run_alone},
    asked::{Answer, Asked, Made},
    case::{Canned, Case, Wanted, WantedMessage},
    compare::{Comparison, compare},
    expected::{AfterDecision, Body, Expect, ExpectedLine, OutcomeName, TextPattern, ValuePattern},
    fake::CallProblem,
    gate::CaseGate,
    observed::{Afterwards, Observed, Seen},
    record::{Outside, RecordOptions, RecordWhat, Recorder, RecorderError, Recording},
    report::{Report, Told, Verdict, calls_json, lines_json, log_line, seen_json},
    run::{NotRun, run},
    suite::{Aim, name_of, run_all},
    update::{NotUpdated, update},
};
