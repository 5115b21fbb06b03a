//! Certificates from files in PEM, read at the start.

use std::{fs, path::Path};

use reqwest::Certificate;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The authorities in a file.
///
/// # Errors
/// What is wrong with the file, without its name.
pub(crate) fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let (_, certificates) = certificates(path)?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    certificates
        .iter()
        .map(|it| {
            Certificate::from_der(it).map_err(|error| format!("holds a certificate that cannot be used: {error}"))
        })
        .collect()
}

/// The bytes of a file and the certificates in it, of which there is at least one.
pub(crate) fn certificates(path: &Path) -> Result<(Vec<u8>, Vec<CertificateDer<'static>>), String> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found.map_err(|error| format!("is damaged: {error}"))? {
        none if none.is_empty() => Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".into()),
        certificates => Ok((bytes, certificates)),
    }
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}
