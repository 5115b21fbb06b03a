//! Waits until a project's files have changed. Events only say when to look; whether something has changed is found by
//! comparing, so that what a build itself writes or reads starts no other.

use std::{io, path::PathBuf, time::Duration};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::sync::mpsc;

use super::{Project, inputs::Inputs};

/// Events closer together than this are one: editors write in several steps.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// How often to look without any event: some file systems have none, and a replaced folder takes its watch with it.
const RESCAN: Duration = Duration::from_secs(5);

/// Knows a project's files as they were at the last look.
pub struct Watcher {
    dir: PathBuf,
    seen: Inputs,
    events: mpsc::Receiver<()>,
    /// None if the system has no events for us.
    watcher: Option<RecommendedWatcher>,
}

/// The project cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("{dir} cannot be watched: {source}")]
pub struct WatchError {
    dir: PathBuf,
    source: io::Error,
}

impl Watcher {
    /// Looks at a project for the first time.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(project: &Project) -> Result<Self, WatchError> {
        let dir = project.dir.clone();
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // A full channel means that a look is due already, a closed one that nobody looks any more.
            if event.is_ok_and(|event| is_change(event.kind)) {
                sender.try_send(()).ok();
            }
        });
        let seen = look(&dir)?;
        let mut watcher = Self { dir, seen, events, watcher: watcher.ok() };
        watcher.watch();
        Ok(watcher)
    }

    /// Waits until the files differ from what they were at the last look, and takes them as they are now.
    ///
    /// # Errors
    /// The project cannot be read any more.
    pub async fn changed(&mut self) -> Result<(), WatchError> {
        loop {
            let dir = self.dir.clone();
            let looked = tokio::task::spawn_blocking(move || look(&dir)).await;
            let now = looked
                .unwrap_or_else(|panic| Err(WatchError { dir: self.dir.clone(), source: io::Error::other(panic) }))?;
            let is_same = now.are_as(&self.seen);
            self.seen = now;
            self.watch();
            if !is_same {
                return Ok(());
            }
            tokio::select! {
                Some(()) = self.events.recv() => tokio::time::sleep(DEBOUNCE).await,
                () = tokio::time::sleep(RESCAN) => {}
            }
        }
    }

    /// Watches every folder of sources; new ones come, and those that came again have lost their watch.
    fn watch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in self.seen.folders() {
            // One that cannot be watched is looked at now and then nevertheless.
            watcher.watch(folder, RecursiveMode::NonRecursive).ok();
        }
    }
}

fn look(dir: &std::path::Path) -> Result<Inputs, WatchError> {
    Inputs::of(dir).map_err(|source| WatchError { dir: dir.to_owned(), source })
}

/// Whether something may be different afterwards: reading makes events, too.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project::Language;

    #[tokio::test]
    async fn a_change_is_seen_once_and_what_a_build_makes_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let project = Project { dir: dir.path().to_owned(), language: Language::Rust, name: "a".into() };
        fs::create_dir_all(dir.path().join("src")).expect("made");
        let mut watcher = Watcher::new(&project).expect("watched");
        // Before the look, as during a build.
        fs::write(dir.path().join("src/a.rs"), "1").expect("written");
        watcher.changed().await.expect("seen");
        for made in ["target", "plugin"] {
            fs::create_dir(dir.path().join(made)).expect("made");
            fs::write(dir.path().join(made).join("a.wasm"), "1").expect("written");
        }
        let waiting = watcher.changed();
        let mut waiting = std::pin::pin!(waiting);
        let quiet = tokio::time::timeout(5 * DEBOUNCE, &mut waiting).await;
        assert!(quiet.is_err(), "a build would start another");
        fs::create_dir(dir.path().join("src/new")).expect("made");
        fs::write(dir.path().join("src/new/b.rs"), "1").expect("written");
        tokio::time::timeout(RESCAN / 2, waiting).await.expect("by an event").expect("seen");
    }
}
