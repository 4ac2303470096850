use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cordon_core::RefusalCode;

use super::address::Class;
use crate::body::CodingError;
use crate::certified::TlsError;

/// The step of a call that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Name resolution, connection, proxy and TLS.
    Connect,
    /// From the request to the head of the answer.
    FirstByte,
    /// Between two pieces of the answer.
    Idle,
    /// The whole answer.
    Total,
}

impl Stage {
    /// The word for records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::FirstByte => "first_byte",
            Self::Idle => "idle",
            Self::Total => "total",
        }
    }
}

/// An upstream call that failed. No variant holds content: hosts come from the configuration, sources from the
/// system's libraries.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Too many connections to this host.
    #[error(
        "`{host}` has {limit} connections already; help: raise the limit, or lower the callers' concurrency"
    )]
    Busy {
        /// The upstream's host.
        host: Arc<str>,
        /// The bound.
        limit: usize,
    },
    /// The certificate that the service should be shown cannot be used.
    #[error("the certificate that `{host}` should be shown cannot be used")]
    ClientCertificate {
        /// The upstream's host.
        host: Arc<str>,
        /// Why.
        source: Box<TlsError>,
    },
    /// The connection ended too early.
    #[error("`{host}` closed the connection before its answer ended")]
    Closed {
        /// The upstream's host.
        host: Arc<str>,
        /// Whether nothing of the request had been written.
        unsent: bool,
        /// What the connection said.
        source: hyper::Error,
    },
    /// The answer's content coding.
    #[error("`{host}` sent an answer that cannot be decoded")]
    Coding {
        /// The upstream's host.
        host: Arc<str>,
        /// What is wrong with it.
        source: CodingError,
    },
    /// No connection.
    #[error("cannot connect to `{host}` port {port}")]
    Connect {
        /// The upstream's host, or the proxy's.
        host: Arc<str>,
        /// Its port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The name has no address.
    #[error("cannot resolve `{host}`")]
    Dns {
        /// The upstream's host, or the proxy's.
        host: Arc<str>,
        /// What the resolver said.
        source: io::Error,
    },
    /// The answer is no HTTP/1.1.
    #[error("`{host}` sent something that is no HTTP answer")]
    Protocol {
        /// The upstream's host.
        host: Arc<str>,
        /// What hyper said; absent for an answer that is HTTP and makes no sense, such as an unasked upgrade.
        source: Option<hyper::Error>,
    },
    /// The proxy made no tunnel.
    #[error("the proxy `{proxy}` made no tunnel to `{host}`")]
    Proxy {
        /// The upstream's host.
        host: Arc<str>,
        /// The proxy's host.
        proxy: Arc<str>,
        /// What it said, by kind; never its words.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Every address of the name is one that the service may not use.
    #[error(
        "`{host}` resolves to {address} ({class}), which this service may not use; help: where that is meant, say \
         `private_network: true` in the service"
    )]
    Refused {
        /// The upstream's host.
        host: Arc<str>,
        /// The first refused address.
        address: IpAddr,
        /// Why.
        class: Class,
    },
    /// A step took too long.
    #[error("`{host}` took longer than {limit:?} ({})", .stage.as_str())]
    Timeout {
        /// The upstream's host.
        host: Arc<str>,
        /// The step.
        stage: Stage,
        /// Its bound.
        limit: Duration,
    },
    /// No trusted TLS connection.
    #[error("no trusted TLS connection to `{host}`")]
    Tls {
        /// The upstream's host, or the proxy's.
        host: Arc<str>,
        /// What rustls said.
        source: io::Error,
    },
    /// The answer is too large.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// The upstream's host.
        host: Arc<str>,
        /// The bound in bytes.
        limit: u64,
    },
}

impl UpstreamError {
    /// What the caller is told.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Busy { .. }
            | Self::ClientCertificate { .. }
            | Self::Connect { .. }
            | Self::Dns { .. }
            | Self::Proxy { .. }
            | Self::Refused { .. }
            | Self::Tls { .. } => RefusalCode::UpstreamUnavailable,
            Self::Closed { .. } | Self::Coding { .. } | Self::Protocol { .. } | Self::TooLarge { .. } => {
                RefusalCode::UpstreamFailed
            }
            Self::Timeout { .. } => RefusalCode::UpstreamTimeout,
        }
    }

    /// The word for records and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::ClientCertificate { .. } => "client_certificate",
            Self::Closed { .. } => "closed",
            Self::Coding { .. } => "coding",
            Self::Connect { .. } => "connect",
            Self::Dns { .. } => "dns",
            Self::Protocol { .. } => "protocol",
            Self::Proxy { .. } => "proxy",
            Self::Refused { .. } => "refused_address",
            Self::Timeout { stage, .. } => match stage {
                Stage::Connect => "timeout_connect",
                Stage::FirstByte => "timeout_first_byte",
                Stage::Idle => "timeout_idle",
                Stage::Total => "timeout_total",
            },
            Self::Tls { .. } => "tls",
            Self::TooLarge { .. } => "too_large",
        }
    }

    /// Whether the upstream cannot have seen a byte of the request, so that another target may be tried.
    pub const fn is_unsent(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::ClientCertificate { .. }
            | Self::Connect { .. }
            | Self::Dns { .. }
            | Self::Proxy { .. }
            | Self::Refused { .. }
            | Self::Timeout { stage: Stage::Connect, .. }
            | Self::Tls { .. } => true,
            Self::Closed { unsent, .. } => *unsent,
            Self::Coding { .. } | Self::Protocol { .. } | Self::Timeout { .. } | Self::TooLarge { .. } => {
                false
            }
        }
    }

    /// What hyper's error means, said of this host.
    pub(super) fn of_hyper(host: &Arc<str>, source: hyper::Error, unsent: bool) -> Self {
        let host = Arc::clone(host);
        let malformed = source.is_parse()
            || causes(&source).any(|cause| {
                cause.downcast_ref::<io::Error>().is_some_and(|io| {
                    matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
                })
            });
        if malformed {
            Self::Protocol { host, source: Some(source) }
        } else {
            Self::Closed { host, unsent, source }
        }
    }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
