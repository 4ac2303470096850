//! A soak: callers of every kind on the real binary, while its upstream fails in every way, its counter store and its log go and come
//! back, models are quarantined and lifted, and resources change. In the end every answer was right, every call is in the record
//! once and as its caller saw it, and the whole record verifies. What is not restarted here is the process itself, whose kills have
//! tests of their own.
//!
//! By itself it is short. `cargo xtask soak` says how long in `CORDON_SOAK_SECONDS`, measures first how many calls a second this
//! machine serves, and then asks 70 % of that; memory must be flat then. `CORDON_SOAK_RATE` sets the calls a second.
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
    collections::{HashMap, HashSet},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use cordon_core::{CallId, KeySecret};
use cordon_testkit::{
    FakeUpstream, Script,
    server::{self, Server as ServerOfOthers},
};
use http::Request;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use support::{
    CARDS_AND_ADDRESSES, Reply, World,
    binary::{Server, UP, command, output},
    chat, real_time, send,
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

const CALLERS: u64 = 16;
/// Callers of a run that is long: more than are needed for 70 % of what the machine serves, where a call takes 50 ms because a model of
/// it failed first.
const MANY_CALLERS: u64 = 64;
/// Calls where no time is given, and how many of them come between two disturbances.
const CALLS: u64 = 480;
const BEAT: u64 = 40;
/// How long it is measured what the machine serves.
const MEASURED: Duration = Duration::from_secs(15);
/// The share of that which is then asked for, in percent.
const LOAD: u64 = 70;
/// How long the samples must have been taken for memory to be judged.
const SETTLED: Duration = Duration::from_secs(120);

/// How long it may take until a log that is back takes something.
const LOG_AGAIN: Duration = Duration::from_secs(60);

/// Another route, whose first model fails, and whose second answers; a limit that the store counts and that nobody reaches.
const MORE: &str = r#"
---
{apiVersion: cordon/v1, kind: Model, name: second, spec: {service: up, upstream_name: second-model}}
---
{apiVersion: cordon/v1, kind: Limit, name: wide, spec: {applies_to: {principal: app}, requests: {count: 1000000000, window: 60s}, when_unavailable: allow}}
"#;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Stream,
    /// A call in the other protocol, which is translated both ways.
    Message,
    /// A vector of a text.
    Embedding,
    /// The answer has an address, which is redacted.
    Address,
    /// The request has a card number, and is refused.
    Card,
    /// The first model fails so before its answer begins.
    Status(u16),
    Garbage,
    Reset,
    /// The first model breaks off after its answer has begun.
    Cut,
}

impl Kind {
    const fn of(number: u64) -> Self {
        match number % 50 {
            7 => Self::Status(500),
            17 => Self::Status(429),
            27 => Self::Garbage,
            37 => Self::Reset,
            47 => Self::Cut,
            n if n % 10 == 3 => Self::Address,
            n if n % 10 == 5 => Self::Card,
            n if n % 2 == 0 => Self::Stream,
            n if n % 20 == 1 => Self::Message,
            n if n % 20 == 9 => Self::Embedding,
            _ => Self::Whole,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Message => "/v1/messages",
            Self::Embedding => "/v1/embeddings",
            _ => "/v1/chat/completions",
        }
    }

    fn body(self, number: u64) -> String {
        let text = self.asks(number);
        match self {
            Self::Message => serde_json::json!({
                "model": "bot", "max_tokens": 64, "messages": [{"role": "user", "content": text}],
            })
            .to_string(),
            Self::Embedding => serde_json::json!({"model": "bot", "input": text}).to_string(),
            _ => chat(&text, self.stream()),
        }
    }

    const fn stream(self) -> bool {
        matches!(self, Self::Stream | Self::Cut)
    }

    fn asks(self, number: u64) -> String {
        match self {
            Self::Card => format!("echo {number}, and pay with 4111 1111 1111 1111"),
            _ => format!("echo {number}"),
        }
    }

    /// What a model says that does not fail.
    fn says(self, number: u64) -> String {
        match self {
            Self::Address => format!("echo {number} for jane.roe@example.com"),
            // So much that words of it leave before it breaks off.
            Self::Cut => format!("echo {number} and then some more words. Then others that nobody sees."),
            _ => format!("echo {number}"),
        }
    }

    fn script(self, number: u64, model: &str) -> Script {
        let says = self.says(number);
        let halves = says.split_at(says.len() / 2);
        match self {
            Self::Status(status) if model == "upstream-model" => Script::answer(status, &[], "no"),
            Self::Garbage if model == "upstream-model" => Script::garbage(),
            Self::Reset if model == "upstream-model" => Script::new().reset(),
            Self::Cut if model == "upstream-model" => Script::sse_head().event(&piece(halves.0)).close(),
            Self::Embedding => Script::answer(200, &[("content-type", "application/json")], vector(number)),
            kind if kind.stream() => Script::streams([halves.0, halves.1]),
            _ => Script::says(&says),
        }
    }

    /// Whether this answer is right. One of a failing model may be an honest error; a wrong word never.
    fn is_right(self, number: u64, reply: &Reply) -> bool {
        let status = reply.status.as_u16();
        let expected = match self {
            Self::Cut => self.says(number),
            _ => format!("echo {number}"),
        };
        let whole = || reply.json()["choices"][0]["message"]["content"].as_str().map(str::to_owned);
        match self {
            Self::Whole => status == 200 && whole() == Some(expected),
            Self::Address => {
                status == 200
                    && whole().is_some_and(|text| text.starts_with(&expected) && !text.contains("jane.roe"))
            }
            Self::Stream => status == 200 && reply.streamed() == expected,
            Self::Message => status == 200 && reply.json()["content"][0]["text"] == *expected,
            Self::Embedding => status == 200 && reply.json()["data"][0]["embedding"][0] == number,
            Self::Card => status == 400 && reply.code() == "content_blocked",
            Self::Status(_) | Self::Garbage | Self::Reset => {
                status == 200 && whole() == Some(expected) || status == 429 || status >= 500
            }
            // Its first words and an error, or all of it by the other model.
            Self::Cut => {
                let told = told(&reply.text());
                status == 200 && told.starts_with("echo") && expected.starts_with(&told)
            }
        }
    }
}

/// A piece of a streamed answer.
fn piece(text: &str) -> String {
    let delta = serde_json::json!({"content": text});
    serde_json::json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}],
    })
    .to_string()
}

/// An answer with a vector that says which call it is of.
fn vector(number: u64) -> String {
    serde_json::json!({
        "object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [number, 0.5]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    })
    .to_string()
}

/// The text of a stream that may end with an error.
fn told(body: &str) -> String {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.filter_map(|data| serde_json::from_str::<serde_json::Value>(data).ok());
    events
        .filter_map(|event| event.pointer("/choices/0/delta/content")?.as_str().map(str::to_owned))
        .collect()
}

/// What a caller saw.
#[derive(Clone, Copy)]
struct Seen {
    call: CallId,
    status: u16,
}

/// The calls of a run, and how fast they come.
struct Load {
    at: SocketAddr,
    /// What each request shows.
    bearer: String,
    next: AtomicU64,
    until: Until,
    callers: u64,
    /// Between two calls of one caller.
    pace: Option<Duration>,
    /// Those that were refused because there was more to do than could be done.
    shed: Mutex<HashSet<CallId>>,
    done: watch::Sender<u64>,
}

#[derive(Clone, Copy)]
enum Until {
    Calls(u64),
    Time(Instant),
}

impl Load {
    /// As many calls a second as are given, or as many as are answered.
    fn new(at: SocketAddr, key: &KeySecret, from: u64, until: Until, rate: Option<u64>) -> Arc<Self> {
        let callers = if matches!(until, Until::Time(_)) { MANY_CALLERS } else { CALLERS };
        Arc::new(Self {
            at,
            bearer: format!("Bearer {}", key.expose()),
            next: AtomicU64::new(from),
            until,
            callers,
            pace: rate.map(|rate| Duration::from_secs(callers).div_f64(rate as f64)),
            shed: Mutex::default(),
            done: watch::Sender::new(from),
        })
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let more = match self.until {
            Until::Calls(calls) => number < calls,
            Until::Time(end) => Instant::now() < end,
        };
        more.then_some(number)
    }

    /// Everything that the callers saw, when all have ended.
    async fn run(self: &Arc<Self>) -> Vec<Seen> {
        let callers: Vec<_> = (0..self.callers).map(|_| tokio::spawn(Arc::clone(self).caller())).collect();
        let mut seen = Vec::new();
        for caller in callers {
            seen.extend(caller.await.expect("every answer is right"));
        }
        self.done.send_replace(u64::MAX);
        seen
    }

    async fn caller(self: Arc<Self>) -> Vec<Seen> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut seen = Vec::new();
        let mut pace = self.pace.map(interval);
        while let Some(number) = self.take() {
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            seen.extend(self.call(&client, number).await);
            self.done.send_modify(|done| *done += 1);
        }
        seen
    }

    /// A call; nothing where it was refused as one too many, which is recorded call by call only once its body was read.
    async fn call(&self, client: &Client<HttpConnector, Full<Bytes>>, number: u64) -> Option<Seen> {
        let kind = Kind::of(number);
        let request = Request::post(format!("http://{}{}", self.at, kind.path()))
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("authorization", &self.bearer)
            .body(Full::new(Bytes::from(kind.body(number))))
            .unwrap();
        let reply = send(client, request).await;
        if reply.status == 503 && reply.text().contains("overloaded") {
            self.shed.lock().unwrap().insert(reply.call());
            return None;
        }
        assert!(kind.is_right(number, &reply), "{kind:?} {number}: {} {}", reply.status, reply.text());
        Some(Seen { call: reply.call(), status: reply.status.as_u16() })
    }
}

/// What happens beside the calls, one thing after so many of them, or a second.
struct Trouble<'a> {
    data: &'a Path,
    server: &'a Server,
    store: Option<(std::path::PathBuf, SocketAddr)>,
    running: Option<ServerOfOthers>,
    /// Calls between two disturbances; one a second without.
    beat: Option<u64>,
    /// Resident memory in bytes, and when.
    memory: Vec<(Instant, u64)>,
    changes: u64,
    /// The first model is quarantined.
    out: bool,
}

impl Trouble<'_> {
    /// Disturbs until the calls have ended.
    async fn make(&mut self, load: &Load) {
        let mut done = load.done.subscribe();
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let beat = self.beat.unwrap_or(u64::MAX / 2);
        let mut next = *done.borrow() + beat;
        loop {
            let now = tokio::select! {
                now = done.wait_for(|done| *done >= next) => *now.unwrap(),
                _ = seconds.tick(), if self.beat.is_none() => *load.done.borrow(),
            };
            self.memory.push((Instant::now(), resident(self.server)));
            if now == u64::MAX {
                break;
            }
            next = now + beat;
            tokio::task::block_in_place(|| self.disturb());
        }
        self.log_is_back();
        self.lifted();
    }

    fn disturb(&mut self) {
        self.changes += 1;
        let turn = self.changes;
        match turn % 8 {
            0 => {
                self.command(&["quarantine", "model/m", "--reason", "soak", "--finish"]);
                self.out = true;
            }
            1 => self.lifted(),
            2 => self.apply(&format!(
                "{{apiVersion: cordon/v1, kind: Limit, name: wide, spec: {{applies_to: {{principal: app}}, requests: {{count: {}, window: 60s}}, when_unavailable: allow}}}}",
                1_000_000_000 + turn
            )),
            // The store goes, and is back one disturbance later.
            3 => self.running = None,
            4 => {
                if let Some((program, address)) = &self.store {
                    self.running = ServerOfOthers::redis_at(program, *address);
                }
            }
            5 => self.apply(&model(turn)),
            // The log goes, and is back one disturbance later.
            6 => std::fs::rename(self.log(), self.aside()).unwrap(),
            _ => self.log_is_back(),
        }
    }

    fn log(&self) -> PathBuf {
        self.data.join("log.db")
    }

    fn aside(&self) -> PathBuf {
        self.data.with_file_name("log-aside.db")
    }

    /// Puts the log back where it is away, and waits until something is taken into it again.
    fn log_is_back(&mut self) {
        if !self.aside().exists() {
            return;
        }
        std::fs::rename(self.aside(), self.log()).unwrap();
        let began = Instant::now();
        let file = self.data.with_file_name("change.yaml");
        std::fs::write(&file, model(self.changes)).unwrap();
        while !output(self.data, &["apply", "-f", file.to_str().unwrap()]).status.success() {
            assert!(began.elapsed() < LOG_AGAIN, "the log is back, and takes nothing");
        }
    }

    fn lifted(&mut self) {
        if std::mem::take(&mut self.out) {
            self.command(&["quarantine", "lift", "model/m", "--reason", "soak"]);
        }
    }

    fn apply(&self, yaml: &str) {
        let file = self.data.with_file_name("change.yaml");
        std::fs::write(&file, yaml).unwrap();
        self.command(&["apply", "-f", file.to_str().unwrap()]);
    }

    fn command(&self, arguments: &[&str]) {
        let ran = output(self.data, arguments);
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// A model, as it is at this turn.
fn model(turn: u64) -> String {
    format!(
        "{{apiVersion: cordon/v1, kind: Model, name: m, spec: {{service: up, upstream_name: upstream-model, image_tokens: {turn}}}}}"
    )
}

/// Bytes of a process that are in memory (proc(5), `statm`).
fn resident(server: &Server) -> u64 {
    let path = format!("/proc/{}/statm", server.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4096
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_beside_them_every_answer_is_right_and_every_call_recorded() {
    let upstream = FakeUpstream::answering(|request| {
        let body = request.json();
        let asked = body["messages"][0]["content"].as_str().or_else(|| body["input"].as_str());
        let text = asked.unwrap_or_else(|| panic!("it has no text: {body}")).to_owned();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let number = digits.parse().expect("cards do not come here");
        Kind::of(number).script(number, body["model"].as_str().unwrap())
    })
    .await;
    let more = format!("{CARDS_AND_ADDRESSES}{MORE}");
    let world = World::with(&upstream.base_url(), ", fallback: [second]", &more, real_time).await;
    let World { node, folder: _folder, key, .. } = world;
    let data = node.handles.settings.data.clone();
    node.stop().await.unwrap();

    let store = server::find("REDIS", "redis-server");
    if store.is_none() {
        println!(
            "redis-server is not installed: limits are counted in the process, and no counter store goes away"
        );
    }
    let running = store.as_deref().map(ServerOfOthers::redis);
    let mut up = command(&data, &UP);
    up.env("CORDON_INDEX_MAX_SIZE", "64GiB").stderr(std::process::Stdio::null());
    if let Some(running) = &running {
        up.env("CORDON_LIMITS_STORE", format!("redis://{}/0", running.address));
    }
    let mut server = Server::of(&mut up, &data);
    let at = server.addresses().await;

    let (mut seen, mut shed) = (Vec::new(), HashSet::new());
    let mut from = 0;
    let (until, rate) = match number("CORDON_SOAK_SECONDS") {
        None => (Until::Calls(CALLS), None),
        Some(seconds) => {
            let rate = match number("CORDON_SOAK_RATE") {
                Some(rate) => rate,
                None => {
                    let began = Instant::now();
                    let load = Load::new(at.gateway, &key, 0, Until::Time(began + MEASURED), None);
                    seen = load.run().await;
                    shed = std::mem::take(&mut *load.shed.lock().unwrap());
                    from = load.next.load(Ordering::Relaxed);
                    let most =
                        seen.len() as u64 * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap();
                    println!("{most} calls/s at most, callers and upstream on the same machine");
                    most * LOAD / 100
                }
            };
            (Until::Time(Instant::now() + Duration::from_secs(seconds)), Some(rate.max(1)))
        }
    };
    upstream.forget();
    let load = Load::new(at.gateway, &key, from, until, rate);
    let store = store.zip(running.as_ref().map(|running| running.address));
    let mut trouble = Trouble {
        data: &data,
        server: &server,
        store,
        running,
        beat: rate.is_none().then_some(BEAT),
        memory: Vec::new(),
        changes: 0,
        out: false,
    };
    let began = Instant::now();
    let forgetting = async {
        let mut done = load.done.subscribe();
        let mut next = from;
        while *done.wait_for(|done| *done >= next).await.unwrap() != u64::MAX {
            upstream.forget();
            next = done.borrow_and_update().saturating_add(10_000);
        }
    };
    let (asked, (), ()) = tokio::join!(load.run(), trouble.make(&load), forgetting);
    let elapsed = began.elapsed();
    println!(
        "{} calls in {:.0} s ({:.0}/s), {} changes",
        asked.len(),
        elapsed.as_secs_f64(),
        asked.len() as f64 / elapsed.as_secs_f64(),
        trouble.changes
    );
    let one_too_many = std::mem::take(&mut *load.shed.lock().unwrap());
    println!("{} refused as one too many", one_too_many.len());
    assert!(
        rate.is_none() || one_too_many.len() * 100 <= asked.len(),
        "more is refused than the load explains"
    );
    assert!(trouble.changes >= 8, "nothing went wrong beside the calls");
    flat(&trouble.memory);
    seen.extend(asked);
    shed.extend(one_too_many);
    drop(trouble);

    server.terminate();
    assert!(server.ended().await.success());
    recorded(&data, &seen, &shed);
    let ran = output(&data, &["verify"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Memory in the last quarter of a long run is what it was in the second.
fn flat(memory: &[(Instant, u64)]) {
    let (Some((first, _)), Some((last, _))) = (memory.first(), memory.last()) else { return };
    let quarter = |at: usize| {
        let share = memory.len() / 4;
        let mut sizes: Vec<u64> =
            memory[at * share..(at + 1) * share].iter().map(|(_, bytes)| *bytes).collect();
        sizes.sort_unstable();
        sizes.get(sizes.len() / 2).copied().unwrap_or_default()
    };
    let [second, fourth] = [quarter(1), quarter(3)].map(|bytes| bytes as f64 / 1e6);
    println!("resident: {second:.1} MB in the second quarter, {fourth:.1} MB in the last");
    if last.duration_since(*first) >= SETTLED {
        assert!(fourth <= second * 1.1 + 8.0, "memory grows");
    }
}

/// Every call that a caller saw is listed once, as the caller saw it, and no other.
fn recorded(data: &Path, seen: &[Seen], shed: &HashSet<CallId>) {
    let mut listing = command(data, &["calls", "list", "--json", "--limit", "4000000000"]);
    let mut child = listing.stderr(std::process::Stdio::inherit()).spawn().unwrap();
    let mut listed: HashMap<CallId, u64> = HashMap::with_capacity(seen.len());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let call: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = CallId::parse(call["call_id"].as_str().unwrap()).unwrap();
        assert!(listed.insert(id, call["status"].as_u64().unwrap()).is_none(), "{id} is listed twice");
    }
    assert!(child.wait().unwrap().success());
    for call in seen {
        assert_eq!(listed.get(&call.call).copied(), Some(u64::from(call.status)), "{}", call.call);
    }
    let others = listed.keys().filter(|call| shed.contains(call)).count();
    assert_eq!(listed.len(), seen.len() + others);
    println!("{} calls recorded as they were seen", seen.len());
}
