//! What a handler asks of the world while it runs, and what it is answered: one list for all kinds of calls, so that
//! they can be put in order, told and recorded alike.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    sandbox::{CorrelateError, Fault, HttpError, LoadError, LockError, SetError, StartError},
    value::{Scope, Variables},
    work::{Message, ProcessStart, Receiver, StartCondition, Started},
};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Asked {
    /// An HTTP request, with its whole body.
    Http(http::Request<Bytes>),
    /// A process to start.
    StartProcess(ProcessStart, StartCondition),
    /// A message to send. In a box, for its criteria are many.
    CorrelateMessage(Box<Message>),
    /// A longer lock.
    ExtendLock(Duration),
    /// Variables to set at once.
    SetProgress(Scope, Variables),
    /// The content of the file in this variable.
    Load(String),
}

/// What is answered; to each kind of question belongs one kind of answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To a request.
    Http(Result<http::Response<Bytes>, HttpError>),
    /// To the start of a process.
    Started(Result<Started, StartError>),
    /// To a message.
    Received(Result<Vec<Receiver>, CorrelateError>),
    /// To a longer lock.
    Extended(Result<(), LockError>),
    /// To variables.
    Set(Result<(), SetError>),
    /// To a file.
    Loaded(Result<Bytes, LoadError>),
}

/// A call that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub answer: Answer,
    /// How long that took.
    pub took: Duration,
}

impl Asked {
    /// All variables that are given with it, set by set.
    pub fn variables_mut(&mut self) -> Vec<&mut Variables> {
        match self {
            Self::StartProcess(start, _) => vec![&mut start.variables],
            Self::CorrelateMessage(message) => vec![
                &mut message.variables,
                &mut message.local_variables,
                &mut message.correlation_keys,
                &mut message.local_correlation_keys,
            ],
            Self::SetProgress(_, set) => vec![set],
            Self::Http(_) | Self::ExtendLock(_) | Self::Load(_) => Vec::new(),
        }
    }

    /// The key by which a case file names this kind of call.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::StartProcess(..) => "start-process",
            Self::CorrelateMessage(_) => "correlate-message",
            Self::ExtendLock(_) => "extend-lock",
            Self::SetProgress(..) => "set-progress",
            Self::Load(_) => "load",
        }
    }
}

impl Answer {
    /// The answer to something that nobody foresaw, in the words of its kind.
    pub fn unforeseen(asked: &Asked, why: &str) -> Self {
        let why = why.to_owned();
        match asked {
            Asked::Http(_) => Self::Http(Err(HttpError::Refused(why))),
            Asked::StartProcess(..) => Self::Started(Err(StartError::Fault(Fault::Unavailable(why)))),
            Asked::CorrelateMessage(_) => Self::Received(Err(CorrelateError::Fault(Fault::Unavailable(why)))),
            Asked::ExtendLock(_) => Self::Extended(Err(LockError::Unavailable(why))),
            Asked::SetProgress(..) => Self::Set(Err(SetError::Unavailable(why))),
            Asked::Load(_) => Self::Loaded(Err(LoadError::Unavailable(why))),
        }
    }
}
