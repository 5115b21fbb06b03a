//! The world as a handler finds it here: whatever it asks goes to one place, in order, and is noted with the answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::asked::{Answer, Asked, Made};
use crate::{
    plugins::PluginSettings,
    sandbox::{
        CorrelateError, Decision, DecisionError, EnginePort, HttpError, HttpPort, LoadError, LockError, SetError,
        StartError, TaskPort,
    },
    value::{Scope, Variables},
    work::{Message, ProcessStart, Receiver, StartCondition, Started},
};

/// Calls beyond so many are answered and counted, but not kept.
const MAX_KEPT: usize = 1_000;

/// Whoever answers what a handler asks.
#[async_trait]
pub(super) trait World: Send + Sync + 'static {
    /// The answer, which is of the question's kind. For a file also how many bytes of it are wanted at most.
    async fn answer(&self, asked: &Asked, limit: usize) -> Answer;
}

/// The ports of one invocation, which ask a world and note what was said, and take one decision.
pub(super) struct Ports {
    world: Arc<dyn World>,
    settings: PluginSettings,
    notes: Mutex<Notes>,
}

/// What was noted.
#[derive(Default)]
pub(super) struct Notes {
    /// What was called, in the order in which it was asked.
    pub(super) calls: Vec<Made>,
    /// How many calls were not kept.
    pub(super) more_calls: usize,
    /// The decision.
    pub(super) decision: Option<Decision>,
    /// Decisions that were refused, because there was one.
    pub(super) refused: Vec<Decision>,
}

impl Ports {
    pub(super) fn new(world: Arc<dyn World>, settings: PluginSettings) -> Arc<Self> {
        Arc::new(Self { world, settings, notes: Mutex::default() })
    }

    /// Takes what was noted.
    pub(super) fn take(&self) -> Notes {
        std::mem::take(&mut *self.notes())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, asked: Asked, limit: usize) -> Answer {
        let began = Instant::now();
        let answer = self.world.answer(&asked, limit).await;
        let mut notes = self.notes();
        if notes.calls.len() < MAX_KEPT {
            notes.calls.push(Made { asked, answer: answer.clone(), took: began.elapsed() });
        } else {
            notes.more_calls += 1;
        }
        answer
    }
}

/// What a port says to an answer of another kind than the question; a mistake of ours.
const OTHER_KIND: &str = "the answer is of another kind than the question";

#[async_trait]
impl TaskPort for Ports {
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError> {
        let mut notes = self.notes();
        if notes.decision.is_some() {
            if notes.refused.len() < MAX_KEPT {
                notes.refused.push(decision);
            }
            return Err(DecisionError::AlreadyDecided);
        }
        if let Decision::BpmnError { code, .. } = &decision
            && let Some(why) = self.settings.refusal_of(code)
        {
            return Err(DecisionError::Invalid(why));
        }
        notes.decision = Some(decision);
        Ok(())
    }

    async fn extend_lock(&self, duration: Duration) -> Result<(), LockError> {
        match self.ask(Asked::ExtendLock(duration), 0).await {
            Answer::Extended(answer) => answer,
            _ => Err(LockError::Unavailable(OTHER_KIND.into())),
        }
    }

    async fn set_progress(&self, scope: Scope, variables: Variables) -> Result<(), SetError> {
        match self.ask(Asked::SetProgress(scope, variables), 0).await {
            Answer::Set(answer) => answer,
            _ => Err(SetError::Unavailable(OTHER_KIND.into())),
        }
    }

    async fn load(&self, variable: &str, limit: usize) -> Result<Bytes, LoadError> {
        match self.ask(Asked::Load(variable.to_owned()), limit).await {
            Answer::Loaded(Ok(bytes)) if bytes.len() > limit => Err(LoadError::TooLarge(limit)),
            Answer::Loaded(answer) => answer,
            _ => Err(LoadError::Unavailable(OTHER_KIND.into())),
        }
    }
}

#[async_trait]
impl EnginePort for Ports {
    async fn start_process(&self, start: ProcessStart, condition: StartCondition) -> Result<Started, StartError> {
        match self.ask(Asked::StartProcess(start, condition), 0).await {
            Answer::Started(answer) => answer,
            _ => Err(StartError::Invalid(OTHER_KIND.into())),
        }
    }

    async fn correlate(&self, message: Message) -> Result<Vec<Receiver>, CorrelateError> {
        match self.ask(Asked::CorrelateMessage(Box::new(message)), 0).await {
            Answer::Received(answer) => answer,
            _ => Err(CorrelateError::Invalid(OTHER_KIND.into())),
        }
    }
}

#[async_trait]
impl HttpPort for Ports {
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        match self.ask(Asked::Http(request), 0).await {
            Answer::Http(answer) => answer,
            _ => Err(HttpError::Protocol(OTHER_KIND.into())),
        }
    }
}
