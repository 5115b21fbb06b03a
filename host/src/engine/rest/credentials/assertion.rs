//! The assertion with which a client proves itself by its private key instead of a secret (RFC 7523, RFC 7521).

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{CredentialError, text};
use crate::{
    engine::rest::{RestEngineError, tls::unusable},
    secret::{Secret, SecretSource, Text},
    setting_key::SettingKey,
};

/// How long an assertion is good for: it is used at once, and some servers take none that lives longer.
const LIFETIME: Duration = Duration::from_secs(60);

/// How far the server's clock may be behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(10);

/// A private key that the token endpoint knows.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The key in PEM.
    pub key: SecretSource,
    /// The algorithm that it signs with.
    pub algorithm: Algorithm,
    /// The id under which the server knows it.
    pub key_id: Option<String>,
    /// A file with its certificate, if the server knows it by that.
    pub certificate: Option<PathBuf>,
    /// For whom the assertion is meant; none for the token endpoint's address.
    pub audience: Option<String>,
}

/// A key at work.
pub(super) struct Signer {
    pub(super) key: Text,
    setting: SettingKey,
    header: Header,
    audience: String,
}

/// What the assertion says (RFC 7523, 3).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Signer {
    /// Reads what does not change. `table` is the table of the settings.
    pub(super) fn new(options: &SigningKey, table: &SettingKey, token_url: &str) -> Result<Self, RestEngineError> {
        let setting = table.of("private-key");
        let mut header = Header::new(options.algorithm);
        header.kid.clone_from(&options.key_id);
        if let Some(path) = &options.certificate {
            header.x5t_s256 = Some(thumbprint(path).map_err(|why| unusable(table.of("certificate"), path, why))?);
        }
        let audience = options.audience.clone().unwrap_or_else(|| token_url.to_owned());
        Ok(Self { key: text(setting.clone(), &options.key)?, setting, header, audience })
    }

    /// An assertion for one request.
    pub(super) async fn assertion(&self, client_id: &str) -> Result<Secret, CredentialError> {
        let pem = self.key.get().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let issued = now.saturating_sub(CLOCK_SKEW).as_secs();
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: &self.audience,
            jti: Uuid::new_v4().to_string(),
            iat: issued,
            nbf: issued,
            exp: issued + LIFETIME.as_secs(),
        };
        let signed = key(self.header.alg, pem.reveal()).and_then(|key| encode(&self.header, &claims, &key));
        signed.map(Secret::new).map_err(|error| CredentialError::Key {
            setting: self.setting.clone(),
            algorithm: format!("{:?}", self.header.alg),
            why: error.to_string(),
        })
    }
}

fn key(algorithm: Algorithm, pem: &str) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
    match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        // Symmetric ones are for a shared secret, which is no private key.
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Err(jsonwebtoken::errors::ErrorKind::InvalidAlgorithm.into())
        }
    }
}

/// The thumbprint of a certificate (`x5t#S256` of RFC 7515, 4.1.8).
fn thumbprint(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let certificate = CertificateDer::from_pem_slice(&bytes).map_err(|_| "holds no certificate in PEM")?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)))
}
