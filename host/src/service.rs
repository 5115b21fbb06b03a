//! The service: puts the parts of a host together, runs them, and stops them in order.

mod rest_options;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(crate) use self::rest_options::rest_options;
use crate::{
    cases::{CaseGate, Recorder, RecorderError},
    engine::rest::{RestEngine, RestEngineError},
    grant::AllowedGrants,
    journal::{Journal, JournalError},
    plugins::{
        Catalog, Defaults, Gated, Keeper, KeeperError, Loader, OnCompile, Rhythm, artefacts::Artefacts,
        manifest::KnownEngines,
    },
    sandbox::{HttpPort, Network, NetworkOptions, Sandbox, SandboxError},
    secret::SecretStore,
    setting_key::SettingKey,
    settings::{
        EngineSettings, HttpSettings, Loaded, NamedEngine, NoEngineAddress, PluginsSettings, Problems, Settings,
        WorkerSettings,
    },
    status::{EngineStatus, HostStatus, StatusSocket, View},
    worker::{Activity, Backoff, Shared, Stopped, Worker, WorkerOptions},
};

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No engine is named.
    #[error(transparent)]
    NoEngine(#[from] NoEngineAddress),
    /// Clients of engines cannot be made.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Engines(Vec<RestEngineError>),
    /// The same, with the places of the settings.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// The way of handlers to other servers cannot be made.
    #[error("{key}: {why}")]
    Http {
        /// The setting.
        key: SettingKey,
        /// What is wrong with it.
        why: String,
    },
    /// The sandbox cannot be made.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The plugin directory cannot be used.
    #[error(transparent)]
    Plugins(#[from] KeeperError),
    /// The directory of compiled plugins cannot be used.
    #[error("the directory {path} for compiled plugins cannot be used: {source}; check cache-dir and its permissions")]
    Cache {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Recordings cannot be made.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The operating system does not tell us when to stop.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
}

impl ServiceError {
    /// The error with the places where settings were given that turn out to be unusable at the start.
    #[must_use]
    pub fn with_places(self, loaded: &Loaded) -> Self {
        match self {
            Self::Engines(errors) => {
                Self::Settings(loaded.unusable(errors.iter().map(|error| (&error.key, &error.why))))
            }
            Self::Http { key, why } => Self::Settings(loaded.unusable([(&key, &why)].into_iter())),
            other => other,
        }
    }
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In order.
    Stopped,
    /// At once, because it was asked a second time; the journal is intact.
    Forced,
}

/// Runs a host until it is told to stop. What can be seen of it is given to `show` when it has begun.
///
/// # Errors
/// See [`ServiceError`]; all of them come before the first task is fetched.
pub async fn run(settings: &Settings, on_compile: OnCompile, show: impl FnOnce(View)) -> Result<Ended, ServiceError> {
    let mut signals = Signals::new().map_err(ServiceError::Signals)?;
    settings.engine.address()?;
    let engines = engines(settings)?;
    let http = network(&settings.http)?;
    // First what may be refused, then what takes time.
    let journal = Journal::open(&settings.state_dir)?;
    let sandbox = sandbox(settings)?;
    let recorder = Recorder::start(settings.record.options(&settings.state_dir))?;
    let (keeper, catalog) = keeper(settings, &sandbox, on_compile)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        engine = addresses(settings),
        plugins = %settings.plugins.dir.display(),
        state = %settings.state_dir.display(),
        "fetchlock starts"
    );
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(keeper.run(stop.clone()));
    warn_of_strangers(&journal, settings);
    let shared = Shared {
        journal,
        sandbox,
        catalog: catalog.clone(),
        activity: Activity::default(),
        recorder: Some(recorder.clone()),
        invocations: Arc::new(Semaphore::new(settings.worker.max_concurrent.get())),
        http,
    };
    let view = View { host: host_status(settings), activity: shared.activity.clone(), catalog };
    let workers = Workers::start(engines, &shared, settings);
    let ended = CancellationToken::new();
    let telling = tell_status(settings, view.clone(), ended.clone());
    show(view);

    signals.stop().await;
    tracing::info!("stopping: no more tasks are fetched; a second signal ends at once");
    stop.cancel();
    let how = tokio::select! {
        undelivered = workers.shutdown() => {
            tracing::info!(undelivered, "stopped");
            Ended::Stopped
        }
        () = signals.stop() => {
            tracing::warn!("ended at once; what is undelivered stays in the journal");
            Ended::Forced
        }
    };
    ended.cancel();
    if let Some(telling) = telling
        && let Err(error) = telling.await
    {
        tracing::error!(%error, "the status could not be told to the end");
    }
    if how == Ended::Forced {
        return Ok(how);
    }
    if let Err(error) = keeping.await {
        tracing::error!(%error, "the watch over the plugin directory failed");
    }
    if let Err(error) = tokio::task::spawn_blocking(move || recorder.finish()).await {
        tracing::error!(%error, "the last recordings are not written");
    }
    Ok(how)
}

fn host_status(settings: &Settings) -> HostStatus {
    let engine = |engine: NamedEngine<'_>| EngineStatus {
        name: engine.settings.name.clone(),
        url: engine.settings.url.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let plugins_dir = &settings.plugins.dir;
    let plugins_dir = std::path::absolute(plugins_dir).unwrap_or_else(|_| plugins_dir.clone());
    HostStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        process: std::process::id(),
        started: Timestamp::now(),
        engines: settings.engines().map(engine).collect(),
        plugins_dir: plugins_dir.to_string_lossy().into_owned(),
    }
}

/// Tells the status to whoever asks, until the host has ended. A host works without that, too.
fn tell_status(settings: &Settings, view: View, ended: CancellationToken) -> Option<JoinHandle<()>> {
    match StatusSocket::open(&settings.state_dir) {
        Ok(socket) => Some(tokio::spawn(socket.serve(view, ended))),
        Err(error) => {
            tracing::warn!(%error, state = %settings.state_dir.display(), "`fetchlock status` will not find this host");
            None
        }
    }
}

/// The client of an engine. Nothing is sent yet.
pub(crate) fn client(engine: &NamedEngine<'_>) -> Result<RestEngine, ServiceError> {
    let client = RestEngine::new(rest_options(&engine.table, engine.settings)?);
    client.map_err(|error| ServiceError::Engines(vec![error]))
}

/// The engines that the settings name, each with its client; or what is wrong with any of them.
fn engines(settings: &Settings) -> Result<Vec<(NamedEngine<'_>, RestEngine)>, ServiceError> {
    let (mut engines, mut errors) = (Vec::new(), Vec::new());
    for engine in settings.engines() {
        match client(&engine) {
            Ok(client) => engines.push((engine, client)),
            Err(ServiceError::Engines(of_engine)) => errors.extend(of_engine),
            Err(other) => return Err(other),
        }
    }
    if errors.is_empty() { Ok(engines) } else { Err(ServiceError::Engines(errors)) }
}

/// The addresses of the engines in one line.
fn addresses(settings: &Settings) -> String {
    let addresses = settings.engines().filter_map(|engine| engine.settings.url.as_ref());
    addresses.map(Url::as_str).collect::<Vec<_>>().join(", ")
}

/// Tells of outcomes for engines that the settings do not name: nobody delivers them.
fn warn_of_strangers(journal: &Journal, settings: &Settings) {
    for (name, outcomes) in journal.pending_by_engine() {
        if settings.engine_named(Some(&name)).is_err() {
            tracing::warn!(engine = %name, outcomes, "the journal holds outcomes for an engine that the settings do not name, and they are not delivered: name it again until they are");
        }
    }
}

/// A worker for each engine.
struct Workers(Vec<Worker>);

impl Workers {
    fn start(engines: Vec<(NamedEngine<'_>, RestEngine)>, shared: &Shared, settings: &Settings) -> Self {
        let start = |(NamedEngine { settings: engine, .. }, client): (NamedEngine<'_>, RestEngine)| {
            let options = worker_options(&settings.worker, engine);
            Worker::start(engine.name.clone(), Arc::new(client), shared.clone(), options)
        };
        Self(engines.into_iter().map(start).collect())
    }

    /// Stops all of them at the same time; tells how many outcomes are left undelivered.
    async fn shutdown(self) -> usize {
        let stopping: JoinSet<Stopped> = self.0.into_iter().map(Worker::shutdown).collect();
        stopping.join_all().await.iter().map(|stopped| stopped.undelivered).sum()
    }
}

/// The sandbox that the settings describe.
pub(crate) fn sandbox(settings: &Settings) -> Result<Arc<Sandbox>, SandboxError> {
    Sandbox::new(settings.worker.max_concurrent, settings.limits.table_elements as usize).map(Arc::new)
}

/// The loader that the settings describe. Without artefacts it compiles each time and writes nothing.
pub fn loader(
    settings: &Settings,
    sandbox: &Arc<Sandbox>,
    artefacts: Option<Artefacts>,
    on_compile: OnCompile,
) -> Loader {
    let defaults = Defaults {
        lock_duration: settings.worker.lock_duration,
        retry: settings.worker.retry.clone(),
        timeout: settings.worker.timeout,
        limits: settings.limits.clone(),
        engines: KnownEngines {
            default: settings.engine.name.clone(),
            others: settings.engines.keys().cloned().collect(),
        },
        grants: settings.grants.clone(),
        secrets: secrets(settings),
    };
    let PluginsSettings { max_size, compile_timeout, run_cases, cases_timeout, .. } = settings.plugins;
    let gate = run_cases.then(|| Gated { gate: Arc::new(CaseGate), timeout: cases_timeout });
    let max_size = max_size.as_u64();
    Loader::new(sandbox.clone(), artefacts, defaults, max_size, compile_timeout, on_compile).with_gate(gate)
}

/// The secrets of plugins, by their names. What cannot be had is told when it is needed, for the others need it not.
fn secrets(settings: &Settings) -> BTreeMap<String, Arc<SecretStore>> {
    let store = |(plugin, grants): (&String, &AllowedGrants)| {
        let table = SettingKey::new(["grants", plugin.as_str(), "secrets"]);
        (plugin.clone(), Arc::new(SecretStore::new(&table, &grants.secrets)))
    };
    settings.grants.iter().map(store).collect()
}

/// The way of handlers to other servers, on the runtime of the caller.
pub(crate) fn network(settings: &HttpSettings) -> Result<Arc<dyn HttpPort>, ServiceError> {
    let key = SettingKey::new(["http", "ca-file"]);
    let options = NetworkOptions {
        authorities: settings.ca_file.clone(),
        max_concurrent: settings.max_concurrent.get(),
        runtime: Handle::current(),
    };
    match Network::new(options) {
        Ok(network) => Ok(Arc::new(network)),
        Err(error) => Err(ServiceError::Http { key, why: error.to_string() }),
    }
}

fn keeper(
    settings: &Settings,
    sandbox: &Arc<Sandbox>,
    on_compile: OnCompile,
) -> Result<(Keeper, watch::Receiver<Catalog>), ServiceError> {
    let plugins = &settings.plugins;
    let cache = settings.cache_dir();
    let artefacts = Artefacts::open(&cache, sandbox.compatibility())
        .map_err(|source| ServiceError::Cache { path: cache, source })?;
    let loader = loader(settings, sandbox, Some(artefacts), on_compile);
    let rhythm = Rhythm { debounce: plugins.debounce, stable: plugins.stable, rescan: plugins.rescan };
    Ok(Keeper::new(plugins.dir.clone(), rhythm, loader)?)
}

fn worker_options(worker: &WorkerSettings, engine: &EngineSettings) -> WorkerOptions {
    let backoff = &worker.backoff;
    WorkerOptions {
        max_concurrent: worker.max_concurrent,
        max_deliveries: worker.max_deliveries,
        poll: worker.poll,
        fetch_ahead: worker.fetch_ahead,
        max_batch: worker.max_batch,
        backoff: Backoff {
            initial: backoff.initial,
            factor: backoff.factor,
            max: backoff.max,
            overload_max: backoff.overload_max,
            jitter: backoff.jitter,
        },
        shutdown_timeout: worker.shutdown_timeout,
        use_priority: engine.use_priority,
        order: worker.fetch_order,
        id_prefix: id_prefix(worker.id_prefix.as_deref()),
    }
}

/// A given beginning, or the host name, and a random part: the engine's only fence between two workers is that their
/// ids differ.
fn id_prefix(given: Option<&str>) -> String {
    /// Enough that two processes of one host name never meet.
    const RANDOM: usize = 12;
    let host = || format!("fetchlock-{}", gethostname::gethostname().to_string_lossy());
    let beginning = given.map_or_else(host, str::to_owned);
    let mut random = uuid::Uuid::new_v4().simple().to_string();
    random.truncate(RANDOM);
    format!("{beginning}-{random}")
}

/// What the operating system tells a service.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when the host is to stop.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    tracing::warn!("SIGHUP: settings are read at the start only; restart to change them (plugins need no restart)");
                }
            }
        }
    }
}
