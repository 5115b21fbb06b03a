//! Grants: what a plugin may do beyond its own task. Its manifest requests, the operator's settings allow, and a grant
//! holds only if both name it, so that who can drop a file cannot give himself rights.

mod http;
mod names;

use std::{borrow::Cow, fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::http::split_port;
pub use self::{
    http::{Host, HttpPatterns, HttpTarget, Scheme},
    names::Names,
};
use crate::secret::SecretSources;

/// What can be granted, each for names of its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// To send HTTP requests, by method, scheme, host and port.
    Http,
    /// To read secrets, by their names.
    Secrets,
    /// To start processes, by their keys.
    StartProcess,
    /// To correlate messages, by their names.
    CorrelateMessage,
}

impl Grant {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Http, Self::Secrets, Self::StartProcess, Self::CorrelateMessage];

    /// Its key in manifests and settings.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Secrets => "secrets",
            Self::StartProcess => "start-process",
            Self::CorrelateMessage => "correlate-message",
        }
    }
}

/// The table `[grants]` of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestedGrants {
    /// The HTTP requests that the handler may send: a method or `*` for any, a space, and `http` or `https` with host
    /// and port, such as `"GET https://api.example.com"` or `"* http://10.0.0.5:8080"`. `*.example.com` stands for every
    /// name that ends so. The path is not part of it.
    #[schemars(extend("x-absent" = "none"))]
    pub http: HttpPatterns,
    /// The names of the secrets that the handler may read with `config.get`.
    #[schemars(extend("x-absent" = "none"))]
    pub secrets: Names,
    /// The keys of the processes that the handler may start. `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub start_process: Names,
    /// The names of the messages that the handler may send, to who waits for them or to start processes with them.
    /// `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub correlate_message: Names,
}

/// A table `[grants.NAME]` of the settings: the same keys as in a manifest, and for secrets their sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AllowedGrants {
    /// The HTTP requests that the handler may send, written as in the manifest. A host that is a name may not lead into
    /// this machine or a private network: an address there must be among these entries as an address, for the same
    /// method, scheme and port.
    #[schemars(extend("x-absent" = "none"))]
    pub http: HttpPatterns,
    /// The secrets that the handler may read with `config.get`, by name, each with its source. They are shown nowhere,
    /// and what the handler says of them in its log and its errors is blotted out.
    #[schemars(extend("x-absent" = "none"))]
    pub secrets: SecretSources,
    /// The keys of the processes that the handler may start. `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub start_process: Names,
    /// The names of the messages that the handler may send, to who waits for them or to start processes with them.
    /// `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub correlate_message: Names,
}

/// The grants of one plugin at one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The name of its file without `.wasm`.
    plugin: String,
    requested: RequestedGrants,
    /// What is allowed, in the form of what is requested: the sources of secrets are none of this room's business.
    allowed: RequestedGrants,
    /// Where the operator himself lets requests go, by which addresses are judged.
    of_operator: HttpPatterns,
}

/// How it stands with one grant of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub grant: Grant,
    /// What the manifest requests.
    pub requested: Names,
    /// What of it holds, because it is allowed too.
    pub held: Names,
    /// What of it is refused.
    pub refused: Names,
}

impl Grants {
    /// What a manifest requests, as far as the settings allow it. `plugin` is the name of its file without `.wasm`.
    pub fn new(plugin: impl Into<String>, requested: RequestedGrants, allowed: AllowedGrants) -> Self {
        let AllowedGrants { http, secrets, start_process, correlate_message } = allowed;
        let (secrets, of_operator) = (secrets.names().collect(), http.clone());
        let allowed = RequestedGrants { http, secrets, start_process, correlate_message };
        Self { plugin: plugin.into(), requested, allowed, of_operator }
    }

    /// The same plugin with all that its manifest requests, as an operator might allow it, but for addresses that are not
    /// public: those are let in by the settings alone.
    #[must_use]
    pub fn all_allowed(&self) -> Self {
        self.with_allowed(self.requested.clone())
    }

    /// The same plugin, if an operator allows it this; addresses that are not public are those of the settings.
    #[must_use]
    pub fn with_allowed(&self, allowed: RequestedGrants) -> Self {
        Self { allowed, ..self.clone() }
    }

    /// What the operator allows, if that is not what the manifest requests.
    pub fn allowed_otherwise(&self) -> Option<&RequestedGrants> {
        (self.allowed != self.requested).then_some(&self.allowed)
    }

    /// Whether a grant holds for a name. The one for requests over HTTP is [`Self::check_http`].
    ///
    /// # Errors
    /// [`Denied`], which names what is missing and where it belongs.
    pub fn check(&self, grant: Grant, name: &str) -> Result<(), Denied> {
        self.verdict(grant, name.to_owned(), [&self.requested, &self.allowed].map(|side| side.covers(grant, name)))
    }

    /// Whether a request over HTTP may be sent.
    ///
    /// # Errors
    /// [`Denied`], which names what is missing and where it belongs.
    pub fn check_http(&self, target: &HttpTarget) -> Result<(), Denied> {
        let covered = [&self.requested, &self.allowed].map(|side| side.http.cover(target));
        self.verdict(Grant::Http, target.to_string(), covered)
    }

    fn verdict(&self, grant: Grant, name: String, [requested, allowed]: [bool; 2]) -> Result<(), Denied> {
        match requested && allowed {
            true => Ok(()),
            false => Err(Denied { grant, name, plugin: self.plugin.clone(), requested, allowed }),
        }
    }

    /// The addresses that the operator names for requests like this one, whatever the name of the host.
    pub fn addresses_for(&self, target: &HttpTarget) -> Vec<IpAddr> {
        self.of_operator.addresses_for(target)
    }

    /// The names of the secrets that the plugin may read.
    pub fn secrets(&self) -> Names {
        self.requested.secrets.common(&self.allowed.secrets)
    }

    /// Whether the manifest requests a secret.
    pub fn requests_secret(&self, name: &str) -> bool {
        self.requested.secrets.cover(name)
    }

    /// Whether the operator gives the plugin a secret, be it requested or not.
    pub fn allows_secret(&self, name: &str) -> bool {
        self.allowed.secrets.cover(name)
    }

    /// How it stands with every grant that the manifest requests something of.
    pub fn standings(&self) -> Vec<Standing> {
        let (requested, allowed) = (&self.requested, &self.allowed);
        let standing = |grant| {
            let [held, refused] = match grant {
                Grant::Http => [requested.http.common(&allowed.http), requested.http.beyond(&allowed.http)],
                _ => {
                    let [requested, allowed] = [requested, allowed].map(|side| side.names(grant));
                    [requested.common(&allowed), requested.beyond(&allowed)]
                }
            };
            Standing { grant, requested: requested.names(grant), held, refused }
        };
        Grant::ALL.into_iter().map(standing).filter(|it| !it.requested.is_empty()).collect()
    }

    /// What the operator has to add to the settings, for a grant to hold as requested.
    pub fn advice(&self, grant: Grant, names: &Names) -> String {
        format!("add {} to {} of fetchlock.toml", in_settings(grant, names), table(&self.plugin))
    }

    /// What the operator has to add to the settings, for requests like this one to reach an address.
    pub fn advice_on_address(&self, target: &HttpTarget, address: IpAddr) -> String {
        let named = HttpTarget { host: Host::Address(address), ..target.clone() };
        self.advice(Grant::Http, &[named.to_string()].into_iter().collect())
    }
}

impl RequestedGrants {
    /// What is named for a grant, as it is written.
    pub fn names(&self, grant: Grant) -> Names {
        match grant {
            Grant::Http => self.http.names(),
            Grant::Secrets => self.secrets.clone(),
            Grant::StartProcess => self.start_process.clone(),
            Grant::CorrelateMessage => self.correlate_message.clone(),
        }
    }

    fn covers(&self, grant: Grant, name: &str) -> bool {
        match grant {
            // A request is more than a name.
            Grant::Http => false,
            Grant::Secrets => self.secrets.cover(name),
            Grant::StartProcess => self.start_process.cover(name),
            Grant::CorrelateMessage => self.correlate_message.cover(name),
        }
    }
}

/// The table of the settings that allows a plugin something.
fn table(plugin: &str) -> String {
    format!("[grants.{}]", key(plugin))
}

/// What allows these names, as the operator writes it.
fn in_settings(grant: Grant, names: &Names) -> String {
    match grant {
        Grant::Secrets => {
            let sources = names.iter().map(|name| format!("`secrets.{} = {{ file = \"…\" }}`", key(name)));
            sources.collect::<Vec<_>>().join(" and ")
        }
        _ => format!("`{} = {names}`", grant.key()),
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> Cow<'_, str> {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { name.into() } else { format!("{name:?}").into() }
}

/// A grant does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denied {
    grant: Grant,
    name: String,
    plugin: String,
    requested: bool,
    allowed: bool,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grant, name, plugin, requested, allowed } = self;
        let manifest = "the plugin's manifest does not request it";
        let operator = "the operator does not allow it";
        let names: Names = [name.as_str()].into_iter().collect();
        let to_manifest = format!("`{} = {names}` to [grants] of {plugin}.toml", grant.key());
        let table = table(plugin);
        let to_settings = format!("{} to {table} of fetchlock.toml", in_settings(*grant, &names));
        let (why, what) = match (requested, allowed, grant) {
            (false, true, _) => (manifest.to_owned(), to_manifest),
            (true, _, _) => (operator.to_owned(), to_settings),
            (false, false, Grant::Secrets) => {
                (format!("{manifest} and {operator}"), format!("{to_manifest} and {to_settings}"))
            }
            (false, false, _) => {
                (format!("{manifest} and {operator}"), format!("{to_manifest} and to {table} of fetchlock.toml"))
            }
        };
        write!(f, "{} of {name:?} is not granted: {why}; add {what}", grant.key())
    }
}

#[cfg(test)]
mod tests;
