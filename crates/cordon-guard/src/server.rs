//! The gateway's listener: connections to calls.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use http::header::CONNECTION;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};

use self::patience::{Patient, Unread, Unsaid};
use crate::{pipeline::Gateway, registry::Registry};

mod patience;

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
        let serving = gateway.clone();
        let unread = Unread::default();
        let socket = Patient::new(socket, limits.write_timeout, unread.clone(), unsaid.clone());
        let service = service_fn(move |request| {
            let (gateway, unread) = (serving.clone(), unread.clone());
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
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, place))
}
