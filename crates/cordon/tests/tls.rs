//! TLS of both listeners: HTTP/1.1 and HTTP/2, certificates of callers, replacement while calls run, and the real binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use cordon::{config::Raw, tls::Listeners};
use cordon_core::resource::SecretRef;
use cordon_guard::{
    server::{PROTOCOLS, Refreshed, ServerTls, TlsParts},
    upstream::Environment,
};
use cordon_testkit::{FakeUpstream, Script, TempDir};
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use support::{
    World, binary, chat,
    tls::{Authority, Certified},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const PATIENCE: Duration = Duration::from_secs(30);
const NAME: &str = "cordon.example";

/// Files of a listener in a folder.
fn write(folder: &Path, certified: &Certified) -> TlsParts {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    std::fs::write(&certificate, &certified.certificate).unwrap();
    std::fs::write(&key, &certified.key).unwrap();
    TlsParts { certificate, key: SecretRef::File(key.display().to_string()), client_ca: None }
}

fn open(parts: TlsParts) -> ServerTls {
    ServerTls::open(parts, &Environment::with(|_| None), &PROTOCOLS).unwrap()
}

/// A node whose gateway has this TLS, before an upstream that says yes.
async fn world(upstream: &FakeUpstream, tls: &ServerTls, header_timeout: Duration) -> World {
    World::with(&upstream.base_url(), "", "", |settings| {
        settings.tls = Listeners { gateway: Some(tls.clone()), control: None };
        settings.server.header_timeout = header_timeout;
    })
    .await
}

/// A caller who trusts an authority, and may have a certificate of his own.
async fn connect(
    at: SocketAddr,
    authority: &Authority,
    own: Option<&Certified>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        Some(own) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let socket = TcpStream::connect(at).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), socket).await
}

async fn http1(stream: TlsStream<TcpStream>) -> http1::SendRequest<Full<Bytes>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn http2(stream: TlsStream<TcpStream>) -> http2::SendRequest<Full<Bytes>> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A chat, as it is posted over this protocol.
fn request(world: &World, text: &str, stream: bool) -> Request<Full<Bytes>> {
    let mut request = world.request(chat(text, stream));
    *request.uri_mut() = format!("https://{NAME}/v1/chat/completions").parse().unwrap();
    request
}

async fn read(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = timeout(PATIENCE, response.into_body().collect()).await.unwrap().unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_come_over_both_protocols_and_many_over_one_connection() {
    let upstream = FakeUpstream::answering(|_| Script::says("My number is 4111 1111 1111 1111.")).await;
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let tls = open(write(folder.path(), &authority.certify(&[NAME])));
    let world = world(&upstream, &tls, PATIENCE).await;

    let mut first = http1(connect(world.node.gateway, &authority, None, "http/1.1").await.unwrap()).await;
    let answer = first.send_request(request(&world, "hi", false)).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
    let (status, text) = read(answer).await;
    assert_eq!(status, 200);
    assert!(!text.contains("4111 1"), "the same gates: {text}");

    let second = http2(connect(world.node.gateway, &authority, None, "h2").await.unwrap()).await;
    let calls = (0..40).map(|_| {
        let (mut sender, request) = (second.clone(), request(&world, "hi", false));
        tokio::spawn(async move {
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.version(), Version::HTTP_2);
            assert!(answer.headers().contains_key("cordon-call-id"));
            read(answer).await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let (status, text) = call.await.unwrap();
        assert!(status == 200 && !text.contains("4111 1"), "{status} {text}");
    }
    let refused = second.clone().send_request(request(&world, "hi", false).map(|_| Full::from("{"))).await;
    assert_eq!(read(refused.unwrap()).await.0, 400, "one refusal does not end the connection");
    let again = second.clone().send_request(request(&world, "hi", false)).await.unwrap();
    assert_eq!(read(again).await.0, 200);
    assert_eq!(world.frames().await.closed.len(), 43);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_one_of_its_streams_ends_that_call_alone() {
    let event = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"One. "},"finish_reason":null}]}"#;
    let hanging = Script::sse_head().event(event).then_hang();
    let upstream = FakeUpstream::start([hanging, Script::says("Two.")]).await;
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let tls = open(write(folder.path(), &authority.certify(&[NAME])));
    let world = world(&upstream, &tls, PATIENCE).await;
    let mut sender = http2(connect(world.node.gateway, &authority, None, "h2").await.unwrap()).await;
    let mut stream = sender.send_request(request(&world, "hi", true)).await.unwrap();
    timeout(PATIENCE, stream.frame()).await.unwrap().unwrap().unwrap();
    drop(stream);
    let gone = async {
        while !world.node.handles.gateway.running().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the call ends with its stream");
    let other = sender.send_request(request(&world, "hi", false)).await.unwrap();
    assert_eq!(read(other).await.0, 200, "the connection lives");
}

/// HTTP/2 of a caller who lets each stream send so much before it reads.
async fn narrow(stream: TlsStream<TcpStream>, window: u32) -> http2::SendRequest<Full<Bytes>> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_takes_nothing_of_an_answer_loses_that_stream_and_the_answer_is_not_kept() {
    const LONG: usize = 300_000;
    let upstream = FakeUpstream::answering(|request| {
        let asked = String::from_utf8(request.body.to_vec()).unwrap();
        let pieces = || std::iter::repeat_n("a word and another one ", LONG / 23);
        match (asked.contains("long"), asked.contains("\"stream\":true")) {
            (true, true) => Script::streams(pieces()),
            (true, false) => Script::says(&pieces().collect::<String>()),
            _ => Script::says("short"),
        }
    })
    .await;
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let tls = open(write(folder.path(), &authority.certify(&[NAME])));
    let world = World::with(&upstream.base_url(), "", "", |settings| {
        settings.tls = Listeners { gateway: Some(tls.clone()), control: None };
        settings.server.write_timeout = Duration::from_millis(300);
    })
    .await;

    // Windows that are never opened, that let one byte through, and that let a part of the answer through.
    let mut unread = Vec::new();
    for window in [0, 1, 4_000] {
        let stream = connect(world.node.gateway, &authority, None, "h2").await.unwrap();
        let mut sender = narrow(stream, window).await;
        for is_stream in [false, true] {
            let answer = sender.send_request(request(&world, "long", is_stream)).await.unwrap();
            assert_eq!(answer.status(), 200);
            unread.push((window, is_stream, answer, sender.clone()));
        }
    }
    // To read opens the window: nothing is read before it is too late.
    tokio::time::sleep(Duration::from_secs(4)).await;
    for (window, is_stream, answer, mut sender) in unread {
        let read_late = timeout(PATIENCE, answer.into_body().collect()).await.unwrap();
        assert!(read_late.is_err(), "window {window}, stream {is_stream}: all of it was kept");
        if window > 1_000 {
            let other = sender.send_request(request(&world, "hi", false)).await.unwrap();
            assert_eq!(read(other).await.0, 200, "the other streams of the connection go on");
        }
    }
    let gone = async {
        while !world.node.handles.gateway.running().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the streamed calls end, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_show_a_certificate_and_has_none_or_one_of_another_authority_is_not_let_in() {
    let upstream = FakeUpstream::answering(|_| Script::says("yes")).await;
    let (folder, authority, callers) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let client_ca = folder.path().join("callers.pem");
    std::fs::write(&client_ca, callers.pem()).unwrap();
    let parts = write(folder.path(), &authority.certify(&[NAME]));
    let tls = open(TlsParts { client_ca: Some(client_ca.clone()), ..parts });
    let world = world(&upstream, &tls, PATIENCE).await;
    let at = world.node.gateway;

    let own = callers.certify(&["app"]);
    let mut sender = http1(connect(at, &authority, Some(&own), "http/1.1").await.unwrap()).await;
    assert_eq!(read(sender.send_request(request(&world, "hi", false)).await.unwrap()).await.0, 200);
    let mut unknown = request(&world, "hi", false);
    unknown.headers_mut().remove("authorization");
    // An answer is read before its connection knows that it has ended.
    sender.ready().await.unwrap();
    assert_eq!(read(sender.send_request(unknown).await.unwrap()).await.0, 401, "a certificate is no key");

    let new_callers = Authority::new();
    let new = new_callers.certify(&["app"]);
    for shown in [None, Some(&new)] {
        assert!(!is_let_in(at, &authority, shown).await, "{:?}", shown.is_some());
    }

    // Another authority takes its place: whom the old one vouched for is let in no more, without a restart.
    assert!(is_let_in(at, &authority, Some(&own)).await);
    std::fs::write(&client_ca, new_callers.pem()).unwrap();
    assert!(matches!(tls.refresh(), Refreshed::Replaced));
    assert!(!is_let_in(at, &authority, Some(&own)).await, "the authority before is trusted no more");
    assert!(is_let_in(at, &authority, Some(&new)).await);
    sender.ready().await.unwrap();
    let kept = sender.send_request(request(&world, "hi", false)).await.unwrap();
    assert_eq!(read(kept).await.0, 200, "connections that there are keep what they began with");

    std::fs::write(&client_ca, "no certificate").unwrap();
    assert!(matches!(tls.refresh(), Refreshed::Refused(_)));
    assert!(!is_let_in(at, &authority, None).await, "nor does a broken file open the door");
    assert!(is_let_in(at, &authority, Some(&new)).await);
}

/// Whether a caller who shows this is answered.
async fn is_let_in(at: SocketAddr, authority: &Authority, shown: Option<&Certified>) -> bool {
    // TLS 1.3 tells a client after its own handshake is done.
    let Ok(mut stream) = connect(at, authority, shown, "http/1.1").await else { return false };
    let _maybe_closed = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(PATIENCE, stream.read_u8()).await.unwrap().is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_over_while_connections_stay_and_a_bad_one_is_not() {
    let upstream = FakeUpstream::answering(|_| Script::says("yes")).await;
    let (folder, old, new) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let tls = open(write(folder.path(), &old.certify(&[NAME])));
    let world = world(&upstream, &tls, PATIENCE).await;
    let at = world.node.gateway;
    let mut kept = http2(connect(at, &old, None, "h2").await.unwrap()).await;
    assert_eq!(read(kept.send_request(request(&world, "hi", false)).await.unwrap()).await.0, 200);
    assert!(matches!(tls.refresh(), Refreshed::Same));

    let first = tls.certificate();
    let next = new.certify(&[NAME]);
    // A key that does not belong to it yet: whoever replaces two files does it in two steps.
    std::fs::write(folder.path().join("tls.crt"), &next.certificate).unwrap();
    assert!(matches!(tls.refresh(), Refreshed::Refused(_)));
    assert!(matches!(tls.refresh(), Refreshed::Same), "it is told once");
    assert_eq!(tls.certificate(), first);
    connect(at, &old, None, "h2").await.expect("the one before stays in force");

    write(folder.path(), &next);
    assert!(matches!(tls.refresh(), Refreshed::Replaced));
    assert_ne!(tls.certificate(), first);
    assert!(connect(at, &old, None, "h2").await.is_err());
    let mut fresh = http1(connect(at, &new, None, "http/1.1").await.unwrap()).await;
    assert_eq!(read(fresh.send_request(request(&world, "hi", false)).await.unwrap()).await.0, 200);
    assert_eq!(read(kept.send_request(request(&world, "hi", false)).await.unwrap()).await.0, 200);

    std::fs::remove_file(folder.path().join("tls.crt")).unwrap();
    assert!(matches!(tls.refresh(), Refreshed::Refused(_)));
    assert!(matches!(tls.refresh(), Refreshed::Same));
    connect(at, &new, None, "h2").await.expect("still in force");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_or_asks_nothing_is_left_in_time() {
    let upstream = FakeUpstream::answering(|_| Script::says("yes")).await;
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let tls = open(write(folder.path(), &authority.certify(&[NAME])));
    let world = world(&upstream, &tls, Duration::from_millis(100)).await;
    let at = world.node.gateway;

    let mut silent = TcpStream::connect(at).await.unwrap();
    let mut plain = TcpStream::connect(at).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, silent.read_to_end(&mut rest)).await.expect("it is closed").unwrap();
    assert!(rest.is_empty());
    let _reset_or_alert = timeout(PATIENCE, plain.read_to_end(&mut rest)).await.expect("it is closed");
    assert!(!rest.starts_with(b"HTTP"), "no answer without TLS");

    let stream = connect(at, &authority, None, "h2").await.unwrap();
    let (sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let _ended_somehow =
        timeout(PATIENCE, connection).await.expect("a connection without a request is closed");
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_find_the_server_of_their_folder_by_the_certificate_that_it_noted() {
    let upstream = FakeUpstream::answering(|_| Script::says("yes")).await;
    let world = World::with(&upstream.base_url(), "", "", support::real_time).await;
    let World { node, folder, .. } = world;
    let data = node.handles.settings.data.clone();
    node.stop().await.unwrap();
    let authority = Authority::new();
    let parts = write(folder.path(), &authority.certify(&[NAME]));
    let mut command = binary::command(&data, &binary::UP);
    for listener in ["GATEWAY", "CONTROL"] {
        command
            .env(format!("CORDON_{listener}_TLS_CERTIFICATE"), &parts.certificate)
            .env(format!("CORDON_{listener}_TLS_KEY"), format!("{}", parts.key));
    }
    let mut server = binary::Server::of(command.stderr(std::process::Stdio::null()), &data);
    let at = server.addresses().await;
    connect(at.gateway, &authority, None, "h2").await.expect("the gateway speaks TLS");
    connect(at.control, &authority, None, "http/1.1").await.expect("so does the control listener");
    let ask = move |arguments: Vec<String>| {
        let data = data.clone();
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            binary::output(&data, &arguments)
        }
    };
    let own = ask(vec!["get".into(), "Route".into()]).await;
    let said = String::from_utf8_lossy(&own.stdout).into_owned();
    assert!(own.status.success() && said.contains("bot"), "{said} {}", String::from_utf8_lossy(&own.stderr));
    let named = ask(vec![
        "get".into(),
        "Route".into(),
        "--server".into(),
        format!("https://localhost:{}", at.control.port()),
    ])
    .await;
    assert!(!named.status.success(), "whoever names a server goes by the machine's trust and the name");

    // A running server looks at its files by itself, at both listeners, and notes for the commands what it shows now.
    let new = Authority::new();
    write(folder.path(), &new.certify(&[NAME]));
    let replaced = async {
        let shows = |at: SocketAddr, protocol: &'static str| {
            let new = &new;
            async move { connect(at, new, None, protocol).await.is_ok() }
        };
        while !(shows(at.gateway, "h2").await && shows(at.control, "http/1.1").await) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        while !ask(vec!["get".into(), "Route".into()]).await.status.success() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, replaced).await.expect("it looks every ten seconds");
    assert!(connect(at.gateway, &authority, None, "h2").await.is_err(), "the one before is shown no more");
    assert!(connect(at.control, &authority, None, "http/1.1").await.is_err());
}

#[test]
fn a_certificate_without_its_key_is_told_where_it_was_set() {
    for (text, said) in [
        ("[gateway.tls]\ncertificate = 'a.pem'", "gateway.tls.certificate: only beside `gateway.tls.key`"),
        ("[control.tls]\nkey = 'file:/k'", "control.tls.key: only beside `control.tls.certificate`"),
        (
            "[gateway.tls]\nclient_ca = 'c.pem'",
            "gateway.tls.client_ca: only beside `gateway.tls.certificate`",
        ),
    ] {
        let wrong = Raw::default().toml("cordon.toml", text).check().unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].source.starts_with("cordon.toml:2") && wrong[0].message == said, "{wrong:?}");
    }
    let folder = TempDir::new().unwrap();
    let other = Authority::new().certify(&[NAME]);
    let parts = write(folder.path(), &Authority::new().certify(&[NAME]));
    std::fs::write(folder.path().join("tls.key"), &other.key).unwrap();
    let error = ServerTls::open(parts.clone(), &Environment::with(|_| None), &PROTOCOLS).unwrap_err();
    assert!(error.to_string().contains("cannot be used together"), "{error}");
    std::fs::write(folder.path().join("tls.key"), "secret material").unwrap();
    let error = ServerTls::open(parts, &Environment::with(|_| None), &PROTOCOLS).unwrap_err();
    assert!(
        error.to_string().contains("has no private key") && !error.to_string().contains("material"),
        "{error}"
    );
}
