//! The world of a case: it answers what the case foresees, in its order, and notes what the case does not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    asked::{Answer, Asked},
    case::{Canned, Case},
    same::Contents,
    world::World,
    write,
};
use crate::sandbox::LoadError;

/// So many calls that the case does not foresee are told; more tell nothing new.
const MAX_TOLD: usize = 10;

/// What is wrong with the calls of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallProblem {
    /// A call for which the case has no answer: its lines as a case has them.
    NotCanned(Vec<String>),
    /// A call that is not quite the one that was foreseen.
    Differs {
        /// The line of the case file.
        line: usize,
        /// What was wanted.
        wanted: Vec<String>,
        /// What was asked.
        asked: Vec<String>,
    },
    /// A call that came before another one that should have come first.
    TooEarly {
        /// The line of the case file.
        line: usize,
        /// What was wanted.
        wanted: Vec<String>,
        /// The line of the one that should have come first.
        before: usize,
    },
    /// A call that was foreseen and never came.
    NotMade {
        /// The line of the case file.
        line: usize,
        /// What was wanted.
        wanted: Vec<String>,
    },
    /// The content of a file that the case does not give.
    NoContent(String),
}

/// The world of a case.
pub(super) struct Fake {
    calls: Vec<Canned>,
    contents: Contents,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Which of the calls have come.
    used: Vec<bool>,
    problems: Vec<CallProblem>,
}

/// What is found for a question.
enum Found {
    Answer(usize),
    Nothing,
}

impl Fake {
    pub(super) fn new(case: &Case) -> Self {
        let state = State { used: vec![false; case.calls.len()], problems: Vec::new() };
        Self { calls: case.calls.clone(), contents: case.contents.clone(), state: Mutex::new(state) }
    }

    /// What was wrong with the calls, when all have been made.
    pub(super) fn problems(&self) -> Vec<CallProblem> {
        let state = self.state();
        let mut problems = state.problems.clone();
        for (call, used) in self.calls.iter().zip(&state.used) {
            if !used {
                problems.push(CallProblem::NotMade { line: call.line, wanted: write::wanted(&call.wanted) });
            }
        }
        problems
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, asked: &Asked) -> Found {
        let mut state = self.state();
        let open = |state: &State| (0..self.calls.len()).filter(|at| !state.used[*at]).collect::<Vec<_>>();
        let open = open(&state);
        let fitting = open.iter().copied().find(|at| self.calls[*at].wanted.fits(asked, &self.contents));
        let first = open.first().copied();
        let (at, problem) = match (fitting, first) {
            (Some(at), Some(first)) if at == first => (at, None),
            (Some(at), Some(first)) => {
                let (line, wanted) = (self.calls[at].line, write::wanted(&self.calls[at].wanted));
                (at, Some(CallProblem::TooEarly { line, wanted, before: self.calls[first].line }))
            }
            (None, Some(first)) if self.calls[first].wanted.resembles(asked) => {
                let Canned { line, wanted, .. } = &self.calls[first];
                let (asked, wanted) = (write::asked_beside(asked, wanted), write::wanted(wanted));
                (first, Some(CallProblem::Differs { line: *line, wanted, asked }))
            }
            _ => return Found::Nothing,
        };
        state.used[at] = true;
        state.note(problem);
        Found::Answer(at)
    }
}

impl State {
    fn note(&mut self, problem: impl Into<Option<CallProblem>>) {
        if self.problems.len() < MAX_TOLD {
            self.problems.extend(problem.into());
        }
    }
}

/// What a handler is told to whose call the case has no answer.
const NOT_CANNED: &str = "the case has no answer to this call";

#[async_trait]
impl World for Fake {
    async fn answer(&self, asked: &Asked, _: usize) -> Answer {
        if let Found::Answer(at) = self.find(asked) {
            let Canned { answer, took, .. } = &self.calls[at];
            // By the clock of the case, which is there at once.
            tokio::time::sleep(*took).await;
            return answer.clone();
        }
        if let Asked::Load(name) = asked {
            if let Some(bytes) = self.contents.get(name) {
                return Answer::Loaded(Ok(bytes.clone()));
            }
            self.state().note(CallProblem::NoContent(name.clone()));
            return Answer::Loaded(Err(LoadError::Unavailable(
                "the case does not give the content of this file".into(),
            )));
        }
        self.state().note(CallProblem::NotCanned(write::asked(asked)));
        Answer::unforeseen(asked, NOT_CANNED)
    }
}
