use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cordon_testkit::{FakeUpstream, Gate, Script, closed_port};
use http::{HeaderMap, HeaderValue, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{
    ports::Sampling,
    trace::{CallTrace, Parent},
};

const SHORT: Duration = Duration::from_millis(50);

fn client() -> Client {
    Client::new(&ClientConfig::default()).unwrap()
}

fn with_table(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> ClientConfig {
    ClientConfig { resolver: Resolver::Table(Arc::new(lookup)), ..ClientConfig::default() }
}

fn endpoint_with(url: &str, timeouts: Timeouts, limits: AnswerLimits) -> Endpoint {
    Endpoint::new(url, Reach::PrivateToo, timeouts, limits).unwrap()
}

fn endpoint(url: &str) -> Endpoint {
    endpoint_with(url, Timeouts::default(), AnswerLimits::default())
}

fn post(body: &'static str) -> UpstreamRequest<'static> {
    UpstreamRequest {
        method: Method::POST,
        path: "/chat/completions",
        body: body.into(),
        accept: Accept::Json,
        headers: Vec::new(),
        trace: Trace::default(),
    }
}

async fn fetch(client: &Client, endpoint: &Endpoint) -> Result<(u16, String), UpstreamError> {
    let answer = client.send(endpoint, post("{}")).await?;
    let body = answer.body.collect(1 << 20).await?;
    Ok((answer.status.as_u16(), String::from_utf8(body.to_vec()).unwrap()))
}

/// The whole text of an error, as a log would have it.
fn text(error: &UpstreamError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(" {inner}"));
        cause = inner.source();
    }
    text
}

/// Lets the runtime's other tasks go on until this holds.
async fn until(mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("the condition never held");
}

/// Accepts one connection, reads until `end`, answers, and gives what was read.
async fn record(listener: TcpListener, end: &'static [u8], answer: &'static [u8]) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(end) {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", read.escape_ascii());
    }
    stream.write_all(answer).await.unwrap();
    read
}

/// What Cordon itself asks of an operator's service, such as an object store.
#[tokio::test]
async fn an_exchange_of_our_own_goes_to_the_endpoint_with_its_headers_and_brings_all_headers_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://elsewhere.test/\r\netag: \"1\"\r\ncontent-length: 2\r\n\r\nno";
    let recorded = tokio::spawn(record(listener, b"content", answer));
    let request = http::Request::put("http://elsewhere.test:9/bucket/a?partNumber=1")
        .header("if-none-match", "*")
        .header("host", "elsewhere.test")
        .body(bytes::Bytes::from_static(b"content"))
        .unwrap();
    let answer = client().exchange(&endpoint(&format!("http://{address}")), request).await.unwrap();
    assert_eq!(answer.status(), 307, "a redirect is an answer, and not followed");
    assert_eq!(answer.headers()["etag"], "\"1\"");
    assert_eq!(answer.into_body().collect(9).await.unwrap(), "no");
    let sent = String::from_utf8(recorded.await.unwrap()).unwrap();
    let expected = format!(
        "PUT /bucket/a?partNumber=1 HTTP/1.1\r\nif-none-match: *\r\nhost: {address}\r\ncontent-length: 7\r\n\r\ncontent"
    );
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn these_bytes_and_no_others_are_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let recorded =
        tokio::spawn(record(listener, b"{\"a\":1}", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let received: HeaderMap = [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "vendor=1"),
        ("authorization", "Bearer ck_the_callers_own"),
        ("cookie", "session=1"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("user-agent", "evil"),
        ("openai-organization", "org"),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), HeaderValue::from_static(value)))
    .collect();
    let call = cordon_core::CallId::from_bytes([1; 16]);
    let trace = CallTrace::new(call, Parent::of(&received), |_, _| Sampling::Off);
    let request = UpstreamRequest {
        accept: Accept::EventStream,
        headers: vec![(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer sk-provider"))],
        trace: trace.onward(),
        ..post("{\"a\":1}")
    };
    let answer = client().send(&endpoint(&format!("http://{address}/v1/")), request).await.unwrap();
    assert_eq!(answer.status, 200);
    let expected = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nuser-agent: cordon/{}\r\n\
         accept: text/event-stream\r\naccept-encoding: identity\r\ncontent-type: application/json\r\n\
         authorization: Bearer sk-provider\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: vendor=1\r\n\
         content-length: 7\r\n\r\n{{\"a\":1}}",
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(String::from_utf8(recorded.await.unwrap()).unwrap(), expected);
}

#[tokio::test]
async fn a_get_has_no_body() {
    let upstream = FakeUpstream::start([Script::says("x")]).await;
    let request = UpstreamRequest { method: Method::GET, path: "/models", ..post("") };
    client().send(&endpoint(&upstream.base_url()), request).await.unwrap();
    let seen = upstream.last_request();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/models"));
    assert_eq!((seen.header("content-type"), seen.header("content-length")), (None, None));
}

#[tokio::test]
async fn only_listed_headers_come_back_and_redirects_are_not_followed() {
    let upstream = FakeUpstream::start([Script::answer(
        302,
        &[
            ("location", "http://169.254.169.254/"),
            ("set-cookie", "a=b"),
            ("content-type", "text/plain"),
            ("retry-after", "7"),
            ("x-request-id", "r1"),
            ("x-ratelimit-remaining-tokens", "9"),
            ("openai-processing-ms", "12"),
            ("connection", "keep-alive"),
            ("server", "x"),
        ],
        "moved",
    )])
    .await;
    let answer = client().send(&endpoint(&upstream.base_url()), post("{}")).await.unwrap();
    assert_eq!(answer.status, 302);
    let mut names: Vec<_> = answer.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let kept = [
        "content-type",
        "openai-processing-ms",
        "retry-after",
        "x-ratelimit-remaining-tokens",
        "x-request-id",
    ];
    assert_eq!(names, kept);
    assert_eq!(answer.body.collect(100).await.unwrap(), "moved");
    assert_eq!(upstream.count().requests, 1);
}

#[tokio::test]
async fn connections_are_kept_after_whole_answers_streamed_or_not() {
    let upstream = FakeUpstream::start([
        Script::says("one"),
        Script::streams(["t", "wo"]),
        Script::answer(204, &[], ""),
        Script::says("four"),
    ])
    .await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    for n in 0..4 {
        let answer = client.send(&endpoint, post("{}")).await.unwrap();
        assert_eq!(answer.timing.connect.is_some(), n == 0);
        answer.body.collect(1 << 20).await.unwrap();
        until(|| client.census() == Census { open: 1, idle: 1 }).await;
    }
    assert_eq!(upstream.count().accepted, 1);
}

#[tokio::test]
async fn a_reader_that_stops_at_the_last_event_keeps_the_connection() {
    let upstream = FakeUpstream::start([Script::streams(["x"]), Script::says("y")]).await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    let mut answer = client.send(&endpoint, post("{}")).await.unwrap();
    let mut parser = crate::sse::Parser::default();
    'reading: while let Some(chunk) = answer.body.chunk().await.unwrap() {
        parser.push(&chunk);
        while let Some(event) = parser.next().unwrap() {
            if event.data == "[DONE]" {
                break 'reading;
            }
        }
    }
    // The terminating chunk is on its way; it is there when the upstream has written it and the connection read it.
    upstream.until(|count| count.finished == 1).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    drop(answer);
    fetch(&client, &endpoint).await.unwrap();
    assert!(upstream.count().accepted <= 2);
}

#[tokio::test]
async fn calls_at_the_same_time_have_their_own_connections() {
    let gate = Gate::new();
    let upstream = FakeUpstream::start([
        Script::sse_head().event("a").wait(&gate).event("b").end(),
        Script::says("second"),
    ])
    .await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    let mut first = client.send(&endpoint, post("{}")).await.unwrap();
    assert_eq!(first.body.chunk().await.unwrap().unwrap(), "data: a\n\n");
    assert!(fetch(&client, &endpoint).await.unwrap().1.contains("second"));
    gate.open();
    assert_eq!(first.body.collect(1 << 20).await.unwrap(), "data: b\n\n");
    assert_eq!(upstream.count().accepted, 2);
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let upstream = FakeUpstream::start([Script::hang(), Script::sse_head().event("a").then_hang()]).await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    // Before the head of the answer.
    let call = tokio::spawn({
        let (client, endpoint) = (client.clone(), endpoint.clone());
        async move { client.send(&endpoint, post("{}")).await.map(drop) }
    });
    upstream.until(|count| count.requests == 1).await;
    call.abort();
    upstream.until(|count| count.abandoned == 1 && count.open == 0).await;
    // In the middle of its body.
    let mut answer = client.send(&endpoint, post("{}")).await.unwrap();
    answer.body.chunk().await.unwrap().unwrap();
    drop(answer);
    upstream.until(|count| count.abandoned == 2 && count.open == 0).await;
    until(|| client.census() == Census { open: 0, idle: 0 }).await;
}

#[tokio::test]
async fn each_step_has_its_time() {
    let timeouts = |change: fn(&mut Timeouts)| {
        let mut timeouts = Timeouts::default();
        change(&mut timeouts);
        timeouts
    };
    let limits = AnswerLimits::default();
    let stage = |outcome: Result<(u16, String), UpstreamError>| match outcome {
        Err(error @ UpstreamError::Timeout { stage, .. }) => {
            assert_eq!(error.code(), cordon_core::RefusalCode::UpstreamTimeout);
            stage
        }
        other => panic!("{other:?}"),
    };
    let upstream = FakeUpstream::start([
        Script::hang(),
        Script::sse_head().event("a").then_hang(),
        Script::sse_head().endless_chunk("data: x\n\n"),
        Script::sse_head().event("a").then_hang(),
        Script::hang(),
    ])
    .await;
    // A listener that takes connections and never speaks TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let slow = endpoint_with(&url, timeouts(|t| t.connect = SHORT), limits);
    let outcome = fetch(&client(), &slow).await;
    assert!(outcome.as_ref().unwrap_err().is_unsent());
    assert_eq!(stage(outcome), Stage::Connect);

    let url = upstream.base_url();
    let short = [
        (timeouts(|t| t.first_byte = SHORT), Stage::FirstByte),
        (timeouts(|t| t.idle = SHORT), Stage::Idle),
        (timeouts(|t| t.total = SHORT), Stage::Total),
        (timeouts(|t| t.total = SHORT), Stage::Total),
        (timeouts(|t| t.total = SHORT), Stage::Total),
    ];
    for (timeouts, expected) in short {
        let client = client();
        let outcome = fetch(&client, &endpoint_with(&url, timeouts, limits)).await;
        assert!(!outcome.as_ref().unwrap_err().is_unsent());
        assert_eq!(stage(outcome), expected);
        until(|| client.census().open == 0).await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_not_an_idle_upstream() {
    let gate = Gate::new();
    let upstream = FakeUpstream::start([Script::sse_head().event("a").wait(&gate).event("b").end()]).await;
    let timeouts = Timeouts { idle: SHORT, ..Timeouts::default() };
    let endpoint = endpoint_with(&upstream.base_url(), timeouts, AnswerLimits::default());
    let mut answer = client().send(&endpoint, post("{}")).await.unwrap();
    assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "data: a\n\n");
    gate.open();
    upstream.until(|count| count.finished == 1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "data: b\n\n");
    assert_eq!(answer.body.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn broken_upstreams_are_told_apart_and_not_repeated() {
    let cases: Vec<(Script, &str)> = vec![
        (Script::garbage(), "protocol"),
        (Script::new().raw(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol"),
        (Script::new().raw(b"HTTP/2.0 200 OK\r\n\r\n"), "protocol"),
        (
            Script::new().raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
            "protocol",
        ),
        (
            Script::new().raw(b"HTTP/1.1 200 OK\r\nx: a\r\n folded: b\r\ncontent-length: 0\r\n\r\n"),
            "protocol",
        ),
        (
            Script::new()
                .raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            "protocol",
        ),
        (
            Script::new()
                .raw(b"HTTP/1.1 200 OK\r\n")
                .endless_raw(b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec()),
            "protocol",
        ),
        (Script::sse_head().raw(b"zz\r\nhello\r\n"), "protocol"),
        (Script::new().close(), "closed"),
        (Script::new().reset(), "closed"),
        (Script::new().raw(b"HTTP/1.1 200 OK\r\ncontent-le").close(), "closed"),
        (Script::new().raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").close(), "closed"),
        (Script::sse_head().event("a").close(), "closed"),
        (Script::sse_head().event("a").reset(), "closed"),
        (Script::sse_head().endless_chunk([b'x'; 1000]), "too_large"),
        (Script::new().raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"), "too_large"),
        (Script::new().raw(b"HTTP/1.1 200 OK\r\n\r\n").endless_raw([b'x'; 1000]), "too_large"),
        (Script::answer(200, &[("content-encoding", "br")], "x"), "coding"),
        (Script::answer(200, &[("content-encoding", "gzip")], "plain"), "coding"),
        (Script::gzip(200, &[], &vec![0; 4 << 20]), "coding"),
    ];
    for (script, kind) in cases {
        let shown = format!("{script:?}");
        let upstream = FakeUpstream::start([script]).await;
        let limits = AnswerLimits { max_bytes: 1 << 16, max_ratio: 100 };
        let timeouts = Timeouts { idle: Duration::from_secs(5), ..Timeouts::default() };
        let client = client();
        let endpoint = endpoint_with(&upstream.base_url(), timeouts, limits);
        let error = fetch(&client, &endpoint).await.expect_err(&shown);
        assert_eq!(error.kind(), kind, "{shown}: {error:?}");
        assert!(!error.is_unsent(), "{shown}");
        assert_eq!(error.code(), cordon_core::RefusalCode::UpstreamFailed, "{shown}");
        for content in ["not http", "half", "filler", "hello"] {
            assert!(!text(&error).contains(content), "{}", text(&error));
        }
        until(|| client.census() == Census { open: 0, idle: 0 }).await;
        assert_eq!(upstream.count().requests, 1, "{shown}");
    }
}

#[tokio::test]
async fn an_answer_that_is_coded_unasked_is_decoded() {
    let upstream =
        FakeUpstream::start([Script::gzip(200, &[("content-type", "application/json")], b"{\"a\":1}")]).await;
    assert_eq!(
        fetch(&client(), &endpoint(&upstream.base_url())).await.unwrap(),
        (200, "{\"a\":1}".to_owned())
    );
}

#[tokio::test]
async fn informational_answers_are_passed_over() {
    let upstream = FakeUpstream::start([Script::new()
        .raw(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")])
    .await;
    assert_eq!(fetch(&client(), &endpoint(&upstream.base_url())).await.unwrap(), (200, "ok".to_owned()));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_and_an_unanswered_request_is_not_repeated() {
    let gate = Gate::new();
    let upstream = FakeUpstream::start([
        Script::answer(200, &[], "one").wait(&gate).close(),
        Script::answer(200, &[], "two"),
        Script::new().close(),
    ])
    .await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "one");
    until(|| client.census().idle == 1).await;
    gate.open();
    until(|| client.census().open == 0).await;
    assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "two");
    // The kept connection dies with the request on it: nobody knows what the upstream did with it.
    let error = fetch(&client, &endpoint).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Closed { unsent: false, .. }), "{error:?}");
    assert_eq!(upstream.count().requests, 3);
}

#[tokio::test]
async fn a_second_answer_that_nobody_asked_for_reaches_nobody() {
    let poison =
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\noneHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\
        content-length: 6\r\n\r\npoison";
    for poison in [&poison[..], chunked] {
        let upstream =
            FakeUpstream::start([Script::new().raw(poison), Script::answer(200, &[], "two")]).await;
        let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
        assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "one");
        assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "two");
        assert_eq!(upstream.count().accepted, 2);
    }
    // It comes later, while the connection waits for its next call.
    let gate = Gate::new();
    let late = Script::answer(200, &[], "one")
        .wait(&gate)
        .raw(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
    let upstream = FakeUpstream::start([late, Script::answer(200, &[], "two")]).await;
    let (client, endpoint) = (client(), endpoint(&upstream.base_url()));
    assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "one");
    gate.open();
    until(|| client.census().open == 0).await;
    assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "two");
}

#[tokio::test]
async fn connections_are_bounded_and_end_when_unused() {
    let gate = Gate::new();
    let upstream = FakeUpstream::start([Script::hang(), Script::answer(200, &[], "x").wait(&gate)]).await;
    let pool = PoolLimits { max_open: 1, idle: SHORT, ..PoolLimits::default() };
    let client = Client::new(&ClientConfig { pool, ..ClientConfig::default() }).unwrap();
    let endpoint = endpoint(&upstream.base_url());
    let call = tokio::spawn({
        let (client, endpoint) = (client.clone(), endpoint.clone());
        async move { client.send(&endpoint, post("{}")).await.map(drop) }
    });
    upstream.until(|count| count.requests == 1).await;
    let error = fetch(&client, &endpoint).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Busy { limit: 1, .. }) && error.is_unsent(), "{error:?}");
    call.abort();
    upstream.until(|count| count.abandoned == 1).await;
    until(|| client.census().open == 0).await;
    assert_eq!(fetch(&client, &endpoint).await.unwrap().1, "x");
    // The upstream keeps the connection; the pool closes it.
    upstream.until(|count| count.abandoned == 2 && count.open == 0).await;
}

#[tokio::test]
async fn nobody_listens_and_nobody_knows_the_name() {
    let address = closed_port().await;
    let error = fetch(&client(), &endpoint(&format!("http://{address}"))).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Connect { .. }) && error.is_unsent(), "{error:?}");
    let nameless = Client::new(&with_table(|_| Err(io::ErrorKind::NotFound.into()))).unwrap();
    let error = fetch(&nameless, &endpoint("http://upstream.test")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Dns { .. }), "{error:?}");
    let empty = Client::new(&with_table(|_| Ok(Vec::new()))).unwrap();
    let error = fetch(&empty, &endpoint("http://upstream.test")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Dns { .. }), "{error:?}");
    assert_eq!(error.code(), cordon_core::RefusalCode::UpstreamUnavailable);
}

#[tokio::test]
async fn the_address_that_is_connected_to_is_checked() {
    let upstream = FakeUpstream::answering(|_| Script::answer(200, &[], "reached").close()).await;
    let url = format!("://upstream.test:{}/v1", upstream.address().port());
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // A public name with a private address.
    let private = Client::new(&with_table(move |_| Ok(vec![loopback]))).unwrap();
    let public =
        Endpoint::new(&format!("https{url}"), Reach::Public, Timeouts::default(), AnswerLimits::default())
            .unwrap();
    let error = fetch(&private, &public).await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::Refused { address, class: Class::Private, .. } if address == loopback),
        "{error:?}"
    );
    assert!(error.is_unsent());
    // `localhost` by the machine's own resolver.
    let own = Endpoint::new(
        &format!("https://localhost:{}", upstream.address().port()),
        Reach::Public,
        Timeouts::default(),
        AnswerLimits::default(),
    )
    .unwrap();
    assert!(matches!(fetch(&client(), &own).await, Err(UpstreamError::Refused { .. })));
    // Only allowed ones of several are tried.
    let metadata = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
    let mixed = Client::new(&with_table(move |_| Ok(vec![metadata, loopback]))).unwrap();
    assert_eq!(fetch(&mixed, &endpoint(&format!("http{url}"))).await.unwrap().1, "reached");
    // A name that changes between two calls.
    let turn = std::sync::atomic::AtomicBool::new(false);
    let rebound = Client::new(&with_table(move |_| {
        let first = !turn.swap(true, std::sync::atomic::Ordering::SeqCst);
        Ok(vec![if first { loopback } else { metadata }])
    }))
    .unwrap();
    let service = endpoint(&format!("http{url}"));
    assert_eq!(fetch(&rebound, &service).await.unwrap().1, "reached");
    until(|| rebound.census().open == 0).await;
    let error = fetch(&rebound, &service).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Refused { class: Class::Never, .. }), "{error:?}");
    assert_eq!(upstream.count().requests, 2);
}

#[path = "tls_tests.rs"]
mod tls;

#[tokio::test]
async fn plain_http_goes_through_the_proxy_in_absolute_form() {
    let proxy = FakeUpstream::answering(|_| Script::answer(200, &[], "by proxy")).await;
    let proxies =
        ProxyEnv { http: Some(format!("http://me:secret@{}", proxy.address())), ..ProxyEnv::default() };
    let config = ClientConfig { proxies, ..with_table(|name| panic!("{name} was resolved")) };
    let client = Client::new(&config).unwrap();
    let service = endpoint("http://upstream.test:8000/v1");
    for _ in 0..2 {
        assert_eq!(fetch(&client, &service).await.unwrap().1, "by proxy");
        until(|| client.census().idle == 1).await;
    }
    let seen = proxy.last_request();
    assert_eq!(seen.path, "http://upstream.test:8000/v1/chat/completions");
    assert_eq!(seen.header("host"), Some("upstream.test:8000"));
    assert_eq!(seen.header("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(proxy.count().accepted, 1);
}
