//! Trust: the machine's roots and an optional private CA bundle, with one crypto provider.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// How many certificates are trusted, for the log and for `cordon doctor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// From the machine's store, or from where `SSL_CERT_FILE` and `SSL_CERT_DIR` point.
    pub machine: usize,
    /// From the private CA bundle.
    pub private: usize,
    /// Entries of the machine's store that could not be read.
    pub unusable: usize,
}

/// A trust store that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The bundle cannot be read.
    #[error("cannot read the CA bundle `{path}`")]
    Bundle {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// A certificate of the bundle is no CA certificate that rustls takes.
    #[error("the CA bundle `{path}` has a certificate that cannot be trusted")]
    Certificate {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The bundle has no certificate.
    #[error("the CA bundle `{0}` has no certificate; help: PEM, `-----BEGIN CERTIFICATE-----`")]
    Empty(PathBuf),
    /// The crypto provider offers no protocol version.
    #[error("the crypto provider cannot be used")]
    Provider(#[source] rustls::Error),
}

/// The TLS settings of all upstream connections: HTTP/1.1 alone, names always verified.
pub(super) fn client_config(bundle: Option<&Path>) -> Result<(Arc<ClientConfig>, Trust), TrustError> {
    let (roots, trust) = roots(bundle)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), trust))
}

fn roots(bundle: Option<&Path>) -> Result<(RootCertStore, Trust), TrustError> {
    let mut roots = RootCertStore::empty();
    let machine = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(machine.certs);
    let mut trust = Trust { machine: added, private: 0, unusable: ignored + machine.errors.len() };
    if let Some(path) = bundle {
        let unreadable = |source| TrustError::Bundle { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            roots
                .add(certificate.map_err(unreadable)?)
                .map_err(|source| TrustError::Certificate { path: path.to_owned(), source })?;
            trust.private += 1;
        }
        if trust.private == 0 {
            return Err(TrustError::Empty(path.to_owned()));
        }
    }
    Ok((roots, trust))
}
