//! The engines that the tests run on, and the host of one test.

use std::{fs, ops::Deref, path::Path, sync::LazyLock, time::Duration};

use fetchlock_harness::{
    embedded::Embedded,
    engine_client::EngineClient,
    fetchlock::{Builder, Fetchlock},
    guests::guest,
    operaton::{Operaton, OperatonOptions},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_fetchlock");

/// Far more than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// The real engine and the runtime on which its client lives. It ends with this process.
static OPERATON: LazyLock<(Runtime, Operaton)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let engine = runtime.block_on(Operaton::start(OperatonOptions::default())).expect("Operaton starts");
    (runtime, engine)
});

/// One of the engines, and its client.
pub(crate) enum Engine {
    /// An embedded engine of one test.
    Embedded(Box<Embedded>),
    /// The real engine that all tests share, each with topics of its own.
    Operaton(&'static Operaton),
}

impl Engine {
    /// Makes sure that instances can be started whose key and topic are `topic`.
    pub(crate) async fn deploy_topic(&self, topic: &str) {
        self.deploy_for_tenant(topic, None).await;
    }

    /// The same for one tenant.
    pub(crate) async fn deploy_for_tenant(&self, topic: &str, tenant: Option<&str>) {
        match self {
            // It has every topic.
            Self::Embedded(_) => {}
            Self::Operaton(operaton) => operaton.deploy_topic(topic, tenant).await.expect("deployed"),
        }
    }
}

impl Deref for Engine {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        match self {
            Self::Embedded(embedded) => embedded,
            Self::Operaton(operaton) => operaton,
        }
    }
}

/// Runs a test on an embedded engine.
pub(crate) fn on_embedded(test: impl AsyncFnOnce(Engine)) {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let embedded = Embedded::start(BINARY, None).await.expect("the embedded engine starts");
        test(Engine::Embedded(Box::new(embedded))).await;
    });
}

/// Runs a test on the real engine.
pub(crate) fn on_operaton(test: impl AsyncFnOnce(Engine)) {
    let (runtime, operaton) = &*OPERATON;
    runtime.block_on(test(Engine::Operaton(operaton)));
}

/// Makes two tests of each scenario (an async function of an [`Engine`]): `embedded::NAME` and `operaton::NAME`.
macro_rules! on_both_engines {
    ($($scenario:ident),* $(,)?) => {
        mod embedded {
            $(#[test] fn $scenario() { $crate::engine::on_embedded(super::$scenario); })*
        }
        mod operaton {
            $(#[test] fn $scenario() { $crate::engine::on_operaton(super::$scenario); })*
        }
    };
}
pub(crate) use on_both_engines;

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
        Fetchlock::builder(BINARY)
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
