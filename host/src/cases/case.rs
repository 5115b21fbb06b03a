//! One case, as its file gives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;

use super::{
    asked::Answer,
    expected::{Body, Expect, ValuePattern},
};
use crate::{
    grant::RequestedGrants,
    sandbox::Seed,
    task::Task,
    value::{Scope, Variables},
    work::{MessageTenant, Receivers, StartCondition},
};

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its file.
    pub path: PathBuf,
    /// What it is called: the name of its file without `.case.toml`.
    pub name: String,
    /// What it shows, in the words of its author.
    pub description: Option<String>,
    /// Where its clock begins, since 1970-01-01T00:00:00Z.
    pub clock: Duration,
    /// Where its random numbers come from.
    pub seed: Seed,
    /// The task; its topic is that of the plugin.
    pub task: Task,
    /// The task's variables. The content of a file is left at the engine, as in production.
    pub variables: Variables,
    /// The contents of the files, by the variable's name.
    pub contents: BTreeMap<String, Bytes>,
    /// Over the `config` of the manifest.
    pub config: BTreeMap<String, String>,
    /// What the operator allows of what the manifest requests; `None` is all of it.
    pub grants: Option<RequestedGrants>,
    /// What the handler calls, in order.
    pub calls: Vec<Canned>,
    /// What is expected; `None` only where a missing expectation is to be filled in.
    pub expect: Option<Expect>,
}

/// A call that is foreseen, with its answer.
#[derive(Debug, Clone)]
pub struct Canned {
    /// The line of the file where it stands.
    pub line: usize,
    /// What has to be asked.
    pub wanted: Wanted,
    /// What is answered.
    pub answer: Answer,
    /// How long the answer takes by the clock of the case.
    pub took: Duration,
}

/// What has to be asked. Whatever is `None` may be anything.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// An HTTP request.
    Http {
        /// Its method and address.
        method: http::Method,
        /// Its address.
        url: url::Url,
        /// Headers that it has, beside others.
        headers: BTreeMap<String, String>,
        /// Its body.
        body: Option<Body>,
    },
    /// The start of a process.
    StartProcess {
        /// Its key.
        key: String,
        /// Its tenant.
        tenant_id: Option<String>,
        /// Its business key.
        business_key: Option<String>,
        /// Its variables.
        variables: Option<BTreeMap<String, ValuePattern>>,
        /// When it is started.
        condition: Option<StartCondition>,
    },
    /// A message. In a box, for its criteria are many.
    CorrelateMessage(Box<WantedMessage>),
    /// A longer lock.
    ExtendLock(Duration),
    /// Variables that are set at once.
    SetProgress(Option<Scope>, BTreeMap<String, ValuePattern>),
    /// The content of a file.
    Load(String),
}

/// A message that has to be sent. Whatever is `None` may be anything.
#[derive(Debug, Clone)]
pub struct WantedMessage {
    /// Its name.
    pub name: String,
    /// The business key of the instance.
    pub business_key: Option<String>,
    /// The id of the instance.
    pub process_instance_id: Option<String>,
    /// The tenant.
    pub tenant: Option<MessageTenant>,
    /// How many may receive it.
    pub receivers: Option<Receivers>,
    /// Variables that the instance has.
    pub correlation_keys: Option<BTreeMap<String, ValuePattern>>,
    /// Variables that the execution has.
    pub local_correlation_keys: Option<BTreeMap<String, ValuePattern>>,
    /// Variables that it brings.
    pub variables: Option<BTreeMap<String, ValuePattern>>,
    /// Local variables that it brings.
    pub local_variables: Option<BTreeMap<String, ValuePattern>>,
}

impl Case {
    /// The names of the files whose contents the case does not give.
    pub fn without_content(&self) -> BTreeSet<&str> {
        let is_file = |value: &crate::value::Value| matches!(value, crate::value::Value::File(_));
        let files = self.variables.iter().filter(|(_, variable)| is_file(&variable.value));
        files.map(|(name, _)| name.as_str()).filter(|name| !self.contents.contains_key(*name)).collect()
    }
}
