//! Outgoing HTTP (`wasi:http`). It is linked, because some toolchains import it unasked, and refuses every request:
//! there are no grants yet.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime::component::Linker;
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::{invocation::Invocation, output::Level};
use crate::grant::Grants;

/// Why an exchange failed; becomes wasi:http's error code. The text says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It may not be: no grant, or an address that no grant names.
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
    /// A body or the headers are larger than a limit allows.
    #[error("{0}")]
    TooLarge(String),
    /// What came is no HTTP.
    #[error("{0}")]
    Protocol(String),
}

/// The way out. What is asked has been granted and checked, and its body is whole.
#[async_trait]
pub trait HttpPort: Send + Sync + 'static {
    /// Sends one request and reads its whole answer. Dropping the future ends the exchange.
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError>;
}

/// What an invocation has of HTTP: the grants of its plugin, and the port. Cheap to clone.
#[derive(Clone)]
pub struct HttpCalls(#[expect(dead_code, reason = "used by the next change")] Option<Granted>);

#[derive(Clone)]
#[expect(dead_code, reason = "used by the next change")]
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
pub(crate) struct Http {
    context: WasiHttpCtx,
    policy: DenyAll,
}

impl Http {
    pub(crate) fn new(output: super::output::GuestOutput) -> Self {
        Self { context: WasiHttpCtx::new(), policy: DenyAll { output } }
    }

    /// What wasmtime-wasi-http works on.
    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { ctx: &mut self.context, table, hooks: &mut self.policy }
    }
}

/// Adds `wasi:http` to a linker.
pub(crate) fn link(linker: &mut Linker<Invocation>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

impl WasiHttpView for Invocation {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.view(&mut self.table)
    }
}

struct DenyAll {
    output: super::output::GuestOutput,
}

type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for DenyAll {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let host = request.uri().host().unwrap_or("an unnamed host").to_owned();
        self.output.log(Level::Warn, &format!("HTTP request to {host} refused: no HTTP host is granted"), &[]);
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
