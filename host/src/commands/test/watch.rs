//! Runs something again whenever a file changes.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use notify_debouncer_mini::{
    new_debouncer,
    notify::{self, RecursiveMode},
};

use crate::plugins::case_files::parent;

/// Changes closer together than this are one: builds and editors write several files.
const DEBOUNCE: Duration = Duration::from_millis(150);

/// Runs it once, and again after each change in the directories of these places. It ends with the process.
pub(super) fn watch(places: &[PathBuf], run: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let (changed, changes) = mpsc::channel();
    let mut debouncer = new_debouncer(DEBOUNCE, changed)?;
    for place in places {
        let dir: &Path = if place.is_dir() { place } else { parent(place) };
        debouncer.watcher().watch(dir, RecursiveMode::NonRecursive)?;
    }
    loop {
        run()?;
        // What has been written meanwhile, by an update of ours for one, is seen already.
        while changes.try_recv().is_ok() {}
        eprintln!("waiting for changes; Ctrl-C ends");
        let event: Result<_, notify::Error> = changes.recv()?;
        event?;
    }
}
