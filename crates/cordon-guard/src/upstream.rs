//! The way to a service: one pooled HTTP/1.1 client for all upstream calls.
//!
//! It connects only to addresses that the service may have, checked on the very address it connects to; sends headers
//! from a short list, the service's own credential, and a body that was written anew; never follows a redirect; bounds
//! every step in time and size; and closes the connection when the answer is dropped before its end.
//!
//! Connections are kept by scheme, host, port and reach. A request is sent again only when a kept connection turns out
//! to be closed before a byte was written.
//!
//! ```no_run
//! use cordon_guard::upstream::*;
//! # async fn example(service: &cordon_core::resource::ServiceSpec) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(&ClientConfig::default())?;
//! let endpoint = Endpoint::of(service, &Environment::of_process())?;
//! let answer = client
//!     .send(&endpoint, UpstreamRequest {
//!         method: http::Method::POST,
//!         path: "/chat/completions",
//!         body: r#"{"model":"m","messages":[]}"#.into(),
//!         accept: Accept::Json,
//!         headers: Vec::new(),
//!         trace: Trace::default(),
//!     })
//!     .await?;
//! let body = answer.body.collect(1 << 20).await?;
//! # Ok(()) }
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cordon_core::Digest;
use http::StatusCode;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use crate::certified::TlsError;

mod address;
mod client_certificate;
mod connect;
mod endpoint;
mod error;
mod pool;
mod proxy;
mod request;
mod response;
mod secret;
mod tls;

pub use address::{Class, Reach};
pub use connect::{Lookup, Resolver};
pub use endpoint::{AnswerLimits, Endpoint, EndpointError, Timeouts};
pub use error::{Stage, UpstreamError};
pub use pool::PoolLimits;
pub use proxy::{ProxyEnv, ProxyError};
pub use request::{Accept, Trace, UpstreamRequest, authorization};
pub use response::{Timing, UpstreamBody, UpstreamResponse};
pub use secret::{Environment, Scheme, SecretError, SecretSource, SecretWarning};
pub use tls::{Trust, TrustError};

/// Kept connections tried for one request before a new one is made: each was closed before a byte was sent.
const MAX_STALE: usize = 3;

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The operator's proxies.
    pub proxies: ProxyEnv,
    /// PEM certificates that are trusted beside the machine's.
    pub ca_bundle: Option<PathBuf>,
    /// How many connections are kept, and for how long.
    pub pool: PoolLimits,
    /// How names become addresses.
    pub resolver: Resolver,
    /// The one certificate that is trusted, whatever its name and its authority: the SHA-256 of its DER.
    pub pinned: Option<Digest>,
}

impl Default for ClientConfig {
    /// No proxy, the machine's trust and resolver.
    fn default() -> Self {
        Self {
            proxies: ProxyEnv::default(),
            ca_bundle: None,
            pool: PoolLimits::default(),
            resolver: Resolver::Machine,
            pinned: None,
        }
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A proxy setting.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The trust store.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// The client of all upstream calls. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connector: connect::Connector,
    pool: pool::Pool,
    proxies: proxy::Proxies,
    trust: Trust,
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Open ones.
    pub open: usize,
    /// Those of them that wait for the next call.
    pub idle: usize,
}

impl Client {
    /// A client without connections. Reads the trust store; files, no network.
    ///
    /// # Errors
    /// For a proxy setting or a CA bundle that cannot be used.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let proxies = proxy::Proxies::new(&config.proxies)?;
        let (tls, trust) = tls::client_config(config.ca_bundle.as_deref(), config.pinned)?;
        let connector = connect::Connector { resolver: config.resolver.clone(), tls };
        Ok(Self { inner: Arc::new(Inner { connector, pool: pool::Pool::new(config.pool), proxies, trust }) })
    }

    /// How many certificates are trusted.
    pub fn trust(&self) -> Trust {
        self.inner.trust
    }

    /// How many connections there are at the moment.
    pub fn census(&self) -> Census {
        let (open, idle) = self.inner.pool.census();
        Census { open, idle }
    }

    /// Whether the certificate that this endpoint should be shown can be used, and what a person should mend about its key. It
    /// reads files, and blocks.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn check_certificate(&self, endpoint: &Endpoint) -> Result<Option<SecretWarning>, TlsError> {
        let shown = endpoint.key().shown.as_ref();
        shown.map_or(Ok(None), |shown| shown.check(&self.inner.connector.tls))
    }

    /// A new TLS connection to a host for another protocol than HTTP, by the same rules: the address is checked, the name is
    /// verified. It is not pooled and goes through no proxy.
    ///
    /// # Errors
    /// When the host is not reached `within` this time, may not be, or is not who it should be.
    pub async fn connect_tls(
        &self,
        host: &str,
        port: u16,
        reach: Reach,
        within: Duration,
    ) -> Result<TlsStream<TcpStream>, UpstreamError> {
        let host: Arc<str> = host.to_ascii_lowercase().into();
        let connecting = self.inner.connector.bare_tls(&host, port, reach);
        timeout(within, connecting).await.unwrap_or_else(|_| {
            Err(UpstreamError::Timeout { host: Arc::clone(&host), stage: Stage::Connect, limit: within })
        })
    }

    /// Sends a request and waits for the head of the answer. Dropping the future cancels the call and closes its
    /// connection.
    ///
    /// # Errors
    /// [`UpstreamError`]; [`UpstreamError::is_unsent`] says whether another target may be tried.
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        request: UpstreamRequest<'_>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        self.send_within(endpoint, request, None).await
    }

    /// As [`Client::send`], and the whole answer takes no longer than `within`, where that is shorter than what the
    /// endpoint allows.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_within(
        &self,
        endpoint: &Endpoint,
        request: UpstreamRequest<'_>,
        within: Option<Duration>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let host = self.inner.pool.host(endpoint.key(), &self.inner.proxies);
        let message = request::message(endpoint, &host.way, request);
        let timeouts = endpoint.timeouts().within(within);
        let (head, body, timing) = self.answer(endpoint, timeouts, host, message).await?;
        Ok(UpstreamResponse {
            status: head.status,
            headers: response::kept_headers(&head.headers),
            body,
            timing,
        })
    }

    /// Sends a request of Cordon's own to a service of the operator that speaks something else than the calls do, such as
    /// an object store: its headers go as they are, beside `Host`, and the answer's come back as they are. Of its URI
    /// only path and query count: it goes to the endpoint and nowhere else. Nothing of a caller belongs in here.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let host = self.inner.pool.host(endpoint.key(), &self.inner.proxies);
        let message = request::own(endpoint, &host.way, request);
        let (head, body, _) = self.answer(endpoint, endpoint.timeouts(), host, message).await?;
        Ok(http::Response::from_parts(head, body))
    }

    async fn answer(
        &self,
        endpoint: &Endpoint,
        timeouts: Timeouts,
        host: Arc<pool::Host>,
        message: Option<request::Message>,
    ) -> Result<(http::response::Parts, UpstreamBody, Timing), UpstreamError> {
        let began = Instant::now();
        let late = |stage, limit| UpstreamError::Timeout { host: Arc::clone(&host.key.host), stage, limit };
        let unwritable = || UpstreamError::Protocol { host: Arc::clone(&host.key.host), source: None };
        let mut message = message.ok_or_else(unwritable)?;
        let mut stale = 0;
        loop {
            let kept = if stale < MAX_STALE { host.checkout() } else { None };
            let (mut sender, connect) = match kept {
                Some(sender) => (sender, None),
                None => {
                    // A new connection is rare: on the heap it keeps every call's future small.
                    let opening = Box::pin(host.open(&self.inner.connector));
                    let sender = timeout(timeouts.connect.min(timeouts.total), opening)
                        .await
                        .map_err(|_| late(Stage::Connect, timeouts.connect))??;
                    (sender, Some(began.elapsed()))
                }
            };
            let sent = Instant::now();
            let left = (began + timeouts.total).saturating_duration_since(sent);
            let (bound, stage, limit) = if left < timeouts.first_byte {
                (left, Stage::Total, timeouts.total)
            } else {
                (timeouts.first_byte, Stage::FirstByte, timeouts.first_byte)
            };
            let answer =
                timeout(bound, sender.try_send_request(message)).await.map_err(|_| late(stage, limit))?;
            match answer {
                Ok(answer) => {
                    let timing = Timing { connect, first_byte: sent.elapsed() };
                    return accept(answer, host, sender, endpoint, (timeouts, began), timing);
                }
                Err(mut failure) => match failure.take_message() {
                    Some(unsent) if connect.is_none() => {
                        message = unsent;
                        stale += 1;
                    }
                    unsent => {
                        return Err(UpstreamError::of_hyper(
                            &host.key.host,
                            failure.into_error(),
                            unsent.is_some(),
                        ));
                    }
                },
            }
        }
    }
}

fn accept(
    answer: http::Response<hyper::body::Incoming>,
    host: Arc<pool::Host>,
    sender: pool::Sender,
    endpoint: &Endpoint,
    times: (Timeouts, Instant),
    timing: Timing,
) -> Result<(http::response::Parts, UpstreamBody, Timing), UpstreamError> {
    let (head, incoming) = answer.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for another protocol.
        return Err(UpstreamError::Protocol { host: Arc::clone(&host.key.host), source: None });
    }
    let body = UpstreamBody::new(incoming, host, sender, &head.headers, endpoint.limits(), times)?;
    Ok((head, body, timing))
}

#[cfg(test)]
#[path = "upstream/tests.rs"]
mod tests;
