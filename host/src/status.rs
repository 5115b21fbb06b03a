//! The status of a running host: what it serves, what it refuses and why, and how its tasks have ended. `fetchlock dev`
//! shows it as it changes; `fetchlock status` asks a host for it.

mod socket;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::socket::{AskError, StatusSocket, ask};
use crate::{
    plugins::{Catalog, Refusal},
    task::{EngineName, Route},
    worker::{Activity, RouteActivity},
};

/// What can be seen of a running host. Cheap to clone.
#[derive(Clone)]
pub struct View {
    /// What does not change.
    pub host: HostStatus,
    /// What has been going on.
    pub activity: Activity,
    /// The plugins that serve, and those that are refused.
    pub catalog: watch::Receiver<Catalog>,
}

/// What a host says of itself. As JSON it is what `fetchlock status --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Which host it is.
    pub host: HostStatus,
    /// The plugins that serve or have had tasks, by topic and name.
    pub plugins: Vec<PluginStatus>,
    /// What of the plugin directory is refused in its present state.
    pub refused: Vec<Refusal>,
}

/// Which host it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostStatus {
    /// The version of Fetchlock.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// When it began.
    pub started: Timestamp,
    /// The engines that it works for.
    pub engines: Vec<EngineStatus>,
    /// Its plugin directory, as text.
    pub plugins_dir: String,
}

/// An engine that a host works for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EngineStatus {
    /// What the settings call it.
    pub name: EngineName,
    /// Its REST address.
    pub url: String,
}

/// A plugin on its topic. The numbers are since the host's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginStatus {
    /// Its topic and its name.
    #[serde(flatten)]
    pub route: Route,
    /// The version that serves; none if it was removed.
    pub version: Option<String>,
    /// The engine whose tasks that version works on.
    pub engine: Option<EngineName>,
    /// What has been going on with it.
    #[serde(flatten)]
    pub activity: RouteActivity,
}

impl View {
    /// How it is at this moment.
    pub fn status(&self) -> Status {
        let catalog = self.catalog.borrow().clone();
        Status { host: self.host.clone(), plugins: self.plugins(&catalog), refused: catalog.refused().to_vec() }
    }

    fn plugins(&self, catalog: &Catalog) -> Vec<PluginStatus> {
        let mut activity = self.activity.routes();
        let serving = catalog.plugins().map(|plugin| plugin.route.clone());
        let routes: BTreeSet<Route> = serving.chain(activity.keys().cloned()).collect();
        let plugin = |route: Route| {
            let (activity, serving) = (activity.remove(&route).unwrap_or_default(), catalog.serving(&route));
            PluginStatus {
                version: serving.map(|plugin| plugin.version.to_string()),
                engine: serving.map(|plugin| plugin.settings.engine.clone()),
                route,
                activity,
            }
        };
        routes.into_iter().map(plugin).collect()
    }
}
