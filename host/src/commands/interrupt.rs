//! Ctrl-C and SIGTERM for commands that start other programs: these end with what waits for them.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Does something until one of the signals comes; none if one came. What is dropped then ends what it has started.
///
/// # Errors
/// The signals cannot be had.
pub(super) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> io::Result<Option<T>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        done = work => Some(done),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    })
}
