//! The baseline: the same component called straight on wasmtime, as a program would that does this one thing.
//!
//! It has the host's engine settings (pooling allocator, epochs, stacks; the numbers are those of
//! `host/src/sandbox/engine.rs`), the same limits of memory, tables, handles, payload and wall time, the whole of WASI
//! with nothing behind it, and a fresh store for each call. Its host functions return the same data and do nothing else:
//! no checks of what the guest decides, no budgets of calls, no log, no metering of processor time, no port to a worker.

mod host;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use fetchlock::sandbox::Limits;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreLimits,
    StoreLimitsBuilder,
    component::{Component, HasSelf, Linker},
};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

pub(crate) use self::host::Given;
use self::host::bindings::{Handler, HandlerPre};

/// As the sandbox ticks.
const TICK: Duration = Duration::from_millis(10);

/// What a store holds.
struct Call {
    given: Arc<Given>,
    limits: StoreLimits,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// An engine with a component on it.
pub(crate) struct Baseline {
    engine: Engine,
    handler: HandlerPre<Call>,
    limits: Limits,
    stop: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Baseline {
    pub(crate) fn new(component: &[u8], concurrency: u32, limits: Limits) -> Self {
        let engine = Engine::new(&config(concurrency, limits.table_elements)).expect("an engine");
        let component = Component::from_binary(&engine, component).expect("the component compiles");
        component.initialize_copy_on_write_image().expect("a memory image");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        Handler::add_to_linker::<_, HasSelf<_>>(&mut linker, |call: &mut Call| call).expect("the contract");
        let pre = linker.instantiate_pre(&component).expect("it links");
        let handler = HandlerPre::new(pre).expect("it exports the handler");
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = {
            let (engine, stop) = (engine.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Relaxed) {
                    std::thread::sleep(TICK);
                    engine.increment_epoch();
                }
            })
        };
        Self { engine, handler, limits, stop, ticker: Some(ticker) }
    }

    fn store(&self, given: Arc<Given>) -> Store<Call> {
        let limits =
            StoreLimitsBuilder::new().memory_size(self.limits.memory).table_elements(self.limits.table_elements);
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.limits.handles);
        let call = Call { given, limits: limits.build(), table, wasi: WasiCtx::builder().build() };
        let mut store = Store::new(&self.engine, call);
        store.limiter(|call| &mut call.limits);
        store.set_hostcall_fuel(self.limits.payload);
        store.set_max_component_handles(self.limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    /// A fresh store, an instance, one call of the handler.
    pub(crate) fn handle(&self, given: Arc<Given>) -> impl Future<Output = ()> + Send + use<> {
        let (mut store, handler, timeout) = (self.store(given), self.handler.clone(), self.limits.timeout);
        async move {
            let call = async {
                let instance = handler.instantiate_async(&mut store).await?;
                instance.call_handle(&mut store).await
            };
            let returned = tokio::time::timeout(timeout, call).await.expect("in time").expect("no trap");
            returned.expect("the handler succeeds");
        }
    }

    /// An instance to be called again and again.
    pub(crate) async fn keep(&self, given: Arc<Given>) -> Kept {
        let mut store = self.store(given);
        let instance = self.handler.instantiate_async(&mut store).await.expect("an instance");
        Kept { store, instance }
    }

    /// A fresh store and an instance.
    pub(crate) fn instantiate(&self, given: Arc<Given>) -> impl Future<Output = ()> + Send + use<> {
        let (mut store, handler, timeout) = (self.store(given), self.handler.clone(), self.limits.timeout);
        async move {
            let made = tokio::time::timeout(timeout, handler.instantiate_async(&mut store)).await;
            made.expect("in time").map(drop).expect("an instance");
        }
    }
}

/// An instance of the baseline, and its store.
pub(crate) struct Kept {
    store: Store<Call>,
    instance: Handler,
}

impl Kept {
    /// One more call of the handler.
    pub(crate) async fn call(&mut self) {
        let returned = self.instance.call_handle(&mut self.store).await.expect("no trap");
        returned.expect("the handler succeeds");
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.join().expect("the ticker does not panic");
        }
    }
}

/// The settings of `host/src/sandbox/engine.rs`, where each number has its reason.
fn config(concurrency: u32, table_elements: usize) -> Config {
    let instances = concurrency + 4;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 16)
        .total_memories(instances * 2)
        .total_tables(instances * 4)
        .total_stacks(instances)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(16)
        .max_memories_per_component(2)
        .max_tables_per_component(4)
        .max_tables_per_module(4)
        .table_elements(table_elements)
        .max_unused_warm_slots(instances)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20)
        .native_unwind_info(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .shared_memory(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
