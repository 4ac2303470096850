use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A server as the gateway is one: hyper, and [`collect`] with these limits. It answers with what it read, or with the
/// status of the refusal, and tells each outcome.
struct Server {
    address: std::net::SocketAddr,
    outcomes: mpsc::UnboundedReceiver<Result<Bytes, BodyError>>,
}

impl Server {
    async fn start(limits: BodyLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, outcomes) = mpsc::unbounded_channel();
        let tell = Arc::new(tell);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tell = Arc::clone(&tell);
                let service = service_fn(move |request: Request<Incoming>| {
                    let tell = Arc::clone(&tell);
                    async move {
                        let (head, body) = request.into_parts();
                        let outcome = collect(&head.headers, body, &limits).await;
                        let (status, text) = match &outcome {
                            Ok(bytes) => (200, bytes.clone()),
                            Err(error) => (error.code().status(), Bytes::from(error.to_string())),
                        };
                        tell.send(outcome).unwrap();
                        let mut answer = Response::new(Full::new(text));
                        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                        Ok::<_, Infallible>(answer)
                    }
                });
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, outcomes }
    }

    /// Sends these bytes and reads the first answer: its status (0 when the connection just ends) and its body.
    async fn ask(&self, request: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        answer(&mut stream).await
    }
}

async fn answer(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut read = Vec::new();
    loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(read[..at].to_vec()).unwrap().to_ascii_lowercase();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let mut body = read.split_off(at + 4);
            let missing = length.saturating_sub(body.len());
            let from = body.len();
            body.resize(from + missing, 0);
            stream.read_exact(&mut body[from..]).await.unwrap();
            return (status, body);
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return (0, read);
        }
    }
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("POST / HTTP/1.1\r\nhost: a\r\n{headers}\r\n").as_bytes(), body].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn reads_well_framed_bodies() {
    let server = Server::start(BodyLimits::default()).await;
    for (headers, body, read) in [
        ("content-length: 5\r\n", &b"hello"[..], "hello"),
        ("content-length: 0\r\n", b"", ""),
        ("", b"", ""),
        ("content-length: 5\r\ncontent-encoding: identity\r\n", b"hello", "hello"),
        ("content-length: 5\r\ncontent-length: 5\r\n", b"hello", "hello"),
        ("transfer-encoding: chunked\r\n", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"),
        ("Transfer-Encoding: Chunked\r\n", b"5;ext=\"1\"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n", "hello"),
    ] {
        let (status, answer) = server.ask(&post(headers, body)).await;
        assert_eq!((status, String::from_utf8(answer).unwrap().as_str()), (200, read), "{headers}");
    }
}

#[tokio::test]
async fn refuses_framing_that_two_parsers_could_read_differently() {
    let server = Server::start(BodyLimits::default()).await;
    let chunked = b"5\r\nhello\r\n0\r\n\r\n";
    for headers in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 5\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5 5\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length:\r\n",
        "content-length : 5\r\n",
        "content-length: 5\r\n folded: 1\r\n",
        "x: a\r\n\tb\r\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
        "x y: a\r\n",
        ": a\r\n",
        "no colon\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        "transfer-encoding:\r\n",
    ] {
        let (status, _) = server.ask(&post(headers, chunked)).await;
        assert_eq!(status, 400, "{headers:?}");
    }
    let old = b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(server.ask(old).await.0, 400);
}

#[tokio::test]
async fn nothing_hides_behind_a_length_and_a_transfer_coding() {
    let server = Server::start(BodyLimits::default()).await;
    for headers in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 4\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n",
    ] {
        let hidden = b"5\r\nhello\r\n0\r\n\r\nPOST /hidden HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&post(headers, hidden)).await.unwrap();
        assert_eq!(answer(&mut stream).await, (200, b"hello".to_vec()), "{headers}");
        // The connection ends: what follows is never taken for a request.
        assert_eq!(answer(&mut stream).await, (0, Vec::new()), "{headers}");
    }
}

#[tokio::test]
async fn bare_line_feeds_end_lines_and_hide_nothing() {
    // RFC 9112, section 2.2, lets a recipient take them; what leaves is written anew with CRLF.
    let server = Server::start(BodyLimits::default()).await;
    let request = b"POST / HTTP/1.1\nhost: a\ncontent-length: 5\n\nhello";
    assert_eq!(server.ask(request).await, (200, b"hello".to_vec()));
    let both = b"POST / HTTP/1.1\r\nhost: a\r\nx: y\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n";
    assert_eq!(server.ask(both).await, (200, Vec::new()));
}

#[tokio::test]
async fn refuses_malformed_chunks() {
    let mut server = Server::start(BodyLimits::default()).await;
    for body in [
        &b"g\r\nhello\r\n0\r\n\r\n"[..],
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloworld\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&post("transfer-encoding: chunked\r\n", body)).await.unwrap();
        let outcome = server.outcomes.recv().await.unwrap();
        assert!(matches!(outcome, Err(BodyError::Framing(_))), "{}: {outcome:?}", body.escape_ascii());
    }
    // Extensions and trailers without end are bounded by hyper.
    for endless in [&b"5;"[..], b"0\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let mut request = post("transfer-encoding: chunked\r\n", endless);
        for n in 0..20_000 {
            request.extend_from_slice(if endless == b"5;" { b"aaaaaaaa" } else { b"x: " });
            if endless != b"5;" {
                request.extend_from_slice(format!("{n}\r\n").as_bytes());
            }
        }
        let _ = stream.write_all(&request).await;
        let outcome = server.outcomes.recv().await.unwrap();
        assert!(outcome.is_err(), "{outcome:?}");
    }
}

#[tokio::test]
async fn bounds_the_size() {
    let limits = BodyLimits { max_bytes: 1000, ..BodyLimits::default() };
    let mut server = Server::start(limits).await;
    // Announced: refused before a byte of it was read.
    let (status, _) = server.ask(&post("content-length: 100000000000\r\n", b"")).await;
    assert_eq!(status, 413);
    let exact = post("content-length: 1000\r\n", &[b'a'; 1000]);
    assert_eq!(server.ask(&exact).await.0, 200);
    // Not announced: as soon as it is more.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&post("transfer-encoding: chunked\r\n", b"")).await.unwrap();
    let piece = [&b"200\r\n"[..], &[b'a'; 512], b"\r\n"].concat();
    server.outcomes.recv().await.unwrap().unwrap_err();
    server.outcomes.recv().await.unwrap().unwrap();
    stream.write_all(&piece).await.unwrap();
    stream.write_all(&piece).await.unwrap();
    let outcome = server.outcomes.recv().await.unwrap();
    assert!(matches!(outcome, Err(BodyError::TooLarge { limit: 1000 })), "{outcome:?}");
}

#[tokio::test]
async fn decodes_or_refuses_content_codings() {
    let server = Server::start(BodyLimits { max_bytes: 1 << 21, ..BodyLimits::default() }).await;
    let ask = async |coding: &str, body: &[u8]| {
        let headers = format!("content-encoding: {coding}\r\ncontent-length: {}\r\n", body.len());
        server.ask(&post(&headers, body)).await
    };
    assert_eq!(ask("gzip", &gzip(b"{\"a\":1}")).await, (200, b"{\"a\":1}".to_vec()));
    assert_eq!(ask("gzip", &gzip(&vec![0; 3 << 20])).await.0, 413);
    assert_eq!(ask("gzip", b"not gzip").await.0, 400);
    assert_eq!(ask("br", b"x").await.0, 415);
    assert_eq!(ask("gzip, gzip", &gzip(&gzip(b"x"))).await.0, 415);
}

#[tokio::test]
async fn a_caller_that_goes_is_told_apart() {
    let mut server = Server::start(BodyLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&post("content-length: 10\r\n", b"half")).await.unwrap();
    drop(stream);
    let outcome = server.outcomes.recv().await.unwrap();
    assert!(matches!(&outcome, Err(error @ BodyError::Closed(_)) if error.code() == RefusalCode::CallerGone));
}

#[tokio::test]
async fn a_caller_that_says_nothing_is_refused_in_time() {
    let limits = BodyLimits { total: Duration::from_millis(20), ..BodyLimits::default() };
    let server = Server::start(limits).await;
    assert_eq!(server.ask(&post("content-length: 10\r\n", b"h")).await.0, 408);
}

/// A body of pieces that a test sends one by one.
struct Pieces(mpsc::UnboundedReceiver<Bytes>);

fn channel() -> (mpsc::UnboundedSender<Bytes>, Pieces) {
    let (send, receive) = mpsc::unbounded_channel();
    (send, Pieces(receive))
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[tokio::test(start_paused = true)]
async fn each_byte_buys_its_share_of_time() {
    let limits = BodyLimits {
        grace: Duration::from_secs(5),
        min_pace: 10,
        total: Duration::from_secs(60),
        ..BodyLimits::default()
    };
    // Twenty bytes every second: twice the pace; the whole then ends at the total.
    let (send, body) = channel();
    let began = Instant::now();
    let feeding = tokio::spawn(async move {
        for _ in 0..100 {
            if send.send(Bytes::from_static(&[b'a'; 20])).is_err() {
                return;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
    });
    let outcome = collect(&HeaderMap::new(), body, &limits).await;
    assert!(matches!(outcome, Err(BodyError::Slow { received: 1180..=1220, .. })), "{outcome:?}");
    assert!(began.elapsed() >= limits.total);
    feeding.abort();
    // One byte and then nothing: a tenth of a second after the grace.
    let (send, body) = channel();
    send.send(Bytes::from_static(b"a")).unwrap();
    let outcome = collect(&HeaderMap::new(), body, &limits).await;
    let Err(BodyError::Slow { received: 1, after }) = outcome else { panic!("{outcome:?}") };
    assert!((Duration::from_millis(5100)..Duration::from_millis(5110)).contains(&after), "{after:?}");
}

#[tokio::test]
async fn one_piece_is_not_copied_and_many_are_joined() {
    let (send, body) = channel();
    let piece = Bytes::from_static(b"as it came");
    send.send(piece.clone()).unwrap();
    drop(send);
    let read = collect(&HeaderMap::new(), body, &BodyLimits::default()).await.unwrap();
    assert_eq!(read.as_ptr(), piece.as_ptr());
    let (send, body) = channel();
    for piece in ["", "a", "", "bc", "d"] {
        send.send(Bytes::from_static(piece.as_bytes())).unwrap();
    }
    drop(send);
    assert_eq!(collect(&HeaderMap::new(), body, &BodyLimits::default()).await.unwrap(), "abcd");
}
