//! The way from a file to a plugin: read, inspect, compile (or take the artefact), link, instantiate once.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytesize::ByteSize;
use tokio::sync::Semaphore;

use super::{
    artefacts::Artefacts,
    case_text::CaseText,
    catalog::{Plugin, PluginSettings},
    claim::Claim,
    gate::Gated,
    inspect::{InspectError, Inspected, inspect, inspect_header},
    manifest::{KnownEngines, Manifest, ManifestError},
    scan::{Candidate, Fingerprint},
    version,
};
use crate::{
    grant::{AllowedGrants, Grants},
    retry::RetryPolicy,
    sandbox::{self, Artefact, Handler, PrepareError, Reuse, Sandbox, Secrets},
    secret::SecretStore,
    settings::Limits,
    task::{PluginName, Route, Subscription, Topic},
};

/// Compilations at once: each uses all cores already.
const COMPILATIONS: usize = 1;

/// The longest topic; the engine's column has as many characters.
const MAX_TOPIC: usize = 255;

/// A manifest larger than this is a mistake.
const MAX_MANIFEST: u64 = 1 << 20;

/// Shows that a component is being compiled, until the returned guard is dropped. Given its name and size in bytes.
pub type OnCompile = Arc<dyn Fn(&str, u64) -> Box<dyn Send> + Send + Sync>;

/// Why a file did not become a plugin. What served before keeps serving.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct LoadError {
    /// The file, as the plugin directory names it.
    pub file: String,
    /// Why.
    #[source]
    pub why: Why,
}

/// What was wrong with a plugin's files.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The file cannot be read.
    #[error("cannot be read: {0}; check its permissions")]
    Unreadable(#[from] io::Error),
    /// A directory, a pipe, a device.
    #[error("is no regular file: expected a WebAssembly component")]
    NotAFile,
    /// It changed while it was read; it is looked at again.
    #[error("changed while it was read")]
    Changed,
    /// The name cannot be a topic.
    #[error("its name is no topic: {0}; rename it, or set `topic` in its manifest")]
    Topic(String),
    /// The bytes are not those of a handler.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Compiling, linking or instantiating failed.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Compiling took too long.
    #[error("compiling took longer than plugins.compile-timeout ({} s): simplify the component or raise that setting", .0.as_secs())]
    CompileTimeout(Duration),
    /// It does not do what its cases expect.
    #[error(
        "{failed} of {all} cases beside it fail: {problems}; mend the handler or the case, or set plugins.run-cases = false"
    )]
    Cases {
        /// How many fail.
        failed: usize,
        /// How many there are.
        all: usize,
        /// What is wrong, in one line.
        problems: String,
        /// The same in lines, with what differs.
        details: String,
    },
    /// Its cases took too long.
    #[error("its cases took longer than plugins.cases-timeout ({} s): raise that setting, or set plugins.run-cases = false", .0.as_secs())]
    CasesTimeout(Duration),
    /// Another file serves its topic at the same engine, and both may want the same task.
    #[error(
        "its topic `{topic}` is served by {other} already, and nothing in the filters of the two keeps them apart: rename one of them, or set `topic` or `[filter]` in a manifest"
    )]
    Duplicate {
        /// The topic.
        topic: Topic,
        /// The other file.
        other: String,
    },
    /// A check was asked for a file that is not there.
    #[error("there is no such file: expected NAME.wasm, or a directory of such files")]
    Missing,
    /// A check was asked for a file that the host would pass over.
    #[error(
        "the host passes over a file of this name: expected NAME.wasm, not hidden and not named like a temporary file; rename it"
    )]
    PassedOver,
    /// A check was asked for a directory in which there is nothing to check.
    #[error("there is no plugin in this directory: expected NAME.wasm")]
    NoPlugins,
    /// Something of the host's own failed.
    #[error("the host failed to load it: {0}")]
    Host(String),
}

/// What plugins get that their manifests do not set.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// `worker.lock-duration`
    pub lock_duration: Duration,
    /// `worker.retry`
    pub retry: RetryPolicy,
    /// `worker.timeout`
    pub timeout: Duration,
    /// `limits.*`
    pub limits: Limits,
    /// The engines among which a manifest may choose.
    pub engines: KnownEngines,
    /// `grants`, by the names of plugins' files without `.wasm`
    pub grants: BTreeMap<String, AllowedGrants>,
    /// The secrets that `grants` allow, by the same names
    pub secrets: BTreeMap<String, Arc<SecretStore>>,
}

/// Loads plugins.
pub struct Loader {
    /// Where they run.
    pub sandbox: Arc<Sandbox>,
    /// Where compiled components are kept; without it each is compiled whenever it is loaded.
    pub artefacts: Option<Artefacts>,
    /// What manifests override.
    pub defaults: Defaults,
    /// `plugins.max-size` in bytes.
    pub max_size: u64,
    /// `plugins.compile-timeout`
    pub compile_timeout: Duration,
    /// Shows progress.
    pub on_compile: OnCompile,
    /// Runs the cases beside a plugin; without it they are not run.
    pub(super) gate: Option<Gated>,
    compiling: Arc<Semaphore>,
}

/// A plugin that was loaded, and how.
pub(super) struct Loaded {
    pub(super) plugin: Plugin,
    pub(super) size: u64,
    /// How long compiling took; `None` when the artefact was there already.
    pub(super) compiled_in: Option<Duration>,
}

/// A manifest over the host's defaults.
fn effective(described: Described, defaults: &Defaults) -> PluginSettings {
    let grants = Arc::new(described.grants(defaults));
    let secrets = defaults.secrets.get(described.name.as_str()).cloned().unwrap_or_default();
    let Described { manifest, topic, .. } = described;
    PluginSettings {
        engine: manifest.engine.unwrap_or_else(|| defaults.engines.default.clone()),
        subscription: Subscription {
            topic,
            lock_duration: manifest.lock_duration.unwrap_or(defaults.lock_duration),
            variables: manifest.variables,
            local_variables: manifest.local_variables,
            deserialize_values: manifest.deserialize_values,
            filter: manifest.filter,
        },
        max_concurrent: manifest.max_concurrent,
        reuse: manifest.reuse.map_or(Reuse::NEVER, Reuse::up_to),
        retry: manifest.retry.unwrap_or_else(|| defaults.retry.clone()),
        limits: sandbox_limits(&defaults.limits.with(&manifest.limits), manifest.timeout.unwrap_or(defaults.timeout)),
        on_undecided: manifest.on_undecided,
        bpmn_errors: manifest.bpmn_errors.map(Into::into),
        config: Arc::new(manifest.config),
        secrets: Secrets::new(grants.clone(), secrets),
        grants,
        record: manifest.record,
        record_redact: manifest.record_redact.into(),
    }
}

fn sandbox_limits(limits: &Limits, timeout: Duration) -> sandbox::Limits {
    let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    sandbox::Limits {
        timeout,
        cpu_time: limits.cpu_time,
        memory: bytes(limits.memory),
        table_elements: limits.table_elements as usize,
        handles: limits.handles as usize,
        host_calls: limits.host_calls.into(),
        payload: bytes(limits.payload),
        http_requests: limits.http_requests.into(),
        http_body: bytes(limits.http_body),
        http_timeout: limits.http_timeout,
        log_lines: limits.log_lines as usize,
        log_bytes: bytes(limits.log_bytes),
    }
}

/// A plugin's files, read in one state and each judged for itself, so that a check can tell what is wrong with either.
pub(super) struct Files {
    pub(super) component: Result<Component, Why>,
    pub(super) described: Result<Described, Why>,
    pub(super) cases: Vec<CaseText>,
}

/// A component that was built for this host.
pub(super) struct Component {
    pub(super) bytes: Vec<u8>,
    pub(super) inspected: Inspected,
}

/// What a manifest says, or follows from there being none.
pub(super) struct Described {
    text: Option<String>,
    pub(super) manifest: Manifest,
    pub(super) topic: Topic,
    /// The name of its file without `.wasm`.
    name: PluginName,
}

impl Described {
    /// What the plugin requests, as far as the settings allow it.
    pub(super) fn grants(&self, defaults: &Defaults) -> Grants {
        let name = self.name.as_str();
        let allowed = defaults.grants.get(name).cloned().unwrap_or_default();
        Grants::new(name, self.manifest.grants.clone(), allowed)
    }
}

/// The bytes of a plugin's files and what they say, before anything is compiled.
pub(super) struct Source {
    file: PathBuf,
    component: Vec<u8>,
    digest: String,
    pub(super) version: String,
    pub(super) claim: Claim,
    route: Route,
    settings: PluginSettings,
    cases: Vec<CaseText>,
}

impl Why {
    /// Whether the same files may do another time: the host had no luck with them.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::CompileTimeout(_) | Self::CasesTimeout(_) | Self::Host(_))
    }
}

impl Loader {
    /// A loader over a sandbox.
    pub fn new(
        sandbox: Arc<Sandbox>,
        artefacts: Option<Artefacts>,
        defaults: Defaults,
        max_size: u64,
        compile_timeout: Duration,
        on_compile: OnCompile,
    ) -> Self {
        let compiling = Arc::new(Semaphore::new(COMPILATIONS));
        Self { sandbox, artefacts, defaults, max_size, compile_timeout, on_compile, gate: None, compiling }
    }

    /// The same loader with this gate, or with none.
    #[must_use]
    pub fn with_gate(self, gate: Option<Gated>) -> Self {
        Self { gate, ..self }
    }

    /// Reads the files in this state and says what they are, which takes milliseconds.
    pub(super) async fn read(
        self: &Arc<Self>,
        candidate: &Candidate,
        fingerprint: &Fingerprint,
    ) -> Result<Source, LoadError> {
        let (loader, candidate, fingerprint) = (self.clone(), candidate.clone(), fingerprint.clone());
        let file = file_name(&candidate.component);
        let read = on_a_thread(move || {
            let Files { component, described, cases } = loader.read_files(&candidate, &fingerprint)?;
            Ok(loader.source(candidate.component, component?, described?, cases))
        });
        read.await.and_then(|read| read).map_err(|why| LoadError { file, why })
    }

    /// Loads one component with its manifest, as it is.
    ///
    /// # Errors
    /// See [`Why`].
    pub async fn load_file(self: &Arc<Self>, path: &Path) -> Result<Plugin, LoadError> {
        let error = |why| LoadError { file: file_name(path), why };
        let candidate = Candidate::new(path.to_owned()).ok_or_else(|| error(Why::PassedOver))?;
        let fingerprint = candidate.fingerprint().map_err(|cause| {
            error(if cause.kind() == io::ErrorKind::NotFound { Why::Missing } else { cause.into() })
        })?;
        let source = self.read(&candidate, &fingerprint).await?;
        self.load(source).await.map(|loaded| loaded.plugin)
    }

    /// Makes a plugin of what was read, which takes seconds if it has to be compiled.
    pub(super) async fn load(self: &Arc<Self>, source: Source) -> Result<Loaded, LoadError> {
        let file = file_name(&source.file);
        self.prepare(source).await.map_err(|why| LoadError { file, why })
    }

    async fn prepare(self: &Arc<Self>, source: Source) -> Result<Loaded, Why> {
        let Source { file, component, digest, version, route, settings, cases, claim: _ } = source;
        let size = component.len() as u64;
        let (handler, compiled_in) = self.handler(&file_name(&file), component, digest).await?;
        self.sandbox
            .try_out(&handler, &route.topic, &version, &settings.limits, &settings.config, &settings.secrets)
            .await?;
        let plugin = Plugin { route, version: version.into(), file, handler, settings };
        let plugin = self.run_cases(plugin, cases).await?;
        Ok(Loaded { plugin, size, compiled_in })
    }

    /// Reads the files in this state.
    pub(super) fn read_files(&self, candidate: &Candidate, fingerprint: &Fingerprint) -> Result<Files, Why> {
        if !fingerprint.regular() {
            return Err(Why::NotAFile);
        }
        let component = self.read_component(&candidate.component, fingerprint.size());
        let manifest = fingerprint.has_manifest().then(|| read_manifest(&candidate.manifest)).transpose();
        let cases = candidate.cases.iter().map(|path| CaseText::read(path)).collect();
        // Somebody may still be writing: what was read is only good if nothing has changed meanwhile.
        if candidate.fingerprint().ok().as_ref() != Some(fingerprint) {
            return Err(Why::Changed);
        }
        let component = component.and_then(|bytes| Ok(Component { inspected: inspect(&bytes)?, bytes }));
        let engines = &self.defaults.engines;
        let described = manifest.map_err(Why::from).and_then(|text| describe(candidate, text, engines));
        Ok(Files { component, described, cases })
    }

    /// What is to be loaded, of files that are both in order.
    pub(super) fn source(
        &self,
        file: PathBuf,
        component: Component,
        described: Described,
        cases: Vec<CaseText>,
    ) -> Source {
        let Component { bytes: component, .. } = component;
        let claim = self.claim(&file, &described);
        let route = Route { topic: described.topic.clone(), plugin: described.name.clone() };
        let digest = digest(&component);
        let version = version::of(&digest, described.text.as_deref(), &cases);
        let settings = effective(described, &self.defaults);
        Source { file, digest, component, version, claim, route, settings, cases }
    }

    /// What a file wants to be given.
    pub(super) fn claim(&self, file: &Path, described: &Described) -> Claim {
        let Described { manifest, topic, .. } = described;
        Claim {
            file: file.to_owned(),
            engine: manifest.engine.as_ref().unwrap_or(&self.defaults.engines.default).clone(),
            topic: topic.clone(),
            filter: manifest.filter.clone(),
        }
    }

    fn read_component(&self, path: &Path, size: u64) -> Result<Vec<u8>, Why> {
        if path.extension().is_some_and(|ending| ending == "cwasm") {
            return Err(InspectError::Precompiled.into());
        }
        let mut file = File::open(path)?;
        // The header first: a text file of 200 MB is better called a text file.
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(self.max_size)).unwrap_or(0) + 1);
        file.by_ref().take(HEADER).read_to_end(&mut bytes)?;
        inspect_header(&bytes)?;
        if size > self.max_size {
            return Err(InspectError::TooLarge { size, limit: self.max_size }.into());
        }
        // It may have grown since it was measured.
        file.take(self.max_size.saturating_sub(HEADER) + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > self.max_size {
            return Err(InspectError::TooLarge { size: bytes.len() as u64, limit: self.max_size }.into());
        }
        Ok(bytes)
    }

    /// Takes the component's artefact, or compiles it, and links it. Also how long compiling took.
    pub(super) async fn handler(
        self: &Arc<Self>,
        name: &str,
        component: Vec<u8>,
        digest: String,
    ) -> Result<(Handler, Option<Duration>), Why> {
        let cached = {
            let (loader, digest) = (self.clone(), digest.clone());
            on_a_thread(move || {
                let file = loader.artefacts.as_ref()?.find(&digest)?;
                loader.link(Artefact::File(&file)).ok()
            })
            .await?
        };
        if let Some(handler) = cached {
            return Ok((handler, None));
        }
        let permit = self.compiling.clone().acquire_owned().await.map_err(|e| Why::Host(e.to_string()))?;
        let began = Instant::now();
        let shown = (self.on_compile)(name, component.len() as u64);
        let loader = self.clone();
        let compiled = on_a_thread(move || {
            let artefact = sandbox::compile(&component)?;
            if let Some(artefacts) = &loader.artefacts
                && let Err(error) = artefacts.write(&digest, &artefact)
            {
                tracing::warn!(%error, "a compiled component cannot be kept; it will be compiled again at the next start");
            }
            loader.link(Artefact::Bytes(&artefact))
        });
        let handler = tokio::time::timeout(self.compile_timeout, compiled)
            .await
            .map_err(|_| Why::CompileTimeout(self.compile_timeout))??;
        // A compilation cannot be stopped. One that takes for ever keeps its thread, but nobody waits for it.
        drop((shown, permit));
        Ok((handler?, Some(began.elapsed())))
    }

    /// The only place where machine code is taken over.
    #[allow(unsafe_code)]
    fn link(&self, artefact: Artefact<'_>) -> Result<Handler, PrepareError> {
        // SAFETY: the bytes were either made by `sandbox::compile` a moment ago, or are in a file of the artefact
        // directory, which is the host's alone (0700, no links), whose checksum holds and which only `Artefacts::write`
        // makes, from what `sandbox::compile` returned. It is never changed there: a new one is renamed into its place,
        // and the mapping keeps the old. Nothing from the plugin directory gets here.
        unsafe { self.sandbox.load(artefact) }
    }
}

/// How much of a file is read to see what it is.
const HEADER: u64 = 64;

pub(super) async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Why> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| Why::Host(panic.to_string()))
}

pub(super) fn read_manifest(path: &Path) -> Result<String, io::Error> {
    let mut text = String::new();
    File::open(path)?.take(MAX_MANIFEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_MANIFEST {
        return Err(io::Error::other(format!("the manifest is larger than {}", ByteSize(MAX_MANIFEST))));
    }
    Ok(text)
}

pub(super) fn describe(candidate: &Candidate, text: Option<String>, engines: &KnownEngines) -> Result<Described, Why> {
    let manifest = match &text {
        Some(text) => Manifest::parse(Path::new(&file_name(&candidate.manifest)), text, engines)?,
        None => Manifest::default(),
    };
    let topic = manifest.topic.clone().unwrap_or_else(|| Topic::new(&candidate.name));
    check_topic(&topic)?;
    Ok(Described { text, manifest, topic, name: PluginName::new(&candidate.name) })
}

/// By which a component's artefact is found.
pub(super) fn digest(component: &[u8]) -> String {
    blake3::Hasher::new().update_rayon(component).finalize().to_hex().to_string()
}

fn check_topic(topic: &Topic) -> Result<(), Why> {
    let text = topic.as_str();
    if text.trim().is_empty() {
        return Err(Why::Topic("it is empty".into()));
    }
    if text.chars().any(char::is_control) {
        return Err(Why::Topic("it has control characters".into()));
    }
    if text.chars().count() > MAX_TOPIC {
        return Err(Why::Topic(format!("it is longer than {MAX_TOPIC} characters")));
    }
    Ok(())
}

/// A path's last part, as messages name it.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
