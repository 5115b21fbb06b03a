//! What a model tells a handler and the host: extension properties. It needs BPMN, so a real engine.

use serde_json::json;

use crate::engine::{Engine, Home, SOON, on_operaton, text};

mod operaton {
    use super::*;

    #[test]
    fn extension_properties_reach_the_handler_and_set_the_retry_policy() {
        on_operaton(async |engine| {
            const TOPIC: &str = "model-properties";
            let Engine::Operaton(operaton) = &engine else { unreachable!("on Operaton") };
            let properties = [("region", "eu"), ("retry", "R0/PT0S")];
            operaton.deploy_topic_with_properties(TOPIC, &properties).await.expect("deployed");
            let home = Home::new();
            home.drop_plugin("probe", TOPIC, "retry = \"R5/PT1H\"\n");
            let _host = home.start(engine.base_url());
            let start = async |behaviour| {
                let variables = json!({"behaviour": text(behaviour)});
                engine.start_instance(TOPIC, None, &variables).await.expect("started")
            };
            let (looking, failing) = (start("context").await, start("err").await);
            engine.await_completed(&looking, SOON).await.expect("completed");
            let seen = engine.historic_variables(&looking).await.expect("variables");
            assert_eq!(seen["extension-properties"]["value"], "region=eu\nretry=R0/PT0S");
            engine.await_incident(&failing, SOON).await.expect("at once, by the model's policy");
        });
    }
}
