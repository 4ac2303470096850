//! TLS of a listener: the certificate that it shows, whose certificates it asks for, and how both are replaced while it serves.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use cordon_core::{Digest, resource::SecretRef};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    certified::{self, Certified, Pair, TlsError},
    upstream::Environment,
};

/// Where the parts of a listener's TLS are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsParts {
    /// The listener's certificate and those between it and a root, in PEM, the listener's own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: SecretRef,
    /// Whose certificates callers must show, in PEM; without it they need none.
    pub client_ca: Option<PathBuf>,
}

/// The TLS of a listener. Connections begin with what is in force then, and keep it.
#[derive(Clone)]
pub struct ServerTls(Arc<Inner>);

struct Inner {
    parts: TlsParts,
    environment: Environment,
    protocols: Vec<Vec<u8>>,
    force: ArcSwap<Force>,
    /// What was last tried and did not do: it is not told again.
    refused: Mutex<Option<Digest>>,
}

struct Force {
    acceptor: TlsAcceptor,
    /// Of all that was read.
    read: Digest,
    certificate: Digest,
}

/// What came of a look at the files.
#[derive(Debug)]
pub enum Refreshed {
    /// They are as they were.
    Same,
    /// What is in them is in force for new connections.
    Replaced,
    /// They changed and cannot be used; what was in force stays.
    Refused(TlsError),
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ServerTls").field(&self.0.parts).finish()
    }
}

impl ServerTls {
    /// Reads the parts. `protocols` are those of ALPN (RFC 7301), the preferred one first. It reads files, and blocks.
    ///
    /// # Errors
    /// When one cannot be used.
    pub fn open(parts: TlsParts, environment: &Environment, protocols: &[&str]) -> Result<Self, TlsError> {
        let protocols: Vec<Vec<u8>> = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let force = Read::of(&parts, environment)?.in_force(&parts, &protocols)?;
        Ok(Self(Arc::new(Inner {
            parts,
            environment: environment.clone(),
            protocols,
            force: ArcSwap::from_pointee(force),
            refused: Mutex::default(),
        })))
    }

    /// Looks at the files, and takes over what has changed there. It blocks.
    pub fn refresh(&self) -> Refreshed {
        let inner = &self.0;
        let mut refused = inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let read = match Read::of(&inner.parts, &inner.environment) {
            Ok(read) => read,
            // Unreadable is a state too: it is told once.
            Err(error) => {
                let state = Digest::sha256(error.to_string().as_bytes());
                return if refused.replace(state) == Some(state) {
                    Refreshed::Same
                } else {
                    Refreshed::Refused(error)
                };
            }
        };
        let digest = read.digest();
        if inner.force.load().read == digest {
            *refused = None;
            return Refreshed::Same;
        }
        if *refused == Some(digest) {
            return Refreshed::Same;
        }
        match read.in_force(&inner.parts, &inner.protocols) {
            Ok(force) => {
                inner.force.store(Arc::new(force));
                *refused = None;
                Refreshed::Replaced
            }
            Err(error) => {
                *refused = Some(digest);
                Refreshed::Refused(error)
            }
        }
    }

    /// The SHA-256 of the certificate in force, as DER.
    pub fn certificate(&self) -> Digest {
        self.0.force.load().certificate
    }

    /// Makes a connection of a socket: the handshake, within this time.
    ///
    /// # Errors
    /// When the caller speaks no TLS, has no certificate that is taken, or is too slow.
    pub async fn accept<S>(&self, socket: S, within: Duration) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.0.force.load().acceptor.clone().accept(socket);
        tokio::time::timeout(within, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// What the files hold.
struct Read {
    pair: Pair,
    client_ca: Option<Vec<u8>>,
}

impl Read {
    fn of(parts: &TlsParts, environment: &Environment) -> Result<Self, TlsError> {
        Ok(Self {
            pair: Pair::read(&parts.certificate, &parts.key, environment)?,
            client_ca: parts.client_ca.as_deref().map(certified::file).transpose()?,
        })
    }

    /// Of all of it, so that a change is noticed without keeping the key.
    fn digest(&self) -> Digest {
        let ca = Digest::sha256(self.client_ca.as_deref().unwrap_or_default());
        Digest::sha256([self.pair.digest(), ca].map(|part| part.to_string()).concat().as_bytes())
    }

    fn in_force(&self, parts: &TlsParts, protocols: &[Vec<u8>]) -> Result<Force, TlsError> {
        let Certified { own, chain, key } = self.pair.certified(&parts.certificate, &parts.key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?;
        let builder = match (&self.client_ca, &parts.client_ca) {
            (Some(pem), Some(path)) => {
                let wrong = |why: String| TlsError::ClientCa { path: path.clone(), why };
                let mut roots = RootCertStore::empty();
                for authority in certified::certificates(pem).map_err(|error| wrong(error.to_string()))? {
                    roots.add(authority).map_err(|error| wrong(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| wrong(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let pair =
            |source| TlsError::Pair { path: parts.certificate.clone(), key: parts.key.clone(), source };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = protocols.to_vec();
        Ok(Force { acceptor: TlsAcceptor::from(Arc::new(config)), read: self.digest(), certificate: own })
    }
}
