//! Outgoing HTTP (`wasi:http`): a handler sends requests where its grants allow it, each within limits of number, size
//! and time, and each to an address that a handler may reach.
//!
//! Bodies are held as a whole, in both directions: so there is one deadline for all of an exchange, and the port that
//! carries it out ([`Network`] in a host) is one function from a request to an answer.

mod addresses;
mod hooks;
mod network;
mod target;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use wasmtime::component::Linker;
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use self::hooks::Policy;
pub use self::network::{Network, NetworkError, NetworkOptions};
use super::{invocation::Invocation, limits::Limits, output::GuestOutput};
use crate::grant::{Grants, HttpTarget};

/// Bytes in the headers of a request or an answer: servers take 8 to 16 KiB, and some more for large cookies.
const MAX_HEADERS: usize = 64 << 10;

/// Why an exchange failed; becomes wasi:http's error code. The text says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The host's name leads to an address that the plugin may not reach.
    #[error("{0}")]
    Denied(String),
    /// The host's name has no address.
    #[error("{0}")]
    Unresolved(String),
    /// Nobody accepts the connection, or it was lost.
    #[error("{0}")]
    Refused(String),
    /// The server's certificate or its TLS.
    #[error("{0}")]
    Tls(String),
    /// It took too long.
    #[error("{0}")]
    Timeout(String),
    /// The answer is larger than a limit allows.
    #[error("{0}")]
    TooLarge(String),
    /// What came is no HTTP.
    #[error("{0}")]
    Protocol(String),
}

/// The way out. What is asked has been granted and checked, and its body is whole.
#[async_trait]
pub trait HttpPort: Send + Sync + 'static {
    /// Sends one request and reads its whole answer. Dropping the future ends the exchange. What it is to keep to is
    /// told by the request's extension [`Terms`]; who keeps to less is cut off.
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError>;
}

/// What an exchange is to keep to: an extension of its request.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What is asked, in the form of a grant.
    pub target: HttpTarget,
    /// The grants of the plugin that asks: they name addresses which are not public.
    pub grants: Arc<Grants>,
    /// The most bytes of the answer's body (`limits.http-body`).
    pub body: usize,
    /// When it must have ended.
    pub deadline: Instant,
    /// How long that is from its beginning (`limits.http-timeout`).
    pub timeout: Duration,
    /// When the answer must have begun, if the handler cares.
    pub begun: Option<Instant>,
    /// How long the answer may pause, if the handler cares.
    pub pause: Option<Duration>,
}

/// What an invocation has of HTTP: the grants of its plugin, and the port. Cheap to clone.
#[derive(Clone)]
pub struct HttpCalls(Option<Granted>);

#[derive(Clone)]
struct Granted {
    grants: Arc<Grants>,
    port: Arc<dyn HttpPort>,
}

impl HttpCalls {
    /// Requests within these grants, through this port.
    pub fn new(grants: Arc<Grants>, port: Arc<dyn HttpPort>) -> Self {
        Self(Some(Granted { grants, port }))
    }

    /// No request at all.
    pub fn none() -> Self {
        Self(None)
    }
}

/// The HTTP part of an invocation.
pub(super) struct Http {
    context: WasiHttpCtx,
    policy: Policy,
}

impl Http {
    pub(super) fn new(calls: HttpCalls, limits: &Limits, output: GuestOutput) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(MAX_HEADERS);
        Self { context, policy: Policy::new(calls, limits, output) }
    }

    /// Whether an exchange has been begun and not ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.policy.is_under_way()
    }
}

/// Adds `wasi:http` to a linker.
pub(super) fn link(linker: &mut Linker<Invocation>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

impl WasiHttpView for Invocation {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Http { context, policy } = &mut self.assigned.http;
        let table: &mut ResourceTable = &mut self.table;
        WasiHttpCtxView { ctx: context, table, hooks: policy }
    }
}
