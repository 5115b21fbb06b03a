//! The REST contract of Camunda 7, Operaton and CIB seven, spoken to a real engine.
//!
//! Every request has limits of time for its connection, the beginning of its answer and the whole of it, and every
//! answer one of size. Connections are kept and shared. Redirects are not followed. Unless the options say otherwise,
//! the proxies of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`) are used but for an engine on this machine's
//! loopback; the certificates of authorities are the system's (`SSL_CERT_FILE` names others) and those of the options.
//! What a request proves itself with is had before it is sent ([`credentials`]); without it, nothing is.

mod answer;
mod call;
pub mod cases;
mod client;
mod credentials;
mod exchange;
mod operations;
mod options;
mod tls;
mod wire;

#[cfg(test)]
mod loopback;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transport_tests;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_DISPOSITION, HeaderValue},
};
use url::Url;

use self::{
    call::{Call, Connection},
    exchange::Limits,
};
use super::{Engine, EngineError, FetchRequest, MAX_POLL, TaskQuery, TaskSummary};
use crate::{
    outcome::Failure,
    task::{LockedTask, TaskId, WorkerId},
    value::{Scope, Variables},
    work::{Message, ProcessStart, Receiver},
};

pub use credentials::{ClientCredentials, ClientProof, SigningKey};
pub use jsonwebtoken::Algorithm as SigningAlgorithm;
pub use options::{LoginOptions, ProxyOptions, RestEngineError, RestOptions, Unusable};
pub use tls::{IdentityFiles, TlsFiles};

/// The most tasks of one query: enough for a host's own, and bounded for a topic with a long backlog.
const MAX_LISTED: usize = 1_000;

/// What stands for itself in a segment of a path. All else is encoded: `/`, `?` and `#` would end the segment, and a
/// Java server takes what follows a `;` for a matrix parameter.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// An engine behind the REST contract.
///
/// Variables with a file whose content is [`Stored`](crate::value::FileContent::Stored) cannot be sent, for this room
/// does not know the execution that the content is to be had from: the worker [downloads](Engine::download) it before.
/// Until then sending it is [`EngineError::Unsendable`].
pub struct RestEngine {
    connection: Connection,
    /// The base, its path without slashes at the end.
    base: Url,
    limits: Limits,
    poll_margin: Duration,
    max_response_bytes: usize,
}

impl fmt::Debug for RestEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestEngine").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl RestEngine {
    /// Prepares the connections; nothing is sent yet.
    ///
    /// # Errors
    /// For options that cannot work, each by the name of its setting, and for a system without certificates of
    /// authorities when the engine is behind https.
    pub fn new(options: RestOptions) -> Result<Self, RestEngineError> {
        let (connection, limits) = (options.connection()?, options.limits());
        let mut base = options.url;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self {
            connection,
            base,
            limits,
            poll_margin: options.poll_margin,
            max_response_bytes: options.max_response_bytes,
        })
    }

    /// The address of a resource.
    ///
    /// # Errors
    /// [`EngineError::Unsendable`] for a segment that cannot be one: an empty one is another resource, and dots are
    /// walked along by every client and proxy, even when encoded.
    fn address(&self, segments: &[&str]) -> Result<Url, EngineError> {
        let mut path = self.base.path().trim_end_matches('/').to_owned();
        for segment in segments {
            if matches!(*segment, "" | "." | "..") {
                let message = format!("an id, key or name that an address can hold is expected, found {segment:?}");
                return Err(EngineError::Unsendable { message });
            }
            path.push('/');
            path.extend(utf8_percent_encode(segment, UNRESERVED));
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        Ok(url)
    }

    fn post(&self, url: Url, body: Vec<u8>) -> Call {
        Call {
            method: Method::POST,
            url,
            body: body.into(),
            accept: JSON,
            limits: self.limits,
            limit: self.max_response_bytes,
        }
    }

    /// Posts what the engine has only to acknowledge. Nothing but its 204 does that: a sign-on page comes with 200.
    async fn command(&self, segments: &[&str], body: Vec<u8>) -> Result<(), EngineError> {
        let url = self.address(segments)?;
        let answer = self.connection.send(self.post(url.clone(), body)).await?;
        if answer.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(answer.error(&url)) }
    }

    /// Posts what the engine answers with JSON, and reads that.
    async fn query<T>(
        &self,
        url: Url,
        body: Vec<u8>,
        read: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, EngineError> {
        let answer = self.connection.send(self.post(url.clone(), body)).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.error(&url));
        }
        read(&answer.body).map_err(|_| answer.not_an_engine(&url))
    }

    async fn task_command(&self, task: &TaskId, verb: &str, body: Vec<u8>) -> Result<(), EngineError> {
        self.command(&["external-task", task.as_str(), verb], body).await
    }

    /// Gets the bytes behind an address.
    async fn content(&self, url: Url, limit: usize) -> Result<Bytes, EngineError> {
        let call = Call {
            method: Method::GET,
            url: url.clone(),
            body: Bytes::new(),
            accept: ANYTHING,
            limits: self.limits,
            limit,
        };
        let answer = self.connection.send(call).await?;
        // A file may well be HTML, but then it comes as an attachment; a page that does not is somebody else's.
        let is_page = answer.is_html() && !answer.headers.contains_key(CONTENT_DISPOSITION);
        match answer.status {
            StatusCode::OK if !is_page => Ok(answer.body),
            StatusCode::NO_CONTENT => Ok(Bytes::new()),
            _ => Err(answer.error(&url)),
        }
    }
}

#[async_trait]
impl Engine for RestEngine {
    async fn fetch_and_lock(&self, request: &FetchRequest) -> Result<Vec<LockedTask>, EngineError> {
        let url = self.address(&["external-task", "fetchAndLock"])?;
        let mut call = self.post(url.clone(), wire::fetch(request)?);
        if !request.poll.is_zero() {
            let response = request.poll.min(MAX_POLL) + self.poll_margin;
            call.limits = Limits { response, total: response + self.limits.total };
        }
        let answer = self.connection.send(call).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.error(&url));
        }
        wire::locked_tasks(&answer.body).map_err(|_| answer.not_an_engine(&url))
    }

    async fn complete(
        &self,
        task: &TaskId,
        worker: &WorkerId,
        variables: &Variables,
        local_variables: &Variables,
    ) -> Result<(), EngineError> {
        self.task_command(task, "complete", wire::complete(worker, variables, local_variables)?).await
    }

    async fn failure(&self, task: &TaskId, worker: &WorkerId, failure: &Failure) -> Result<(), EngineError> {
        self.task_command(task, "failure", wire::failure(worker, failure)?).await
    }

    async fn bpmn_error(
        &self,
        task: &TaskId,
        worker: &WorkerId,
        code: &str,
        message: Option<&str>,
        variables: &Variables,
    ) -> Result<(), EngineError> {
        self.task_command(task, "bpmnError", wire::bpmn_error(worker, code, message, variables)?).await
    }

    async fn extend_lock(&self, task: &TaskId, worker: &WorkerId, duration: Duration) -> Result<(), EngineError> {
        self.task_command(task, "extendLock", wire::extend_lock(worker, duration)?).await
    }

    async fn lock(&self, task: &TaskId, worker: &WorkerId, duration: Duration) -> Result<(), EngineError> {
        self.task_command(task, "lock", wire::lock(worker, duration)?).await
    }

    async fn unlock(&self, task: &TaskId) -> Result<(), EngineError> {
        self.task_command(task, "unlock", wire::unlock()).await
    }

    async fn set_variables(&self, scope: Scope, id: &str, variables: &Variables) -> Result<(), EngineError> {
        let segments = match scope {
            Scope::Process => ["process-instance", id, "variables"],
            Scope::Local => ["execution", id, "localVariables"],
        };
        self.command(&segments, wire::modifications(variables)?).await
    }

    async fn download(&self, execution_id: &str, variable: &str, limit: usize) -> Result<Bytes, EngineError> {
        // Despite its name it takes an execution, too, and then looks into all scopes above (the Java client's way).
        let above = self.address(&["process-instance", execution_id, "variables", variable, "data"])?;
        let local = self.address(&["execution", execution_id, "localVariables", variable, "data"])?;
        match self.content(above, limit).await {
            Err(missing @ EngineError::NotThere { .. }) => match self.content(local, limit).await {
                // The first search was the wider one, so its words say more.
                Err(EngineError::NotThere { .. }) => Err(missing),
                found => found,
            },
            found => found,
        }
    }

    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskSummary>, EngineError> {
        let mut url = self.address(&["external-task"])?;
        url.query_pairs_mut().append_pair("maxResults", &MAX_LISTED.to_string());
        let answer = self.connection.send(self.post(url.clone(), wire::task_query(query)?)).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.error(&url));
        }
        wire::task_summaries(&answer.body).map_err(|_| answer.not_an_engine(&url))
    }

    async fn start_process(&self, start: &ProcessStart) -> Result<String, EngineError> {
        let url = match &start.tenant_id {
            Some(tenant) => self.address(&["process-definition", "key", &start.key, "tenant-id", tenant, "start"])?,
            None => self.address(&["process-definition", "key", &start.key, "start"])?,
        };
        self.query(url, wire::process_start(start)?, wire::instance).await
    }

    async fn running_instance(&self, start: &ProcessStart) -> Result<Option<String>, EngineError> {
        let mut url = self.address(&["process-instance"])?;
        url.query_pairs_mut().append_pair("maxResults", "1");
        self.query(url, wire::running_instance(start)?, wire::first_instance).await
    }

    async fn correlate(&self, message: &Message) -> Result<Vec<Receiver>, EngineError> {
        self.query(self.address(&["message"])?, wire::message(message)?, wire::receivers).await
    }
}
