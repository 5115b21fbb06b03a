//! Runs something again whenever a component, a manifest or a case changes.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, SystemTime},
};

use notify_debouncer_mini::{
    new_debouncer,
    notify::{self, RecursiveMode},
};

use crate::plugins::case_files::parent;

/// Changes closer together than this are one: builds and editors write several files.
const DEBOUNCE: Duration = Duration::from_millis(150);

/// The files that matter, each with what tells one state from another.
type State = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Runs it once, and again after each change in the directories of these places. It ends with the process.
pub(super) fn watch(places: &[PathBuf], run: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let dirs: Vec<&Path> = places.iter().map(|place| if place.is_dir() { place } else { parent(place) }).collect();
    let (changed, changes) = mpsc::channel();
    let mut debouncer = new_debouncer(DEBOUNCE, changed)?;
    for dir in &dirs {
        debouncer.watcher().watch(dir, RecursiveMode::NonRecursive)?;
    }
    loop {
        let before = state(&dirs);
        run()?;
        eprintln!("waiting for changes; Ctrl-C ends");
        // What an update has written counts as a change: it is worth another look. That a file was read does not.
        while state(&dirs) == before {
            let event: Result<_, notify::Error> = changes.recv()?;
            event?;
        }
    }
}

fn state(dirs: &[&Path]) -> State {
    let entries = dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
    let of_interest = entries.map(|entry| entry.path()).filter(|path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("wasm" | "toml"))
    });
    let stamped = of_interest.filter_map(|path| {
        let metadata = fs::metadata(&path).ok()?;
        Some((path, (metadata.len(), metadata.modified().ok())))
    });
    stamped.collect()
}
