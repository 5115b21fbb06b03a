//! What an invocation costs beside the same call written straight on wasmtime ([`baseline`]). The goal is 1.25 times.
//!
//! Both sides begin with a compiled and linked component, and both make a fresh store and a fresh instance, call the
//! handler, and drop all of it. On the side of `fetchlock` that is the whole of [`Sandbox::invoke`]: metering of
//! processor time, all limits, the checks of the decision, the guest's output. Its port takes the decision at once; the
//! journal and the engine are measured elsewhere.
//!
//! - `example`: the Rust example with an order that is paid, on the calling thread.
//! - `example-spawned`: the same as a task on the threads of a runtime, that the caller waits for: as a host calls it that
//!   does other things, too. Most of what is added is the kernel waking an idle thread, twice.
//! - `example-busy`: the same, 64 of them under way at once, in time for each. Here no thread is idle.
//! - `instantiate`: a store and an instance on another thread, no call.
//! - `empty`: a handler that does nothing, without a standard library, on the calling thread.
//!
//! Each is measured twice: in pairs (module [`pairs`]), for the ratio, and by criterion, for whoever compares changes.
//!
//! With a directory in the environment variable `FETCHLOCK_BENCH_COMPONENTS` these are left out, and the components in it
//! are measured, handlers of new projects in any language, one at a time on the calling thread, in pairs: `NAME`, each in a
//! fresh instance; `NAME-again`, all in one instance (`reuse` of the manifest); and how long they take to load
//! ([`loading`]).

mod baseline;
mod example;
mod loading;
mod pairs;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

use criterion::{Bencher, Criterion};
use fetchlock::sandbox::{self, Artefact, Handler, Sandbox};
use tokio::{
    runtime::{Handle, Runtime},
    task::JoinSet,
};

use self::{
    baseline::Baseline,
    example::{CONCURRENCY, Example},
};

/// A handler that does nothing, its return value apart.
const EMPTY: &str = r#"(component
    (core module $m (memory (export "memory") 1) (func (export "handle") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $handle (result (result (error string)))
        (canon lift (core func $i "handle") (memory (core memory $i "memory"))))
    (export "handle" (func $handle)))"#;

/// The two sides, each with the same component, and the runtime of the host.
struct Sides {
    host: Runtime,
    sandbox: Sandbox,
    handler: Handler,
    baseline: Baseline,
    example: Example,
}

impl Sides {
    fn new(component: &[u8], example: Example) -> Self {
        let limits = example.limits().clone();
        let sandbox = Sandbox::new(CONCURRENCY, limits.table_elements).expect("a sandbox");
        let artefact = sandbox::compile(component).expect("the component compiles");
        // SAFETY: compiled the line above.
        let handler = unsafe { sandbox.load(Artefact::Bytes(&artefact)) }.expect("it loads");
        let concurrency = u32::try_from(CONCURRENCY.get()).expect("a small number");
        let baseline = Baseline::new(component, concurrency, limits);
        let host = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { host, sandbox, handler, baseline, example }
    }

    /// One at a time, on the calling thread.
    fn one_by_one<'a>(&'a self, name: &'a str) -> Comparison<'a> {
        Comparison {
            name,
            fetchlock: self.in_turn(|| self.example.call(&self.sandbox, &self.handler)),
            baseline: self.in_turn(|| self.baseline.handle(self.example.given())),
        }
    }

    /// One at a time in one instance, on the calling thread.
    fn again<'a>(&'a self, name: &'a str) -> Comparison<'a> {
        let kept = Mutex::new(self.host.block_on(self.baseline.keep(self.example.given())));
        Comparison {
            name,
            fetchlock: self.in_turn(|| self.example.call_again(&self.sandbox, &self.handler)),
            baseline: Box::new(move |count| {
                let mut kept = kept.lock().expect("unpoisoned");
                self.host.block_on(async {
                    for _ in 0..count {
                        kept.call().await;
                    }
                });
            }),
        }
    }

    /// One at a time, each on the thread of a runtime.
    fn spawned<'a>(&'a self, name: &'a str) -> Comparison<'a> {
        Comparison {
            name,
            fetchlock: self.in_turn(|| joined(self.sandbox.guests(), self.example.call(&self.sandbox, &self.handler))),
            baseline: self.in_turn(|| joined(self.host.handle(), self.baseline.handle(self.example.given()))),
        }
    }

    /// Many at a time, on the threads of a runtime.
    fn busy<'a>(&'a self, name: &'a str) -> Comparison<'a> {
        Comparison {
            name,
            fetchlock: Box::new(|count| {
                let call = || self.example.call(&self.sandbox, &self.handler);
                self.host.block_on(many(count, self.sandbox.guests(), call));
            }),
            baseline: Box::new(|count| {
                let call = || self.baseline.handle(self.example.given());
                self.host.block_on(many(count, self.host.handle(), call));
            }),
        }
    }

    /// Instances only, one at a time, each on the thread of a runtime.
    fn instantiated<'a>(&'a self, name: &'a str) -> Comparison<'a> {
        Comparison {
            name,
            fetchlock: self.in_turn(|| self.example.instantiate(&self.sandbox, &self.handler)),
            baseline: self.in_turn(|| joined(self.host.handle(), self.baseline.instantiate(self.example.given()))),
        }
    }

    fn in_turn<'a, F: Future<Output = ()>>(&'a self, call: impl Fn() -> F + 'a) -> Calls<'a> {
        Box::new(move |count| {
            self.host.block_on(async {
                for _ in 0..count {
                    call().await;
                }
            });
        })
    }
}

/// Makes so many calls.
type Calls<'a> = Box<dyn Fn(u64) + 'a>;

/// The same by both sides.
struct Comparison<'a> {
    name: &'a str,
    fetchlock: Calls<'a>,
    baseline: Calls<'a>,
}

async fn joined(runtime: &Handle, call: impl Future<Output = ()> + Send + 'static) {
    runtime.spawn(call).await.expect("no panic");
}

/// Makes `count` calls, as many at once as the sandbox is made for.
async fn many<F: Future<Output = ()> + Send + 'static>(count: u64, runtime: &Handle, call: impl Fn() -> F) {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        if calls.len() >= CONCURRENCY.get() {
            calls.join_next().await.expect("one is under way").expect("no panic");
        }
        calls.spawn_on(call(), runtime);
    }
    calls.join_all().await;
}

/// Times the calls of one side.
fn timed(bencher: &mut Bencher<'_>, calls: &Calls<'_>) {
    bencher.iter_custom(|count| {
        let began = Instant::now();
        calls(count);
        began.elapsed()
    });
}

/// Where the components are that are measured instead.
const COMPONENTS: &str = "FETCHLOCK_BENCH_COMPONENTS";

/// A filter on the command line is for criterion's own benches; the pairs are measured always.
fn main() {
    match env::var_os(COMPONENTS) {
        Some(dir) => measure_new_projects(Path::new(&dir)),
        None => measure_example(),
    }
}

fn measure_new_projects(dir: &Path) {
    let entries = fs::read_dir(dir).expect("the components").map(|entry| entry.expect("an entry").path());
    let mut components: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "wasm")).collect();
    components.sort();
    assert!(!components.is_empty(), "no component in {}", dir.display());
    for path in components {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let sides = Sides::new(&fs::read(&path).expect("a component"), Example::small_amount());
        sides.host.block_on(sides.example.check(&sides.sandbox, &sides.handler));
        let again = format!("{name}-again");
        for Comparison { name, fetchlock, baseline } in [sides.one_by_one(name), sides.again(&again)] {
            pairs::compare(name, fetchlock, baseline);
        }
        loading::measure(name, &path, &sides.host);
    }
}

fn measure_example() {
    let example = Sides::new(&example::component(), Example::paid_order());
    example.host.block_on(example.example.check(&example.sandbox, &example.handler));
    let empty = Sides::new(&wat::parse_str(EMPTY).expect("WAT"), Example::paid_order());
    let comparisons = [
        example.one_by_one("example"),
        example.spawned("example-spawned"),
        example.busy("example-busy"),
        example.instantiated("instantiate"),
        empty.one_by_one("empty"),
    ];
    for Comparison { name, fetchlock, baseline } in &comparisons {
        pairs::compare(name, fetchlock, baseline);
    }
    let mut criterion = Criterion::default().configure_from_args();
    for Comparison { name, fetchlock, baseline } in &comparisons {
        let mut group = criterion.benchmark_group(*name);
        group.bench_function("fetchlock", |bencher| timed(bencher, fetchlock));
        group.bench_function("baseline", |bencher| timed(bencher, baseline));
        group.finish();
    }
    criterion.final_summary();
}
