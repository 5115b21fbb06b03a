//! The state of one invocation: what its store holds. Each capability keeps its part in a type of its own.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::{
    cpu::CpuMeter,
    engine_calls::EngineCalls,
    http::{Http, HttpCalls},
    idle::Reuse,
    limits::{LimitExceeded, Limits, MemoryGuard},
    output::{GuestOutput, Origin, OutputTo, StreamName},
    port::TaskPort,
    secrets::Secrets,
    surroundings::Surroundings,
    trial::NoTask,
};
use crate::{task::Task, value::Variables};

/// What an invocation is given.
pub struct Assignment {
    /// The task.
    pub task: Arc<Task>,
    /// Its variables.
    pub variables: Arc<Variables>,
    /// The plugin's settings.
    pub config: Arc<BTreeMap<String, String>>,
    /// The plugin's version, for log lines.
    pub version: String,
    /// What it may use.
    pub limits: Limits,
    /// The way to the task at the engine.
    pub port: Arc<dyn TaskPort>,
    /// What it may begin at the engine beside its task.
    pub engine_calls: EngineCalls,
    /// What it may ask of other servers.
    pub http: HttpCalls,
    /// What it may read with `config.get` beside its settings.
    pub secrets: Secrets,
    /// Where its time and random numbers come from.
    pub surroundings: Surroundings,
    /// Where what it says goes.
    pub output: OutputTo,
    /// How many tasks its instance may be given in all.
    pub reuse: Reuse,
}

/// The data of an instance's store: what the task at hand may do, and what belongs to the instance for its life.
pub(crate) struct Invocation {
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    pub(super) config: Arc<BTreeMap<String, String>>,
    pub(super) secrets: Secrets,
    pub(super) port: Arc<dyn TaskPort>,
    pub(super) engine_calls: EngineCalls,
    pub(super) http: Http,
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    pub(super) meter: Arc<CpuMeter>,
    pub(super) host_calls: u64,
    /// Whether the task has been failed.
    pub(super) has_failed: bool,
    /// The guest holds streams that lead here, and may hold what it has read of secrets: so it stays the same.
    pub(super) output: GuestOutput,
    /// Memories never shrink.
    pub(super) memory: MemoryGuard,
    /// Whether its time passes only while it waits.
    pub(super) is_virtual: bool,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
}

/// Of its memory and of its handles an instance may have used one part in so many when it is given another task, which
/// is to have room of its own.
const USED_AT_MOST: usize = 2;

impl Invocation {
    pub(super) fn new(assignment: Assignment) -> Self {
        let Assignment {
            task,
            variables,
            config,
            version,
            limits,
            port,
            engine_calls,
            http,
            secrets,
            surroundings,
            output,
            reuse: _,
        } = assignment;
        let output = GuestOutput::new(Origin { task: task.clone(), version }, &limits, output);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let is_virtual = surroundings.is_virtual();
        // Deny by default: no environment, arguments, files or sockets.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.stream(StreamName::Stdout))
            .stderr(output.stream(StreamName::Stderr))
            .max_random_size(MAX_RANDOM);
        surroundings.apply(&mut wasi);
        let wasi = wasi.build();
        Self {
            memory: MemoryGuard::new(&limits),
            deadline: Instant::now() + limits.timeout,
            meter: Arc::default(),
            http: Http::new(http, &limits, output.clone()),
            secrets,
            task,
            variables,
            config,
            port,
            engine_calls,
            limits,
            output,
            host_calls: 0,
            has_failed: false,
            is_virtual,
            table,
            wasi,
        }
    }

    /// Gives the instance another task, with all that belongs to one. Its surroundings stay.
    pub(super) fn begin(&mut self, assignment: Assignment) {
        let Assignment {
            task,
            variables,
            config,
            version,
            limits,
            port,
            engine_calls,
            http,
            secrets,
            surroundings: _,
            output,
            reuse: _,
        } = assignment;
        self.output.begin(Origin { task: task.clone(), version }, &limits, output);
        self.http = Http::new(http, &limits, self.output.clone());
        self.deadline = Instant::now() + limits.timeout;
        self.meter = Arc::default();
        self.host_calls = 0;
        self.has_failed = false;
        self.task = task;
        self.variables = variables;
        self.config = config;
        self.secrets = secrets;
        self.port = port;
        self.engine_calls = engine_calls;
        self.limits = limits;
    }

    /// Whether another task would find enough left of what counts for an instance, nothing under way, and nothing that
    /// may be in disorder.
    pub(super) fn is_reusable(&mut self) -> bool {
        !self.has_failed
            && self.memory.bytes() <= self.limits.memory / USED_AT_MOST
            && self.table.iter_mut().count() <= self.limits.handles / USED_AT_MOST
            && !self.http.is_under_way()
    }

    /// Takes what leads to the task: the instance has none.
    pub(super) fn rest(&mut self) {
        self.port = Arc::new(NoTask);
        self.variables = Arc::default();
        self.secrets = Secrets::none();
        self.engine_calls = EngineCalls::none();
        self.http = Http::new(HttpCalls::none(), &self.limits, self.output.clone());
    }

    /// Counts one call of a host function and ends the invocation when there were too many.
    pub(super) fn count_call(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            let allowed = format!("{} calls", self.limits.host_calls);
            return Err(LimitExceeded { setting: "limits.host-calls", allowed }.into());
        }
        Ok(())
    }
}

/// Random bytes at a time; keys and ids need a few dozen.
const MAX_RANDOM: u64 = 64 << 10;

impl WasiView for Invocation {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
