//! Calls to the engine beside the task: a handler starts processes and sends messages, each only where it is granted.
//! The sandbox checks grants and arguments; the engine is reached through a port that the worker supplies.

use std::sync::Arc;

use async_trait::async_trait;

use super::check::{self, Checker};
use crate::{
    grant::{Denied, Grant, Grants},
    work::{Message, MessageTenant, ProcessStart, Receiver, StartCondition, Started},
};

/// Why the engine did not do it, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It will not, in its own words.
    Rejected(String),
    /// It could not be asked; nothing was done.
    Unavailable(String),
    /// It was asked and did not answer; it may have been done.
    Unanswered(String),
}

/// Why no process was started, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// Not granted.
    Denied(String),
    /// An argument is not acceptable.
    Invalid(String),
    /// There is no process of this key.
    NoSuchProcess(String),
    /// The engine.
    Fault(Fault),
}

/// Why a message was not correlated, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorrelateError {
    /// Not granted.
    Denied(String),
    /// An argument is not acceptable.
    Invalid(String),
    /// Nobody waits for it.
    NoMatch(String),
    /// More than one could receive it.
    Ambiguous(String),
    /// The engine.
    Fault(Fault),
}

/// The way to the engine, with the host's credentials. What is asked has been granted and checked.
#[async_trait]
pub trait EnginePort: Send + Sync + 'static {
    /// Starts a process.
    async fn start_process(&self, start: ProcessStart, condition: StartCondition) -> Result<Started, StartError>;

    /// Sends a message.
    async fn correlate(&self, message: Message) -> Result<Vec<Receiver>, CorrelateError>;
}

/// What an invocation has of this: the grants of its plugin, and the port. Cheap to clone.
#[derive(Clone)]
pub struct EngineCalls(Option<Granted>);

#[derive(Clone)]
struct Granted {
    grants: Arc<Grants>,
    port: Arc<dyn EnginePort>,
}

/// Why an instance that has no task can call nothing.
const NO_TASK: &str = "there is no task before the handler is called";

impl EngineCalls {
    /// Calls within these grants, through this port.
    pub fn new(grants: Arc<Grants>, port: Arc<dyn EnginePort>) -> Self {
        Self(Some(Granted { grants, port }))
    }

    /// Calls of an instance that has no task: all are denied.
    pub fn none() -> Self {
        Self(None)
    }

    /// Starts a process, if that is granted and the arguments are acceptable.
    pub(super) async fn start_process(
        &self,
        checker: Checker<'_>,
        start: ProcessStart,
        condition: StartCondition,
    ) -> Result<Started, StartError> {
        let Self(Some(Granted { grants, port })) = self else { return Err(StartError::Denied(NO_TASK.into())) };
        check::name("process key", &start.key).map_err(StartError::Invalid)?;
        grants.check(Grant::StartProcess, &start.key)?;
        check_start(&checker, &start, condition).map_err(StartError::Invalid)?;
        port.start_process(start, condition).await
    }

    /// Sends a message, if that is granted and the arguments are acceptable.
    pub(super) async fn correlate(
        &self,
        checker: Checker<'_>,
        message: Message,
    ) -> Result<Vec<Receiver>, CorrelateError> {
        let Self(Some(Granted { grants, port })) = self else { return Err(CorrelateError::Denied(NO_TASK.into())) };
        check::name("message name", &message.name).map_err(CorrelateError::Invalid)?;
        grants.check(Grant::CorrelateMessage, &message.name)?;
        check_message(&checker, &message).map_err(CorrelateError::Invalid)?;
        port.correlate(message).await
    }
}

fn check_start(checker: &Checker<'_>, start: &ProcessStart, condition: StartCondition) -> Result<(), String> {
    let ProcessStart { key: _, tenant_id, business_key, variables } = start;
    optional("tenant id", tenant_id.as_deref())?;
    optional("business key", business_key.as_deref())?;
    if condition == StartCondition::UnlessRunning && business_key.is_none() {
        return Err("`unless-running` looks for instances by their business key, and none is given: give one".into());
    }
    checker.variables(&[variables])
}

fn check_message(checker: &Checker<'_>, message: &Message) -> Result<(), String> {
    optional("business key", message.business_key.as_deref())?;
    optional("process instance id", message.process_instance_id.as_deref())?;
    if let MessageTenant::Id(tenant) = &message.tenant {
        check::name("tenant id", tenant)?;
    }
    if message.process_instance_id.is_some() && message.tenant != MessageTenant::Any {
        return Err("a process instance id and a tenant are given: an instance has its tenant, so use `any`".into());
    }
    check::comparable("correlation key", &message.correlation_keys)?;
    check::comparable("local correlation key", &message.local_correlation_keys)?;
    checker.variables(&[
        &message.correlation_keys,
        &message.local_correlation_keys,
        &message.variables,
        &message.local_variables,
    ])
}

fn optional(what: &str, text: Option<&str>) -> Result<(), String> {
    text.map_or(Ok(()), |text| check::name(what, text))
}

impl From<Denied> for StartError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.to_string())
    }
}

impl From<Denied> for CorrelateError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use insta::assert_snapshot;

    use super::*;
    use crate::{
        grant::{AllowedGrants, RequestedGrants},
        value::{Value, Variables},
        work::Receivers,
    };

    /// A port that notes what was asked of the engine.
    #[derive(Default)]
    struct Asked {
        starts: Mutex<Vec<(ProcessStart, StartCondition)>>,
        messages: Mutex<Vec<Message>>,
    }

    #[async_trait]
    impl EnginePort for Asked {
        async fn start_process(&self, start: ProcessStart, condition: StartCondition) -> Result<Started, StartError> {
            self.starts.lock().expect("unpoisoned").push((start, condition));
            Ok(Started::New("p1".into()))
        }

        async fn correlate(&self, message: Message) -> Result<Vec<Receiver>, CorrelateError> {
            self.messages.lock().expect("unpoisoned").push(message);
            Ok(vec![Receiver::Waiting("p2".into())])
        }
    }

    impl Asked {
        fn count(&self) -> usize {
            self.starts.lock().expect("unpoisoned").len() + self.messages.lock().expect("unpoisoned").len()
        }
    }

    const PAYLOAD: usize = 100;

    /// Calls of a plugin that may start `invoice` and send `Paid`.
    fn calls() -> (Arc<Asked>, EngineCalls) {
        let requested = RequestedGrants {
            start_process: ["invoice"].into_iter().collect(),
            correlate_message: ["Paid"].into_iter().collect(),
            ..RequestedGrants::default()
        };
        let port = Arc::new(Asked::default());
        let grants = Grants::new("charge", requested, AllowedGrants::default()).all_allowed();
        (port.clone(), EngineCalls::new(Arc::new(grants), port))
    }

    fn start(key: &str) -> ProcessStart {
        ProcessStart { key: key.into(), tenant_id: None, business_key: None, variables: Variables::new() }
    }

    fn message(name: &str) -> Message {
        Message {
            name: name.into(),
            business_key: None,
            process_instance_id: None,
            correlation_keys: Variables::new(),
            local_correlation_keys: Variables::new(),
            tenant: MessageTenant::Any,
            variables: Variables::new(),
            local_variables: Variables::new(),
            receivers: Receivers::One,
        }
    }

    fn some(name: &str, value: Value) -> Variables {
        Variables::from([(name.to_owned(), value.into())])
    }

    async fn started(
        calls: &EngineCalls,
        start: ProcessStart,
        condition: StartCondition,
    ) -> Result<Started, StartError> {
        let fetched = Variables::new();
        calls.start_process(Checker { fetched: &fetched, payload: PAYLOAD }, start, condition).await
    }

    async fn correlated(calls: &EngineCalls, message: Message) -> Result<Vec<Receiver>, CorrelateError> {
        let fetched = Variables::new();
        calls.correlate(Checker { fetched: &fetched, payload: PAYLOAD }, message).await
    }

    #[tokio::test]
    async fn what_is_granted_and_acceptable_reaches_the_engine_as_it_was_given() {
        let (asked, calls) = calls();
        let given = ProcessStart {
            business_key: Some("b".into()),
            variables: some("v", Value::Integer(1)),
            tenant_id: Some("t".into()),
            ..start("invoice")
        };
        let answer = started(&calls, given.clone(), StartCondition::UnlessRunning).await;
        assert_eq!(answer, Ok(Started::New("p1".into())));
        assert_eq!(*asked.starts.lock().expect("unpoisoned"), [(given, StartCondition::UnlessRunning)]);
        let given = Message { correlation_keys: some("k", Value::Long(1)), ..message("Paid") };
        assert_eq!(correlated(&calls, given.clone()).await, Ok(vec![Receiver::Waiting("p2".into())]));
        assert_eq!(*asked.messages.lock().expect("unpoisoned"), [given]);
    }

    #[tokio::test]
    async fn what_is_not_granted_never_reaches_the_engine() {
        let (asked, calls) = calls();
        let denied = started(&calls, start("Paid"), StartCondition::Always).await;
        assert!(
            matches!(&denied, Err(StartError::Denied(text)) if text.contains("start-process of \"Paid\"")),
            "{denied:?}"
        );
        let denied = correlated(&calls, message("invoice")).await;
        assert!(
            matches!(&denied, Err(CorrelateError::Denied(text)) if text.contains("correlate-message")),
            "{denied:?}"
        );
        let denied = started(&EngineCalls::none(), start("invoice"), StartCondition::Always).await;
        assert!(matches!(denied, Err(StartError::Denied(_))), "{denied:?}");
        assert_eq!(asked.count(), 0);
    }

    #[tokio::test]
    async fn what_the_engine_would_refuse_never_reaches_it_and_says_why() {
        let (asked, calls) = calls();
        let long = "x".repeat(256);
        let mut told = Vec::new();
        for (condition, start) in [
            (StartCondition::Always, start("")),
            (StartCondition::Always, start("a\nb")),
            (StartCondition::Always, start(&long)),
            (StartCondition::Always, ProcessStart { business_key: Some(long.clone()), ..start("invoice") }),
            (StartCondition::Always, ProcessStart { tenant_id: Some(" ".into()), ..start("invoice") }),
            (StartCondition::Always, ProcessStart { variables: some("", Value::Integer(1)), ..start("invoice") }),
            (StartCondition::UnlessRunning, start("invoice")),
        ] {
            told.push(format!("{:?}", started(&calls, start, condition).await.expect_err("invalid")));
        }
        for message in [
            message(""),
            Message { business_key: Some(String::new()), ..message("Paid") },
            Message { tenant: MessageTenant::Id("\0".into()), ..message("Paid") },
            Message { tenant: MessageTenant::Without, process_instance_id: Some("p".into()), ..message("Paid") },
            Message { correlation_keys: some("k", Value::Json("{}".into())), ..message("Paid") },
            Message { local_variables: some("v", Value::Double(f64::NAN)), ..message("Paid") },
        ] {
            told.push(format!("{:?}", correlated(&calls, message).await.expect_err("invalid")));
        }
        assert_snapshot!(told.join("\n"), @r#"
        Invalid("the process key is empty")
        Invalid("the process key has control characters")
        Invalid("the process key is longer than 255 characters")
        Invalid("the business key is longer than 255 characters")
        Invalid("the tenant id is empty")
        Invalid("a variable has an empty name")
        Invalid("`unless-running` looks for instances by their business key, and none is given: give one")
        Invalid("the message name is empty")
        Invalid("the business key is empty")
        Invalid("the tenant id has control characters")
        Invalid("a process instance id and a tenant are given: an instance has its tenant, so use `any`")
        Invalid("the correlation key `k` is of type Json: the engine compares null, truth values, numbers, strings and dates only")
        Invalid("variable `v` of type Double: expected a finite number, found NaN")
        "#);
        assert_eq!(asked.count(), 0);
    }

    #[tokio::test]
    async fn all_variables_of_a_call_count_together_for_the_payload() {
        let (asked, calls) = calls();
        let of = |length: usize| Value::String("x".repeat(length));
        let message = |first: usize, second: usize| Message {
            variables: some("a", of(first)),
            local_variables: some("b", of(second)),
            ..message("Paid")
        };
        assert!(correlated(&calls, message(49, 49)).await.is_ok(), "with both names {PAYLOAD} bytes");
        let error = correlated(&calls, message(49, 50)).await.expect_err("too much");
        assert_eq!(
            error,
            CorrelateError::Invalid("101 bytes are more than the limit `limits.payload` of 100 bytes".into())
        );
        assert_eq!(asked.count(), 1);
    }
}
