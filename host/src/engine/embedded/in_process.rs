//! What a program may do to an engine in its own process, beside the REST interface: what tests cannot wait for, or
//! what comes from a BPMN model on a real engine. Nothing here waits for the data directory.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::{EmbeddedEngine, NewInstance, parking::Message, variable};

impl NewInstance {
    /// An instance with a task of this topic, and nothing else.
    pub fn of_topic(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), ..Self::default() }
    }
}

impl EmbeddedEngine {
    /// Makes an instance with a task; the id of the task. The variables are as in the body of a start.
    ///
    /// # Errors
    /// A variable that an engine refuses; its message.
    pub fn add(&self, mut new: NewInstance, variables: Value) -> Result<String, String> {
        let given = serde_json::from_value(variables).map_err(|why| why.to_string())?;
        let (added, _) = self.apply(|state, now| {
            new.variables = variable::read(given)?.into_kept();
            Ok(state.add(new, now).task.id.clone())
        });
        added.map_err(|refusal| refusal.message)
    }

    /// Deletes the instance of a task; whether there was one.
    pub fn cancel(&self, task: &str) -> bool {
        let (deleted, _) = self.apply(|state, now| {
            let instance = state.of_task(task).map(|instance| instance.id.clone()).unwrap_or_default();
            state.delete_instance(&instance, true, now)
        });
        deleted.is_ok()
    }

    /// Locks a task, whoever holds it, for some time, even none: an expired lock. Whether there is such a task.
    pub fn force_lock(&self, task: &str, worker: &str, time: Duration) -> bool {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let (locked, _) = self
            .apply(|state, now| state.force_lock(task, worker, now.checked_add(time).unwrap_or(jiff::Timestamp::MAX)));
        locked.is_ok()
    }

    /// Sets the retries of a task; whether there is such a task.
    pub fn set_retries(&self, task: &str, retries: u32) -> bool {
        let retries = i32::try_from(retries).unwrap_or(i32::MAX);
        self.apply(|state, now| state.set_retries(task, retries, now)).0.is_ok()
    }

    /// Answers every parked fetch that the engine stops, as a real one does when it goes down.
    pub fn reject_parked(&self) {
        self.tell_parking(Message::RejectAll);
    }

    /// Looks at every parked fetch, as the tick does every 30 s.
    pub fn tick(&self) {
        self.tell_parking(Message::Tick);
    }

    fn tell_parking(&self, message: Message) {
        if self.0.parking.try_send(message).is_err() {
            tracing::warn!("the parked fetches were not told: their queue is full or closed");
        }
    }
}
