//! Handlers in every language on an engine: values of every type through each, and the examples in one plugin directory.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use fetchlock_harness::{
    engine_client::HistoryState,
    fetchlock::Builder,
    guests::{guests_dir, target_dir},
    samples::{self, Sample},
};
use serde_json::{Value, json};

use crate::engine::{Engine, Home, SOON, on_both_engines, text};

/// How long a task may take whose plugin has to be compiled first: some ten seconds of two processors for JavaScript and
/// for Python each, beside everything else that is tested.
const COMPILED: Duration = Duration::from_secs(300);

on_both_engines!(
    every_value_goes_through_a_handler_in_rust_unchanged,
    every_value_goes_through_a_handler_in_go_unchanged,
    every_value_goes_through_a_handler_in_javascript_unchanged,
    every_value_goes_through_a_handler_in_typescript_unchanged,
    every_value_goes_through_a_handler_in_python_unchanged,
    the_examples_of_all_languages_work_side_by_side,
);

async fn every_value_goes_through_a_handler_in_rust_unchanged(engine: Engine) {
    echoes(&engine, "echo-rust").await;
}

async fn every_value_goes_through_a_handler_in_go_unchanged(engine: Engine) {
    echoes(&engine, "echo-go").await;
}

async fn every_value_goes_through_a_handler_in_javascript_unchanged(engine: Engine) {
    echoes(&engine, "echo-js").await;
}

async fn every_value_goes_through_a_handler_in_typescript_unchanged(engine: Engine) {
    echoes(&engine, "echo-ts").await;
}

async fn every_value_goes_through_a_handler_in_python_unchanged(engine: Engine) {
    echoes(&engine, "echo-python").await;
}

/// A host that takes compiled plugins from where other tests and runs have left them.
fn builder(home: &Home, engine: &Engine) -> Builder {
    let cache = target_dir().expect("a target directory").join("guests/compiled");
    home.builder(engine.base_url()).setting("cache-dir", &format!("{:?}", cache.display().to_string()))
}

/// So many tasks in turn of one instance of the guest.
const TASKS: u64 = 3;

/// Has a guest pass a value of every type on, and compares what the engine then has under both names; also when its
/// instance has done so before.
async fn echoes(engine: &Engine, guest: &str) {
    engine.deploy_topic(guest).await;
    let home = Home::new();
    home.drop_plugin(guest, guest, &format!("reuse = {TASKS}\n"));
    let host = builder(&home, engine).setting("log.level", "\"debug\"").start().expect("the host starts");
    for number in 1..=TASKS {
        let instance = engine.start_instance(guest, None, &samples::variables()).await.expect("started");
        engine.await_completed(&instance, COMPILED).await.expect("completed");
        let variables = engine.historic_variables(&instance).await.expect("variables");
        for Sample { name, .. } in samples::samples() {
            let (kept, back) = (&variables[name], variables.get(&format!("echo_{name}")));
            assert_eq!(back, Some(kept), "{name} in task {number}");
        }
        // Of contents a list shows nothing.
        let contents = engine.historic_contents(&instance).await.expect("contents");
        for Sample { name, variable, .. } in samples::samples() {
            if let Some("Bytes" | "File") = variable["type"].as_str()
                && let Some(content) = variable["value"].as_str()
            {
                let back = contents.get(&format!("echo_{name}")).map(base64);
                assert_eq!(back.as_deref(), Some(content), "{name} in task {number}");
            }
        }
        host.await_log(|line| line["message"] == "handler returned" && line["task_of_instance"] == number, SOON)
            .await
            .expect("it was that task of its instance");
    }
}

/// What one example is given, and what it makes of it.
struct Order {
    topic: &'static str,
    variables: Value,
    /// A variable that is there at the end, and its value.
    made: (&'static str, Value),
}

async fn the_examples_of_all_languages_work_side_by_side(engine: Engine) {
    let home = Home::new();
    let service = tax_service();
    // As a user would who has a service of his own: its address granted, and told to the handler.
    let at_home = |manifest: &str| manifest.replace("https://tax.example.com", &format!("http://{service}"));
    home.drop_examples(&guests_dir().expect("guests").join("examples"), at_home);
    let grants = format!(
        "[grants.price-order]\nhttp = [\"GET http://{service}\"]\nsecrets.tax-service-key = {{ env = \"TAX_KEY\" }}\n"
    );
    let host = builder(&home, &engine).env("TAX_KEY", KEY).toml(&grants).start().expect("the host starts");
    for Order { topic, variables, made: (name, value) } in orders() {
        engine.deploy_topic(topic).await;
        let instance = engine.start_instance(topic, None, &variables).await.expect("started");
        engine.await_history_state(&instance, &HistoryState::Completed, COMPILED).await.expect(topic);
        let found = engine.historic_variables(&instance).await.expect("variables");
        let found = found.get(name).unwrap_or_else(|| panic!("{topic}: no {name} in {found:#?}"));
        assert_eq!(found["value"], value, "{topic}: {name}");
    }
    assert!(!host.logs().contains(KEY), "a secret is in the log");
}

/// A task for each example.
fn orders() -> [Order; 5] {
    let json = |value: &str| json!({"type": "Json", "value": value});
    let invoice = r#"<invoice number="R-17" currency="EUR"><lines>
        <line article="cup" quantity="3" price="2" tax-rate="19"/></lines></invoice>"#;
    let invoice = json!({"type": "File", "value": base64(invoice), "valueInfo": {"filename": "r17.xml"}});
    [
        Order {
            topic: "check-payment",
            variables: json!({"amount": {"type": "Double", "value": 30.0}, "card": text("4111 1111 1111 1111")}),
            made: ("charged", json!(30.0)),
        },
        Order {
            topic: "check-iban",
            variables: json!({"account": json(r#"{"iban":"DE88 3704 0044 0532 0130 00"}"#)}),
            made: ("ibanProblem", json!("the check digits 88 do not fit the rest of the IBAN")),
        },
        Order {
            topic: "price-order",
            variables: json!({
                "order": json(r#"{"country":"DE","items":[{"sku":"tea","quantity":3,"price":4.1},{"sku":"cup","quantity":1,"price":9.99}]}"#),
            }),
            made: ("total", json!(26.53)),
        },
        Order {
            topic: "mask-data",
            variables: json!({"data": json(r#"{"customer":{"name":"Ada Lovelace","email":"ada@example.com"}}"#)}),
            made: ("maskedCount", json!(2)),
        },
        Order {
            topic: "convert-invoice",
            variables: json!({"invoice": invoice}),
            made: ("invoiceNumber", json!("R-17")),
        },
    ]
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What the service knows its customer by.
const KEY: &str = "the-key-of-this-shop";

/// A service on this machine that tells the rate of tax of Germany to who shows [`KEY`]. It ends with this process.
fn tax_service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let lines = BufReader::new(&connection).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let asked = head.first().is_some_and(|line| line.starts_with("GET /rates/DE "));
            let known = head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {KEY}")));
            let (status, body) = if asked && known { ("200 OK", r#"{"rate":0.19}"#) } else { ("404 Not Found", "") };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            connection.write_all(answer.as_bytes()).expect("answered");
        }
    });
    address
}
