//! What an operator asks of an engine, apart from what a worker does: lists of tasks and changes of them.

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Method, StatusCode, header::DATE};
use url::Url;

use super::{RestEngine, call::Call, wire};
use crate::{
    engine::{Batch, BatchProgress, EngineError, ListedTask, Listing, Page, Selected, TaskQuery, VariableType},
    task::TaskId,
    value::Scope,
};

/// How many failed jobs of a batch are told with their reasons; they are usually of one kind.
const MAX_FAILED_JOBS: usize = 100;

/// How an answer's body is read.
type Reader<T> = fn(&[u8]) -> Result<T, serde_json::Error>;

impl RestEngine {
    /// The tasks of a page of a query.
    ///
    /// # Errors
    /// See [`EngineError`]; so in all of the following.
    pub async fn list(&self, query: &TaskQuery, page: Page) -> Result<Listing, EngineError> {
        let mut url = self.address(&["external-task"])?;
        url.query_pairs_mut()
            .append_pair("firstResult", &page.first.to_string())
            .append_pair("maxResults", &page.max.to_string());
        let call = self.post(url, wire::task_query(query)?);
        let (tasks, at) = self.read(call, wire::listed_tasks).await?;
        Ok(Listing { tasks, at })
    }

    /// How many tasks a query finds.
    pub async fn count(&self, query: &TaskQuery) -> Result<u64, EngineError> {
        let url = self.address(&["external-task", "count"])?;
        Ok(self.read(self.post(url, wire::task_query(query)?), wire::count).await?.0)
    }

    /// One task, and what time it was at the engine.
    ///
    /// # Errors
    /// [`EngineError::TaskGone`] if there is none with this id.
    pub async fn one(&self, task: &TaskId) -> Result<(ListedTask, Timestamp), EngineError> {
        self.read(self.get(self.address(&["external-task", task.as_str()])?), wire::listed_task).await
    }

    /// The details of a task's last failure.
    pub async fn error_details(&self, task: &TaskId) -> Result<Option<String>, EngineError> {
        let url = self.address(&["external-task", task.as_str(), "errorDetails"])?;
        let bytes = self.content(url, self.max_response_bytes).await?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|details| !details.is_empty()))
    }

    /// The variables of a process instance (`Scope::Process`, by process instance id) or of an execution alone
    /// (`Scope::Local`, by execution id).
    pub async fn variable_types(&self, scope: Scope, id: &str) -> Result<Vec<VariableType>, EngineError> {
        let mut url = match scope {
            Scope::Process => self.address(&["process-instance", id, "variables"])?,
            Scope::Local => self.address(&["execution", id, "localVariables"])?,
        };
        // Otherwise the engine makes Java objects of them, which it may not be able to.
        url.query_pairs_mut().append_pair("deserializeValues", "false");
        Ok(self.read(self.get(url), wire::variable_types).await?.0)
    }

    /// Sets a task's retries. An incident of it is resolved if there are some.
    pub async fn set_retries(&self, task: &TaskId, retries: u32) -> Result<(), EngineError> {
        self.put(&["external-task", task.as_str(), "retries"], wire::retries(retries)?).await
    }

    /// Sets the retries of many tasks, of all or, after an error, of none. The engine does it in one transaction, which
    /// may take longer than a request may.
    pub async fn set_retries_of(&self, selected: Selected<'_>, retries: u32) -> Result<(), EngineError> {
        self.put(&["external-task", "retries"], wire::retries_of(selected, retries)?).await
    }

    /// Has the engine set the retries of many tasks by and by.
    pub async fn set_retries_later(&self, selected: Selected<'_>, retries: u32) -> Result<Batch, EngineError> {
        let url = self.address(&["external-task", "retries-async"])?;
        Ok(self.read(self.post(url, wire::retries_of(selected, retries)?), wire::batch).await?.0)
    }

    /// How far a batch is; none if it is done: the engine keeps it as history only.
    pub async fn batch_progress(&self, batch: &Batch) -> Result<Option<BatchProgress>, EngineError> {
        let mut url = self.address(&["batch", "statistics"])?;
        url.query_pairs_mut().append_pair("batchId", &batch.id);
        Ok(self.read(self.get(url), wire::batch_progress).await?.0)
    }

    /// Why jobs of a batch have failed for good, in the engine's words; of the first hundred at most.
    pub async fn batch_failures(&self, batch: &Batch) -> Result<Vec<String>, EngineError> {
        let mut url = self.address(&["job"])?;
        url.query_pairs_mut()
            .append_pair("jobDefinitionId", &batch.job_definition_id)
            .append_pair("noRetriesLeft", "true")
            .append_pair("maxResults", &MAX_FAILED_JOBS.to_string());
        Ok(self.read(self.get(url), wire::exception_messages).await?.0)
    }

    /// Sets a task's priority.
    pub async fn set_priority(&self, task: &TaskId, priority: i64) -> Result<(), EngineError> {
        self.put(&["external-task", task.as_str(), "priority"], wire::priority(priority)?).await
    }

    fn get(&self, url: Url) -> Call {
        Call { method: Method::GET, ..self.post(url, Vec::new()) }
    }

    /// Puts what the engine has only to acknowledge.
    async fn put(&self, segments: &[&str], body: Vec<u8>) -> Result<(), EngineError> {
        let url = self.address(segments)?;
        let call = Call { method: Method::PUT, ..self.post(url.clone(), body) };
        let answer = self.connection.send(call).await?;
        if answer.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(answer.error(&url)) }
    }

    /// Reads an answer, and what time it was at the engine.
    async fn read<T>(&self, call: Call, reader: Reader<T>) -> Result<(T, Timestamp), EngineError> {
        let url = call.url.clone();
        let answer = self.connection.send(call).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.error(&url));
        }
        let date = answer.header(DATE).and_then(|text| rfc2822::parse(text).ok());
        let at = date.map_or_else(Timestamp::now, |date| date.timestamp());
        reader(&answer.body).map(|read| (read, at)).map_err(|_| answer.not_an_engine(&url))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            RestOptions,
            loopback::{Loopback, Reply},
        },
        *,
    };

    const TASK: &str = r#"{"id":"de20","topicName":"t"}"#;

    async fn with(replies: Vec<Reply>) -> (Loopback, RestEngine) {
        let server = Loopback::start(replies).await;
        let engine = RestEngine::new(RestOptions::new(server.url("/engine-rest"))).expect("an engine");
        (server, engine)
    }

    fn json(body: &str) -> Reply {
        Reply::json("200 OK", body)
    }

    #[tokio::test]
    async fn every_call_of_an_operator_goes_to_its_address() {
        let batch = r#"{"id":"b 1","totalJobs":2,"batchJobDefinitionId":"d"}"#;
        let (server, engine) = with(vec![
            json(&format!("[{TASK}]")),
            json(r#"{"count":7}"#),
            json(TASK),
            Reply::whole("200 OK\r\nContent-Type: text/plain", "where"),
            json(r#"{"v":{"type":"Long","value":1}}"#),
            json("{}"),
            Reply::no_content(),
            Reply::no_content(),
            json(batch),
            json(r#"[{"remainingJobs":2,"failedJobs":0}]"#),
            json("[]"),
            Reply::no_content(),
        ])
        .await;
        let (task, query) = (TaskId::new("de20"), TaskQuery::default());
        assert_eq!(engine.list(&query, Page { first: 500, max: 100 }).await.expect("a list").tasks[0].id, task);
        assert_eq!(engine.count(&query).await.expect("a number"), 7);
        engine.one(&task).await.expect("a task");
        assert_eq!(engine.error_details(&task).await.expect("details").as_deref(), Some("where"));
        assert_eq!(engine.variable_types(Scope::Process, "p").await.expect("variables")[0].type_name, "Long");
        assert_eq!(engine.variable_types(Scope::Local, "e").await.expect("variables"), []);
        engine.set_retries(&task, 1).await.expect("set");
        engine.set_retries_of(Selected::Query(&query), 1).await.expect("set");
        let batch = engine.set_retries_later(Selected::Tasks(std::slice::from_ref(&task)), 1).await.expect("a batch");
        let progress = BatchProgress { remaining: 2, failed: 0, suspended: false };
        assert_eq!(engine.batch_progress(&batch).await.expect("statistics"), Some(progress));
        assert_eq!(engine.batch_failures(&batch).await.expect("jobs"), [""; 0]);
        engine.set_priority(&task, -7).await.expect("set");
        let asked: Vec<String> = server
            .requests()
            .iter()
            .map(|request| {
                let (head, body) = request.split_once("\r\n\r\n").expect("a head");
                let line = head.lines().next().expect("a line").trim_end_matches(" HTTP/1.1");
                format!("{line} {body}").trim_end().to_owned()
            })
            .collect();
        insta::assert_snapshot!(asked.join("\n"), @r#"
        POST /engine-rest/external-task?firstResult=500&maxResults=100 {"sorting":[{"sortBy":"id","sortOrder":"asc"}]}
        POST /engine-rest/external-task/count {"sorting":[{"sortBy":"id","sortOrder":"asc"}]}
        GET /engine-rest/external-task/de20
        GET /engine-rest/external-task/de20/errorDetails
        GET /engine-rest/process-instance/p/variables?deserializeValues=false
        GET /engine-rest/execution/e/localVariables?deserializeValues=false
        PUT /engine-rest/external-task/de20/retries {"retries":1}
        PUT /engine-rest/external-task/retries {"retries":1,"externalTaskQuery":{}}
        POST /engine-rest/external-task/retries-async {"retries":1,"externalTaskIds":["de20"]}
        GET /engine-rest/batch/statistics?batchId=b+1
        GET /engine-rest/job?jobDefinitionId=d&noRetriesLeft=true&maxResults=100
        PUT /engine-rest/external-task/de20/priority {"priority":-7}
        "#);
    }

    #[tokio::test]
    async fn the_time_of_a_list_is_the_engines_own() {
        let dated =
            Reply::whole("200 OK\r\nContent-Type: application/json\r\nDate: Sat, 21 Nov 2026 10:11:12 GMT", "[]");
        let (_server, engine) = with(vec![dated]).await;
        let listing = engine.list(&TaskQuery::default(), Page { first: 0, max: 1 }).await.expect("a list");
        assert_eq!(listing.at, "2026-11-21T10:11:12Z".parse().expect("a moment"));
    }

    #[tokio::test]
    async fn an_acknowledgement_is_204_and_nothing_else() {
        let page = Reply::whole("200 OK\r\nContent-Type: text/html", "<html></html>");
        let gone = r#"{"type":"RestException","message":"External task with id de20 does not exist","code":0}"#;
        let (_server, engine) = with(vec![page, Reply::json("404 Not Found", gone)]).await;
        let task = TaskId::new("de20");
        assert!(matches!(engine.set_retries(&task, 1).await, Err(EngineError::NotAnEngine { .. })));
        assert!(matches!(engine.set_retries(&task, 1).await, Err(EngineError::TaskGone { .. })));
    }
}
