//! How long a plugin takes to load whose compiled component is in the cache: the whole way of the running host, from
//! reading and hashing its files to the instance that is tried out.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use fetchlock::{
    plugins::{OnCompile, artefacts::Artefacts},
    sandbox::Sandbox,
    service,
    settings::Settings,
};
use tokio::runtime::Runtime;

use crate::{
    example::CONCURRENCY,
    pairs::{median, nanos},
};

/// Loads after the one that compiles.
const LOADS: usize = 30;

/// Loads a component once, which compiles it, and then again and again; prints a line of JSON.
pub(crate) fn measure(name: &str, component: &Path, runtime: &Runtime) {
    let cache = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let settings = Settings::default();
    let sandbox = Sandbox::new(CONCURRENCY, settings.limits.table_elements as usize).map(Arc::new).expect("a sandbox");
    let artefacts = Artefacts::open(cache.path(), sandbox.compatibility()).expect("a cache");
    let no_sign: OnCompile = Arc::new(|_, _| Box::new(()));
    let loader = Arc::new(service::loader(&settings, &sandbox, Some(artefacts), no_sign));
    let load = || {
        let began = Instant::now();
        runtime.block_on(loader.load_file(component)).expect("it loads");
        began.elapsed()
    };
    let compiled = load();
    let loads: Vec<Duration> = (0..LOADS).map(|_| load()).collect();
    let worst = loads.iter().max().copied().expect("several");
    let told = serde_json::json!({
        "name": name, "loads": LOADS, "load-ns": nanos(median(loads)), "worst-load-ns": nanos(worst),
        "compile-and-load-ns": nanos(compiled),
    });
    println!("row {told}");
}
