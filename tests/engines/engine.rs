//! The engines that the tests run on, and the host of one test.

use std::{
    collections::BTreeMap,
    fs,
    ops::Deref,
    path::Path,
    sync::{LazyLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use fetchlock_harness::{
    embedded::Embedded,
    engine_client::EngineClient,
    fetchlock::{Builder, Fetchlock},
    guests::guest,
    real_engine::{PASSWORD, RealEngine, Setup, USER},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::sleep};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_fetchlock");

/// Far more than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// How often the engine is asked for a state of which nothing tells.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The set-up of the real engine, and its name: that of the environment, or Operaton as it comes.
pub(crate) static SETUP: LazyLock<(&str, Setup)> = LazyLock::new(|| Setup::from_environment().expect("a set-up"));

/// The real engine and the runtime on which its client lives. It ends with this process.
static REAL: LazyLock<(Runtime, RealEngine)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let engine = runtime.block_on(RealEngine::start(SETUP.1)).expect("the real engine starts");
    (runtime, engine)
});

/// One of the engines, and its client.
pub(crate) enum Engine {
    /// An embedded engine of one test.
    Embedded(Box<Embedded>),
    /// The real engine that all tests share, each with topics of its own.
    Real(&'static RealEngine),
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
            Self::Real(engine) => engine.deploy_topic(topic, tenant).await.expect("deployed"),
        }
    }

    /// Deploys a BPMN model under a name.
    pub(crate) async fn deploy(&self, name: &str, model: &str) {
        match self {
            Self::Embedded(_) => panic!("the embedded engine has no BPMN: make this a test of `on_real_engine!`"),
            Self::Real(engine) => engine.deploy(name, model, None).await.expect("deployed"),
        }
    }

    /// Waits until a variable of an instance is there: its handler runs, say, and has set it.
    pub(crate) async fn await_variable(&self, instance: &str, name: &str) {
        let path = format!("/process-instance/{instance}/variables/{name}");
        let begun = Instant::now();
        while self.send("GET", &path, &[], "").await.expect("an answer").status != 200 {
            assert!(begun.elapsed() < SOON, "no variable {name} within {SOON:?}");
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Variables of an open instance: the outermost only, without those of a task's own scope. As name and value.
    pub(crate) async fn process_variables(&self, instance: &str) -> BTreeMap<String, Value> {
        self.values(&format!("/process-instance/{instance}/variables")).await
    }

    /// Variables of a task's own scope, as name and value.
    pub(crate) async fn local_variables(&self, task: &Value) -> BTreeMap<String, Value> {
        let execution = task["executionId"].as_str().expect("an execution");
        self.values(&format!("/execution/{execution}/localVariables")).await
    }

    async fn values(&self, path: &str) -> BTreeMap<String, Value> {
        let variables = self.get(path).await.expect("variables");
        let variables = variables.as_object().expect("an object").iter();
        variables.map(|(name, variable)| (name.clone(), variable["value"].clone())).collect()
    }

    /// The one open task of an instance.
    pub(crate) async fn task_of(&self, instance: &str) -> Value {
        let mut found = self.external_tasks(&json!({"processInstanceId": instance})).await.expect("listed");
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    /// How an instance's external tasks ended and began: for each entry of their log its kind.
    pub(crate) async fn log_of(&self, instance: &str) -> Vec<&'static str> {
        let kinds = ["creation", "failure", "success", "deletion"];
        let log = self.external_task_log(instance).await.expect("the log");
        let kind = |entry: &Value| kinds.into_iter().find(|kind| entry[format!("{kind}Log")] == true);
        log.iter().map(|entry| kind(entry).expect("a kind")).collect()
    }

    /// A request with a JSON body that must be answered without one. The engine rolls back one of two transactions that
    /// meet (code 1), as when a host extends a lock at that moment; such a request is sent again.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) {
        let headers = [("content-type", "application/json")];
        let begun = Instant::now();
        loop {
            let answer = self.send(method, path, &headers, body.to_string()).await.expect("an answer");
            let rolled_back = answer.status == 500 && answer.text().contains("OptimisticLockingException");
            if !rolled_back || begun.elapsed() > SOON {
                assert_eq!(answer.status, 204, "{method} {path}: {}", answer.text());
                return;
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
}

impl Deref for Engine {
    type Target = EngineClient;

    fn deref(&self) -> &EngineClient {
        match self {
            Self::Embedded(embedded) => embedded,
            Self::Real(engine) => engine,
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

/// Held by each test on the real engine, and by one that the others could not bear beside them for itself.
static REAL_IS_SHARED: RwLock<()> = RwLock::new(());

/// Runs a test on the real engine.
pub(crate) fn on_real(test: impl AsyncFnOnce(Engine)) {
    let _shared = REAL_IS_SHARED.read().unwrap_or_else(PoisonError::into_inner);
    let (runtime, engine) = &*REAL;
    runtime.block_on(test(Engine::Real(engine)));
}

/// Runs a test on the real engine while no other one runs there.
pub(crate) fn alone_on_real(test: impl AsyncFnOnce(Engine)) {
    let _alone = REAL_IS_SHARED.write().unwrap_or_else(PoisonError::into_inner);
    let (runtime, engine) = &*REAL;
    runtime.block_on(test(Engine::Real(engine)));
}

/// Makes two tests of each scenario (an async function of an [`Engine`]): `embedded::NAME` and `real::NAME`.
macro_rules! on_both_engines {
    ($($scenario:ident),* $(,)?) => {
        mod embedded {
            $(#[test] fn $scenario() { $crate::engine::on_embedded(super::$scenario); })*
        }
        mod real {
            $(#[test] fn $scenario() { $crate::engine::on_real(super::$scenario); })*
        }
    };
}
pub(crate) use on_both_engines;

/// Makes a test `real::NAME` of each scenario, because it needs what the embedded engine has not, such as BPMN.
macro_rules! on_real_engine {
    ($($scenario:ident),* $(,)?) => {
        mod real {
            $(#[test] fn $scenario() { $crate::engine::on_real(super::$scenario); })*
        }
    };
}
pub(crate) use on_real_engine;

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

    /// Puts all plugins of a directory into the plugin directory, with their cases, the manifests changed.
    pub(crate) fn drop_examples(&self, from: &Path, change: impl Fn(&str) -> String) {
        for entry in fs::read_dir(from).expect("examples are built") {
            let path = entry.expect("an entry").path();
            let goal = self.path(path.file_name().and_then(|name| name.to_str()).expect("a name"));
            match path.extension().and_then(|it| it.to_str()) {
                Some("toml") => fs::write(goal, change(&fs::read_to_string(path).expect("read"))).expect("written"),
                _ => drop(fs::copy(path, goal).expect("copied")),
            }
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.plugins.path().join(name)
    }

    pub(crate) fn builder(&self, url: &str) -> Builder {
        let builder = Fetchlock::builder(BINARY)
            .engine(url)
            .plugins_dir(self.plugins.path())
            .state_dir(self.state.path())
            .setting("worker.backoff.initial", "\"100ms\"")
            .setting("worker.backoff.max", "\"500ms\"");
        if !SETUP.1.auth {
            return builder;
        }
        // An embedded engine asks for none, and takes them all the same.
        builder.setting("engine.username", &format!("{USER:?}")).setting("engine.password", &format!("{PASSWORD:?}"))
    }

    pub(crate) fn start(&self, url: &str) -> Fetchlock {
        self.builder(url).start().expect("the host starts")
    }
}

/// The manifest that belongs to the example.
pub(crate) fn example_manifest() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples/check-payment/plugin/check-payment.toml");
    fs::read_to_string(path).expect("the example's manifest")
}

pub(crate) fn text(value: &str) -> Value {
    json!({"type": "String", "value": value})
}

pub(crate) fn long(value: i64) -> Value {
    json!({"type": "Long", "value": value})
}
