//! Handlers that start processes and send messages: what is granted, and what an engine out of order means to them.

use fetchlock_harness::{engine_client::EngineClient, fetchlock::Fetchlock};
use fetchlock_scripted_engine::{Fault, Mode, TaskState};
use serde_json::{Value, json};

use crate::scene::{SOON, Scene, long, text};

/// Both halves of a grant for everything.
const ANY: &str = "start-process = [\"*\"]\ncorrelate-message = [\"*\"]\n";

async fn scene(requested: &str) -> Scene {
    Scene::with_probe(&format!("retry = \"R0/PT0S\"\n[grants]\n{requested}")).await
}

fn host(scene: &Scene, allowed: &str) -> Fetchlock {
    scene.builder().toml(&format!("[grants.probe]\n{allowed}")).start().expect("the host starts")
}

async fn verdict(scene: &Scene, task: &str) -> String {
    let variables = scene.engine.await_completed(task, SOON).await.expect("completed");
    variables["verdict"]["value"].as_str().expect("a verdict").to_owned()
}

/// A start of the process `invoice` under the business key `b-1`.
fn start() -> Value {
    json!({"key": text("invoice"), "businessKey": text("b-1")})
}

fn unless_running() -> Value {
    let mut start = start();
    start["unlessRunning"] = json!({"type": "Boolean", "value": true});
    start
}

fn starts(scene: &Scene) -> usize {
    scene.engine.requests_to("/start").len()
}

#[tokio::test]
async fn a_granted_start_makes_an_instance_with_its_variables_and_business_key() {
    let scene = scene("start-process = [\"invoice\"]").await;
    let mut variables = start();
    variables["pass-amount"] = long(12);
    let task = scene.probe_with("start-process", variables);
    let host = host(&scene, "start-process = [\"invoice\"]");
    let told = verdict(&scene, &task).await;
    let new = told.strip_prefix("new: ").expect("a new instance");
    let requests = scene.engine.requests_to("/start");
    assert_eq!(requests[0].path, "/engine-rest/process-definition/key/invoice/start");
    let expected = json!({"businessKey": "b-1", "variables": {"amount": {"type": "Long", "value": 12}}});
    assert_eq!((requests.len(), &requests[0].body), (1, &expected));
    let engine = EngineClient::new(scene.engine.url(), None).expect("a client");
    let instance = engine.get(&format!("/process-instance/{new}")).await.expect("it runs");
    assert_eq!((&instance["businessKey"], &instance["definitionKey"]), (&json!("b-1"), &json!("invoice")));
    assert_eq!(engine.historic_variables(new).await.expect("variables")["amount"]["value"], 12);
    host.await_text("process started", SOON).await.expect("a line about it");
}

#[tokio::test]
async fn without_the_manifests_request_a_start_is_denied_whatever_is_allowed() {
    let scene = scene("start-process = [\"order\"]").await;
    let task = scene.probe_with("start-process", start());
    let host = host(&scene, ANY);
    insta::assert_snapshot!(verdict(&scene, &task).await, @r#"denied: start-process of "invoice" is not granted: the plugin's manifest does not request it; add `start-process = ["invoice"]` to [grants] of probe.toml"#);
    assert_eq!(starts(&scene), 0);
    host.await_text("is not granted", SOON).await.expect("a line about it");
}

#[tokio::test]
async fn without_the_operators_leave_a_start_is_denied_and_the_plugin_serves_with_a_warning() {
    let scene = scene(ANY).await;
    let task = scene.probe_with("start-process", start());
    let host = host(&scene, "start-process = [\"order\"]");
    insta::assert_snapshot!(verdict(&scene, &task).await, @r#"denied: start-process of "invoice" is not granted: the operator does not allow it; add `start-process = ["invoice"]` to [grants.probe] of fetchlock.toml"#);
    assert_eq!(starts(&scene), 0);
    let warning = async |grant: &str| {
        let line = host.await_log(|line| line["grant"] == grant && line["level"] == "WARN", SOON).await;
        line.expect("a warning")["message"].as_str().expect("a message").to_owned()
    };
    insta::assert_snapshot!(warning("start-process").await, @r#"the plugin requests start-process of ["*"], which the settings do not allow, so each such call is refused: to allow it, add `start-process = ["*"]` to [grants.probe] of fetchlock.toml"#);
    insta::assert_snapshot!(warning("correlate-message").await, @r#"the plugin requests correlate-message of ["*"], which the settings do not allow, so each such call is refused: to allow it, add `correlate-message = ["*"]` to [grants.probe] of fetchlock.toml"#);
}

#[tokio::test]
async fn a_component_that_requests_nothing_serves_without_a_word_and_each_call_is_denied() {
    let scene = Scene::with_probe("").await;
    let (start, message) = (
        scene.probe_with("start-process", start()),
        scene.probe_with("correlate-message", json!({"message": text("m")})),
    );
    let host = scene.start();
    for task in [&start, &message] {
        let denied = verdict(&scene, task).await;
        assert!(
            denied.starts_with("denied: ") && denied.contains("and to [grants.probe] of fetchlock.toml"),
            "{denied}"
        );
    }
    assert!(scene.engine.requests_to("/message").is_empty() && starts(&scene) == 0);
    assert!(!host.logs().contains("the plugin requests"));
}

#[tokio::test]
async fn grants_are_judged_anew_when_the_manifest_changes() {
    let scene = scene("").await;
    let before = scene.probe_with("start-process", start());
    let host = host(&scene, ANY);
    assert!(verdict(&scene, &before).await.starts_with("denied: "));
    scene.drop_file("probe.toml", b"[grants]\nstart-process = [\"invoice\"]\n");
    host.await_text("\"replaces\"", SOON).await.expect("the new version serves");
    let after = scene.probe_with("start-process", start());
    assert!(verdict(&scene, &after).await.starts_with("new: "));
}

#[tokio::test]
async fn a_process_that_runs_under_the_business_key_is_not_started_again() {
    let scene = scene(ANY).await;
    let first = scene.probe_with("start-process", unless_running());
    let _host = host(&scene, ANY);
    let first = verdict(&scene, &first).await;
    let second = scene.probe_with("start-process", unless_running());
    assert_eq!(verdict(&scene, &second).await, first.replace("new: ", "running: "));
    assert_eq!(starts(&scene), 1);
    let look = json!({"businessKey": "b-1", "processDefinitionKey": "invoice", "withoutTenantId": true});
    let looks = scene.engine.requests_to("/process-instance?");
    assert!(looks.len() == 2 && looks.iter().all(|it| it.body == look), "{looks:#?}");
    let mut nameless = unless_running();
    nameless.as_object_mut().expect("an object").remove("businessKey");
    let nameless = scene.probe_with("start-process", nameless);
    assert!(verdict(&scene, &nameless).await.starts_with("invalid: `unless-running` looks for"));
}

#[tokio::test]
async fn a_start_holds_whatever_becomes_of_its_handler() {
    let scene = scene(ANY).await;
    let task = scene.probe_with("start-then-trap", start());
    let _host = host(&scene, ANY);
    scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    assert_eq!(starts(&scene), 1);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_not_sent_again_and_the_handler_is_told_that_nobody_knows() {
    let scene = scene(ANY).await;
    scene.engine.fault("/start", 1, Fault::CutAfterApplying);
    let task = scene.probe_with("start-process", start());
    let host = host(&scene, ANY);
    let told = verdict(&scene, &task).await;
    assert!(told.starts_with("unanswered: "), "{told}");
    assert_eq!(starts(&scene), 1);
    host.await_text("a process may have been started", SOON).await.expect("a line about it");

    scene.engine.fault("/start", 1, Fault::error(503, "", "", None));
    let task = scene.probe_with("start-process", start());
    let told = verdict(&scene, &task).await;
    assert!(told.starts_with("unanswered: "), "a proxy says so too when it lost the answer: {told}");
    assert_eq!(starts(&scene), 2);
}

#[tokio::test]
async fn a_start_that_the_engine_rolled_back_is_sent_again_a_few_times() {
    let scene = scene(ANY).await;
    let conflict = || Fault::error(500, "OptimisticLockingException", "updated by another transaction", Some(1));
    scene.engine.fault("/start", 2, conflict());
    let task = scene.probe_with("start-process", start());
    let _host = host(&scene, ANY);
    assert!(verdict(&scene, &task).await.starts_with("new: "));
    assert_eq!(starts(&scene), 3);

    scene.engine.fault("/start", 100, conflict());
    let task = scene.probe_with("start-process", start());
    let told = verdict(&scene, &task).await;
    assert!(told.starts_with("unavailable: the engine's transaction met another"), "{told}");
    assert_eq!(starts(&scene), 3 + 4, "one try, and three again");
}

#[tokio::test]
async fn a_look_that_fails_starts_nothing_and_says_so() {
    let scene = scene(ANY).await;
    scene.engine.fault("/process-instance?", 1, Fault::CutAfterApplying);
    let task = scene.probe_with("start-process", unless_running());
    let _host = host(&scene, ANY);
    let told = verdict(&scene, &task).await;
    assert!(told.starts_with("unavailable: "), "{told}");
    assert_eq!(starts(&scene), 0);
}

#[tokio::test]
async fn the_engines_refusals_are_told_apart() {
    let scene = scene(ANY).await;
    let _host = host(&scene, ANY);
    let no_process = "No matching process definition with key: invoice and no tenant-id";
    for (fault, expected) in [
        (Fault::error(404, "RestException", no_process, None), "no-such-process: No matching process definition"),
        (Fault::error(500, "RestException", "Cannot instantiate", Some(0)), "rejected: the engine rejects it (500"),
        (Fault::error(403, "AuthorizationException", "no CREATE", Some(0)), "rejected: the engine's user may not"),
        (Fault::error(401, "", "", None), "unavailable: the engine does not accept the credentials"),
    ] {
        scene.engine.fault("/start", 1, fault);
        let task = scene.probe_with("start-process", start());
        let told = verdict(&scene, &task).await;
        assert!(told.starts_with(expected), "{told}");
    }
    let to_one = "org.operaton.bpm.engine.MismatchingMessageCorrelationException: ENGINE-13031 Cannot correlate a \
                  message with name 'm' to a single execution. 2 executions match the correlation keys";
    for (fault, expected) in [
        (None, "no-match: Cannot correlate message 'm': No process definition"),
        (
            Some(Fault::error(400, "RestException", to_one, Some(0))),
            "ambiguous: ENGINE-13031 Cannot correlate a message",
        ),
        (Some(Fault::error(500, "RestException", "a listener", Some(0))), "rejected: the engine rejects it"),
        (Some(Fault::CutAfterApplying), "unanswered: "),
    ] {
        if let Some(fault) = fault {
            scene.engine.fault("/message", 1, fault);
        }
        let task = scene.probe_with("correlate-message", json!({"message": text("m")}));
        let told = verdict(&scene, &task).await;
        assert!(told.starts_with(expected), "{told}");
    }
}

#[tokio::test]
async fn a_message_goes_out_as_the_handler_gave_it() {
    let scene = scene(ANY).await;
    let task = scene.probe_with(
        "correlate-message",
        json!({"message": text("m"), "businessKey": text("b"), "tenant": text("t"), "key-k": long(1),
            "localKey-l": text("x"), "pass-v": long(2), "passLocal-w": long(3),
            "all": {"type": "Boolean", "value": true}}),
    );
    let _host = host(&scene, ANY);
    assert_eq!(verdict(&scene, &task).await, "", "nobody receives it");
    let sent = scene.engine.requests_to("/message")[0].body.to_string();
    insta::assert_snapshot!(sent, @r#"{"messageName":"m","businessKey":"b","correlationKeys":{"k":{"type":"Long","value":1}},"localCorrelationKeys":{"l":{"type":"String","value":"x"}},"tenantId":"t","processVariables":{"v":{"type":"Long","value":2}},"processVariablesLocal":{"w":{"type":"Long","value":3}},"all":true,"resultEnabled":true}"#);
}

#[tokio::test]
async fn the_calls_carry_the_hosts_credentials() {
    let scene = scene(ANY).await;
    scene.engine.set_mode(Mode::BasicAuth { user: "demo".into(), password: "hush".into() });
    let task = scene.probe_with("start-process", start());
    let builder = scene.builder().setting("engine.username", "\"demo\"").setting("engine.password", "\"hush\"");
    let _host = builder.toml(&format!("[grants.probe]\n{ANY}")).start().expect("the host starts");
    assert!(verdict(&scene, &task).await.starts_with("new: "));
    assert!(scene.engine.requests_to("/start")[0].authorization.is_some());
}

#[tokio::test]
async fn calls_count_as_host_calls() {
    let scene = scene(&format!("{ANY}[limits]\nhost-calls = 50")).await;
    let task = scene.probe_with("start-flood", start());
    let _host = host(&scene, "");
    let state = scene.engine.await_state(&task, SOON, TaskState::is_incident).await.expect("an incident");
    let TaskState::Failed { message, .. } = state else { panic!("{state:?}") };
    assert!(message.expect("a message").contains("limits.host-calls"), "the limit is named");
}
