//! Deploying processes over REST, so that each test has a topic of its own.

use anyhow::Result;

use super::Operaton;

/// A process of one external task, as the embedded engine has it under every key. `TOPIC` is replaced.
const ONE_TASK: &str = include_str!("one_task.bpmn");

/// What is between the parts of a form; no process contains it.
const BOUNDARY: &str = "part-of-a-deployment";

impl Operaton {
    /// Deploys a process whose key and topic are `topic`, so that instances of it can be started as on the embedded
    /// engine, where this is not necessary; for one tenant, or for no tenant.
    ///
    /// # Errors
    /// A topic that is no XML name, or no answer.
    pub async fn deploy_topic(&self, topic: &str, tenant: Option<&str>) -> Result<()> {
        self.deploy(topic, &ONE_TASK.replace("TOPIC", topic), tenant).await
    }

    /// The same with extension properties of the task, by name. Neither name nor value is escaped.
    ///
    /// # Errors
    /// A topic that is no XML name, or no answer.
    pub async fn deploy_topic_with_properties(&self, topic: &str, properties: &[(&str, &str)]) -> Result<()> {
        let property = |(name, value): &(&str, &str)| format!(r#"<camunda:property name="{name}" value="{value}" />"#);
        let properties: String = properties.iter().map(property).collect();
        let elements = format!(
            "><bpmn:extensionElements><camunda:properties>{properties}</camunda:properties></bpmn:extensionElements>\
             </bpmn:serviceTask>"
        );
        let task = r#"camunda:topic="TOPIC" />"#;
        let with = ONE_TASK.replace(task, &format!(r#"camunda:topic="TOPIC" {elements}"#));
        anyhow::ensure!(with != ONE_TASK, "the process has no `{task}` to put properties into");
        self.deploy(topic, &with.replace("TOPIC", topic), None).await
    }

    /// Deploys a model under a name, for one tenant or for no tenant.
    ///
    /// # Errors
    /// A model that the engine refuses, or no answer.
    pub async fn deploy(&self, name: &str, model: &str, tenant: Option<&str>) -> Result<()> {
        let mut parts = vec![
            ("name=\"deployment-name\"".to_owned(), name.to_owned()),
            (format!("name=\"process\"; filename=\"{name}.bpmn\""), model.to_owned()),
        ];
        parts.extend(tenant.map(|tenant| ("name=\"tenant-id\"".to_owned(), tenant.to_owned())));
        let parts = parts.iter().map(|(what, content)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {what}\r\n\r\n{content}\r\n")
        });
        let form = format!("{}--{BOUNDARY}--\r\n", parts.collect::<String>());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let answer = self.send("POST", "/deployment/create", &[("content-type", &kind)], form).await?;
        anyhow::ensure!(answer.status == 200, "deploying {name} was answered {}: {}", answer.status, answer.text());
        Ok(())
    }
}
