//! Certificates from files: the authorities to trust, and this host's own identity.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, Identity};
use rustls::{
    Error as TlsError,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::{RestEngineError, Unusable};
use crate::{
    certificates::{authorities, certificates, read},
    setting_key::SettingKey,
};

/// Where certificates come from; they are read when the engine's client is made.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Authorities that are trusted besides the system's, in PEM.
    pub authorities: Option<PathBuf>,
    /// This host's own certificate and its private key, both in PEM.
    pub identity: Option<IdentityFiles>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The private key, not encrypted.
    pub key: PathBuf,
}

/// Certificates as the HTTP client takes them.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) authorities: Vec<Certificate>,
    pub(super) identity: Option<Identity>,
}

impl TlsFiles {
    /// Reads the files. `table` is the engine's table in the settings.
    pub(super) fn read(&self, table: &SettingKey) -> Result<Tls, RestEngineError> {
        let authorities = match &self.authorities {
            Some(path) => authorities(path).map_err(|why| unusable(table.of("tls").of("ca-file"), path, why))?,
            None => Vec::new(),
        };
        let identity = self.identity.as_ref().map(|files| identity(files, table)).transpose()?;
        Ok(Tls { authorities, identity })
    }
}

fn identity(files: &IdentityFiles, table: &SettingKey) -> Result<Identity, RestEngineError> {
    let of_certificate = |why| unusable(table.of("tls").of("client-certificate"), &files.certificate, why);
    let of_key = |why| unusable(table.of("tls").of("client-key"), &files.key, why);
    let (mut pem, chain) = certificates(&files.certificate).map_err(of_certificate)?;
    let key_pem = read(&files.key).map_err(of_key)?;
    let key = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|_| of_key("holds no private key in PEM, or an encrypted one, which is not supported".into()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        TlsError::InconsistentKeys(_) => {
            of_key(format!("does not belong to the certificate in {}", files.certificate.display()))
        }
        other => of_certificate(format!("cannot be used with its key: {other}")),
    })?;
    pem.push(b'\n');
    pem.extend_from_slice(&key_pem);
    Identity::from_pem(&pem).map_err(|error| of_certificate(format!("cannot be used: {error}")))
}

/// The error about a file that is read at the start.
pub(super) fn unusable(key: SettingKey, path: &Path, why: String) -> RestEngineError {
    RestEngineError { key, why: Unusable::File { path: path.display().to_string(), why } }
}
