//! What every test needs: a scripted engine, directories, and the host between them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use fetchlock_harness::{
    fetchlock::{Builder, Fetchlock},
    guests::guest,
};
use fetchlock_scripted_engine::{ScriptedEngine, TaskSpec};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far more than anything here takes; a machine that compiles beside the tests is slow.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A scripted engine, and the directories that outlive a host.
pub(crate) struct Scene {
    pub(crate) engine: ScriptedEngine,
    plugins: TempDir,
    state: TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::on(ScriptedEngine::start().await.expect("the scripted engine starts"))
    }

    /// On an engine that is not the usual one.
    pub(crate) fn on(engine: ScriptedEngine) -> Self {
        Self { engine, plugins: TempDir::new().expect("a directory"), state: TempDir::new().expect("a directory") }
    }

    /// With the probe guest serving topic `probe`.
    pub(crate) async fn with_probe(manifest: &str) -> Self {
        let scene = Self::new().await;
        scene.drop_guest("probe", "probe");
        scene.drop_file("probe.toml", manifest.as_bytes());
        scene
    }

    pub(crate) fn plugins(&self) -> &Path {
        self.plugins.path()
    }

    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// A host with these directories; not yet started.
    pub(crate) fn builder(&self) -> Builder {
        Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock"))
            .engine(&self.engine.url())
            .plugins_dir(self.plugins.path())
            .state_dir(self.state.path())
            // Short enough for the tests, and still a wait.
            .setting("worker.backoff.initial", "\"50ms\"")
            .setting("worker.backoff.max", "\"200ms\"")
    }

    pub(crate) fn start(&self) -> Fetchlock {
        self.builder().start().expect("the host starts")
    }

    /// Puts a guest into the plugin directory, at once as a rename does.
    pub(crate) fn drop_guest(&self, name: &str, topic: &str) {
        let bytes = fs::read(guest(name).expect("built guests")).expect("a readable guest");
        self.drop_file(&format!("{topic}.wasm"), &bytes);
    }

    /// Puts a file into the plugin directory, at once as a rename does.
    pub(crate) fn drop_file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (part, whole) = (self.plugins().join(format!(".{name}.part")), self.plugins().join(name));
        fs::write(&part, bytes).expect("written");
        fs::rename(part, &whole).expect("renamed");
        whole
    }

    /// Adds a task of topic `probe` with this behaviour.
    pub(crate) fn probe(&self, behaviour: &str) -> String {
        self.probe_with(behaviour, json!({}))
    }

    /// The same with further variables.
    pub(crate) fn probe_with(&self, behaviour: &str, variables: Value) -> String {
        self.engine.add_task(probe_spec(behaviour, variables))
    }
}

/// A task of topic `probe`.
pub(crate) fn probe_spec(behaviour: &str, mut variables: Value) -> TaskSpec {
    variables["behaviour"] = text(behaviour);
    TaskSpec::new("probe", variables)
}

/// A variable of type `String`.
pub(crate) fn text(value: &str) -> Value {
    json!({"type": "String", "value": value})
}

/// A variable of type `Long`.
pub(crate) fn long(value: i64) -> Value {
    json!({"type": "Long", "value": value})
}
