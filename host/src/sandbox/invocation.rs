//! The state of one invocation: what its store holds. Each capability keeps its part in a type of its own.

use std::{collections::BTreeMap, sync::Arc};

use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::{
    cpu::CpuMeter,
    engine_calls::EngineCalls,
    http::{Http, HttpCalls},
    limits::{LimitExceeded, Limits, MemoryGuard},
    output::{GuestOutput, Origin, OutputTo, StreamName},
    port::TaskPort,
    secrets::Secrets,
    surroundings::Surroundings,
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
}

/// The data of an invocation's store.
pub(crate) struct Invocation {
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    pub(super) config: Arc<BTreeMap<String, String>>,
    pub(super) secrets: Secrets,
    pub(super) port: Arc<dyn TaskPort>,
    pub(super) engine_calls: EngineCalls,
    pub(super) limits: Limits,
    pub(super) memory: MemoryGuard,
    pub(super) meter: Arc<CpuMeter>,
    pub(super) output: GuestOutput,
    pub(super) host_calls: u64,
    /// Whether its time passes only while it waits.
    pub(super) is_virtual: bool,
    pub(super) http: Http,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
}

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
        } = assignment;
        let origin = Origin { task: task.clone(), version };
        let output = GuestOutput::new(origin, &limits, output);
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
            is_virtual,
            table,
            wasi,
        }
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
