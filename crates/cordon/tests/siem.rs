//! What a SIEM gets: everything, in order, at least once, whatever happens to its sink, and nothing of what was said.
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
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use cordon::siem::{Options, Progress, Records, Target};
use cordon_core::resource::SecretRef;
use cordon_guard::upstream::{Environment, Resolver};
use cordon_store::{Log as _, SqliteLog};
use cordon_testkit::{FakeUpstream, Script};
use serde_json::Value;
use support::{CARDS_AND_ADDRESSES, World, tls};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    sync::{Semaphore, watch},
};

const TOKEN: &str = "collector-token";
const CARD: &str = "4111 1111 1111 1111";

/// Attempts that failed wait here until the test lets one go.
#[derive(Clone)]
struct Pauses(Arc<Semaphore>, watch::Sender<u32>);

impl Pauses {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)), watch::Sender::new(0))
    }

    fn options(&self, target: Target) -> Options {
        let pauses = self.clone();
        Options {
            target,
            token: None,
            records: Records::Security,
            ca_bundle: None,
            file_bytes: 1 << 20,
            pause: Arc::new(move |attempt| {
                let Pauses(turns, seen) = pauses.clone();
                Box::pin(async move {
                    seen.send_replace(attempt + 1);
                    turns.acquire().await.unwrap().forget();
                })
            }),
        }
    }

    async fn failed(&self, attempts: u32) {
        self.1.subscribe().wait_for(|seen| *seen >= attempts).await.unwrap();
    }
}

async fn progress(world: &World, wished: impl Fn(&Progress) -> bool) -> Progress {
    let mut progress = world.node.handles.siem.clone().unwrap();
    let found =
        tokio::time::timeout(std::time::Duration::from_secs(20), progress.wait_for(|now| wished(now))).await;
    match found {
        Ok(found) => found.unwrap().clone(),
        Err(_) => panic!("it never came to that: {:?}", world.node.handles.siem.clone().unwrap().borrow()),
    }
}

/// Ends the node, and gives what its folder holds: how many facts, and the uids of its frames that are events of `all`.
async fn end(world: World) -> (u64, Vec<String>, cordon_testkit::TempDir) {
    let World { node, folder, .. } = world;
    let data = node.handles.settings.data.clone();
    node.stop().await.unwrap();
    let facts = SqliteLog::open(&data.join("log.db")).await.unwrap().head().await.unwrap();
    (facts, frames(&data), folder)
}

fn frames(data: &Path) -> Vec<String> {
    let id = cordon_store::journal::list(&data.join("journal")).unwrap()[0];
    let mut reader = cordon_store::journal::Reader::open(&data.join("journal"), id).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.read().unwrap() {
        if !frame.payload.starts_with(b"{\"opened\"") {
            frames.push(format!("frame:{id}:{}", frame.sequence));
        }
    }
    frames
}

fn uids(events: &[Value], prefix: &str) -> Vec<String> {
    let uids = events.iter().map(|event| event["metadata"]["uid"].as_str().unwrap().to_owned());
    uids.filter(|uid| uid.starts_with(prefix)).collect()
}

/// Without what was sent again: all of it in order, from the first one on, none missing.
fn without_duplicates(uids: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    uids.into_iter().filter(|uid| seen.insert(uid.clone())).collect()
}

fn numbered(facts: u64) -> Vec<String> {
    (0..facts).map(|n| format!("fact:{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_was_down_gets_everything_in_order() {
    let upstream = FakeUpstream::start((0..8).map(|_| Script::says("ok"))).await;
    // What a collector does with a request: 0 refuses it, 1 takes it, 2 takes it and answers with an error.
    let (mode, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::<Value>::new())));
    let (does, takes) = (Arc::clone(&mode), Arc::clone(&taken));
    let collector = FakeUpstream::answering(move |request| {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/services/in"));
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        let events = request.json().as_array().unwrap().clone();
        assert!(!events.is_empty() && events.len() <= 256);
        let mode = does.load(Ordering::SeqCst);
        if mode == 0 {
            return Script::answer(503, &[], "later");
        }
        if mode == 3 && events.len() > 2 {
            return Script::answer(413, &[], "too large");
        }
        takes.lock().unwrap().extend(events);
        Script::answer(if mode == 2 { 500 } else { 202 }, &[], "")
    })
    .await;
    let pauses = Pauses::new();
    let target = Target::parse(&format!("{}/services/in", collector.base_url())).unwrap().unwrap();
    let options = Options {
        token: Some(SecretRef::Env("SIEM_TOKEN".to_owned())),
        records: Records::All,
        ..pauses.options(target)
    };
    let world = World::with(&upstream.base_url(), "", CARDS_AND_ADDRESSES, |settings| {
        settings.siem = Some(options);
        settings.environment = Environment::with(|name| match name {
            "SIEM_TOKEN" => Some(TOKEN.to_owned()),
            _ => Some("sk-upstream".to_owned()),
        });
    })
    .await;
    // Down: calls go on, nothing is acknowledged, the lag is seen.
    pauses.failed(1).await;
    assert_eq!(world.chat("the launch word is xylophone").await.status, 200);
    assert_eq!(world.chat(&format!("pay with {CARD}")).await.status, 400);
    pauses.0.add_permits(1);
    pauses.failed(2).await;
    let down = progress(&world, |now| now.failures >= 2 && now.frames >= 4).await;
    assert!(down.sent == 0 && down.facts > 0 && down.trouble.unwrap().contains("503"));
    // It takes a batch, and its answer is lost: the same ids come again.
    mode.store(2, Ordering::SeqCst);
    pauses.0.add_permits(1);
    pauses.failed(3).await;
    assert!(uids(&taken.lock().unwrap(), "fact:").first().is_some_and(|uid| uid == "fact:0"));
    // It is up, and takes two at a time.
    mode.store(3, Ordering::SeqCst);
    pauses.0.add_permits(1);
    let up = progress(&world, |now| now.sent > 0 && now.frames == 0).await;
    assert_eq!(up.trouble, None);
    assert!(world.node.handles.metrics.siem_events.get() > 0);
    assert_eq!(world.node.handles.metrics.siem_failures.get(), 3);
    mode.store(1, Ordering::SeqCst);
    assert_eq!(world.chat("again").await.status, 200);
    let (facts, frames, _folder) = end(world).await;
    let taken = taken.lock().unwrap();
    let got = uids(&taken, "fact:");
    assert!(got.iter().filter(|uid| *uid == "fact:0").count() == 2, "{got:?}");
    assert_eq!(without_duplicates(got), numbered(facts));
    // Every end of a call, and the one request that was found to hold something.
    let got = without_duplicates(uids(&taken, "frame:"));
    assert_eq!(got.iter().filter(|uid| frames.contains(uid)).cloned().collect::<Vec<_>>(), frames);
    assert_eq!(got.len(), frames.len() + 1);
    let text = serde_json::to_string(&*taken).unwrap();
    for said in ["xylophone", CARD, "pay with", "sk-upstream", TOKEN] {
        assert!(!text.contains(said), "an event holds `{said}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_cursor_is_written_sends_again_and_loses_nothing() {
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("ok"))).await;
    let pauses = Pauses::new();
    let out = cordon_testkit::TempDir::new().unwrap();
    let path = out.path().join("events.json");
    let options = Options { records: Records::All, ..pauses.options(Target::File(path.clone())) };
    let world = World::with(&upstream.base_url(), "", "", |settings| settings.siem = Some(options)).await;
    progress(&world, |now| now.sent >= 5).await;
    let mut old = None;
    let cursor = world.node.handles.settings.data.join("siem.cursor");
    old.replace(std::fs::read(&cursor).unwrap());
    assert_eq!(world.chat("one").await.status, 200);
    progress(&world, |now| now.frames == 0).await;
    // As after a crash between the acknowledgement and the cursor, in the middle of a line.
    let world = world
        .again(|data| {
            std::fs::write(data.join("siem.cursor"), old.take().unwrap()).unwrap();
            let mut text = std::fs::read_to_string(&path).unwrap();
            text.push_str("{\"cut");
            std::fs::write(&path, text).unwrap();
        })
        .await;
    assert_eq!(world.chat("two").await.status, 200);
    let (facts, frames, folder) = end(world).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let (cut, whole): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| *line == "{\"cut");
    assert_eq!(cut.len(), 1);
    let events: Vec<Value> = whole.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sent = uids(&events, "");
    assert!(sent.len() > without_duplicates(sent.clone()).len(), "nothing was sent twice");
    assert_eq!(without_duplicates(uids(&events, "fact:")), numbered(facts));
    assert_eq!(without_duplicates(uids(&events, "frame:")), frames);
    // The same id is the same event.
    let mut known = std::collections::BTreeMap::new();
    for event in events {
        let uid = event["metadata"]["uid"].as_str().unwrap().to_owned();
        assert_eq!(known.entry(uid).or_insert_with(|| event.clone()), &event);
    }
    let cursor: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("data/siem.cursor")).unwrap()).unwrap();
    assert_eq!(cursor["fact"], facts);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_about_security_stays_away_and_unknown_callers_do_not() {
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("write to jo@example.org"))).await;
    let out = cordon_testkit::TempDir::new().unwrap();
    let path = out.path().join("events.json");
    let options = Pauses::new().options(Target::File(path.clone()));
    let world =
        World::with(&upstream.base_url(), "", CARDS_AND_ADDRESSES, |settings| settings.siem = Some(options))
            .await;
    assert_eq!(world.chat("hello").await.status, 200);
    let mut request = world.request(support::chat("hi", false));
    request.headers_mut().insert("authorization", "Bearer wrong".parse().unwrap());
    assert_eq!(world.send(request).await.status, 401);
    end(world).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // What was being written when the node stopped is written again: an event has its uid.
    let mut seen = BTreeSet::new();
    let classes: Vec<u64> = events
        .iter()
        .filter(|event| event["metadata"]["log_name"] == "calls")
        .filter(|event| seen.insert(event["metadata"]["uid"].to_string()))
        .map(|event| event["class_uid"].as_u64().unwrap())
        .collect();
    assert_eq!(classes, [2004, 3002]);
    assert!(!text.contains("jo@example.org"));
}

/// A syslog receiver with a certificate of its own authority.
struct Receiver {
    bundle: tempfile::NamedTempFile,
    port: u16,
    /// Tears connections down before their end.
    breaks: Arc<AtomicBool>,
    read: watch::Sender<Vec<u8>>,
}

impl Receiver {
    async fn start() -> Self {
        let (acceptor, authority) = tls::authority(&["siem.test"]);
        let bundle = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(bundle.path(), authority).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (breaks, read) = (Arc::new(AtomicBool::new(true)), watch::Sender::new(Vec::new()));
        let (breaking, reading) = (Arc::clone(&breaks), read.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut tls) = acceptor.accept(stream).await else { continue };
                let mut all = Vec::new();
                if breaking.load(Ordering::SeqCst) {
                    // Part of it is read, then the connection is reset.
                    let mut some = [0; 32];
                    assert!(tls.read(&mut some).await.unwrap() > 0);
                    tls.get_ref().0.set_zero_linger().unwrap();
                    continue;
                }
                tls.read_to_end(&mut all).await.unwrap();
                reading.send_modify(|bytes| bytes.extend_from_slice(&all));
            }
        });
        Self { bundle, port, breaks, read }
    }
}

/// The messages of RFC 6587's octet counting, each taken apart.
fn messages(mut bytes: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let message = std::str::from_utf8(&bytes[space + 1..space + 1 + length]).unwrap();
        let parts: Vec<&str> = message.splitn(8, ' ').collect();
        assert!(parts[0].starts_with('<') && parts[0].ends_with(">1"), "{message}");
        assert!(cordon_core::Timestamp::parse(parts[1]).is_ok() && parts[2].starts_with("node-"));
        assert_eq!(parts[3..7], ["cordon", "-", "OCSF", "-"]);
        events.push(serde_json::from_str(parts[7]).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tls_is_sent_again_until_the_receiver_ends_in_order() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let receiver = Receiver::start().await;
    let pauses = Pauses::new();
    let target = Target::parse(&format!("syslog+tls://siem.test:{}", receiver.port)).unwrap().unwrap();
    let options = Options { ca_bundle: Some(receiver.bundle.path().to_owned()), ..pauses.options(target) };
    let world = World::with(&upstream.base_url(), "", CARDS_AND_ADDRESSES, |settings| {
        settings.siem = Some(options);
        settings.client.resolver = Resolver::Table(Arc::new(|_| Ok(vec!["127.0.0.1".parse().unwrap()])));
    })
    .await;
    pauses.failed(1).await;
    assert_eq!(world.chat(&format!("pay with {CARD}")).await.status, 400);
    let torn = progress(&world, |now| now.failures >= 1).await;
    assert_eq!(torn.sent, 0);
    receiver.breaks.store(false, Ordering::SeqCst);
    pauses.0.add_permits(100);
    progress(&world, |now| now.sent > 5 && now.frames == 0).await;
    let (facts, _, _folder) = end(world).await;
    let events = messages(&receiver.read.borrow());
    assert_eq!(uids(&events, "fact:"), numbered(facts));
    assert_eq!(uids(&events, "frame:").len(), 2);
    assert!(!String::from_utf8_lossy(&receiver.read.borrow()).contains(CARD));
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_to_a_receiver_that_is_not_trusted_is_not_sent() {
    let upstream = FakeUpstream::start([]).await;
    let receiver = Receiver::start().await;
    receiver.breaks.store(false, Ordering::SeqCst);
    let pauses = Pauses::new();
    let options = pauses.options(Target::Syslog { host: "siem.test".to_owned(), port: receiver.port });
    let world = World::with(&upstream.base_url(), "", "", |settings| {
        settings.siem = Some(options);
        settings.client.resolver = Resolver::Table(Arc::new(|_| Ok(vec!["127.0.0.1".parse().unwrap()])));
    })
    .await;
    pauses.failed(1).await;
    end(world).await;
    assert!(receiver.read.borrow().is_empty());
}
