//! The epoch ticker: a thread of the operating system, because a spinning guest can hold up every timer of the async
//! runtime, and the epoch is what makes it yield.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::Duration,
};

use wasmtime::Engine;

/// How often a computing guest gives way to others and its limits are looked at. 10 ms keeps other work lively and
/// costs nothing that can be measured; Spin ticks as often.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ticks until dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking. The thread ends with the engine, too.
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let engine = engine.weak();
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("fetchlock-epoch".into()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the epoch ticker panicked");
        }
    }
}
