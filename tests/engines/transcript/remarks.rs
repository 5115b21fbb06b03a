//! What the recording remarks between its calls: each is made true, or the replay fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Replay, TOPIC, WORKER};
use crate::engine::SOON;

impl Replay {
    /// Does what a remark tells, and compares what was seen.
    pub(super) async fn make_true(&mut self, remark: &str) {
        let remark = remark.trim();
        let (what, seen) = remark.split_once(": ").unwrap_or((remark, ""));
        match what {
            _ if remark.starts_with("Date ") => self.refuses_a_date(remark).await,
            _ if remark.starts_with("fetch ") => self.fetches(remark).await,
            _ if remark.starts_with("200 {'Content-Disposition'") => self.downloads("file", remark).await,
            _ if remark.starts_with("200 {'Content-Type'") => self.downloads("bytes", remark).await,
            "uploaded read back" => self.downloads("up", remark).await,
            "errorMessage length kept" => {
                let task = self.client().get(&format!("/external-task/{}", self.task)).await.expect("there");
                assert_eq!(
                    task["errorMessage"].as_str().map(|message| message.len().to_string()).as_deref(),
                    Some(seen)
                );
            }
            "retries after the batch" => {
                let task = self.client().get(&format!("/external-task/{}", self.task)).await.expect("there");
                assert_eq!(task["retries"].to_string(), seen);
            }
            "refetch by the same worker after expiry" => {
                assert_eq!(self.fetch(WORKER).await.len().to_string(), seen);
                // The next calls come after that lock too.
                self.lock_that_has_expired().await;
            }
            "long poll, nothing there" => self.polls_in_vain(1).await,
            "two pending long polls with the same workerId" => self.polls_in_vain(2).await,
            "long poll wake-up" => self.wakes_a_poll().await,
            "variables filter" => {
                self.client().delete_instances(TOPIC).await.expect("deleted");
                let variables = json!({"a": {"value": 1}, "b": {"value": 2}, "prio": {"value": 7, "type": "Long"}});
                self.start_and_lock(variables, Some("bk-2")).await;
                let shown = self.shown(json!({"variables": ["a", "localIn"]})).await;
                self.likeness.assert_alike(what, &serde_json::from_str(seen).expect("recorded whole"), &shown);
            }
            "localVariables only" => {
                let shown = self.shown(json!({"localVariables": true})).await;
                self.likeness.assert_alike(what, &serde_json::from_str(seen).expect("whole"), &shown[0]["variables"]);
            }
            "variables []" => {
                let shown = self.shown(json!({"variables": []})).await;
                self.likeness.assert_alike(what, &serde_json::from_str(seen).expect("whole"), &shown[0]["variables"]);
            }
            // The answer is cut: that the task comes, with its ids, is what is left of it.
            "sorting createTime asc" => {
                let shown = self.shown(json!({})).await;
                let ids = ["activityInstanceId", "executionId", "id"].map(|field| shown[0][field].clone());
                let recorded = [
                    "work:e635eb32-e555-11f1-b47a-02fc00000001",
                    "e635eb31-e555-11f1-b47a-02fc00000001",
                    "e6368775-e555-11f1-b47a-02fc00000001",
                ];
                assert!(recorded.iter().all(|id| seen.contains(id)));
                self.likeness.assert_alike(what, &json!(recorded), &json!(ids));
            }
            "headers of an answer" => {
                let body = json!({"workerId": WORKER, "maxTasks": 1, "topics": []}).to_string();
                let headers = [("content-type", "application/json")];
                let answer = self.client().send("POST", "/external-task/fetchAndLock", &headers, body).await;
                let answer = answer.expect("an answer");
                let names: Vec<&String> = answer.headers.keys().collect();
                assert_eq!(names, ["content-length", "content-type", "date"]);
                assert_eq!(
                    (&*answer.headers["content-type"], &*answer.headers["content-length"]),
                    ("application/json", "2")
                );
            }
            _ => panic!("nothing is known about this remark: {remark}"),
        }
    }

    async fn refuses_a_date(&mut self, remark: &str) {
        let (date, answer) = remark.split_once(" -> ").expect("an answer");
        let date = date.trim_start_matches("Date ").trim_matches('\'');
        let (status, recorded) = answer.split_once(' ').expect("a status");
        let body = json!({"variables": {"d": {"value": date, "type": "Date"}}}).to_string();
        let path = format!("/process-definition/key/{TOPIC}/start");
        let answer = self.client().send("POST", &path, &[("content-type", "application/json")], body).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status.to_string(), status, "{date}");
        let ours: Value = serde_json::from_slice(&answer.body).expect("JSON");
        self.likeness.assert_alike(date, &serde_json::from_str(recorded).expect("whole"), &ours);
    }

    async fn fetches(&mut self, remark: &str) {
        match remark {
            "fetch at once -> 200 0" | "fetch with retries 0 -> 200 0" => assert!(self.fetch(WORKER).await.is_empty()),
            "fetch after 1.7 s -> 200 [('deecaead-e555-11f1-b47a-02fc00000001', 2)]" => {
                self.await_free().await;
                let fetched = self.fetch(WORKER).await;
                assert_eq!((&fetched[0]["id"], &fetched[0]["retries"]), (&json!(self.task), &json!(2)));
            }
            "fetch by w2 after unlock: 200 [True]" => {
                let fetched = self.fetch("w2").await;
                assert_eq!(fetched.iter().map(|task| &task["id"]).collect::<Vec<_>>(), [&json!(self.task)]);
            }
            _ => panic!("nothing is known about this remark: {remark}"),
        }
    }

    /// The content of a variable of the first instance, as the recording shows type, name and bytes.
    async fn downloads(&self, name: &str, remark: &str) {
        let path = format!("/process-instance/{}/variables/{name}/data", self.instance);
        let answer = self.client().send("GET", &path, &[], "").await.expect("an answer");
        let header = |name: &str| answer.headers.get(name).map(String::as_str).unwrap_or_default();
        let python = |bytes: &[u8]| -> String { bytes.iter().flat_map(|byte| as_python(*byte)).collect() };
        let parts = [header("content-type").to_owned(), format!("b'{}'", python(&answer.body))];
        for part in parts {
            assert!(remark.contains(&part), "{part} is not in {remark}");
        }
        if remark.contains("Content-Disposition") {
            assert!(remark.contains(&header("content-disposition").replace('\'', "\\'")), "{remark}");
        }
    }

    /// Long polls of the same worker at the same time, each of which ends without a task.
    async fn polls_in_vain(&self, count: usize) {
        const LENGTH: Duration = Duration::from_millis(500);
        let topics = json!([{"topicName": "nobody-makes-these", "lockDuration": 1000}]);
        let body =
            json!({"workerId": WORKER, "maxTasks": 1, "asyncResponseTimeout": LENGTH.as_millis(), "topics": topics});
        let begun = Instant::now();
        let mut polls = tokio::task::JoinSet::new();
        for _ in 0..count {
            let (client, body) = (self.client().clone(), body.clone());
            polls.spawn(async move { client.post("/external-task/fetchAndLock", &body).await });
        }
        while let Some(answer) = polls.join_next().await {
            assert_eq!(answer.expect("no panic").expect("an answer"), json!([]));
            assert!(begun.elapsed() >= LENGTH, "parked for its time");
        }
    }

    async fn wakes_a_poll(&mut self) {
        let body = json!({"workerId": WORKER, "maxTasks": 1, "asyncResponseTimeout": 20_000,
            "topics": [{"topicName": TOPIC, "lockDuration": 30_000}]});
        self.client().delete_instances(TOPIC).await.expect("deleted");
        let client = self.client().clone();
        let poll = async { client.post("/external-task/fetchAndLock", &body).await.expect("an answer") };
        let start = async { self.client().start_instance(TOPIC, None, &json!({})).await.expect("started") };
        let (fetched, instance) = tokio::time::timeout(SOON, async { tokio::join!(poll, start) }).await.expect("woken");
        assert_eq!(fetched[0]["processInstanceId"], json!(instance));
    }

    /// The last task in a fetch with such a topic, after it was unlocked.
    async fn shown(&self, topic: Value) -> Value {
        self.client().post(&format!("/external-task/{}/unlock", self.task), &Value::Null).await.expect("unlocked");
        let mut topics = json!([{"topicName": TOPIC, "lockDuration": 30_000}]);
        for (key, value) in topic.as_object().expect("an object") {
            topics[0][key] = value.clone();
        }
        let sorting = json!([{"sortBy": "createTime", "sortOrder": "asc"}]);
        let body = json!({"workerId": WORKER, "maxTasks": 10, "sorting": sorting, "topics": topics});
        self.client().post("/external-task/fetchAndLock", &body).await.expect("fetched")
    }
}

/// A byte as Python writes it.
fn as_python(byte: u8) -> Vec<char> {
    match byte {
        b'\t' => "\\t".chars().collect(),
        b' '..=b'~' => vec![char::from(byte)],
        _ => format!("\\x{byte:02x}").chars().collect(),
    }
}
