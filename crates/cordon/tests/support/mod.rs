//! A whole node in this process, with a scripted upstream and a caller over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "test code; not every test uses all of it"
)]

pub mod binary;
pub mod tls;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use cordon::{
    config::{Config, Raw},
    declare,
    node::{Node, Settings},
    up,
};
use cordon_core::{
    CallId, DurationMs, KeyId, KeySecret, Name, Timestamp,
    command::{NewKey, Wish},
    fact::Actor,
    record::{Attempted, Closed, ContentRead, Frame, Opened, Unknown},
};
use cordon_guard::{
    FileMemory,
    ports::{Clock, Entropy},
    server::ServerLimits,
    upstream::{ClientConfig, Environment},
};
use cordon_store::{held::HeldBounds, journal};
use cordon_testkit::{ManualClock, TempDir};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A guard with a rule that blocks card numbers, and one that redacts addresses.
pub const CARDS_AND_ADDRESSES: &str = r"
---
apiVersion: cordon/v1
kind: Guard
name: g
spec:
  scope: organisation
  rules:
    - {category: pii/card, action: block}
    - {category: pii/email, action: redact}
";

pub struct TestClock(pub ManualClock);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Random bytes of the machine: keys and ids must differ between nodes.
pub struct TestEntropy;

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

pub struct World {
    pub node: Node,
    pub clock: ManualClock,
    pub key: KeySecret,
    pub key_id: KeyId,
    pub folder: TempDir,
    client: Client<HttpConnector, Full<Bytes>>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Sends a request, and reads the whole answer.
pub async fn send(client: &Client<HttpConnector, Full<Bytes>>, request: Request<Full<Bytes>>) -> Reply {
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply { status: head.status, headers: head.headers, body }
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// The status and the kind of a problem (RFC 9457).
    pub fn problem(&self) -> (u16, String) {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), kind.trim_start_matches("urn:cordon:problem:").to_owned())
    }

    pub fn location(&self) -> String {
        self.header("location")
    }

    /// The cookie that is set, without its attributes.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    pub fn call(&self) -> CallId {
        CallId::parse(&self.header("cordon-call-id")).unwrap()
    }

    /// The text of a streamed answer.
    pub fn streamed(&self) -> String {
        let text = self.text();
        let events =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        events
            .filter_map(|data| {
                let value: serde_json::Value = serde_json::from_str(data).unwrap();
                value.pointer("/choices/0/delta/content").and_then(|text| text.as_str().map(str::to_owned))
            })
            .collect()
    }
}

pub fn settings(folder: &TempDir, clock: &ManualClock) -> Settings {
    Settings {
        data: folder.path().join("data"),
        gateway: "127.0.0.1:0".parse().unwrap(),
        control: "127.0.0.1:0".parse().unwrap(),
        client: ClientConfig::default(),
        environment: Environment::with(|name| (name == "UPSTREAM_KEY").then(|| "sk-upstream".to_owned())),
        server: ServerLimits { drain: Duration::from_secs(5), ..ServerLimits::default() },
        tls: cordon::tls::Listeners::default(),
        max_body_bytes: 1 << 20,
        body_timeout: Duration::from_secs(5),
        max_calls: 256,
        max_file_memory: FileMemory::USUAL,
        keep_alive: Duration::from_secs(15),
        // The machine of a test may be busy with other things.
        sheds: false,
        journal: journal::Options { segment_bytes: 1 << 20, ..journal::Options::default() },
        keep_bytes: 1 << 40,
        retention: None,
        seal_every: Duration::from_millis(10),
        objects: None,
        disk: Arc::new(journal::FileSystem),
        index_bytes: 1 << 30,
        content_key: None,
        content_bytes: 1 << 30,
        held: HeldBounds { files: 100, bytes: 1 << 30 },
        held_kept: DurationMs::from_secs(30 * 86_400),
        ledger_origin: Some("example.com/log".to_owned()),
        ledger_key: None,
        anchor_every: Duration::from_millis(20),
        siem: None,
        counters: None,
        telemetry: None,
        subject_header: Some("x-end-user".parse().unwrap()),
        site: cordon::identity::Site::loopback(),
        oidc: None,
        clock: Arc::new(TestClock(clock.clone())),
        entropy: Arc::new(TestEntropy),
    }
}

/// A whole node, with the routes of its control listener.
pub async fn start(settings: Settings) -> Node {
    let config: Config = Raw::default().check().unwrap();
    // Boxed: a node's start holds much, and tests nest it.
    Box::pin(Node::start(settings, |handles| up::routes(handles, config))).await.unwrap()
}

/// The machine's own time, for a folder that a real process serves later: keys that are good now, not at a set time.
pub fn real_time(settings: &mut Settings) {
    settings.clock = Arc::new(cordon::clock::Clock::system());
}

/// A team, a system, a service at this address, one route to it; `extra` is added, and its guards and limits apply.
pub fn resources(base_url: &str, route_extra: &str, extra: &str) -> String {
    format!(
        r#"
{{apiVersion: cordon/v1, kind: Team, name: t, spec: {{}}}}
---
{{apiVersion: cordon/v1, kind: System, name: s, spec: {{team: t, purpose: "tests", risk: minimal}}}}
---
apiVersion: cordon/v1
kind: Service
name: up
spec:
  protocol: openai
  base_url: "{base_url}"
  private_network: true
  secret: "env:UPSTREAM_KEY"
  timeouts: {{connect: 1s, first_byte: 2s, idle: 1s, total: 8s}}
---
{{apiVersion: cordon/v1, kind: Model, name: m, spec: {{service: up, upstream_name: upstream-model}}}}
---
{{apiVersion: cordon/v1, kind: Route, name: bot, spec: {{team: t, system: s, targets: [{{model: m}}]{route_extra}}}}}
---
{{apiVersion: cordon/v1, kind: Principal, name: app, spec: {{team: t, routes: [bot]}}}}
{extra}"#
    )
}

impl World {
    pub async fn new(base_url: &str) -> Self {
        Self::with(base_url, "", "", |_| {}).await
    }

    pub async fn with(base_url: &str, route: &str, extra: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
        let mut settings = settings(&folder, &clock);
        change(&mut settings);
        let node = start(settings).await;
        let mut world = Self {
            node,
            clock,
            key: KeySecret::new(KeyId::from_bytes([0; 8]), [0; 32]),
            key_id: KeyId::from_bytes([0; 8]),
            folder,
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        world.apply(&resources(base_url, route, extra)).await;
        world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
        world.key_id = KeySecret::parse(world.key.expose()).unwrap().0;
        world
    }

    /// A world of these parts: a node that was started again by the test itself.
    pub fn of(node: Node, clock: ManualClock, key: KeySecret, key_id: KeyId, folder: TempDir) -> Self {
        Self { node, clock, key, key_id, folder, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub async fn apply(&self, yaml: &str) {
        let reading = declare::read(&[declare::Source { name: "t.yaml".into(), bytes: yaml.into() }]);
        assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
        let wish = Wish::Apply(reading.declaration.resources());
        self.node.handles.sequencer.wish(wish, Actor::Local).await.unwrap();
    }

    pub async fn issue(&self, principal: &str, lifetime: DurationMs) -> KeySecret {
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        TestEntropy.fill(&mut id);
        TestEntropy.fill(&mut secret);
        let id = KeyId::from_bytes(id);
        let key = KeySecret::new(id, secret);
        let new = NewKey {
            id,
            secret: key.digest(),
            principal: Name::parse(principal).unwrap(),
            routes: Vec::new(),
            lifetime,
        };
        self.node.handles.sequencer.wish(Wish::IssueKey(new), Actor::Local).await.unwrap();
        key
    }

    /// Ends the node, does something to its folder, and starts it again.
    pub async fn again(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { node, clock, key, key_id, folder, client } = self;
        let settings = Settings::clone(&node.handles.settings);
        node.stop().await.unwrap();
        meanwhile(&settings.data);
        let node = start(settings).await;
        Self { node, clock, key, key_id, folder, client }
    }

    pub fn address(&self) -> SocketAddr {
        self.node.gateway
    }

    pub fn request(&self, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        self.post("/v1/chat/completions", body)
    }

    pub fn post(&self, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", self.address()))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .body(Full::new(body.into()))
            .unwrap()
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        send(&self.client, request).await
    }

    /// A response whose body the test reads itself.
    pub async fn open(&self, request: Request<Full<Bytes>>) -> http::Response<hyper::body::Incoming> {
        self.client.request(request).await.unwrap()
    }

    /// The service is never left alone, however often it fails.
    pub async fn without_breaker(&self, base_url: &str) {
        let always = "private_network: true\n  breaker: {enabled: false}";
        self.service(base_url, "private_network: true", always).await;
    }

    /// The protocol of the service becomes this one.
    pub async fn speaks(&self, protocol: &str, base_url: &str) {
        self.service(base_url, "protocol: openai", &format!("protocol: {protocol}")).await;
    }

    async fn service(&self, base_url: &str, what: &str, becomes: &str) {
        let yaml = resources(base_url, "", "").replace(what, becomes);
        let service = yaml.split("---").find(|part| part.contains("kind: Service")).unwrap().to_owned();
        self.apply(&service).await;
    }

    pub async fn chat(&self, text: &str) -> Reply {
        self.send(self.request(chat(text, false))).await
    }

    pub async fn stream(&self, text: &str) -> Reply {
        self.send(self.request(chat(text, true))).await
    }

    /// Ends the node and reads every frame that it wrote.
    pub async fn frames(self) -> Frames {
        let Self { node, folder, .. } = self;
        let data = node.handles.settings.data.clone();
        node.stop().await.unwrap();
        let frames = Frames::read(&data);
        drop(folder);
        frames
    }
}

pub struct Frames {
    pub opened: Vec<Opened>,
    pub attempted: Vec<Attempted>,
    pub closed: Vec<Closed>,
    pub unknown: Vec<Unknown>,
    pub reads: Vec<ContentRead>,
    /// The bytes of all frames together, to look for what must not be there.
    pub bytes: Vec<u8>,
}

impl Frames {
    /// Every frame of the one journal of a data folder that nobody serves.
    pub fn read(data: &Path) -> Self {
        let folder = data.join("journal");
        let journals = journal::list(&folder).unwrap();
        assert_eq!(journals.len(), 1, "a journal was left behind: {journals:?}");
        let mut frames = Self {
            opened: Vec::new(),
            attempted: Vec::new(),
            closed: Vec::new(),
            unknown: Vec::new(),
            reads: Vec::new(),
            bytes: Vec::new(),
        };
        let mut reader = journal::Reader::open(&folder, journals[0]).unwrap();
        while let Some(frame) = reader.read().unwrap() {
            frames.bytes.extend_from_slice(&frame.payload);
            match Frame::decode(&frame.payload).unwrap() {
                Frame::Opened(opened) => frames.opened.push(*opened),
                Frame::Attempted(attempted) => frames.attempted.push(*attempted),
                Frame::Closed(closed) => frames.closed.push(*closed),
                Frame::Unknown(unknown) => frames.unknown.push(*unknown),
                Frame::Read(read) => frames.reads.push(*read),
            }
        }
        frames
    }

    pub fn hold(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn closed_of(&self, call: CallId) -> &Closed {
        self.closed.iter().find(|closed| closed.call == call).expect("the call's end is recorded")
    }
}

pub fn chat(text: &str, stream: bool) -> String {
    serde_json::json!({"model": "bot", "stream": stream, "messages": [{"role": "user", "content": text}]})
        .to_string()
}
