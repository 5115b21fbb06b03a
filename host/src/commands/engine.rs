//! `fetchlock engine`: the embedded engine as a process of its own.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::exit::refuse;
use crate::{
    engine::embedded::{EmbeddedEngine, EmbeddedOptions, ServeError, StorageError},
    settings::{LogFormat, LogLevel},
    telemetry,
};

/// Serve an engine for development and tests, on loopback only.
///
/// It answers the external-task REST interface as Operaton and Camunda 7 do, and has no BPMN: a start of process TOPIC
/// makes one task of topic TOPIC. The first line on standard output is its base URL; the log goes to standard error.
#[derive(Debug, Args)]
pub(super) struct Engine {
    /// The port to listen on, on 127.0.0.1; 0 for any that is free
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Keep the state in this directory; without it the state is gone when the process ends
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What to log, such as `info` or `debug`
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
}

/// The usual port of the engines.
pub(super) const DEFAULT_PORT: u16 = 8080;

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
enum EngineCommandError {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Engine {
    pub(super) fn main(self) -> ExitCode {
        if let Err(error) = telemetry::init(LogFormat::Auto, &self.log_level) {
            return refuse(&error);
        }
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        match runtime.block_on(self.serve()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        }
    }

    async fn serve(self) -> Result<(), EngineCommandError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = CancellationToken::new();
        let listener = listen(self.port).await?;
        let url = base_url(&listener)?;
        let options = EmbeddedOptions { data: self.data, ..EmbeddedOptions::default() };
        let mut engine = EmbeddedEngine::start(&options, listener, stop.clone())?;
        announce(&url)?;
        tracing::info!(
            url,
            "the embedded engine serves; it has no BPMN: a start of process TOPIC makes one task of topic TOPIC"
        );
        let ended = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            ended = &mut engine => Some(ended),
        };
        stop.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => engine.await,
        };
        ended.map_err(io::Error::other)??;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Listens on a port of this machine's loopback.
pub(super) async fn listen(port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|source| ServeError::Port { address, source })
}

/// Where an engine is that serves on a listener.
pub(super) fn base_url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}/engine-rest", listener.local_addr()?))
}

/// Tells scripts where the engine is. That nobody reads it is no reason not to serve.
fn announce(url: &str) -> io::Result<()> {
    let mut out = io::stdout();
    match writeln!(out, "{url}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}
