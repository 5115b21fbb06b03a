//! The ports of an invocation that is recorded: each does what the one within does, and notes it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Recorder, is_failure, text::Recorded};
use crate::{
    cases::{
        asked::{Answer, Asked, Made},
        run::observed,
        world::Notes,
    },
    plugins::{Plugin, manifest::RecordWish},
    sandbox::{
        Clock, CorrelateError, Decision, DecisionError, Ending, EnginePort, FirstReading, HttpError, HttpPort,
        LoadError, LockError, Random, Seed, SetError, StartError, Surroundings, TaskPort, Usage,
    },
    task::Task,
    value::{Scope, Variables},
    work::{Message, ProcessStart, Receiver, StartCondition, Started},
};

/// An invocation that is being recorded.
pub struct Recording {
    recorder: Arc<Recorder>,
    wish: RecordWish,
    plugin: Arc<Plugin>,
    task: Arc<Task>,
    variables: Arc<Variables>,
    began: SystemTime,
    seed: Seed,
    first_reading: FirstReading,
    notes: Mutex<Bounded>,
}

/// The ports of an invocation.
pub type Outside = (Arc<dyn TaskPort>, Arc<dyn EnginePort>, Arc<dyn HttpPort>);

/// What was noted, as long as it is not too much.
#[derive(Default)]
struct Bounded {
    notes: Notes,
    contents: BTreeMap<String, Bytes>,
    bytes: usize,
    /// How long the calls took that came before the handler first looked at the clock, as a case tells it.
    waited: Duration,
}

impl Recorder {
    /// Begins to record an invocation, if it may be one that is recorded.
    pub fn begin(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        task: &Arc<Task>,
        variables: &Arc<Variables>,
    ) -> Option<Arc<Recording>> {
        let wish = self.wish(plugin);
        (wish != RecordWish::Never).then(|| {
            // As much as a key of the generator has.
            let seed = Seed::new(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()));
            Arc::new(Recording {
                recorder: self.clone(),
                wish,
                plugin: plugin.clone(),
                task: task.clone(),
                variables: variables.clone(),
                began: SystemTime::now(),
                seed,
                first_reading: FirstReading::default(),
                notes: Mutex::default(),
            })
        })
    }
}

impl Recording {
    /// The surroundings of the invocation: its random numbers must be such that they can be had again.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings { clock: Clock::Noted(self.first_reading.clone()), random: Random::Seeded(self.seed.clone()) }
    }

    /// Ports that note what goes through these.
    pub fn around(self: &Arc<Self>, (task, engine, http): Outside) -> Outside {
        (
            Arc::new(Noted { recording: self.clone(), inner: task }),
            Arc::new(Noted { recording: self.clone(), inner: engine }),
            Arc::new(Noted { recording: self.clone(), inner: http }),
        )
    }

    /// Has the recording written, if the invocation ended in a way that is recorded.
    pub async fn end(&self, ending: &Ending, usage: Usage) {
        let Bounded { notes, contents, bytes, waited } = std::mem::take(&mut *self.notes());
        // Of an invocation that was cancelled, or that the host could not run, nothing can be learned.
        let Ok(observed) = observed(&self.plugin, &self.task, notes, ending.clone(), usage) else { return };
        if self.wish == RecordWish::Failures && !is_failure(observed.seen.outcome) {
            return;
        }
        if bytes > self.recorder.options.max_size {
            tracing::warn!(task = %self.task.id, "an invocation is not recorded: its calls alone are larger than record.max-size");
            return;
        }
        self.recorder.take(Box::new(Recorded {
            plugin: self.plugin.clone(),
            task: self.task.clone(),
            variables: self.variables.clone(),
            clock: self.clock(waited),
            seed: self.seed.clone(),
            contents,
            observed,
            revealed: self.plugin.settings.secrets.revealed().await,
        }));
    }

    /// Where the clock of a case has to begin for the handler to read first what it did.
    fn clock(&self, waited: Duration) -> Duration {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.first_reading.get().map_or(began, |read| read.saturating_sub(waited))
    }

    fn notes(&self) -> MutexGuard<'_, Bounded> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, asked: Asked, answer: Answer, began: Instant) {
        let mut noted = self.notes();
        noted.bytes = noted.bytes.saturating_add(size(&asked, &answer));
        if noted.bytes > self.recorder.options.max_size {
            noted.notes.calls.clear();
            noted.contents.clear();
            return;
        }
        if let (Asked::Load(name), Answer::Loaded(Ok(bytes))) = (&asked, &answer) {
            noted.contents.insert(name.clone(), bytes.clone());
            return;
        }
        // As precise as a case tells it.
        let took = Duration::from_millis(began.elapsed().as_millis() as u64);
        if self.first_reading.get().is_none() {
            noted.waited += took;
        }
        noted.notes.calls.push(Made { asked, answer, took });
    }
}

/// How many bytes of payload a call has.
fn size(asked: &Asked, answer: &Answer) -> usize {
    const LEAST: usize = 100;
    let variables = |set: &Variables| set.iter().map(|(name, it)| name.len() + it.value.payload_len()).sum::<usize>();
    let asked = match asked {
        Asked::Http(request) => request.body().len() + request.uri().to_string().len(),
        Asked::StartProcess(start, _) => variables(&start.variables),
        Asked::CorrelateMessage(message) => variables(&message.variables) + variables(&message.local_variables),
        Asked::SetProgress(_, set) => variables(set),
        Asked::ExtendLock(_) | Asked::Load(_) => 0,
    };
    let answer = match answer {
        Answer::Http(Ok(response)) => response.body().len(),
        Answer::Loaded(Ok(bytes)) => bytes.len(),
        _ => 0,
    };
    LEAST + asked + answer
}

/// A port with its notes.
struct Noted<P: ?Sized> {
    recording: Arc<Recording>,
    inner: Arc<P>,
}

#[async_trait]
impl TaskPort for Noted<dyn TaskPort> {
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError> {
        let answer = self.inner.decide(decision.clone()).await;
        let mut noted = self.recording.notes();
        match answer {
            Ok(()) => noted.notes.decision = Some(decision),
            Err(DecisionError::AlreadyDecided) => noted.notes.refused.push(decision),
            Err(_) => {}
        }
        answer
    }

    async fn extend_lock(&self, duration: Duration) -> Result<(), LockError> {
        let began = Instant::now();
        let answer = self.inner.extend_lock(duration).await;
        self.recording.note(Asked::ExtendLock(duration), Answer::Extended(answer.clone()), began);
        answer
    }

    async fn set_progress(&self, scope: Scope, variables: Variables) -> Result<(), SetError> {
        let began = Instant::now();
        let answer = self.inner.set_progress(scope, variables.clone()).await;
        self.recording.note(Asked::SetProgress(scope, variables), Answer::Set(answer.clone()), began);
        answer
    }

    async fn load(&self, variable: &str, limit: usize) -> Result<Bytes, LoadError> {
        let began = Instant::now();
        let answer = self.inner.load(variable, limit).await;
        self.recording.note(Asked::Load(variable.to_owned()), Answer::Loaded(answer.clone()), began);
        answer
    }
}

#[async_trait]
impl EnginePort for Noted<dyn EnginePort> {
    async fn start_process(&self, start: ProcessStart, condition: StartCondition) -> Result<Started, StartError> {
        let began = Instant::now();
        let answer = self.inner.start_process(start.clone(), condition).await;
        self.recording.note(Asked::StartProcess(start, condition), Answer::Started(answer.clone()), began);
        answer
    }

    async fn correlate(&self, message: Message) -> Result<Vec<Receiver>, CorrelateError> {
        let began = Instant::now();
        let answer = self.inner.correlate(message.clone()).await;
        self.recording.note(Asked::CorrelateMessage(Box::new(message)), Answer::Received(answer.clone()), began);
        answer
    }
}

#[async_trait]
impl HttpPort for Noted<dyn HttpPort> {
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let began = Instant::now();
        let answer = self.inner.exchange(request.clone()).await;
        self.recording.note(Asked::Http(request), Answer::Http(answer.clone()), began);
        answer
    }
}
