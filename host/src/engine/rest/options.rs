//! How an engine is reached, and the checks of it that need no network.

use std::{fmt, net::IpAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Client,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        TRANSFER_ENCODING,
    },
    redirect::Policy,
};
use url::{Host, Url};

use super::call::Connection;

/// How long a connection may take by default: far more than a distant engine needs, far less than an operator waits.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take by default: `complete` runs the engine's next service tasks, too.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What a parked fetch may take beyond its parking time by default. The engine was measured 8 to 16 ms late when idle;
/// the rest is for a busy one.
const DEFAULT_POLL_MARGIN: Duration = Duration::from_secs(10);

/// The largest answer read by default: a batch of 100 tasks with 640 KiB of variables each.
const DEFAULT_MAX_RESPONSE_BYTES: usize = 64 << 20;

/// How long an idle connection is kept: less than the 20 s after which Tomcat, the strictest of the usual servers,
/// closes it, so that no request is sent into a connection that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// When the operating system begins to ask whether a silent connection still exists. A parked fetch is silent for its
/// whole poll, and gateways forget silent connections after a minute or more.
const TCP_KEEPALIVE: Duration = Duration::from_secs(20);

/// Headers that follow from the request itself.
const OWN_HEADERS: [HeaderName; 5] = [ACCEPT, CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// How an engine is reached.
#[derive(Clone)]
pub struct RestOptions {
    /// The base of the REST contract, which usually ends in `/engine-rest`, or in `/engine-rest/engine/NAME` for a
    /// named engine. Slashes at the end do not matter.
    pub url: Url,
    /// HTTP basic authentication.
    pub credentials: Option<BasicCredentials>,
    /// Headers that every request carries, by name and value. The values may be secrets.
    pub headers: Vec<(String, String)>,
    /// How long a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take, from its sending to the end of its answer; a parked fetch has its own limit.
    pub request_timeout: Duration,
    /// What a parked fetch may take beyond its parking time.
    pub poll_margin: Duration,
    /// The largest answer that is read; a larger one is [`TooLarge`](crate::engine::EngineError::TooLarge).
    pub max_response_bytes: usize,
}

impl RestOptions {
    /// An engine without authentication, and the default limits: 5 s to connect, 30 s for a request, 10 s of margin for
    /// a parked fetch, 64 MiB of answer.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            credentials: None,
            headers: Vec::new(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            poll_margin: DEFAULT_POLL_MARGIN,
            max_response_bytes: DEFAULT_MAX_RESPONSE_BYTES,
        }
    }
}

impl fmt::Debug for RestOptions {
    /// Shows everything but the password and the values of the headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RestOptions")
            .field("url", &self.url.as_str())
            .field("credentials", &self.credentials)
            .field("headers", &headers)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("poll_margin", &self.poll_margin)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish()
    }
}

/// A user of the engine.
#[derive(Debug, Clone)]
pub struct BasicCredentials {
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Password,
}

/// A password, which does not show itself.
#[derive(Clone)]
pub struct Password(String);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Why an engine cannot be spoken to with these options.
#[derive(Debug, thiserror::Error)]
pub enum RestEngineError {
    /// The URL is none of an engine.
    #[error("engine.url: {why}; expected an address like http://localhost:8080/engine-rest, found {found}")]
    Url {
        /// What is wrong with it.
        why: &'static str,
        /// The URL, without a user and password.
        found: String,
    },
    /// A user name that HTTP basic authentication cannot carry.
    #[error("engine.username: HTTP basic authentication cannot carry a name with a colon, found {username:?}")]
    Username {
        /// The name.
        username: String,
    },
    /// A header that cannot be sent. Its value is not shown, for it may be a secret.
    #[error("engine.headers: {why}, found the header {name:?}")]
    Header {
        /// The name of the header.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A limit of zero.
    #[error("{setting} must be more than zero")]
    Zero {
        /// The limit.
        setting: &'static str,
    },
    /// The HTTP client could not be made; mostly, the system has no certificates of authorities.
    #[error(
        "cannot prepare connections to {url}: {source}; for https the system's CA certificates are needed (package ca-certificates, or SSL_CERT_FILE)"
    )]
    Client {
        /// The engine's URL.
        url: String,
        /// What the HTTP client says.
        source: reqwest::Error,
    },
}

impl RestOptions {
    /// Checks everything that can be checked without the engine, and makes the HTTP client.
    pub(super) fn connection(&self) -> Result<Connection, RestEngineError> {
        self.check_url()?;
        for (setting, is_zero) in [
            ("engine.connect-timeout", self.connect_timeout.is_zero()),
            ("engine.request-timeout", self.request_timeout.is_zero()),
            ("engine.poll-margin", self.poll_margin.is_zero()),
            ("engine.max-response-bytes", self.max_response_bytes == 0),
        ] {
            if is_zero {
                return Err(RestEngineError::Zero { setting });
            }
        }

        // The first in the process wins; whoever it was chose a provider that does as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = Client::builder()
            .user_agent(concat!("fetchlock/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            // An engine does not redirect. A sign-on page or a wrong base path does, and must not get an outcome.
            .redirect(Policy::none())
            .tcp_nodelay(true)
            .tcp_keepalive(TCP_KEEPALIVE)
            .pool_idle_timeout(POOL_IDLE);
        if is_loopback(&self.url) {
            // A proxy of the environment is for far away; its own loopback is another machine's.
            builder = builder.no_proxy();
        }
        if self.url.scheme() == "http" {
            // Loading the system's certificates fails where there are none, as in a container made from scratch.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|source| RestEngineError::Client { url: self.url.to_string(), source })?;
        Ok(Connection { client, headers: self.fixed_headers()?, connect_timeout: self.connect_timeout })
    }

    fn check_url(&self) -> Result<(), RestEngineError> {
        let why = if !matches!(self.url.scheme(), "http" | "https") {
            "it must begin with http:// or https://"
        } else if !self.url.username().is_empty() || self.url.password().is_some() {
            "user and password do not belong here, where logs show them, but to engine.username and engine.password"
        } else if self.url.query().is_some() || self.url.fragment().is_some() {
            "it must have no query (?) and no fragment (#)"
        } else {
            return Ok(());
        };
        let mut shown = self.url.clone();
        // These fail for addresses that can have no user, and then show none.
        shown.set_username("").ok();
        shown.set_password(None).ok();
        Err(RestEngineError::Url { why, found: shown.into() })
    }

    fn fixed_headers(&self) -> Result<HeaderMap, RestEngineError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let error = |why| RestEngineError::Header { name: name.clone(), why };
            let known = HeaderName::try_from(name).map_err(|_| error("no name of an HTTP header"))?;
            if OWN_HEADERS.contains(&known) {
                return Err(error("it is Fetchlock's own to set"));
            }
            if known == AUTHORIZATION && self.credentials.is_some() {
                return Err(error("it contradicts engine.username and engine.password"));
            }
            let mut value = HeaderValue::try_from(value).map_err(|_| error("the value has forbidden characters"))?;
            value.set_sensitive(true);
            headers.append(known, value);
        }
        if let Some(BasicCredentials { username, password: Password(password) }) = &self.credentials {
            let error = || RestEngineError::Username { username: username.clone() };
            if username.contains(':') {
                return Err(error());
            }
            let token = STANDARD.encode(format!("{username}:{password}"));
            let mut value = HeaderValue::try_from(format!("Basic {token}")).map_err(|_| error())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
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

    fn options(url: &str) -> RestOptions {
        RestOptions::new(Url::parse(url).expect("a URL"))
    }

    fn error(options: &RestOptions) -> String {
        options.connection().err().expect("refused").to_string()
    }

    #[test]
    fn urls_that_are_none_of_an_engine_are_refused_without_showing_a_password() {
        insta::assert_snapshot!(error(&options("ftp://host/engine-rest")), @"engine.url: it must begin with http:// or https://; expected an address like http://localhost:8080/engine-rest, found ftp://host/engine-rest");
        insta::assert_snapshot!(error(&options("http://me:secret@host/engine-rest")), @"engine.url: user and password do not belong here, where logs show them, but to engine.username and engine.password; expected an address like http://localhost:8080/engine-rest, found http://host/engine-rest");
        insta::assert_snapshot!(error(&options("http://host/engine-rest?a=b")), @"engine.url: it must have no query (?) and no fragment (#); expected an address like http://localhost:8080/engine-rest, found http://host/engine-rest?a=b");
    }

    #[test]
    fn headers_that_cannot_be_sent_are_refused_without_showing_their_value() {
        let with = |name: &str, value: &str| RestOptions {
            headers: vec![(name.into(), value.into())],
            ..options("http://host/engine-rest")
        };
        insta::assert_snapshot!(error(&with("X Y", "secret")), @r#"engine.headers: no name of an HTTP header, found the header "X Y""#);
        insta::assert_snapshot!(error(&with("X-Token", "sec\nret")), @r#"engine.headers: the value has forbidden characters, found the header "X-Token""#);
        insta::assert_snapshot!(error(&with("content-type", "text/plain")), @r#"engine.headers: it is Fetchlock's own to set, found the header "content-type""#);
        let user = BasicCredentials { username: "me".into(), password: String::from("secret").into() };
        insta::assert_snapshot!(error(&RestOptions { credentials: Some(user), ..with("Authorization", "Bearer secret") }), @r#"engine.headers: it contradicts engine.username and engine.password, found the header "Authorization""#);
    }

    #[test]
    fn a_user_with_a_colon_and_a_limit_of_zero_are_refused() {
        let user = BasicCredentials { username: "a:b".into(), password: String::new().into() };
        insta::assert_snapshot!(error(&RestOptions { credentials: Some(user), ..options("http://host") }), @r#"engine.username: HTTP basic authentication cannot carry a name with a colon, found "a:b""#);
        let zero = RestOptions { request_timeout: Duration::ZERO, ..options("http://host") };
        insta::assert_snapshot!(error(&zero), @"engine.request-timeout must be more than zero");
    }

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let mut options = options("http://host/engine-rest");
        options.credentials = Some(BasicCredentials { username: "me".into(), password: String::from("secret").into() });
        options.headers = vec![("X-Token".into(), "secret".into())];
        let text = format!("{options:?}");
        assert!(text.contains("me") && text.contains("X-Token") && !text.contains("secret"), "{text}");
    }

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
