//! The floor: the least that a gateway on hyper can do. It reads the request, sends it on over a pooled connection and
//! passes the answer through. It knows no callers, looks at nothing and records nothing.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

type Upstream = Client<HttpConnector, Full<Bytes>>;
type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// Serves until it is killed, with a worker for each core that it may use.
pub(crate) fn serve(listen: &str, upstream: &str) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(accept(listen, upstream.to_owned()))
}

async fn accept(listen: &str, upstream: String) -> Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    println!("floor ready on {}", listener.local_addr()?);
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await.context("accepting")?;
        tokio::spawn(converse(stream, client.clone(), upstream.clone()));
    }
}

async fn converse(stream: TcpStream, client: Upstream, upstream: String) {
    // Without it small answers wait for the next acknowledgement; a failure shows in the figures.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (client, upstream) = (client.clone(), upstream.clone());
        async move { Ok::<_, std::convert::Infallible>(forward(request, &client, &upstream).await) }
    });
    // A caller that goes away ends its connection; there is nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn forward(request: Request<Incoming>, client: &Upstream, upstream: &str) -> Answer {
    match attempt(request, client, upstream).await {
        Ok(answer) => answer.map(Either::Left),
        Err(error) => {
            let mut answer = Response::new(Either::Right(Full::from(format!("{error:#}"))));
            *answer.status_mut() = hyper::StatusCode::BAD_GATEWAY;
            answer
        }
    }
}

async fn attempt(
    request: Request<Incoming>,
    client: &Upstream,
    upstream: &str,
) -> Result<Response<Incoming>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = Uri::try_from(format!("http://{upstream}{path}"))?;
    head.headers.remove(HOST);
    head.headers.remove(CONNECTION);
    Ok(client.request(Request::from_parts(head, Full::new(body))).await?)
}
