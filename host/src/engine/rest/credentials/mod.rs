//! What a request proves itself with: the engine's login and the headers of the settings.
//!
//! A text that may change (a file, what a command prints, an OAuth2 token) is had anew when it is due, by one request at
//! a time while the others wait for the same result, or use a token that is still good
//! ([`renewed`](crate::secret::renewed)). If it cannot be had, the request is not sent.

mod assertion;
mod token;

#[cfg(test)]
mod tests;

use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

pub(super) use self::token::TokenSource;
use super::{RestEngineError, Unusable};
use crate::{
    engine::EngineError,
    foreign::escape,
    secret::{SecretError, SecretSource, Text, VariableError},
    setting_key::SettingKey,
};

pub use self::{
    assertion::SigningKey,
    token::{ClientCredentials, ClientProof},
};

/// Values shorter than this are not looked for in the engine's words: they would be found in any text.
const MIN_CONCEALED: usize = 6;

/// The ways to log in at an engine, with texts that are had when they are needed.
pub(super) enum Login {
    None,
    Basic { username: String, password: Text },
    Bearer(Text),
    OAuth2(Box<TokenSource>),
}

/// What every request to an engine carries beside its own headers.
pub(super) struct Credentials {
    pub(super) login: Login,
    pub(super) headers: Vec<(HeaderName, Text)>,
}

/// The headers of one moment.
pub(super) struct Proof {
    /// All of them marked as sensitive, so that no debug text shows them.
    pub(super) headers: HeaderMap,
    had: Instant,
}

/// Why there are no credentials. None of the texts holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CredentialError {
    /// A text that cannot be had.
    #[error("{0}; {advice}", advice = what_helps(.0))]
    Missing(#[from] SecretError),
    /// A text that the request cannot carry.
    #[error("{setting}: the text from {place} {why}")]
    Text { setting: SettingKey, place: String, why: &'static str },
    /// A private key that does not sign.
    #[error("{setting}: no private key for {algorithm} ({why}); expected PEM, PKCS #8, or PKCS #1 for RSA")]
    Key { setting: SettingKey, algorithm: String, why: String },
    /// No token.
    #[error("{table}.oauth2: the token endpoint {url} {why}; {advice}")]
    Token { table: SettingKey, url: String, why: String, advice: String },
}

fn what_helps(error: &SecretError) -> &'static str {
    match error {
        SecretError::File { .. } => "put the text there, nothing is sent before",
        SecretError::Command { .. } => "nothing is sent before it succeeds",
        SecretError::Variable { .. } => "nothing is sent before",
    }
}

/// A text from its source, which is told in messages as `setting`.
pub(super) fn text(setting: SettingKey, source: &SecretSource) -> Result<Text, RestEngineError> {
    Text::new(setting.clone(), source).map_err(|error| unset(setting, error))
}

/// The error about a variable that is read at the start.
pub(super) fn unset(key: SettingKey, error: VariableError) -> RestEngineError {
    RestEngineError { key, why: Unusable::Variable(error) }
}

/// The error for a text that no header can carry.
fn unfit(text: &Text) -> CredentialError {
    let why = "cannot be sent in a header: expected one line without control characters";
    CredentialError::Text { setting: text.setting().clone(), place: text.place(), why }
}

impl From<CredentialError> for EngineError {
    fn from(error: CredentialError) -> Self {
        Self::NoCredentials { message: escape(&error.to_string()) }
    }
}

impl Credentials {
    /// The headers as they are now.
    pub(super) async fn proof(&self) -> Result<Proof, CredentialError> {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let value = text.get().await?;
            headers.append(name, sensitive(value.reveal()).ok_or_else(|| unfit(text))?);
        }
        let authorization = match &self.login {
            Login::None => None,
            Login::Basic { username, password } => {
                let pair = STANDARD.encode(format!("{username}:{}", password.get().await?.reveal()));
                Some(sensitive(&format!("Basic {pair}")).ok_or_else(|| unfit(password))?)
            }
            Login::Bearer(token) => {
                Some(sensitive(&format!("Bearer {}", token.get().await?.reveal())).ok_or_else(|| unfit(token))?)
            }
            Login::OAuth2(tokens) => Some(tokens.authorization().await?),
        };
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        Ok(Proof { headers, had: Instant::now() })
    }

    /// The headers after the engine has refused some: what can be had anew is, if nobody has done so in the meantime.
    pub(super) async fn proof_after_refusal(&self, refused: &Proof) -> Result<Proof, CredentialError> {
        for (_, text) in &self.headers {
            text.refused(refused.had).await;
        }
        match &self.login {
            Login::None => {}
            Login::Basic { password: text, .. } | Login::Bearer(text) => text.refused(refused.had).await,
            Login::OAuth2(tokens) => tokens.refused(refused.had).await,
        }
        self.proof().await
    }
}

impl Proof {
    /// The texts that must not show, should the engine or a proxy repeat them.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let texts = self.headers.values().filter_map(|value| value.to_str().ok());
        let texts = texts.map(|text| text.strip_prefix("Bearer ").or(text.strip_prefix("Basic ")).unwrap_or(text));
        texts.filter(|text| text.len() >= MIN_CONCEALED)
    }
}

/// A header's value that is not shown; none for a text that cannot be one.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
