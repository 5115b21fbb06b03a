//! How an engine is reached, and the checks of it that need no network.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName};
use url::Url;

use super::{
    call::Connection,
    client::{ClientMaker, Proxy},
    credentials::{self, ClientCredentials, Credentials, Login, TokenSource},
    exchange::Limits,
    tls::TlsFiles,
};
use crate::{
    header,
    secret::{SecretSource, Text, VariableError},
    setting_key::SettingKey,
};

/// The engine's table in the settings, as messages name it by default.
const DEFAULT_TABLE: &str = "engine";

/// How long a connection may take by default: far more than a distant engine needs, far less than an operator waits.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin by default: `complete` runs the engine's next service tasks, too.
const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may take in all by default: a large answer over a slow line comes after the wait for it.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What a parked fetch may take beyond its parking time by default. The engine was measured 8 to 16 ms late when idle;
/// the rest is for a busy one.
const DEFAULT_POLL_MARGIN: Duration = Duration::from_secs(10);

/// The largest answer read by default: a batch of 100 tasks with 640 KiB of variables each.
const DEFAULT_MAX_RESPONSE_BYTES: usize = 64 << 20;

/// How an engine is reached. Secrets and the values of headers hide themselves.
#[derive(Debug, Clone)]
pub struct RestOptions {
    /// The engine's table in the settings, as messages name it.
    pub table: SettingKey,
    /// The base of the REST contract, which usually ends in `/engine-rest`, or in `/engine-rest/engine/NAME` for a
    /// named engine. Slashes at the end do not matter.
    pub url: Url,
    /// How this host logs in.
    pub login: LoginOptions,
    /// Headers that every request carries, by name. The values may be secrets.
    pub headers: Vec<(String, SecretSource)>,
    /// The way to the engine.
    pub proxy: ProxyOptions,
    /// Certificates.
    pub tls: TlsFiles,
    /// How long a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take, from its sending to the beginning of its answer; a parked fetch has its own limit.
    pub response_timeout: Duration,
    /// How long a request may take, from its sending (of a parked fetch: from the end of its limit) to the end of its
    /// answer.
    pub request_timeout: Duration,
    /// What a parked fetch may take beyond its parking time until its answer begins.
    pub poll_margin: Duration,
    /// The largest answer that is read; a larger one is [`TooLarge`](crate::engine::EngineError::TooLarge).
    pub max_response_bytes: usize,
}

impl RestOptions {
    /// An engine without authentication, and the default limits: 5 s to connect, 30 s until an answer begins, a
    /// minute until it ends, 10 s of margin for a parked fetch, 64 MiB of answer.
    pub fn new(url: Url) -> Self {
        Self {
            table: SettingKey::new([DEFAULT_TABLE]),
            url,
            login: LoginOptions::None,
            headers: Vec::new(),
            proxy: ProxyOptions::Environment,
            tls: TlsFiles::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            response_timeout: DEFAULT_RESPONSE_TIMEOUT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            poll_margin: DEFAULT_POLL_MARGIN,
            max_response_bytes: DEFAULT_MAX_RESPONSE_BYTES,
        }
    }
}

/// How this host logs in at the engine.
#[derive(Debug, Clone)]
pub enum LoginOptions {
    /// Not at all, or by a header of its own.
    None,
    /// As a user, by HTTP basic authentication.
    Basic {
        /// The user's name.
        username: String,
        /// The user's password.
        password: SecretSource,
    },
    /// With a token that somebody else provides.
    Bearer(SecretSource),
    /// With a token of its own.
    OAuth2(ClientCredentials),
}

/// Through which proxy the engine is reached.
#[derive(Debug, Clone)]
pub enum ProxyOptions {
    /// The one of the environment, if any; none for an engine on this machine's loopback.
    Environment,
    /// None.
    Direct,
    /// This one.
    Through {
        /// Its address.
        url: Url,
        /// Its user and the password, which is read once; not a command.
        login: Option<(String, SecretSource)>,
    },
}

/// Why an engine cannot be spoken to with these options.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {why}")]
pub struct RestEngineError {
    /// The setting that cannot be used.
    pub key: SettingKey,
    /// What is wrong with it.
    pub why: Unusable,
}

/// What is wrong with a setting, in words that do not repeat its key. Secrets are not among them.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A URL that is none of an engine.
    #[error("{why}; expected an address like http://localhost:8080/engine-rest, found {found}")]
    Url {
        /// What is wrong with it.
        why: &'static str,
        /// The URL, without a user and password.
        found: String,
    },
    /// A user name that HTTP basic authentication cannot carry.
    #[error("HTTP basic authentication cannot carry a name with a colon")]
    Username,
    /// A header that cannot be sent. Its value is not shown, for it may be a secret.
    #[error("{0}")]
    Header(&'static str),
    /// An environment variable that holds no text.
    #[error("{0}")]
    Variable(VariableError),
    /// A file that is read at the start and cannot be used.
    #[error("the file {path} {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it, and what is expected.
        why: String,
    },
    /// A limit of zero.
    #[error("it must be more than zero")]
    Zero,
    /// The HTTP client could not be made; mostly, the system has no certificates of authorities.
    #[error(
        "cannot prepare connections to {url}: {source}; for https the system's CA certificates are needed (package ca-certificates, or SSL_CERT_FILE), or {authorities}"
    )]
    Client {
        /// The engine's URL, or its token endpoint's.
        url: String,
        /// What the HTTP client says.
        source: reqwest::Error,
        /// The setting for authorities of one's own.
        authorities: SettingKey,
    },
}

impl RestOptions {
    /// Checks everything that can be checked without the engine, and makes the HTTP client.
    pub(super) fn connection(&self) -> Result<Connection, RestEngineError> {
        self.check_url()?;
        for (setting, is_zero) in [
            ("connect-timeout", self.connect_timeout.is_zero()),
            ("response-timeout", self.response_timeout.is_zero()),
            ("request-timeout", self.request_timeout.is_zero()),
            ("poll-margin", self.poll_margin.is_zero()),
            ("max-response-bytes", self.max_response_bytes == 0),
        ] {
            if is_zero {
                return Err(RestEngineError { key: self.table.of(setting), why: Unusable::Zero });
            }
        }
        let clients = ClientMaker {
            table: &self.table,
            connect_timeout: self.connect_timeout,
            proxy: Proxy::new(&self.proxy, &self.table)?,
            tls: self.tls.read(&self.table)?,
        };
        let credentials = Credentials { login: self.login(&clients)?, headers: self.own_headers()? };
        Ok(Connection { transport: clients.transport(&self.url, self.table.of("url"))?, credentials })
    }

    /// The limits of a request that the engine answers at once.
    pub(super) fn limits(&self) -> Limits {
        Limits { response: self.response_timeout, total: self.request_timeout }
    }

    fn check_url(&self) -> Result<(), RestEngineError> {
        let why = if !matches!(self.url.scheme(), "http" | "https") {
            "it must begin with http:// or https://"
        } else if !self.url.username().is_empty() || self.url.password().is_some() {
            "user and password do not belong here, where logs show them, but to username and password beside it"
        } else if self.url.query().is_some() || self.url.fragment().is_some() {
            "it must have no query (?) and no fragment (#)"
        } else {
            return Ok(());
        };
        let mut shown = self.url.clone();
        // These fail for addresses that can have no user, and then show none.
        shown.set_username("").ok();
        shown.set_password(None).ok();
        Err(RestEngineError { key: self.table.of("url"), why: Unusable::Url { why, found: shown.into() } })
    }

    fn login(&self, clients: &ClientMaker<'_>) -> Result<Login, RestEngineError> {
        let text = |key: &str, source| credentials::text(self.table.of(key), source);
        match &self.login {
            LoginOptions::None => Ok(Login::None),
            LoginOptions::Basic { username, password } => {
                if username.contains(':') {
                    return Err(RestEngineError { key: self.table.of("username"), why: Unusable::Username });
                }
                Ok(Login::Basic { username: username.clone(), password: text("password", password)? })
            }
            LoginOptions::Bearer(token) => {
                let token = text("bearer", token)?;
                let unfit =
                    || RestEngineError { key: self.table.of("bearer"), why: Unusable::Header(header::IS_UNFIT) };
                if token.is_unfit() { Err(unfit()) } else { Ok(Login::Bearer(token)) }
            }
            LoginOptions::OAuth2(options) => {
                let transport = clients.transport(&options.token_url, self.table.of("oauth2").of("token-url"))?;
                let tokens = TokenSource::new(options, &self.table, transport, self.limits())?;
                Ok(Login::OAuth2(Box::new(tokens)))
            }
        }
    }

    fn own_headers(&self) -> Result<Vec<(HeaderName, Text)>, RestEngineError> {
        let read = |(name, source): &(String, SecretSource)| {
            let key = self.table.of("headers").of(name);
            let error = |why| RestEngineError { key: key.clone(), why: Unusable::Header(why) };
            let known = HeaderName::try_from(name).map_err(|_| error("no name of an HTTP header"))?;
            if header::is_own(known.as_str()) {
                return Err(error(header::IS_OWN));
            }
            if known == AUTHORIZATION && !matches!(self.login, LoginOptions::None) {
                return Err(error("it contradicts the engine's login"));
            }
            let text = credentials::text(key.clone(), source)?;
            if text.is_unfit() { Err(error(header::IS_UNFIT)) } else { Ok((known, text)) }
        };
        self.headers.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn secret(text: &str) -> SecretSource {
        Secret::new(text).into()
    }

    fn basic(username: &str) -> LoginOptions {
        LoginOptions::Basic { username: username.into(), password: secret("secret") }
    }

    fn options(url: &str) -> RestOptions {
        RestOptions::new(Url::parse(url).expect("a URL"))
    }

    fn error(options: &RestOptions) -> String {
        options.connection().err().expect("refused").to_string()
    }

    #[test]
    fn urls_that_are_none_of_an_engine_are_refused_without_showing_a_password() {
        insta::assert_snapshot!(error(&options("ftp://host/engine-rest")), @"engine.url: it must begin with http:// or https://; expected an address like http://localhost:8080/engine-rest, found ftp://host/engine-rest");
        insta::assert_snapshot!(error(&options("http://me:secret@host/engine-rest")), @"engine.url: user and password do not belong here, where logs show them, but to username and password beside it; expected an address like http://localhost:8080/engine-rest, found http://host/engine-rest");
        insta::assert_snapshot!(error(&options("http://host/engine-rest?a=b")), @"engine.url: it must have no query (?) and no fragment (#); expected an address like http://localhost:8080/engine-rest, found http://host/engine-rest?a=b");
    }

    #[test]
    fn headers_that_cannot_be_sent_are_refused_without_showing_their_value() {
        let with = |name: &str, value: &str| RestOptions {
            headers: vec![(name.into(), secret(value))],
            ..options("http://host/engine-rest")
        };
        insta::assert_snapshot!(error(&with("X Y", "secret")), @r#"engine.headers."X Y": no name of an HTTP header"#);
        insta::assert_snapshot!(error(&with("X-Token", "sec\nret")), @"engine.headers.X-Token: no HTTP header value: expected ASCII text on one line");
        insta::assert_snapshot!(error(&with("content-type", "text/plain")), @"engine.headers.content-type: Fetchlock sets this header itself: leave it out");
        insta::assert_snapshot!(error(&RestOptions { login: basic("me"), ..with("Authorization", "Bearer secret") }), @"engine.headers.Authorization: it contradicts the engine's login");
    }

    #[test]
    fn a_user_with_a_colon_and_a_limit_of_zero_are_refused() {
        insta::assert_snapshot!(error(&RestOptions { login: basic("a:b"), ..options("http://host") }), @"engine.username: HTTP basic authentication cannot carry a name with a colon");
        let zero = RestOptions { request_timeout: Duration::ZERO, ..options("http://host") };
        insta::assert_snapshot!(error(&zero), @"engine.request-timeout: it must be more than zero");
    }

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let mut options = options("http://host/engine-rest");
        options.login = basic("me");
        options.headers = vec![("X-Token".into(), secret("secret"))];
        let text = format!("{options:?}");
        assert!(text.contains("me") && text.contains("X-Token") && !text.contains("secret"), "{text}");
    }
}
