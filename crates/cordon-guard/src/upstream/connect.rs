//! One new connection: resolve, check the address, connect, go through the proxy, speak TLS.
//!
//! Through a proxy the service's name is the proxy's to resolve, and which addresses it may reach is the proxy's rule;
//! addresses that are written in the configuration are checked in any case.

use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::address::{Class, Reach};
use super::endpoint::{HostKey, Scheme};
use super::error::UpstreamError;
use super::proxy::{Proxy, Way};

/// The next address is tried beside the first after this time ("connection attempt delay", RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses tried for one connection.
const MAX_ADDRESSES: usize = 8;

/// How names become addresses.
#[derive(Clone)]
pub enum Resolver {
    /// As the machine does it.
    Machine,
    /// From a function, for fixed hosts and for tests.
    Table(Arc<Lookup>),
}

/// Gives the addresses of a name.
pub type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Machine => "Machine",
            Self::Table(_) => "Table",
        })
    }
}

impl Resolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        match self {
            Self::Machine => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
            Self::Table(lookup) => {
                Ok(lookup(host)?.into_iter().map(|address| SocketAddr::new(address, port)).collect())
            }
        }
    }
}

/// What new connections are made with.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) resolver: Resolver,
    pub(super) tls: Arc<ClientConfig>,
}

impl Connector {
    /// Connects to a host, ready for HTTP/1.1. Dropping the future ends every attempt.
    pub(super) async fn connect(&self, key: &HostKey, way: &Way) -> Result<Stream, UpstreamError> {
        match way {
            Way::Direct => {
                let tcp = self.tcp(&key.host, key.port, Some(key.reach)).await?;
                match key.scheme {
                    Scheme::Http => Ok(Stream::Plain(tcp)),
                    Scheme::Https => self.service(Stream::Plain(tcp), key).await,
                }
            }
            Way::Forward(proxy) => self.proxy(proxy).await,
            Way::Tunnel(proxy) => {
                let stream = tunnel(self.proxy(proxy).await?, key, proxy).await?;
                self.service(stream, key).await
            }
        }
    }

    /// A TLS connection for another protocol than HTTP, never through a proxy: no protocol is offered by ALPN.
    pub(super) async fn bare_tls(
        &self,
        host: &Arc<str>,
        port: u16,
        reach: Reach,
    ) -> Result<TlsStream<TcpStream>, UpstreamError> {
        let failed = |source| UpstreamError::Tls { host: Arc::clone(host), source };
        let name = server_name(host).map_err(failed)?;
        let tcp = self.tcp(host, port, Some(reach)).await?;
        let mut config = ClientConfig::clone(&self.tls);
        config.alpn_protocols.clear();
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(failed)
    }

    /// A connection to a proxy, which the operator chose and which may be anywhere.
    async fn proxy(&self, proxy: &Proxy) -> Result<Stream, UpstreamError> {
        let tcp = self.tcp(&proxy.host, proxy.port, None).await?;
        match proxy.scheme {
            Scheme::Http => Ok(Stream::Plain(tcp)),
            Scheme::Https => tls(Stream::Plain(tcp), &proxy.host, Arc::clone(&self.tls)).await,
        }
    }

    /// INVARIANT: with a `reach`, only addresses that it allows are connected to; they are not resolved again.
    async fn tcp(
        &self,
        host: &Arc<str>,
        port: u16,
        reach: Option<Reach>,
    ) -> Result<TcpStream, UpstreamError> {
        let dns = |source| UpstreamError::Dns { host: Arc::clone(host), source };
        let found = self.resolver.resolve(host, port).await.map_err(dns)?;
        let Some(first) = found.first().copied() else {
            return Err(dns(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
        };
        let mut allowed = found;
        if let Some(reach) = reach {
            allowed.retain(|address| reach.allows(Class::of(address.ip())));
        }
        if allowed.is_empty() {
            let address = first.ip();
            return Err(UpstreamError::Refused {
                host: Arc::clone(host),
                address,
                class: Class::of(address),
            });
        }
        let tcp = race(interleave(allowed)).await.map_err(|source| UpstreamError::Connect {
            host: Arc::clone(host),
            port,
            source,
        })?;
        // A socket that cannot do without Nagle's delay still works.
        let _ = tcp.set_nodelay(true);
        Ok(tcp)
    }

    /// TLS to the service itself, which is shown the certificate that is meant for it. A proxy on the way is not.
    async fn service(&self, stream: Stream, key: &HostKey) -> Result<Stream, UpstreamError> {
        let config = match &key.shown {
            None => Arc::clone(&self.tls),
            Some(shown) => shown.config(&self.tls).map_err(|source| UpstreamError::ClientCertificate {
                host: Arc::clone(&key.host),
                source: Box::new(source),
            })?,
        };
        tls(stream, &key.host, config).await
    }
}

async fn tls(stream: Stream, host: &Arc<str>, config: Arc<ClientConfig>) -> Result<Stream, UpstreamError> {
    let failed = |source| UpstreamError::Tls { host: Arc::clone(host), source };
    let name = server_name(host).map_err(failed)?;
    let tls = TlsConnector::from(config).connect(name, stream).await.map_err(failed)?;
    Ok(Stream::Tls(Box::new(tls)))
}

fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.trim_end_matches('.').to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The families in turn, the resolver's first choice first (RFC 8305, section 4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut others = others.into_iter();
    let mut order: Vec<_> =
        preferred.into_iter().flat_map(|address| [Some(address), others.next()]).flatten().collect();
    order.extend(others);
    order.truncate(MAX_ADDRESSES);
    order
}

/// The first connection that succeeds; the others end with the set.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [only] = addresses.as_slice() {
        return TcpStream::connect(only).await;
    }
    let mut attempts = JoinSet::new();
    let mut addresses = addresses.into_iter();
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    loop {
        let waits_for_all = match addresses.next() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
                false
            }
            None if attempts.is_empty() => return Err(failure),
            None => true,
        };
        let outcome = if waits_for_all {
            attempts.join_next().await
        } else {
            timeout(ATTEMPT_DELAY, attempts.join_next()).await.unwrap_or_default()
        };
        match outcome {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => failure = error,
            Some(Err(error)) => failure = io::Error::other(error),
            None => {}
        }
    }
}

async fn tunnel(stream: Stream, key: &HostKey, proxy: &Proxy) -> Result<Stream, UpstreamError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| UpstreamError::Proxy {
        host: Arc::clone(&key.host),
        proxy: Arc::clone(&proxy.host),
        source,
    };
    let host = if key.host.contains(':') { format!("[{}]", key.host) } else { key.host.to_string() };
    let target = Uri::builder()
        .scheme("https")
        .authority(format!("{host}:{}", key.port))
        .path_and_query("/")
        .build()
        .map_err(|error| failed(Box::new(error)))?;
    let mut tunnel = Tunnel::new(proxy.uri.clone(), Connected(Some(TokioIo::new(stream))));
    if let Some(authorization) = &proxy.authorization {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    let stream = tunnel.call(target).await.map_err(|error| failed(Box::new(error)))?;
    Ok(stream.into_inner())
}

/// A connector that hands out the connection that there is already.
struct Connected(Option<TokioIo<Stream>>);

impl Service<Uri> for Connected {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// A connection to an upstream or a proxy.
pub(super) enum Stream {
    Plain(TcpStream),
    /// TLS over a connection, or over TLS to a proxy.
    Tls(Box<TlsStream<Stream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let order = interleave(
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].iter().map(|text| text.parse().unwrap()).collect(),
        );
        let order: Vec<_> = order.iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    }
}
