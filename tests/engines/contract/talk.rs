//! A talk with an engine: calls one after another, and what was said, as a text that is the same on every engine.
//!
//! In the text ids that the test knows have names in braces, as in the paths that it asks for; all other ids are `ID`,
//! moments of now `NOW`, later ones `LATER`. Where a real engine is other than the embedded one for a reason, the test
//! says so with [`Talk::unlike`], and what holds for all answers stands in [`Normal`].

use std::{fmt::Write as _, time::Duration};

use fetchlock_harness::engine_client::RawAnswer;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::differences;
use crate::engine::{Engine, SOON};

/// How long a body may be to stand in the text, in characters.
const SHOWN: usize = 12_000;

/// How much of a longer one does, in characters.
const BEGINNING: usize = 100;

/// How long a request's body may be to stand in the text, in characters.
const ASKED: usize = 1_000;

/// What is sent with a call.
pub(super) enum Sent {
    Nothing,
    Json(Value),
    /// A text under a content type.
    Text(Option<&'static str>, &'static str),
}

impl From<()> for Sent {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<Value> for Sent {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// Where the real engine is other than the embedded one, and why that is to be so.
pub(super) struct Unlike {
    pub(super) because: &'static str,
    pub(super) operaton: &'static str,
    pub(super) embedded: &'static str,
}

/// A talk about the tasks of one topic.
pub(super) struct Talk {
    pub(super) engine: Engine,
    topic: &'static str,
    normal: Normal,
    told: String,
    last_status: u16,
}

impl Talk {
    pub(super) async fn about(engine: Engine, topic: &'static str) -> Self {
        engine.deploy_topic(topic).await;
        let definition = engine.get(&format!("/process-definition/key/{topic}")).await.expect("deployed");
        let mut normal = Normal { base_url: engine.base_url().to_owned(), known: Vec::new() };
        normal.know("definition", &definition["id"]);
        Self { engine, topic, normal, told: String::new(), last_status: 0 }
    }

    /// Gives an id a name.
    pub(super) fn know(&mut self, name: &str, id: &Value) {
        self.normal.know(name, id);
    }

    /// Starts an instance, called `{name}`, its task `{name.task}` and its execution `{name.execution}`.
    pub(super) async fn start(&mut self, name: &str, body: Value) {
        self.start_at(name, &format!("/process-definition/key/{}/start", self.topic), body).await;
    }

    /// Has the topic for a tenant too; the process is `{tenant-definition}`.
    pub(super) async fn with_tenant(&mut self, tenant: &str) {
        self.engine.deploy_for_tenant(self.topic, Some(tenant)).await;
        let path = format!("/process-definition/key/{}/tenant-id/{tenant}", self.topic);
        let definition = self.engine.get(&path).await.expect("deployed");
        self.know("tenant-definition", &definition["id"]);
    }

    /// The same as [`Talk::start`] for a tenant.
    pub(super) async fn start_for_tenant(&mut self, name: &str, tenant: &str, body: Value) {
        self.start_at(name, &format!("/process-definition/key/{}/tenant-id/{tenant}/start", self.topic), body).await;
    }

    async fn start_at(&mut self, name: &str, path: &str, body: Value) {
        let started = self.engine.post(path, &body).await.expect("started");
        let tasks = self.engine.external_tasks(&json!({"processInstanceId": started["id"]})).await.expect("listed");
        self.know(name, &started["id"]);
        self.know(&format!("{name}.task"), &tasks[0]["id"]);
        self.know(&format!("{name}.execution"), &tasks[0]["executionId"]);
    }

    /// Locks the task of an instance for a worker.
    pub(super) async fn lock(&self, name: &str, worker: &str, duration: Duration) {
        let body = json!({"workerId": worker, "lockDuration": duration.as_millis()});
        let path = self.normal.with_ids(&format!("/external-task/{{{name}.task}}/lock"));
        self.engine.post(&path, &body).await.expect("locked");
    }

    /// Waits until the lock of an instance's task has expired, or nobody holds it.
    pub(super) async fn await_free(&self, name: &str) {
        let query = json!({"externalTaskId": self.id(&format!("{name}.task")), "notLocked": true});
        self.engine.await_external_tasks(&query, SOON, |count| count == 1).await.expect("free");
    }

    /// Waits until somebody holds the task of an instance; that worker.
    pub(super) async fn await_holder(&self, name: &str) -> String {
        let query = json!({"externalTaskId": self.id(&format!("{name}.task")), "locked": true});
        self.engine.await_external_tasks(&query, SOON, |count| count == 1).await.expect("locked");
        let found = self.engine.external_tasks(&query).await.expect("listed");
        found[0]["workerId"].as_str().expect("a worker").to_owned()
    }

    /// The id that has a name.
    pub(super) fn id(&self, name: &str) -> String {
        self.normal.with_ids(&format!("{{{name}}}"))
    }

    pub(super) async fn get(&mut self, about: &str, path: &str) {
        self.call(about, "GET", path, ()).await;
    }

    pub(super) async fn post(&mut self, about: &str, path: &str, body: impl Into<Sent>) {
        self.call(about, "POST", path, body).await;
    }

    pub(super) async fn put(&mut self, about: &str, path: &str, body: impl Into<Sent>) {
        self.call(about, "PUT", path, body).await;
    }

    pub(super) async fn delete(&mut self, about: &str, path: &str) {
        self.call(about, "DELETE", path, ()).await;
    }

    /// A call with its answer.
    pub(super) async fn call(&mut self, about: &str, method: &str, path: &str, body: impl Into<Sent>) {
        let (asked, answer) = self.ask(method, path, body.into()).await;
        self.tell(&format!("# {about}\n{asked}\n{answer}\n"));
    }

    /// A call to which the real engine answers otherwise than the embedded one.
    pub(super) async fn unlike(
        &mut self,
        about: &str,
        method: &str,
        path: &str,
        body: impl Into<Sent>,
        unlike: Unlike,
    ) {
        let (asked, answer) = self.ask(method, path, body.into()).await;
        let (answer, expected) = match self.engine {
            Engine::Embedded(_) => (answer, unlike.embedded),
            Engine::Real(_) => (differences::put_aside(None, answer), unlike.operaton),
        };
        assert_eq!(answer, expected, "{about}");
        self.tell(&format!("# {about}\n{asked}\n(unlike: {})\n", unlike.because));
    }

    /// A call that answers tasks: which of the known ones, in the order of the answer; they are unlocked again.
    pub(super) async fn found(&mut self, about: &str, method: &str, path: &str, body: impl Into<Sent>) {
        let body = body.into();
        let asked = self.asked(method, path, &body);
        let answer = self.send(method, path, body).await;
        let Ok(Value::Array(tasks)) = serde_json::from_slice(&answer.body) else {
            let answer = self.normal.answer(method, &answer);
            return self.tell(&format!("# {about}\n{asked}\n{answer}\n"));
        };
        let mut names = Vec::new();
        for task in &tasks {
            let id = task["id"].as_str().expect("an id");
            names.push(self.normal.name(id).unwrap_or("somebody else's").trim_end_matches(".task").to_owned());
            if path.ends_with("fetchAndLock") {
                self.engine.post(&format!("/external-task/{id}/unlock"), &Value::Null).await.expect("unlocked");
            }
        }
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        self.tell(&format!("# {about}\n{asked}\nfound: {names}\n"));
    }

    /// Adds to what was told.
    pub(super) fn tell(&mut self, text: &str) {
        writeln!(self.told, "{text}").expect("a String takes all");
    }

    /// Compares what was told with what is written down, which is the same for every engine but for the differences of
    /// real ones that [`super::differences`] knows.
    pub(super) fn must_be_as_written(self, name: &str) {
        let told = match self.engine {
            Engine::Embedded(_) => self.told,
            Engine::Real(_) => differences::put_aside(Some(name), self.told),
        };
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, told);
        });
    }

    /// The status of the last answer.
    pub(super) fn last_status(&self) -> u16 {
        self.last_status
    }

    async fn ask(&mut self, method: &str, path: &str, body: Sent) -> (String, String) {
        let asked = self.asked(method, path, &body);
        let answer = self.send(method, path, body).await;
        self.last_status = answer.status;
        (asked, self.normal.answer(method, &answer))
    }

    fn asked(&self, method: &str, path: &str, body: &Sent) -> String {
        let body = match body {
            Sent::Nothing => String::new(),
            Sent::Json(value) => in_order(value.clone()),
            Sent::Text(kind, text) => format!("({}) {text:?}", kind.unwrap_or("no content type")),
        };
        format!("{method} {path} {}", cut(&body, ASKED)).trim_end().to_owned()
    }

    async fn send(&self, method: &str, path: &str, body: Sent) -> RawAnswer {
        let (kind, body) = match body {
            Sent::Nothing => (None, String::new()),
            Sent::Json(value) => (Some("application/json"), self.normal.with_ids(&value.to_string())),
            Sent::Text(kind, text) => (kind, text.to_owned()),
        };
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        self.engine.send(method, &self.normal.with_ids(path), &headers, body).await.expect("an answer")
    }
}

/// JSON with its keys in one order, whatever that of the engine is.
fn in_order(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// What differs from engine to engine and from run to run without a difference in meaning.
struct Normal {
    base_url: String,
    /// Ids and their names.
    known: Vec<(String, String)>,
}

impl Normal {
    fn know(&mut self, name: &str, id: &Value) {
        let id = id.as_str().expect("an id").to_owned();
        // The longer first, for one may begin with another.
        let place = self.known.partition_point(|(known, _)| known.len() >= id.len());
        self.known.insert(place, (id, name.to_owned()));
    }

    fn name(&self, id: &str) -> Option<&str> {
        self.known.iter().find(|(known, _)| known == id).map(|(_, name)| name.as_str())
    }

    /// A text with ids in the place of their names.
    fn with_ids(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (id, name)| text.replace(&format!("{{{name}}}"), id))
    }

    /// An answer: status, headers that matter, body.
    fn answer(&self, method: &str, answer: &RawAnswer) -> String {
        if answer.status == 400 && cannot_be_read(&answer.body) {
            return "400 (cannot be read)".to_owned();
        }
        let header = |name: &str| answer.headers.get(name).map(String::as_str);
        let mut told = answer.status.to_string();
        let kind = header("content-type").filter(|kind| *kind != "application/json" || answer.body.is_empty());
        // The one parameter is written with and without a space.
        told.extend(kind.map(|kind| format!(" ({})", kind.replace("; ", ";"))));
        for name in ["content-disposition", "allow"] {
            told.extend(header(name).map(|value| format!(" ({name}: {value})")));
        }
        let cached = header("cache-control") != Some("no-cache");
        if cached == (method == "GET") {
            told.push_str(if cached { " (no cache-control)" } else { " (cache-control: no-cache)" });
        }
        let body = match serde_json::from_slice::<Value>(&answer.body) {
            Ok(mut value) => {
                self.value(&mut value);
                in_order(value)
            }
            Err(_) => self.text(&answer.text()),
        };
        format!("{told} {}", cut(&body, SHOWN)).trim_end().to_owned()
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.value(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.value(value));
                // The id of a past variable is its own in a real engine, and made of scope and name in the embedded one.
                if fields.contains_key("caseExecutionId") && fields.contains_key("id") {
                    fields["id"] = json!("ID");
                }
                // So is the id of a past event.
                if fields.contains_key("activityType")
                    && let Some((event, _)) = fields["id"].as_str().and_then(|id| id.split_once(':'))
                {
                    fields["id"] = json!(format!("{event}:ID"));
                }
                // Java's words name its classes.
                if fields.get("type") == Some(&json!("NullPointerException")) {
                    fields["message"] = json!("(Java's words)");
                }
                // History is cleaned up by age in a real engine, by number in the embedded one.
                for (key, normal) in [("removalTime", Value::Null), ("durationInMillis", json!("TIME"))] {
                    if fields.get(key).is_some_and(|value| !value.is_null()) {
                        fields[key] = normal;
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.base_url, "BASE");
        for (id, name) in &self.known {
            text = text.replace(id, &format!("{{{name}}}"));
        }
        let mut normal = String::new();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let (shown, length) =
                id_of(rest).or_else(|| moment_of(rest)).or_else(|| milliseconds_of(rest)).unwrap_or(("", 0));
            if length == 0 {
                normal.push(first);
                rest = &rest[first.len_utf8()..];
            } else {
                normal.push_str(shown);
                rest = &rest[length..];
            }
        }
        normal
    }
}

/// Whether an answer says that the body could not be read. A real engine has two layers that may say so, one with the
/// parser's words as plain text and one with no words at all; which of them does is left to chance at its start.
fn cannot_be_read(body: &[u8]) -> bool {
    const PARSER: &str = "at [Source: ";
    match serde_json::from_slice::<Value>(body) {
        Ok(told) => told == json!({"type": "InvalidRequestException", "message": "", "code": null}),
        Err(_) => String::from_utf8_lossy(body).contains(PARSER),
    }
}

/// A random id at the beginning of a text, with its length in bytes.
fn id_of(text: &str) -> Option<(&'static str, usize)> {
    const LENGTH: usize = 36;
    let id = text.get(..LENGTH)?;
    let is_id = id.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    is_id.then_some(("ID", LENGTH))
}

/// How far from now a moment is one of this test.
const AROUND_NOW: Duration = Duration::from_secs(3_600);

fn around_now(moment: Timestamp) -> Option<&'static str> {
    let from_now = moment.duration_since(Timestamp::now());
    if from_now.unsigned_abs() > AROUND_NOW {
        return None;
    }
    Some(if from_now.as_millis() > 1_000 { "LATER" } else { "NOW" })
}

fn moment_of(text: &str) -> Option<(&'static str, usize)> {
    const LENGTH: usize = "2026-11-21T10:11:12.345+0000".len();
    let moment = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.3f%z", text.get(..LENGTH)?).ok()?;
    Some((around_now(moment.to_timestamp().ok()?)?, LENGTH))
}

fn milliseconds_of(text: &str) -> Option<(&'static str, usize)> {
    const LENGTH: usize = "1795229243233".len();
    let moment = text.get(..LENGTH)?.parse().ok().and_then(|number| Timestamp::from_millisecond(number).ok())?;
    around_now(moment).map(|_| ("MILLISECONDS", LENGTH))
}

/// A text of bearable length.
fn cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(BEGINNING).collect();
    format!("{beginning}… ({length} characters)")
}

/// Waits until something is so, which nothing tells.
pub(super) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "not so within {SOON:?}");
        sleep(Duration::from_millis(20)).await;
    }
}
