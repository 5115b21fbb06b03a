//! BPMN errors: the codes with which a plugin may end its tasks, and a word about those that nobody has listed. The
//! engine says nothing about a code that the model does not catch: it ends the execution as if all were well, and its
//! answer to us is the same.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    foreign::{escape, escape_lines},
    outcome::{MAX_BPMN_MESSAGE, cut},
    task::{Task, Topic},
};

/// How many codes are told of. More are no codes of a model, but made anew for each task.
const MAX_TOLD: usize = 1_000;

/// The message of a BPMN error as the engine keeps it.
pub(super) fn message(task: &Task, message: &str) -> String {
    let (kept, is_cut) = cut(&escape_lines(message), MAX_BPMN_MESSAGE);
    if is_cut {
        tracing::warn!(topic = %task.topic, task = %task.id, "the message of a BPMN error is cut: the engine keeps {MAX_BPMN_MESSAGE} characters");
    }
    kept
}

/// The codes that were told of because no list allows them.
#[derive(Default)]
pub(super) struct Unlisted(Mutex<HashSet<(Topic, String)>>);

impl Unlisted {
    /// Says once for each topic and code what may have become of the execution.
    pub(super) fn tell(&self, task: &Task, code: &str) {
        if self.is_new(&task.topic, code) {
            let code = escape(code);
            tracing::warn!(topic = %task.topic, task = %task.id, code, "a task ends with a BPMN error that no list allows: if the model does not catch this code, the engine ends the execution without a word; list the codes that it catches as `bpmn-errors` in the manifest");
        }
    }

    fn is_new(&self, topic: &Topic, code: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MAX_TOLD && told.insert((topic.clone(), code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_a_topic_is_told_of_once_and_not_without_end() {
        let (unlisted, topic) = (Unlisted::default(), Topic::new("t"));
        assert!(unlisted.is_new(&topic, "E1"));
        assert!(!unlisted.is_new(&topic, "E1"));
        assert!(unlisted.is_new(&Topic::new("u"), "E1"));
        let told = (0..2 * MAX_TOLD).filter(|n| unlisted.is_new(&topic, &n.to_string())).count();
        assert_eq!(told, MAX_TOLD - 2);
    }
}
