//! The gate that a new version of a plugin passes before it serves: the cases beside it, whoever runs them.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    case_text::CaseText,
    catalog::Plugin,
    load::{Loader, Why, on_a_thread},
};
use crate::sandbox::Sandbox;

/// Whoever runs the cases beside a plugin before it serves.
pub trait Gate: Send + Sync + 'static {
    /// Whether it does what they expect. Takes as long as they do: not to be called on an async thread.
    ///
    /// # Errors
    /// [`Why::Cases`].
    fn judge(
        &self,
        sandbox: &Sandbox,
        plugin: &Plugin,
        cases: &[CaseText],
        cancel: &CancellationToken,
    ) -> Result<(), Why>;
}

/// A gate, and how long it may take.
#[derive(Clone)]
pub struct Gated {
    /// The gate.
    pub gate: Arc<dyn Gate>,
    /// `plugins.cases-timeout`
    pub timeout: Duration,
}

impl Loader {
    /// Lets a plugin through that does what its cases expect.
    pub(super) async fn run_cases(&self, plugin: Plugin, cases: Vec<CaseText>) -> Result<Plugin, Why> {
        let Some(Gated { gate, timeout }) = self.gate.clone().filter(|_| !cases.is_empty()) else { return Ok(plugin) };
        let (cancel, sandbox) = (CancellationToken::new(), self.sandbox.clone());
        // Whoever stops waiting stops the cases too.
        let guard = cancel.clone().drop_guard();
        let judged = on_a_thread(move || gate.judge(&sandbox, &plugin, &cases, &cancel).map(|()| plugin));
        let judged = tokio::time::timeout(timeout, judged).await.map_err(|_| Why::CasesTimeout(timeout))?;
        drop(guard);
        judged?
    }
}
