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
    trial,
};
use crate::{task::Task, value::Variables};

/// What an invocation is given.
#[derive(Clone)]
pub struct Assignment {
    /// The task.
    pub task: Arc<Task>,
    /// Its variables.
    pub variables: Arc<Variables>,
    /// The plugin's settings.
    pub config: Arc<BTreeMap<String, String>>,
    /// The plugin's version, for log lines.
    pub version: Arc<str>,
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

/// The data of an instance's store: what it has of the task at hand, and what the guest may hold on to for the
/// instance's life.
pub(crate) struct Invocation {
    pub(super) assigned: Assigned,
    /// The guest has streams that lead here, and may still hold what it has read of secrets.
    pub(super) output: GuestOutput,
    /// Memories never shrink.
    pub(super) memory: MemoryGuard,
    /// Whether its time passes only while it waits.
    pub(super) is_virtual: bool,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
}

/// What an instance has of the task at hand, and what of that is used up. With another task it is replaced as a whole.
pub(super) struct Assigned {
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    pub(super) config: Arc<BTreeMap<String, String>>,
    pub(super) secrets: Secrets,
    pub(super) port: Arc<dyn TaskPort>,
    pub(super) engine_calls: EngineCalls,
    pub(super) http: Http,
    pub(super) limits: Limits,
    pub(super) began: Instant,
    pub(super) meter: Arc<CpuMeter>,
    pub(super) host_calls: u64,
    /// Whether a decision was accepted that is no failure.
    pub(super) went_well: bool,
}

/// Why an instance is given no other task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It has been given as many as it may.
    Spent,
    /// It may be in disorder: the handler failed the task or decided nothing, or something that it began has not ended.
    InDisorder,
    /// It uses so much of what this setting limits that another task might meet the limit for what it did not do.
    Used(&'static str),
}

/// Of what is limited for an instance's life, so much may be in use when it is given another task: one part in so many.
const USED_AT_MOST: usize = 2;

impl Assigned {
    /// The first part of an assignment is the task's; what is left belongs to the instance.
    fn new(assignment: Assignment, output: &GuestOutput) -> Self {
        let Assignment {
            task,
            variables,
            config,
            version: _,
            limits,
            port,
            engine_calls,
            http,
            secrets,
            surroundings: _,
            output: _,
            reuse: _,
        } = assignment;
        let began = Instant::now();
        Self {
            meter: Arc::new(CpuMeter::new(began)),
            began,
            http: Http::new(http, &limits, output.clone()),
            task,
            variables,
            config,
            secrets,
            port,
            engine_calls,
            limits,
            host_calls: 0,
            went_well: false,
        }
    }

    /// Lets go of the task and of all that leads to it.
    fn let_go(&mut self) {
        let Assignment { task, variables, config, port, engine_calls, .. } = trial::nothing();
        self.task.clone_from(task);
        self.variables.clone_from(variables);
        self.config.clone_from(config);
        self.port.clone_from(port);
        self.engine_calls.clone_from(engine_calls);
    }
}

impl Invocation {
    pub(super) fn new(assignment: Assignment) -> Self {
        let Assignment { limits, surroundings, .. } = &assignment;
        let output = GuestOutput::new(origin(&assignment), limits, assignment.output.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        // Deny by default: no environment, arguments, files or sockets.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.stream(StreamName::Stdout))
            .stderr(output.stream(StreamName::Stderr))
            .max_random_size(MAX_RANDOM);
        surroundings.apply(&mut wasi);
        Self {
            memory: MemoryGuard::new(limits),
            is_virtual: surroundings.is_virtual(),
            assigned: Assigned::new(assignment, &output),
            output,
            table,
            wasi: wasi.build(),
        }
    }

    /// Gives the instance another task. Its surroundings stay.
    pub(super) fn begin(&mut self, assignment: Assignment) {
        self.output.begin(origin(&assignment), &assignment.limits, assignment.output.clone());
        self.assigned = Assigned::new(assignment, &self.output);
    }

    /// Takes the task from the instance, with all that leads to it, unless the instance is unfit for another one.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub(super) fn rest(&mut self) -> Result<(), Unfit> {
        let Assigned { went_well, http, limits, .. } = &self.assigned;
        if !went_well || http.is_under_way() {
            return Err(Unfit::InDisorder);
        }
        if let Some(setting) = self.memory.used_beyond(USED_AT_MOST) {
            return Err(Unfit::Used(setting));
        }
        if self.table.iter_mut().count() > limits.handles / USED_AT_MOST {
            return Err(Unfit::Used("limits.handles"));
        }
        self.assigned.let_go();
        self.output.name(origin(trial::nothing()));
        Ok(())
    }

    /// Counts one call of a host function and ends the invocation when there were too many.
    pub(super) fn count_call(&mut self) -> wasmtime::Result<()> {
        let Assigned { host_calls, limits, .. } = &mut self.assigned;
        *host_calls += 1;
        if *host_calls > limits.host_calls {
            let allowed = format!("{} calls", limits.host_calls);
            return Err(LimitExceeded { setting: "limits.host-calls", allowed }.into());
        }
        Ok(())
    }
}

fn origin(assignment: &Assignment) -> Origin {
    Origin { task: assignment.task.clone(), version: assignment.version.clone() }
}

/// Random bytes at a time; keys and ids need a few dozen.
const MAX_RANDOM: u64 = 64 << 10;

impl WasiView for Invocation {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
