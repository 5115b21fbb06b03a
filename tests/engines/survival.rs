//! A killed host loses nothing, and a stopped one leaves nothing behind.

use serde_json::json;

use crate::{
    engine::{Engine, Home, SOON, long, on_both_engines, text},
    gate::Gate,
};

on_both_engines!(
    a_host_killed_after_a_decision_delivers_it_at_the_next_start_without_running_the_handler_again,
    sigterm_under_load_leaves_every_fetched_task_completed_or_released,
);

async fn a_host_killed_after_a_decision_delivers_it_at_the_next_start_without_running_the_handler_again(
    engine: Engine,
) {
    let gate = Gate::before(engine.base_url()).await;
    gate.close_to_completions(true);
    engine.deploy_topic("kill").await;
    let home = Home::new();
    home.drop_plugin("probe", "kill", "");
    let mut host = home.start(&gate.url());
    let variables = json!({"behaviour": text("progress")});
    let instance = engine.start_instance("kill", None, &variables).await.expect("started");
    host.await_text("not delivered yet", SOON).await.expect("decided");
    host.kill9().await.expect("killed");
    assert!(!engine.instance_ended(&instance).await.expect("known"));
    assert_eq!(gate.progress_updates(), 1);

    gate.close_to_completions(false);
    let _host = home.start(&gate.url());
    engine.await_completed(&instance, SOON).await.expect("delivered");
    assert_eq!(gate.progress_updates(), 1, "the handler did not run again");
}

async fn sigterm_under_load_leaves_every_fetched_task_completed_or_released(engine: Engine) {
    // Several times what the host works on at once.
    const STARTED: usize = 240;
    engine.deploy_topic("stop").await;
    let home = Home::new();
    home.drop_plugin("probe", "stop", "");
    let mut host = home.start(engine.base_url());
    let variables = || json!({"behaviour": text("complete-slowly"), "n": long(2_000)});
    let under_load = engine.await_finished_count("stop", 20, SOON);
    let (started, under_load) = tokio::join!(engine.start_instances("stop", STARTED, |_| variables()), under_load);
    started.expect("started");
    under_load.expect("under load");
    let left = engine.external_task_count(&json!({"topicName": "stop"})).await.expect("counted");
    assert!(left > 0, "all was done before the signal");
    host.sigterm().expect("sent");
    let status = host.wait_exit(SOON).await.expect("exited");
    assert!(status.success(), "{status}\n{}", host.logs());
    let locked = engine.external_tasks(&json!({"topicName": "stop", "locked": true})).await.expect("listed");
    assert!(locked.is_empty(), "left locked: {locked:#?}\n{}", host.logs());
    let failed = engine.external_task_count(&json!({"topicName": "stop", "noRetriesLeft": true})).await;
    assert_eq!(failed.expect("counted"), 0);
    // What was released is there for the next host, at once.
    let _host = home.start(engine.base_url());
    engine.await_finished_count("stop", STARTED as u64, SOON).await.expect("the next host does the rest");
}
