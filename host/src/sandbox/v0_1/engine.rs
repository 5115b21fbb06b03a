//! The interface `engine` of this version: what a handler begins, between the contract and the domain.

use wasmtime::component::{HasSelf, Linker};

use self::bindings::fetchlock::handler::engine;
use super::{Checker, Invocation, Level, convert};
use crate::{
    sandbox::engine_calls::{CorrelateError, Fault, StartError},
    work::{Message, MessageTenant, ProcessStart, Receiver, Receivers, StartCondition, Started},
};

mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: "../wit",
        interfaces: "import fetchlock:handler/engine@0.1.0;",
        imports: { default: async | trappable },
        with: { "fetchlock:handler/types": crate::sandbox::v0_1::bindings::fetchlock::handler::types },
    });
}

/// The interface, as a component imports it.
pub(super) const IMPORT: &str = "fetchlock:handler/engine@0.1.0";

/// Adds the interface to a linker.
pub(super) fn link(linker: &mut Linker<Invocation>) -> wasmtime::Result<()> {
    engine::add_to_linker::<_, HasSelf<_>>(linker, |invocation| invocation)
}

impl engine::Host for Invocation {
    async fn start_process(
        &mut self,
        start: engine::ProcessStart,
    ) -> wasmtime::Result<Result<engine::Started, engine::StartError>> {
        self.count_call()?;
        let engine::ProcessStart { key, tenant_id, business_key, variables, unless_running } = start;
        let condition = if unless_running { StartCondition::UnlessRunning } else { StartCondition::Always };
        let variables = match convert::variables(variables) {
            Ok(variables) => variables,
            Err(why) => return Ok(Err(engine::StartError::Invalid(why))),
        };
        let checker = Checker { fetched: &self.assigned.variables, payload: self.assigned.limits.payload };
        let start = ProcessStart { key, tenant_id, business_key, variables };
        let result = self.assigned.engine_calls.start_process(checker, start, condition).await;
        if let Err(StartError::Denied(why)) = &result {
            self.output.log(Level::Warn, why, &[]);
        }
        Ok(result.map(Into::into).map_err(Into::into))
    }

    async fn correlate_message(
        &mut self,
        message: engine::Message,
    ) -> wasmtime::Result<Result<Vec<engine::Receiver>, engine::CorrelateError>> {
        self.count_call()?;
        let message = match message_from_guest(message) {
            Ok(message) => message,
            Err(why) => return Ok(Err(engine::CorrelateError::Invalid(why))),
        };
        let checker = Checker { fetched: &self.assigned.variables, payload: self.assigned.limits.payload };
        let result = self.assigned.engine_calls.correlate(checker, message).await;
        if let Err(CorrelateError::Denied(why)) = &result {
            self.output.log(Level::Warn, why, &[]);
        }
        Ok(result.map(|all| all.into_iter().map(Into::into).collect()).map_err(Into::into))
    }
}

fn message_from_guest(message: engine::Message) -> Result<Message, String> {
    Ok(Message {
        name: message.name,
        business_key: message.business_key,
        process_instance_id: message.process_instance_id,
        correlation_keys: convert::variables(message.correlation_keys)?,
        local_correlation_keys: convert::variables(message.local_correlation_keys)?,
        tenant: match message.tenant {
            engine::MessageTenant::Any => MessageTenant::Any,
            engine::MessageTenant::Without => MessageTenant::Without,
            engine::MessageTenant::Id(tenant) => MessageTenant::Id(tenant),
        },
        variables: convert::variables(message.variables)?,
        local_variables: convert::variables(message.local_variables)?,
        receivers: match message.receivers {
            engine::Receivers::One => Receivers::One,
            engine::Receivers::All => Receivers::All,
        },
    })
}

impl From<Started> for engine::Started {
    fn from(started: Started) -> Self {
        match started {
            Started::New(id) => Self::New(id),
            Started::Running(id) => Self::Running(id),
        }
    }
}

impl From<Receiver> for engine::Receiver {
    fn from(receiver: Receiver) -> Self {
        match receiver {
            Receiver::Waiting(id) => Self::Waiting(id),
            Receiver::Started(id) => Self::Started(id),
        }
    }
}

impl From<StartError> for engine::StartError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Denied(why) => Self::Denied(why),
            StartError::Invalid(why) => Self::Invalid(why),
            StartError::NoSuchProcess(why) => Self::NoSuchProcess(why),
            StartError::Fault(Fault::Rejected(why)) => Self::Rejected(why),
            StartError::Fault(Fault::Unavailable(why)) => Self::Unavailable(why),
            StartError::Fault(Fault::Unanswered(why)) => Self::Unanswered(why),
        }
    }
}

impl From<CorrelateError> for engine::CorrelateError {
    fn from(error: CorrelateError) -> Self {
        match error {
            CorrelateError::Denied(why) => Self::Denied(why),
            CorrelateError::Invalid(why) => Self::Invalid(why),
            CorrelateError::NoMatch(why) => Self::NoMatch(why),
            CorrelateError::Ambiguous(why) => Self::Ambiguous(why),
            CorrelateError::Fault(Fault::Rejected(why)) => Self::Rejected(why),
            CorrelateError::Fault(Fault::Unavailable(why)) => Self::Unavailable(why),
            CorrelateError::Fault(Fault::Unanswered(why)) => Self::Unanswered(why),
        }
    }
}
