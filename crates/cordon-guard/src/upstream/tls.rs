//! Trust: the machine's roots and an optional private CA bundle, with one crypto provider.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_core::Digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

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

/// The TLS settings of all connections of a client: HTTP/1.1 alone, names always verified, or one certificate and no other.
pub(super) fn client_config(
    bundle: Option<&Path>,
    pinned: Option<Digest>,
) -> Result<(Arc<ClientConfig>, Trust), TrustError> {
    let (roots, trust) = roots(bundle)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Provider)?;
    let builder = match pinned {
        Some(certificate) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Pinned { certificate, provider }))
        }
        None => builder.with_root_certificates(roots),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), trust))
}

/// Takes one certificate: whoever shows it must prove, as always, to have its key.
#[derive(Debug)]
struct Pinned {
    certificate: Digest,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Digest::sha256(shown) == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
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
