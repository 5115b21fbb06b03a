//! Deploying processes over REST, so that each test has topics of its own.

use anyhow::Result;

use super::RealEngine;

/// A process of one external task, as the embedded engine has it under every key. `TOPIC` is replaced.
const ONE_TASK: &str = include_str!("one_task.bpmn");

/// What is between the parts of a form; no process contains it.
const BOUNDARY: &str = "part-of-a-deployment";

impl RealEngine {
    /// Deploys a process whose key and topic are `topic`, so that instances of it can be started as on the embedded
    /// engine, where this is not necessary; for one tenant, or for no tenant.
    ///
    /// # Errors
    /// A topic that is no XML name, or no answer.
    pub async fn deploy_topic(&self, topic: &str, tenant: Option<&str>) -> Result<()> {
        self.deploy(topic, &ONE_TASK.replace("TOPIC", topic), tenant).await
    }

    /// Deploys a BPMN model (XML) under a name, for one tenant or for no tenant.
    ///
    /// # Errors
    /// A model that the engine refuses (told with its words), or no answer.
    pub async fn deploy(&self, name: &str, model: &str, tenant: Option<&str>) -> Result<()> {
        let mut parts = vec![
            ("name=\"deployment-name\"".to_owned(), name),
            (format!("name=\"process\"; filename=\"{name}.bpmn\""), model),
        ];
        parts.extend(tenant.map(|tenant| ("name=\"tenant-id\"".to_owned(), tenant)));
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
