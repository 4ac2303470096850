//! The gateway's listener: connections to calls.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use http::header::CONNECTION;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};

use self::patience::{Patient, Unread};
use crate::pipeline::Gateway;

mod patience;

/// Bounds of the listener.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Connections at the same time. More wait in the operating system's queue.
    pub connections: usize,
    /// From a connection's (or the last answer's) end to the end of the next request's headers.
    pub header_timeout: Duration,
    /// How long a caller may leave what was sent to it unread. Its connection is closed then, and its call ends.
    pub write_timeout: Duration,
    /// How long calls in flight may still take once the server goes down.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 8192,
            header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

/// Serves calls until `shutdown` resolves, then lets calls in flight end.
///
/// Gives the number of connections that were still open when the drain time was over: 0 is a clean end.
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
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        // Bounds the memory of a connection's headers; hyper answers 431 beyond it.
        .max_buf_size(64 << 10)
        .max_headers(100);
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
        let gateway = gateway.clone();
        let unread = Unread::default();
        let socket = Patient::new(socket, limits.write_timeout, unread.clone());
        let service = service_fn(move |request| {
            let (gateway, unread) = (gateway.clone(), unread.clone());
            async move {
                let response = gateway.handle(request).await;
                // The gateway says so where it did not take the body whole.
                if response.headers().contains_key(CONNECTION) {
                    unread.note();
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(socket), service));
        tokio::spawn(async move {
            // Broken connections are the caller's business; the call's own task records what became of it.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let open = || limits.connections.saturating_sub(connections.available_permits());
    tokio::select! {
        () = graceful.shutdown() => Ok(0),
        () = tokio::time::sleep(limits.drain) => Ok(open()),
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, place))
}
