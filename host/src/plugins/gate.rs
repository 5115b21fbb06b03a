//! The gate that a new version of a plugin passes before it serves: the cases beside it, whoever runs them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytesize::ByteSize;
use tokio_util::sync::CancellationToken;

use super::{
    catalog::Plugin,
    load::{Loader, Why, file_name, on_a_thread},
};
use crate::sandbox::Sandbox;

/// A case larger than this is a mistake.
pub(crate) const MAX_CASE: u64 = 64 << 20;

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

/// A case as its file had it when its plugin was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseText {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
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

/// The text of a case.
pub(super) fn read_case(path: &Path) -> Result<CaseText, io::Error> {
    let mut text = String::new();
    let told = |error: io::Error| io::Error::new(error.kind(), format!("the case {}: {error}", file_name(path)));
    File::open(path).and_then(|file| file.take(MAX_CASE + 1).read_to_string(&mut text)).map_err(told)?;
    if text.len() as u64 > MAX_CASE {
        return Err(told(io::Error::other(format!("it is larger than {}", ByteSize(MAX_CASE)))));
    }
    Ok(CaseText { path: path.to_owned(), text })
}
