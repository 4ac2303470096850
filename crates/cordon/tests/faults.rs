//! What callers see when something around the gateway fails, or when they do not keep to HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cordon_core::{DurationMs, HmacKey, KeySecret, command::Wish, fact::Actor, fact::Leaf};
use cordon_guard::{
    Gateway, Options, Parts,
    dispatch::Upstreams,
    ports::{Durable, RecordError, Recorder},
    upstream::{Client, ClientConfig, Environment},
};
use cordon_policy::Snapshot;
use cordon_store::{
    Log as _, SqliteLog,
    calls::CallQuery,
    log::Entry,
    sequencer::{Health, WishError},
};
use cordon_testkit::{FakeUpstream, Script};
use http_body_util::BodyExt as _;
use support::{TestClock, TestEntropy, World, chat};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Everything that the gateway says on a connection until it closes it.
async fn raw(world: &World, text: &str) -> String {
    let mut socket = TcpStream::connect(world.address()).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    // A reset after the answer is an end too.
    let _ = socket.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_cannot_hide_behind_a_refused_body() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::new(&upstream.base_url()).await;
    let bearer = format!("authorization: Bearer {}\r\nhost: x\r\n", world.key.expose());
    let hidden = format!("GET /v1/models HTTP/1.1\r\n{bearer}\r\n");
    let requests = [
        format!("POST /v1/chat/completions HTTP/1.1\r\n{bearer}content-length: 2000000\r\n\r\n{hidden}"),
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\n{bearer}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            hidden.len() + 5
        ),
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\n{bearer}content-encoding: zstd\r\ncontent-length: 4\r\n\r\nabcd{hidden}"
        ),
    ];
    for request in requests {
        let said = raw(&world, &request).await;
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "one answer, and the connection ends: {said}");
        assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    }
    assert_eq!(upstream.count().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_refused_in_time() {
    let upstream = FakeUpstream::start([]).await;
    let quick = |settings: &mut cordon::node::Settings| settings.body_timeout = Duration::from_millis(200);
    let world = World::with(&upstream.base_url(), "", "", quick).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
        world.key.expose()
    );
    let said = raw(&world, &head).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("body_timeout"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_log_a_route_serves_until_its_snapshot_is_too_old() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = World::with(&upstream.base_url(), ", max_snapshot_age: 1m", "", |_| {}).await;
    assert_eq!(world.chat("hi").await.status, 200);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(world.node.handles.settings.data.join(format!("log.db{suffix}")));
    }
    let mut committed = world.node.handles.sequencer.watch();
    committed.wait_for(|committed| committed.health != Health::Following).await.unwrap();
    assert_eq!(world.chat("hi").await.status, 200);
    world.clock.advance(DurationMs::from_secs(61));
    let reply = world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "snapshot_stale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_back_is_followed_again() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::with(&upstream.base_url(), ", max_snapshot_age: 1m", "", |_| {}).await;
    let (log, aside) =
        (world.node.handles.settings.data.join("log.db"), world.folder.path().join("aside.db"));
    let mut committed = world.node.handles.sequencer.watch();
    std::fs::rename(&log, &aside).unwrap();
    committed.wait_for(|committed| committed.health != Health::Following).await.unwrap();
    world.clock.advance(DurationMs::from_secs(61));
    assert_eq!(world.chat("hi").await.code(), "snapshot_stale");
    let refused = world.node.handles.sequencer.wish(Wish::RevokeKey(world.key_id, None), Actor::Local).await;
    assert!(matches!(refused, Err(WishError::Load(_) | WishError::Log(_))), "{refused:?}");
    std::fs::rename(&aside, &log).unwrap();
    committed.wait_for(|committed| committed.health == Health::Following).await.unwrap();
    // The gateway learns of it from the same source, a moment later.
    while !world.node.handles.gateway.is_ready() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.chat("hi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_gone_or_damaged_is_built_again() {
    let upstream = FakeUpstream::start((0..3).map(|_| Script::says("ok"))).await;
    let mut world = World::new(&upstream.base_url()).await;
    let mut calls = Vec::new();
    let damages: [fn(&std::path::Path); 3] = [
        |data| {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(data.join(format!("index.db{suffix}")));
            }
        },
        |data| std::fs::write(data.join("index.db"), "certainly no database".repeat(500)).unwrap(),
        |data| {
            let file = std::fs::OpenOptions::new().write(true).open(data.join("index.db")).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        },
    ];
    for damage in damages {
        calls.push(world.chat("hi").await.call());
        world = world.again(damage).await;
        let (index, size) = (&world.node.handles.index, *world.node.handles.journal.follow().borrow());
        let journal = *world.node.handles.journal.id().as_bytes();
        let built = async {
            // Behind the path, so that a start does not wait for it.
            while index.progress().await.unwrap().get(&journal).copied().unwrap_or(0) < size {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), built).await.expect("the index is built again");
        let mut listed: Vec<_> =
            index.query(&CallQuery::default()).await.unwrap().iter().map(|row| row.call).collect();
        listed.sort();
        let mut expected = calls.clone();
        expected.sort();
        assert_eq!(listed, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_stops_nothing_and_facts_stay_in_order() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    let team = |name: &str| format!("{{apiVersion: cordon/v1, kind: Team, name: {name}, spec: {{}}}}");
    let latest = || world.node.handles.sequencer.committed().state.time().unwrap();
    world.apply(&team("before")).await;
    let before = latest();
    assert_eq!(world.chat("hi").await.status, 200);
    world.clock.set(cordon_core::Timestamp::from_millis(before.as_millis() - 3_600_000));
    world.apply(&team("after")).await;
    assert_eq!(latest(), before, "the time of facts stands still until the clock is there again");
    let reply = world.chat("hi").await;
    assert_eq!(reply.status, 200);
    let call = reply.call();
    let frames = world.frames().await;
    let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
    assert!(opened.time <= frames.closed_of(call).time && opened.time < before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_of_a_newer_version_leaves_the_last_snapshot_in_force_and_the_node_not_ready() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    let log = SqliteLog::open(&world.node.handles.settings.data.join("log.db")).await.unwrap();
    let head = log.head().await.unwrap();
    let last = log.read(head - 1, head).await.unwrap().remove(0);
    let text = String::from_utf8(last.leaf).unwrap();
    let newer = text.replace("\"v\":1}", "\"v\":999}");
    assert_ne!(newer, text);
    let time = world.node.handles.sequencer.committed().state.time().unwrap();
    let leaf = Leaf { bytes: newer.into_bytes(), blob: None };
    log.append(head, &[Entry { time, touched: Vec::new(), leaf }], &[]).await.unwrap();

    let mut committed = world.node.handles.sequencer.watch();
    let stalled = |health: &Health| match health {
        Health::Stalled(stalled) => Some(stalled.to_string()),
        Health::Following | Health::Unreachable(_) => None,
    };
    committed.wait_for(|committed| stalled(&committed.health).is_some()).await.unwrap();
    let why = stalled(&committed.borrow().health).unwrap();
    assert!(why.contains("999") && why.contains("upgrade"), "{why}");
    while world.node.handles.gateway.is_ready() {
        tokio::task::yield_now().await;
    }
    let ready = |world: &World| {
        http::Request::get(format!("http://{}/readyz", world.address())).body(http_body_util::Full::default())
    };
    assert_eq!(world.send(ready(&world).unwrap()).await.status, 503);
    assert_eq!(world.chat("hi").await.status, 200);
    // A start finds the same.
    let world = world.again(|_| {}).await;
    assert_eq!(world.send(ready(&world).unwrap()).await.status, 503);
    assert_eq!(world.chat("hi").await.status, 200);
}

/// A recorder whose disk takes nothing.
#[derive(Default)]
struct Broken {
    offered: AtomicUsize,
}

impl Recorder for Broken {
    fn append(&self, _: Vec<Vec<u8>>) -> Durable {
        Box::pin(std::future::ready(Err(RecordError::Unwritable("the disk is full".to_owned()))))
    }

    fn offer(&self, frames: Vec<Vec<u8>>) {
        self.offered.fetch_add(frames.len(), Ordering::SeqCst);
    }
}

/// The same routes and key behind a gateway whose recorder is broken.
fn broken_gateway(world: &World) -> (Gateway, Arc<Broken>) {
    let recorder = Arc::new(Broken::default());
    let handles = &world.node.handles;
    let client = Client::new(&ClientConfig::default()).unwrap();
    let gateway = Gateway::new(Parts {
        clock: Arc::new(TestClock(world.clock.clone())),
        entropy: Arc::new(TestEntropy),
        recorder: Arc::<Broken>::clone(&recorder),
        capture: Arc::new(cordon_guard::ports::NoCapture),
        holding: Arc::new(cordon_guard::held::NoHolding),
        models: Arc::new(cordon_guard::remote::NoModels),
        tracer: Arc::new(cordon_guard::ports::NoTracer),
        counters: Arc::new(cordon_guard::limits::ProcessCounters::default()),
        meter: Arc::<cordon::metrics::Metrics>::clone(&handles.metrics),
        engine: handles.engine.clone(),
        upstreams: Upstreams::new(client, Environment::with(|_| Some("sk-upstream".to_owned()))),
        snapshot: Snapshot::compile(&handles.sequencer.committed().state),
        options: Options {
            build: "test",
            max_body_bytes: 1 << 20,
            body_timeout: Duration::from_secs(5),
            max_calls: 16,
            max_file_memory: cordon_guard::FileMemory::USUAL,
            keep_alive: Duration::from_secs(15),
            digest_key: HmacKey::from_bytes([1; 32]),
            pseudonym_key: HmacKey::from_bytes([2; 32]),
            subject_header: None,
        },
    });
    (gateway, recorder)
}

async fn ask(gateway: &Gateway, key: &KeySecret, stream: bool) -> (u16, String) {
    let request = http::Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {}", key.expose()))
        .body(http_body_util::Full::new(bytes::Bytes::from(chat("hi", stream))))
        .unwrap();
    let response = gateway.handle(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwritable_journal_closes_a_route_that_requires_it_and_only_that() {
    let scripts = [Script::says("the answer"), Script::streams(["the ", "answer"])];
    let upstream = FakeUpstream::start(scripts).await;
    let world = World::new(&upstream.base_url()).await;
    let (gateway, _) = broken_gateway(&world);
    for stream in [false, true] {
        let (status, said) = ask(&gateway, &world.key, stream).await;
        assert_eq!(status, 503, "{said}");
        assert!(said.contains("record_unavailable") && !said.contains("answer\""), "{said}");
    }

    let scripts = [Script::says("the answer"), Script::streams(["the ", "answer"])];
    let upstream = FakeUpstream::start(scripts).await;
    let world = World::with(&upstream.base_url(), ", audit: best-effort", "", |_| {}).await;
    let (gateway, recorder) = broken_gateway(&world);
    for stream in [false, true] {
        let (status, said) = ask(&gateway, &world.key, stream).await;
        assert!(status == 200 && said.contains("answer"), "{said}");
    }
    assert_eq!(recorder.offered.load(Ordering::SeqCst), 4, "two frames a call, kept for later");
}
