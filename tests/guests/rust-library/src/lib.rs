//! A guest that does all that the guest library in Rust offers; its variable `what` says which of it.

use std::time::Duration;

use fetchlock::engine::{Message, ProcessStart, Started};
use fetchlock::{
    BpmnError, Bytes, Date, Failure, File, Json, Object, Other, Outcome, Retry, Task, Transient, Value, Variables, Xml,
    config, extend_lock, http, log, set_local_progress, set_progress, variables,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Input {
    what: String,
}

/// A field of each type, there and back.
#[derive(Deserialize, Serialize)]
struct Typed {
    truth: bool,
    short: i16,
    integer: i32,
    long: i64,
    double: f64,
    text: String,
    date: Date,
    bytes: Bytes,
    file: File,
    json: Vec<Entry>,
    number_in_json: Json<i32>,
    xml: Xml,
    object: Object,
    other: Other,
    nothing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<File>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    name: String,
    number: u64,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

impl Text {
    fn of(text: impl ToString) -> fetchlock::Result<Outcome> {
        Ok(Outcome::complete(&Self { text: text.to_string() })?)
    }
}

#[fetchlock::handler]
fn handle(input: Input, task: &Task) -> fetchlock::Result<Outcome> {
    match input.what.as_str() {
        "all as they are" => Ok(Outcome::complete(&variables::read::<Variables>()?)?),
        "typed" => Ok(Outcome::complete(&variables::read::<Typed>()?)?),
        "task" => Text::of(format!("{task:?}")),
        "load" => Text::of(variables::read::<One<File>>()?.it.load_text()?),
        "names" => Text::of(format!("{:?} {:?}", variables::names(), variables::type_name("what"))),
        "settings" => Text::of(format!("{} {:?}", config::require::<i32>("limit")?, config::keys())),
        "running" => running(),
        "engine" => engine(task),
        "http" => exchange(),
        "log" => {
            log::debug!(number = 7, text:% = "a"; "said");
            Ok(Outcome::Unlock(Duration::from_secs(5)))
        }
        "local" => Ok(Outcome::complete(&())?.with_local(&Variables::new().with("here", Value::Short(1)))?),
        "transient" => Ok(Outcome::complete(&One { it: Transient(1) })?),
        "hand off" => Ok(Outcome::HandOff(Duration::from_secs(60))),
        "bpmn error" => Err(BpmnError::new("LISTED", "why").with("reason", 7).into()),
        "unlisted bpmn error" => Err(BpmnError::new("UNLISTED", "why").into()),
        "failure" => {
            let failure = Failure::new("why").with_details("at length").with("a", 1).with_local("b", 2);
            Err(failure.with_retry(Retry::Exactly(2, Duration::from_secs(3))).into())
        }
        "error" => Err("x".parse::<i32>().expect_err("no number").into()),
        "infinite" => Ok(Outcome::complete(&One { it: f64::INFINITY })?),
        "raw" => raw(),
        other => Err(Failure::new(format!("nothing is called {other}")).into()),
    }
}

#[derive(Deserialize, Serialize)]
struct One<T> {
    it: T,
}

/// Decides without the library.
fn raw() -> fetchlock::Result<Outcome> {
    #[cfg(target_family = "wasm")]
    fetchlock::raw::fetchlock::handler::outcome::complete(&[], &[])?;
    Ok(Outcome::Decided)
}

fn running() -> fetchlock::Result<Outcome> {
    set_progress(&One { it: 50 })?;
    set_local_progress(&One { it: 51 })?;
    extend_lock(Duration::from_secs(30))?;
    Text::of("done")
}

fn engine(task: &Task) -> fetchlock::Result<Outcome> {
    let key = format!("invoice-of-{}", task.process_instance_id);
    let start = ProcessStart::of("invoice").business_key(key).with("amount", 1.5).unless_running();
    let started = start.start()?;
    let received = Message::named("Paid").business_key("b").with("at", Date::from_unix_millis(0)).correlate()?;
    let is_new = matches!(started, Started::New(_));
    Text::of(format!("{} {is_new} {received:?}", started.id()))
}

fn exchange() -> fetchlock::Result<Outcome> {
    let body = Entry { name: "ä".repeat(5_000), number: 1 };
    let request = http::post("https://api.example.com/rates?x=1").header("x-asked", "yes").bearer("secret");
    let answer = request.json(&body).timeout(Duration::from_secs(5)).send()?;
    let status = answer.status;
    let found: Entry = answer.json()?;
    let missing = http::get("https://api.example.com/missing").send()?.success();
    let late = http::get("https://api.example.com").send();
    Text::of(format!("{status} {} {:?} {missing:?} {late:?}", found.number, answer.header("X-Answered")))
}
