//! A certificate and its private key, in PEM: what a listener shows its callers, and what Cordon shows a service.

use std::{
    io,
    path::{Path, PathBuf},
};

use cordon_core::{Digest, resource::SecretRef};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};
use zeroize::Zeroizing;

use crate::upstream::Environment;

/// Largest file of certificates or keys.
const MAX_FILE: u64 = 1 << 20;

/// Certificates or a key that cannot be used. Nothing of the key is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is too large to be what it should be.
    #[error("`{0}` is larger than 1 MiB; help: one certificate with its chain, or one key, in PEM")]
    TooLarge(PathBuf),
    /// A certificate cannot be read.
    #[error("`{path}` has no certificate that can be read; help: PEM, `-----BEGIN CERTIFICATE-----`")]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// There is no key, or one that cannot be read.
    #[error("`{0}` has no private key that can be read; help: PEM, PKCS#8, PKCS#1 or SEC1, not encrypted")]
    Key(SecretRef),
    /// The environment variable is absent.
    #[error("`{0}` is not set; help: set it before the server starts")]
    Missing(SecretRef),
    /// Key and certificate do not belong together, or are of a kind that is not supported.
    #[error("the certificate `{path}` and the key `{key}` cannot be used together")]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// The key.
        key: SecretRef,
        /// Why.
        source: rustls::Error,
    },
    /// Nobody's certificate would be taken.
    #[error("`{path}` has no authority that can vouch for callers: {why}")]
    ClientCa {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The crypto provider offers no protocol version.
    #[error("the crypto provider cannot be used")]
    Provider(#[source] rustls::Error),
}

/// A certificate and its key as they lie there, not read yet.
pub(crate) struct Pair {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// A certificate that can be shown.
pub(crate) struct Certified {
    /// The SHA-256 of its DER.
    pub(crate) own: Digest,
    /// It, and those between it and a root.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Its key. Whether it belongs to it, rustls sees.
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Pair {
    /// Reads both. It blocks.
    pub(crate) fn read(
        certificate: &Path,
        key: &SecretRef,
        environment: &Environment,
    ) -> Result<Self, TlsError> {
        let key = match key {
            SecretRef::File(path) => file(Path::new(path))?,
            SecretRef::Env(name) => {
                environment.read(name).ok_or_else(|| TlsError::Missing(key.clone()))?.into_bytes()
            }
        };
        Ok(Self { certificate: file(certificate)?, key: Zeroizing::new(key) })
    }

    /// Of both, so that a change is noticed without keeping the key.
    pub(crate) fn digest(&self) -> Digest {
        let parts = [self.certificate.as_slice(), &self.key].map(Digest::sha256);
        Digest::sha256(parts.map(|part| part.to_string()).concat().as_bytes())
    }

    /// What they are; the references are for errors.
    pub(crate) fn certified(&self, path: &Path, key: &SecretRef) -> Result<Certified, TlsError> {
        let unreadable = |source| TlsError::Certificate { path: path.to_owned(), source };
        let chain = certificates(&self.certificate).map_err(unreadable)?;
        let own = chain.first().map(|own| Digest::sha256(own));
        Ok(Certified {
            own: own.ok_or_else(|| unreadable(pem::Error::NoItemsFound))?,
            chain,
            key: PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::Key(key.clone()))?,
        })
    }
}

/// The certificates of a text in PEM.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

/// The bytes of a file of certificates or keys. It blocks.
pub(crate) fn file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Room for all at once, so that no reallocation leaves a copy of a key behind.
    let length = file.metadata().map_err(unreadable)?.len().min(MAX_FILE);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    io::Read::read_to_end(&mut io::Read::take(file, MAX_FILE + 1), &mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}
