//! The catalog: the plugins that serve at this moment, by topic. It is replaced as a whole, so that nobody ever sees
//! half a change.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use super::manifest::OnUndecided;
use crate::{
    grant::Grants,
    retry::RetryPolicy,
    sandbox::{Handler, Limits},
    task::{Subscription, Topic},
};

/// A plugin at one version. An invocation holds it until it has ended; the last to let go ends the version.
#[derive(Debug)]
pub struct Plugin {
    /// The topic it serves.
    pub topic: Topic,
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
    /// What the handler sees as its settings.
    pub config: Arc<BTreeMap<String, String>>,
    /// What it may do beyond its task.
    pub grants: Arc<Grants>,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        tracing::debug!(topic = %self.topic, version = self.version, "a version has ended its last invocation");
    }
}

/// The plugins that serve, by topic.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    plugins: BTreeMap<Topic, Arc<Plugin>>,
}

impl Catalog {
    /// The plugin of a topic.
    pub fn get(&self, topic: &Topic) -> Option<&Arc<Plugin>> {
        self.plugins.get(topic)
    }

    /// All plugins, in the order of their topics.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }
}

impl FromIterator<Arc<Plugin>> for Catalog {
    fn from_iter<I: IntoIterator<Item = Arc<Plugin>>>(plugins: I) -> Self {
        Self { plugins: plugins.into_iter().map(|plugin| (plugin.topic.clone(), plugin)).collect() }
    }
}
