//! The sandbox: runs a handler for one task, in an instance that sees no other, can do nothing that was not given to it,
//! and ends within its limits. The instance is a fresh one, unless its plugin wishes otherwise.

mod check;
mod conceal;
mod cpu;
mod ending;
mod engine;
mod engine_calls;
mod http;
mod idle;
mod instance;
mod invocation;
mod limits;
mod output;
mod port;
mod secrets;
mod surroundings;
mod ticker;
mod trial;
pub mod v0_1;
pub mod wasi;

use std::{
    collections::BTreeMap,
    future::poll_fn,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, Runtime};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use wasmtime::{
    Engine,
    component::{Component, Linker},
};

use self::{
    idle::{IdleInstances, MAX_IDLE, Placed},
    instance::Instance,
    invocation::{Assigned, Invocation, Unfit},
    ticker::Ticker,
};
use crate::{foreign::excerpt, task::Topic};

pub use self::{
    conceal::Revealed,
    ending::{Breakdown, Ending, Usage},
    engine_calls::{CorrelateError, EngineCalls, EnginePort, Fault, StartError},
    http::{HttpCalls, HttpError, HttpPort, Network, NetworkError, NetworkOptions, Terms},
    idle::Reuse,
    invocation::Assignment,
    limits::{LimitExceeded, Limits},
    output::{Captured, Level, Line, OutputTo, Source},
    port::{Decision, DecisionError, Fail, LoadError, LockError, RetryWish, SetError, TaskPort},
    secrets::{SecretMissing, Secrets},
    surroundings::{Clock, FirstReading, Random, Seed, Surroundings},
};

/// How long after its timeout a computing guest is dropped from outside, should it not have been interrupted (with its
/// backtrace) from inside.
const TIMEOUT_GRACE: Duration = Duration::from_millis(100);

/// How many characters of the error that a handler returns are kept: for whoever reads the incident's details.
const MAX_ERROR_TEXT: usize = 16_000;

/// Why the sandbox cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime refused its configuration or its interfaces.
    #[error("the WebAssembly engine does not start: {0:#}")]
    Engine(wasmtime::Error),
    /// A thread could not be started.
    #[error("a thread of the sandbox does not start: {0}")]
    Thread(#[from] io::Error),
}

/// Why a component cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The compiler refuses the bytes.
    #[error("it does not compile: {0}")]
    Compile(String),
    /// The artefact does not fit this engine: another version or CPU, or it exceeds the pool.
    #[error("it does not fit the sandbox: {0}")]
    Unfit(String),
    /// Imports or exports have another type than the contract's.
    #[error("its imports or exports do not have the types of the contract: {0}")]
    Link(String),
    /// The trial instance failed.
    #[error("it cannot be instantiated: {0}")]
    Instantiate(String),
}

/// The sandbox of a host.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Invocation>,
    /// Guests have a runtime of their own, so that a spinning one never holds up polling, locks or deliveries.
    guests: Handle,
    /// What [`Self::guests`] belongs to; taken when this is dropped.
    runtime: Option<Runtime>,
    idle: Arc<IdleInstances<Instance>>,
    _clearing: AbortOnDropHandle<()>,
    _ticker: Ticker,
}

/// What is done with an instance.
#[derive(Debug, Clone, Copy)]
enum Act {
    Instantiate,
    Handle,
}

/// A plugin's component, compiled, linked and ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct Handler(Arc<Prepared>);

struct Prepared {
    id: HandlerId,
    version: Version,
    /// Whether it was told that its instances are unfit for several tasks.
    is_told: AtomicBool,
}

/// What tells the instances of one handler from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HandlerId(u64);

impl HandlerId {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Relaxed))
    }
}

/// The contract's version that a component was built for.
enum Version {
    V0_1(v0_1::Handler),
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

/// Where an artefact is.
#[derive(Debug, Clone, Copy)]
pub enum Artefact<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file, from its beginning on.
    File(&'a Path),
}

/// Compiles a component into an artefact for [`Sandbox::load`]. Takes seconds of processor time for a large one: not
/// to be called on an async thread.
///
/// # Errors
/// [`PrepareError::Compile`].
pub fn compile(bytes: &[u8]) -> Result<Vec<u8>, PrepareError> {
    let error = |error: wasmtime::Error| PrepareError::Compile(format!("{error:#}"));
    engine::compile_engine().map_err(error)?.precompile_component(bytes).map_err(error)
}

impl Sandbox {
    /// A sandbox for so many invocations at once; no table may be larger than `table_elements`.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub fn new(concurrency: NonZeroUsize, table_elements: usize) -> Result<Self, SandboxError> {
        Self::with_max_idle(concurrency, table_elements, MAX_IDLE)
    }

    fn with_max_idle(
        concurrency: NonZeroUsize,
        table_elements: usize,
        max_idle: Duration,
    ) -> Result<Self, SandboxError> {
        let engine = engine::run_engine(concurrency, table_elements).map_err(SandboxError::Engine)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)
            .and_then(|()| http::link(&mut linker))
            .and_then(|()| v0_1::link(&mut linker))
            .map_err(SandboxError::Engine)?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock-guest").enable_all().build()?;
        let guests = runtime.handle().clone();
        let idle = Arc::new(IdleInstances::new(concurrency, max_idle));
        let clearing = AbortOnDropHandle::new(guests.spawn(idle.clone().clear()));
        let ticker = Ticker::start(&engine)?;
        Ok(Self { engine, linker, guests, runtime: Some(runtime), idle, _clearing: clearing, _ticker: ticker })
    }

    /// The runtime on which guests run, and nothing that others wait for: what calls [`Sandbox::invoke`] belongs on it.
    pub fn guests(&self) -> &Handle {
        &self.guests
    }

    /// A number that changes whenever artefacts of [`compile`] would not load any more: the wasmtime version, its
    /// settings, the CPU.
    pub fn compatibility(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }

    /// Loads an artefact of [`compile`] and links it. One in a file is mapped, so that loading it copies nothing.
    ///
    /// # Errors
    /// See [`PrepareError`].
    ///
    /// # Safety
    /// The artefact holds machine code, which is trusted: it must come unchanged from [`compile`], and a file with it must
    /// never change in place.
    #[allow(unsafe_code)]
    pub unsafe fn load(&self, artefact: Artefact<'_>) -> Result<Handler, PrepareError> {
        // SAFETY: the caller answers for where the bytes come from; wasmtime checks version, settings and CPU.
        let component = unsafe {
            match artefact {
                Artefact::Bytes(bytes) => Component::deserialize(&self.engine, bytes),
                Artefact::File(path) => Component::deserialize_file(&self.engine, path),
            }
        };
        let component = component.map_err(|error| PrepareError::Unfit(format!("{error:#}")))?;
        let link = |error: wasmtime::Error| PrepareError::Link(format!("{error:#}"));
        // The first invocation need not pay for the memory image.
        component.initialize_copy_on_write_image().map_err(|error| PrepareError::Unfit(format!("{error:#}")))?;
        let pre = self.linker.instantiate_pre(&component).map_err(link)?;
        let version = Version::V0_1(v0_1::Handler::new(pre).map_err(link)?);
        Ok(Handler(Arc::new(Prepared { id: HandlerId::next(), version, is_told: AtomicBool::new(false) })))
    }

    /// Makes an instance once, without calling the handler, to see that its start functions run.
    ///
    /// # Errors
    /// [`PrepareError::Instantiate`].
    pub async fn try_out(
        &self,
        handler: &Handler,
        topic: &Topic,
        version: &str,
        limits: &Limits,
        config: &Arc<BTreeMap<String, String>>,
        secrets: &Secrets,
    ) -> Result<(), PrepareError> {
        let assignment = trial::assignment(topic, version, limits, config.clone(), secrets.clone());
        let placed = self.fresh(assignment);
        let job = self.job(handler, Act::Instantiate, Reuse::NEVER);
        let trial = job.run(placed, CancellationToken::new());
        let ending = match self.guests.spawn(trial).await {
            Ok((ending, _)) => ending,
            Err(error) => Ending::HostFault(error.to_string()),
        };
        match ending {
            Ending::Returned(_) => Ok(()),
            Ending::Broken(Breakdown { cause, details, .. }) => {
                Err(PrepareError::Instantiate(format!("{cause}\n{details}").trim_end().to_owned()))
            }
            Ending::Cancelled => Err(PrepareError::Instantiate("cancelled".into())),
            Ending::HostFault(why) => Err(PrepareError::Instantiate(why)),
        }
    }

    /// Runs a handler once. Cancelling, as well as dropping the future, drops the instance wherever it is.
    ///
    /// The instance is a fresh one, or one that has served other tasks if the assignment says so (`reuse`). It keeps the
    /// clocks and the random numbers that it was made with, so that only those of the machine are good for several tasks.
    ///
    /// The guest computes on the thread that polls the future, for a tick of the epoch at a time: whoever has other
    /// work to do spawns it, or what awaits it, on [`Sandbox::guests`].
    pub fn invoke(
        &self,
        handler: &Handler,
        assignment: Assignment,
        cancel: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = (Ending, Usage)> + Send>> {
        let reuse = match assignment.surroundings == Surroundings::real() {
            true => assignment.reuse,
            false => Reuse::NEVER,
        };
        let kept = if reuse == Reuse::NEVER { None } else { self.idle.take(handler.0.id) };
        let placed = match kept {
            Some(mut placed) => {
                placed.instance.begin(assignment);
                placed
            }
            None => self.fresh(assignment),
        };
        // Boxed, because it is large, and is moved a few times on its way to a thread.
        Box::pin(self.job(handler, Act::Handle, reuse).run(placed, cancel))
    }

    fn fresh(&self, assignment: Assignment) -> Placed<Instance> {
        // The place first: it may still have to be made free.
        let place = self.idle.place();
        place.with(Instance::new(&self.engine, assignment))
    }

    fn job(&self, handler: &Handler, act: Act, reuse: Reuse) -> Job {
        Job { handler: handler.clone(), act, reuse, idle: self.idle.clone() }
    }
}

/// What is to be done with an instance, and what with it afterwards.
struct Job {
    handler: Handler,
    act: Act,
    reuse: Reuse,
    idle: Arc<IdleInstances<Instance>>,
}

impl Job {
    /// Does it. The instance is dropped afterwards unless the handler returned without an error: it may be in the middle of
    /// anything.
    async fn run(self, mut placed: Placed<Instance>, cancel: CancellationToken) -> (Ending, Usage) {
        let instance = &mut placed.instance;
        let (began, meter, output, timeout) = {
            let Invocation { assigned: Assigned { began, meter, limits, .. }, output, .. } = instance.invocation();
            (*began, meter.clone(), output.clone(), limits.timeout)
        };
        let called = {
            // Pinned here and polled by reference: the future is large, and each wrapper that takes it would copy it.
            let mut call = pin!(instance.act(&self.handler, self.act));
            let metered = poll_fn(|cx| caught(|| meter.poll(|| call.as_mut().poll(cx))));
            unless_interrupted(metered, timeout + TIMEOUT_GRACE, &cancel).await
        };
        let (stderr, dropped_lines) = output.finish();
        let (memory, host_calls) = {
            let Invocation { assigned, memory, .. } = instance.invocation();
            (memory.bytes(), assigned.host_calls)
        };
        let task_of_instance = instance.tasks();
        let ending = match called {
            Err(Interrupted::Cancelled) => Ending::Cancelled,
            Err(Interrupted::Late) => Ending::timed_out(timeout, &stderr),
            Ok(Err(panic)) => Ending::HostFault(format!("a host function failed: {panic}")),
            Ok(Ok(Ok(returned))) => {
                Ending::Returned(returned.map_err(|text| excerpt(&output.conceal(&text), MAX_ERROR_TEXT)))
            }
            Ok(Ok(Err(error))) => Ending::from_error(&error, &stderr),
        };
        let ended = Instant::now();
        if ending == Ending::Returned(Ok(())) && self.reuse != Reuse::NEVER {
            self.keep(placed, ended);
        } else {
            drop(placed);
        }
        let wall = ended.saturating_duration_since(began);
        let usage = Usage { wall, cpu: meter.used(), memory, host_calls, dropped_lines, task_of_instance };
        (ending.of_task(task_of_instance), usage)
    }

    /// Leaves the instance to the next task, if it is fit for that.
    fn keep(&self, mut placed: Placed<Instance>, since: Instant) {
        match placed.instance.rest(self.reuse) {
            Ok(()) => self.idle.keep(self.handler.0.id, placed, since.into()),
            Err(Unfit::Used(setting)) if !self.handler.0.is_told.swap(true, Relaxed) => {
                placed.instance.invocation().output.warn(&format!(
                    "an instance is given no other task in spite of `reuse`, because it uses more than half of \
                     {setting}: raise that, or have the handler use less (told once for a version)"
                ));
            }
            Err(Unfit::Spent | Unfit::InDisorder | Unfit::Used(_)) => {}
        }
    }
}

/// What ends a call before it returns.
enum Interrupted {
    Late,
    Cancelled,
}

/// Waits for a call for so long, or for the token. The time is counted from when there is first something to wait for, by
/// the clock of the runtime: that of a case stands before.
async fn unless_interrupted<T>(
    call: impl Future<Output = T>,
    at_most: Duration,
    cancel: &CancellationToken,
) -> Result<T, Interrupted> {
    if cancel.is_cancelled() {
        return Err(Interrupted::Cancelled);
    }
    let (mut call, mut interrupted) = (pin!(call), None);
    poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(called) => Poll::Ready(Ok(called)),
        // Most calls are over when they are polled for the first time: only the others need a timer.
        Poll::Pending => {
            let interrupted = interrupted.get_or_insert_with(|| Box::pin(interruption(at_most, cancel)));
            interrupted.as_mut().poll(cx).map(Err)
        }
    })
    .await
}

async fn interruption(at_most: Duration, cancel: &CancellationToken) -> Interrupted {
    let interruption = async {
        tokio::select! {
            () = tokio::time::sleep(at_most) => Interrupted::Late,
            () = cancel.cancelled() => Interrupted::Cancelled,
        }
    };
    // Also if the call has used up the turns that the runtime gives to one task.
    tokio::task::unconstrained(interruption).await
}

/// Does one poll; a panic is an error with its text. A mistake in a host function is to end its invocation, not the
/// worker's bookkeeping around it.
fn caught<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, String>> {
    catch_unwind(AssertUnwindSafe(poll)).map_or_else(
        |panic| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            Poll::Ready(Err(text.unwrap_or("a panic without a text").to_owned()))
        },
        |poll| poll.map(Ok),
    )
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A runtime may not be dropped on an async thread; its guests are cancelled by their worker before.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
