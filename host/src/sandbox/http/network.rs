//! The way out of a real host: a name is looked up once, its addresses are judged, and the connection goes to one of
//! those that have passed. No redirect is followed, and no proxy of the environment is used.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, header::CONTENT_LENGTH};
use reqwest::{
    Certificate, Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{HttpError, HttpPort, Terms, addresses::not_public, hooks::too_large};
use crate::{
    certificates,
    foreign::excerpt,
    grant::{Grants, Host, HttpTarget, Scheme},
    sandbox::ending::show,
};

/// How many names are looked up at once. A look-up that hangs holds a thread of the system for a while, whoever has
/// given up waiting for it.
const LOOKUPS: usize = 32;

/// How long an idle connection is kept: less than the strictest of the usual servers keep it, so that no request is
/// sent into a connection that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// How many idle connections are kept to one server.
const POOL_SIZE: usize = 8;

/// How many characters of what a library or a server says are shown.
const MAX_SHOWN: usize = 300;

/// How a network is set up.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// A file of authorities that are trusted besides the system's (`http.ca-file`).
    pub authorities: Option<PathBuf>,
    /// How many exchanges may be under way at once (`http.max-concurrent`).
    pub max_concurrent: usize,
    /// Where connections live: not where guests compute.
    pub runtime: Handle,
}

/// Why a network cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The file of authorities.
    #[error("the file {path} {why}")]
    Authorities {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The way out of a real host.
pub struct Network(Arc<Ways>);

/// What exchanges share.
struct Ways {
    authorities: Vec<Certificate>,
    max_concurrent: usize,
    permits: Semaphore,
    names: Arc<dyn Names>,
    /// Connections are kept, and must not outlive the judgement by which they were made: so each has its own client.
    clients: Mutex<HashMap<Judgement, Client>>,
    runtime: Handle,
}

/// By what the addresses of names are judged: the number of these is bounded by the entries of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Judgement {
    scheme_is_https: bool,
    /// What passes although it is not public.
    named: Vec<IpAddr>,
}

impl Network {
    /// A network with the system's resolver.
    ///
    /// # Errors
    /// The file of authorities cannot be used.
    pub fn new(options: NetworkOptions) -> Result<Self, NetworkError> {
        Self::with_names(options, Arc::new(SystemNames::default()))
    }

    fn with_names(options: NetworkOptions, names: Arc<dyn Names>) -> Result<Self, NetworkError> {
        let NetworkOptions { authorities, max_concurrent, runtime } = options;
        // The first in the process wins; whoever it was chose a provider that does as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let authorities = match authorities {
            Some(path) => certificates::authorities(&path)
                .map_err(|why| NetworkError::Authorities { path: path.display().to_string(), why })?,
            None => Vec::new(),
        };
        let permits = Semaphore::new(max_concurrent);
        let clients = Mutex::default();
        Ok(Self(Arc::new(Ways { authorities, max_concurrent, permits, names, clients, runtime })))
    }
}

#[async_trait]
impl HttpPort for Network {
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let ways = self.0.clone();
        let exchange = self.0.runtime.spawn(async move { ways.exchange(request).await });
        let ended = AbortOnDropHandle::new(exchange).await;
        ended.unwrap_or_else(|error| Err(HttpError::Protocol(format!("the host failed: {error}"))))
    }
}

impl Ways {
    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let Some(terms) = request.extensions_mut().remove::<Terms>() else {
            return Err(HttpError::Denied("nobody has checked this request".into()));
        };
        let timed_out = |doing: &str| {
            let limit = show(terms.timeout);
            HttpError::Timeout(format!("{doing} within the limit `limits.http-timeout` of {limit}"))
        };
        let permit = timeout_at(terms.deadline, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| {
            let waiting = "no other exchange made room (`http.max-concurrent` allows";
            timed_out(&format!("{waiting} {})", self.max_concurrent))
        })?;
        // An address is not looked up, where names are judged.
        if let Host::Address(address) = terms.target.host {
            let named = terms.grants.addresses_for(&terms.target);
            judge(vec![address], &named).map_err(|error| error.told(&terms.target, &terms.grants))?;
        }
        let client = self.client(&terms)?;
        let request = outgoing(request)?;
        let begun = terms.begun.filter(|begun| *begun < terms.deadline);
        let answer = timeout_at(begun.unwrap_or(terms.deadline), client.execute(request)).await;
        let answer = match (answer, begun) {
            (Ok(answer), _) => answer.map_err(|error| told(&error, &terms))?,
            (Err(_), None) => return Err(timed_out("no answer has come")),
            (Err(_), Some(_)) => {
                let why = "no answer has come within the handler's own `first-byte-timeout`";
                return Err(HttpError::Timeout(why.into()));
            }
        };
        whole(answer, &terms).await.map_err(|cut| match cut {
            Cut::TooLate => timed_out("the answer was not complete"),
            Cut::Failed(error) => error,
        })
    }

    /// The client whose connections were made under the same judgement.
    fn client(&self, terms: &Terms) -> Result<Client, HttpError> {
        let judgement = Judgement {
            scheme_is_https: terms.target.scheme == Scheme::Https,
            named: terms.grants.addresses_for(&terms.target),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&judgement) {
            return Ok(client.clone());
        }
        let client = self.new_client(&judgement).map_err(|error| {
            let why = excerpt(&innermost(&error).to_string(), MAX_SHOWN);
            HttpError::Tls(format!(
                "TLS cannot be prepared: {why}; the system's CA certificates are needed (package ca-certificates, or \
                 SSL_CERT_FILE)"
            ))
        })?;
        clients.insert(judgement, client.clone());
        Ok(client)
    }

    fn new_client(&self, judgement: &Judgement) -> Result<Client, reqwest::Error> {
        let names = Judged { names: self.names.clone(), named: judgement.named.clone() };
        let builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .dns_resolver(Arc::new(names));
        let builder = match judgement.scheme_is_https {
            true => builder.https_only(true).tls_certs_merge(self.authorities.clone()),
            // Loading the system's certificates fails where there are none, as in a container made from scratch.
            false => builder.tls_certs_only(self.authorities.clone()),
        };
        builder.build()
    }
}

/// The request as the client takes it.
fn outgoing(request: Request<Bytes>) -> Result<reqwest::Request, HttpError> {
    let says_length = request.headers().contains_key(CONTENT_LENGTH);
    let wants_length = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    let is_empty = request.body().is_empty();
    let mut request = reqwest::Request::try_from(request)
        .map_err(|error| HttpError::Protocol(excerpt(&innermost(&error).to_string(), MAX_SHOWN)))?;
    if is_empty {
        *request.body_mut() = None;
        if wants_length && !says_length {
            // Servers may refuse a method with a body that does not say how long it is (RFC 9110, 8.6).
            request.headers_mut().insert(CONTENT_LENGTH, 0.into());
        }
    }
    Ok(request)
}

/// Why an answer is not whole.
enum Cut {
    TooLate,
    Failed(HttpError),
}

/// Reads the whole answer.
async fn whole(mut answer: reqwest::Response, terms: &Terms) -> Result<Response<Bytes>, Cut> {
    let too_large = || Cut::Failed(HttpError::TooLarge(too_large(terms.body)));
    // What says its size need not be read to know that it is too large.
    let is_bodiless = terms.target.method == Method::HEAD.as_str();
    if !is_bodiless && answer.content_length().is_some_and(|length| length > terms.body as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    loop {
        let pause = terms.pause.and_then(|pause| Instant::now().checked_add(pause)).filter(|at| *at < terms.deadline);
        let chunk = match timeout_at(pause.unwrap_or(terms.deadline), answer.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| Cut::Failed(told(&error, terms)))?,
            Err(_) if pause.is_none() => return Err(Cut::TooLate),
            Err(_) => {
                let why = "the answer has paused longer than the handler's own `between-bytes-timeout`";
                return Err(Cut::Failed(HttpError::Timeout(why.into())));
            }
        };
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > terms.body {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// What an error of the client means. The client's own text is not shown: it holds the address with its query.
fn told(error: &reqwest::Error, terms: &Terms) -> HttpError {
    let Terms { target, grants, .. } = terms;
    let causes = || std::iter::successors(error.source(), |error| deeper(*error));
    if let Some(error) = causes().find_map(|error| error.downcast_ref::<NameError>()) {
        return error.told(target, grants);
    }
    let why = excerpt(&innermost(error).to_string(), MAX_SHOWN);
    let hyper = |is: fn(&hyper::Error) -> bool| causes().filter_map(|error| error.downcast_ref()).any(is);
    if causes().any(|error| error.is::<rustls::Error>()) {
        HttpError::Tls(format!("the connection is not secure: {why}"))
    } else if error.is_connect() {
        HttpError::Refused(format!("it cannot be connected to: {why}"))
    } else if hyper(hyper::Error::is_incomplete_message) || causes().any(|error| error.is::<io::Error>()) {
        HttpError::Refused(format!("the connection was lost: {why}"))
    } else if hyper(hyper::Error::is_parse_too_large) {
        HttpError::TooLarge(format!("the headers of the answer are too large: {why}"))
    } else {
        HttpError::Protocol(format!("what came is no answer: {why}"))
    }
}

/// The error behind an error; `io::Error` passes over the one that it holds.
fn deeper<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held as &(dyn StdError + 'static)),
        None => error.source(),
    }
}

/// The last error behind an error.
fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    std::iter::successors(Some(error), |error| deeper(*error)).last().unwrap_or(error)
}

/// Looks names up.
#[async_trait]
trait Names: Send + Sync + 'static {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
struct SystemNames {
    lookups: Arc<Semaphore>,
}

impl Default for SystemNames {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }
}

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = self.lookups.clone().acquire_owned().await.map_err(io::Error::other)?;
        let name = name.to_owned();
        // A task of its own: whoever gives up waiting leaves the permit with the thread that goes on looking.
        let looking = tokio::spawn(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map(|all| all.map(|found| found.ip()).collect());
            drop(permit);
            found
        });
        looking.await.map_err(io::Error::other)?
    }
}

/// Names whose addresses are judged.
struct Judged {
    names: Arc<dyn Names>,
    named: Vec<IpAddr>,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, named) = (self.names.clone(), self.named.clone());
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await.map_err(|error| NameError::Unknown(error.to_string()))?;
            let passed = judge(found, &named)?;
            Ok(Box::new(passed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Those of a name's addresses that may be connected to.
fn judge(found: Vec<IpAddr>, named: &[IpAddr]) -> Result<Vec<IpAddr>, NameError> {
    let judged = |address: IpAddr| match not_public(address) {
        Some(whose) if !named.contains(&address.to_canonical()) => Err((address, whose)),
        _ => Ok(address),
    };
    let refused = found.iter().find_map(|address| judged(*address).err());
    let passed: Vec<IpAddr> = found.into_iter().filter(|address| judged(*address).is_ok()).collect();
    match refused {
        _ if !passed.is_empty() => Ok(passed),
        Some((address, whose)) => Err(NameError::NotPublic { address: address.to_canonical(), whose }),
        None => Err(NameError::Unknown("there is none".into())),
    }
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NameError {
    Unknown(String),
    NotPublic { address: IpAddr, whose: &'static str },
}

impl NameError {
    fn told(&self, target: &HttpTarget, grants: &Grants) -> HttpError {
        match self {
            Self::Unknown(why) => {
                HttpError::Unresolved(format!("the name has no address: {}", excerpt(why, MAX_SHOWN)))
            }
            Self::NotPublic { address, whose } => HttpError::Denied(format!(
                "the name leads to {address}, which belongs to {whose}, and a name may not lead there; if that is \
                 meant, {}",
                grants.advice_on_address(target, *address)
            )),
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => f.write_str(why),
            Self::NotPublic { address, .. } => write!(f, "{address} is not public"),
        }
    }
}

impl StdError for NameError {}

#[cfg(test)]
mod tests;
