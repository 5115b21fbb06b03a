//! The settings of the host: `fetchlock.toml`, under `FETCHLOCK_*` variables, under flags.
//!
//! A variable's name is the key in capitals: two underscores go between a table and its key, one stands for a hyphen,
//! so `worker.max-concurrent` is `FETCHLOCK_WORKER__MAX_CONCURRENT`. Every variable that begins with `FETCHLOCK_` must
//! name a setting. An unknown key is an error anywhere, and so is a value out of its bounds; see [`Problems`].
//!
//! Paths in the settings file are relative to its directory; paths in variables and flags, and the default ones, are
//! relative to the working directory.

mod confidential;
mod effective;
mod engine;
mod engines;
mod env;
mod flags;
mod http;
mod limits;
mod lines;
mod log;
mod record;
pub(crate) mod schema;
mod source;
pub(crate) mod strict;
pub(crate) mod wording;
pub(crate) mod worker;
pub(crate) mod written;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

pub(crate) use self::env::variable;
pub use self::{
    engine::{
        ClientAuth, EngineSettings, NoEngineAddress, OAuth2Settings, ProxySetting, SigningAlgorithm, TlsSettings,
    },
    engines::{NamedEngine, UnknownEngine},
    flags::Flags,
    http::HttpSettings,
    limits::{LimitChanges, Limits},
    log::{LogFormat, LogLevel, LogLevelError, LogSettings},
    record::RecordSettings,
    strict::Problems,
    worker::{Backoff, WorkerSettings},
};
use self::{
    strict::{Layers, Place},
    written::{FilePath, GIB, HOUR, KIB, MILLISECOND, MINUTE, SECOND, Size, Span},
};
use crate::{grant::AllowedGrants, setting_key::SettingKey, task::EngineName};

/// The settings file that is read if no other is named and it exists.
pub const DEFAULT_FILE: &str = "fetchlock.toml";

/// All settings of the host. Their docs, here and in the tables, are what users read in `docs/settings.md`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where the engine is and how to reach it.
    #[serde(deserialize_with = "confidential::table")]
    pub engine: EngineSettings,
    /// Further engines, each in a table `[engines.NAME]` with the keys of `[engine]` but `name`. A plugin works for the
    /// one that its manifest names as `engine`, and without that for `[engine]`.
    #[serde(deserialize_with = "engines::read")]
    #[schemars(schema_with = "engines::any", extend("x-absent" = "none"))]
    pub engines: BTreeMap<EngineName, EngineSettings>,
    /// Where plugins come from and how changes are taken up.
    pub plugins: PluginsSettings,
    /// The directory of the journal, which is made if it is missing. It must survive a restart, and no two hosts may
    /// share it.
    #[serde(with = "FilePath")]
    pub state_dir: PathBuf,
    /// The directory of compiled plugins. It may be lost, which costs compiling again, but nobody else may write to
    /// it: what it holds is run as machine code.
    #[serde(with = "FilePath")]
    #[schemars(extend("x-absent" = "`cache` in `state-dir`"))]
    cache_dir: Option<PathBuf>,
    /// How tasks are fetched, run and delivered.
    pub worker: WorkerSettings,
    /// What one invocation may use. A manifest may change it for its plugin. An error about one of them names it.
    pub limits: Limits,
    /// How handlers reach other servers over HTTP, where that is granted. What one invocation may use is in `[limits]`.
    pub http: HttpSettings,
    /// What plugins may do beyond their tasks: a table `[grants.NAME]` for each, NAME being the plugin's file name
    /// without `.wasm`, with the keys of `[grants]` in its manifest. A grant holds only if the manifest requests it too.
    /// It is given to the name: whoever may replace that file may use it.
    #[serde(deserialize_with = "read_grants")]
    #[schemars(schema_with = "grants", extend("x-absent" = "none; nothing is allowed"))]
    pub grants: BTreeMap<String, AllowedGrants>,
    /// Which invocations are recorded as cases that can be run again, and where.
    pub record: RecordSettings,
    /// What is logged and how. The log goes to standard error.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: EngineSettings::default(),
            engines: BTreeMap::new(),
            plugins: PluginsSettings::default(),
            state_dir: ".fetchlock".into(),
            cache_dir: None,
            worker: WorkerSettings::default(),
            limits: Limits::default(),
            http: HttpSettings::default(),
            grants: BTreeMap::new(),
            record: RecordSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Settings {
    /// These settings for an engine of our own, which stands for each that is named, with a state directory that fits
    /// it. Compiled plugins stay where they are kept, for they fit any engine, and so do recordings.
    pub fn for_embedded_engine(self, url: &Url, state_dir: PathBuf) -> Self {
        let cache_dir = Some(self.cache_dir());
        let record = self.record.kept_in(&self.state_dir);
        let mut settings = Self { state_dir, cache_dir, record, ..self };
        settings.replace_engines(url);
        settings
    }

    /// The directory of compiled plugins (`cache-dir`), which is beneath the state directory unless it is set.
    pub fn cache_dir(&self) -> PathBuf {
        self.cache_dir.clone().unwrap_or_else(|| self.state_dir.join("cache"))
    }
}

/// Reads tables that hold secrets: what is written instead of one may be one of them.
fn read_grants<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, AllowedGrants>, D::Error> {
    let tables = BTreeMap::<String, confidential::Table<AllowedGrants>>::deserialize(from)?;
    Ok(tables.into_iter().map(|(name, confidential::Table(table))| (name, table)).collect())
}

fn grants(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": generator.subschema_for::<AllowedGrants>(),
        "x-written": "a table of tables, one for each plugin",
    })
}

/// `[plugins]`: where plugins come from and how changes are taken up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginsSettings {
    /// The directory of `NAME.wasm` and `NAME.toml`, which must exist.
    #[serde(with = "FilePath")]
    pub dir: PathBuf,
    /// How long to collect events about a change before looking at it.
    #[serde(with = "Span::<0, MINUTE>")]
    pub debounce: Duration,
    /// How long a file must have stayed as it is before it is read. Raise it for slow copies that pause.
    #[serde(with = "Span::<0, MINUTE>")]
    pub stable: Duration,
    /// How often the directory is looked through without any event. Network file systems send none.
    #[serde(with = "Span::<MIN_RESCAN, HOUR>")]
    pub rescan: Duration,
    /// The largest component that is read. Components with an interpreter inside have 10 to 40 MiB.
    #[serde(with = "Size::<KIB, GIB>")]
    pub max_size: ByteSize,
    /// How long compiling a component may take.
    #[serde(with = "Span::<SECOND, HOUR>")]
    pub compile_timeout: Duration,
    /// Whether the cases beside a plugin, `NAME.case.toml` and `NAME.*.case.toml`, are run before it serves. One that
    /// fails keeps the version that serves.
    pub run_cases: bool,
    /// How long the cases of a plugin may take together.
    #[serde(with = "Span::<SECOND, HOUR>")]
    pub cases_timeout: Duration,
}

/// Looking through a directory more often would be its main load.
const MIN_RESCAN: u64 = 100 * MILLISECOND;

impl Default for PluginsSettings {
    fn default() -> Self {
        Self {
            dir: "plugins".into(),
            debounce: Duration::from_millis(50),
            stable: Duration::from_millis(50),
            rescan: Duration::from_secs(30),
            max_size: ByteSize::mib(64),
            compile_timeout: Duration::from_secs(300),
            run_cases: true,
            cases_timeout: Duration::from_secs(60),
        }
    }
}

/// Settings and where they came from.
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The settings file, if one was read.
    pub file: Option<PathBuf>,
    layers: Layers,
}

impl Loaded {
    /// Settings that turn out to be unusable when they are used, each with the place where it was given.
    pub fn unusable<'a, W: fmt::Display>(&self, settings: impl Iterator<Item = (&'a SettingKey, W)>) -> Problems {
        settings.fold(Problems::default(), |problems, (key, why)| problems.and(self.layers.misuse(key.parts(), why)))
    }

    /// Whether somebody has set a key, such as `["log", "level"]`.
    pub fn gives(&self, key: &[&str]) -> bool {
        self.layers.gives(&key.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
    }
}

/// Loads the settings from the settings file, the environment and flags.
pub fn load(flags: &Flags) -> Result<Loaded, Problems> {
    load_from(flags, Path::new(DEFAULT_FILE), std::env::vars_os())
}

pub(crate) fn load_from(
    flags: &Flags,
    default_file: &Path,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Problems> {
    let (file, mut layers) = match read_file(flags.config.as_deref(), default_file)? {
        Some((path, text)) => (Some(path), Layers::default().file(path, &text)?),
        None => (None, Layers::default()),
    };
    for given in env::given(variables)? {
        layers = layers.text(given.place, given.path, given.text);
    }
    for (place, path, value) in flags.given() {
        layers = layers.value(place, &path, value);
    }
    let mut settings: Settings = layers.read(misfits)?;
    settings.name_engines();
    Ok(Loaded { settings, file: file.map(Path::to_path_buf), layers })
}

fn read_file<'a>(named: Option<&'a Path>, default: &'a Path) -> Result<Option<(&'a Path, String)>, Problems> {
    let path = named.unwrap_or(default);
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let place = if named.is_some() { Place::Flag("--config") } else { Place::Default };
            let why = format!("cannot read the settings file {}: {error}", path.display());
            Err(Problems::one(place, why))
        }
    }
}

/// What breaks the rules between settings.
fn misfits(settings: &Settings, layers: &Layers) -> Problems {
    let backoff = worker::misfits(&settings.worker.backoff, layers);
    let problems = backoff.and(engines::misfits(settings, layers));
    let no_plugins = settings.grants.keys().filter(|name| name.is_empty() || name.ends_with(WASM));
    no_plugins.fold(problems, |problems, name| {
        let why = format!("{name:?} is no plugin: expected the name of its file without `{WASM}`");
        problems.and(layers.misfit(&["grants", name], why))
    })
}

/// How the names of components end.
const WASM: &str = ".wasm";
