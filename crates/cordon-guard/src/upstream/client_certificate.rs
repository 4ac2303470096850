//! The certificate that a service is shown: read when a connection is made, so that a replaced one is shown from then on.

use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cordon_core::{Digest, resource::ClientCertificate};
use rustls::ClientConfig;
use rustls::client::Resumption;

use super::{Environment, SecretWarning, secret};
use crate::certified::{Certified, Pair, TlsError};

/// Sessions that are remembered for one certificate: a handful of hosts.
const SESSIONS: usize = 32;

/// A certificate to be shown, and what was last made of its files. Two are equal when their files are the same.
#[derive(Clone)]
pub(super) struct Shown(Arc<Inner>);

struct Inner {
    spec: ClientCertificate,
    environment: Environment,
    held: Mutex<Option<Held>>,
}

/// The digest of what was read, and what it means for a connection.
type Held = (Digest, Arc<ClientConfig>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shown").field(&self.0.spec).finish()
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.0.spec == other.0.spec
    }
}

impl Eq for Shown {}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.spec.hash(state);
    }
}

impl Shown {
    pub(super) fn new(spec: ClientCertificate, environment: Environment) -> Self {
        Self(Arc::new(Inner { spec, environment, held: Mutex::default() }))
    }

    /// Whether it can be shown, and what a person should mend about its key.
    pub(super) fn check(&self, base: &ClientConfig) -> Result<Option<SecretWarning>, TlsError> {
        self.read(base, None)?;
        Ok(secret::warning(&self.0.spec.key))
    }

    /// The settings of a new connection on which it is shown, for one that rests on these. While its files are being
    /// replaced, one by one, what they held before is shown.
    pub(super) fn config(&self, base: &ClientConfig) -> Result<Arc<ClientConfig>, TlsError> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        match self.read(base, held.as_ref()) {
            Ok(now) => Ok(Arc::clone(&held.insert(now).1)),
            Err(error) => match &*held {
                Some((_, before)) => {
                    tracing::warn!(
                        certificate = self.0.spec.certificate,
                        why = %error,
                        "a client certificate cannot be used; the one before is shown"
                    );
                    Ok(Arc::clone(before))
                }
                None => Err(error),
            },
        }
    }

    fn read(&self, base: &ClientConfig, held: Option<&Held>) -> Result<Held, TlsError> {
        let Inner { spec, environment, .. } = &*self.0;
        let path = Path::new(&spec.certificate);
        let pair = Pair::read(path, &spec.key, environment)?;
        let digest = pair.digest();
        if let Some((_, config)) = held.filter(|(read, _)| *read == digest) {
            return Ok((digest, Arc::clone(config)));
        }
        let Certified { chain, key, .. } = pair.certified(path, &spec.key)?;
        let wrong = |source| TlsError::Pair { path: path.to_owned(), key: spec.key.clone(), source };
        let certified = rustls::sign::CertifiedKey::from_der(chain, key, base.crypto_provider());
        let mut config = base.clone();
        config.client_auth_cert_resolver =
            Arc::new(rustls::sign::SingleCertAndKey::from(certified.map_err(wrong)?));
        // A session of somebody else's must not be taken up under this name, nor this one's under another.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok((digest, Arc::new(config)))
    }
}
