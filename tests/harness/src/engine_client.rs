//! What tests and the demo ask an engine and have it do, over REST: a real one or the embedded one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often it is asked whether a state has come.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long one request may take. The slowest known is the first one to Operaton, with 0.4 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How many instances are started at the same time: more did not make the engine faster.
const PARALLEL_STARTS: usize = 4;

/// Where a process instance is, as the engine's history tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryState {
    /// It waits or runs.
    Active,
    /// It reached an end event.
    Completed,
    /// Somebody deleted it.
    Deleted,
    /// Another state, in the engine's words (such as `SUSPENDED`).
    Other(String),
}

impl HistoryState {
    fn read(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "COMPLETED" => Self::Completed,
            "EXTERNALLY_TERMINATED" | "INTERNALLY_TERMINATED" => Self::Deleted,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        matches!(self, Self::Completed | Self::Deleted)
    }
}

/// What an engine answered, as it came.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The body as a text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client of one engine. Cheap to clone.
///
/// All methods fail if the engine does not answer within 30 s, or answers with an error, which the text then shows.
#[derive(Debug, Clone)]
pub struct EngineClient {
    base_url: String,
    basic_auth: Option<(String, String)>,
    http: reqwest::Client,
}

impl EngineClient {
    /// A client of the engine with this base URL (`http://127.0.0.1:8080/engine-rest`), with a user's name and password
    /// if it demands them.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(base_url: impl Into<String>, basic_auth: Option<(&str, &str)>) -> Result<Self> {
        // Somebody else in this process may have been first, with the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build().context("an HTTP client")?;
        let basic_auth = basic_auth.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(Self { base_url: base_url.into(), basic_auth, http })
    }

    /// The engine's base URL.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether there is an engine that answers, be it with a refusal of the user.
    pub(crate) async fn answers(&self) -> bool {
        // A refused connection is what is to be expected at first.
        let answer = self.http.get(format!("{}/engine", self.base_url)).send().await;
        answer.is_ok_and(|answer| matches!(answer.status(), StatusCode::OK | StatusCode::UNAUTHORIZED))
    }

    /// Any request to a path under the base URL, which is sent as it is written; the answer, whatever it says.
    ///
    /// # Errors
    /// A method, path or header that HTTP has not, or no answer in time.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<RawAnswer> {
        let method = Method::from_bytes(method.as_bytes()).with_context(|| format!("no method: {method}"))?;
        let mut request = self.request(method, path).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.with_context(|| format!("the engine does not answer {path}"))?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let body = answer.bytes().await.with_context(|| format!("the answer of {path}"))?.to_vec();
        Ok(RawAnswer { status, headers, body })
    }

    /// `GET` of a path under `/engine-rest`; the JSON of the answer, or null if it has no body.
    ///
    /// # Errors
    /// No answer in time, or an error.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.json(Method::GET, path, None).await
    }

    /// `POST` of a JSON body to a path under `/engine-rest`; the JSON of the answer, or null if it has no body.
    ///
    /// # Errors
    /// No answer in time, or an error.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Starts an instance of a process, with variables as the REST interface writes them
    /// (`{"amount": {"type": "Long", "value": 5}}`); its id.
    ///
    /// # Errors
    /// No such process, a variable that the engine refuses, or no answer.
    pub async fn start_instance(&self, key: &str, business_key: Option<&str>, variables: &Value) -> Result<String> {
        let body = json!({"businessKey": business_key, "variables": variables});
        let started = self.post(&format!("/process-definition/key/{key}/start"), &body).await?;
        started["id"].as_str().map(str::to_owned).context("the engine answered a start without an id")
    }

    /// Starts `count` instances, four at a time; `variables` makes those of each from its number. The ids come in the
    /// order of the numbers.
    ///
    /// # Errors
    /// As [`EngineClient::start_instance`]; those started before stay.
    pub async fn start_instances(
        &self,
        key: &str,
        count: usize,
        variables: impl Fn(usize) -> Value,
    ) -> Result<Vec<String>> {
        let mut running = JoinSet::new();
        let mut ids = vec![String::new(); count];
        let mut next = 0;
        while next < count || !running.is_empty() {
            if next < count && running.len() < PARALLEL_STARTS {
                let body = json!({"variables": variables(next)});
                let request = self.request(Method::POST, &format!("/process-definition/key/{key}/start"));
                let number = next;
                running.spawn(async move { read(request.json(&body)).await.map(|(_, text)| (number, text)) });
                next += 1;
                continue;
            }
            if let Some(started) = running.join_next().await {
                let (number, text) = started.context("starting an instance panicked")??;
                let started: Value = serde_json::from_str(&text).context("the answer to a start")?;
                ids[number] = started["id"].as_str().context("a start without an id")?.to_owned();
            }
        }
        Ok(ids)
    }

    /// Where an instance is.
    ///
    /// # Errors
    /// No such instance, or no answer.
    pub async fn history_state(&self, instance: &str) -> Result<HistoryState> {
        let found = self.get(&format!("/history/process-instance/{instance}")).await?;
        found["state"].as_str().map(HistoryState::read).context("the engine's history tells no state")
    }

    /// Whether an instance has ended, in whichever way.
    ///
    /// # Errors
    /// No such instance, or no answer.
    pub async fn instance_ended(&self, instance: &str) -> Result<bool> {
        Ok(self.history_state(instance).await?.is_ended())
    }

    /// Waits until an instance is in a state.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows the last state, the activities passed, and the incidents.
    pub async fn await_history_state(&self, instance: &str, state: &HistoryState, deadline: Duration) -> Result<()> {
        let started = Instant::now();
        loop {
            let last = self.history_state(instance).await?;
            if last == *state {
                return Ok(());
            }
            if started.elapsed() > deadline {
                let passed = self.historic_activities(instance).await?;
                let incidents = self.incidents(instance).await?;
                let tasks = self.external_tasks(&json!({"processInstanceId": instance})).await?;
                bail!(
                    "instance {instance}: expected {state:?} within {deadline:?}, found {last:?}; it passed {passed:?}; \
                     external tasks {tasks:#?}; incidents {incidents:#?}"
                );
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until an instance has reached an end event; the ids of the activities that it passed.
    ///
    /// # Errors
    /// As [`EngineClient::await_history_state`].
    pub async fn await_completed(&self, instance: &str, deadline: Duration) -> Result<Vec<String>> {
        self.await_history_state(instance, &HistoryState::Completed, deadline).await?;
        self.historic_activities(instance).await
    }

    /// How many instances of a process have ended.
    ///
    /// # Errors
    /// No answer.
    pub async fn finished_count(&self, key: &str) -> Result<u64> {
        let path = format!("/history/process-instance/count?processDefinitionKey={key}&finished=true");
        self.get(&path).await?["count"].as_u64().context("the engine answered no count")
    }

    /// Waits until this many instances of a process have ended since the engine was started.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows how many have, and some open tasks.
    pub async fn await_finished_count(&self, key: &str, count: u64, deadline: Duration) -> Result<()> {
        let started = Instant::now();
        loop {
            let last = self.finished_count(key).await?;
            if last >= count {
                return Ok(());
            }
            if started.elapsed() > deadline {
                let mut open = self.external_tasks(&json!({"processDefinitionKey": key})).await?;
                let tasks = open.len();
                open.truncate(3);
                bail!(
                    "expected {count} ended instances of {key} within {deadline:?}, found {last}; \
                     {tasks} external tasks are open, such as {open:#?}"
                );
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The variables of an instance by name, ended or not, as `{"type", "value", "valueInfo"}`.
    ///
    /// # Errors
    /// No answer.
    pub async fn historic_variables(&self, instance: &str) -> Result<BTreeMap<String, Value>> {
        let path = format!("/history/variable-instance?processInstanceId={instance}&deserializeValues=false");
        let found = self.list(&path).await?;
        let named = found.iter().map(|variable| {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            (name, json!({"type": variable["type"], "value": variable["value"], "valueInfo": variable["valueInfo"]}))
        });
        Ok(named.collect())
    }

    /// The contents of the File and Bytes variables of an instance, past or present, by name; of those that have one.
    ///
    /// # Errors
    /// No answer.
    pub async fn historic_contents(&self, instance: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let path = format!("/history/variable-instance?processInstanceId={instance}&deserializeValues=false");
        let mut contents = BTreeMap::new();
        for variable in self.list(&path).await? {
            if matches!(variable["type"].as_str(), Some("File" | "Bytes")) {
                let (name, id) = (variable["name"].as_str(), variable["id"].as_str());
                let (name, id) = name.zip(id).context("a variable without a name or an id")?;
                let answer = self.send("GET", &format!("/history/variable-instance/{id}/data"), &[], "").await?;
                contents.extend((answer.status == 200).then(|| (name.to_owned(), answer.body)));
            }
        }
        Ok(contents)
    }

    /// The ids of the activities that an instance entered, in that order; the last is its end event once it has ended.
    ///
    /// # Errors
    /// No answer.
    pub async fn historic_activities(&self, instance: &str) -> Result<Vec<String>> {
        let path = format!("/history/activity-instance?processInstanceId={instance}&sortBy=occurrence&sortOrder=asc");
        let found = self.list(&path).await?;
        Ok(found.iter().filter_map(|activity| activity["activityId"].as_str()).map(str::to_owned).collect())
    }

    /// The open incidents of an instance.
    ///
    /// # Errors
    /// No answer.
    pub async fn incidents(&self, instance: &str) -> Result<Vec<Value>> {
        self.list(&format!("/incident?processInstanceId={instance}")).await
    }

    /// Waits for the first incident of an instance; that incident (`incidentMessage` is the failure's message,
    /// `configuration` the external task's id).
    ///
    /// # Errors
    /// Not within `deadline`; the text shows the instance's external tasks.
    pub async fn await_incident(&self, instance: &str, deadline: Duration) -> Result<Value> {
        let started = Instant::now();
        loop {
            if let Some(first) = self.incidents(instance).await?.into_iter().next() {
                return Ok(first);
            }
            if started.elapsed() > deadline {
                let tasks = self.external_tasks(&json!({"processInstanceId": instance})).await?;
                bail!("instance {instance}: no incident within {deadline:?}; external tasks {tasks:#?}");
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The open external tasks that a query asks for, such as `{"topicName": "slow", "locked": true}`,
    /// `{"processInstanceId": id}`, `{"workerId": id}`.
    ///
    /// # Errors
    /// A query that the engine refuses, or no answer.
    pub async fn external_tasks(&self, query: &Value) -> Result<Vec<Value>> {
        as_list(self.post("/external-task", query).await?)
    }

    /// How many open external tasks a query asks for.
    ///
    /// # Errors
    /// A query that the engine refuses, or no answer.
    pub async fn external_task_count(&self, query: &Value) -> Result<u64> {
        self.post("/external-task/count", query).await?["count"].as_u64().context("the engine answered no count")
    }

    /// Waits until a query for external tasks finds as many as looked for; that number.
    ///
    /// # Errors
    /// Not within `deadline`; the text shows some of those found.
    pub async fn await_external_tasks(
        &self,
        query: &Value,
        deadline: Duration,
        matches: impl Fn(u64) -> bool,
    ) -> Result<u64> {
        let started = Instant::now();
        loop {
            let count = self.external_task_count(query).await?;
            if matches(count) {
                return Ok(count);
            }
            if started.elapsed() > deadline {
                let mut found = self.external_tasks(query).await?;
                found.truncate(3);
                bail!("the query {query} finds {count} tasks after {deadline:?}, such as {found:#?}");
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Sets a task's retries, as an operator does who resolves an incident.
    ///
    /// # Errors
    /// No such task, or no answer.
    pub async fn set_retries(&self, task: &str, retries: u32) -> Result<()> {
        let body = json!({"retries": retries});
        self.json(Method::PUT, &format!("/external-task/{task}/retries"), Some(&body)).await.map(drop)
    }

    /// The details of a task's last failure; empty if there are none.
    ///
    /// # Errors
    /// No such task, or no answer.
    pub async fn error_details(&self, task: &str) -> Result<String> {
        self.text(Method::GET, &format!("/external-task/{task}/errorDetails"), None).await
    }

    /// The log of an instance's external tasks, oldest first. Each entry has one of `creationLog`, `failureLog`,
    /// `successLog`, `deletionLog` true; a BPMN error is a deletion. A failure's entry has `errorMessage`, `retries`.
    ///
    /// # Errors
    /// No answer.
    pub async fn external_task_log(&self, instance: &str) -> Result<Vec<Value>> {
        let path = format!("/history/external-task-log?processInstanceId={instance}&sortBy=timestamp&sortOrder=asc");
        self.list(&path).await
    }

    /// How many entries the external-task log holds for a query such as
    /// `{"processDefinitionKey": "bulk", "successLog": true}`.
    ///
    /// # Errors
    /// A query that the engine refuses, or no answer.
    pub async fn external_task_log_count(&self, query: &Value) -> Result<u64> {
        let found = self.post("/history/external-task-log/count", query).await?;
        found["count"].as_u64().context("the engine answered no count")
    }

    /// Deletes all open instances of a process, for the next test; how many there were.
    ///
    /// # Errors
    /// No answer.
    pub async fn delete_instances(&self, key: &str) -> Result<usize> {
        let found = self.list(&format!("/process-instance?processDefinitionKey={key}")).await?;
        for instance in &found {
            let id = instance["id"].as_str().context("an instance without an id")?;
            let path = format!("/process-instance/{id}?failIfNotExists=false&skipCustomListeners=true");
            self.json(Method::DELETE, &path, None).await?;
        }
        Ok(found.len())
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>> {
        as_list(self.get(path).await?)
    }

    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let text = self.text(method, path, body).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{path} answered no JSON: {text}"))
    }

    async fn text(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let (_, text) = read(request).await?;
        Ok(text)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.basic_auth {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }
}

/// Sends a request and reads the answer; an error's status is an error here too.
async fn read(request: reqwest::RequestBuilder) -> Result<(StatusCode, String)> {
    let answer = request.send().await.context("the engine does not answer")?;
    let (status, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.with_context(|| format!("the answer of {url}"))?;
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    Ok((status, text))
}

fn as_list(answer: Value) -> Result<Vec<Value>> {
    match answer {
        Value::Array(list) => Ok(list),
        other => bail!("expected a list, found {other}"),
    }
}
