//! A private certificate authority, and a TLS front that stands before a plain server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An authority that nobody knows.
pub struct PrivateCa {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, both in PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl PrivateCa {
    /// A new authority.
    ///
    /// # Errors
    /// No key can be made.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        Ok(Self { certificate: params.self_signed(&key)?, issuer: Issuer::new(params, key) })
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Makes a certificate for a host name, an address or a client.
    ///
    /// # Errors
    /// The name cannot be in a certificate.
    pub fn issue(&self, name: &str) -> Result<Issued> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        Ok(Issued { certificate: params.signed_by(&key, &self.issuer)?.pem(), key: key.serialize_pem() })
    }

    /// How a server with a certificate of this authority for 127.0.0.1 speaks TLS.
    fn acceptor(&self, wants_client_certificate: bool) -> Result<TlsAcceptor> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = if wants_client_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        Ok(TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key)?)))
    }
}

/// A TLS server on a free loopback port that passes everything on; it ends with its owner.
pub struct TlsFront {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl TlsFront {
    /// Starts before `upstream`, with a certificate of this authority. Without a client's certificate of the same
    /// authority it may refuse connections.
    ///
    /// # Errors
    /// No port can be bound, or the certificates do not fit.
    pub async fn start(ca: &PrivateCa, upstream: SocketAddr, wants_client_certificate: bool) -> Result<Self> {
        let acceptor = ca.acceptor(wants_client_certificate)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free loopback port")?;
        let address = listener.local_addr().context("the address of a bound port")?;
        let server = tokio::spawn(async move {
            // Connections end with the server: they are its own tasks.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    // A client that is refused, or leaves, is what tests are about.
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
                    copy_bidirectional(&mut client, &mut server).await.ok();
                });
            }
        });
        Ok(Self { address, server })
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An https address of it, with `path` behind the port.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.server.abort();
    }
}
