//! The handler contract `fetchlock:handler@0.1`: its bindings, and the host's side of each interface.

mod convert;
mod engine;

use std::time::Duration;

use wasmtime::{
    Store,
    component::{HasSelf, InstancePre, Linker},
};

use self::bindings::fetchlock::handler::{config, log, outcome, task, types, variables};
use super::{
    check::{Checker, longest},
    invocation::Invocation,
    limits::LimitExceeded,
    output::Level,
    port::{Decision, DecisionError, Fail, LoadError, LockError, RetryWish, SetError},
    secrets::Found,
};
use crate::value::{FileContent, Scope, Value};

mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "fetchlock:handler/handler",
        imports: {
            "fetchlock:handler/variables.load": async | trappable,
            "fetchlock:handler/variables.set-progress": async | trappable,
            "fetchlock:handler/outcome.complete": async | trappable,
            "fetchlock:handler/outcome.fail": async | trappable,
            "fetchlock:handler/outcome.bpmn-error": async | trappable,
            "fetchlock:handler/outcome.unlock": async | trappable,
            "fetchlock:handler/outcome.hand-off": async | trappable,
            "fetchlock:handler/outcome.extend-lock": async | trappable,
            "fetchlock:handler/config.get": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// The interface of calls to the engine, which a handler may import and use where it is granted.
pub const ENGINE: &str = engine::IMPORT;

/// The interface by which a handler reads its settings and secrets.
pub const CONFIG: &str = "fetchlock:handler/config@0.1.0";

/// The interfaces that a handler of this version may import.
pub const IMPORTS: &[&str] = &[
    CONFIG,
    ENGINE,
    "fetchlock:handler/log@0.1.0",
    "fetchlock:handler/outcome@0.1.0",
    "fetchlock:handler/task@0.1.0",
    "fetchlock:handler/types@0.1.0",
    "fetchlock:handler/variables@0.1.0",
];

/// The package name and version, as it stands behind the interface name in an import.
pub const VERSION: &str = "0.1.0";

/// What a handler of this version must export.
pub const EXPORT: &str = "handle";

/// Adds the interfaces of this version to a linker.
pub(super) fn link(linker: &mut Linker<Invocation>) -> wasmtime::Result<()> {
    bindings::Handler::add_to_linker::<_, HasSelf<_>>(linker, |invocation| invocation)?;
    engine::link(linker)
}

/// A component of this version, ready to be instantiated.
pub(super) struct Handler(bindings::HandlerPre<Invocation>);

impl Handler {
    pub(super) fn new(pre: InstancePre<Invocation>) -> wasmtime::Result<Self> {
        Ok(Self(bindings::HandlerPre::new(pre)?))
    }

    /// Makes an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<Invocation>) -> wasmtime::Result<Instance> {
        Ok(Instance(self.0.instantiate_async(store).await?))
    }
}

/// An instance of a component of this version.
pub(super) struct Instance(bindings::Handler);

impl Instance {
    /// Calls its handler.
    pub(super) async fn handle(&self, store: &mut Store<Invocation>) -> wasmtime::Result<Result<(), String>> {
        self.0.call_handle(store).await
    }
}

impl types::Host for Invocation {}

impl variables::Host for Invocation {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<types::Value>> {
        self.count_call()?;
        Ok(self.assigned.variables.get(&name).map(|variable| convert::value_to_guest(&variable.value)))
    }

    fn get_many(&mut self, names: Vec<String>) -> wasmtime::Result<Vec<Option<types::Value>>> {
        self.count_call()?;
        let asked = names.iter().filter_map(|name| self.assigned.variables.get(name));
        // A name may be given any number of times, and each copy of its value is the host's memory.
        if asked.map(|variable| variable.value.payload_len()).sum::<usize>() > self.assigned.limits.payload {
            let allowed = bytesize::ByteSize(self.assigned.limits.payload as u64).to_string();
            return Err(LimitExceeded { setting: "limits.payload", allowed }.into());
        }
        let get = |name| self.assigned.variables.get(name).map(|variable| convert::value_to_guest(&variable.value));
        Ok(names.iter().map(get).collect())
    }

    fn type_name(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count_call()?;
        Ok(self.assigned.variables.get(&name).map(|variable| variable.value.type_name().to_owned()))
    }

    fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        self.count_call()?;
        Ok(self.assigned.variables.keys().cloned().collect())
    }

    async fn load(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, variables::LoadError>> {
        self.count_call()?;
        let limit = self.assigned.limits.payload;
        let stored = match self.assigned.variables.get(&name).map(|variable| &variable.value) {
            None => return Ok(Err(variables::LoadError::Unknown)),
            Some(Value::Bytes(bytes)) => return Ok(Ok(bytes.to_vec())),
            Some(Value::File(file)) => match &file.content {
                FileContent::Bytes(bytes) => return Ok(Ok(bytes.to_vec())),
                FileContent::Stored(stored) => stored.clone(),
            },
            Some(_) => return Ok(Err(variables::LoadError::NotAFile)),
        };
        Ok(match self.assigned.port.load(&stored, limit).await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(LoadError::Unknown) => Err(variables::LoadError::Unknown),
            Err(LoadError::NotAFile) => Err(variables::LoadError::NotAFile),
            Err(LoadError::Unavailable(why)) => Err(variables::LoadError::Unavailable(why)),
            Err(LoadError::TooLarge(limit)) => Err(variables::LoadError::TooLarge(limit as u64)),
        })
    }

    async fn set_progress(
        &mut self,
        variables: Vec<types::Variable>,
        scope: variables::Scope,
    ) -> wasmtime::Result<Result<(), variables::SetError>> {
        self.count_call()?;
        let scope = match scope {
            variables::Scope::Process => Scope::Process,
            variables::Scope::Local => Scope::Local,
        };
        let variables = match convert::variables(variables) {
            Ok(variables) => variables,
            Err(why) => return Ok(Err(variables::SetError::Invalid(why))),
        };
        if let Err(why) = self.checker().variables(&[&variables]) {
            return Ok(Err(variables::SetError::Invalid(why)));
        }
        Ok(self.assigned.port.set_progress(scope, variables).await.map_err(|error| match error {
            SetError::Invalid(why) => variables::SetError::Invalid(why),
            SetError::Gone => variables::SetError::Gone,
            SetError::Unavailable(why) => variables::SetError::Unavailable(why),
        }))
    }
}

impl task::Host for Invocation {
    fn get(&mut self) -> wasmtime::Result<task::Context> {
        self.count_call()?;
        Ok(convert::context(&self.assigned.task))
    }
}

type Decided = wasmtime::Result<Result<(), outcome::DecisionError>>;

impl Invocation {
    fn checker(&self) -> Checker<'_> {
        Checker { fetched: &self.assigned.variables, payload: self.assigned.limits.payload }
    }

    async fn decide(&mut self, decision: Result<Decision, String>) -> Decided {
        self.count_call()?;
        let checked = decision.and_then(|decision| self.checker().decision(&decision).map(|()| decision));
        let decision = match checked {
            Ok(decision) => decision,
            Err(why) => return Ok(Err(outcome::DecisionError::Invalid(why))),
        };
        let is_failure = matches!(decision, Decision::Fail(_));
        let decided = self.assigned.port.decide(decision).await;
        self.assigned.went_well |= decided.is_ok() && !is_failure;
        Ok(decided.map_err(|error| match error {
            DecisionError::AlreadyDecided => outcome::DecisionError::AlreadyDecided,
            DecisionError::Invalid(why) => outcome::DecisionError::Invalid(why),
            DecisionError::NotDurable(why) => outcome::DecisionError::NotDurable(why),
        }))
    }
}

impl outcome::Host for Invocation {
    async fn complete(&mut self, variables: Vec<types::Variable>, local_variables: Vec<types::Variable>) -> Decided {
        let decision = convert::variables(variables).and_then(|variables| {
            Ok(Decision::Complete { variables, local_variables: convert::variables(local_variables)? })
        });
        self.decide(decision).await
    }

    async fn fail(&mut self, failure: outcome::Failure) -> Decided {
        let outcome::Failure { message, details, retry, variables, local_variables } = failure;
        let (message, details) = (self.output.conceal(&message), details.map(|text| self.output.conceal(&text)));
        let retry = match retry {
            outcome::Retry::Policy => RetryWish::Policy,
            outcome::Retry::Exactly(outcome::Retries { left, delay }) => {
                RetryWish::Exactly { retries: left, after: Duration::from_millis(delay) }
            }
            outcome::Retry::Never => RetryWish::Never,
            outcome::Retry::SystemDown => RetryWish::SystemDown,
        };
        let decision = convert::variables(variables).and_then(|variables| {
            let local_variables = convert::variables(local_variables)?;
            Ok(Decision::Fail(Fail { message, details, retry, variables, local_variables }))
        });
        self.decide(decision).await
    }

    async fn bpmn_error(&mut self, code: String, message: Option<String>, variables: Vec<types::Variable>) -> Decided {
        let message = message.map(|text| self.output.conceal(&text));
        let decision = convert::variables(variables).map(|variables| Decision::BpmnError { code, message, variables });
        self.decide(decision).await
    }

    async fn unlock(&mut self, delay: u64) -> Decided {
        self.decide(Ok(Decision::Unlock { delay: Duration::from_millis(delay) })).await
    }

    async fn hand_off(&mut self, duration: u64) -> Decided {
        self.decide(Ok(Decision::HandOff { duration: Duration::from_millis(duration) })).await
    }

    async fn extend_lock(&mut self, duration: u64) -> wasmtime::Result<Result<(), outcome::LockError>> {
        self.count_call()?;
        let duration = Duration::from_millis(duration);
        if duration.is_zero() {
            return Ok(Err(outcome::LockError::Invalid("the duration is 0".into())));
        }
        if let Err(why) = longest("duration", duration) {
            return Ok(Err(outcome::LockError::Invalid(why)));
        }
        Ok(self.assigned.port.extend_lock(duration).await.map_err(|error| match error {
            LockError::Lost => outcome::LockError::LockLost,
            LockError::Invalid(why) => outcome::LockError::Invalid(why),
            LockError::Unavailable(why) => outcome::LockError::Unavailable(why),
        }))
    }
}

impl log::Host for Invocation {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.count_call()?;
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.output.log(level, &message, &fields);
        Ok(())
    }
}

impl config::Host for Invocation {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.count_call()?;
        if let Some(text) = self.assigned.config.get(&key) {
            return Ok(Some(text.clone()));
        }
        Ok(match self.assigned.secrets.get(&key).await? {
            Found::Nothing => None,
            Found::Secret(secret) => {
                self.output.reveal(&secret);
                Some(secret.reveal().to_owned())
            }
            Found::Unrequested(denied) => {
                self.output.log(Level::Warn, &denied.to_string(), &[]);
                None
            }
        })
    }

    fn keys(&mut self) -> wasmtime::Result<Vec<String>> {
        self.count_call()?;
        let mut keys: Vec<String> = self.assigned.config.keys().cloned().chain(self.assigned.secrets.names()).collect();
        keys.sort();
        Ok(keys)
    }
}
