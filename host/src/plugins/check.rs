//! The check of files before they are dropped in: each is loaded as the running host would load it, and everything
//! that is wrong is told, not only what the host would stop at. Nothing is kept and nothing serves.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    case_text::CaseText,
    claim::Claim,
    inspect::Inspected,
    load::{Component, Described, Files, LoadError, Loader, Why, digest, file_name, on_a_thread},
    manifest::Manifest,
    scan::{Candidate, Fingerprint, is_plugin, scan},
};
use crate::{grant::Grants, secret::SecretError, task::Topic};

/// What the check of one file found. What could not be found out because of an error is `None`.
#[derive(Debug)]
pub struct Checked {
    /// The file, as it was given.
    pub path: PathBuf,
    /// What is wrong, first what the running host would say. It would serve if there is nothing.
    pub errors: Vec<LoadError>,
    /// The component's bytes.
    pub size: Option<u64>,
    /// What the component imports and exports, if it was built for this host.
    pub inspected: Option<Inspected>,
    /// How long compiling took.
    pub compiled_in: Option<Duration>,
    /// What the manifest says; the default if there is none.
    pub manifest: Option<Manifest>,
    /// What it requests to do beyond its task, and what of it would hold.
    pub grants: Option<Grants>,
    /// Why secrets that it is given cannot be had at this moment.
    pub missing_secrets: Vec<SecretError>,
    /// The topic that it would serve.
    pub topic: Option<Topic>,
    /// The version under which it would serve.
    pub version: Option<String>,
}

/// A file between being read and being loaded.
struct Subject {
    checked: Checked,
    component: Option<Component>,
    described: Option<Described>,
    cases: Vec<CaseText>,
}

/// A file of the check in its present state, or why there is none.
type Found = (PathBuf, Result<(Candidate, Fingerprint), Why>);

impl Loader {
    /// Checks files as if they were in one plugin directory, and of a directory each plugin in it. A file that is named
    /// twice is checked once.
    pub async fn check(self: &Arc<Self>, paths: &[PathBuf]) -> Vec<Checked> {
        let (mut subjects, mut seen) = (Vec::new(), BTreeSet::new());
        for path in paths {
            for (path, state) in find(path).await {
                if seen.insert(std::path::absolute(&path).unwrap_or_else(|_| path.clone())) {
                    subjects.push(self.look_at(path, state).await);
                }
            }
        }
        let claims: Vec<Claim> = subjects.iter().filter_map(|subject| subject.claim(self)).collect();
        let mut all = Vec::new();
        for subject in subjects {
            all.push(self.load_subject(subject, &claims).await);
        }
        all
    }

    async fn look_at(self: &Arc<Self>, path: PathBuf, state: Result<(Candidate, Fingerprint), Why>) -> Subject {
        let mut subject = Subject { checked: Checked::new(path), component: None, described: None, cases: Vec::new() };
        let checked = &mut subject.checked;
        let (candidate, fingerprint) = match state {
            Ok(state) => state,
            Err(why) => {
                checked.fail(why);
                return subject;
            }
        };
        if !is_plugin(&checked.path) {
            checked.fail(Why::PassedOver);
        }
        checked.size = fingerprint.regular().then(|| fingerprint.size());
        let loader = self.clone();
        let files = on_a_thread(move || loader.read_files(&candidate, &fingerprint)).await.and_then(|files| files);
        match files {
            Ok(Files { component, described, cases }) => {
                subject.component = component.map_err(|why| checked.fail(why)).ok();
                subject.described = described.map_err(|why| checked.fail(why)).ok();
                subject.cases = cases;
            }
            Err(why) => checked.fail(why),
        }
        subject
    }

    async fn load_subject(self: &Arc<Self>, subject: Subject, claims: &[Claim]) -> Checked {
        let Subject { mut checked, component, described, cases } = subject;
        checked.inspected = component.as_ref().map(|component| component.inspected.clone());
        checked.manifest = described.as_ref().map(|described| described.manifest.clone());
        checked.grants = described.as_ref().map(|described| described.grants(&self.defaults));
        checked.topic = described.as_ref().map(|described| described.topic.clone());
        match (component, described) {
            (Some(component), Some(described)) => {
                let source = self.source(checked.path.clone(), component, described, cases);
                if let Some(why) = source.claim.refused_beside(claims) {
                    checked.fail(why);
                }
                checked.version = Some(source.version.clone());
                match self.load(source).await {
                    Ok(loaded) => {
                        checked.compiled_in = loaded.compiled_in;
                        checked.missing_secrets = loaded.plugin.settings.secrets.missing().await;
                    }
                    Err(error) => checked.errors.push(error),
                }
            }
            // Without its manifest nobody knows the limits for a trial instance.
            (Some(Component { bytes, .. }), None) => {
                let digest = digest(&bytes);
                match self.handler(&file_name(&checked.path), bytes, digest).await {
                    Ok((_, compiled_in)) => checked.compiled_in = compiled_in,
                    Err(why) => checked.fail(why),
                }
            }
            (None, _) => {}
        }
        checked
    }
}

impl Checked {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            errors: Vec::new(),
            size: None,
            inspected: None,
            compiled_in: None,
            manifest: None,
            grants: None,
            missing_secrets: Vec::new(),
            topic: None,
            version: None,
        }
    }

    fn fail(&mut self, why: Why) {
        self.errors.push(LoadError { file: file_name(&self.path), why });
    }
}

impl Subject {
    /// What it claims. Nobody claims anything with a file that is refused or passed over before.
    fn claim(&self, loader: &Loader) -> Option<Claim> {
        let described = self.described.as_ref().filter(|_| self.checked.errors.is_empty())?;
        Some(loader.claim(&self.checked.path, described))
    }
}

/// What a path of the command line stands for.
async fn find(path: &Path) -> Vec<Found> {
    let owned = path.to_owned();
    let found = on_a_thread(move || if is_directory_of_plugins(&owned) { list(&owned) } else { vec![state_of(owned)] });
    found.await.unwrap_or_else(|why| vec![(path.to_owned(), Err(why))])
}

/// A directory with a plugin's name is a plugin that the host refuses.
fn is_directory_of_plugins(path: &Path) -> bool {
    path.is_dir() && !is_plugin(path)
}

fn list(dir: &Path) -> Vec<Found> {
    match scan(dir) {
        Ok(found) if found.is_empty() => vec![(dir.to_owned(), Err(Why::NoPlugins))],
        Ok(found) => found
            .into_iter()
            .map(|(path, (candidate, fingerprint))| (path, fingerprint.map(|it| (candidate, it)).map_err(Why::from)))
            .collect(),
        Err(error) => vec![(dir.to_owned(), Err(error.into()))],
    }
}

fn state_of(path: PathBuf) -> Found {
    let Some(candidate) = Candidate::new(path.clone()) else { return (path, Err(Why::PassedOver)) };
    let state = candidate.fingerprint().map(|fingerprint| (candidate, fingerprint));
    let why = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Why::Missing,
        _ => error.into(),
    };
    (path, state.map_err(why))
}
