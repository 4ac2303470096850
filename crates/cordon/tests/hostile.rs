//! Callers and upstreams that never end, never read, or do not keep to HTTP: each is ended in time and size, and recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::time::Duration;

use cordon::node::Settings;
use cordon_core::{RefusalCode, record::Outcome};
use cordon_testkit::{FakeUpstream, Gate, Script, bomb};
use support::{World, chat};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    time::timeout,
};

/// What should happen does so long before this.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the kernels' buffers of two sockets on one machine take at most, generously: it was sent, and nobody read it.
const BUFFERS: usize = 24 << 20;

/// What came of a connection.
struct Spoken {
    /// Everything that the gateway said until it closed the connection.
    said: String,
    /// Bytes that it, or the kernel for it, took.
    written: usize,
}

impl Spoken {
    fn answers(&self) -> usize {
        self.said.matches("HTTP/1.1 ").count()
    }

    fn status(&self) -> &str {
        self.said.split(' ').nth(1).unwrap_or("none")
    }
}

/// Says `first`, then `again` for as long as the gateway takes it (or so many times), and listens all the while.
async fn speak(world: &World, name: &str, first: &[u8], again: &[u8], times: usize) -> Spoken {
    let (mut reader, mut writer) = TcpStream::connect(world.address()).await.unwrap().into_split();
    let writing = async {
        let mut written = 0;
        if writer.write_all(first).await.is_err() {
            return written;
        }
        written += first.len();
        for _ in 0..times {
            if writer.write_all(again).await.is_err() {
                break;
            }
            written += again.len();
        }
        written
    };
    let reading = async {
        let mut said = Vec::new();
        // A reset after the answer is an end too.
        let _ = reader.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    };
    let both = async { tokio::join!(reading, writing) };
    let (said, written) =
        timeout(PATIENCE, both).await.unwrap_or_else(|_| panic!("{name}: the connection goes on"));
    Spoken { said, written }
}

/// A request's head up to its last line; the caller's key is a good one.
fn head(world: &World, lines: &str) -> String {
    let key = world.key.expose();
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{lines}")
}

fn event(text: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
    )
}

/// A service with these times, in place of the one that a world begins with.
fn patient_service(base_url: &str, total: &str) -> String {
    format!(
        r#"{{apiVersion: cordon/v1, kind: Service, name: up, spec: {{protocol: openai, base_url: "{base_url}", private_network: true, secret: "env:UPSTREAM_KEY", breaker: {{enabled: false}}, timeouts: {{connect: 5s, first_byte: 20s, idle: 20s, total: {total}}}}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_without_an_end_is_left_and_the_caller_told() {
    let json = [("content-type", "application/json")];
    let gzip = bomb(1 << 30);
    let coded = format!("content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", gzip.len());
    let begun = || Script::new().raw("HTTP/1.1 200 OK\r\n");
    let cases = [
        ("a body", Script::chunked_head(200, &json).endless_chunk([b' '; 1 << 16])),
        (
            "a body of an endless length",
            begun().raw("content-length: 18446744073709551615\r\n\r\n").endless_raw([b' '; 1 << 16]),
        ),
        ("a body that unfolds", begun().raw(coded).raw(gzip).then_hang()),
        ("headers", begun().endless_raw("x-header: y\r\n".repeat(100))),
        ("one header", begun().raw("x-header: ").endless_raw("y".repeat(1 << 16))),
        ("interim answers", Script::new().endless_raw("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")),
        ("a chunk's extension", Script::chunked_head(200, &json).raw("1;").endless_raw("y".repeat(1 << 16))),
        ("a chunk's size", Script::chunked_head(200, &json).endless_raw("0".repeat(1 << 16))),
        (
            "trailers",
            Script::chunked_head(200, &json).chunk("{}").raw("0\r\n").endless_raw("x: y\r\n".repeat(100)),
        ),
    ];
    let (names, scripts): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let upstream = FakeUpstream::start(scripts).await;
    let world = World::new(&upstream.base_url()).await;
    world.without_breaker(&upstream.base_url()).await;
    let mut calls = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let reply =
            timeout(PATIENCE, world.chat("hi")).await.unwrap_or_else(|_| panic!("{name} held a call"));
        assert!(matches!(reply.status.as_u16(), 502 | 504), "{name}: {} {}", reply.status, reply.text());
        assert!(matches!(reply.code().as_str(), "upstream_failed" | "upstream_timeout"), "{name}");
        // The connection is not kept for another call.
        upstream.until(|count| count.abandoned + count.finished == at + 1 && count.open == 0).await;
        calls.push((name, reply.call()));
    }
    let frames = world.frames().await;
    for (name, call) in calls {
        assert_eq!(frames.closed_of(call).outcome, Outcome::UpstreamFailed, "{name}");
    }
}

/// What a caller must be able to read of a stream that was cut off: every event whole, the last a typed error, the end.
fn well_formed(text: &str, code: &str) {
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    let events: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| panic!("not JSON: {data}")))
        .collect();
    assert_eq!(events.last().unwrap()["error"]["code"], code, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_an_end_is_ended_by_its_size() {
    // Bytes that cost little to inspect: white space around an event without text.
    let pad = " ".repeat(1 << 16);
    let empty = format!(r#"data: {{"choices":[],{pad}"usage":{{"prompt_tokens":1,"completion_tokens":1}}}}"#);
    let script = Script::sse_head().event(&event("The beginning. ")).endless_chunk(empty + "\n\n");
    let upstream = FakeUpstream::start([script]).await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&patient_service(&upstream.base_url(), "10m")).await;
    let reply = timeout(2 * PATIENCE, world.stream("hi")).await.expect("the stream is ended");
    let text = reply.streamed();
    assert!(!text.is_empty() && "The beginning. ".starts_with(&text), "{text}");
    well_formed(&reply.text(), "upstream_failed");
    upstream.until(|count| count.abandoned == 1).await;
    let call = reply.call();
    let frames = world.frames().await;
    let closed = frames.closed_of(call);
    assert_eq!((closed.outcome, closed.code), (Outcome::UpstreamFailed, Some(RefusalCode::UpstreamFailed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_end_is_not_kept() {
    let script =
        Script::sse_head().event(&event("The beginning. ")).chunk("data: ").endless_chunk([b'y'; 1 << 16]);
    let upstream = FakeUpstream::start([script]).await;
    let world = World::new(&upstream.base_url()).await;
    let reply = timeout(PATIENCE, world.stream("hi")).await.expect("the stream is ended");
    well_formed(&reply.text(), "upstream_failed");
    upstream.until(|count| count.abandoned == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_goes_on_talking_is_ended_by_its_total_time() {
    let gate = Gate::new();
    let mut script = Script::sse_head();
    for number in 0..2_000 {
        script = script.event(&event(&format!("Word {number}. "))).wait(&gate);
    }
    let upstream = FakeUpstream::start([script]).await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&patient_service(&upstream.base_url(), "1s")).await;
    // How fast the upstream talks: never so slowly that it seems to be idle, 20 s in all.
    let pace = tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_millis(10));
        loop {
            interval.tick().await;
            gate.open();
        }
    });
    let reply = timeout(PATIENCE, world.stream("hi")).await.expect("the stream is ended");
    pace.abort();
    assert!(reply.streamed().contains("Word 3."), "{}", reply.text());
    well_formed(&reply.text(), "upstream_timeout");
    upstream.until(|count| count.abandoned == 1).await;
    let call = reply.call();
    let frames = world.frames().await;
    let closed = frames.closed_of(call);
    assert_eq!((closed.outcome, closed.code), (Outcome::UpstreamFailed, Some(RefusalCode::UpstreamTimeout)));
}

/// An upstream that streams to one call for as long as anybody takes it. Tells how many bytes were taken when a write had
/// to wait for good, and what ended it.
async fn pouring() -> (String, oneshot::Receiver<Poured>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, poured) = oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 1 << 16];
        let _ = socket.read(&mut request).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let data = format!("data: {}\n\n", event(&"All is well here today. ".repeat(40)));
        let chunk = format!("{:x}\r\n{data}\r\n", data.len());
        let mut bytes = 0;
        let end = loop {
            match timeout(Duration::from_secs(3), socket.write_all(chunk.as_bytes())).await {
                Ok(Ok(())) => bytes += chunk.len(),
                Ok(Err(_)) => break PouringEnd::Refused,
                Err(_) => break PouringEnd::Waits,
            }
        };
        let mut rest = [0; 16];
        let ended = async move { while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
        let _ = told.send(Poured { bytes, end, ended: tokio::spawn(ended) });
    });
    (url, poured)
}

struct Poured {
    bytes: usize,
    end: PouringEnd,
    /// Done when the gateway has closed the connection.
    ended: tokio::task::JoinHandle<()>,
}

#[derive(Debug, PartialEq, Eq)]
enum PouringEnd {
    /// The connection was closed under a write.
    Refused,
    /// Nothing was taken for seconds.
    Waits,
}

/// A caller with little room, that asks for a stream and never reads it.
async fn ask_and_never_read(world: &World) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(world.address()).await.unwrap();
    let body = chat("hi", true);
    let request = head(world, &format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_holds_its_upstream_back_instead_of_filling_memory() {
    let (url, poured) = pouring().await;
    let world = World::new(&url).await;
    world.apply(&patient_service(&url, "10m")).await;
    let caller = ask_and_never_read(&world).await;
    let poured = timeout(2 * PATIENCE, poured).await.expect("the upstream has to wait").unwrap();
    assert_eq!(poured.end, PouringEnd::Waits, "{} bytes were taken", poured.bytes);
    assert!(poured.bytes < BUFFERS, "{} bytes were taken", poured.bytes);
    assert_eq!(world.node.handles.gateway.running().len(), 1, "the caller may still read");
    drop(caller);
    timeout(PATIENCE, poured.ended).await.expect("the upstream is left").unwrap();
    let frames = world.frames().await;
    assert_eq!(frames.closed[0].outcome, Outcome::CallerGone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_is_left_in_time() {
    let (url, poured) = pouring().await;
    let impatient = |settings: &mut Settings| settings.server.write_timeout = Duration::from_millis(300);
    let world = World::with(&url, "", "", impatient).await;
    world.apply(&patient_service(&url, "10m")).await;
    let caller = ask_and_never_read(&world).await;
    let poured = timeout(2 * PATIENCE, poured).await.expect("the call is ended").unwrap();
    assert_eq!(poured.end, PouringEnd::Refused, "{} bytes were taken", poured.bytes);
    while !world.node.handles.gateway.running().is_empty() {
        tokio::task::yield_now().await;
    }
    let frames = world.frames().await;
    assert_eq!(
        (frames.closed[0].outcome, frames.closed[0].code),
        (Outcome::CallerGone, Some(RefusalCode::CallerGone))
    );
    drop(caller);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_end_or_headers_could_be_read_in_two_ways_are_refused_and_end_the_connection() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::new(&upstream.base_url()).await;
    let body = chat("hi", false);
    let length = body.len();
    let hidden = head(&world, &format!("content-length: {length}\r\n\r\n{body}"));
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let cases: [(&str, String); 15] = [
        ("two lengths that differ", format!("content-length: {length}\r\ncontent-length: 5\r\n\r\n{body}")),
        ("a list of lengths", format!("content-length: {length}, 5\r\n\r\n{body}")),
        ("a length with a sign", format!("content-length: +{length}\r\n\r\n{body}")),
        ("a length below nothing", format!("content-length: -1\r\n\r\n{body}")),
        ("a length beyond numbers", format!("content-length: 99999999999999999999999\r\n\r\n{body}")),
        ("a length in base 16", format!("content-length: 0x{length:x}\r\n\r\n{body}")),
        ("another transfer coding", format!("transfer-encoding: gzip, chunked\r\n\r\n{chunked}")),
        ("chunked, and then not", format!("transfer-encoding: chunked, identity\r\n\r\n{chunked}")),
        (
            "two transfer codings",
            format!("transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n{chunked}"),
        ),
        ("a space before the colon", format!("transfer-encoding : chunked\r\n\r\n{chunked}")),
        ("a folded line", format!("x-folded: a\r\n b\r\ncontent-length: {length}\r\n\r\n{body}")),
        ("a folded coding", format!("transfer-encoding:\r\n chunked\r\n\r\n{chunked}")),
        ("a zero byte in a value", format!("x-zero: a\0b\r\ncontent-length: {length}\r\n\r\n{body}")),
        (
            "a bare CR in a value",
            format!("x-cr: a\rtransfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a chunk of a wrong size",
            "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n".to_owned(),
        ),
    ];
    for (name, lines) in cases {
        let request = head(&world, &lines) + &hidden;
        let spoken = speak(&world, name, request.as_bytes(), b"", 0).await;
        assert_eq!(spoken.answers(), 1, "{name}: {}", spoken.said);
        assert!(spoken.said.starts_with("HTTP/1.1 4"), "{name}: {}", spoken.said);
    }
    assert_eq!(upstream.count().requests, 0, "nothing hidden came through");
}

/// RFC 9112, section 6.1: with both, only the chunks count, and the connection ends with the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_kinds_of_length_has_only_the_chunked_body_and_nothing_after_it() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let world = World::new(&upstream.base_url()).await;
    let (body, hidden) = (chat("hi", false), chat("hidden", false));
    let second = head(&world, &format!("content-length: {}\r\n\r\n{hidden}", hidden.len()));
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let (length, coding) =
        (format!("content-length: {}\r\n", chunked.len() + second.len()), "transfer-encoding: chunked\r\n");
    for lines in
        [format!("{length}{coding}"), format!("{coding}{length}"), format!("{coding}content-length: 0\r\n")]
    {
        let request = head(&world, &lines) + "\r\n" + &chunked + &second;
        let spoken = speak(&world, &lines, request.as_bytes(), b"", 0).await;
        assert_eq!((spoken.answers(), spoken.status()), (1, "200"), "{lines}: {}", spoken.said);
        assert!(!upstream.last_request().json().to_string().contains("hidden"), "{lines}");
    }
    assert_eq!(upstream.count().requests, 3, "nothing hidden came through");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_bounded_in_number_and_size() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::new(&upstream.base_url()).await;
    let endless = usize::MAX;
    let begun = head(&world, "");
    let cases = [
        ("thousands", begun.clone(), "x-header: y\r\n".repeat(4_000) + "\r\n", 1),
        ("without an end", begun.clone(), "x-header: y\r\n".repeat(1_000), endless),
        ("a line of 1 MB", begun.clone(), format!("x-header: {}\r\n\r\n", "y".repeat(1 << 20)), 1),
        ("a line without an end", begun + "x-header: ", "y".repeat(1 << 16), endless),
        ("a name without an end", head(&world, ""), "y".repeat(1 << 16), endless),
        ("a path of 1 MB", "GET /".to_owned(), "y".repeat(1 << 20), 1),
        ("a method without an end", String::new(), "Y".repeat(1 << 16), endless),
    ];
    for (name, first, again, times) in cases {
        let spoken = speak(&world, name, first.as_bytes(), again.as_bytes(), times).await;
        assert!(matches!(spoken.status(), "400" | "414" | "431"), "{name}: {}", spoken.said);
        assert_eq!(spoken.answers(), 1, "{name}");
        assert!(spoken.written < BUFFERS, "{name}: {} bytes were taken", spoken.written);
    }
    assert_eq!(world.chat("hi").await.status, 200, "it serves on");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_byte_by_byte_have_one_time_for_all() {
    let upstream = FakeUpstream::start([]).await;
    let impatient = |settings: &mut Settings| settings.server.header_timeout = Duration::from_millis(300);
    let world = World::with(&upstream.base_url(), "", "", impatient).await;
    let (mut reader, mut writer) = TcpStream::connect(world.address()).await.unwrap().into_split();
    let text = head(&world, "x-slow: ") + &"y".repeat(10_000);
    // How slow the caller is; each byte comes long before the time of all.
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let writing = async {
        for (at, byte) in text.bytes().enumerate() {
            pace.tick().await;
            if writer.write_all(&[byte]).await.is_err() {
                return at;
            }
        }
        text.len()
    };
    let mut said = Vec::new();
    let reading = reader.read_to_end(&mut said);
    tokio::select! {
        written = writing => assert!(written < text.len(), "every byte was waited for"),
        ended = timeout(PATIENCE, reading) => { let _ = ended.expect("the connection is ended"); }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_100_mb_is_refused_before_it_is_read() {
    const HUGE: usize = 100 << 20;
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::new(&upstream.base_url()).await;
    let piece = vec![b' '; 1 << 16];
    let chunk = [b"10000\r\n", piece.as_slice(), b"\r\n"].concat();
    let announced = head(&world, &format!("content-length: {HUGE}\r\n\r\n"));
    let unannounced = head(&world, "transfer-encoding: chunked\r\n\r\n");
    for (name, first, again) in [("announced", announced, piece), ("in chunks", unannounced, chunk)] {
        let spoken = speak(&world, name, first.as_bytes(), &again, HUGE / (1 << 16)).await;
        assert!(spoken.status() == "413" && spoken.said.contains("body_too_large"), "{}", spoken.said);
        assert_eq!(spoken.answers(), 1);
        assert!(spoken.written < BUFFERS, "{} bytes were taken", spoken.written);
    }
    assert_eq!(world.chat("hi").await.status, 200, "it serves on");
    assert_eq!(upstream.count().requests, 1);
    let frames = world.frames().await;
    let refused =
        frames.closed.iter().filter(|closed| closed.code == Some(RefusalCode::BodyTooLarge)).count();
    assert_eq!(refused, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_unfolds_to_1_gb_is_refused_as_too_large() {
    let upstream = FakeUpstream::start([]).await;
    let roomy = |settings: &mut Settings| settings.max_body_bytes = 16 << 20;
    let world = World::with(&upstream.base_url(), "", "", roomy).await;
    let mut request = world.request(bomb(1 << 30));
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let reply = timeout(PATIENCE, world.send(request)).await.expect("it is refused in time");
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (413, "body_too_large"));
    let call = reply.call();
    let frames = world.frames().await;
    assert_eq!(frames.closed_of(call).code, Some(RefusalCode::BodyTooLarge));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_cannot_hide_a_flood_in_what_is_no_content() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::new(&upstream.base_url()).await;
    let body = chat("hi", false);
    let chunked = head(&world, "transfer-encoding: chunked\r\n\r\n");
    let whole = format!("{chunked}{:x}\r\n{body}\r\n0\r\n", body.len());
    let cases = [
        ("an extension without an end", format!("{chunked}1;"), "y".repeat(1 << 16)),
        ("an extension at every chunk", chunked, format!("1;{}\r\n \r\n", "y".repeat(1 << 10))),
        ("trailers without an end", whole.clone(), "x-trailer: y\r\n".repeat(1_000)),
        ("a trailer without an end", whole + "x-trailer: ", "y".repeat(1 << 16)),
    ];
    for (name, first, again) in cases {
        let spoken = speak(&world, name, first.as_bytes(), again.as_bytes(), usize::MAX).await;
        assert_eq!((spoken.status(), spoken.answers()), ("400", 1), "{name}: {}", spoken.said);
        assert!(spoken.written < BUFFERS, "{name}: {} bytes were taken", spoken.written);
    }
    assert_eq!(world.chat("hi").await.status, 200, "it serves on");
    assert_eq!(upstream.count().requests, 1, "none of the floods went on");
}

/// Zeros before a chunk's size mean nothing and have no bound of their own: the time of the body ends them.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_size_that_never_ends_is_ended_by_the_time_of_the_body() {
    let upstream = FakeUpstream::start([]).await;
    let impatient = |settings: &mut Settings| settings.body_timeout = Duration::from_millis(300);
    let world = World::with(&upstream.base_url(), "", "", impatient).await;
    let first = head(&world, "transfer-encoding: chunked\r\n\r\n");
    let spoken = speak(&world, "zeros", first.as_bytes(), &[b'0'; 1 << 16], usize::MAX).await;
    assert_eq!((spoken.status(), spoken.answers()), ("408", 1), "{}", spoken.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_announced_too_large_is_refused_before_the_caller_is_told_to_go_on() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::new(&upstream.base_url()).await;
    let asks = head(&world, "expect: 100-continue\r\ncontent-length: 104857600\r\n\r\n");
    let spoken = speak(&world, "100-continue", asks.as_bytes(), b"", 0).await;
    assert!(spoken.status() == "413" && spoken.answers() == 1, "{}", spoken.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_byte_by_byte_has_one_time_for_all() {
    let upstream = FakeUpstream::start([]).await;
    let impatient = |settings: &mut Settings| settings.body_timeout = Duration::from_millis(300);
    let world = World::with(&upstream.base_url(), "", "", impatient).await;
    let (mut reader, mut writer) = TcpStream::connect(world.address()).await.unwrap().into_split();
    let asks = head(&world, "content-length: 10000\r\n\r\n");
    writer.write_all(asks.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        // How slow the caller is; each byte comes long before the time of all.
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            if writer.write_all(b" ").await.is_err() {
                return;
            }
        }
    });
    let mut said = vec![0; 1 << 12];
    let read = timeout(PATIENCE, reader.read(&mut said)).await.expect("it is refused in time").unwrap();
    let said = String::from_utf8_lossy(&said[..read]).into_owned();
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("body_timeout"), "{said}");
    dripping.abort();
    let frames = world.frames().await;
    assert_eq!(frames.closed[0].code, Some(RefusalCode::BodyTimeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_drips_is_left_when_its_time_is_over() {
    let gate = Gate::new();
    let drip = |begun: Script, piece: &str| {
        (0..4_000).fold(begun, |script, _| script.raw(piece.as_bytes().to_vec()).wait(&gate))
    };
    let begun = || Script::new().raw("HTTP/1.1 200 OK\r\n");
    let cases = [
        ("headers", drip(begun(), "x: y\r\n"), false),
        ("a body", drip(begun().raw("content-length: 100000\r\n\r\n"), " "), false),
        ("comments of a stream", drip(Script::sse_head(), "3\r\n:\n\n\r\n"), true),
    ];
    let (names, scripts): (Vec<_>, Vec<_>) = cases.into_iter().map(|(n, s, stream)| ((n, stream), s)).unzip();
    let upstream = FakeUpstream::start(scripts).await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&patient_service(&upstream.base_url(), "1s")).await;
    // How fast the upstream drips: never so slowly that it seems to be idle, 40 s in all.
    let dripping = {
        let gate = gate.clone();
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            loop {
                pace.tick().await;
                gate.open();
            }
        })
    };
    let mut calls = Vec::new();
    for (at, (name, stream)) in names.iter().enumerate() {
        let call = world.send(world.request(chat("hi", *stream)));
        let reply = timeout(PATIENCE, call).await.unwrap_or_else(|_| panic!("{name} held a call"));
        assert!(reply.text().contains("upstream_timeout"), "{name}: {}", reply.text());
        upstream.until(|count| count.abandoned == at + 1).await;
        calls.push((name, reply.call()));
    }
    dripping.abort();
    let frames = world.frames().await;
    for (name, call) in calls {
        assert_eq!(frames.closed_of(call).code, Some(RefusalCode::UpstreamTimeout), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_without_reading_an_answer_wait_and_are_left_in_time() {
    let upstream = FakeUpstream::start([]).await;
    let impatient = |settings: &mut Settings| settings.server.write_timeout = Duration::from_millis(300);
    let world = World::with(&upstream.base_url(), "", "", impatient).await;
    // Long answers, so that few requests fill what the kernels hold.
    let names: Vec<_> = (0..250).map(|number| format!("route-{number}-{}", "r".repeat(40))).collect();
    let routes: String = names
        .iter()
        .map(|name| format!("---\n{{apiVersion: cordon/v1, kind: Route, name: {name}, spec: {{team: t, system: s, targets: [{{model: m}}]}}}}\n"))
        .collect();
    let principal = format!(
        "{{apiVersion: cordon/v1, kind: Principal, name: app, spec: {{team: t, routes: [{}]}}}}\n",
        names.join(", ")
    );
    world.apply(&(principal + &routes)).await;
    let key = world.issue("app", cordon_core::DurationMs::from_secs(3_600)).await;
    let models = http::Request::get(format!("http://{}/v1/models", world.address()))
        .header("authorization", format!("Bearer {}", key.expose()))
        .body(http_body_util::Full::default());
    let reply = world.send(models.unwrap()).await;
    assert!(reply.status == 200 && reply.body.len() > 16 << 10, "{} {}", reply.status, reply.body.len());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut caller = socket.connect(world.address()).await.unwrap();
    let many =
        format!("GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", key.expose())
            .repeat(100);
    let flood = async {
        let mut written = 0;
        while caller.write_all(many.as_bytes()).await.is_ok() {
            written += many.len();
        }
        written
    };
    let written = timeout(2 * PATIENCE, flood).await.expect("the connection is ended");
    assert!(written < BUFFERS, "{written} bytes were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_only_hold_connections_give_them_up_in_time() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let small = |settings: &mut Settings| {
        settings.server.connections = 4;
        settings.server.header_timeout = Duration::from_millis(500);
    };
    let world = World::with(&upstream.base_url(), "", "", small).await;
    let mut held = Vec::new();
    for number in 0..8 {
        let mut socket = TcpStream::connect(world.address()).await.unwrap();
        if number % 2 == 0 {
            socket.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nx-slow: ").await.unwrap();
        }
        held.push(socket);
    }
    let reply = timeout(PATIENCE, world.chat("hi")).await.expect("there is room again");
    assert_eq!(reply.status, 200);
    drop(held);
}
