//! A recording of every external-task call with a real engine's answer, replayed against the embedded engine.
//!
//! `transcript.txt` beside this directory is that recording. Every call in it is sent in its order and must be answered
//! in the same way, apart from ids and moments; every remark in it is made true by a step here. What the embedded engine
//! cannot have, for it has no BPMN, is listed: fields in [`likeness`], whole calls in [`Replay::instead`]. Two bodies
//! were cut in the recording and one more was not shown: [`reconstructed`] has them. What the recording did unseen
//! between its calls is in [`Replay::before`].

mod likeness;
mod recording;
mod remarks;

use fetchlock_harness::engine_client::{EngineClient, RawAnswer};
use serde_json::{Value, json};

use self::{
    likeness::Likeness,
    recording::{Call, Entry},
};
use crate::engine::{Engine, SOON, on_embedded};

/// How many calls and remarks the recording has: none is left out unnoticed.
const CALLS: usize = 63;
const REMARKS: usize = 22;

#[test]
fn every_recorded_call_is_answered_as_a_real_engine_answered_it() {
    on_embedded(async |engine| {
        let mut replay = Replay { engine, likeness: Likeness::default(), instance: String::new(), task: String::new() };
        let (mut calls, mut remarks) = (0, 0);
        for entry in recording::entries() {
            match entry {
                Entry::Call(call) => {
                    calls += 1;
                    replay.call(&call).await;
                }
                Entry::Remark(remark) => {
                    remarks += 1;
                    replay.make_true(remark).await;
                }
            }
        }
        assert_eq!((calls, remarks), (CALLS, REMARKS));
        replay.likeness.assert_all_exceptions_were_needed();
    });
}

/// The worker of the recording.
const WORKER: &str = "w-features";

/// The topic, and the key of the process.
const TOPIC: &str = "feature";

/// The replay so far.
struct Replay {
    engine: Engine,
    likeness: Likeness,
    /// The instance that was started last, and its task.
    instance: String,
    task: String,
}

/// Bodies that the recording shows in part or not at all, from what it shows of the answers.
fn reconstructed(heading: &str) -> Option<Value> {
    Some(match heading {
        // Cut after the Xml.
        "start with every type" => json!({"businessKey": "bk-1", "variables": {
            "i": {"value": 21, "type": "Integer"},
            "l": {"value": 9_007_199_254_740_993_i64, "type": "Long"},
            "d": {"value": 1.5, "type": "Double"},
            "sh": {"value": 3, "type": "Short"},
            "b": {"value": true, "type": "Boolean"},
            "s": {"value": "h\u{e9}llo", "type": "String"},
            "nul": {"value": null, "type": "Null"},
            "date": {"value": "2026-11-21T10:11:12.345+0100", "type": "Date"},
            "bytes": {"value": "AAFoaQ==", "type": "Bytes"},
            "file": {"value": "ZmlsZSBib2R5", "type": "File", "valueInfo":
                {"filename": "a.txt", "mimetype": "text/plain", "encoding": "utf-8"}},
            "json": {"value": "{\"a\":[1,2,{\"b\":null}]}", "type": "Json"},
            "xml": {"value": "<a><b c=\"1\"/></a>", "type": "Xml"},
            "obj": {"value": "{\"k\":1}", "type": "Object", "valueInfo": {
                "objectTypeName": "java.util.LinkedHashMap", "serializationDataFormat": "application/json"}},
            "noType": {"value": 5},
            "x": {"value": 1, "type": "Integer"},
            "prio": {"value": 7, "type": "Long"},
        }}),
        // Cut within the message.
        "failure retries 2, timeout 1500" => json!({"workerId": WORKER, "errorMessage": "m".repeat(700),
            "errorDetails": "stack\ntrace", "retries": 2, "retryTimeout": 1500}),
        _ => return None,
    })
}

/// The form of the upload, which is not shown; what was read back is.
const UPLOAD: &str = "--B\r\nContent-Disposition: form-data; name=\"data\"; filename=\"u.bin\"\r\n\
    Content-Type: application/octet-stream\r\n\r\n\0\x01\x02\x03\x04\x05\x06\x07\x08\t\r\n\
    --B\r\nContent-Disposition: form-data; name=\"valueType\"\r\n\r\nFile\r\n--B--\r\n";

impl Replay {
    fn client(&self) -> &EngineClient {
        &self.engine
    }

    async fn call(&mut self, call: &Call) {
        self.before(call).await;
        if self.instead(call).await {
            return;
        }
        let answer = self.send(call).await;
        let heading = call.heading;
        assert_eq!(answer.status, call.status, "{heading}: {}", answer.text());
        let ours = match serde_json::from_slice(&answer.body) {
            Ok(value) => value,
            // The recording shows texts as JSON does, and nothing as nothing.
            Err(_) if answer.body.is_empty() => return assert!(call.answer.is_none(), "{heading}: no body"),
            Err(_) => Value::String(answer.text()),
        };
        let recorded = call.answer.as_ref().unwrap_or_else(|| panic!("{heading}: no answer recorded, ours {ours}"));
        self.likeness.assert_alike(heading, recorded, &ours);
        if heading == "start with every type" {
            self.instance = ours["id"].as_str().expect("an id").to_owned();
            self.as_bpmn_would().await;
        }
    }

    async fn send(&self, call: &Call) -> RawAnswer {
        const JSON: Option<&str> = Some("application/json");
        let (kind, body) = match (call.heading, reconstructed(call.heading)) {
            (_, Some(body)) => (JSON, body.to_string()),
            ("File upload (multipart)", _) => (Some("multipart/form-data; boundary=B"), UPLOAD.to_owned()),
            ("complete, bad JSON body", _) => (JSON, "{oops".to_owned()),
            ("complete, no content type", _) => (None, "{}".to_owned()),
            _ => call.sent.map_or((None, String::new()), |sent| (JSON, self.likeness.with_our_ids(sent))),
        };
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        let path = self.likeness.with_our_ids(call.path);
        self.client().send(call.method, &path, &headers, body).await.expect("an answer")
    }

    /// What was done unseen before a call.
    async fn before(&mut self, call: &Call) {
        match call.heading {
            "extendLock after expiry" => self.lock_that_has_expired().await,
            "count" => drop(self.client().delete_instances(TOPIC).await.expect("deleted")),
            _ => {}
        }
        // Every other task that turns up was started and locked before; its instance is known by its own calls.
        let mut segments = call.path.split(['/', '?']).skip(1);
        match (segments.next(), segments.next()) {
            (Some("external-task"), Some(task)) if is_id(task) && !self.likeness.knows(task) => {
                self.start_and_lock(json!({"x": {"value": 1}, "prio": {"value": 7, "type": "Long"}}), None).await;
                self.likeness.learn(task, &self.task);
            }
            (Some("process-instance"), Some(instance)) if is_id(instance) && !self.likeness.knows(instance) => {
                self.likeness.learn(instance, &self.instance);
            }
            (Some("incident"), Some(query)) => {
                let instance = query.trim_start_matches("processInstanceId=");
                self.likeness.learn(instance, &self.instance);
            }
            _ => {}
        }
    }

    /// Calls about steps of BPMN, which a real engine answers otherwise. Whether it was one of these.
    async fn instead(&mut self, call: &Call) -> bool {
        match call.heading {
            // The user task behind the boundary event: there is neither.
            "where is it" => {
                let answer = self.send(call).await;
                assert_eq!((call.status, answer.status), (200, 501), "{}", answer.text());
            }
            // The boundary event goes on with the error's code and message in variables. Here nothing catches the error,
            // so the instance is over, with the variables that came with it.
            "its variables" => {
                let recorded = call.answer.clone().expect("an answer");
                let ours = self.historic_variables(&self.instance).await;
                for name in ["ev", "x", "prio"] {
                    assert_eq!(ours[name], recorded[name], "{name}");
                }
                let of_event: Vec<_> = recorded.as_object().expect("an object").keys().collect();
                assert_eq!(of_event, ["errCode", "errMsg", "ev", "prio", "x"]);
            }
            // The instance goes on to a user task. Here it is over, and its variables are history.
            "variables after" => {
                let mut ours = self.historic_variables(&self.instance).await;
                let ours_only =
                    ["loc", "localIn"].map(|local| ours.as_object_mut().and_then(|ours| ours.remove(local)));
                assert!(ours_only.iter().all(Option::is_some), "variables of the task's own scope");
                let recorded = call.answer.clone().expect("an answer");
                self.likeness.assert_alike(call.heading, &recorded, &ours);
            }
            _ => return false,
        }
        true
    }

    /// Starts an instance and locks its task, as the recording did before each of its tasks.
    async fn start_and_lock(&mut self, variables: Value, business_key: Option<&str>) {
        self.instance = self.client().start_instance(TOPIC, business_key, &variables).await.expect("started");
        self.as_bpmn_would().await;
        self.fetch(WORKER).await;
    }

    /// What the recorded process does with a new task: a priority from a variable, and an input parameter.
    async fn as_bpmn_would(&mut self) {
        let task = self.client().external_tasks(&json!({"processInstanceId": self.instance})).await.expect("listed");
        let text = |field: &str| task[0][field].as_str().expect("an id").to_owned();
        self.task = text("id");
        let (path, body) = (format!("/external-task/{}/priority", self.task), json!({"priority": 7}).to_string());
        let prioritised = self.client().send("PUT", &path, &[("content-type", "application/json")], body).await;
        assert_eq!(prioritised.expect("an answer").status, 204);
        let input = json!({"modifications": {"localIn": {"value": "in-1", "type": "String"}}});
        let path = format!("/execution/{}/localVariables", text("executionId"));
        self.client().post(&path, &input).await.expect("set");
    }

    /// Fetches what there is of the topic; how many tasks.
    async fn fetch(&self, worker: &str) -> Vec<Value> {
        let body =
            json!({"workerId": worker, "maxTasks": 10, "topics": [{"topicName": TOPIC, "lockDuration": 30_000}]});
        let fetched = self.client().post("/external-task/fetchAndLock", &body).await.expect("fetched");
        fetched.as_array().expect("a list").clone()
    }

    /// Locks the last task for a moment, and waits until that is over.
    async fn lock_that_has_expired(&self) {
        let body = json!({"workerId": WORKER, "lockDuration": 1});
        self.client().post(&format!("/external-task/{}/lock", self.task), &body).await.expect("locked");
        self.await_free().await;
    }

    async fn await_free(&self) {
        let query = json!({"externalTaskId": self.task, "notLocked": true});
        self.client().await_external_tasks(&query, SOON, |count| count == 1).await.expect("free");
    }

    async fn historic_variables(&self, instance: &str) -> Value {
        json!(self.client().historic_variables(instance).await.expect("variables"))
    }
}

fn is_id(segment: &str) -> bool {
    segment.matches('-').count() == 4
}
