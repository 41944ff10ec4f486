//! Certificates, as the configuration names them.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate with its key and the hosts it is for.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    hosts: Vec<String>,
}

impl fmt::Debug for Certificate {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.hosts).finish()
    }
}

impl PartialEq for Certificate {
    /// A certificate has one key.
    fn eq(&self, other: &Certificate) -> bool {
        self.key.cert == other.key.cert && self.hosts == other.hosts
    }
}

impl Certificate {
    /// From a chain and a private key in PEM.
    ///
    /// # Errors
    /// One of them cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8], hosts: Vec<String>) -> Result<Certificate, String> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| "the file of the key holds no private key in PEM".to_owned())?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|error| format!("certificate and key do not belong together: {error}"))?;
        Ok(Certificate {
            key: Arc::new(key),
            hosts,
        })
    }
}

/// The client certificate for a server that asks for one.
pub(crate) fn shown(certificate: &Certificate) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(certificate.key.clone()))
}

/// All certificates of a PEM text.
///
/// # Errors
/// There is none, or one cannot be read.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err("holds no certificate in PEM".to_owned()),
    }
}

/// How a listener speaks TLS: 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, the certificate by SNI. The
/// first certificate is for clients that name no host, or an unknown one.
///
/// # Errors
/// There is no certificate.
pub fn server(certificates: &[Certificate]) -> Result<ServerConfig, String> {
    let first = certificates.first().ok_or("a certificate is missing")?;
    let named = certificates.iter().flat_map(|of| {
        of.hosts
            .iter()
            .map(|host| (host.to_ascii_lowercase(), of.key.clone()))
    });
    let by_host = ByHost {
        hosts: named.collect(),
        first: first.key.clone(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error: rustls::Error| error.to_string())?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(by_host));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

struct ByHost {
    hosts: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl fmt::Debug for ByHost {
    /// Leaves the keys out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hosts.keys()).finish()
    }
}

impl ResolvesServerCert for ByHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello
            .server_name()
            .and_then(|name| self.hosts.get(&name.to_ascii_lowercase()));
        Some(named.unwrap_or(&self.first).clone())
    }
}
