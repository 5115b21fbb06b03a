//! The catalog: the plugins that serve at this moment, by topic and name. It is replaced as a whole, so that nobody ever sees
//! half a change.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::manifest::{OnUndecided, RecordWish};
use crate::{
    foreign::excerpt,
    grant::Grants,
    retry::{RetryPolicy, RetryPolicyError},
    sandbox::{Handler, Limits, Reuse, Secrets},
    task::{EngineName, Route, Subscription, Task},
};

/// A plugin at one version. An invocation holds it until it has ended; the last to let go ends the version.
#[derive(Debug)]
pub struct Plugin {
    /// The topic it serves, and the name that it is told from others by.
    pub route: Route,
    /// The beginning of the hash over component and manifest, as shown to people.
    pub version: Arc<str>,
    /// The component's file.
    pub file: PathBuf,
    /// The component, ready to run.
    pub handler: Handler,
    /// How it is to be run.
    pub settings: PluginSettings,
}

/// How a plugin is run: its manifest over the host's defaults.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// The engine whose tasks it works on.
    pub engine: EngineName,
    /// What to fetch for it.
    pub subscription: Subscription,
    /// How many invocations at once, within the host's limit.
    pub max_concurrent: Option<NonZeroUsize>,
    /// How many tasks one instance may be given.
    pub reuse: Reuse,
    /// What follows a failure.
    pub retry: RetryPolicy,
    /// What an invocation may use.
    pub limits: Limits,
    /// What a return without a decision means.
    pub on_undecided: OnUndecided,
    /// The codes of the BPMN errors that it may report; any, if there is no list.
    pub bpmn_errors: Option<Arc<[String]>>,
    /// What the handler sees as its settings.
    pub config: Arc<BTreeMap<String, String>>,
    /// What it may do beyond its task.
    pub grants: Arc<Grants>,
    /// What of `config` is secret.
    pub secrets: Secrets,
    /// Which of its invocations are recorded.
    pub record: RecordWish,
    /// What is taken out of recordings, by name.
    pub record_redact: Arc<[String]>,
}

/// The extension properties of a task that override its plugin's retry policy; the second is the name that an older
/// Java add-on has made usual.
const RETRY_PROPERTIES: [&str; 2] = ["retry", "RETRY_CONFIG"];

/// How many characters of a code a message shows.
const SHOWN_CODE: usize = 100;

impl PluginSettings {
    /// What follows a failure of this task; and why its own policy does not hold, if it has one that cannot be read.
    pub fn retry_for(&self, task: &Task) -> (RetryPolicy, Option<RetryPolicyError>) {
        let property = RETRY_PROPERTIES.iter().find_map(|name| task.extension_properties.get(*name));
        match property.map(|text| text.parse()) {
            None => (self.retry.clone(), None),
            Some(Ok(policy)) => (policy, None),
            Some(Err(error)) => (self.retry.clone(), Some(error)),
        }
    }

    /// Why the plugin may not end a task with the BPMN error of this code; `None` if it may.
    pub fn refusal_of(&self, code: &str) -> Option<String> {
        refusal(code, self.bpmn_errors.as_deref())
    }
}

/// Why a plugin may not end a task with a code. `listed` is `bpmn-errors` of its manifest.
fn refusal(code: &str, listed: Option<&[String]>) -> Option<String> {
    let listed = listed?;
    if listed.iter().any(|it| it == code) {
        return None;
    }
    let expected = match listed {
        [] => "its list is empty: the plugin may report no BPMN error".to_owned(),
        codes => format!("expected {}", codes.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")),
    };
    Some(format!(
        "the error code `{}` is not in `bpmn-errors` of the manifest: {expected}; add it if the model catches it",
        excerpt(code, SHOWN_CODE)
    ))
}

impl Drop for Plugin {
    fn drop(&mut self) {
        tracing::debug!(topic = %self.route.topic, version = &*self.version, "a version has ended its last invocation");
    }
}

/// Why a plugin's files do not serve in their present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// In one line, which begins with the file.
    pub why: String,
    /// What there is to show of it, in lines: what a case expected and what it found. May be empty.
    pub details: String,
    /// The version of the same plugin that keeps serving.
    pub serving: Option<String>,
}

/// The plugins that serve, and what else lies in their directory.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    plugins: BTreeMap<Route, Arc<Plugin>>,
    refused: Vec<Refusal>,
}

impl Catalog {
    /// A catalog of these, and of what is refused and why.
    pub fn new(plugins: impl Iterator<Item = Arc<Plugin>>, refused: impl Iterator<Item = Refusal>) -> Self {
        let plugins = plugins.map(|plugin| (plugin.route.clone(), plugin)).collect();
        Self { plugins, refused: refused.collect() }
    }

    /// What was refused in its present state.
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// The plugin of a route.
    pub fn serving(&self, route: &Route) -> Option<&Arc<Plugin>> {
        self.plugins.get(route)
    }

    /// The plugin of a route, if it works for this engine.
    pub fn get(&self, engine: &EngineName, route: &Route) -> Option<&Arc<Plugin>> {
        self.serving(route).filter(|plugin| plugin.settings.engine == *engine)
    }

    /// The plugins that work for an engine, in the order of their topics.
    pub fn plugins_for(&self, engine: &EngineName) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins().filter(move |plugin| plugin.settings.engine == *engine)
    }

    /// All plugins, in the order of their topics.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_code_is_allowed_and_another_is_refused_with_the_list() {
        let listed = ["NO_CREDIT".to_owned(), "NO_STOCK".to_owned()];
        assert_eq!(refusal("NO_STOCK", Some(&listed)), None);
        assert_eq!(refusal("ANY", None), None, "without a list any code is allowed");
        insta::assert_snapshot!(refusal("no_stock", Some(&listed)).expect("refused"), @"the error code `no_stock` is not in `bpmn-errors` of the manifest: expected `NO_CREDIT`, `NO_STOCK`; add it if the model catches it");
        insta::assert_snapshot!(refusal("E", Some(&[])).expect("refused"), @"the error code `E` is not in `bpmn-errors` of the manifest: its list is empty: the plugin may report no BPMN error; add it if the model catches it");
    }
}
