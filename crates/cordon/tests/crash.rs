//! `kill -9` at random moments under load: what a caller saw is in the record, whole, once.
//!
//! `CORDON_TEST_KILLS` says how often (default 200), `CORDON_TEST_SEED` which moments.
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
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use cordon_core::{
    CallId, KeySecret,
    record::{Closed, Opened, Outcome},
};
use cordon_testkit::{FakeUpstream, Script, TempDir, chunking::Random};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use support::{
    Frames, World,
    binary::{Server, output},
    chat, real_time,
};
use tokio::sync::watch;

const FOLDERS: usize = 2;
const CALLERS: usize = 4;
/// One kill in so many comes while the process starts.
const EARLY: usize = 8;
/// So much a caller may see before the kill: heads, pieces of streams, ends.
const EVENTS: usize = 60;
/// From the last of these to the kill.
const LATEST: usize = 3_000;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

/// What a caller saw of one call.
#[derive(Debug)]
struct Seen {
    call: CallId,
    stream: bool,
    status: u16,
    /// Any byte of the answer's body.
    begun: bool,
    /// All of it.
    whole: bool,
}

/// A data folder with a route and a key, that is served and killed again and again.
struct Place {
    _folder: TempDir,
    data: PathBuf,
    key: Arc<KeySecret>,
}

impl Place {
    async fn new(upstream: &FakeUpstream) -> Self {
        let World { node, folder, key, .. } = World::with(&upstream.base_url(), "", "", real_time).await;
        let data = node.handles.settings.data.clone();
        node.stop().await.unwrap();
        Self { _folder: folder, data, key: Arc::new(key) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_saw_is_recorded_whole_and_once_wherever_the_process_is_killed() {
    let upstream = FakeUpstream::answering(|request| match request.json()["stream"].as_bool() {
        Some(true) => Script::streams(["Hello ", "there. ", "How are ", "you?"]),
        _ => Script::says("Hello."),
    })
    .await;
    let kills = usize::try_from(number("CORDON_TEST_KILLS", 200)).unwrap();
    let seed = number("CORDON_TEST_SEED", 7);
    let mut running = Vec::new();
    for folder in 0..FOLDERS {
        let place = Place::new(&upstream).await;
        let share = kills / FOLDERS + usize::from(folder < kills % FOLDERS);
        running.push(tokio::spawn(torment(place, share, seed.wrapping_add(folder as u64))));
    }
    let mut all = Tally::default();
    for running in running {
        let tally = running.await.unwrap();
        all.add(&tally);
    }
    println!("{kills} kills, seed {seed}: {all:?}");
    // The load was real: calls of each kind, and calls that the kills cut off.
    assert!(all.whole > kills && all.streams > kills && all.interrupted > 0, "{all:?}");
}

#[derive(Debug, Default)]
struct Tally {
    /// Calls that callers saw whole.
    whole: usize,
    /// Streams that callers saw a byte of.
    streams: usize,
    /// Frames `opened` in the journal.
    opened: usize,
    /// Calls that a kill cut off.
    interrupted: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.whole += other.whole;
        self.streams += other.streams;
        self.opened += other.opened;
        self.interrupted += other.interrupted;
    }
}

/// Serves and kills, then compares what was seen with what is recorded.
async fn torment(place: Place, kills: usize, seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let mut seen = Vec::new();
    for _ in 0..kills {
        if random.below(EARLY) == 0 {
            let server = Server::spawn(&place.data);
            tokio::time::sleep(Duration::from_micros(random.below(20 * LATEST) as u64)).await;
            server.kill();
            continue;
        }
        let (server, at) = Server::ready(&place.data).await;
        let (events, mut watched) = watch::channel(0_usize);
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| tokio::spawn(calls(at.gateway, Arc::clone(&place.key), number, events.clone())))
            .collect();
        let moment = random.below(EVENTS);
        let reached = watched.wait_for(|events| *events >= moment);
        tokio::time::timeout(Duration::from_secs(30), reached).await.expect("calls are answered").unwrap();
        // The moment itself is what is random here.
        tokio::time::sleep(Duration::from_micros(random.below(LATEST) as u64)).await;
        server.kill();
        for caller in callers {
            seen.extend(caller.await.unwrap());
        }
    }
    // Once more, to its end: what the last kill cut off is closed by this start.
    let (server, _) = Server::ready(&place.data).await;
    server.terminate();
    assert!(server.ended().await.success());
    let frames = Frames::read(&place.data);
    let tally = compare(&frames, &seen);
    listed(&place.data, &frames);
    tally
}

/// Calls one after the other, streamed and not, until the connection is lost.
async fn calls(
    at: SocketAddr,
    key: Arc<KeySecret>,
    number: usize,
    events: watch::Sender<usize>,
) -> Vec<Seen> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut seen = Vec::new();
    for turn in number.. {
        match call(&client, at, &key, turn % 2 == 0, &events).await {
            Ok(call) => {
                let cut_off = !call.whole;
                seen.push(call);
                if cut_off {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    seen
}

async fn call(
    client: &Client<HttpConnector, Full<Bytes>>,
    at: SocketAddr,
    key: &KeySecret,
    stream: bool,
    events: &watch::Sender<usize>,
) -> Result<Seen, hyper_util::client::legacy::Error> {
    let request = Request::post(format!("http://{at}/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", key.expose()))
        .body(Full::new(Bytes::from(chat("Say hello.", stream))))
        .unwrap();
    let mut response = client.request(request).await?;
    events.send_modify(|events| *events += 1);
    let id = response.headers()["cordon-call-id"].to_str().unwrap();
    let status = response.status().as_u16();
    let mut seen = Seen { call: CallId::parse(id).unwrap(), stream, status, begun: false, whole: false };
    let mut body = Vec::new();
    while let Some(Ok(frame)) = response.frame().await {
        body.extend_from_slice(&frame.into_data().unwrap());
        seen.begun = true;
        events.send_modify(|events| *events += 1);
    }
    // A body that was cut off is not whole, however it was framed.
    seen.whole = match stream {
        true => body.ends_with(b"data: [DONE]\n\n"),
        false => serde_json::from_slice::<serde_json::Value>(&body).is_ok(),
    };
    Ok(seen)
}

fn compare(frames: &Frames, seen: &[Seen]) -> Tally {
    let mut opened: HashMap<CallId, &Opened> = HashMap::new();
    let mut closed: HashMap<CallId, &Closed> = HashMap::new();
    for frame in &frames.opened {
        assert!(opened.insert(frame.call, frame).is_none(), "opened twice: {frame:?}");
    }
    for frame in &frames.closed {
        let twice = closed.insert(frame.call, frame);
        assert!(twice.is_none(), "closed twice: {twice:?} and {frame:?}");
    }
    for call in seen {
        if call.begun || call.whole {
            assert!(opened.contains_key(&call.call), "not opened: {call:?}");
        }
        if call.whole {
            let end = closed.get(&call.call).unwrap_or_else(|| panic!("not closed: {call:?}"));
            assert_eq!((end.outcome, end.status), (Outcome::Released, call.status), "{call:?}");
        }
    }
    for call in opened.keys() {
        assert!(closed.contains_key(call), "left open: {call}");
    }
    for call in closed.keys() {
        assert!(opened.contains_key(call), "an end without a beginning: {call}");
    }
    Tally {
        whole: seen.iter().filter(|call| call.whole).count(),
        streams: seen.iter().filter(|call| call.stream && call.begun).count(),
        opened: opened.len(),
        interrupted: closed.values().filter(|closed| closed.outcome == Outcome::Interrupted).count(),
    }
}

/// The index says the same as the journal.
fn listed(data: &Path, frames: &Frames) {
    let ran = output(data, &["calls", "list", "--json", "--limit", "1000000"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut of_journal: Vec<(String, u64, String)> = frames
        .closed
        .iter()
        .map(|closed| {
            let outcome = serde_json::to_value(closed.outcome).unwrap();
            (closed.call.to_string(), u64::from(closed.status), outcome.as_str().unwrap().to_owned())
        })
        .collect();
    let mut of_index: Vec<(String, u64, String)> = String::from_utf8(ran.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let call: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| call[member].as_str().unwrap_or_default().to_owned();
            (text("call_id"), call["status"].as_u64().unwrap(), text("outcome"))
        })
        .collect();
    of_journal.sort();
    of_index.sort();
    assert_eq!(of_index.len(), of_journal.len());
    assert_eq!(of_index, of_journal);
}
