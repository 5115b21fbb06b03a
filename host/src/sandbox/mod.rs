//! The sandbox: runs a handler once, in a fresh instance that sees one task, can do nothing that was not given to it,
//! and ends within its limits.

mod check;
mod conceal;
mod cpu;
mod ending;
mod engine;
mod engine_calls;
mod http;
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
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;
use wasmtime::{
    Engine, Store, UpdateDeadline,
    component::{Component, Linker},
};

use self::{invocation::Invocation, ticker::Ticker};
use crate::{foreign::excerpt, task::Topic};

pub use self::{
    conceal::Revealed,
    ending::{Breakdown, Ending, Usage},
    engine_calls::{CorrelateError, EngineCalls, EnginePort, Fault, StartError},
    http::{HttpCalls, HttpError, HttpPort, Network, NetworkError, NetworkOptions, Terms},
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

/// What a host call may copy out of the guest beyond the payload limit: names, records, list headers.
const HOSTCALL_OVERHEAD: usize = 1 << 20;

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
    _ticker: Ticker,
}

/// What is done with a fresh instance.
#[derive(Debug, Clone, Copy)]
enum Act {
    Instantiate,
    Handle,
}

impl Act {
    async fn call(self, handler: &Handler, store: &mut Store<Invocation>) -> wasmtime::Result<Result<(), String>> {
        match (&handler.0, self) {
            (Version::V0_1(handler), Self::Instantiate) => handler.instantiate(store).await.map(Ok),
            (Version::V0_1(handler), Self::Handle) => handler.handle(store).await,
        }
    }
}

/// A plugin's component, compiled, linked and ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct Handler(Version);

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
        Ok(Self { _ticker: Ticker::start(&engine)?, engine, linker, guests, runtime: Some(runtime) })
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
        Ok(Handler(Version::V0_1(v0_1::Handler::new(pre).map_err(link)?)))
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
        let trial = run(self.store(assignment), handler.clone(), Act::Instantiate, CancellationToken::new());
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
    /// The guest computes on the thread that polls the future, for a tick of the epoch at a time: whoever has other
    /// work to do spawns it, or what awaits it, on [`Sandbox::guests`].
    pub fn invoke(
        &self,
        handler: &Handler,
        assignment: Assignment,
        cancel: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = (Ending, Usage)> + Send>> {
        // Boxed, because it is large, and is moved a few times on its way to a thread.
        Box::pin(run(self.store(assignment), handler.clone(), Act::Handle, cancel))
    }

    fn store(&self, assignment: Assignment) -> Store<Invocation> {
        let limits = assignment.limits.clone();
        let mut store = Store::new(&self.engine, Invocation::new(assignment));
        store.limiter(|invocation| &mut invocation.memory);
        store.set_hostcall_fuel(limits.payload.saturating_add(HOSTCALL_OVERHEAD));
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        let deadline = Instant::now() + limits.timeout;
        store.epoch_deadline_callback(move |context| {
            let invocation = context.data();
            let over = |setting, allowed: Duration| LimitExceeded { setting, allowed: ending::show(allowed) };
            if invocation.meter.used_within_poll() > invocation.limits.cpu_time {
                return Err(over("limits.cpu-time", invocation.limits.cpu_time).into());
            }
            // Where time passes only in waiting, computing is held against the timeout by its own measure.
            let is_late = match invocation.is_virtual {
                true => invocation.meter.used_within_poll() > invocation.limits.timeout,
                false => Instant::now() > deadline,
            };
            if is_late {
                return Err(over("timeout", invocation.limits.timeout).into());
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

/// Does it in a store, which is then dropped, however it ended.
async fn run(mut store: Store<Invocation>, handler: Handler, act: Act, cancel: CancellationToken) -> (Ending, Usage) {
    let began = Instant::now();
    let (meter, output, timeout) = {
        let invocation = store.data();
        (invocation.meter.clone(), invocation.output.clone(), invocation.limits.timeout)
    };
    let called = {
        // Pinned here and polled by reference: the future is large, and each wrapper that takes it would copy it.
        let mut call = pin!(act.call(&handler, &mut store));
        let metered = poll_fn(|cx| caught(|| meter.poll(|| call.as_mut().poll(cx))));
        tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            called = tokio::time::timeout(timeout + TIMEOUT_GRACE, metered) => Some(called),
        }
    };
    let (memory, host_calls) = (store.data().memory.bytes(), store.data().host_calls);
    // Ends what is left of the guest.
    drop(store);
    let (stderr, dropped_lines) = output.finish();
    let ending = match called {
        None => Ending::Cancelled,
        Some(Err(_elapsed)) => Ending::timed_out(timeout, &stderr),
        Some(Ok(Err(panic))) => Ending::HostFault(format!("a host function failed: {panic}")),
        Some(Ok(Ok(Ok(returned)))) => {
            Ending::Returned(returned.map_err(|text| excerpt(&output.conceal(&text), MAX_ERROR_TEXT)))
        }
        Some(Ok(Ok(Err(error)))) => Ending::from_error(&error, &stderr),
    };
    (ending, Usage { wall: began.elapsed(), cpu: meter.used(), memory, host_calls, dropped_lines })
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
