//! The catalog: the plugins that serve at this moment, by topic and name. It is replaced as a whole, so that nobody ever sees
//! half a change.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use super::manifest::OnUndecided;
use crate::{
    grant::Grants,
    retry::RetryPolicy,
    sandbox::{Handler, Limits, Secrets},
    task::{EngineName, Route, Subscription},
};

/// A plugin at one version. An invocation holds it until it has ended; the last to let go ends the version.
#[derive(Debug)]
pub struct Plugin {
    /// The topic it serves, and the name that it is told from others by.
    pub route: Route,
    /// The beginning of the hash over component and manifest, as shown to people.
    pub version: String,
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
}

impl Drop for Plugin {
    fn drop(&mut self) {
        tracing::debug!(topic = %self.route.topic, version = self.version, "a version has ended its last invocation");
    }
}

/// The plugins that serve.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    plugins: BTreeMap<Route, Arc<Plugin>>,
}

impl Catalog {
    /// The plugin of a route, if it works for this engine.
    pub fn get(&self, engine: &EngineName, route: &Route) -> Option<&Arc<Plugin>> {
        self.plugins.get(route).filter(|plugin| plugin.settings.engine == *engine)
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

impl FromIterator<Arc<Plugin>> for Catalog {
    fn from_iter<I: IntoIterator<Item = Arc<Plugin>>>(plugins: I) -> Self {
        Self { plugins: plugins.into_iter().map(|plugin| (plugin.route.clone(), plugin)).collect() }
    }
}
