use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::identity::Peer;
use axum::Router;
use cordon_guard::server::ServerTls;
use hyper::{
    Request,
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
};

/// Connections at the same time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// Time for a request's headers, and for a handshake.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Answers that still run this long after the shutdown are cut off.
const DRAIN: Duration = Duration::from_secs(5);
/// After a failed accept, which is mostly a lack of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is done, then lets running answers end, for a while.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accept = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = accept => match accepted {
                (Ok((stream, peer)), Ok(place)) => {
                    let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
                    connections.spawn(async move {
                        match tls {
                            None => connection(stream, peer, router, watcher).await,
                            Some(tls) => match tls.accept(stream, HEADERS_WITHIN).await {
                                Ok(stream) => connection(stream, peer, router, watcher).await,
                                Err(error) => {
                                    tracing::debug!(%error, "a TLS handshake with the control listener failed");
                                }
                            },
                        }
                        drop(place);
                    });
                }
                (Err(error), _) => {
                    tracing::warn!(%error, "the control listener could not accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                (_, Err(_)) => {}
            }
        }
    }
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers of the control listener were cut off");
    }
}

/// Answers the requests of one connection.
async fn connection<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        routes.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection to the control listener ended early");
    }
}
