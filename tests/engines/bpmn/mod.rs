//! What BPMN does with an external task, on a real engine: each scenario is a model of its own, with the probe guest as
//! its handler. The embedded engine has none of it.

mod cancellation;
mod elements;
mod error_definitions;
mod errors;
mod mappings;
mod multi_instance;
mod properties;

use fetchlock_harness::fetchlock::Fetchlock;
use serde_json::Value;

use crate::engine::{Engine, Home, SOON};

/// A deployed model, and the host that works on it.
struct Scene {
    engine: Engine,
    key: &'static str,
    host: Fetchlock,
    _home: Home,
}

impl Scene {
    /// Deploys a process `key` of these elements (see [`process`]), and starts a host whose probe serves the topic `key`.
    async fn set(engine: Engine, key: &'static str, elements: &str, manifest: &str) -> Self {
        engine.deploy(key, &process(key, elements)).await;
        let home = Home::new();
        home.drop_plugin("probe", key, manifest);
        let host = home.start(engine.base_url());
        Self { engine, key, host, _home: home }
    }

    async fn start(&self, variables: Value) -> String {
        self.engine.start_instance(self.key, None, &variables).await.expect("started")
    }

    /// Starts an instance and waits for its end; its id, and the activities that it passed.
    async fn run(&self, variables: Value) -> (String, Vec<String>) {
        let instance = self.start(variables).await;
        let passed = self.engine.await_completed(&instance, SOON).await.expect("completed");
        (instance, passed)
    }
}

/// A model of one process. In its elements `KEY` is its key; the errors `e1` and `e2` have the codes `E1` and `E2`.
fn process(key: &str, elements: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
             xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="fetchlock:tests">
  <error id="e1" errorCode="E1"/>
  <error id="e2" errorCode="E2"/>
  <process id="KEY" isExecutable="true" camunda:historyTimeToLive="1" camunda:versionTag="v7">
{elements}
  </process>
</definitions>"#
    )
    .replace("KEY", key)
}

/// A start, the work, and an end `done`. `work` is an element of that id, and may have company (boundary events).
fn from_start_to_done(work: &str) -> String {
    let (to, from) = (flow("start", "work"), flow("work", "done"));
    format!(r#"<startEvent id="start"/>{to}{work}{from}<endEvent id="done"/>"#)
}

/// An external task `work` with the topic `KEY`, and what is inside of it.
fn work(inside: &str) -> String {
    format!(r#"<serviceTask id="work" camunda:type="external" camunda:topic="KEY">{inside}</serviceTask>"#)
}

/// A boundary event `id` of the work, on what its definition says, and an end behind it.
fn boundary(id: &str, definition: &str, end: &str) -> String {
    let flow = flow(id, end);
    format!(r#"<boundaryEvent id="{id}" attachedToRef="work">{definition}</boundaryEvent>{flow}<endEvent id="{end}"/>"#)
}

fn flow(from: &str, to: &str) -> String {
    format!(r#"<sequenceFlow id="{from}-{to}" sourceRef="{from}" targetRef="{to}"/>"#)
}
