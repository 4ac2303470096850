//! CPU of the client's thread for one call to an upstream on loopback, beside the bare connection of hyper and the
//! pooled client of hyper-util: `cargo bench -p cordon-guard --bench upstream`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark: a broken expectation ends it"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cordon_guard::upstream::{
    Accept, AnswerLimits, Client, ClientConfig, Endpoint, Reach, Timeouts, Trace, UpstreamRequest,
};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 15;
const BODY: [u8; 1024] = [b'x'; 1024];

fn main() {
    let address = serve();
    let mut rounds: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (figures, run) in rounds.iter_mut().zip([bare, hyper_util_client, cordon]) {
            figures.push(run(address));
        }
    }
    println!("client thread, µs CPU a call (1 KiB each way, c=1, {ROUNDS} rounds of {CALLS} calls in turn):");
    for (name, mut figures) in
        ["bare connection", "hyper-util client", "cordon client"].into_iter().zip(rounds)
    {
        figures.sort_by(f64::total_cmp);
        println!("{name:>18}: least {:.2}, median {:.2}", figures[0], figures[figures.len() / 2]);
    }
}

/// A server on a thread of its own that answers 1 KiB.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(async move {
                    let service =
                        hyper::service::service_fn(|request: Request<hyper::body::Incoming>| async {
                            request.into_body().collect().await.unwrap();
                            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(&BODY))))
                        });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    address
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Microseconds of this thread's CPU for each of the calls, after a warm-up.
async fn measure<F: Future<Output = ()>>(mut call: impl FnMut() -> F) -> f64 {
    for _ in 0..CALLS / 10 {
        call().await;
    }
    let before = cpu();
    for _ in 0..CALLS {
        call().await;
    }
    (cpu() - before).as_secs_f64() * 1e6 / f64::from(CALLS)
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    match std::fs::read_to_string("/proc/thread-self/schedstat") {
        Ok(text) => Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap()),
        // Elsewhere than on Linux the wall clock has to do.
        Err(_) => {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            START.get_or_init(Instant::now).elapsed()
        }
    }
}

/// The same headers for all.
fn request(uri: String, host: &str) -> Request<Full<Bytes>> {
    Request::post(uri)
        .header(HOST, host)
        .header(USER_AGENT, "cordon/0.1.0")
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, "Bearer sk-0123456789abcdef")
        .body(Full::new(Bytes::from_static(&BODY)))
        .unwrap()
}

fn bare(address: SocketAddr) -> f64 {
    runtime().block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let sender = tokio::sync::Mutex::new(sender);
        let host = address.to_string();
        measure(|| async {
            let mut sender = sender.lock().await;
            sender.ready().await.unwrap();
            let answer =
                sender.send_request(request("/v1/chat/completions".to_owned(), &host)).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), BODY.len());
        })
        .await
    })
}

fn hyper_util_client(address: SocketAddr) -> f64 {
    runtime().block_on(async {
        let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
        connector.set_nodelay(true);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        let host = address.to_string();
        measure(|| async {
            let call = client.request(request(format!("http://{host}/v1/chat/completions"), &host));
            let answer = tokio::time::timeout(Duration::from_secs(60), call).await.unwrap().unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), BODY.len());
        })
        .await
    })
}

fn cordon(address: SocketAddr) -> f64 {
    runtime().block_on(async {
        let client = Client::new(&ClientConfig::default()).unwrap();
        let endpoint = Endpoint::new(
            &format!("http://{address}/v1"),
            Reach::PrivateToo,
            Timeouts::default(),
            AnswerLimits::default(),
        )
        .unwrap();
        let secret = HeaderValue::from_static("Bearer sk-0123456789abcdef");
        measure(|| async {
            let request = UpstreamRequest {
                method: Method::POST,
                path: "/chat/completions",
                body: Bytes::from_static(&BODY),
                accept: Accept::Json,
                headers: vec![(http::header::AUTHORIZATION, secret.clone())],
                trace: Trace::default(),
            };
            let answer = client.send(&endpoint, request).await.unwrap();
            assert_eq!(answer.body.collect(1 << 20).await.unwrap().len(), BODY.len());
        })
        .await
    })
}
