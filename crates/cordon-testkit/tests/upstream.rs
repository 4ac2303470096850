//! The scripted upstream keeps its word: each script is seen by a plain TCP client as it was written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "test code")]

use std::io::Read;
use std::time::Duration;

use cordon_testkit::{FakeUpstream, Gate, Script, chunking, closed_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ASK: &[u8] =
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Key: Value\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

async fn ask(upstream: &FakeUpstream) -> TcpStream {
    let mut stream = TcpStream::connect(upstream.address()).await.unwrap();
    stream.write_all(ASK).await.unwrap();
    stream
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).ends_with(end) {
        let read =
            tokio::time::timeout(Duration::from_secs(20), stream.read_buf(&mut all)).await.unwrap().unwrap();
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&all));
    }
    String::from_utf8(all).unwrap()
}

async fn rest(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.unwrap()?;
    Ok(all)
}

#[tokio::test]
async fn answers_in_order_on_one_connection_and_remembers_the_requests() {
    let upstream = FakeUpstream::start([Script::says("one"), Script::answer(204, &[("x-a", "b")], "")]).await;
    let mut stream = ask(&upstream).await;
    let first = read_until(&mut stream, "}}").await;
    assert!(first.starts_with("HTTP/1.1 200 ") && first.contains(r#""content":"one""#), "{first}");
    stream
        .write_all(b"GET /v1/models HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
        .await
        .unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").await.contains("204 Scripted\r\nx-a: b\r\n"));
    let requests = upstream.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(requests[0].header("x-key"), Some("Value"));
    assert_eq!(requests[0].json()["a"], 1);
    assert_eq!(requests[1].body, b"abcde");
    assert_eq!(requests[0].connection, requests[1].connection);
    stream.write_all(ASK).await.unwrap();
    assert!(read_until(&mut stream, "used up").await.contains("500 Scripted"));
    drop(stream);
    let count = upstream.until(|count| count.open == 0).await;
    assert_eq!((count.accepted, count.requests, count.finished, count.abandoned), (1, 3, 3, 0));
}

#[tokio::test]
async fn a_closure_sees_the_request() {
    let upstream = FakeUpstream::answering(|request| {
        Script::answer(200, &[], format!("you sent {}", request.body.len()))
    })
    .await;
    let mut stream = ask(&upstream).await;
    assert!(read_until(&mut stream, "you sent 7").await.contains("content-length: 10\r\n"));
}

#[tokio::test]
async fn a_gate_holds_each_piece_until_the_test_opens_it() {
    let gate = Gate::new();
    let script = Script::streams(["a", "b"]).recut(&gate, |all| chunking::bytes(all, 64, 3));
    let upstream = FakeUpstream::start([script.clone()]).await;
    let mut stream = ask(&upstream).await;
    upstream.until(|count| count.requests == 1).await;
    let mut all = Vec::new();
    stream.read_buf(&mut all).await.unwrap();
    assert!(all.len() <= 64 && all.starts_with(b"HTTP/1.1 200 "));
    assert_eq!(upstream.count().finished, 0, "the rest waits");
    for _ in 0..1000 {
        gate.open();
    }
    all.extend(read_until(&mut stream, "0\r\n\r\n").await.into_bytes());
    let text = String::from_utf8(all).unwrap();
    assert!(text.contains("data: [DONE]\n\n") && text.contains(r#""content":"b""#), "{text}");
}

#[tokio::test]
async fn a_peer_that_leaves_is_noticed_at_a_gate_in_a_hang_and_in_an_endless_body() {
    let endless = || Script::sse_head().endless_chunk("data: more\n\n");
    let scripts =
        [Script::sse_head().wait(&Gate::new()), Script::hang(), Script::sse_head().then_hang(), endless()];
    let upstream = FakeUpstream::start(scripts).await;
    for left in 1..=4 {
        let mut stream = ask(&upstream).await;
        upstream.until(|count| count.requests == left).await;
        if left != 2 {
            stream.read_u8().await.unwrap();
        }
        assert_eq!(upstream.count().abandoned, left - 1);
        drop(stream);
        upstream.until(|count| count.abandoned == left && count.open == 0).await;
    }
}

#[tokio::test]
async fn closes_resets_garbles_and_refuses() {
    let cut =
        || Script::answer(200, &[], "whole").recut(&Gate::new(), |all| vec![all[..all.len() - 2].to_vec()]);
    let upstream = FakeUpstream::start([cut().close(), cut().reset(), Script::garbage()]).await;
    let closed = rest(&mut ask(&upstream).await).await.unwrap();
    assert!(closed.ends_with(b"content-length: 5\r\n\r\nwho"));
    let error = rest(&mut ask(&upstream).await).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let garbage = rest(&mut ask(&upstream).await).await.unwrap();
    assert!(!garbage.starts_with(b"HTTP") && !garbage.is_empty());
    let refused = TcpStream::connect(closed_port().await).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn gzip_decodes_to_the_body() {
    let upstream = FakeUpstream::start([Script::gzip(200, &[], b"squeezed").close()]).await;
    let all = rest(&mut ask(&upstream).await).await.unwrap();
    let body = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&all[body..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "squeezed");
    assert!(String::from_utf8_lossy(&all).contains("content-encoding: gzip\r\n"));
}

#[tokio::test]
async fn dropping_the_upstream_closes_its_connections() {
    let upstream = FakeUpstream::start([Script::hang()]).await;
    let mut stream = ask(&upstream).await;
    upstream.until(|count| count.requests == 1).await;
    drop(upstream);
    assert!(rest(&mut stream).await.is_ok_and(|all| all.is_empty()));
}
