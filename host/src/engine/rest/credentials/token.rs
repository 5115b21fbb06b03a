//! A bearer token by OAuth2 client credentials (RFC 6749, 4.4), kept until shortly before it expires.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    RequestBuilder, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use super::{CredentialError, SigningKey, assertion::Signer, sensitive, text, unfit};
use crate::{
    engine::rest::{
        RestEngineError,
        answer::Answer,
        exchange::{Limits, Transport},
    },
    foreign::excerpt,
    secret::{
        HIDDEN, Secret, SecretSource, Text,
        renewed::{Fitness, Renewed},
    },
    setting_key::SettingKey,
};

/// How long before its end a token is renewed, so that no request is under way with an expired one.
const MARGIN: Duration = Duration::from_secs(30);

/// Of a token that lives for a shorter time, this part of its life is the margin.
const MARGIN_PART: u32 = 4;

/// How long a token is taken to live if the server does not tell (RFC 6749, 5.1, lets it be silent).
const UNTOLD_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How long a token that is still good is used after an attempt to renew it has failed, before the next.
const NEXT_ATTEMPT: Duration = Duration::from_secs(5);

/// How long an attempt to renew a token that is still good may take, for one request waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest answer of a token endpoint, in bytes; one with a large token has some thousands.
const MAX_ANSWER: usize = 256 << 10;

/// How many characters of a token endpoint's words an error shows.
const MAX_SHOWN: usize = 500;

/// A secret shorter than this would be found in any text.
const MIN_CONCEALED: usize = 4;

/// The kind of assertion that a signed token is (RFC 7523, 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client gets its token.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: Url,
    /// The client's id there.
    pub client_id: String,
    /// How the client proves itself.
    pub proof: ClientProof,
    /// What else the request says, such as `scope`.
    pub parameters: Vec<(String, String)>,
}

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// By a secret in HTTP Basic authentication.
    SecretInHeader(SecretSource),
    /// By a secret in the body.
    SecretInBody(SecretSource),
    /// By an assertion that it signs.
    PrivateKey(SigningKey),
}

/// The tokens of one client.
pub(in crate::engine::rest) struct TokenSource {
    /// The engine's table in the settings.
    table: SettingKey,
    transport: Transport,
    limits: Limits,
    token_url: Url,
    client_id: String,
    prover: Prover,
    parameters: Vec<(String, String)>,
    token: Renewed<Token, CredentialError>,
    /// [`PATIENCE`], but for tests.
    pub(super) patience: Duration,
}

/// [`ClientProof`] at work.
enum Prover {
    SecretInHeader(Text),
    SecretInBody(Text),
    PrivateKey(Box<Signer>),
}

#[derive(Clone)]
struct Token {
    /// The header that carries it.
    authorization: HeaderValue,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    fn fitness(&self) -> Fitness {
        let now = Instant::now();
        if now < self.renew_at {
            Fitness::Good
        } else if now < self.expires_at {
            Fitness::Due
        } else {
            Fitness::Spent
        }
    }
}

/// A granted token (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

/// A refusal (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

impl TokenSource {
    pub(in crate::engine::rest) fn new(
        options: &ClientCredentials,
        table: &SettingKey,
        transport: Transport,
        limits: Limits,
    ) -> Result<Self, RestEngineError> {
        let own_table = table.of("oauth2");
        let secret = |source| text(own_table.of("client-secret"), source);
        let prover = match &options.proof {
            ClientProof::SecretInHeader(source) => Prover::SecretInHeader(secret(source)?),
            ClientProof::SecretInBody(source) => Prover::SecretInBody(secret(source)?),
            ClientProof::PrivateKey(key) => {
                Prover::PrivateKey(Box::new(Signer::new(key, &own_table, options.token_url.as_str())?))
            }
        };
        Ok(Self {
            table: table.clone(),
            transport,
            limits,
            token_url: options.token_url.clone(),
            client_id: options.client_id.clone(),
            prover,
            parameters: options.parameters.clone(),
            token: Renewed::new(),
            patience: PATIENCE,
        })
    }

    /// The header with a token that is good for a while.
    pub(super) async fn authorization(&self) -> Result<HeaderValue, CredentialError> {
        let token = self.token.get(|had| had.value.fitness(), |last| self.renew(last)).await?;
        Ok(token.authorization)
    }

    /// The token that was had at `had` was not accepted.
    pub(super) async fn refused(&self, had: Instant) {
        let text = match &self.prover {
            Prover::SecretInHeader(text) | Prover::SecretInBody(text) => text,
            Prover::PrivateKey(signer) => &signer.key,
        };
        text.refused(had).await;
        self.token.refused(had).await;
    }

    /// A new token, or the last one for a while if there is none and it is still good.
    async fn renew(&self, last: Option<Token>) -> Result<Token, CredentialError> {
        let result = match &last {
            Some(last) if Instant::now() + self.patience < last.expires_at => self.request_within(self.patience).await,
            _ => self.request().await,
        };
        let error = match result {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        let now = Instant::now();
        match last.filter(|last| now < last.expires_at) {
            Some(last) => {
                let left_s = (last.expires_at - now).as_secs();
                tracing::warn!(left_s, "the engine's token is still good but was not renewed: {error}");
                Ok(Token { renew_at: last.expires_at.min(now + NEXT_ATTEMPT), ..last })
            }
            None => Err(error),
        }
    }

    /// Asks for a token, but not for longer than this.
    async fn request_within(&self, at_most: Duration) -> Result<Token, CredentialError> {
        match timeout(at_most, self.request()).await {
            Ok(result) => result,
            Err(_) => {
                let why = format!("gives no token within {} ms", at_most.as_millis());
                Err(self.error(why, "it is asked again later"))
            }
        }
    }

    /// Asks for a token.
    async fn request(&self) -> Result<Token, CredentialError> {
        let (request, secret) = self.prepared().await?;
        let asked = Instant::now();
        let answer = self.transport.exchange(request, self.limits, MAX_ANSWER).await;
        let answer = answer.map_err(|failure| self.error(failure.to_string(), "nothing is sent before it answers"))?;
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&answer, &secret));
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| self.error("answers 200 without an `access_token`".into(), "check its address"))?;
        let kind = granted.token_type.unwrap_or_else(|| "Bearer".into());
        if !kind.eq_ignore_ascii_case("bearer") {
            let why = format!("gives a token of type {:?}, not \"Bearer\"", excerpt(&kind, MAX_SHOWN));
            return Err(self.error(why, "change that at the server"));
        }
        let authorization = sensitive(&format!("Bearer {}", granted.access_token))
            .ok_or_else(|| self.error("gives a token that no header can carry".into(), "change that at the server"))?;
        let lifetime = granted.expires_in.as_ref().and_then(seconds).unwrap_or(UNTOLD_LIFETIME);
        tracing::debug!(lifetime_s = lifetime.as_secs(), url = %self.token_url, "a new token for the engine");
        // Counted from before the request, for the server has counted from within it.
        let expires_at = asked + lifetime;
        Ok(Token { authorization, renew_at: expires_at - MARGIN.min(lifetime / MARGIN_PART), expires_at })
    }

    /// The request for a token, and the secret in it.
    async fn prepared(&self) -> Result<(RequestBuilder, Secret), CredentialError> {
        let mut request = self.transport.client.post(self.token_url.clone()).header(ACCEPT, "application/json");
        let id = || ("client_id", self.client_id.clone());
        let (proof, secret) = match &self.prover {
            Prover::SecretInHeader(text) => {
                let secret = text.get().await?;
                let value = sensitive(&format!("Basic {}", basic(&self.client_id, secret.reveal())));
                request = request.header(AUTHORIZATION, value.ok_or_else(|| unfit(text))?);
                (Vec::new(), secret)
            }
            Prover::SecretInBody(text) => {
                let secret = text.get().await?;
                (vec![id(), ("client_secret", secret.reveal().to_owned())], secret)
            }
            Prover::PrivateKey(signer) => {
                let assertion = signer.assertion(&self.client_id).await?;
                let kind = ("client_assertion_type", ASSERTION_TYPE.to_owned());
                (vec![id(), kind, ("client_assertion", assertion.reveal().to_owned())], assertion)
            }
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").extend_pairs(&self.parameters).extend_pairs(proof);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish());
        Ok((request, secret))
    }

    fn refusal(&self, answer: &Answer, secret: &Secret) -> CredentialError {
        let status = answer.status.as_u16();
        let Ok(Refused { error, error_description }) = serde_json::from_slice(&answer.body) else {
            return self.error(format!("answers {status}, and not as OAuth2 does"), "check its address");
        };
        let description = error_description.map(|text| format!(": {text}")).unwrap_or_default();
        let mut said = format!("{error}{description}");
        if secret.reveal().len() >= MIN_CONCEALED {
            said = said.replace(secret.reveal(), HIDDEN);
        }
        let advice = match error.as_str() {
            "invalid_client" | "unauthorized_client" => "check client-id and client-secret or private-key",
            "invalid_scope" => "check scope",
            _ => "check the settings of that table",
        };
        self.error(format!("gives no token ({status} {})", excerpt(&said, MAX_SHOWN)), advice)
    }

    fn error(&self, why: String, advice: &str) -> CredentialError {
        let url = self.token_url.to_string();
        CredentialError::Token { table: self.table.clone(), url, why, advice: advice.to_owned() }
    }
}

/// Id and secret for HTTP Basic authentication, each encoded as in a form first (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)))
}

/// A lifetime: a number of seconds, which some servers put into quotes.
fn seconds(told: &Value) -> Option<Duration> {
    let seconds = told.as_u64().or_else(|| told.as_str()?.trim().parse().ok())?;
    // A year is as good as for ever, and cannot overflow a clock.
    Some(Duration::from_secs(seconds.clamp(1, 365 * 24 * 60 * 60)))
}
