//! The gate before a new version of a plugin: it serves only if it does what the cases beside it expect.

use tokio_util::sync::CancellationToken;

use super::{
    report::{Report, Told},
    suite::{Aim, judge},
};
use crate::{
    plugins::{CaseText, Gate, Plugin, Why},
    sandbox::Sandbox,
};

/// Runs cases one after the other: the host has work to do beside.
pub struct CaseGate;

impl Gate for CaseGate {
    fn judge(
        &self,
        sandbox: &Sandbox,
        plugin: &Plugin,
        cases: &[CaseText],
        cancel: &CancellationToken,
    ) -> Result<(), Why> {
        let run = |case: &CaseText| judge(sandbox, plugin, case, Aim::Compare, cancel);
        let failed: Vec<Told> = cases.iter().map(run).filter(|told| !told.passed()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let of = |told: &Told| format!("{}: {}", told.name, told.problems().join("; "));
        let problems = failed.iter().map(of).collect::<Vec<_>>().join("; ");
        let (count, report) = (failed.len(), Report { cases: failed, problems: Vec::new() });
        Err(Why::Cases { failed: count, all: cases.len(), problems, details: report.failures() })
    }
}
