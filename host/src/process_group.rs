//! A program with all that it has started, so that nothing of it stays behind.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The processes of a program that was started as the first of a group. They are killed when this is dropped.
pub(crate) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// The group of a child that was started with `process_group(0)`.
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    /// The program ended by itself; its id may be another's soon.
    pub(crate) fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // What is gone in this very moment needs no signal.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
