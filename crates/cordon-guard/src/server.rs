//! The gateway's listener: connections to calls.

use std::{convert::Infallible, io, pin::Pin, sync::Arc, time::Duration};

use http::{Request, Response, header::CONNECTION};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown, Watcher},
};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};

pub use self::tls::{Refreshed, ServerTls, TlsParts};
use self::{
    patience::{Idle, Patient, Requests, Unread, Unsaid},
    streams::{Answer, Streams, Taken},
};
pub use crate::certified::TlsError;
use crate::{pipeline::Gateway, registry::Registry};

mod patience;
mod streams;
mod tls;

/// The protocols of a gateway's TLS, the preferred one first (RFC 7301, RFC 9113).
pub const PROTOCOLS: [&str; 2] = [HTTP2, "http/1.1"];
const HTTP2: &str = "h2";

/// Bounds the memory of a request's headers; hyper answers 431 beyond it.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Requests of one HTTP/2 connection at the same time.
const MAX_STREAMS: u32 = 128;
/// What one HTTP/2 connection may send before it is read: all streams together.
const WINDOW: u32 = 1 << 20;

/// Once calls were ended at the end of the drain time, how long their last words and their records may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// So long after the last call, a connection that is still open while the server goes down is only a request that was begun:
/// a caller that never ends its headers does not hold the process.
const QUIET: Duration = Duration::from_secs(1);

/// Bounds of the listener.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Connections at the same time. More wait in the operating system's queue.
    pub connections: usize,
    /// From a connection's (or the last answer's) end to the end of the next request's headers.
    pub header_timeout: Duration,
    /// How long a caller may leave what was sent to it unread. Its connection is closed then, and its call ends; one of an
    /// HTTP/2 connection's streams is reset, and the others go on.
    pub write_timeout: Duration,
    /// How long calls in flight may still take once the server goes down.
    pub drain: Duration,
    /// TLS; without it the listener speaks plain HTTP/1.1.
    pub tls: Option<ServerTls>,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 8192,
            header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            tls: None,
        }
    }
}

/// Serves calls until `shutdown` resolves, then lets calls in flight end. Those that outlast the drain time are ended: their
/// callers are told, and their records say so.
///
/// Gives the number of calls that were still running when the drain time was over: 0 is a clean end.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<usize> {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let unsaid = Unsaid::default();
    let protocols = Protocols::new(&limits);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (socket, place) = match accepted {
            Ok(accepted) => accepted,
            // Out of file descriptors, or a connection that was gone before it was taken: the next one may do.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = socket.set_nodelay(true);
        let unread = Unread::default();
        let socket = Patient::new(socket, limits.write_timeout, unread.clone(), unsaid.clone());
        let caller = Caller { gateway: gateway.clone(), unread, requests: Requests::default() };
        tokio::spawn(protocols.clone().serve(socket, caller, graceful.watcher(), place));
    }
    drop(listener);
    let running = gateway.running();
    let mut connections_end = std::pin::pin!(graceful.shutdown());
    let ended = tokio::select! {
        () = &mut connections_end => true,
        () = quiet(running, &unsaid) => true,
        () = tokio::time::sleep(limits.drain) => false,
    };
    let cut_off = if ended { 0 } else { running.cancel_all() };
    // A call that its caller has left may still be about to write its record.
    let recorded = async {
        if !ended {
            tokio::select! {
                () = &mut connections_end => {}
                () = quiet(running, &unsaid) => {}
            }
        }
        running.emptied().await;
    };
    let _ = tokio::time::timeout(LAST_WORDS, recorded).await;
    Ok(cut_off)
}

/// The protocols of a connection, and their bounds.
#[derive(Clone)]
struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
    tls: Option<ServerTls>,
    header_timeout: Duration,
}

/// What a connection's requests share.
#[derive(Clone)]
struct Caller {
    gateway: Gateway,
    unread: Unread,
    requests: Requests,
}

impl Protocols {
    fn new(limits: &ServerLimits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(100);
        let mut http2 = http2::Builder::new(Streams::new(limits.write_timeout));
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(64 << 10)
            .initial_stream_window_size(WINDOW / 4)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(MAX_HEADER_BYTES);
        Self { http1, http2, tls: limits.tls.clone(), header_timeout: limits.header_timeout }
    }

    /// Serves a connection to its end. Broken ones are the caller's business; the call's own task records what became of it.
    ///
    /// Most connections are idle: what only some of them need, or only while they ask, is in a box of its own.
    async fn serve(self, socket: Patient, caller: Caller, watcher: Watcher, _place: OwnedSemaphorePermit) {
        let requests = caller.requests.clone();
        let service = service_fn(move |request| Box::pin(caller.clone().answer(request)));
        let Some(tls) = &self.tls else {
            let _ = until_end(self.http1.serve_connection(TokioIo::new(socket), service), watcher).await;
            return;
        };
        // A shutdown does not wait for somebody who only shakes hands: nothing was asked yet, and the drain time ends it.
        let mut stream = match Box::pin(tls.accept(socket, self.header_timeout)).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake with a caller failed");
                return;
            }
        };
        let (socket, session) = stream.get_mut();
        if session.alpn_protocol() == Some(HTTP2.as_bytes()) {
            socket.ends_when(Idle::new(self.header_timeout, requests));
            let _ = until_end(self.http2.serve_connection(TokioIo::new(stream), service), watcher).await;
        } else {
            let _ = until_end(self.http1.serve_connection(TokioIo::new(stream), service), watcher).await;
        }
    }
}

/// In a box at once: moved through the states of another future it would be there more than once.
fn until_end<C: GracefulConnection>(
    connection: C,
    watcher: Watcher,
) -> Pin<Box<impl Future<Output = C::Output>>> {
    Box::pin(watcher.watch(connection))
}

impl Caller {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
        let answering = self.requests.begin();
        let response = self.gateway.handle(request).await;
        // The gateway says so where it did not take the body whole.
        if response.headers().contains_key(CONNECTION) {
            self.unread.note();
        }
        Ok(response.map(|body| Answer::new(body, Taken::here(), answering)))
    }
}

/// Waits until no call is running, none began for a while, and all answers were taken.
async fn quiet(running: &Registry, unsaid: &Unsaid) {
    loop {
        running.emptied().await;
        let entered = running.entered();
        tokio::time::sleep(QUIET).await;
        if running.is_empty() && running.entered() == entered && unsaid.is_none() {
            return;
        }
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, place))
}
