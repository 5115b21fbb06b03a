//! HTTP clients for an engine and what belongs to it, its token endpoint, with their proxy and certificates.

use std::{fs, net::IpAddr, time::Duration};

use reqwest::{Client, redirect::Policy};
use url::{Host, Url};

use super::{
    ProxyOptions, RestEngineError, Unusable,
    credentials::unset,
    exchange::Transport,
    tls::{Tls, unusable},
};
use crate::{
    secret::{Secret, SecretSource, variable},
    setting_key::SettingKey,
};

/// How long an idle connection is kept: less than the 20 s after which Tomcat, the strictest of the usual servers,
/// closes it, so that no request is sent into a connection that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// When the operating system begins to ask whether a silent connection still exists. A parked fetch is silent for its
/// whole poll, and gateways forget silent connections after a minute or more.
const TCP_KEEPALIVE: Duration = Duration::from_secs(20);

/// How often it asks, and how often in vain before the connection is given up: within a minute in all, so that a parked
/// fetch whose other end is gone does not wait for the end of its poll.
const TCP_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// See [`TCP_KEEPALIVE_INTERVAL`].
const TCP_KEEPALIVE_RETRIES: u32 = 3;

/// What all clients of one engine have in common.
pub(super) struct ClientMaker<'a> {
    /// The engine's table in the settings.
    pub(super) table: &'a SettingKey,
    pub(super) connect_timeout: Duration,
    pub(super) proxy: Proxy,
    pub(super) tls: Tls,
}

/// The way that is taken.
pub(super) enum Proxy {
    Environment,
    Direct,
    Through { url: Url, login: Option<(String, Secret)> },
}

impl Proxy {
    /// Reads the proxy's password. `table` is the engine's table in the settings.
    pub(super) fn new(options: &ProxyOptions, table: &SettingKey) -> Result<Self, RestEngineError> {
        Ok(match options {
            ProxyOptions::Environment => Self::Environment,
            ProxyOptions::Direct => Self::Direct,
            ProxyOptions::Through { url, login } => {
                let read = |(username, source): &(String, SecretSource)| {
                    Ok::<_, RestEngineError>((username.clone(), password(source, table.of("proxy-password"))?))
                };
                Self::Through { url: url.clone(), login: login.as_ref().map(read).transpose()? }
            }
        })
    }

    fn is_https(&self) -> bool {
        matches!(self, Self::Through { url, .. } if url.scheme() == "https")
    }
}

/// A password that is read once, at the start.
fn password(source: &SecretSource, setting: SettingKey) -> Result<Secret, RestEngineError> {
    match source {
        SecretSource::Text(text) => Ok(text.clone()),
        SecretSource::Env(name) => variable(name).map_err(|error| unset(setting, error)),
        SecretSource::File(path) => {
            let text = fs::read_to_string(path);
            let text = text.map_err(|error| unusable(setting, path, format!("cannot be read: {error}")))?;
            Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        SecretSource::Command(command) => {
            let why = "is a command, and none is run for what is read once: give a text, `file` or `env`".into();
            Err(unusable(setting, command.program.as_ref(), why))
        }
    }
}

impl ClientMaker<'_> {
    /// Connections to a place, the address in this setting.
    pub(super) fn transport(&self, url: &Url, setting: SettingKey) -> Result<Transport, RestEngineError> {
        let authorities = self.table.of("tls").of("ca-file");
        let error = |source| RestEngineError {
            key: setting.clone(),
            why: Unusable::Client { url: url.to_string(), source, authorities: authorities.clone() },
        };
        // The first in the process wins; whoever it was chose a provider that does as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = Client::builder()
            .user_agent(concat!("fetchlock/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            // An engine does not redirect. A sign-on page or a wrong base path does, and must not get an outcome.
            .redirect(Policy::none())
            .tcp_nodelay(true)
            .tcp_keepalive(TCP_KEEPALIVE)
            .tcp_keepalive_interval(TCP_KEEPALIVE_INTERVAL)
            .tcp_keepalive_retries(TCP_KEEPALIVE_RETRIES)
            .pool_idle_timeout(POOL_IDLE);
        match &self.proxy {
            // A proxy of the environment is for far away; its own loopback is another machine's.
            Proxy::Environment if is_loopback(url) => builder = builder.no_proxy(),
            Proxy::Environment => {}
            Proxy::Direct => builder = builder.no_proxy(),
            Proxy::Through { url, login } => {
                let mut proxy = reqwest::Proxy::all(url.clone()).map_err(error)?;
                if let Some((username, password)) = login {
                    proxy = proxy.basic_auth(username, password.reveal());
                }
                builder = builder.proxy(proxy);
            }
        }
        let authorities = self.tls.authorities.clone();
        builder = if url.scheme() == "https" || self.proxy.is_https() {
            builder.tls_certs_merge(authorities)
        } else {
            // Loading the system's certificates fails where there are none, as in a container made from scratch.
            builder.tls_certs_only(authorities)
        };
        if let Some(identity) = &self.tls.identity {
            builder = builder.identity(identity.clone());
        }
        Ok(Transport { client: builder.build().map_err(error)?, connect_timeout: self.connect_timeout })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for (url, expected) in [
            ("http://localhost:8080", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).expect("a URL")), expected, "{url}");
        }
    }
}
