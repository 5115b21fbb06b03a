//! The sandbox: runs a handler once, in a fresh instance that sees one task, can do nothing that was not given to it,
//! and ends within its limits.

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
        atomic::{AtomicU64, Ordering::Relaxed},
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
    idle::{IdleInstances, Place},
    instance::Instance,
    invocation::Invocation,
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
pub struct Handler {
    id: HandlerId,
    version: Version,
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
#[derive(Clone)]
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
        let engine = engine::run_engine(concurrency, table_elements).map_err(SandboxError::Engine)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)
            .and_then(|()| http::link(&mut linker))
            .and_then(|()| v0_1::link(&mut linker))
            .map_err(SandboxError::Engine)?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock-guest").enable_all().build()?;
        let guests = runtime.handle().clone();
        let idle = Arc::new(IdleInstances::new(concurrency));
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
        Ok(Handler { id: HandlerId::next(), version })
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
        let job = Job {
            handler: handler.clone(),
            act: Act::Instantiate,
            reuse: Reuse::NEVER,
            cancel: CancellationToken::new(),
        };
        let trial = run(Instance::new(&self.engine, assignment), job, self.idle.place());
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
        let kept = if reuse == Reuse::NEVER { None } else { self.idle.take(handler.id) };
        let (instance, place) = match kept {
            Some((instance, place)) => (instance.with(assignment), place),
            None => {
                let place = self.idle.place();
                (Instance::new(&self.engine, assignment), place)
            }
        };
        // Boxed, because it is large, and is moved a few times on its way to a thread.
        Box::pin(run(instance, Job { handler: handler.clone(), act: Act::Handle, reuse, cancel }, place))
    }
}

/// What is to be done with an instance, and what with it afterwards.
struct Job {
    handler: Handler,
    act: Act,
    reuse: Reuse,
    cancel: CancellationToken,
}

/// Does it with an instance, which is dropped unless the handler returned without an error: it may be in the middle of
/// anything.
async fn run(mut instance: Instance, job: Job, place: Place<Instance>) -> (Ending, Usage) {
    let Job { handler, act, reuse, cancel } = job;
    let began = Instant::now();
    let (meter, output, timeout) = {
        let invocation = instance.invocation();
        (invocation.meter.clone(), invocation.output.clone(), invocation.limits.timeout)
    };
    let called = {
        // Pinned here and polled by reference: the future is large, and each wrapper that takes it would copy it.
        let mut call = pin!(instance.act(&handler, act));
        let metered = poll_fn(|cx| caught(|| meter.poll(|| call.as_mut().poll(cx))));
        tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            called = tokio::time::timeout(timeout + TIMEOUT_GRACE, metered) => Some(called),
        }
    };
    let (stderr, dropped_lines) = output.finish();
    let used = {
        let Invocation { memory, host_calls, .. } = instance.invocation();
        let (memory, host_calls, task_of_instance) = (memory.bytes(), *host_calls, instance.tasks());
        Usage { memory, host_calls, dropped_lines, task_of_instance, ..Usage::default() }
    };
    let ending = match called {
        None => Ending::Cancelled,
        Some(Err(_elapsed)) => Ending::timed_out(timeout, &stderr),
        Some(Ok(Err(panic))) => Ending::HostFault(format!("a host function failed: {panic}")),
        Some(Ok(Ok(Ok(returned)))) => {
            Ending::Returned(returned.map_err(|text| excerpt(&output.conceal(&text), MAX_ERROR_TEXT)))
        }
        Some(Ok(Ok(Err(error)))) => Ending::from_error(&error, &stderr),
    };
    // Dropped before its place is free.
    let kept = (ending == Ending::Returned(Ok(()))).then_some(instance).and_then(|instance| instance.rested(reuse));
    match kept {
        Some(instance) => place.keep(handler.id, instance),
        None => drop(place),
    }
    (ending.of_task(used.task_of_instance), Usage { wall: began.elapsed(), cpu: meter.used(), ..used })
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
