//! What an invocation costs beside the same call written straight on wasmtime ([`baseline`]). The goal is 1.25 times.
//!
//! Both sides begin with a compiled and linked component, and both make a fresh store and a fresh instance, call the
//! handler, and drop all of it. On the side of `fetchlock` that is the whole of [`Sandbox::invoke`]: metering of
//! processor time, all limits, the checks of the decision, the guest's output. Its port takes the decision at once; the
//! journal and the engine are measured elsewhere.
//!
//! - `example`: the Rust example with an order that is paid, on the calling thread. The `-spawned` pair is the same as a
//!   task on the threads of a runtime, that the caller waits for: as a host calls it that does other things, too. Most of
//!   what is added is the kernel waking an idle thread, twice.
//! - `example-busy`: the same, 64 of them under way at once, in time for each. Here no thread is idle.
//! - `example-busy-cpu`: processor time for each, of all threads together.
//! - `instantiate`: a store and an instance, no call.
//! - `empty`: a handler that does nothing, without a standard library.

mod baseline;
mod example;
mod pairs;

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, measurement::WallTime};
use fetchlock::sandbox::{self, Handler, Sandbox};
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
    fn new(component: &[u8]) -> Self {
        let example = Example::paid_order();
        let limits = example.limits().clone();
        let sandbox = Sandbox::new(CONCURRENCY, limits.table_elements).expect("a sandbox");
        let artefact = sandbox::compile(component).expect("the component compiles");
        // SAFETY: compiled the line above.
        let handler = unsafe { sandbox.load(&artefact) }.expect("it loads");
        let concurrency = u32::try_from(CONCURRENCY.get()).expect("a small number");
        let baseline = Baseline::new(component, concurrency, limits);
        let host = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { host, sandbox, handler, baseline, example }
    }

    /// One at a time, on the calling thread.
    fn compare(&self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.bench_function("fetchlock", |bencher| {
            bencher.to_async(&self.host).iter(|| self.example.call(&self.sandbox, &self.handler));
        });
        group.bench_function("baseline", |bencher| {
            bencher.to_async(&self.host).iter(|| self.baseline.handle(self.example.given()));
        });
    }

    /// One at a time, each on the thread of a runtime.
    fn compare_spawned(&self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.bench_function("fetchlock-spawned", |bencher| {
            bencher.to_async(&self.host).iter(|| async {
                let call = self.example.call(&self.sandbox, &self.handler);
                self.sandbox.guests().spawn(call).await.expect("no panic");
            });
        });
        group.bench_function("baseline-spawned", |bencher| {
            bencher.to_async(&self.host).iter(|| async {
                let call = self.baseline.handle(self.example.given());
                self.host.spawn(call).await.expect("no panic");
            });
        });
    }

    /// Many at a time, on the threads of a runtime.
    fn compare_busy(&self, group: &mut BenchmarkGroup<'_, WallTime>, clock: Clock) {
        group.bench_function("fetchlock", |bencher| {
            bencher.iter_custom(|count| {
                let call = || self.example.call(&self.sandbox, &self.handler);
                self.host.block_on(many(count, self.sandbox.guests(), clock, call))
            });
        });
        group.bench_function("baseline", |bencher| {
            bencher.iter_custom(|count| {
                let call = || self.baseline.handle(self.example.given());
                self.host.block_on(many(count, self.host.handle(), clock, call))
            });
        });
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// Time on the wall.
    Wall,
    /// Time of all threads of this process on processors.
    Cpu,
}

/// Makes `count` calls, as many at once as the sandbox is made for; the time that all of them took.
async fn many<F: Future<Output = ()> + Send + 'static>(
    count: u64,
    runtime: &Handle,
    clock: Clock,
    call: impl Fn() -> F,
) -> Duration {
    let (began, cpu_began) = (Instant::now(), ProcessTime::now());
    let mut calls = JoinSet::new();
    for _ in 0..count {
        if calls.len() >= CONCURRENCY.get() {
            calls.join_next().await.expect("one is under way").expect("no panic");
        }
        calls.spawn_on(call(), runtime);
    }
    calls.join_all().await;
    match clock {
        Clock::Wall => began.elapsed(),
        Clock::Cpu => cpu_began.elapsed(),
    }
}

fn example(criterion: &mut Criterion) {
    let sides = Sides::new(&example::component());
    sides.host.block_on(sides.example.check(&sides.sandbox, &sides.handler));

    let mut group = criterion.benchmark_group("example");
    sides.compare(&mut group);
    sides.compare_spawned(&mut group);
    group.finish();

    for (name, clock) in [("example-busy", Clock::Wall), ("example-busy-cpu", Clock::Cpu)] {
        let mut group = criterion.benchmark_group(name);
        sides.compare_busy(&mut group, clock);
        group.finish();
    }

    let mut group = criterion.benchmark_group("instantiate");
    group.bench_function("fetchlock", |bencher| {
        bencher.to_async(&sides.host).iter(|| sides.example.instantiate(&sides.sandbox, &sides.handler));
    });
    group.bench_function("baseline", |bencher| {
        bencher.to_async(&sides.host).iter(|| sides.baseline.instantiate(sides.example.given()));
    });
    group.finish();
}

fn empty(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("empty");
    Sides::new(&wat::parse_str(EMPTY).expect("WAT")).compare(&mut group);
    group.finish();
}

/// The ratios. A filter on the command line is for criterion's own benches only.
fn pairs() {
    let sides = Sides::new(&example::component());
    let Sides { host, sandbox, handler, baseline, example } = &sides;
    pairs::compare(
        "example",
        |count| {
            host.block_on(async {
                for _ in 0..count {
                    example.call(sandbox, handler).await
                }
            })
        },
        |count| {
            host.block_on(async {
                for _ in 0..count {
                    baseline.handle(example.given()).await
                }
            })
        },
    );
    pairs::compare(
        "example-busy",
        |count| {
            host.block_on(many(count, sandbox.guests(), Clock::Wall, || example.call(sandbox, handler)));
        },
        |count| {
            host.block_on(many(count, host.handle(), Clock::Wall, || baseline.handle(example.given())));
        },
    );
}

criterion_group!(benches, example, empty);

fn main() {
    pairs();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
