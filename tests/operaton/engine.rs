//! The engine that all tests share, and the host of one test.

use std::{fs, path::Path, sync::LazyLock, time::Duration};

use fetchlock_harness::{
    fetchlock::{Builder, Fetchlock},
    guests::guest,
    operaton::{Operaton, OperatonOptions},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Far more than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// The engine and the runtime on which its client lives. It ends with this process.
static SHARED: LazyLock<(Runtime, Operaton)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let engine = runtime.block_on(Operaton::start(OperatonOptions::default())).expect("Operaton starts");
    (runtime, engine)
});

/// Runs a test on the shared engine.
pub(crate) fn on_engine(test: impl AsyncFnOnce(&'static Operaton)) {
    let (runtime, engine) = &*SHARED;
    runtime.block_on(test(engine));
}

/// The directories of one host.
pub(crate) struct Home {
    plugins: TempDir,
    state: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { plugins: TempDir::new().expect("a directory"), state: TempDir::new().expect("a directory") }
    }

    /// Puts a guest into the plugin directory under a topic, its manifest first.
    pub(crate) fn drop_plugin(&self, name: &str, topic: &str, manifest: &str) {
        fs::write(self.plugins.path().join(format!("{topic}.toml")), manifest).expect("written");
        self.drop_component(name, topic);
    }

    /// Puts a component into the plugin directory, at once as a rename does.
    pub(crate) fn drop_component(&self, name: &str, topic: &str) {
        let (part, whole) = (self.path(&format!(".{topic}.part")), self.path(&format!("{topic}.wasm")));
        fs::copy(guest(name).expect("built guests"), &part).expect("copied");
        fs::rename(part, whole).expect("renamed");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.plugins.path().join(name)
    }

    pub(crate) fn builder(&self, url: &str) -> Builder {
        Fetchlock::builder(env!("CARGO_BIN_EXE_fetchlock"))
            .engine(url)
            .plugins_dir(self.plugins.path())
            .state_dir(self.state.path())
            .setting("worker.backoff.initial", "\"100ms\"")
            .setting("worker.backoff.max", "\"500ms\"")
    }

    pub(crate) fn start(&self, url: &str) -> Fetchlock {
        self.builder(url).start().expect("the host starts")
    }
}

/// The manifest that belongs to the example.
pub(crate) fn example_manifest() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples/rust/check-payment.toml");
    fs::read_to_string(path).expect("the example's manifest")
}

pub(crate) fn text(value: &str) -> Value {
    json!({"type": "String", "value": value})
}

pub(crate) fn long(value: i64) -> Value {
    json!({"type": "Long", "value": value})
}
