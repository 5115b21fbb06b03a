//! The keeper of the catalog: watches the plugin directory and brings every change that holds into the catalog. One
//! task does it all, so that no two changes ever meet.
//!
//! Events only say *when* to look; *what* has changed is found by comparing the directory with what is known. So lost
//! events, file systems without any, renames and symlink swaps need no cases of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytesize::ByteSize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    catalog::{Catalog, Plugin, Refusal},
    claim::Claim,
    load::{LoadError, Loaded, Loader, Source, Why, file_name},
    scan::{Candidate, Fingerprint, scan},
};
use crate::{
    file_events::{FileEvents, changed},
    foreign::escape,
    grant::{Grant, Grants, Standing},
    sandbox::Secrets,
    settings::wording::nearest,
    task::Topic,
};

/// So many lines are logged about cases that fail; `fetchlock test` tells all.
const SHOWN_DETAILS: usize = 100;

/// When the keeper looks.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// Events closer together than this are one (`plugins.debounce`).
    pub debounce: Duration,
    /// How long a file must stay as it is before it is read (`plugins.stable`).
    pub stable: Duration,
    /// How often to look without any event (`plugins.rescan`).
    pub rescan: Duration,
}

/// Why the plugin directory cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// It is not there, or not readable.
    #[error(
        "the plugin directory {path} cannot be read: {source}; create it, or name another with plugins.dir or --plugins"
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What the keeper knows of one plugin's files.
#[derive(Default)]
struct Known {
    /// The state that was last tried, whatever came of it.
    tried: Option<Fingerprint>,
    /// When to try that state once more, after a failure that may pass.
    try_again: Option<Instant>,
    /// A newer state, and since when it has been so.
    settling: Option<(Fingerprint, Instant)>,
    /// Since when the files are gone.
    gone: Option<Instant>,
    /// The version that serves.
    serving: Option<Arc<Plugin>>,
    /// The topic of which somebody else has what this one claims, if that is why it does not serve.
    wants: Option<Topic>,
    /// The last refusal, so as not to repeat it.
    refusal: Option<Refusal>,
}

/// Keeps the catalog.
pub struct Keeper {
    dir: PathBuf,
    rhythm: Rhythm,
    loader: Arc<Loader>,
    catalog: watch::Sender<Catalog>,
    known: BTreeMap<PathBuf, Known>,
    /// Whether the directory could be listed the last time.
    readable: bool,
}

impl Keeper {
    /// A keeper of a directory, and the catalog that it keeps.
    ///
    /// # Errors
    /// When the directory cannot be listed now. Later it may come and go.
    pub fn new(dir: PathBuf, rhythm: Rhythm, loader: Loader) -> Result<(Self, watch::Receiver<Catalog>), KeeperError> {
        scan(&dir).map_err(|source| KeeperError::Directory { path: dir.clone(), source })?;
        let (catalog, receiver) = watch::channel(Catalog::default());
        let keeper = Self { dir, rhythm, loader: Arc::new(loader), catalog, known: BTreeMap::new(), readable: true };
        Ok((keeper, receiver))
    }

    /// Keeps the catalog until cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        // A compilation that goes on then ends with the process.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep() => {}
        }
    }

    async fn keep(&mut self) {
        let mut events = self.watch();
        let mut watched = inode(&self.dir);
        self.settle().await;
        self.warn_of_strangers();
        if self.catalog.borrow().plugins().next().is_none() {
            tracing::warn!(dir = %self.dir.display(), "no plugin yet: waiting for the first NAME.wasm");
        }
        loop {
            tokio::select! {
                () = changed(events.as_mut(), self.rhythm.debounce) => {}
                () = tokio::time::sleep(self.rhythm.rescan) => {
                    // A directory that was replaced takes its watch with it.
                    let now = inode(&self.dir);
                    if now != watched || events.is_none() {
                        events = self.watch();
                        watched = now;
                    }
                }
            }
            self.settle().await;
        }
    }

    /// Tells which tables of the settings' grants are for no plugin that is there.
    fn warn_of_strangers(&self) {
        let names: Vec<String> = self.known.keys().map(|path| name_of(path)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for stranger in self.loader.defaults.grants.keys().filter(|name| !names.contains(&name.as_str())) {
            let meant =
                nearest(stranger, &names).map(|name| format!("; did you mean [grants.{name}]?")).unwrap_or_default();
            let dir = self.dir.display();
            tracing::warn!("[grants.{}] is for no plugin in {dir}{meant}", escape(stranger));
        }
    }

    /// Looks until every file is stable.
    async fn settle(&mut self) {
        while self.look().await {
            tokio::time::sleep(self.rhythm.stable).await;
        }
    }

    fn watch(&self) -> Option<FileEvents> {
        let events = FileEvents::new().and_then(|mut events| events.watch(&self.dir).map(|()| events));
        events
            .inspect_err(|error| {
                let every = self.rhythm.rescan.as_secs();
                tracing::warn!(dir = %self.dir.display(), %error, "no file events from the plugin directory: looking every {every} s instead");
            })
            .ok()
    }

    /// Compares the directory with what is known and loads what is stable and new. True if something is not yet
    /// stable and another look is due soon.
    async fn look(&mut self) -> bool {
        let found = {
            let dir = self.dir.clone();
            match tokio::task::spawn_blocking(move || scan(&dir)).await {
                Ok(found) => found,
                Err(panic) => Err(io::Error::other(panic)),
            }
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                if std::mem::replace(&mut self.readable, false) {
                    tracing::error!(dir = %self.dir.display(), %error, "the plugin directory cannot be read: what serves keeps serving");
                }
                return false;
            }
        };
        self.readable = true;
        let (due, soon) = self.compare(found);
        let mut again = self.remove_gone();
        let mut read = Vec::new();
        for (candidate, fingerprint) in due {
            let path = candidate.component.clone();
            match self.loader.read(&candidate, &fingerprint).await {
                Ok(source) if self.serving(&path) == Some(source.version.as_str()) => self.settled(&path, fingerprint),
                Ok(source) => read.push((path, fingerprint, source)),
                Err(LoadError { why: Why::Changed, .. }) => again = true,
                Err(error) => self.refuse(&path, Some(fingerprint), &error, None),
            }
        }
        let claims: Vec<Claim> = read.iter().map(|(_, _, source)| source.claim.clone()).collect();
        for (path, fingerprint, source) in read {
            again |= self.bring_in(path, fingerprint, source, &claims).await;
        }
        soon | again
    }

    /// Loads and swaps in what was read, unless others serve or claim the same tasks. True if another look is due soon.
    async fn bring_in(&mut self, path: PathBuf, fingerprint: Fingerprint, source: Source, claims: &[Claim]) -> bool {
        let serving = self.known.values().filter_map(|known| known.serving.as_deref());
        let serving: Vec<Claim> = serving.map(Claim::of).collect();
        if let Some(why) = source.claim.refused_beside(serving.iter().chain(claims)) {
            let error = LoadError { file: file_name(&path), why };
            self.refuse(&path, Some(fingerprint), &error, Some(source.claim.topic));
            return false;
        }
        match self.loader.load(source).await {
            Ok(loaded) => self.admit(path, fingerprint, loaded),
            Err(error) => {
                self.refuse(&path, Some(fingerprint), &error, None);
                false
            }
        }
    }

    fn serving(&self, path: &Path) -> Option<&str> {
        self.known.get(path)?.serving.as_ref().map(|plugin| &*plugin.version)
    }

    /// What is due for loading, and whether something has still to settle.
    fn compare(
        &mut self,
        found: BTreeMap<PathBuf, (Candidate, io::Result<Fingerprint>)>,
    ) -> (Vec<(Candidate, Fingerprint)>, bool) {
        let now = Instant::now();
        let (mut due, mut soon) = (Vec::new(), false);
        for (path, known) in &mut self.known {
            if !found.contains_key(path) && known.gone.is_none() {
                known.gone = Some(now);
            }
        }
        for (path, (candidate, fingerprint)) in found {
            let known = self.known.entry(path.clone()).or_default();
            known.gone = None;
            let fingerprint = match fingerprint {
                Ok(fingerprint) => fingerprint,
                Err(error) => {
                    let error = LoadError { file: file_name(&path), why: error.into() };
                    self.refuse(&path, None, &error, None);
                    continue;
                }
            };
            if known.tried.as_ref() == Some(&fingerprint) {
                known.settling = None;
                if known.try_again.take_if(|at| *at <= now).is_some() {
                    due.push((candidate, fingerprint));
                }
                continue;
            }
            match &known.settling {
                Some((settling, since)) if *settling == fingerprint => {
                    if now.duration_since(*since) >= self.rhythm.stable {
                        due.push((candidate, fingerprint));
                    } else {
                        soon = true;
                    }
                }
                _ => {
                    known.settling = Some((fingerprint, now));
                    soon = true;
                }
            }
        }
        (due, soon)
    }

    /// Ends the plugins whose files are gone for good. True if another look is due soon.
    fn remove_gone(&mut self) -> bool {
        let stable = self.rhythm.stable;
        let mut soon = false;
        let (mut freed, before) = (BTreeSet::new(), self.known.len());
        self.known.retain(|path, known| match known.gone {
            None => true,
            // Some programs delete and write anew: that is a change, not an end.
            Some(since) if since.elapsed() < stable => {
                soon = true;
                true
            }
            Some(_) => {
                if let Some(plugin) = &known.serving {
                    tracing::info!(topic = %plugin.route.topic, version = &*plugin.version, file = file_name(path), "plugin removed");
                    freed.insert(plugin.route.topic.clone());
                }
                // One of two that claimed a topic: the other may have it now.
                freed.extend(known.wants.take());
                false
            }
        });
        if self.known.len() < before {
            self.publish();
        }
        soon | self.reconsider(&freed)
    }

    /// Swaps in what was loaded. True if another look is due soon.
    fn admit(&mut self, path: PathBuf, fingerprint: Fingerprint, loaded: Loaded) -> bool {
        let Loaded { plugin, size, compiled_in } = loaded;
        let plugin = Arc::new(plugin);
        let known = self.known.entry(path.clone()).or_default();
        let before = known.serving.replace(plugin.clone());
        let mut freed: BTreeSet<Topic> = known.wants.take().into_iter().collect();
        let claim = Claim::of(&plugin);
        // Another filter may leave others room on the same topic.
        freed.extend(before.as_deref().map(Claim::of).filter(|before| *before != claim).map(|before| before.topic));
        self.settled(&path, fingerprint);
        self.publish();
        // Only now is it true.
        tracing::info!(
            topic = %plugin.route.topic,
            version = &*plugin.version,
            file = file_name(&path),
            size = %ByteSize(size),
            compiled_ms = compiled_in.map(|time| time.as_millis() as u64),
            replaces = before.as_ref().map(|plugin| &*plugin.version),
            "plugin serving"
        );
        warn_of_refusals(&plugin.settings.grants, &plugin.route.topic, file_name(&path));
        // A source that is slow to tell keeps nobody from serving.
        tokio::spawn(warn_of_missing(plugin.settings.secrets.clone(), plugin.route.topic.clone(), file_name(&path)));
        self.reconsider(&freed)
    }

    /// Gives those another chance whose topics have become free. True if there are any.
    fn reconsider(&mut self, freed: &BTreeSet<Topic>) -> bool {
        let mut any = false;
        for known in self.known.values_mut() {
            if known.wants.as_ref().is_some_and(|topic| freed.contains(topic)) {
                known.tried = None;
                known.wants = None;
                any = true;
            }
        }
        any
    }

    fn settled(&mut self, path: &Path, fingerprint: Fingerprint) {
        let known = self.known.entry(path.to_owned()).or_default();
        known.tried = Some(fingerprint);
        known.try_again = None;
        known.settling = None;
        known.wants = None;
        if known.refusal.take().is_some() {
            self.publish();
        }
    }

    fn refuse(&mut self, path: &Path, fingerprint: Option<Fingerprint>, error: &LoadError, wants: Option<Topic>) {
        let known = self.known.entry(path.to_owned()).or_default();
        if fingerprint.is_some() {
            known.tried = fingerprint;
        }
        known.settling = None;
        known.try_again = error.why.is_passing().then(|| Instant::now() + self.rhythm.rescan);
        let freed = std::mem::replace(&mut known.wants, wants);
        if known.wants.is_none() {
            self.reconsider(&freed.into_iter().collect());
        }
        let known = self.known.entry(path.to_owned()).or_default();
        let refusal = Refusal {
            why: error.to_string(),
            details: details_of(&error.why),
            serving: known.serving.as_ref().map(|plugin| plugin.version.to_string()),
        };
        if known.refusal.as_ref() == Some(&refusal) {
            return;
        }
        // One event, whatever it has to show: others may come between two.
        let shown = [refusal.why.as_str(), &refusal.details].join("\n");
        let shown = shown.trim_end();
        match &known.serving {
            Some(plugin) => {
                tracing::error!(topic = %plugin.route.topic, serving = &*plugin.version, file = error.file, "plugin refused, version {} keeps serving: {shown}", plugin.version);
            }
            None => tracing::error!(file = error.file, "plugin refused: {shown}"),
        }
        known.refusal = Some(refusal);
        self.publish();
    }

    fn publish(&self) {
        let serving = self.known.values().filter_map(|known| known.serving.clone());
        let refused = self.known.values().filter_map(|known| known.refusal.clone());
        self.catalog.send_replace(Catalog::new(serving, refused));
    }
}

/// What is to be shown of a refusal below its line.
fn details_of(why: &Why) -> String {
    let Why::Cases { details, .. } = why else { return String::new() };
    details.lines().take(SHOWN_DETAILS).collect::<Vec<_>>().join("\n")
}

/// Tells what a plugin requests and will not get.
fn warn_of_refusals(grants: &Grants, topic: &Topic, file: String) {
    for Standing { grant, refused, .. } in grants.standings() {
        if !refused.is_empty() {
            let (key, advice) = (grant.key(), grants.advice(grant, &refused));
            let so = match grant {
                Grant::Secrets => "each task that reads one fails",
                _ => "each such call is refused",
            };
            tracing::warn!(%topic, file, grant = key, "the plugin requests {key} of {refused}, which the settings do not allow, so {so}: to allow it, {advice}");
        }
    }
}

/// Tells which secrets a plugin is given and cannot have, before a task needs them.
async fn warn_of_missing(secrets: Secrets, topic: Topic, file: String) {
    for why in secrets.missing().await {
        let why = escape(&why.to_string());
        tracing::warn!(%topic, file, "a secret that the plugin requests cannot be had now, so each task that reads it fails: {why}");
    }
}

/// The name of a plugin, by which the settings know it.
fn name_of(component: &Path) -> String {
    component.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.ino())
}
