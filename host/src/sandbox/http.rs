//! Outgoing HTTP (`wasi:http`). It is linked, because some toolchains import it unasked, and refuses every request:
//! there are no grants yet.

use wasmtime::component::Linker;
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::{invocation::Invocation, output::Level};

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
