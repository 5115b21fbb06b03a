//! The wasmtime engines: one that runs everything, and throw-away ones that compile.

use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Instances beyond the configured concurrency: a new version is instantiated once before it is swapped in.
const SPARE_INSTANCES: usize = 4;

/// Core instances of one component: a Go or JavaScript component consists of its module and up to a handful of
/// adapters and shims.
const CORE_INSTANCES_PER_COMPONENT: u32 = 16;

/// Memories of one component; real ones have one or two.
const MEMORIES_PER_COMPONENT: u32 = 2;

/// Tables of one component: adapters bring one each.
const TABLES_PER_COMPONENT: u32 = 4;

/// The room for one instance's own data. JavaScript and Go runtimes have many functions; Spin allows as much.
const MAX_INSTANCE_SIZE: usize = 10 << 20;

/// Bytes of a memory that stay resident between invocations, cleared by writing instead of by a system call.
const MEMORY_KEPT_RESIDENT: usize = 2 << 20;

/// The same for a table.
const TABLE_KEPT_RESIDENT: usize = 512 << 10;

/// The stack of a guest. wasmtime's default, named because [`ASYNC_STACK`] must exceed it.
const WASM_STACK: usize = 512 << 10;

/// The stack on which guest and host functions run; the difference is left to the host.
const ASYNC_STACK: usize = 1 << 20;

/// What must be the same wherever an artefact is compiled and run.
fn common() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        // Registering unwind tables is quadratic on some platforms, and a hot-reloading host registers for ever.
        .native_unwind_info(false)
        // Each of these would widen what a plugin can do; none is needed by the toolchains we know.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .shared_memory(false);
    config
}

/// The engine that runs plugins: `concurrency` invocations at once.
///
/// # Errors
/// When not even an engine without a pool can be made.
pub(crate) fn run_engine(concurrency: NonZeroUsize, table_elements: usize) -> wasmtime::Result<Engine> {
    match Engine::new(common().allocation_strategy(pool(concurrency, table_elements))) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "no address space for a pool of {concurrency} instances (ulimit -v?): each invocation maps its own \
                 memory, which is slower; lower worker.max-concurrent or raise the limit"
            );
            Engine::new(common().allocation_strategy(InstanceAllocationStrategy::OnDemand))
        }
    }
}

/// An engine to compile one component with and then drop: wasmtime 48 keeps compiler contexts for an engine's life,
/// which a host that reloads for months would feel (wasmtime #14314).
pub(crate) fn compile_engine() -> wasmtime::Result<Engine> {
    Engine::new(common().allocation_strategy(InstanceAllocationStrategy::OnDemand))
}

fn pool(concurrency: NonZeroUsize, table_elements: usize) -> InstanceAllocationStrategy {
    let instances = u32::try_from(concurrency.get() + SPARE_INSTANCES).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(instances.saturating_mul(MEMORIES_PER_COMPONENT))
        .total_tables(instances.saturating_mul(TABLES_PER_COMPONENT))
        .total_stacks(instances)
        .max_component_instance_size(MAX_INSTANCE_SIZE)
        .max_core_instance_size(MAX_INSTANCE_SIZE)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_tables_per_module(TABLES_PER_COMPONENT)
        .table_elements(table_elements)
        .max_unused_warm_slots(instances)
        .linear_memory_keep_resident(MEMORY_KEPT_RESIDENT)
        .table_keep_resident(TABLE_KEPT_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}
