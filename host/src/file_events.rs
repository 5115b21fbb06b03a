//! File events: they say when to look at folders again, not what has changed there. Reads are none of them, for
//! whoever looks would wake itself.

use std::{path::Path, time::Duration};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::sync::mpsc;

/// Waits for changes in folders.
pub(crate) struct FileEvents {
    events: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
}

impl FileEvents {
    /// Events of no folder yet.
    ///
    /// # Errors
    /// The system has none for us: there are none, or too many programs want them.
    pub(crate) fn new() -> notify::Result<Self> {
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // What cannot be told may be a change. A full channel means that a look is due already, a closed one that
            // nobody looks any more.
            if event.map_or(true, |event| is_change(event.kind)) {
                sender.try_send(()).ok();
            }
        })?;
        Ok(Self { events, watcher })
    }

    /// Watches a folder, without those in it. One that was replaced has lost its watch, and is watched anew.
    ///
    /// # Errors
    /// It is not there, or too many are watched.
    pub(crate) fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        self.watcher.watch(folder, RecursiveMode::NonRecursive)
    }

    /// Waits for a change, and for those that come with it: programs write in several steps.
    pub(crate) async fn changed(&mut self, gather: Duration) {
        // The watcher has the other end for as long as this lives.
        self.events.recv().await;
        tokio::time::sleep(gather).await;
        // One look is enough for what has come meanwhile.
        self.events.try_recv().ok();
    }
}

/// Waits as [`FileEvents::changed`]; for ever where the system has no events for us.
pub(crate) async fn changed(events: Option<&mut FileEvents>, gather: Duration) {
    match events {
        Some(events) => events.changed(gather).await,
        None => std::future::pending().await,
    }
}

/// Whether something may be different afterwards.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::*;

    const GATHER: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn writing_and_removing_wake_whoever_waits_and_looking_does_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("a");
        fs::write(&file, "1").expect("written");
        let mut events = FileEvents::new().expect("events");
        events.watch(dir.path()).expect("watched");
        let waits = async |events: &mut FileEvents| timeout(25 * GATHER, events.changed(GATHER)).await.is_err();
        fs::read_dir(dir.path()).expect("listed").for_each(drop);
        fs::read(&file).expect("read");
        assert!(waits(&mut events).await, "looking wakes who looks");
        fs::write(&file, "2").expect("written");
        assert!(!waits(&mut events).await, "a file was written");
        fs::remove_file(&file).expect("removed");
        assert!(!waits(&mut events).await, "a file was removed");
        assert!(waits(&mut events).await, "each change wakes once");
    }
}
