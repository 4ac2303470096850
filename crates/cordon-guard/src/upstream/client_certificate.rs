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
    held: Mutex<Option<(Digest, Arc<ClientConfig>)>>,
}

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
        self.config(base)?;
        Ok(secret::warning(&self.0.spec.key))
    }

    /// The settings of a new connection on which it is shown, for one that rests on these.
    pub(super) fn config(&self, base: &ClientConfig) -> Result<Arc<ClientConfig>, TlsError> {
        let Inner { spec, environment, held } = &*self.0;
        let path = Path::new(&spec.certificate);
        let pair = Pair::read(path, &spec.key, environment)?;
        let digest = pair.digest();
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = held.as_ref().filter(|(read, _)| *read == digest) {
            return Ok(Arc::clone(config));
        }
        let Certified { chain, key, .. } = pair.certified(path, &spec.key)?;
        let wrong = |source| TlsError::Pair { path: path.to_owned(), key: spec.key.clone(), source };
        let certified = rustls::sign::CertifiedKey::from_der(chain, key, base.crypto_provider());
        let mut config = base.clone();
        config.client_auth_cert_resolver =
            Arc::new(rustls::sign::SingleCertAndKey::from(certified.map_err(wrong)?));
        // A session of somebody else's must not be taken up under this name, nor this one's under another.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let config = Arc::new(config);
        *held = Some((digest, Arc::clone(&config)));
        Ok(config)
    }
}
