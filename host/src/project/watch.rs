//! Waits until something has changed in folders in which handlers are worked on. Events only say when to look; whether
//! inputs have been written is found by comparing, so that what a build itself makes starts no other.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::inputs::Inputs;
use crate::file_events::{FileEvents, changed};

/// Events closer together than this are one: editors write in several steps.
const GATHER: Duration = Duration::from_millis(100);

/// How often to look without any event: some file systems have none, and a replaced folder takes its watch with it.
const RESCAN: Duration = Duration::from_secs(5);

/// A folder in which somebody works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workplace {
    /// A project: what is written there matters, and not what its build makes.
    Project(PathBuf),
    /// A directory of plugins, in which components matter, too.
    Plugins(PathBuf),
}

/// Knows the files of folders as they were at the last look.
pub struct Watcher {
    places: Vec<Workplace>,
    seen: Vec<Inputs>,
    /// Whether the last change was one of times alone. A build that writes an input as it is would start the next for ever.
    was_touched: bool,
    /// None if the system has no events for us.
    events: Option<FileEvents>,
}

/// A folder cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("{dir} cannot be watched: {source}")]
pub struct WatchError {
    dir: PathBuf,
    source: io::Error,
}

impl Watcher {
    /// Looks at folders for the first time.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn new(places: Vec<Workplace>) -> Result<Self, WatchError> {
        let seen = look(&places)?;
        let mut watcher = Self { places, seen, was_touched: false, events: FileEvents::new().ok() };
        watcher.watch();
        Ok(watcher)
    }

    /// Waits until files have been written since the last look, and takes them as they are now.
    ///
    /// # Errors
    /// A folder cannot be read any more.
    pub async fn changed(&mut self) -> Result<(), WatchError> {
        loop {
            let places = self.places.clone();
            let looked = tokio::task::spawn_blocking(move || look(&places)).await;
            let now = looked.unwrap_or_else(|panic| {
                let dir = self.places.first().map(|place| place.dir().to_owned()).unwrap_or_default();
                Err(WatchError { dir, source: io::Error::other(panic) })
            })?;
            let all = |is_so: fn(&Inputs, &Inputs) -> bool| {
                now.iter().zip(&self.seen).all(|(now, before)| is_so(now, before))
            };
            let (is_untouched, is_same) = (all(Inputs::are_untouched_since), all(Inputs::are_as));
            self.seen = now;
            self.watch();
            let nothing_new = is_untouched || (is_same && self.was_touched);
            if !nothing_new {
                self.was_touched = is_same;
                return Ok(());
            }
            // A look is due after both.
            tokio::time::timeout(RESCAN, changed(self.events.as_mut(), GATHER)).await.ok();
        }
    }

    /// Watches every folder of sources; new ones come, and those that came again have lost their watch.
    fn watch(&mut self) {
        let Some(events) = &mut self.events else { return };
        for folder in self.seen.iter().flat_map(Inputs::folders) {
            // One that cannot be watched is looked at now and then nevertheless.
            events.watch(folder).ok();
        }
    }
}

impl Workplace {
    fn dir(&self) -> &Path {
        match self {
            Self::Project(dir) | Self::Plugins(dir) => dir,
        }
    }

    fn look(&self) -> io::Result<Inputs> {
        match self {
            Self::Project(dir) => Inputs::of(dir),
            Self::Plugins(dir) => Inputs::with_components(dir),
        }
    }
}

fn look(places: &[Workplace]) -> Result<Vec<Inputs>, WatchError> {
    let look = |place: &Workplace| place.look().map_err(|source| WatchError { dir: place.dir().to_owned(), source });
    places.iter().map(look).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, time::SystemTime};

    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_once_and_what_a_build_makes_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("src")).expect("made");
        fs::write(dir.path().join("Cargo.toml"), "").expect("written");
        let mut watcher = Watcher::new(vec![Workplace::Project(dir.path().to_owned())]).expect("watched");
        // Before the look, as during a build.
        fs::write(dir.path().join("src/a.rs"), "1").expect("written");
        watcher.changed().await.expect("seen");
        for (folder, made) in [("target", "a.d"), ("plugin", "a.wasm")] {
            fs::create_dir(dir.path().join(folder)).expect("made");
            fs::write(dir.path().join(folder).join(made), "1").expect("written");
        }
        let waiting = watcher.changed();
        let mut waiting = std::pin::pin!(waiting);
        let quiet = tokio::time::timeout(5 * GATHER, &mut waiting).await;
        assert!(quiet.is_err(), "a build would start another");
        fs::create_dir(dir.path().join("src/new")).expect("made");
        fs::write(dir.path().join("src/new/b.rs"), "1").expect("written");
        tokio::time::timeout(RESCAN / 2, waiting).await.expect("by an event").expect("seen");
    }

    #[tokio::test]
    async fn a_file_that_is_as_it_was_again_is_a_change_for_it_may_have_been_built_in_between() {
        let dir = tempfile::tempdir().expect("a folder");
        let source = dir.path().join("a.py");
        fs::write(&source, "good").expect("written");
        let mut watcher = Watcher::new(vec![Workplace::Project(dir.path().to_owned())]).expect("watched");
        fs::write(&source, "evil").expect("written");
        fs::write(&source, "good").expect("written");
        // Said, because the clocks of file systems are slow.
        let file = fs::File::options().write(true).open(&source).expect("opened");
        file.set_modified(SystemTime::now() + Duration::from_secs(1)).expect("touched");
        tokio::time::timeout(RESCAN / 2, watcher.changed()).await.expect("by the first look").expect("seen");
        // What a build writes so each time must not start it each time.
        file.set_modified(SystemTime::now() + Duration::from_secs(2)).expect("touched");
        let again = tokio::time::timeout(5 * GATHER, watcher.changed()).await;
        assert!(again.is_err(), "a build would start another");
        fs::write(&source, "better").expect("written");
        tokio::time::timeout(RESCAN / 2, watcher.changed()).await.expect("by the first look").expect("seen");
    }

    #[tokio::test]
    async fn a_component_in_any_of_the_directories_of_plugins_is_a_change() {
        let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let places = dirs.iter().map(|dir| Workplace::Plugins(dir.path().to_owned())).collect();
        let mut watcher = Watcher::new(places).expect("watched");
        for dir in &dirs {
            fs::write(dir.path().join("a.wasm"), "1").expect("written");
            tokio::time::timeout(RESCAN / 2, watcher.changed()).await.expect("by an event").expect("seen");
        }
    }
}
